// SPDX-License-Identifier: GPL-2.0-only
//! The flags of a message.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use crate::uapi;

/// What a message wants and is: a set of bits (section 2.4).
///
/// Bits without a name are carried along; the upper 16 are the users' to give
/// a meaning to.
///
/// With the feature `serde` it is a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Flags(pub u32);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// This is a request.
    pub const WANT_A_REPLY: Flags = Flags(uapi::KBUS_BIT_WANT_A_REPLY);
    /// Set by the bus on one copy of a request: its reader is to answer.
    pub const WANT_YOU_TO_REPLY: Flags = Flags(uapi::KBUS_BIT_WANT_YOU_TO_REPLY);
    /// Set by the bus on what it says itself.
    pub const SYNTHETIC: Flags = Flags(uapi::KBUS_BIT_SYNTHETIC);
    /// Goes to the front of the queues.
    pub const URGENT: Flags = Flags(uapi::KBUS_BIT_URGENT);
    /// When a recipient's queue is full, no recipient gets it until all can; see
    /// [`Ksock::send`](crate::Ksock::send).
    pub const ALL_OR_WAIT: Flags = Flags(uapi::KBUS_BIT_ALL_OR_WAIT);
    /// When a recipient's queue is full, no recipient gets it.
    pub const ALL_OR_FAIL: Flags = Flags(uapi::KBUS_BIT_ALL_OR_FAIL);

    /// Returns whether all flags of `other` are among these.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        *self = *self | other;
    }
}

/// The words of the flags that have one, with blanks between.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (Flags::WANT_A_REPLY, "REQ"),
            (Flags::WANT_YOU_TO_REPLY, "YOU"),
            (Flags::SYNTHETIC, "SYN"),
            (Flags::URGENT, "URG"),
            (Flags::ALL_OR_FAIL, "aFL"),
            (Flags::ALL_OR_WAIT, "aWT"),
        ];
        let words = words.iter().filter(|(flag, _)| self.contains(*flag));
        f.write_str(&words.map(|(_, word)| *word).collect::<Vec<_>>().join(" "))
    }
}
