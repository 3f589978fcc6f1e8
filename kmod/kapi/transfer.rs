// SPDX-License-Identifier: GPL-2.0-only

//! Where the bytes of a read go and those of a write come from: memory of the program that
//! calls, or the pieces that readv, io_uring and AIO come with. Nothing is known of it before it
//! is used.
//!
//! Unnecessary once `kernel::iov` can begin anew without `unsafe`, and costs as little for one
//! piece as `UserSlice`.

use super::bytes::Bytes;
use kernel::iov::{IovIterDest, IovIterSource};
use kernel::prelude::*;
use kernel::uaccess::{UserPtr, UserSlice, UserSliceWriter};

/// Where what is read goes.
pub(crate) trait Destination {
    /// Returns how many bytes it takes.
    fn len(&self) -> usize;

    /// Begins at its first byte, perhaps once more.
    fn rewind(&mut self);

    /// Stores the next bytes.
    ///
    /// # Errors
    ///
    /// EFAULT where they cannot be stored.
    fn put(&mut self, bytes: &[u8]) -> Result;
}

/// Where what is written comes from.
pub(crate) trait Source {
    /// Returns how many bytes there are.
    fn len(&self) -> usize;

    /// Copies the first `most` bytes, or all of them if there are not so many.
    ///
    /// # Errors
    ///
    /// EFAULT where they cannot be copied, ENOMEM.
    fn copy(&mut self, most: usize) -> Result<Bytes>;
}

/// Memory of the program that calls read.
pub(super) struct UserDestination {
    at: UserPtr,
    len: usize,
    rest: UserSliceWriter,
}

impl UserDestination {
    pub(super) fn new(at: UserPtr, len: usize) -> Self {
        let rest = UserSlice::new(at, len).writer();
        UserDestination { at, len, rest }
    }
}

impl Destination for UserDestination {
    fn len(&self) -> usize {
        self.len
    }

    fn rewind(&mut self) {
        self.rest = UserSlice::new(self.at, self.len).writer();
    }

    fn put(&mut self, bytes: &[u8]) -> Result {
        self.rest.write_slice(bytes)
    }
}

/// Memory of the program that calls write.
pub(super) struct UserSource {
    pub(super) at: UserPtr,
    pub(super) len: usize,
}

impl Source for UserSource {
    fn len(&self) -> usize {
        self.len
    }

    fn copy(&mut self, most: usize) -> Result<Bytes> {
        let mut bytes = Bytes::new();
        let slice = UserSlice::new(self.at, self.len.min(most));
        slice.read_all(&mut bytes, GFP_KERNEL_ACCOUNT)?;
        Ok(bytes)
    }
}

/// Pieces to be filled.
///
/// # Invariants
///
/// Of all that they take, `stored` bytes are before where `rest` stands.
pub(super) struct Pieces<'a, 'b> {
    rest: &'a mut IovIterDest<'b>,
    stored: usize,
}

impl<'a, 'b> Pieces<'a, 'b> {
    pub(super) fn new(rest: &'a mut IovIterDest<'b>) -> Self {
        // INVARIANT: Nothing was stored.
        Pieces { rest, stored: 0 }
    }
}

impl Destination for Pieces<'_, '_> {
    fn len(&self) -> usize {
        self.stored + self.rest.len()
    }

    fn rewind(&mut self) {
        // SAFETY: By the invariant it has gone on by so many bytes.
        unsafe { self.rest.revert(self.stored) };
        // INVARIANT: It is back where it was at first.
        self.stored = 0;
    }

    fn put(&mut self, bytes: &[u8]) -> Result {
        let stored = self.rest.copy_to_iter(bytes);
        // INVARIANT: It goes on by what it returns.
        self.stored += stored;
        if stored < bytes.len() {
            return Err(EFAULT);
        }
        Ok(())
    }
}

impl Source for IovIterSource<'_> {
    fn len(&self) -> usize {
        IovIterSource::len(self)
    }

    fn copy(&mut self, most: usize) -> Result<Bytes> {
        let len = IovIterSource::len(self).min(most);
        let mut bytes = Bytes::from_elem(0, len, GFP_KERNEL_ACCOUNT)?;
        if self.copy_from_iter(&mut bytes) < len {
            return Err(EFAULT);
        }
        Ok(bytes)
    }
}
