// SPDX-License-Identifier: GPL-2.0-only

//! What was decided, with the memory to do it: nothing can fail from here on.

use super::awaited::AwaitedReservation;
use super::binding::Binding;
use super::id::{KsockId, Request};
use super::owed::OwedReservation;
use super::pool::Slot;
use super::waiting::Walk;
use kernel::prelude::*;
use kernel::sync::Arc;

/// A listener or replier that gets a copy.
pub(crate) struct Recipient {
    pub(super) ksock: KsockId,
    /// The binding that attracts it.
    pub(super) binding: Arc<Binding>,
    /// Where its copy goes.
    pub(super) slot: Slot,
}

/// What one request is queued and noted with.
pub(crate) struct RequestReservation {
    /// The note at its sender.
    pub(super) awaited: AwaitedReservation,
    /// The note at its replier.
    pub(super) owed: OwedReservation,
}

/// A request and the replier that it is for.
pub(crate) struct Ask {
    pub(super) replier: Recipient,
    /// Where its answer goes.
    pub(super) answer: Slot,
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
    /// Subscriptions that were full are to be opened. Until all are it counts as full.
    Open(KsockId),
    /// The queue still has entries of a binding that is gone.
    Unbind {
        ksock: KsockId,
        binding: Arc<Binding>,
        /// One of those taken out counted against the limit.
        counted: bool,
    },
    /// Sends that wait for what has happened are to be tried again.
    Retry(Walk),
}
