// SPDX-License-Identifier: GPL-2.0-only
//! Messages as plain values (2.3), flags (2.4), and the names that the bus itself uses (2.7).

use std::fmt;

pub const WANT_A_REPLY: u32 = 0x001;
pub const WANT_YOU_TO_REPLY: u32 = 0x002;
pub const SYNTHETIC: u32 = 0x004;
pub const URGENT: u32 = 0x008;
pub const ALL_OR_WAIT: u32 = 0x100;
pub const ALL_OR_FAIL: u32 = 0x200;

pub const GONE_AWAY: &str = "$.KBUS.Replier.GoneAway";
pub const IGNORED: &str = "$.KBUS.Replier.Ignored";
pub const UNBOUND: &str = "$.KBUS.Replier.Unbound";
pub const DISAPPEARED: &str = "$.KBUS.Replier.Disappeared";
pub const ERROR_SENDING: &str = "$.KBUS.ErrorSending";
pub const UNBIND_EVENTS_LOST: &str = "$.KBUS.UnbindEventsLost";
pub const BIND_EVENT: &str = "$.KBUS.ReplierBindEvent";

/// The longest name, in bytes.
pub const MAX_NAME: usize = 1000;

/// How many bytes a name takes on the wire.
pub fn padded_name(n: usize) -> usize {
    4 * ((n + 4) / 4)
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

    /// What the other side must have meant: `to`, name and data.
    pub fn equivalent(&self, other: &Msg) -> bool {
        self.to == other.to && self.name == other.name && self.data == other.data
    }

    /// The data of a bind event, taken apart: is_bind, binder, name.
    pub fn event(&self) -> std::result::Result<(u32, u32, String), String> {
        let d = &self.data;
        if self.text() != BIND_EVENT || d.len() < 12 {
            return Err(format!("not a bind event: {self:?}"));
        }
        let word = |at| u32::from_ne_bytes([d[at], d[at + 1], d[at + 2], d[at + 3]]);
        let n = word(8) as usize;
        if d.len() != 12 + padded_name(n) || d[12 + n..].iter().any(|&b| b != 0) {
            return Err(format!("ill-formed bind event data: {d:02x?}"));
        }
        Ok((
            word(0),
            word(4),
            String::from_utf8_lossy(&d[12..12 + n]).into_owned(),
        ))
    }
}
