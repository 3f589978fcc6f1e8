// SPDX-License-Identifier: GPL-2.0

//! Files below `/proc`.
//!
//! Unnecessary once there is a `kernel::proc_fs`.

use core::marker::PhantomData;
use core::ptr::{null_mut, NonNull};
use kernel::bindings;
use kernel::error::from_result;
use kernel::ffi::{c_char, c_int, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

extern "C" {
    fn proc_mkdir(name: *const c_char, parent: *mut Entry) -> *mut Entry;
    fn proc_create_single_data(
        name: *const c_char,
        mode: bindings::umode_t,
        parent: *mut Entry,
        // Its first argument is a `struct seq_file`.
        show: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        data: *mut c_void,
    ) -> *mut Entry;
    fn proc_remove(entry: *mut Entry);
}

/// `struct proc_dir_entry`: known by its address only.
#[repr(C)]
struct Entry {
    _private: [u8; 0],
}

/// What a file shows.
pub(crate) trait Show {
    type Data: Send + Sync + 'static;

    /// Writes the whole content. It may be called again when the output was too small for it.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    fn show(data: &Self::Data, output: &Output<'_>) -> Result;
}

/// Where the content goes.
///
/// # Invariants
///
/// The pointer is to a valid `seq_file` that only the current `show` uses.
pub(crate) struct Output<'a>(*mut bindings::seq_file, PhantomData<&'a ()>);

impl Output<'_> {
    /// Appends `bytes`.
    pub(crate) fn write(&self, bytes: &[u8]) {
        // SAFETY: The file is valid and ours by the invariant. What does not fit it notes itself,
        // and calls `show` again with more room.
        unsafe { bindings::seq_write(self.0, bytes.as_ptr().cast(), bytes.len()) };
    }
}

/// A directory; everything in it goes with it.
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
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: The name is static; no parent means the root of procfs.
        let entry = unsafe { proc_mkdir(name.as_char_ptr(), null_mut()) };
        let entry = NonNull::new(entry).ok_or(ENOMEM)?;
        // INVARIANT: It has just been made.
        Ok(Directory { entry })
    }

    /// Makes a file in it that everybody may read.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn file<S: Show>(
        &self,
        name: &'static CStr,
        data: Arc<S::Data>,
    ) -> Result<Shown<S>> {
        // SAFETY: The name is static, the directory valid by its invariant, and the data stays until the file is
        // removed, which `Shown` does first.
        let entry = unsafe {
            proc_create_single_data(
                name.as_char_ptr(),
                0o444,
                self.entry.as_ptr(),
                show::<S>,
                Arc::as_ptr(&data).cast_mut().cast(),
            )
        };
        let entry = NonNull::new(entry).ok_or(ENOMEM)?;
        // INVARIANT: It has just been made, of these.
        Ok(Shown { entry, _data: data })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: It is there by the invariant. Files in it were removed before, or go with it.
        unsafe { proc_remove(self.entry.as_ptr()) };
    }
}

/// A file that is there. It must be dropped before its directory.
///
/// # Invariants
///
/// `entry` is a file that [`Directory::file`] made, that nobody has removed, and that shows the
/// contents of `_data`.
pub(crate) struct Shown<S: Show> {
    entry: NonNull<Entry>,
    _data: Arc<S::Data>,
}

// SAFETY: procfs has its own locks; the data is `Send` and `Sync`.
unsafe impl<S: Show> Send for Shown<S> {}
// SAFETY: As above.
unsafe impl<S: Show> Sync for Shown<S> {}

impl<S: Show> Drop for Shown<S> {
    fn drop(&mut self) {
        // SAFETY: It is there by the invariant. Readers under way are waited for; only then is the data
        // dropped.
        unsafe { proc_remove(self.entry.as_ptr()) };
    }
}

/// Shows one file.
///
/// # Safety
///
/// seq_file calls it, for a file that [`Directory::file`] made with this `S`.
unsafe extern "C" fn show<S: Show>(file: *mut c_void, _: *mut c_void) -> c_int {
    let file = file.cast::<bindings::seq_file>();
    from_result(|| {
        // SAFETY: seq_file calls this with a valid file, whose private data is what the proc file
        // was made with: an `Arc`'s contents, which `Shown` keeps.
        let data = unsafe { &*(*file).private.cast::<S::Data>() };
        // INVARIANT: The file is valid, and ours for this call.
        let output = Output(file, PhantomData);
        S::show(data, &output)?;
        Ok(0)
    })
}
