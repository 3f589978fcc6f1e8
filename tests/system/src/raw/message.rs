// SPDX-License-Identifier: GPL-2.0
//! What a message is in the memory of a program (2.3): its fields, and both its
//! forms on the wire.

use std::fmt;

use super::{BIND_EVENT, WANT_A_REPLY, WANT_YOU_TO_REPLY};

pub const START_GUARD: u32 = 0x7375_624B;
pub const END_GUARD: u32 = 0x4B62_7573;

/// Programs of 32 bits have a shorter header, with other places for what
/// comes after the lengths (2.6).
pub const POINTER: usize = size_of::<usize>();
pub const NAME_AT: usize = if POINTER == 8 { 64 } else { 60 };
pub const DATA_AT: usize = NAME_AT + POINTER;
pub const END_AT: usize = DATA_AT + POINTER;
pub const HEADER: usize = if POINTER == 8 { 88 } else { 72 };

pub const MAX_NAME: usize = 1000;

/// What the module built on its own allows, and starts with (2.1).
pub const ABS_MAX_SIZE: u32 = 409_600;

pub fn padded_name(n: usize) -> usize {
    4 * ((n + 4) / 4)
}

pub fn padded_data(d: usize) -> usize {
    4 * d.div_ceil(4)
}

pub fn entire_len(n: usize, d: usize) -> usize {
    HEADER + padded_name(n) + padded_data(d) + 4
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    pub net: u32,
    pub serial: u32,
}

pub const NO_ID: Id = Id { net: 0, serial: 0 };

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.net, self.serial)
    }
}

pub fn id(net: u32, serial: u32) -> Id {
    Id { net, serial }
}

/// A message as its fields, in either form on the wire.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Msg {
    pub id: Id,
    pub in_reply_to: Id,
    pub to: u32,
    pub from: u32,
    pub orig_from: (u32, u32),
    pub final_to: (u32, u32),
    pub extra: u32,
    pub flags: u32,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
}

impl fmt::Debug for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<{} id={:?} re={:?} to={} from={} flags={:#x}",
            String::from_utf8_lossy(&self.name[..self.name.len().min(60)]),
            self.id,
            self.in_reply_to,
            self.to,
            self.from,
            self.flags,
        )?;
        if self.orig_from != (0, 0) || self.final_to != (0, 0) {
            write!(f, " orig={:?} final={:?}", self.orig_from, self.final_to)?;
        }
        let shown = &self.data[..self.data.len().min(24)];
        write!(f, " data({})={:02x?}>", self.data.len(), shown)
    }
}

impl Msg {
    pub fn new(name: impl AsRef<[u8]>) -> Msg {
        Msg {
            name: name.as_ref().to_vec(),
            ..Msg::default()
        }
    }

    /// A request.
    pub fn ask(name: impl AsRef<[u8]>) -> Msg {
        Msg::new(name).flags(WANT_A_REPLY)
    }

    /// An answer to a request that was read: same name, back to its sender.
    pub fn reply_to(request: &Msg) -> Msg {
        Msg::new(&request.name).to(request.from).re(request.id)
    }

    pub fn data(mut self, data: impl AsRef<[u8]>) -> Msg {
        self.data = data.as_ref().to_vec();
        self
    }

    /// Adds flags to those there are.
    pub fn flags(mut self, flags: u32) -> Msg {
        self.flags |= flags;
        self
    }

    pub fn to(mut self, to: u32) -> Msg {
        self.to = to;
        self
    }

    pub fn re(mut self, in_reply_to: Id) -> Msg {
        self.in_reply_to = in_reply_to;
        self
    }

