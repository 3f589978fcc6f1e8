// SPDX-License-Identifier: GPL-2.0-only

//! What things on a bus are called by. Where a program sees 0 for none, there is an `Option`
//! here, which takes no more space.

use core::num::{NonZeroU32, NonZeroU64};

/// The number of a cell (see [`pool`](super::pool)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(super) u32);

/// A Ksock: an open file of a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KsockId {
    number: NonZeroU32,
    /// Where it is found, as long as it is there. The number tells whether it still is.
    pub(super) at: At,
}

impl KsockId {
    /// The lowest there can be, to begin a search with.
    pub(super) const FIRST: KsockId = KsockId {
        number: NonZeroU32::MIN,
        at: At(0),
    };

    /// Returns the id with this number, unless it means none, of a Ksock in this cell.
    pub(super) fn new(number: u32, at: At) -> Option<Self> {
        let number = NonZeroU32::new(number)?;
        Some(KsockId { number, at })
    }

    /// Returns the number that programs see.
    pub(crate) fn get(self) -> u32 {
        self.number.get()
    }
}

/// A binding. Of two the larger is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BindingId(NonZeroU64);

impl BindingId {
    /// Newer than any there can be, to begin a search with; and what a binding has until it is
    /// made.
    pub(super) const NEWEST: BindingId = BindingId(NonZeroU64::MAX);
}

/// A user, as routing tells them apart: those who may exceed limits are others than those who
/// may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UserId(u64);

impl UserId {
    /// The lowest there can be, to begin a search with.
    pub(super) const FIRST: UserId = UserId(0);

    /// Returns what stands for this user.
    pub(super) fn new(uid: u32, exempt: bool) -> Self {
        UserId((u64::from(uid) << 1) | u64::from(exempt))
    }

    /// Returns the number that it is ordered by, of 33 bits.
    pub(super) fn get(self) -> u64 {
        self.0
    }

    /// Returns the one with this number.
    pub(super) fn of(number: u64) -> Self {
        UserId(number)
    }

    /// Returns whether limits are for others.
    pub(super) fn is_exempt(self) -> bool {
        self.0 & 1 != 0
    }

    /// Returns the lowest above it, to go on behind all that this user has.
    pub(super) fn next(self) -> UserId {
        UserId(self.0.saturating_add(1))
    }
}

/// A request. Message ids do not identify one: a sender may bring its own, twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestSerial(u64);

/// A send that waits. Of two the larger came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SendId(u64);

impl SendId {
    /// The lowest and the highest there can be, to begin a search with.
    pub(super) const FIRST: SendId = SendId(0);
    pub(super) const LAST: SendId = SendId(u64::MAX);
}

/// An answer that a Ksock owes. Of two the larger was read later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DebtNumber(u64);

/// Gives out ids that count up, of which there are enough for ever.
pub(super) struct Counter(NonZeroU64);

impl Counter {
    pub(super) fn new() -> Self {
        Counter(NonZeroU64::MIN)
    }

    fn next(&mut self) -> NonZeroU64 {
        let next = self.0;
        self.0 = next.saturating_add(1);
        next
    }

    pub(super) fn next_binding(&mut self) -> BindingId {
        BindingId(self.next())
    }

    pub(super) fn next_request(&mut self) -> RequestSerial {
        RequestSerial(self.next().get())
    }

    pub(super) fn next_send(&mut self) -> SendId {
        SendId(self.next().get())
    }

    pub(super) fn next_debt(&mut self) -> DebtNumber {
        DebtNumber(self.next().get())
    }
}

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

/// Gives out message serials: 2^32 of them, and then again from 1.
pub(super) struct Serials {
    last: u32,
}

impl Serials {
    pub(super) fn new() -> Self {
        Serials { last: 0 }
    }

    /// Returns an id for a message.
    pub(super) fn next(&mut self) -> MsgId {
        self.last = self.last.checked_add(1).unwrap_or(1);
        MsgId {
            network: 0,
            serial: self.last,
        }
    }

    /// Returns the last serial given out; 0 if there was none.
    pub(super) fn last(&self) -> u32 {
        self.last
    }
}

/// A Ksock of another bus. Carried along, never looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrigFrom {
    pub(crate) network: u32,
    pub(crate) local: u32,
}

/// A request, as its requester knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) id: MsgId,
    /// The Ksock that was asked.
    pub(crate) replier: KsockId,
    pub(crate) serial: RequestSerial,
}

impl Request {
    /// The lowest with this id and replier that there can be, to begin a search with.
    pub(super) fn first(id: MsgId, replier: KsockId) -> Self {
        Request {
            id,
            replier,
            serial: RequestSerial(0),
        }
    }
}
