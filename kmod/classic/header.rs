// SPDX-License-Identifier: GPL-2.0-only

//! How a program lays out the structures of the contract: with pointers of 64 or of 32 bits
//! (specification 2.2, 2.3 and 2.6).

use crate::bus::id::{MsgId, OrigFrom};
use crate::bus::message::Header;
use crate::bus::queue::Content;
use crate::bus::BusError;
use crate::uapi;
use core::mem::{offset_of, size_of};
use uapi::kbus_message_header as Long;

/// One of the two layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Pointers of 64 bits.
    Long,
    /// Pointers of 32 bits.
    Short,
}

/// The longest header, in bytes.
pub(crate) const MAX_HEADER: usize = 88;

/// A message header as it was written, checked as far as it can be checked alone.
pub(crate) struct RawHeader {
    pub(crate) header: Header,
    /// Where the name is in the program's memory; 0 for an entire message.
    pub(crate) name: usize,
    /// Where the data is in the program's memory; 0 if there is none, and for an entire message.
    pub(crate) data: usize,
}

impl Layout {
    /// Returns the layout of a program whose pointers are as wide as the kernel's, or
    /// (`compat`) half as wide.
    pub(crate) const fn of_program(compat: bool) -> Layout {
        if compat || size_of::<usize>() == 4 {
            Layout::Short
        } else {
            Layout::Long
        }
    }

    /// Returns the length of a message header, in bytes.
    pub(crate) const fn header_len(self) -> usize {
        match self {
            Layout::Long => 88,
            Layout::Short => uapi::HEADER_32_SIZE,
        }
    }

    /// Returns where the name pointer, the data pointer and the end guard are in a header.
    const fn offsets(self) -> [usize; 3] {
        match self {
            Layout::Long => [64, 72, 80],
            Layout::Short => [
                uapi::HEADER_32_NAME,
                uapi::HEADER_32_DATA,
                uapi::HEADER_32_END_GUARD,
            ],
        }
    }

    /// Returns the length of an entire message, in bytes. No overflow: two lengths of 32 bits
    /// in 64.
    pub(crate) fn message_len(self, header: &Header) -> u64 {
        self.header_len() as u64 + header.body_len()
    }

    fn pointer(self, bytes: &[u8], at: usize) -> usize {
        match self {
            Layout::Long => {
                let low = u64::from(word(bytes, at));
                let high = u64::from(word(bytes, at + 4));
                if cfg!(target_endian = "little") {
                    (low | high << 32) as usize
                } else {
                    (high | low << 32) as usize
                }
            }
            Layout::Short => word(bytes, at) as usize,
        }
    }

    /// Parses a header and checks what can be checked of it alone, in the order of 3.4.
    ///
    /// # Errors
    ///
    /// `BadMessage`, `NameTooLong`.
    pub(crate) fn parse(self, bytes: &[u8]) -> Result<RawHeader, BusError> {
        let [name_at, data_at, guard_at] = self.offsets();
        let id = |at| MsgId {
            network: word(bytes, at),
            serial: word(bytes, at + 4),
        };
        let orig_from = |at| OrigFrom {
            network: word(bytes, at),
            local: word(bytes, at + 4),
        };
        let header = Header {
            id: id(offset_of!(Long, id)),
            in_reply_to: id(offset_of!(Long, in_reply_to)),
            to: word(bytes, offset_of!(Long, to)),
            from: word(bytes, offset_of!(Long, from)),
            orig_from: orig_from(offset_of!(Long, orig_from)),
            final_to: orig_from(offset_of!(Long, final_to)),
            flags: word(bytes, offset_of!(Long, flags)),
            name_len: word(bytes, offset_of!(Long, name_len)),
            data_len: word(bytes, offset_of!(Long, data_len)),
        };
        let name = self.pointer(bytes, name_at);
        let data = self.pointer(bytes, data_at);

        let guards = [word(bytes, 0), word(bytes, guard_at)];
        if guards != [uapi::KBUS_MSG_START_GUARD, uapi::KBUS_MSG_END_GUARD] || header.name_len == 0
        {
            return Err(BusError::BadMessage);
        }
        if header.name_len > uapi::KBUS_MAX_NAME_LEN {
            return Err(BusError::NameTooLong);
        }
        let pointers_fit = match (name, data, header.data_len) {
            // Entire: both follow.
            (0, 0, _) => true,
            (0, _, _) => false,
            // Pointy: a pointer for data exactly if there is data.
            (_, data, len) => (data != 0) == (len != 0),
        };
        if !pointers_fit || header.all_or_wait() && header.all_or_fail() {
            return Err(BusError::BadMessage);
        }
        Ok(RawHeader { header, name, data })
    }

    /// Returns the header of a copy: entire, so without pointers; `yours` says that its reader is
    /// the one to answer.
    pub(crate) fn encode(self, content: &Content, yours: bool) -> [u8; MAX_HEADER] {
        let header = content.header();
        let mut bytes = [0; MAX_HEADER];
        let mut flags = header.flags & !uapi::KBUS_BIT_WANT_YOU_TO_REPLY;
        if yours {
            flags |= uapi::KBUS_BIT_WANT_YOU_TO_REPLY;
        }
        put(&mut bytes, 0, uapi::KBUS_MSG_START_GUARD);
        put(&mut bytes, offset_of!(Long, id), header.id.network);
        put(&mut bytes, offset_of!(Long, id) + 4, header.id.serial);
        let reply = offset_of!(Long, in_reply_to);
        put(&mut bytes, reply, header.in_reply_to.network);
        put(&mut bytes, reply + 4, header.in_reply_to.serial);
        put(&mut bytes, offset_of!(Long, to), header.to);
        put(&mut bytes, offset_of!(Long, from), header.from);
        let orig_from = offset_of!(Long, orig_from);
        put(&mut bytes, orig_from, header.orig_from.network);
        put(&mut bytes, orig_from + 4, header.orig_from.local);
        let final_to = offset_of!(Long, final_to);
        put(&mut bytes, final_to, header.final_to.network);
        put(&mut bytes, final_to + 4, header.final_to.local);
        put(&mut bytes, offset_of!(Long, flags), flags);
        put(&mut bytes, offset_of!(Long, name_len), header.name_len);
        put(&mut bytes, offset_of!(Long, data_len), header.data_len);
        let [_, _, end_guard] = self.offsets();
        put(&mut bytes, end_guard, uapi::KBUS_MSG_END_GUARD);
        bytes
    }
}

/// Puts a word at `at`, which is within a header. The offsets are constants, and so is then where
/// this writes.
#[inline(always)]
fn put(header: &mut [u8; MAX_HEADER], at: usize, word: u32) {
    if let Some(place) = header.get_mut(at..at + 4) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
}

/// Returns the word at `at`; headers are whole where this is called.
fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(&word) => u32::from_ne_bytes(word),
        None => 0,
    }
}