    pub fn id(mut self, net: u32, serial: u32) -> Msg {
        self.id = id(net, serial);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    pub fn marked(&self) -> bool {
        self.flags & WANT_YOU_TO_REPLY != 0
    }

    pub fn len(&self) -> usize {
        entire_len(self.name.len(), self.data.len())
    }

    /// What the other side must have meant: `to`, name and data.
    pub fn equivalent(&self, other: &Msg) -> bool {
        self.to == other.to && self.name == other.name && self.data == other.data
    }

    fn header(&self, name: usize, data: usize) -> Vec<u8> {
        let mut bytes = vec![0u8; HEADER];
        let words = [
            (0, START_GUARD),
            (4, self.id.net),
            (8, self.id.serial),
            (12, self.in_reply_to.net),
            (16, self.in_reply_to.serial),
            (20, self.to),
            (24, self.from),
            (28, self.orig_from.0),
            (32, self.orig_from.1),
            (36, self.final_to.0),
            (40, self.final_to.1),
            (44, self.extra),
            (48, self.flags),
            (52, self.name.len() as u32),
            (56, self.data.len() as u32),
            (END_AT, END_GUARD),
        ];
        for (at, word) in words {
            poke(&mut bytes, at, word);
        }
        point(&mut bytes, NAME_AT, name);
        point(&mut bytes, DATA_AT, data);
        bytes
    }

    /// The entire form (2.3.1), paddings zero.
    pub fn entire(&self) -> Vec<u8> {
        let mut bytes = self.header(0, 0);
        bytes.extend_from_slice(&self.name);
        bytes.resize(HEADER + padded_name(self.name.len()), 0);
        bytes.extend_from_slice(&self.data);
        bytes.resize(self.len() - 4, 0);
        bytes.extend_from_slice(&END_GUARD.to_ne_bytes());
        bytes
    }

    pub fn pointy(&self) -> Pointy {
        let mut name = self.name.clone();
        name.push(0);
        let data = self.data.clone();
        let data_at = if data.is_empty() {
            0
        } else {
            data.as_ptr() as usize
        };
        let bytes = self.header(name.as_ptr() as usize, data_at);
        Pointy { bytes, name, data }
    }

    /// Takes apart what read() gave, and insists on the exact entire form.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Msg, String> {
        let fail = |what: &str| {
            Err(format!(
                "{what} in {} bytes read: {bytes:02x?}",
                bytes.len()
            ))
        };
        if bytes.len() < HEADER {
            return fail("no whole header");
        }
        let word = |at| peek(bytes, at);
        if word(0) != START_GUARD {
            return fail("no start guard");
        }
        if word(END_AT) != END_GUARD {
            return fail("no end guard in the header");
        }
        if bytes[60..END_AT].iter().any(|&b| b != 0) {
            return fail("padding or pointers not zero");
        }
        if bytes[END_AT + 4..HEADER].iter().any(|&b| b != 0) {
            return fail("tail padding not zero");
        }
        let (n, d) = (word(52) as usize, word(56) as usize);
        if bytes.len() != entire_len(n, d) {
            return fail("wrong length");
        }
        let data_at = HEADER + padded_name(n);
        if bytes[HEADER + n..data_at].iter().any(|&b| b != 0) {
            return fail("name padding not zero");
        }
        if bytes[data_at + d..bytes.len() - 4].iter().any(|&b| b != 0) {
            return fail("data padding not zero");
        }
        if peek(bytes, bytes.len() - 4) != END_GUARD {
            return fail("no final guard");
        }
        Ok(Msg {
            id: id(word(4), word(8)),
            in_reply_to: id(word(12), word(16)),
            to: word(20),
            from: word(24),
            orig_from: (word(28), word(32)),
            final_to: (word(36), word(40)),
            extra: word(44),
            flags: word(48),
            name: bytes[HEADER..HEADER + n].to_vec(),
            data: bytes[data_at..data_at + d].to_vec(),
        })
    }

    /// The data of a bind event, taken apart: is_bind, binder, name.
    pub fn event(&self) -> std::result::Result<(u32, u32, String), String> {
        let d = &self.data;
        if self.text() != BIND_EVENT || d.len() < 12 {
            return Err(format!("not a bind event: {self:?}"));
        }
        let n = peek(d, 8) as usize;
        if d.len() != 12 + padded_name(n) || d[12 + n..].iter().any(|&b| b != 0) {
            return Err(format!("ill-formed bind event data: {d:02x?}"));
        }
        Ok((
            peek(d, 0),
            peek(d, 4),
            String::from_utf8_lossy(&d[12..12 + n]).into_owned(),
        ))
    }
}

/// A pointy message and what it points at.
pub struct Pointy {
    pub bytes: Vec<u8>,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
}

pub fn peek(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub fn poke(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
}

/// Puts an address into one of the header's pointers.
pub fn point(bytes: &mut [u8], at: usize, address: usize) {
    bytes[at..at + POINTER].copy_from_slice(&address.to_ne_bytes());
}
