// SPDX-License-Identifier: GPL-2.0-only

//! The sends that wait (specification 7), by what can change their outcome.
//!
//! A verb that changes something leaves a [`Walk`] through those that wait for just that, in the
//! order in which they came. When the verb is done each is tried again, one at a time
//! ([`verbs::go_on`](super::verbs)). A send that waits is a thing of its own and no part of its
//! sender, who may have several: so far one, that of SEND.

use super::binding::Binding;
use super::count::expect;
use super::error::BusError;
use super::id::{KsockId, MsgId, SendId, UserId};
use super::message::{Header, Message};
use super::reserve::node;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;

/// What a Ksock may have room for, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    /// An answer, whose place is kept.
    Answer,
    /// One that is longer than what is kept.
    LongAnswer,
    /// Any other message.
    Message,
}

/// What the outcome of a send that waits depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// This Ksock has no such room.
    Full(KsockId, Room),
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
type Wait = (Cause, SendId);

/// The memory for one note of a send for each of its causes.
type Notes = [Option<RBTreeNodeReservation<Wait, ()>>; 4];

/// The memory for one send that waits.
pub(crate) struct PendingReservation {
    send: RBTreeNodeReservation<SendId, Option<Pending>>,
    notes: Notes,
}

impl PendingReservation {
    /// Gets it.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new() -> Result<Self, BusError> {
        Ok(PendingReservation {
            send: node()?,
            notes: [Some(node()?), Some(node()?), Some(node()?), Some(node()?)],
        })
    }
}

/// A send that waits.
pub(crate) struct Pending {
    pub(super) sender: KsockId,
    pub(super) message: Arc<Message>,
    causes: Causes,
    /// The memory that was not needed to note it.
    notes: Notes,
}

/// The sends that wait.
pub(crate) struct Waiting {
    sends: RBTree<SendId, Option<Pending>>,
    causes: RBTree<Wait, ()>,
}

/// A walk through the sends that wait for something, in steps.
pub(crate) struct Walk {
    /// The last one that was met, or where it begins.
    at: Wait,
    begun: bool,
    last: Cause,
    /// Only those whose names it covers.
    binding: Option<Arc<Binding>>,
    /// Whether there is room or not: perhaps they need none any more.
    unbound: bool,
}

impl Walk {
    /// Through those that wait for this.
    pub(super) fn of(cause: Cause) -> Walk {
        Walk::through(cause, cause)
    }

    fn through(first: Cause, last: Cause) -> Walk {
        Walk {
            at: (first, SendId::FIRST),
            begun: false,
            last,
            binding: None,
            unbound: false,
        }
    }

    /// Through those that wait for room at this Ksock, as long as there is some.
    pub(super) fn of_room(ksock: KsockId) -> Walk {
        let full = |room| Cause::Full(ksock, room);
        Walk::through(full(Room::Answer), full(Room::Message))
    }

    /// Through those that wait for this, and whose names a binding covered that is gone.
    pub(super) fn of_unbound(cause: Cause, binding: &Arc<Binding>) -> Walk {
        Walk {
            binding: Some(binding.clone()),
            unbound: true,
            ..Walk::of(cause)
        }
    }

    /// Through those that would answer a request of this Ksock.
    pub(super) fn of_answers_to(requester: KsockId) -> Walk {
        let last = MsgId {
            network: u32::MAX,
            serial: u32::MAX,
        };
        let answered = |id| Cause::Answered(requester, id);
        Walk::through(answered(MsgId::NONE), answered(last))
    }

    /// Through the requests whose names a new binding covers.
    pub(super) fn of_requests(binding: &Arc<Binding>) -> Walk {
        Walk {
            binding: Some(binding.clone()),
            ..Walk::of(Cause::Request)
        }
    }

    /// Returns whether it looks for room, and passes over the rest when there is none.
    pub(super) fn looks_for_room(&self) -> bool {
        !self.unbound
    }

    /// Returns whether it is through sends that this one is among.
    pub(super) fn concerns(&self, message: &Message) -> bool {
        let binding = self.binding.as_ref();
        binding.is_none_or(|binding| binding.pattern.covers(message.name()))
    }

