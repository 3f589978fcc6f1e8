// SPDX-License-Identifier: GPL-2.0-only
//! What Ksocks and messages are told apart by (section 2.2).

use std::fmt;
use std::num::NonZeroU32;

/// Which Ksock of a bus: counted from 1, and not used again while the bus
/// exists.
///
/// With the feature `serde` it is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct KsockId(NonZeroU32);

impl KsockId {
    /// Returns the id with this number; `None` for 0, which stands for the bus
    /// itself.
    pub const fn new(id: u32) -> Option<KsockId> {
        match NonZeroU32::new(id) {
            Some(id) => Some(KsockId(id)),
            None => None,
        }
    }

    /// Returns its number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// Which message.
///
/// The bus numbers what is sent on it: network 0, and serial numbers that
/// rise in the order in which messages went out. Ids with another network were
/// chosen by the sender. Two messages are in the order of their ids only when
/// the networks are equal.
///
/// With the feature `serde` it is its text, as in `[0:3]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// 0: numbered by this bus.
    pub network: u32,
    /// Its number there.
    pub serial: u32,
}

/// A Ksock on another bus, for daemons that join buses (section 10.4). The bus
/// carries it and never looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The bus, 0: none.
    pub network: u32,
    /// The Ksock there.
    pub local: u32,
}

impl From<(u32, u32)> for MessageId {
    fn from((network, serial): (u32, u32)) -> MessageId {
        MessageId { network, serial }
    }
}

impl From<MessageId> for (u32, u32) {
    fn from(id: MessageId) -> (u32, u32) {
        (id.network, id.serial)
    }
}

impl From<Origin> for (u32, u32) {
    fn from(origin: Origin) -> (u32, u32) {
        (origin.network, origin.local)
    }
}

impl From<(u32, u32)> for Origin {
    fn from((network, local): (u32, u32)) -> Origin {
        Origin { network, local }
    }
}

impl fmt::Display for KsockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.network, self.serial)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{})", self.network, self.local)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
