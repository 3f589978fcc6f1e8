// SPDX-License-Identifier: GPL-2.0-only
//! What a program writes, in pieces of any size, until it is a message (specification 3.4):
//! [`by_module`] asks the module's own code, [`by_specification`] says it again, one byte after
//! the other. What they say must be the same, wherever the pieces are cut.

use crate::bus::queue::Content;
use crate::bus::BusError;
use crate::classic::header::Layout;
use crate::classic::partial_message::{Finished, PartialMessage};
use crate::model::{may_send, Errno, ALL_OR_FAIL, ALL_OR_WAIT, SYNTHETIC, WANT_YOU_TO_REPLY};
use kernel::prelude::*;
use kernel::sync::UniqueArc;
use std::vec::Vec;

/// How wide the pointers of a program are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    Wide,
    Narrow,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Refused(Errno),
    Unfinished,
    Pointy,
    /// The message, as a reader with wide pointers gets it (before the bus has put its stamp on
    /// it).
    Entire(Vec<u8>),
}

const START: u32 = 0x7375_624B;
const END: u32 = 0x4B62_7573;

fn errno(error: BusError) -> Errno {
    match error {
        BusError::BadMessage => Errno::EINVAL,
        BusError::NameTooLong => Errno::ENAMETOOLONG,
        BusError::TooLong => Errno::EMSGSIZE,
        BusError::BadName => Errno::EBADMSG,
        BusError::NoMemory => Errno::ENOMEM,
        other => panic!("{other:?} is nothing that writing says"),
    }
}

/// What the module makes of `pieces`.
pub fn by_module<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    pointers: Pointers,
    max_message: u32,
) -> Outcome {
    let layout = match pointers {
        Pointers::Wide => Layout::Long,
        Pointers::Narrow => Layout::Short,
    };
    let mut partial = PartialMessage::new(layout);
    let mut write = |piece: &[u8]| {
        let mut bytes = KVVec::new();
        bytes
            .extend_from_slice(piece, GFP_KERNEL_ACCOUNT)
            .map_err(|_| BusError::NoMemory)?;
        partial.append(bytes, max_message)
    };
    for piece in pieces {
        if let Err(error) = write(piece) {
            return Outcome::Refused(errno(error));
        }
    }
    let (_, _, finished) = partial.position();
    let outcome = partial.finish();
    assert_eq!(finished, !matches!(outcome, Err(BusError::Unfinished)));
    let message = match outcome {
        Err(BusError::Unfinished) => return Outcome::Unfinished,
        Err(error) => return Outcome::Refused(errno(error)),
        Ok(Finished::Pointy(_)) => return Outcome::Pointy,
        Ok(Finished::Entire(message)) => message,
    };
    let Ok(message) = UniqueArc::new(message, GFP_KERNEL_ACCOUNT) else {
        return Outcome::Refused(Errno::ENOMEM);
    };
    let content = Content::Message(message.into());
    for layout in [Layout::Long, Layout::Short] {
        let header = layout.encode(&content, false);
        let read = layout.parse(&header[..layout.header_len()]);
        // Whether it is for its reader to answer is said anew to each.
        let mut expected = content.header();
        expected.flags &= !WANT_YOU_TO_REPLY;
        let same = read.is_ok_and(|read| read.header == expected && !read.is_pointy());
        assert!(same, "{layout:?} does not read what it writes");
    }
    let Content::Message(message) = &content else {
        unreachable!("it was made of one");
    };
    let mut copy = Layout::Long.encode(&content, false).to_vec();
    copy.extend(message.body());
    Outcome::Entire(copy)
}