    /// Passes over all others that wait for what the last one that was met waits for.
    pub(super) fn pass(&mut self) {
        self.at.1 = SendId::LAST;
    }

    /// Returns where it is, to [`go_back`](Self::go_back) to.
    pub(super) fn place(&self) -> (Wait, bool) {
        (self.at, self.begun)
    }

    pub(super) fn go_back(&mut self, place: (Wait, bool)) {
        (self.at, self.begun) = place;
    }

    /// Returns whether both go through the same sends, wherever they are.
    pub(super) fn is_like(&self, other: &Walk) -> bool {
        let plain = |walk: &Walk| walk.binding.is_none() && !walk.unbound;
        self.at.0 == other.at.0 && self.last == other.last && plain(self) && plain(other)
    }
}

impl Waiting {
    pub(super) fn new() -> Self {
        Waiting {
            sends: RBTree::new(),
            causes: RBTree::new(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// Notes a send that waits.
    pub(super) fn add(
        &mut self,
        id: SendId,
        sender: KsockId,
        message: Arc<Message>,
        blocked: Blocked,
        memory: PendingReservation,
    ) {
        let causes = blocked.causes(message.header());
        let PendingReservation { send, mut notes } = memory;
        self.note(id, &causes, &mut notes);
        let pending = Pending {
            sender,
            message,
            causes,
            notes,
        };
        self.sends.insert(send.into_node(id, Some(pending)));
    }

    fn note(&mut self, id: SendId, causes: &Causes, notes: &mut Notes) {
        for (cause, node) in causes.iter().zip(notes) {
            if let Some(cause) = *cause {
                if let Some(node) = expect(node.take()) {
                    self.causes.insert(node.into_node((cause, id), ()));
                }
            }
        }
    }

    fn forget(&mut self, id: SendId, causes: &Causes, notes: &mut Notes) {
        for (cause, node) in causes.iter().zip(notes) {
            if let Some(cause) = *cause {
                let found = expect(self.causes.remove_node(&(cause, id)));
                *node = found.map(|found| found.into_reservation());
            }
        }
    }

    /// Returns a send that waits.
    pub(super) fn get(&self, id: SendId) -> Option<&Pending> {
        self.sends.get(&id)?.as_ref()
    }

    /// Notes what a send that waits waits for now.
    pub(super) fn wait_for(&mut self, id: SendId, blocked: Blocked) {
        let Some(mut pending) = self.sends.get_mut(&id).and_then(Option::take) else {
            return;
        };
        self.forget(id, &pending.causes, &mut pending.notes);
        pending.causes = blocked.causes(pending.message.header());
        self.note(id, &pending.causes, &mut pending.notes);
        if let Some(place) = self.sends.get_mut(&id) {
            *place = Some(pending);
        }
    }

    /// Takes a send that waits no more. Returns its message, and the memory for another.
    pub(super) fn take(&mut self, id: SendId) -> Option<(Arc<Message>, PendingReservation)> {
        let mut found = expect(self.sends.find_mut(&id))?;
        let pending = found.get_mut().take();
        let send = found.remove_node().into_reservation();
        let Pending {
            message,
            causes,
            mut notes,
            ..
        } = expect(pending)?;
        self.forget(id, &causes, &mut notes);
        Some((message, PendingReservation { send, notes }))
    }

    /// Returns whether there is one on this walk.
    pub(super) fn has(&self, walk: &Walk) -> bool {
        let found = self.causes.cursor_lower_bound(&walk.at);
        found.is_some_and(|found| found.current().0 .0 <= walk.last)
    }

    /// Goes on to the next on this walk. Returns for what it waits, and which it is.
    pub(super) fn next(&mut self, walk: &mut Walk) -> Option<Wait> {
        let mut found = self.causes.cursor_lower_bound_mut(&walk.at)?;
        if walk.begun && *found.current().0 == walk.at {
            found = found.move_next()?;
        }
        let at = *found.current().0;
        if at.0 > walk.last {
            return None;
        }
        (walk.at, walk.begun) = (at, true);
        Some(at)
    }
}
