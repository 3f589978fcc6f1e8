// SPDX-License-Identifier: GPL-2.0

//! The answers that a Ksock owes.

use super::id::Request;
use super::tally::Tally;
use core::cmp::Reverse;
use kernel::rbtree::RBTreeNodeReservation;

/// The memory for one debt.
pub(crate) type OwedReservation = RBTreeNodeReservation<Reverse<u64>, Debt>;

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
    notes: Tally<Reverse<u64>, Debt>,
    forgotten: u32,
}

impl Owed {
    pub(crate) fn new() -> Self {
        Owed {
            notes: Tally::new(),
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

    pub(crate) fn insert(&mut self, reservation: OwedReservation, number: u64, debt: Debt) {
        self.notes.insert(reservation, Reverse(number), debt);
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

    pub(crate) fn strike(&mut self, number: u64) -> Option<OwedReservation> {
        let node = self.notes.tree.remove_node(&Reverse(number))?;
        self.notes.len = self.notes.len.saturating_sub(1);
        Some(node.into_reservation())
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&mut self, number: u64) -> Option<OwedReservation> {
        let reservation = self.strike(number)?;
        self.forgotten = self.forgotten.saturating_add(1);
        Some(reservation)
    }

    /// The debts for which somebody waits, the most recently read request first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Debt> {
        self.notes.tree.values()
    }
}
