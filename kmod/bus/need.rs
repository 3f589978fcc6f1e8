// SPDX-License-Identifier: GPL-2.0-only

//! How much memory a verb wants, said in numbers: what [`Prealloc`] is asked to supply.
//!
//! [`Prealloc`]: super::prealloc::Prealloc

use super::pool::Want;

/// How much memory a verb wants to find, in all. What is there already counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Space to note Ksocks in whose queues have no cell free. Those that are noted get a chunk.
    pub(crate) short: usize,
    /// A chunk of cells for Ksocks.
    pub(crate) ksocks: Option<Want>,
    /// A chunk of cells for the bindings of a Ksock.
    pub(crate) bindings: Option<Want>,
    /// Space to note recipients in.
    pub(crate) recipients: usize,
    /// Space to note who is to be woken, beside recipients.
    pub(crate) wakes: usize,
    /// What a request is noted with, at its sender and at its replier.
    pub(crate) request: bool,
    /// What a send that waits is noted with.
    pub(crate) pending: bool,
    /// Space for entries that are taken out of a queue.
    pub(crate) removed: usize,
}

impl Need {
    /// Nothing.
    pub(crate) const NOTHING: Need = Need {
        short: 0,
        ksocks: None,
        bindings: None,
        recipients: 0,
        wakes: 0,
        request: false,
        pending: false,
        removed: 0,
    };
    /// Nothing but that others get the lock before the verb goes on.
    pub(crate) const A_PAUSE: Need = Need::NOTHING;
    /// Cells for those that were noted, or for the one that could not be.
    pub(crate) const CELLS: Need = Need {
        short: 1,
        ..Need::NOTHING
    };
    /// What a send that waits is noted with.
    pub(crate) const PENDING: Need = Need {
        pending: true,
        ..Need::NOTHING
    };
}
