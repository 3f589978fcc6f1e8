// SPDX-License-Identifier: GPL-2.0-only

//! Files below `/proc` that are read line by line.
//!
//! Unnecessary once there is a `kernel::proc_fs`, and `kernel::seq_file` has iterators.

use super::shim;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{null_mut, NonNull};
use kernel::bindings::{self, proc_dir_entry as Entry};
use kernel::error::{from_result, to_result};
use kernel::ffi::{c_int, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

/// What one reader sees of a file: its lines, one at a time.
pub(crate) trait Lines: Sized + Send {
    /// What all readers look at.
    type Data: Send + Sync + 'static;

    /// One or more lines, which are written together.
    type Line;

    /// Begins at the first line, for the program that calls.
    fn open() -> Self;

    /// Begins anew.
    fn rewind(&mut self);

    /// Returns the line that the reader is at. It may be asked for it again.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    fn line(&mut self, data: &Self::Data) -> Result<Option<Self::Line>>;

    /// Goes on behind this line, which it is at.
    fn pass(&mut self, line: &Self::Line);

    /// Writes a line.
    fn write(line: &Self::Line, output: &mut Output<'_>) -> fmt::Result;
}

/// Where lines go.
///
/// # Invariants
///
/// The pointer is to a valid `seq_file` that only the current `show` uses.
pub(crate) struct Output<'a>(NonNull<bindings::seq_file>, PhantomData<&'a ()>);

impl Output<'_> {
    /// Appends `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        // SAFETY: The file is valid and ours by the invariant. What does not fit it notes itself,
        // and asks for the line again, with more space.
        unsafe { bindings::seq_write(self.0.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
    }
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// A directory.
///
/// # Invariants
///
/// `entry` is a directory that [`Directory::new`] made and nobody has removed.
pub(crate) struct Directory {
    entry: NonNull<Entry>,
}

// SAFETY: procfs has its own locks.
unsafe impl Send for Directory {}
// SAFETY: As above.
unsafe impl Sync for Directory {}

impl Directory {
    /// Makes `/proc/<name>`.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(name: &'static CStr) -> Result<Arc<Self>> {
        // SAFETY: The name is static; no parent means the root of procfs.
        let entry = unsafe { shim::proc_mkdir(name.as_char_ptr(), null_mut()) };
        let entry = NonNull::new(entry).ok_or(ENOMEM)?;
        // INVARIANT: It has just been made.
        Ok(Arc::new(Directory { entry }, GFP_KERNEL)?)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: It is there by the invariant. It is empty: each file in it holds it.
        unsafe { shim::proc_remove(self.entry.as_ptr()) };
    }
}

/// A file that is there, until this is dropped.
///
/// # Invariants
///
/// `entry` is a file that [`Shown::new`] made of `file`, and that nobody has removed; `file` has
/// the calls of `L`, and the contents of `_data`.
pub(crate) struct Shown<L: Lines> {
    entry: NonNull<Entry>,
    _file: KBox<shim::kbus_proc_file>,
    _data: Arc<L::Data>,
    _directory: Arc<Directory>,
}

// SAFETY: procfs has its own locks; the data is `Send` and `Sync`.
unsafe impl<L: Lines> Send for Shown<L> {}
// SAFETY: As above.
unsafe impl<L: Lines> Sync for Shown<L> {}

impl<L: Lines> Shown<L> {
    /// Makes a file that everybody may read.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(
        directory: &Arc<Directory>,
        name: &'static CStr,
        data: Arc<L::Data>,
    ) -> Result<Self> {
        let file = KBox::new(
            shim::kbus_proc_file {
                open: Some(open::<L>),
                release: Some(release::<L>),
                data: Arc::as_ptr(&data).cast_mut().cast(),
            },
            GFP_KERNEL,
        )?;
        // SAFETY: The name is static, the directory valid by its invariant; what the file is made
        // of stays where it is until the file is removed.
        let entry =
            unsafe { shim::kbus_proc_create(name.as_char_ptr(), directory.entry.as_ptr(), &*file) };
        let entry = NonNull::new(entry).ok_or(ENOMEM)?;
        // INVARIANT: It has just been made, of these.
        Ok(Shown {
            entry,
            _file: file,
            _data: data,
            _directory: directory.clone(),
        })
    }
}

impl<L: Lines> Drop for Shown<L> {
    fn drop(&mut self) {
        // SAFETY: It is there by the invariant. Calls under way are waited for, and files that are
        // still open released; only then is it dropped what they use.
        unsafe { shim::proc_remove(self.entry.as_ptr()) };
    }
}

/// An open file.
struct Reader<L: Lines> {
    /// What [`Shown`] holds for as long as this can be used.
    data: NonNull<L::Data>,
    lines: L,
    /// The number of the line that `lines` is at.
    at: bindings::loff_t,
    /// That line, while it is being read.
    line: Option<L::Line>,
}

