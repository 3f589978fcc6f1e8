// SPDX-License-Identifier: GPL-2.0-only

//! Character devices with several minors, poll, and an owner.
//!
//! `kernel::miscdevice` of 7.2 names its devices at compile time, has no poll, and does not pin
//! the module while a file is open. Unnecessary once there is a `kernel::cdev` that does.

use super::caller::Abi;
use super::shim;
use super::transfer::{Destination, Pieces, Source, UserDestination, UserSource};
use super::waitq::{Events, WaitQueue};
use core::pin::Pin;
use core::ptr::NonNull;
use kernel::bindings;
use kernel::error::{from_result, to_result};
use kernel::ffi::{c_char, c_int, c_long, c_uint, c_ulong};
use kernel::fs::File;
use kernel::iov::{IovIterDest, IovIterSource};
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::types::ForeignOwnable;
use kernel::uaccess::UserPtr;

/// An open file of a character device. It is dropped when the file is released.
pub(crate) trait OpenFile: Sized + Send + Sync {
    /// What all devices have in common, and opening works on.
    type Driver: Send + Sync;

    /// Opens device number `minor`.
    ///
    /// # Errors
    ///
    /// Those of open(2).
    fn open(driver: &Self::Driver, minor: u32, file: &File) -> Result<Pin<KBox<Self>>>;

    /// Stores what there is to read, and returns how many bytes that were. Never waits for more.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    fn read(&self, to: impl Destination) -> Result<usize>;

    /// Takes what is written, and returns how many bytes it took. Never waits.
    ///
    /// # Errors
    ///
    /// Those of write(2).
    fn write(&self, from: &mut impl Source) -> Result<usize>;

    /// Does what number `code` asks for, and returns the call's result. `file` is its own.
    ///
    /// # Errors
    ///
    /// Those of ioctl(2).
    fn ioctl(&self, file: &File, code: u32, argument: usize, abi: Abi) -> Result<i32>;

    /// Returns the queue by which those who poll the file are woken. They wait in it until the
    /// file is released, which a borrow of an open file may last for, too.
    fn wait_queue(&self) -> &WaitQueue;

    /// Returns what can be done with the file without waiting. Who asked is woken by the queue
    /// when it is to ask again.
    fn poll(&self) -> Events;
}

/// A range of device numbers: one major, minors from 0 on.
///
/// # Invariants
///
/// `count` numbers from `first` on are registered, and ours. The minor of `first` is 0.
pub(crate) struct Numbers {
    first: bindings::dev_t,
    count: u32,
}

impl Numbers {
    /// Takes `count` numbers of a major that is free; they are listed by `name` in
    /// `/proc/devices`.
    ///
    /// # Errors
    ///
    /// EBUSY when no major is free, ENOMEM.
    pub(crate) fn new(count: u32, name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY: The name is static, `first` is valid for writing.
        to_result(unsafe {
            bindings::alloc_chrdev_region(&mut first, 0, count, name.as_char_ptr())
        })?;
        // INVARIANT: They have just been registered, from minor 0 on.
        Ok(Numbers { first, count })
    }

    /// Returns the device number of a minor.
    pub(super) fn device(&self, minor: u32) -> bindings::dev_t {
        // Minors are the low bits, and 0 in `first` by the invariant.
        self.first | minor
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        // SAFETY: By the invariant they are registered and ours.
        unsafe { bindings::unregister_chrdev_region(self.first, self.count) };
    }
}

/// The devices behind a range of numbers. Dropping it takes them away; no file of theirs can be
/// open then, because each pins the module.
///
/// # Invariants
///
/// `cdev` is a reference of ours to a cdev with `operations`, and with this module as its owner.
/// No other operations than those of the module's files get at it.
pub(crate) struct Registration<T: OpenFile> {
    /// What C calls. It stands beside the driver so that an `open` finds that.
    operations: bindings::file_operations,
    driver: T::Driver,
    /// Elsewhere, because others may hold it for longer than there is a registration.
    cdev: NonNull<bindings::cdev>,
    numbers: Arc<Numbers>,
}

