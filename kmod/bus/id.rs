// SPDX-License-Identifier: GPL-2.0

//! What things on a bus are called by.

/// A message's identity, `{network, serial}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MsgId {
    pub(crate) network: u32,
    pub(crate) serial: u32,
}

impl MsgId {
    /// The id of no message.
    pub(crate) const NONE: MsgId = MsgId {
        network: 0,
        serial: 0,
    };
}

/// A Ksock of another bus. Carried along, never looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrigFrom {
    pub(crate) network: u32,
    pub(crate) local: u32,
}

/// A request, as its requester knows it.
///
/// Message ids do not identify a request: a sender may bring its own, twice. Requests therefore
/// have a serial number of the bus's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) id: MsgId,
    /// The Ksock that was asked.
    pub(crate) replier: u32,
    pub(crate) serial: u64,
}
