// SPDX-License-Identifier: GPL-2.0-only

//! The answers that a Ksock owes.

use super::count::expect;
use super::id::{DebtNumber, KsockId, Request};
use super::tally::Tally;
use super::walk;
use core::cmp::Reverse;
use kernel::rbtree::RBTreeNodeReservation;

/// The memory for one debt.
pub(crate) type OwedReservation = RBTreeNodeReservation<Reverse<DebtNumber>, Debt>;

/// A request that was read and not yet answered by its reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Debt {
    pub(crate) requester: KsockId,
    pub(crate) request: Request,
}

/// The answers a Ksock owes, the most recently read request first.
///
/// When no requester waits for an answer any more, because it has closed or another Ksock has
/// answered, the debt stays (5.6), but as a mere number: else a program that asks and closes,
/// again and again, would fill the memory at no user's expense.
pub(crate) struct Owed {
    debts: Tally<Reverse<DebtNumber>, Debt>,
    forgotten: u32,
}

impl Owed {
    pub(crate) fn new() -> Self {
        Owed {
            debts: Tally::new(),
            forgotten: 0,
        }
    }

    /// Returns how many answers are owed, awaited or not.
    pub(crate) fn len(&self) -> u32 {
        self.debts.len.saturating_add(self.forgotten)
    }

    /// Returns the most there ever were at a time.
    pub(crate) fn most(&self) -> u32 {
        self.debts.most
    }

    /// Notes that a request was read.
    pub(crate) fn insert(&mut self, reservation: OwedReservation, number: DebtNumber, debt: Debt) {
        self.debts.insert(reservation, Reverse(number), debt);
        self.count();
    }

    /// Notes that a request was read whose answer is not awaited any more.
    pub(crate) fn insert_forgotten(&mut self) {
        self.forgotten = self.forgotten.saturating_add(1);
        self.count();
    }

    fn count(&mut self) {
        self.debts.most = self.debts.most.max(self.len());
    }

    /// Strikes a debt that is answered.
    pub(crate) fn strike(&mut self, number: DebtNumber) -> Option<OwedReservation> {
        let node = expect(self.debts.remove(&Reverse(number)))?;
        Some(node.into_reservation())
    }

    /// Turns a debt whose answer is not awaited any more into a number.
    pub(crate) fn forget(&mut self, number: DebtNumber) -> Option<OwedReservation> {
        self.forgotten = self.forgotten.saturating_add(1);
        self.strike(number)
    }

    /// Goes on to the debt behind `at`, or to the first, and returns it: the most recently read
    /// request comes first. Only those come whose answers are awaited.
    pub(crate) fn next_debt(&mut self, at: &mut Option<Reverse<DebtNumber>>) -> Option<Debt> {
        walk::on(&mut self.debts.tree, at, |debt| *debt)
    }
}
