// SPDX-License-Identifier: GPL-2.0-only
//! C's streams: [`Stream`], to which text is written.

use std::io;

use libc::FILE;

extern "C" {
    /// As in stdio.h.
    #[link_name = "stdout"]
    static STDOUT: *mut FILE;
}

/// A stream of the program's. Not flushed: that is the program's affair, too.
pub(super) struct Stream(*mut FILE);

impl Stream {
    /// # Safety
    ///
    /// A stream that is open as long as this exists, or null.
    pub(super) unsafe fn new(file: *mut FILE) -> Option<Stream> {
        (!file.is_null()).then_some(Stream(file))
    }

    pub(super) fn stdout() -> Option<Stream> {
        // SAFETY: the C library sets it before the program starts; it is the
        // program's promise not to change it under our hands, or to close it
        // and go on writing.
        unsafe { Stream::new(STDOUT) }
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: that many bytes, and an open stream.
        match unsafe { libc::fwrite(bytes.as_ptr().cast(), 1, bytes.len(), self.0) } {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            len => Ok(len),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
