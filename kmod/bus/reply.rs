// SPDX-License-Identifier: GPL-2.0

//! Who is owed an answer, and who owes one.
//!
//! A request is noted twice: at its requester as [`Awaited`] from the moment it is sent, and at
//! its replier as [`Owed`] from the moment it is read. Only what is still awaited is answered,
//! and answering takes it away: that is how each request gets exactly one answer, whoever gives
//! it. The place for the answer in the requester's queue is kept with the note, so that giving
//! an answer needs no memory.
//!
//! Message ids do not identify a request: a sender may bring its own, twice. Requests therefore
//! have a serial number of the bus's own.

use super::message::MsgId;
use super::queue::Place;
use core::cmp::Reverse;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};

/// A request, as its requester knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) id: MsgId,
    /// Who was asked.
    pub(crate) replier: u32,
    pub(crate) serial: u64,
}

/// What is kept for an answer.
pub(crate) struct Answer {
    pub(crate) place: Place,
    /// Set once the replier has read the request: where the replier's debt is noted.
    pub(crate) debt: Option<u64>,
}

/// The memory for one awaited answer.
pub(crate) type AnswerRoom = RBTreeNodeReservation<Request, Option<Answer>>;

/// The memory for one debt.
pub(crate) type DebtRoom = RBTreeNodeReservation<Reverse<u64>, Debt>;

/// The memory that an answered request was noted with, kept for its requester's next one.
#[derive(Default)]
pub(crate) struct Spare {
    pub(crate) answer: Option<AnswerRoom>,
    pub(crate) debt: Option<DebtRoom>,
    pub(crate) place: Option<Place>,
}

/// A counted set of notes.
struct Notes<K, V> {
    tree: RBTree<K, V>,
    len: u32,
    most: u32,
}

impl<K: Ord, V> Notes<K, V> {
    fn new() -> Self {
        Notes {
            tree: RBTree::new(),
            len: 0,
            most: 0,
        }
    }

    fn insert(&mut self, room: RBTreeNodeReservation<K, V>, key: K, value: V) {
        self.tree.insert(room.into_node(key, value));
        self.len += 1;
        self.most = self.most.max(self.len);
    }
}

/// The answers a Ksock waits for: its outstanding requests.
pub(crate) struct Awaited(Notes<Request, Option<Answer>>);

impl Awaited {
    pub(crate) fn new() -> Self {
        Awaited(Notes::new())
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.len
    }

    /// The most there ever were at a time.
    pub(crate) fn most(&self) -> u32 {
        self.0.most
    }

    pub(crate) fn insert(&mut self, room: AnswerRoom, request: Request, place: Place) {
        let answer = Answer { place, debt: None };
        self.0.insert(room, request, Some(answer));
    }

    /// Finds the request that a reply from `replier` with this id would answer: its own if there
    /// is one, else anybody's (5.6: whoever names the right id is believed).
    pub(crate) fn find(&self, id: MsgId, replier: u32) -> Option<Request> {
        self.first(id, replier)
            .filter(|found| found.replier == replier)
            .or_else(|| self.first(id, 0))
    }

    fn first(&self, id: MsgId, replier: u32) -> Option<Request> {
        let from = Request {
            id,
            replier,
            serial: 0,
        };
        let found = *self.0.tree.cursor_lower_bound(&from)?.current().0;
        (found.id == id).then_some(found)
    }

    /// Notes that the replier has read the request. False if it is not awaited any more.
    pub(crate) fn set_debt(&mut self, request: &Request, debt: u64) -> bool {
        let Some(Some(answer)) = self.0.tree.get_mut(request) else {
            return false;
        };
        answer.debt = Some(debt);
        true
    }

    /// The requests that were read: by whom, and where their debts are noted.
    pub(crate) fn read(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let all = self.0.tree.iter();
        all.filter_map(|(request, answer)| Some((request.replier, answer.as_ref()?.debt?)))
    }

    /// The request is being answered. Nothing if it is not awaited any more.
    pub(crate) fn take(&mut self, request: &Request) -> Option<(Answer, AnswerRoom)> {
        let mut found = self.0.tree.find_mut(request)?;
        let answer = found.get_mut().take();
        let room = found.remove_node().into_reservation();
        self.0.len = self.0.len.saturating_sub(1);
        Some((answer?, room))
    }
}

/// A request that was read and not yet answered by its reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debt {
    pub(crate) requester: u32,
    pub(crate) request: Request,
}

/// The answers a Ksock owes, the most recently read request first.
///
/// When nobody waits for an answer any more, because the requester has closed or another has
/// answered, the debt stays (5.6), but as a mere number: else whoever asks and closes, again and
/// again, would fill the memory, with nobody to pay for it.
pub(crate) struct Owed {
    notes: Notes<Reverse<u64>, Debt>,
    forgotten: u32,
}

impl Owed {
    pub(crate) fn new() -> Self {
        Owed {
            notes: Notes::new(),
            forgotten: 0,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.notes.len.saturating_add(self.forgotten)
    }

    /// The most there ever were at a time.
    pub(crate) fn most(&self) -> u32 {
        self.notes.most
    }

    pub(crate) fn insert(&mut self, room: DebtRoom, number: u64, debt: Debt) {
        self.notes.insert(room, Reverse(number), debt);
        self.count();
    }

    /// A request was read for whose answer nobody waited any more.
    pub(crate) fn insert_forgotten(&mut self) {
        self.forgotten = self.forgotten.saturating_add(1);
        self.count();
    }

    fn count(&mut self) {
        self.notes.most = self.notes.most.max(self.len());
    }

    pub(crate) fn strike(&mut self, number: u64) -> Option<DebtRoom> {
        let node = self.notes.tree.remove_node(&Reverse(number))?;
        self.notes.len = self.notes.len.saturating_sub(1);
        Some(node.into_reservation())
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&mut self, number: u64) -> Option<DebtRoom> {
        let room = self.strike(number)?;
        self.forgotten = self.forgotten.saturating_add(1);
        Some(room)
    }

    /// The debts for which somebody waits, the most recently read request first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Debt> {
        self.notes.tree.values()
    }
}