impl<L: Lines> Reader<L> {
    const OPERATIONS: &'static bindings::seq_operations = &bindings::seq_operations {
        start: Some(start::<L>),
        next: Some(next::<L>),
        stop: Some(stop::<L>),
        show: Some(show::<L>),
    };

    /// Gets the line that it is at, and returns it as seq_file wants it.
    fn get(&mut self) -> *mut c_void {
        // SAFETY: It is there as long as the file can be read, see `Shown`.
        let data = unsafe { self.data.as_ref() };
        match self.lines.line(data) {
            Ok(Some(line)) => core::ptr::from_mut(self.line.insert(line)).cast(),
            Ok(None) => null_mut(),
            Err(error) => error.to_ptr(),
        }
    }
}

/// Returns the reader of an open file.
///
/// # Safety
///
/// `file` is that of a file that [`open`] opened with this `L`; nobody else uses the reader.
unsafe fn reader<'a, L: Lines>(file: *mut bindings::seq_file) -> &'a mut Reader<L> {
    // SAFETY: `open` put it there, and `release` takes it back; calls for one file come one at a
    // time.
    unsafe { &mut *(*file).private.cast::<Reader<L>>() }
}

/// The `open` of a file.
///
/// # Safety
///
/// shim.c calls it, for a file that is being opened, with the data of a [`Shown`] of this `L`.
unsafe extern "C" fn open<L: Lines>(file: *mut bindings::file, data: *mut c_void) -> c_int {
    from_result(|| {
        let reader = Reader::<L> {
            data: NonNull::new(data.cast()).ok_or(EINVAL)?,
            lines: L::open(),
            at: 0,
            line: None,
        };
        let reader = KBox::new(reader, GFP_KERNEL_ACCOUNT)?;
        // SAFETY: The file is being opened, and has no private data yet.
        to_result(unsafe { bindings::seq_open(file, Reader::<L>::OPERATIONS) })?;
        // SAFETY: That has made a `seq_file`, which nobody else looks at yet.
        unsafe {
            let file = (*file).private_data.cast::<bindings::seq_file>();
            (*file).private = KBox::into_raw(reader).cast();
        }
        Ok(0)
    })
}

/// The `release` of a file.
///
/// # Safety
///
/// shim.c calls it, once, as the last call for a file that [`open`] opened with this `L`.
unsafe extern "C" fn release<L: Lines>(
    inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> c_int {
    // SAFETY: The file is one that `open` opened, and this its last call: the reader is ours again.
    let reader = unsafe {
        let file = (*file).private_data.cast::<bindings::seq_file>();
        KBox::from_raw((*file).private.cast::<Reader<L>>())
    };
    drop(reader);
    // SAFETY: As above.
    unsafe { bindings::seq_release(inode, file) }
}

/// The `start` of the `seq_operations`.
///
/// # Safety
///
/// seq_file calls it, for a file that [`open`] opened with this `L`; so with the others.
unsafe extern "C" fn start<L: Lines>(
    file: *mut bindings::seq_file,
    position: *mut bindings::loff_t,
) -> *mut c_void {
    // SAFETY: See `reader`. The position is valid.
    let (reader, position) = unsafe { (reader::<L>(file), *position) };
    // seq_file goes on where it stopped, or begins anew.
    if position != reader.at {
        reader.lines.rewind();
        reader.at = 0;
    }
    if position != reader.at {
        return null_mut();
    }
    reader.get()
}

/// The `next` of the `seq_operations`.
///
/// # Safety
///
/// See [`start`].
unsafe extern "C" fn next<L: Lines>(
    file: *mut bindings::seq_file,
    _: *mut c_void,
    position: *mut bindings::loff_t,
) -> *mut c_void {
    // SAFETY: See `reader`.
    let reader = unsafe { reader::<L>(file) };
    if let Some(line) = reader.line.take() {
        reader.lines.pass(&line);
    }
    reader.at += 1;
    // SAFETY: The position is valid, and wanted.
    unsafe { *position = reader.at };
    reader.get()
}

/// The `stop` of the `seq_operations`.
///
/// # Safety
///
/// See [`start`].
unsafe extern "C" fn stop<L: Lines>(file: *mut bindings::seq_file, _: *mut c_void) {
    // SAFETY: See `reader`. What a line holds is not held while nobody reads.
    unsafe { reader::<L>(file) }.line = None;
}

/// The `show` of the `seq_operations`.
///
/// # Safety
///
/// See [`start`].
unsafe extern "C" fn show<L: Lines>(file: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: See `reader`.
        let reader = unsafe { reader::<L>(file) };
        // INVARIANT: The file is valid, and ours for this call.
        let mut output = Output(NonNull::new(file).ok_or(EINVAL)?, PhantomData);
        if let Some(line) = &reader.line {
            L::write(line, &mut output).map_err(|_| EIO)?;
        }
        Ok(0)
    })
}
