// SPDX-License-Identifier: GPL-2.0

//! Files below `/proc`.
//!
//! Unnecessary once there is a `kernel::proc_fs`.

use super::shim;
use core::marker::PhantomData;
use core::ptr::{null_mut, NonNull};
use kernel::bindings::{self, proc_dir_entry as Entry};
use kernel::error::from_result;
use kernel::ffi::{c_int, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

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
/// `entry` is a file that [`Shown::new`] made, that nobody has removed, and that shows the
/// contents of `_data`.
pub(crate) struct Shown<S: Show> {
    entry: NonNull<Entry>,
    _data: Arc<S::Data>,
    _directory: Arc<Directory>,
}

// SAFETY: procfs has its own locks; the data is `Send` and `Sync`.
unsafe impl<S: Show> Send for Shown<S> {}
// SAFETY: As above.
unsafe impl<S: Show> Sync for Shown<S> {}

impl<S: Show> Shown<S> {
    /// Makes a file that everybody may read.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub(crate) fn new(
        directory: &Arc<Directory>,
        name: &'static CStr,
        data: Arc<S::Data>,
    ) -> Result<Self> {
        // SAFETY: The name is static, the directory valid by its invariant, and the data stays
        // until the file is removed.
        let entry = unsafe {
            shim::proc_create_single_data(
                name.as_char_ptr(),
                0o444,
                directory.entry.as_ptr(),
                Some(show::<S>),
                Arc::as_ptr(&data).cast_mut().cast(),
            )
        };
        let entry = NonNull::new(entry).ok_or(ENOMEM)?;
        // INVARIANT: It has just been made, of these.
        Ok(Shown {
            entry,
            _data: data,
            _directory: directory.clone(),
        })
    }
}

impl<S: Show> Drop for Shown<S> {
    fn drop(&mut self) {
        // SAFETY: It is there by the invariant. Readers under way are waited for; only then is the data
        // dropped.
        unsafe { shim::proc_remove(self.entry.as_ptr()) };
    }
}

/// Shows one file.
///
/// # Safety
///
/// seq_file calls it, for a file that [`Shown::new`] made with this `S`.
unsafe extern "C" fn show<S: Show>(file: *mut bindings::seq_file, _: *mut c_void) -> c_int {
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
