// SPDX-License-Identifier: GPL-2.0-only
//! What can be known of a message from its header, and how long its parts are
//! (section 2.3). Lengths are 64 bits wide here, in which no sum of the
//! header's 32-bit lengths overflows.

use std::mem::size_of;

use crate::uapi::{
    self, kbus_message_header, kbus_msg_id, kbus_orig_from, KBUS_BIT_WANT_A_REPLY,
    KBUS_BIT_WANT_YOU_TO_REPLY, KBUS_MAX_NAME_LEN, KBUS_MSG_END_GUARD, KBUS_MSG_START_GUARD,
};
use crate::{event, Errno, Result};

pub(crate) type Header = kbus_message_header;

pub(crate) const HEADER: usize = size_of::<Header>();
const WORD: usize = size_of::<u32>();

/// The word at `at`, if there is one.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

/// A name's length with its padding: a zero byte follows it at least.
pub(crate) fn padded_name(len: u32) -> u64 {
    (u64::from(len) / 4 + 1) * 4
}

fn padded_data(len: u32) -> u64 {
    u64::from(len).next_multiple_of(4)
}

/// How long an entire message is.
pub(crate) fn entire_len(name_len: u32, data_len: u32) -> u64 {
    HEADER as u64 + padded_name(name_len) + padded_data(data_len) + WORD as u64
}

/// A new header, for a name and data of these lengths.
pub(crate) fn header(name_len: u32, data_len: u32, flags: u32) -> Result<Header> {
    // What the kernel says to such names.
    match name_len {
        0 => return Err(Errno(libc::EINVAL)),
        1..=KBUS_MAX_NAME_LEN => {}
        _ => return Err(Errno(libc::ENAMETOOLONG)),
    }
    let nowhere = kbus_orig_from {
        network_id: 0,
        local_id: 0,
    };
    Ok(Header {
        start_guard: KBUS_MSG_START_GUARD,
        id: NO_ID,
        in_reply_to: NO_ID,
        to: 0,
        from: 0,
        orig_from: nowhere,
        final_to: nowhere,
        extra: 0,
        flags,
        name_len,
        data_len,
        name: std::ptr::null_mut(),
        data: std::ptr::null_mut(),
        end_guard: KBUS_MSG_END_GUARD,
    })
}

pub(crate) const NO_ID: kbus_msg_id = kbus_msg_id {
    network_id: 0,
    serial_num: 0,
};

/// Writes what follows the header of an entire message, into zeroed `rest` of
/// the right length.
pub(crate) fn fill(rest: &mut [u8], name: &[u8], data: &[u8]) -> Option<()> {
    rest.get_mut(..name.len())?.copy_from_slice(name);
    let data_at = (name.len() / WORD + 1) * WORD;
    rest.get_mut(data_at..)?
        .get_mut(..data.len())?
        .copy_from_slice(data);
    rest.last_chunk_mut()
        .map(|guard| *guard = KBUS_MSG_END_GUARD.to_ne_bytes())
}

/// Returns whether bytes that were read from a bus, `len` of them, are one
/// whole message.
pub(crate) fn is_whole(header: &Header, len: usize, last_word: u32) -> bool {
    header.start_guard == KBUS_MSG_START_GUARD
        && header.end_guard == KBUS_MSG_END_GUARD
        && header.name.is_null()
        && header.data.is_null()
        && entire_len(header.name_len, header.data_len) == len as u64
        && last_word == KBUS_MSG_END_GUARD
}

// ---- What a message is ------------------------------------------------------

pub(crate) fn is_id(id: kbus_msg_id) -> bool {
    (id.network_id, id.serial_num) != (0, 0)
}

pub(crate) fn is_reply(header: &Header) -> bool {
    is_id(header.in_reply_to)
}

pub(crate) fn is_request(header: &Header) -> bool {
    header.flags & KBUS_BIT_WANT_A_REPLY != 0
}

pub(crate) fn is_stateful_request(header: &Header) -> bool {
    is_request(header) && header.to != 0
}

pub(crate) fn wants_us_to_reply(header: &Header) -> bool {
    const BOTH: u32 = KBUS_BIT_WANT_A_REPLY | KBUS_BIT_WANT_YOU_TO_REPLY;
    header.flags & BOTH == BOTH
}

/// Returns whether a message is from the bus itself. Users cannot set that
/// flag, and always have a number of their own.
pub(crate) fn is_from_the_bus(header: &Header) -> bool {
    header.flags & uapi::KBUS_BIT_SYNTHETIC != 0 && header.from == 0
}

/// The header of a reply to `request`.
pub(crate) fn reply_to(request: &Header, data_len: u32, flags: u32) -> Result<Header> {
    if !wants_us_to_reply(request) {
        return Err(Errno(libc::EBADMSG));
    }
    let mut reply = header(request.name_len, data_len, flags)?;
    reply.to = request.from;
    reply.in_reply_to = request.id;
    Ok(reply)
}

/// The header of a request to whom `earlier` was from, or to.
pub(crate) fn stateful_request(
    earlier: &Header,
    name_len: u32,
    data_len: u32,
    flags: u32,
) -> Result<Header> {
    let (to, final_to) = if is_reply(earlier) {
        (earlier.from, earlier.orig_from)
    } else if is_stateful_request(earlier) {
        (earlier.to, earlier.final_to)
    } else {
        return Err(Errno(libc::EBADMSG));
    };
    let mut request = header(name_len, data_len, flags)?;
    request.to = to;
    request.final_to = final_to;
    Ok(request)
}

/// A message of either form.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) header: Header,
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
    /// The bytes that it begins with in memory: all of an entire one.
    pub(crate) bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// What it tells about a replier, if that is what it does.
    pub(crate) fn event(&self) -> Option<event::Event<'a>> {
        event::is_event(self.name)
            .then(|| event::Event::parse(self.data))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_section_2_3() {
        let fixed = HEADER as u64;
        for (name_len, data_len, len) in [(3, 0, 8), (6, 0, 12), (6, 7, 20), (3, 3, 12)] {
            assert_eq!(entire_len(name_len, data_len), fixed + len);
        }
        assert!(entire_len(u32::MAX, u32::MAX) > u64::from(u32::MAX) * 2);
    }

    #[test]
    fn names_have_a_length() {
        assert_eq!(header(0, 0, 0).err(), Some(Errno(libc::EINVAL)));
        assert_eq!(header(1001, 0, 0).err(), Some(Errno(libc::ENAMETOOLONG)));
        assert!(header(1000, u32::MAX, 0).is_ok());
    }

    #[test]
    fn an_entire_message_is_padded() {
        let mut rest = [0; 16];
        fill(&mut rest, b"$.ab", b"xyz").unwrap();
        assert_eq!(rest[..12], *b"$.ab\0\0\0\0xyz\0");
        assert_eq!(word(&rest, 12), Some(KBUS_MSG_END_GUARD));
        assert_eq!(fill(&mut rest[..8], b"$.ab", b"xyz"), None);
    }
}
