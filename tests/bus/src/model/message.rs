// SPDX-License-Identifier: GPL-2.0-only
//! What is sent: flags, the names of the bus's own messages, and the message as its reader sees
//! it.

pub const WANT_A_REPLY: u32 = 0x1;
pub const WANT_YOU_TO_REPLY: u32 = 0x2;
pub const SYNTHETIC: u32 = 0x4;
pub const URGENT: u32 = 0x8;
pub const ALL_OR_WAIT: u32 = 0x100;
pub const ALL_OR_FAIL: u32 = 0x200;

pub const BIND_EVENT: &[u8] = b"$.KBUS.ReplierBindEvent";
pub const EVENTS_LOST: &[u8] = b"$.KBUS.UnbindEventsLost";
pub const GONE_AWAY: &[u8] = b"$.KBUS.Replier.GoneAway";
pub const IGNORED: &[u8] = b"$.KBUS.Replier.Ignored";
pub const UNBOUND: &[u8] = b"$.KBUS.Replier.Unbound";
pub const DISAPPEARED: &[u8] = b"$.KBUS.Replier.Disappeared";
pub const ERROR_SENDING: &[u8] = b"$.KBUS.ErrorSending";

/// A message id: network and serial.
pub type Id = (u32, u32);

/// A message as a reader sees it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Msg {
    pub id: Id,
    pub in_reply_to: Id,
    pub to: u32,
    pub from: u32,
    pub orig_from: (u32, u32),
    pub final_to: (u32, u32),
    pub flags: u32,
    pub name: Vec<u8>,
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Msg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "<{} [{}:{}] re [{}:{}] {}->{} flags {:#x} data {:?} orig {:?} final {:?}>",
            self.name.escape_ascii(),
            self.id.0,
            self.id.1,
            self.in_reply_to.0,
            self.in_reply_to.1,
            self.from,
            self.to,
            self.flags,
            self.data,
            self.orig_from,
            self.final_to
        )
    }
}

/// Name, data, their paddings and the guard.
pub(super) fn body_len(msg: &Msg) -> u64 {
    ((msg.name.len() + 4) / 4 * 4 + msg.data.len().div_ceil(4) * 4 + 4) as u64
}
