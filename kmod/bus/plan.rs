// SPDX-License-Identifier: GPL-2.0-only

//! What was decided, with the memory to do it: nothing can fail from here on.

use super::awaited::AwaitedReservation;
use super::id::{BindingId, KsockId, Request};
use super::owed::OwedReservation;
use super::queue::{Chain, Slot};
use super::routes::Target;
use super::waiting::Walk;
use kernel::prelude::*;

/// A listener that gets a copy.
pub(crate) struct Recipient {
    pub(super) ksock: KsockId,
    /// The binding by which it listens.
    pub(super) binding: BindingId,
    /// Where its copy goes.
    pub(super) slot: Slot,
}

/// What one request is queued and noted with.
pub(crate) struct RequestReservation {
    /// The note at its sender.
    pub(super) awaited: AwaitedReservation,
    /// Where its answer goes.
    pub(super) answer: Slot,
    /// The note at its replier.
    pub(super) owed: OwedReservation,
    /// Where the replier's copy goes.
    pub(super) slot: Slot,
}

/// A request and the replier that it is for.
pub(crate) struct Ask {
    pub(super) target: Target,
    pub(super) reservation: RequestReservation,
}

/// The delivery of one message.
pub(crate) struct Plan {
    /// It answers this request of this Ksock, which has kept a slot for it.
    pub(super) answers: Option<(KsockId, Request)>,
    pub(super) asks: Option<Ask>,
    /// Those who listen, in the order in which they get it.
    pub(super) recipients: KVVec<Recipient>,
}

/// The delivery of one bind event to those who listen for them.
pub(crate) struct Announcement {
    pub(super) recipients: KVVec<Recipient>,
}

/// What is left to do of a verb that is done: it takes long, and so it is done in steps, between
/// which others get the lock. The session of the Ksock stays locked, so that no other verb of the
/// same Ksock finds it half done.
pub(crate) enum Rest {
    /// Seats that were full are to be opened. Until all are it counts as full.
    Open(KsockId),
    /// The queue still has entries of a binding that is gone.
    Unbind {
        ksock: KsockId,
        attracted: Chain,
        /// One of those taken out counted against the limit.
        counted: bool,
    },
    /// Sends that wait for what has happened are to be told.
    Wake(Walk),
}
