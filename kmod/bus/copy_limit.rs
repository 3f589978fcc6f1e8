// SPDX-License-Identifier: GPL-2.0-only

//! The Ksocks of one user on one bus, as far as they share something: how many copies of one
//! message the user gets. Without a limit of that kind, 4,096 Ksocks, or one with 16,384 bindings
//! to `$.*`, would make every message of everybody thousands of times as dear.

use super::count::{decrease, expect};
use super::id::UserId;
use kernel::rbtree::{Entry, RBTree, RBTreeNodeReservation};

/// Which message it is that is being routed.
pub(super) type Round = u64;

/// The Ksocks of one user.
pub(crate) struct CopyLimit {
    ksocks: u32,
    /// How many copies of one message the user may get.
    most: u32,
    /// Which message was last counted, and how many copies of it.
    round: Round,
    copies: u32,
}

/// The memory for the limit of one user.
pub(crate) type CopyLimitReservation = RBTreeNodeReservation<UserId, CopyLimit>;

/// The limits of the users of a bus. Who may exceed limits has none.
pub(super) struct CopyLimits(RBTree<UserId, CopyLimit>);

impl CopyLimits {
    pub(super) fn new() -> Self {
        CopyLimits(RBTree::new())
    }

    /// A user has one Ksock more.
    pub(super) fn join(&mut self, user: UserId, most: u32, reservation: CopyLimitReservation) {
        match self.0.entry(user) {
            Entry::Occupied(mut copy_limit) => copy_limit.get_mut().ksocks += 1,
            Entry::Vacant(place) => {
                let copy_limit = CopyLimit {
                    ksocks: 1,
                    most,
                    round: 0,
                    copies: 0,
                };
                place.insert(copy_limit, reservation);
            }
        }
    }

    /// A user has one Ksock less.
    pub(super) fn leave(&mut self, user: UserId) {
        if user.is_exempt() {
            return;
        }
        let Some(copy_limit) = expect(self.0.get_mut(&user)) else {
            return;
        };
        decrease(&mut copy_limit.ksocks, 1);
        if copy_limit.ksocks == 0 {
            self.0.remove(&user);
        }
    }

    /// Returns how many copies of this message a user may get, besides those that were counted.
    fn left(&mut self, user: UserId, round: Round) -> u32 {
        match expect(self.0.get_mut(&user)) {
            Some(copy_limit) if copy_limit.round == round => {
                copy_limit.most.saturating_sub(copy_limit.copies)
            }
            Some(copy_limit) => {
                (copy_limit.round, copy_limit.copies) = (round, 0);
                copy_limit.most
            }
            None => 0,
        }
    }

    /// Counts copies of this message for a user.
    fn count(&mut self, user: UserId, copies: u32) {
        if let Some(copy_limit) = expect(self.0.get_mut(&user)) {
            copy_limit.copies = copy_limit.copies.saturating_add(copies);
        }
    }
}

/// Counts the copies of one message. Those who listen come user by user, so that a limit is looked
/// up when the user changes and not for each of them.
pub(super) struct Copies<'a> {
    copy_limits: &'a mut CopyLimits,
    round: Round,
    user: Option<UserId>,
    /// How many copies this user may get, and how many of them are not counted with it yet.
    left: u32,
    taken: u32,
}

impl<'a> Copies<'a> {
    pub(super) fn new(copy_limits: &'a mut CopyLimits, round: Round) -> Self {
        Copies {
            copy_limits,
            round,
            user: None,
            left: 0,
            taken: 0,
        }
    }

    /// Returns how many more copies a user may get.
    pub(super) fn left(&mut self, user: UserId) -> u32 {
        if user.is_exempt() {
            return u32::MAX;
        }
        if self.user != Some(user) {
            if let Some(before) = self.user {
                self.copy_limits.count(before, self.taken);
            }
            self.user = Some(user);
            self.left = self.copy_limits.left(user, self.round);
            self.taken = 0;
        }
        self.left
    }

    /// The user that was just asked about gets so many.
    pub(super) fn take(&mut self, user: UserId, copies: u32) {
        if self.user == Some(user) {
            self.left = self.left.saturating_sub(copies);
            self.taken = self.taken.saturating_add(copies);
        }
    }
}
