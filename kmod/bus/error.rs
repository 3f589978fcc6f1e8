// SPDX-License-Identifier: GPL-2.0-only

//! What can go wrong on a bus, by meaning. `errno.rs` says which error number each one is.

use super::need::Need;
use kernel::alloc::AllocError;

/// Why a verb of the bus, or the making of a message, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BusError {
    /// The name is not valid, or is a wildcard where none is allowed.
    BadName,
    /// The name is longer than 1000 bytes (or, for REPLIER, empty).
    NameTooLong,
    /// Another replier is bound to exactly this name.
    NameTaken,
    /// This Ksock has no such binding.
    NotBound,
    /// A Ksock that listens for bind events has no capacity for one.
    EventUndeliverable,
    /// There is no replier of this name, or the requester is not there any more.
    NobodyThere,
    /// No such request is waiting for an answer.
    NotAsked,
    /// Another Ksock replies to the name of this stateful request.
    OtherReplier,
    /// A recipient that must get the message has no capacity.
    RecipientFull,
    /// The sender itself would have no capacity for the answer.
    NoRoomForAnswer,
    /// The caller's own queue filled up while bind events were replayed to it.
    CallerFull,
    /// There is no message to send.
    NothingWritten,
    /// The message to send is not finished.
    Unfinished,
    /// A send is pending: ask again by poll or SEND, or DISCARD it.
    SendPending,
    /// The message's header or guards make no sense.
    BadMessage,
    /// The message is longer than the bus allows, or than it says itself.
    TooLong,
    /// A value outside what the call allows.
    BadValue,
    /// The user has as many Ksocks as it may have; see `quota`.
    TooManyKsocks,
    /// The user has as many bindings as it may have.
    TooManyBindings,
    /// The user has made as many buses as it may.
    TooManyBuses,
    /// No memory.
    NoMemory,
    /// The Ksock is closed. Files outlive their calls, so no caller sees this.
    Closed,
}

impl From<AllocError> for BusError {
    fn from(_: AllocError) -> Self {
        BusError::NoMemory
    }
}

/// Why a verb was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing has happened yet: the verb wants this much memory first.
    Need(Need),
    /// The verb is refused.
    No(BusError),
}

impl From<BusError> for Refusal {
    fn from(error: BusError) -> Self {
        Refusal::No(error)
    }
}
