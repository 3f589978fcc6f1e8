// SPDX-License-Identifier: GPL-2.0-only
//! The entire form of a message (section 2.3): [`Entire`], the bytes that go
//! through the device, checked. It knows where each part is and how long; what
//! a part means is said elsewhere.

use std::mem::{offset_of, size_of};

use crate::uapi::{self, kbus_message_header};
use crate::wire::name::{Name, NameError};

/// What is wrong with bytes that should be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Too short, too long, or not as long as its header says.
    #[error("it is not as long as it says")]
    Length,
    /// Does not begin or end as messages do.
    #[error("it does not begin and end as messages do")]
    Guard,
    /// Has pointers in it, as only messages that are written may.
    #[error("there are pointers in it")]
    Pointer,
    /// Its name is none.
    #[error("bad name: {0}")]
    Name(#[from] NameError),
}

/// Where the parts of the header are, in bytes from its start.
pub(crate) mod at {
    use super::{kbus_message_header, offset_of};

    pub(crate) const START_GUARD: usize = offset_of!(kbus_message_header, start_guard);
    pub(crate) const ID: usize = offset_of!(kbus_message_header, id);
    pub(crate) const IN_REPLY_TO: usize = offset_of!(kbus_message_header, in_reply_to);
    pub(crate) const TO: usize = offset_of!(kbus_message_header, to);
    pub(crate) const FROM: usize = offset_of!(kbus_message_header, from);
    pub(crate) const ORIG_FROM: usize = offset_of!(kbus_message_header, orig_from);
    pub(crate) const FINAL_TO: usize = offset_of!(kbus_message_header, final_to);
    pub(crate) const FLAGS: usize = offset_of!(kbus_message_header, flags);
    pub(crate) const NAME_LEN: usize = offset_of!(kbus_message_header, name_len);
    pub(crate) const DATA_LEN: usize = offset_of!(kbus_message_header, data_len);
    pub(crate) const NAME: usize = offset_of!(kbus_message_header, name);
    pub(crate) const DATA: usize = offset_of!(kbus_message_header, data);
    pub(crate) const END_GUARD: usize = offset_of!(kbus_message_header, end_guard);
}

/// The length of the header, in bytes; its pointers are this program's.
pub(crate) const HEADER: usize = size_of::<kbus_message_header>();
/// The length of a word, in bytes.
pub(crate) const WORD: usize = size_of::<u32>();
/// The length of a pointer in the header, in bytes.
pub(crate) const POINTER: usize = size_of::<usize>();

/// Returns the length of a name with its padding: there is always a zero byte
/// after it.
pub(crate) const fn padded_name(len: usize) -> usize {
    (len / WORD + 1) * WORD
}

/// Returns the word at `at`, if there is one.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// Header, name, padding, data, padding, end guard.
///
/// # Invariants
///
/// The bytes hold an entire header, then what it says: `name_len` bytes of
/// name and `data_len` of data, padded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entire {
    bytes: Vec<u8>,
    name_len: usize,
    data_len: usize,
}

impl Entire {
    /// Makes a message of which all is zero but guards, name, data and their
    /// lengths.
    pub(crate) fn new(name: &Name, data: &[u8]) -> Entire {
        let name = name.as_bytes();
        let padded_data = data.len().next_multiple_of(WORD);
        let len = HEADER + padded_name(name.len()) + padded_data + WORD;
        let mut bytes = Vec::with_capacity(len);
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(name);
        bytes.resize(HEADER + padded_name(name.len()), 0);
        bytes.extend_from_slice(data);
        bytes.resize(len - WORD, 0);
        bytes.extend_from_slice(&uapi::KBUS_MSG_END_GUARD.to_ne_bytes());
        let mut entire = Entire {
            bytes,
            name_len: name.len(),
            data_len: data.len(),
        };
        entire.put(at::START_GUARD, uapi::KBUS_MSG_START_GUARD);
        // A length that the field cannot say is too long for every bus; the
        // largest one it can say is so too, and SEND gives the right error.
        let or_too_long = |len| u32::try_from(len).unwrap_or(u32::MAX);
        entire.put(at::NAME_LEN, or_too_long(name.len()));
        entire.put(at::DATA_LEN, or_too_long(data.len()));
        entire.put(at::END_GUARD, uapi::KBUS_MSG_END_GUARD);
        entire
    }

    /// Checks bytes that were read from the device: one entire message of this
    /// program's word size, and nothing after it. Returns its name as well.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<(Entire, Name), Malformed> {
        let word = |at| word(&bytes, at).ok_or(Malformed::Length);
        if word(at::START_GUARD)? != uapi::KBUS_MSG_START_GUARD
            || word(at::END_GUARD)? != uapi::KBUS_MSG_END_GUARD
        {
            return Err(Malformed::Guard);
        }
        for at in [at::NAME, at::DATA] {
            if bytes.get(at..).and_then(|bytes| bytes.get(..POINTER)) != Some(&[0; POINTER]) {
                return Err(Malformed::Pointer);
            }
        }
        // In 64 bit, in which no sum of such lengths overflows.
        let name_len = u64::from(word(at::NAME_LEN)?);
        let data_len = u64::from(word(at::DATA_LEN)?);
        let (header, word_len) = (HEADER as u64, WORD as u64);
        let data_at = header + (name_len / word_len + 1) * word_len;
        let guard_at = data_at + data_len.next_multiple_of(word_len);
        if bytes.len() as u64 != guard_at + word_len {
            return Err(Malformed::Length);
        }
        // All of them are at most the length of a Vec, hence the casts.
        if word(guard_at as usize)? != uapi::KBUS_MSG_END_GUARD {
            return Err(Malformed::Guard);
        }
        let entire = Entire {
            bytes,
            name_len: name_len as usize,
            data_len: data_len as usize,
        };
        let name = Name::from_bytes(entire.part(HEADER, entire.name_len))?;
        Ok((entire, name))
    }

    /// The bytes, as the device takes and gives them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The data, without padding.
    pub(crate) fn data(&self) -> &[u8] {
        self.part(HEADER + padded_name(self.name_len), self.data_len)
    }

    fn part(&self, at: usize, len: usize) -> &[u8] {
        // It is there, by the invariant.
        let bytes = self.bytes.get(at..).and_then(|bytes| bytes.get(..len));
        bytes.unwrap_or_default()
    }

    /// The word of the header at `at`.
    pub(crate) fn word(&self, at: usize) -> u32 {
        // It is there, by the invariant.
        word(&self.bytes, at).unwrap_or_default()
    }

    /// Two words of the header, the first at `at`.
    pub(crate) fn pair(&self, at: usize) -> (u32, u32) {
        (self.word(at), self.word(at + WORD))
    }

    /// Changes the word of the header at `at`. Not a length: that would break
    /// the invariant.
    pub(crate) fn put(&mut self, at: usize, word: u32) {
        let bytes = self.bytes.get_mut(at..);
        if let Some(bytes) = bytes.and_then(|bytes| bytes.get_mut(..WORD)) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
    }

    /// Changes two words of the header, the first at `at`.
    pub(crate) fn put_pair(&mut self, at: usize, (first, second): (u32, u32)) {
        self.put(at, first);
        self.put(at + WORD, second);
    }
}
