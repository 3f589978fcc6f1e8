// SPDX-License-Identifier: GPL-2.0-only

//! The answers that a Ksock waits for.
//!
//! A request is noted twice: at its requester as [`Awaited`] from the moment it is sent, and at
//! its replier as [`Owed`] from the moment it is read. Only what is still awaited is answered,
//! and answering takes it away: that is how each request gets exactly one answer, from whichever
//! Ksock it comes. The slot for the answer in the requester's queue is kept with the note, so
//! that giving an answer needs no memory.
//!
//! [`Owed`]: super::owed::Owed

use super::count::{decrease, expect};
use super::id::{DebtNumber, KsockId, MsgId, Request};
use super::owed::OwedReservation;
use super::pool::Slot;
use super::tally::Tally;
use super::walk;
use kernel::rbtree::RBTreeNodeReservation;

/// What is kept for an answer.
pub(crate) struct Answer {
    pub(crate) slot: Slot,
    /// Set once the replier has read the request: where the replier's debt is noted.
    pub(crate) debt: Option<DebtNumber>,
}

/// The memory for one awaited answer.
pub(crate) type AwaitedReservation = RBTreeNodeReservation<Request, Option<Answer>>;

/// The memory that an answered request was noted with, kept for its requester's next one.
#[derive(Default)]
pub(crate) struct Spare {
    pub(crate) awaited: Option<AwaitedReservation>,
    pub(crate) owed: Option<OwedReservation>,
}

/// The answers a Ksock waits for: its outstanding requests.
pub(crate) struct Awaited(Tally<Request, Option<Answer>>);

impl Awaited {
    pub(crate) fn new() -> Self {
        Awaited(Tally::new())
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.len
    }

    /// Returns the most there ever were at a time.
    pub(crate) fn most(&self) -> u32 {
        self.0.most
    }

    /// Notes a request, for whose answer `slot` is kept.
    pub(crate) fn insert(&mut self, reservation: AwaitedReservation, request: Request, slot: Slot) {
        let answer = Answer { slot, debt: None };
        self.0.insert(reservation, request, Some(answer));
    }

    /// Returns the request that a reply from `replier` with this id would answer: the replier's
    /// own if there is one, else any (5.6: a reply that names the right id is believed).
    pub(crate) fn find(&self, id: MsgId, replier: KsockId) -> Option<Request> {
        self.first(id, replier)
            .filter(|found| found.replier == replier)
            .or_else(|| self.first(id, KsockId::FIRST))
    }

    fn first(&self, id: MsgId, replier: KsockId) -> Option<Request> {
        let from = Request::first(id, replier);
        let found = *self.0.tree.cursor_lower_bound(&from)?.current().0;
        (found.id == id).then_some(found)
    }

    /// Notes that the replier has read the request. Returns whether it is still awaited.
    pub(crate) fn set_debt(&mut self, request: &Request, debt: DebtNumber) -> bool {
        let Some(Some(answer)) = self.0.tree.get_mut(request) else {
            return false;
        };
        answer.debt = Some(debt);
        true
    }

    /// Goes on to the request behind `at`, or to the first. Returns, if it was read, by which Ksock
    /// and where its debt is noted; or nothing if there is no request.
    pub(crate) fn next_read(
        &mut self,
        at: &mut Option<Request>,
    ) -> Option<Option<(KsockId, DebtNumber)>> {
        let debt = walk::on(&mut self.0.tree, at, |answer| answer.as_ref()?.debt)?;
        Some(
            at.as_ref()
                .and_then(|request| Some((request.replier, debt?))),
        )
    }

    /// Ends a request: it is being answered. Returns nothing if it is not awaited any more.
    pub(crate) fn take(&mut self, request: &Request) -> Option<(Answer, AwaitedReservation)> {
        let mut found = self.0.tree.find_mut(request)?;
        let answer = found.get_mut().take();
        let reservation = found.remove_node().into_reservation();
        decrease(&mut self.0.len, 1);
        Some((expect(answer)?, reservation))
    }
}
