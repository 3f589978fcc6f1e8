// SPDX-License-Identifier: GPL-2.0

//! Character devices with several minors, poll, and an owner.
//!
//! `kernel::miscdevice` of 7.2 names its devices at compile time, has no poll, and does not pin
//! the module while a file is open. Unnecessary once there is a `kernel::cdev` that does.

use super::caller::Caller;
use super::waitq::{Events, PollTable};
use core::pin::Pin;
use kernel::bindings;
use kernel::error::{from_result, to_result};
use kernel::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};
use kernel::fs::File;
use kernel::prelude::*;
use kernel::types::{ForeignOwnable, Opaque};
use kernel::uaccess::{UserPtr, UserSlice, UserSliceReader, UserSliceWriter};

extern "C" {
    // Of a `struct inode`; the first is a `struct cdev`.
    fn kbus_inode_cdev(inode: *mut c_void) -> *mut c_void;
    fn kbus_inode_minor(inode: *mut c_void) -> c_uint;
}

/// Memory of the program that reads or writes.
#[derive(Clone, Copy)]
pub(crate) struct UserBuffer {
    at: UserPtr,
    /// In bytes.
    pub(crate) len: usize,
}

impl UserBuffer {
    /// Its first `len` bytes.
    pub(crate) fn first(self, len: usize) -> UserBuffer {
        let len = len.min(self.len);
        UserBuffer { len, ..self }
    }

    pub(crate) fn reader(self) -> UserSliceReader {
        UserSlice::new(self.at, self.len).reader()
    }

    pub(crate) fn writer(self) -> UserSliceWriter {
        UserSlice::new(self.at, self.len).writer()
    }
}

/// An open file of a character device. It is dropped when the file is released.
pub(crate) trait OpenFile: Sized + Send + Sync {
    /// What all devices have in common, and opening works on.
    type Driver: Send + Sync;

    /// Opens device number `minor`.
    fn open(driver: &Self::Driver, minor: u32, file: &File) -> Result<Pin<KBox<Self>>>;

    /// Fills the user's buffer; answers how many bytes.
    fn read(&self, buffer: UserBuffer) -> Result<usize>;

    /// Takes the user's bytes; answers how many.
    fn write(&self, buffer: UserBuffer) -> Result<usize>;

    /// Does what number `code` asks for.
    fn ioctl(&self, code: u32, argument: usize, caller: Caller) -> Result<i32>;

    /// What can be done with the file without waiting; `table` wakes the caller when to ask
    /// again.
    fn poll(&self, table: &PollTable<'_>) -> Events;
}

/// A range of device numbers: one major, minors from 0 on.
pub(crate) struct Numbers {
    first: bindings::dev_t,
    count: u32,
}

impl Numbers {
    /// Takes `count` numbers of a major that is free; they are listed by `name` in
    /// `/proc/devices`.
    pub(crate) fn new(count: u32, name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY: The name is static, `first` is valid for writing.
        to_result(unsafe {
            bindings::alloc_chrdev_region(&mut first, 0, count, name.as_char_ptr())
        })?;
        Ok(Numbers { first, count })
    }

    /// The device number of a minor.
    pub(super) fn device(&self, minor: u32) -> bindings::dev_t {
        // Minors are the low bits; the first one is 0.
        self.first | minor
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        // SAFETY: Exactly these were taken in `new`.
        unsafe { bindings::unregister_chrdev_region(self.first, self.count) };
    }
}

/// The devices behind a range of numbers. Dropping it takes them away; no file of theirs can be
/// open then, because each pins the module.
#[pin_data(PinnedDrop)]
pub(crate) struct Devices<T: OpenFile> {
    #[pin]
    cdev: Opaque<bindings::cdev>,
    driver: T::Driver,
}

// SAFETY: `cdev` is only touched by the character device core, which has its own locks; the
// driver is `Send`.
unsafe impl<T: OpenFile> Send for Devices<T> {}
// SAFETY: As above, and the driver is `Sync`.
unsafe impl<T: OpenFile> Sync for Devices<T> {}

impl<T: OpenFile> Devices<T> {
    /// From here on the devices can be opened.
    pub(crate) fn new<'a>(
        numbers: &'a Numbers,
        driver: T::Driver,
    ) -> impl PinInit<Self, Error> + use<'a, T> {
        try_pin_init!(Devices {
            driver,
            cdev <- Opaque::try_ffi_init(|slot: *mut bindings::cdev| {
                // SAFETY: The slot is valid and pinned until `drop` takes the cdev back; the
                // operations are static. `driver` is initialised already, as fields are in the
                // order in which they stand here, so that an `open` finds it.
                to_result(unsafe {
                    bindings::cdev_init(slot, Self::OPERATIONS);
                    (*slot).owner = super::this_module();
                    bindings::cdev_add(slot, numbers.first, numbers.count)
                })
            }),
        })
    }

    const OPERATIONS: &'static bindings::file_operations = &bindings::file_operations {
        owner: super::this_module(),
        open: Some(open::<T>),
        release: Some(release::<T>),
        read: Some(read::<T>),
        write: Some(write::<T>),
        poll: Some(poll::<T>),
        unlocked_ioctl: Some(ioctl::<T>),
        compat_ioctl: Some(compat_ioctl::<T>),
        ..pin_init::zeroed()
    };
}

#[pinned_drop]
impl<T: OpenFile> PinnedDrop for Devices<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: It was added in `new`. Nobody uses it any more: every open file, and every
        // open under way, holds a reference to the module.
        unsafe { bindings::cdev_del(self.cdev.get()) };
    }
}

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
/// The VFS calls it, for an inode of a cdev with these operations and a file being opened.
unsafe extern "C" fn open<T: OpenFile>(
    inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    from_result(|| {
        // SAFETY: `open` is called for an inode whose cdev uses these operations, and those are
        // used only by the cdevs of `Devices<T>`, which live while they can be opened.
        let devices: &Devices<T> = unsafe {
            let cdev = kbus_inode_cdev(inode.cast()).cast::<bindings::cdev>();
            &*kernel::container_of!(Opaque::cast_from(cdev), Devices<T>, cdev)
        };
        // SAFETY: The inode is valid.
        let minor = unsafe { kbus_inode_minor(inode.cast()) };
        // SAFETY: The file is valid, and its position is not used by anybody else yet.
        let this = T::open(&devices.driver, minor, unsafe { File::from_raw_file(file) })?;
        // SAFETY: The file is being opened: nobody else looks at it.
        unsafe { (*file).private_data = this.into_foreign() };
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
        let at = UserPtr::from_ptr(buffer.cast());
        Ok(this.read(UserBuffer { at, len: count })? as isize)
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
        Ok(this.write(UserBuffer { at, len: count })? as isize)
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
    // SAFETY: Called for a file that `open` opened, which stays valid for the call; so does the
    // table, if there is one.
    unsafe {
        let table = PollTable::from_raw(File::from_raw_file(file), table);
        state::<T>(file).poll(&table).bits()
    }
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
    // SAFETY: Called for a file that `open` opened.
    let this = unsafe { state::<T>(file) };
    from_result(|| Ok(this.ioctl(code, argument, Caller::Native)? as c_long))
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
    // SAFETY: Called for a file that `open` opened.
    let this = unsafe { state::<T>(file) };
    // A 32-bit program's pointer, in the lower half.
    let argument = argument as u32 as usize;
    from_result(|| Ok(this.ioctl(code, argument, Caller::Compat)? as c_long))
}
