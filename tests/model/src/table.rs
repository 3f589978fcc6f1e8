// SPDX-License-Identifier: GPL-2.0-only
//! Who sits at the table: a small configuration. Each seat is taken by one ksock at a time, and
//! has its repertoire.

/// A configuration.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub seats: Vec<Seat>,
    /// The users remember what they have heard. (Then there must be an end to what is said.)
    pub hearing: bool,
    /// How many messages may be sent; none: any number.
    pub messages: Option<u32>,
    /// How many requests that it has read a ksock may remember before it reads the next one. Who
    /// asks and dies, again and again, could make that any number.
    pub owed: usize,
}

/// What a seat may do; everybody reads and polls.
#[derive(Clone, Debug, Default)]
pub struct Seat {
    /// Bindings: is_replier, pattern. There from the beginning.
    pub binds: Vec<(u32, &'static [u8])>,
    /// Gives them up, and takes them again.
    pub rebinds: bool,
    pub says: Vec<Say>,
    /// Closes, or dies, and another takes the seat.
    pub mortal: bool,
    /// Sends a pending message again by SEND, or gives it up.
    pub impatient: bool,
    /// Sends answers to requests a second time, too.
    pub stubborn: bool,
    /// How many messages it may hold.
    pub limit: u32,
}

/// A message that a seat may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Say {
    pub name: &'static [u8],
    pub flags: u32,
    /// To the ksock that has this seat now.
    pub to: Option<usize>,
}

impl Say {
    pub fn of(name: &'static [u8], flags: u32) -> Say {
        Say {
            name,
            flags,
            to: None,
        }
    }

    pub fn to(self, seat: usize) -> Say {
        Say {
            to: Some(seat),
            ..self
        }
    }
}
