// SPDX-License-Identifier: GPL-2.0-only

//! How much memory a verb wants, said in numbers: what [`Prealloc`] is asked to supply.
//!
//! [`Prealloc`]: super::prealloc::Prealloc

/// How much memory a verb wants to find, in all. What is there already counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Slots in queues.
    pub(crate) slots: usize,
    /// Space to note recipients in.
    pub(crate) recipients: usize,
    /// Space to note who is to be woken, beside recipients.
    pub(crate) wakes: usize,
    /// What a request is noted with, at its sender and at its replier.
    pub(crate) request: bool,
    /// What a send that waits is noted with.
    pub(crate) pending: bool,
}

impl Need {
    /// Nothing.
    pub(crate) const NOTHING: Need = Need {
        slots: 0,
        recipients: 0,
        wakes: 0,
        request: false,
        pending: false,
    };
    /// Nothing but that others get the lock before the verb goes on.
    pub(crate) const A_PAUSE: Need = Need::NOTHING;
    /// One slot in a queue.
    pub(crate) const ONE_SLOT: Need = Need {
        slots: 1,
        ..Need::NOTHING
    };
    /// What a send that waits is noted with.
    pub(crate) const PENDING: Need = Need {
        pending: true,
        ..Need::NOTHING
    };
}