// SAFETY: `cdev` is only touched by the character device core, which has its own locks; the
// driver is `Send`.
unsafe impl<T: OpenFile> Send for Registration<T> {}
// SAFETY: As above, and the driver is `Sync`.
unsafe impl<T: OpenFile> Sync for Registration<T> {}

impl<T: OpenFile> Registration<T> {
    /// Registers devices with these numbers: from here on they can be opened. A module whose
    /// loading fails goes even while files of its are open, so this is to be the last thing in it
    /// that can fail.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(numbers: Arc<Numbers>, driver: T::Driver) -> Result<Pin<KBox<Self>>> {
        // SAFETY: It may be called wherever one may sleep.
        let cdev = NonNull::new(unsafe { bindings::cdev_alloc() }).ok_or(ENOMEM)?;
        // INVARIANT: It gets them below, before anybody sees it.
        let this = KBox::pin(
            Registration {
                operations: Self::OPERATIONS,
                driver,
                cdev,
                numbers,
            },
            GFP_KERNEL,
        )?;
        let at: *const Self = &*this;
        // SAFETY: The cdev is ours, and nobody else has seen it. The operations stay where they
        // are, which is pinned, until `drop` takes the cdev away.
        to_result(unsafe {
            (*cdev.as_ptr()).ops = &raw const (*at).operations;
            (*cdev.as_ptr()).owner = super::this_module();
            bindings::cdev_add(cdev.as_ptr(), this.numbers.first, this.numbers.count)
        })?;
        Ok(this)
    }

    const OPERATIONS: bindings::file_operations = bindings::file_operations {
        owner: super::this_module(),
        open: Some(open::<T>),
        release: Some(release::<T>),
        read: Some(read::<T>),
        write: Some(write::<T>),
        // For readv, io_uring and AIO. A plain read or write costs less by the two above.
        read_iter: Some(read_iter::<T>),
        write_iter: Some(write_iter::<T>),
        poll: Some(poll::<T>),
        unlocked_ioctl: Some(ioctl::<T>),
        compat_ioctl: Some(compat_ioctl::<T>),
        ..pin_init::zeroed()
    };
}

impl<T: OpenFile> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: It is a reference of ours by the invariant; of a cdev that was not added there
        // is nothing more to take away. Nobody calls the operations any more: every open file,
        // and every open under way, holds a reference to the module, the cdev's owner.
        unsafe { bindings::cdev_del(self.cdev.as_ptr()) };
    }
}

/// Returns what is behind an open file.
///
/// # Safety
///
/// `file` is a file whose `private_data` is what [`open`] put there.
unsafe fn state<'a, T: OpenFile>(file: *mut bindings::file) -> Pin<&'a T> {
    // SAFETY: `open` stored a `Pin<KBox<T>>`, and `release`, which takes it back, is the last
    // call for a file.
    unsafe { <Pin<KBox<T>> as ForeignOwnable>::borrow((*file).private_data) }
}

/// The `open` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for an inode of a cdev with these operations, and a file that is being
/// opened and has them already.
unsafe extern "C" fn open<T: OpenFile>(
    inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    from_result(|| {
        // SAFETY: The operations that this is called by are those in a `Registration<T>`, which
        // stays where it is while files can be opened by them.
        let registration: &Registration<T> =
            unsafe { &*kernel::container_of!((*file).f_op, Registration<T>, operations) };
        // SAFETY: The inode is valid.
        let minor = unsafe { shim::kbus_inode_minor(inode) };
        // SAFETY: The file is valid, and its position is not used by anybody else yet.
        let this = T::open(&registration.driver, minor, unsafe {
            File::from_raw_file(file)
        })?;
        // SAFETY: The file is being opened: nobody else looks at it.
        unsafe {
            (*file).private_data = this.into_foreign();
            // io_uring need not have a worker read and write.
            shim::kbus_never_waits(file);
        }
        Ok(0)
    })
}

/// The `release` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, once, as the last operation on a file that [`open`] opened.
unsafe extern "C" fn release<T: OpenFile>(
    _inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    // SAFETY: It is what `open` put there, and the last call for the file.
    drop(unsafe { <Pin<KBox<T>> as ForeignOwnable>::from_foreign((*file).private_data) });
    0
}

