// SPDX-License-Identifier: GPL-2.0-only
//! What a message is in the memory of a program (2.3): its fields, and both its
//! forms on the wire.

pub use kbus_test_conformance::message::*;

pub const START_GUARD: u32 = 0x7375_624B;
pub const END_GUARD: u32 = 0x4B62_7573;

/// Programs of 32 bits have a shorter header, with other places for what
/// comes after the lengths (2.6).
pub const POINTER: usize = size_of::<usize>();
pub const NAME_AT: usize = if POINTER == 8 { 64 } else { 60 };
pub const DATA_AT: usize = NAME_AT + POINTER;
pub const END_AT: usize = DATA_AT + POINTER;
pub const HEADER: usize = if POINTER == 8 { 88 } else { 72 };

/// What the module built on its own allows, and starts with (2.1).
pub const ABS_MAX_SIZE: u32 = 409_600;

pub fn padded_data(d: usize) -> usize {
    4 * d.div_ceil(4)
}

pub fn entire_len(n: usize, d: usize) -> usize {
    HEADER + padded_name(n) + padded_data(d) + 4
}

/// A message on the wire.
pub trait Wire: Sized {
    /// How long the entire form is.
    fn len(&self) -> usize;
    /// The entire form (2.3.1), paddings zero.
    fn entire(&self) -> Vec<u8>;
    fn pointy(&self) -> Pointy;
    /// Takes apart what read() gave, and insists on the exact entire form.
    fn parse(bytes: &[u8]) -> std::result::Result<Self, String>;
}

fn header(msg: &Msg, name: usize, data: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; HEADER];
    let words = [
        (0, START_GUARD),
        (4, msg.id.net),
        (8, msg.id.serial),
        (12, msg.in_reply_to.net),
        (16, msg.in_reply_to.serial),
        (20, msg.to),
        (24, msg.from),
        (28, msg.orig_from.0),
        (32, msg.orig_from.1),
        (36, msg.final_to.0),
        (40, msg.final_to.1),
        (44, msg.extra),
        (48, msg.flags),
        (52, msg.name.len() as u32),
        (56, msg.data.len() as u32),
        (END_AT, END_GUARD),
    ];
    for (at, word) in words {
        poke(&mut bytes, at, word);
    }
    point(&mut bytes, NAME_AT, name);
    point(&mut bytes, DATA_AT, data);
    bytes
}

impl Wire for Msg {
    fn len(&self) -> usize {
        entire_len(self.name.len(), self.data.len())
    }

    fn entire(&self) -> Vec<u8> {
        let mut bytes = header(self, 0, 0);
        bytes.extend_from_slice(&self.name);
        bytes.resize(HEADER + padded_name(self.name.len()), 0);
        bytes.extend_from_slice(&self.data);
        bytes.resize(self.len() - 4, 0);
        bytes.extend_from_slice(&END_GUARD.to_ne_bytes());
        bytes
    }

    fn pointy(&self) -> Pointy {
        let mut name = self.name.clone();
        name.push(0);
        let data = self.data.clone();
        let data_at = if data.is_empty() {
            0
        } else {
            data.as_ptr() as usize
        };
        let bytes = header(self, name.as_ptr() as usize, data_at);
        Pointy { bytes, name, data }
    }

    fn parse(bytes: &[u8]) -> std::result::Result<Msg, String> {
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