/// What the specification makes of the same bytes.
pub fn by_specification(written: &[u8], pointers: Pointers, max_message: u32) -> Outcome {
    let header_len = match pointers {
        Pointers::Wide => 88,
        Pointers::Narrow => 72,
    };
    // The end of the message, and of its name, are known when the header is complete.
    let (mut end, mut name_end) = (usize::MAX, usize::MAX);
    for n in 1..=written.len() {
        if n > end {
            return Outcome::Refused(Errno::EMSGSIZE);
        }
        let so_far = &written[..n];
        let refused = if n == header_len {
            let header = Header::of(so_far, pointers);
            let message_end = header_len as u64 + header.body_len();
            if !header.is_pointy() && message_end <= u64::from(max_message) {
                name_end = n + header.name_len as usize;
                end = message_end as usize;
            } else {
                end = n;
            }
            header
                .check()
                .or((message_end > u64::from(max_message)).then_some(Errno::EMSGSIZE))
        } else if n == name_end {
            (!may_send(&so_far[header_len..])).then_some(Errno::EBADMSG)
        } else if n == end {
            (word(so_far, n - 4) != END).then_some(Errno::EINVAL)
        } else {
            None
        };
        if let Some(errno) = refused {
            return Outcome::Refused(errno);
        }
    }
    match written.len() {
        n if n < end => Outcome::Unfinished,
        n if n == header_len => Outcome::Pointy,
        _ => Outcome::Entire(Header::of(written, pointers).copy(&written[header_len..])),
    }
}

/// The fields that decide.
struct Header<'a> {
    written: &'a [u8],
    guards: [u32; 2],
    name: u64,
    data: u64,
    flags: u32,
    name_len: u32,
    data_len: u32,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

impl Header<'_> {
    fn of(written: &[u8], pointers: Pointers) -> Header<'_> {
        let wide = |at: usize| u64::from_ne_bytes(written[at..at + 8].try_into().expect("eight"));
        let (name, data, guard) = match pointers {
            Pointers::Wide => (wide(64), wide(72), word(written, 80)),
            Pointers::Narrow => (
                word(written, 60).into(),
                word(written, 64).into(),
                word(written, 68),
            ),
        };
        Header {
            written,
            guards: [word(written, 0), guard],
            name,
            data,
            flags: word(written, 48),
            name_len: word(written, 52),
            data_len: word(written, 56),
        }
    }

    fn is_pointy(&self) -> bool {
        self.name != 0
    }

    /// Name, data and guard, with their paddings.
    fn body_len(&self) -> u64 {
        (u64::from(self.name_len) / 4 + 1) * 4 + u64::from(self.data_len).div_ceil(4) * 4 + 4
    }

    fn check(&self) -> Option<Errno> {
        let both = ALL_OR_WAIT | ALL_OR_FAIL;
        let (name, data) = (self.name != 0, self.data != 0);
        let wrong = [
            (self.guards != [START, END], Errno::EINVAL),
            (self.name_len == 0, Errno::EINVAL),
            (self.name_len > 1000, Errno::ENAMETOOLONG),
            (!name && data, Errno::EINVAL),
            (name && !data && self.data_len != 0, Errno::EINVAL),
            (self.data_len == 0 && data, Errno::EINVAL),
            (self.flags & both == both, Errno::EINVAL),
        ];
        wrong
            .into_iter()
            .find_map(|(wrong, errno)| wrong.then_some(errno))
    }

    /// The copy that a reader gets: zeros for `extra`, pointers and paddings.
    fn copy(&self, body: &[u8]) -> Vec<u8> {
        let (name_len, data_len) = (self.name_len as usize, self.data_len as usize);
        let name_room = (name_len / 4 + 1) * 4;
        let mut copy = self.written[..60].to_vec();
        copy[44..48].fill(0);
        let flags = self.flags & !(SYNTHETIC | WANT_YOU_TO_REPLY);
        copy[48..52].copy_from_slice(&flags.to_ne_bytes());
        copy.resize(80, 0);
        copy.extend(END.to_ne_bytes());
        copy.resize(88, 0);
        copy.extend(&body[..name_len]);
        copy.resize(88 + name_room, 0);
        copy.extend(&body[name_room..name_room + data_len]);
        copy.resize(88 + body.len() - 4, 0);
        copy.extend(END.to_ne_bytes());
        copy
    }
}
