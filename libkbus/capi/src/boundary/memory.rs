// SPDX-License-Identifier: GPL-2.0-only
//! C's memory: [`Block`], which programs free with free(), by way of
//! `kbus_msg_delete` or themselves.

use std::ptr::{self, NonNull};
use std::slice;

use crate::message::{entire_len, fill, Header, HEADER};
use crate::{Errno, Result};

const NO_MEMORY: Errno = Errno(libc::ENOMEM);

/// Memory from calloc, freed unless it is handed out.
pub(crate) struct Block {
    start: NonNull<u8>,
    len: usize,
}

impl Block {
    /// Zeroed.
    pub(crate) fn new(len: usize) -> Result<Block> {
        if isize::try_from(len).is_err() {
            return Err(NO_MEMORY);
        }
        // SAFETY: calloc takes any sizes. One byte at least, so that null
        // means that there is no memory.
        let start = unsafe { libc::calloc(len.max(1), 1) };
        let start = NonNull::new(start.cast()).ok_or(NO_MEMORY)?;
        Ok(Block { start, len })
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: `len` bytes, zeroed at first, which are ours alone until
        // `hand_out` takes the Block away.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// The program's from now on.
    pub(crate) fn hand_out<T>(self) -> *mut T {
        let start = self.start.as_ptr();
        std::mem::forget(self);
        start.cast()
    }

    fn message(header: &Header, len: u64) -> Result<Block> {
        let block = Block::new(usize::try_from(len).map_err(|_| Errno(libc::EMSGSIZE))?)?;
        debug_assert!(block.len >= HEADER);
        // SAFETY: both callers ask for a header's length or more, and memory
        // from calloc is aligned for anything. Field by field, so that the
        // padding in between stays zero.
        unsafe {
            let to = block.start.as_ptr().cast::<Header>();
            macro_rules! copy {
                ($($field:ident)*) => { $( ptr::addr_of_mut!((*to).$field).write(header.$field); )* };
            }
            copy!(start_guard id in_reply_to to from orig_from final_to extra flags name_len data_len name data end_guard);
        }
        Ok(block)
    }

    /// A pointy message: the header alone, borrowing what it points to.
    pub(crate) fn pointy(header: &Header) -> Result<Block> {
        Block::message(header, HEADER as u64)
    }

    /// An entire message. The lengths in `header` are those of name and data.
    pub(crate) fn entire(header: &Header, name: &[u8], data: &[u8]) -> Result<Block> {
        let mut block = Block::message(header, entire_len(header.name_len, header.data_len))?;
        block
            .bytes()
            .get_mut(HEADER..)
            .and_then(|rest| fill(rest, name, data))
            .ok_or(Errno(libc::EMSGSIZE))?;
        Ok(block)
    }

    /// A pointy message that brings its name along: free() takes both.
    pub(crate) fn pointy_with_name(header: &Header, name: &[u8]) -> Result<Block> {
        let len = HEADER as u64 + name.len() as u64 + 1;
        let mut block = Block::message(header, len)?;
        let to = block.bytes().get_mut(HEADER..).unwrap_or_default();
        if let Some(to) = to.get_mut(..name.len()) {
            to.copy_from_slice(name);
        }
        // SAFETY: the block is longer than a header, and that was written
        // above; the name lies behind it.
        unsafe {
            let header = block.start.as_ptr().cast::<Header>();
            (*header).name = block.start.as_ptr().add(HEADER).cast();
        }
        Ok(block)
    }

    /// A string of C's, with a NUL behind it.
    pub(crate) fn string(text: &[u8]) -> Result<Block> {
        let mut block = Block::new(text.len() + 1)?;
        if let Some(to) = block.bytes().get_mut(..text.len()) {
            to.copy_from_slice(text);
        }
        Ok(block)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: from calloc, and not handed out.
        unsafe { libc::free(self.start.as_ptr().cast()) }
    }
}