/// The `read` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for a file that [`open`] opened.
unsafe extern "C" fn read<T: OpenFile>(
    file: *mut bindings::file,
    buffer: *mut c_char,
    count: usize,
    _position: *mut bindings::loff_t,
) -> isize {
    from_result(|| {
        // SAFETY: Called for a file that `open` opened.
        let this = unsafe { state::<T>(file) };
        let to = UserDestination::new(UserPtr::from_ptr(buffer.cast()), count);
        Ok(this.read(to)? as isize)
    })
}

/// The `write` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for a file that [`open`] opened.
unsafe extern "C" fn write<T: OpenFile>(
    file: *mut bindings::file,
    bytes: *const c_char,
    count: usize,
    _position: *mut bindings::loff_t,
) -> isize {
    from_result(|| {
        // SAFETY: Called for a file that `open` opened.
        let this = unsafe { state::<T>(file) };
        let at = UserPtr::from_ptr(bytes.cast_mut().cast());
        Ok(this.write(&mut UserSource { at, len: count })? as isize)
    })
}

/// The `read_iter` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS, io_uring or AIO calls it, for a file that [`open`] opened.
unsafe extern "C" fn read_iter<T: OpenFile>(
    request: *mut bindings::kiocb,
    to: *mut bindings::iov_iter,
) -> isize {
    from_result(|| {
        // SAFETY: The request is valid, and its file one that `open` opened.
        let this = unsafe { state::<T>((*request).ki_filp) };
        // SAFETY: It is ours for the call, and made to be read into.
        let to = unsafe { IovIterDest::from_raw(to) };
        Ok(this.read(Pieces::new(to))? as isize)
    })
}

/// The `write_iter` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS, io_uring or AIO calls it, for a file that [`open`] opened.
unsafe extern "C" fn write_iter<T: OpenFile>(
    request: *mut bindings::kiocb,
    from: *mut bindings::iov_iter,
) -> isize {
    from_result(|| {
        // SAFETY: The request is valid, and its file one that `open` opened.
        let this = unsafe { state::<T>((*request).ki_filp) };
        // SAFETY: It is ours for the call, and made to be written from.
        let from = unsafe { IovIterSource::from_raw(from) };
        Ok(this.write(from)? as isize)
    })
}

/// The `poll` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for a file that [`open`] opened, with a table that is null or valid.
unsafe extern "C" fn poll<T: OpenFile>(
    file: *mut bindings::file,
    table: *mut bindings::poll_table,
) -> bindings::__poll_t {
    // SAFETY: Called for a file that `open` opened.
    let this = unsafe { state::<T>(file) }.get_ref();
    // SAFETY: File and table are valid for the call, if there is a table. The queue lives until
    // the file is released: `wait_queue` may be called with a borrow that lasts so long.
    unsafe { this.wait_queue().watch(file, table) };
    this.poll().bits()
}

/// The `unlocked_ioctl` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for a file that [`open`] opened.
unsafe extern "C" fn ioctl<T: OpenFile>(
    file: *mut bindings::file,
    code: c_uint,
    argument: c_ulong,
) -> c_long {
    // SAFETY: Called for a file that `open` opened, which is valid for the call.
    let (this, file) = unsafe { (state::<T>(file), File::from_raw_file(file)) };
    from_result(|| Ok(this.ioctl(file, code, argument, Abi::Native)? as c_long))
}

/// The `compat_ioctl` of `OPERATIONS`.
///
/// # Safety
///
/// The VFS calls it, for a file that [`open`] opened.
unsafe extern "C" fn compat_ioctl<T: OpenFile>(
    file: *mut bindings::file,
    code: c_uint,
    argument: c_ulong,
) -> c_long {
    // SAFETY: Called for a file that `open` opened, which is valid for the call.
    let (this, file) = unsafe { (state::<T>(file), File::from_raw_file(file)) };
    // A 32-bit program's pointer, in the lower half.
    let argument = argument as u32 as usize;
    from_result(|| Ok(this.ioctl(file, code, argument, Abi::Compat)? as c_long))
}
