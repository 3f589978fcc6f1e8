// SPDX-License-Identifier: GPL-2.0-only

//! The sends that wait (specification 7), by what can change their outcome.
//!
//! A verb that changes something wakes the sends that wait for just that, and looks at no others.
//! It does so when it is done, a few at a time ([`STEP`](super::prealloc::STEP)).

use super::binding::Binding;
use super::count::expect;
use super::error::BusError;
use super::id::{KsockId, MsgId, UserId};
use super::message::Header;
use super::reserve::node;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;

/// What the outcome of a send that waits depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// This Ksock has no capacity.
    Full(KsockId),
    /// This user gets no more copies of a message.
    Copies(UserId),
    /// This Ksock would be asked.
    Asked(KsockId),
    /// This request of this Ksock would be answered.
    Answered(KsockId, MsgId),
    /// It is a request: another replier may come.
    Request,
}

/// What one send waits for: what blocks it; and if it is a request, whom it asks, and another
/// replier; and if it is a reply, what it answers.
pub(crate) type Causes = [Option<Cause>; 4];

/// Why a message must wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    pub(crate) by: Cause,
    /// Whom it would ask.
    pub(crate) asked: Option<KsockId>,
    /// Whose request it would answer.
    pub(crate) answered: Option<KsockId>,
}

impl Blocked {
    /// Returns all that the outcome of this message depends on.
    pub(super) fn causes(self, message: &Header) -> Causes {
        [
            Some(self.by),
            self.asked.map(Cause::Asked),
            self.asked.map(|_| Cause::Request),
            self.answered
                .map(|to| Cause::Answered(to, message.in_reply_to)),
        ]
    }
}

/// A send that waits for something.
type Wait = (Cause, KsockId);

/// The memory for one send that waits.
pub(crate) struct PendingReservation([Option<RBTreeNodeReservation<Wait, ()>>; 4]);

impl PendingReservation {
    /// Gets it.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new() -> Result<Self, BusError> {
        Ok(PendingReservation([
            Some(node()?),
            Some(node()?),
            Some(node()?),
            Some(node()?),
        ]))
    }
}

/// The sends that wait.
pub(crate) struct Waiting(RBTree<Wait, ()>);

/// A walk through the sends that wait for something, in steps.
pub(crate) struct Walk {
    /// The last one that was met, or where it begins.
    at: Wait,
    begun: bool,
    last: Cause,
    /// Only requests whose names it covers.
    binding: Option<Arc<Binding>>,
}

impl Walk {
    /// Through those that wait for this.
    pub(super) fn of(cause: Cause) -> Walk {
        Walk {
            at: (cause, KsockId::FIRST),
            begun: false,
            last: cause,
            binding: None,
        }
    }

    /// Through those that would answer a request of this Ksock.
    pub(super) fn of_answers_to(requester: KsockId) -> Walk {
        let last = MsgId {
            network: u32::MAX,
            serial: u32::MAX,
        };
        Walk {
            at: (Cause::Answered(requester, MsgId::NONE), KsockId::FIRST),
            begun: false,
            last: Cause::Answered(requester, last),
            binding: None,
        }
    }

    /// Through the requests whose names a new binding covers.
    pub(super) fn of_requests(binding: &Arc<Binding>) -> Walk {
        Walk {
            binding: Some(binding.clone()),
            ..Walk::of(Cause::Request)
        }
    }

    pub(super) fn binding(&self) -> Option<&Arc<Binding>> {
        self.binding.as_ref()
    }
}

impl Waiting {
    pub(super) fn new() -> Self {
        Waiting(RBTree::new())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a send that waits. What of the memory is not needed is returned.
    pub(super) fn note(
        &mut self,
        sender: KsockId,
        causes: &Causes,
        mut memory: PendingReservation,
    ) -> PendingReservation {
        for (cause, node) in causes.iter().zip(&mut memory.0) {
            if let Some(cause) = *cause {
                if let Some(node) = expect(node.take()) {
                    self.0.insert(node.into_node((cause, sender), ()));
                }
            }
        }
        memory
    }

    /// Forgets a send that waits. `memory` is what was not needed; all of it is returned.
    pub(super) fn forget(
        &mut self,
        sender: KsockId,
        causes: &Causes,
        mut memory: PendingReservation,
    ) -> PendingReservation {
        for (cause, node) in causes.iter().zip(&mut memory.0) {
            if let Some(cause) = *cause {
                let found = expect(self.0.remove_node(&(cause, sender)));
                *node = found.map(|found| found.into_reservation());
            }
        }
        memory
    }

    /// Returns whether there is one on this walk.
    pub(super) fn has(&self, walk: &Walk) -> bool {
        let found = self.0.cursor_lower_bound(&walk.at);
        found.is_some_and(|found| found.current().0 .0 <= walk.last)
    }

    /// Goes on to the next on this walk, and returns its sender.
    pub(super) fn next(&mut self, walk: &mut Walk) -> Option<KsockId> {
        let mut found = self.0.cursor_lower_bound_mut(&walk.at)?;
        if walk.begun && *found.current().0 == walk.at {
            found = found.move_next()?;
        }
        let at = *found.current().0;
        if at.0 > walk.last {
            return None;
        }
        (walk.at, walk.begun) = (at, true);
        Some(at.1)
    }
}
