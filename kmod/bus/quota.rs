// SPDX-License-Identifier: GPL-2.0-only

//! What one user has of KBUS, and how much it may have: Ksocks, bindings, buses, and bytes of
//! messages that wait to be read. A user has one account for all buses, or a second bus would
//! be a second allowance.
//!
//! # Who pays for a message
//!
//! The user of the Ksock in whose queue it waits, for each copy the whole of it, from SEND until
//! it is read. Senders cannot be made to pay: a program that listens to everything and never
//! reads would use up all of theirs. A reader decides how many Ksocks it has, how long their
//! queues may be and when it reads; a sender decides about none of these. (A copy counts whole
//! although all copies share one text, because the one that is read last keeps all of it.)
//!
//! But a reader does not decide what it is sent, so that others could fill its account. Hence
//! each Ksock has a **share** of its own, [`Limits::share`], which nothing that is sent to others
//! can take: up to it only the Ksock's limit counts. What it holds beyond that it draws from the
//! account, and **it may draw no more than is left there for others**: one queue that nobody
//! reads leaves half of the account, two a quarter, and so on. A queue that has drawn more than
//! it may is used up. It was found so when the message that did it was queued, and stays so until
//! its reader has read (or unbound) enough: what others read does not change it, so that whether
//! a queue is full is decided by its own Ksock alone, and routing need not look at it until that
//! Ksock says so. The price: each queue may exceed the account by one message. And a user has at
//! the most its account, and a share for each of its Ksocks, of which the number is limited.
//!
//! So a program that reads what it gets cannot be hindered by others: a queue that is empty always
//! has capacity. A queue without capacity for lack of bytes is full, as the specification means
//! it (5.3), and senders see what they see of a full queue. For the answer to a request its
//! requester pays from SEND on: a place, and [`ANSWER_BYTES`], so that what KBUS itself answers
//! always fits, and so does any answer that is not longer. A longer one needs a queue that is not
//! used up.
//!
//! Memory cgroups are the other half: for a message the sender pays, since a page is charged to the
//! task that asks for it, and for the place where it waits whoever opened the Ksock
//! ([`Notify::on_account`](super::Notify::on_account)). The one bounds what can be hoarded, the
//! other what can be poured out.
//!
//! The counts are atomic because the buses of one user meet here, each under its own lock. Two
//! buses that look at the same moment may both find the last of it: the excess is one each.

use super::count::{decrease, expect};
use super::error::BusError;
use super::id::UserId;
use super::reserve;
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::Arc;

/// What a slot in a queue costs beside the text of the message, in bytes: rather more than the
/// nodes and headers of the smallest message.
pub(crate) const SLOT_BYTES: u64 = 512;

/// How long the bytes of a message may be that take a power of two in memory; longer ones take
/// hardly more than they are long (`kapi/bytes`).
pub(crate) const LONGEST_ROUNDED: u64 = 8192;

/// Returns how much memory this many bytes of a message take, rather more than less. For what is
/// left over of short ones a slot's bytes are enough.
#[inline]
pub(super) fn memory_of(len: u64) -> u64 {
    match len {
        1025..=LONGEST_ROUNDED => len.next_power_of_two(),
        _ => len,
    }
}

/// How long an answer, name and data, may be that fits whatever else there is, in bytes.
pub(crate) const ANSWER_BYTES: u64 = 4096;

/// What is kept for the answer to a request, in bytes.
pub(crate) const ANSWER_CHARGE: u64 = SLOT_BYTES + ANSWER_BYTES;

/// One of the things that are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Ksocks,
    Bindings,
    Bytes,
    Buses,
    Copies,
}

impl Limit {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = Limit::Copies as usize + 1;
}

/// How much a user may have on all buses together: numbers, but for bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) ksocks: u32,
    pub(crate) bindings: u32,
    /// How many bytes its Ksocks may draw beyond their shares.
    pub(crate) bytes: u64,
    /// How many bytes each of its Ksocks may hold whatever the others do.
    pub(crate) share: u64,
    pub(crate) buses: u32,
    /// How many copies it gets of one message.
    pub(crate) copies: u32,
}

impl Limits {
    /// For processes that may exceed limits.
    pub(crate) const UNLIMITED: Limits = Limits {
        ksocks: u32::MAX,
        bindings: u32::MAX,
        bytes: u64::MAX,
        share: u64::MAX,
        buses: u32::MAX,
        copies: u32::MAX,
    };
}

/// Whose account it is: the user, and whether it may exceed limits. One user can have both
/// kinds of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountKey {
    /// In the initial user namespace, and never one that another user has made up in its own.
    pub(crate) uid: u32,
    pub(crate) exempt: bool,
}

impl AccountKey {
    /// Returns what routing knows the user by.
    pub(super) fn id(&self) -> UserId {
        UserId::new(self.uid, self.exempt)
    }
}

/// A user's account.
pub(crate) struct User {
    pub(crate) key: AccountKey,
    pub(crate) limits: Limits,
    bindings: Atomic<u32>,
    /// What its Ksocks have drawn.
    bytes: Atomic<u64>,
    /// Of which limits it was said that they were hit.
    warned: [Atomic<u32>; Limit::COUNT],
}

impl User {
    fn new(key: AccountKey, limits: Limits) -> Self {
        User {
            key,
            limits,
            bindings: Atomic::new(0),
            bytes: Atomic::new(0),
            warned: core::array::from_fn(|_| Atomic::new(0)),
        }
    }

    /// Returns how many bytes there are left.
    fn bytes_left(&self) -> u64 {
        self.limits.bytes.saturating_sub(self.bytes.load(Relaxed))
    }

    fn was_warned(&self, limit: Limit) -> bool {
        let warned = self.warned.get(limit as usize);
        warned.is_none_or(|warned| warned.load(Relaxed) != 0)
    }

    /// Returns whether a warning about this limit is due: the first time that it is called for it.
    pub(crate) fn warn_once(&self, limit: Limit) -> bool {
        let warned = self.warned.get(limit as usize);
        warned.is_some_and(|warned| warned.xchg(1, Relaxed) == 0)
    }

    /// Returns how much it may have of this: a number, or bytes.
    pub(crate) fn limit(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Ksocks => self.limits.ksocks.into(),
            Limit::Bindings => self.limits.bindings.into(),
            Limit::Bytes => self.limits.bytes,
            Limit::Buses => self.limits.buses.into(),
            Limit::Copies => self.limits.copies.into(),
        }
    }
}

/// What one Ksock has of its user's account. What it still has is given back when it goes.
pub(crate) struct Charge {
    pub(crate) user: Arc<User>,
    share: u64,
    bindings: u32,
    /// It has drawn more than is left for others, and has not read enough since.
    used_up: bool,
    /// Bytes of queued messages.
    queued: u64,
    /// Bytes kept for answers that are awaited.
    kept: u64,
}

impl Charge {
    pub(super) fn new(user: Arc<User>) -> Self {
        Charge {
            share: user.limits.share,
            user,
            bindings: 0,
            used_up: false,
            queued: 0,
            kept: 0,
        }
    }

    /// Returns how many bytes it has, queued or kept for answers.
    pub(crate) fn bytes(&self) -> u64 {
        self.queued + self.kept
    }

    /// Charges what was queued.
    #[inline]
    pub(super) fn add_queued(&mut self, bytes: u64) {
        self.queued += bytes;
        if self.bytes() > self.share {
            self.draw(bytes);
            self.used_up |= !self.may_hold(self.queued);
        }
    }

    /// Gives back what its Ksock has taken out of the queue.
    #[inline]
    pub(super) fn subtract_queued(&mut self, bytes: u64) {
        if self.bytes() > self.share {
            self.give_back(bytes);
        }
        decrease(&mut self.queued, bytes);
        if self.used_up {
            self.used_up = !self.may_hold(self.queued);
        }
    }

    /// Keeps what the answer to a request costs.
    pub(super) fn keep_for_answer(&mut self) {
        self.kept += ANSWER_CHARGE;
        self.draw(ANSWER_CHARGE);
    }

    /// The answer has come.
    pub(super) fn release_answer(&mut self) {
        self.give_back(ANSWER_CHARGE);
        decrease(&mut self.kept, ANSWER_CHARGE);
    }

    /// Draws from the account what of the `more` that it has now lies beyond its share.
    fn draw(&mut self, more: u64) {
        let beyond = self.bytes().saturating_sub(self.share);
        if beyond > 0 {
            self.user.bytes.add(beyond.min(more), Relaxed);
        }
    }

    /// Gives back to the account what of the `less` that it is about to lose lies beyond its share.
    fn give_back(&mut self, less: u64) {
        let beyond = self.bytes().saturating_sub(self.share);
        if beyond > 0 {
            self.user.bytes.fetch_sub(beyond.min(less), Relaxed);
        }
    }

    /// Returns whether it may hold so many bytes and still get more.
    fn may_hold(&self, bytes: u64) -> bool {
        let share = self.share;
        bytes <= share || bytes - share <= self.user.bytes_left()
    }

    /// Returns whether the queue is full for want of bytes.
    pub(super) fn is_used_up(&self) -> bool {
        self.used_up
    }

    /// Returns whether something may be kept for one more answer.
    pub(super) fn may_keep(&self) -> bool {
        self.may_hold(self.bytes())
    }

    pub(super) fn may_bind(&self) -> bool {
        self.user.bindings.load(Relaxed) < self.user.limits.bindings
    }

    pub(super) fn add_binding(&mut self) {
        self.bindings += 1;
        self.user.bindings.add(1, Relaxed);
    }

    pub(super) fn subtract_binding(&mut self) {
        decrease(&mut self.bindings, 1);
        self.user.bindings.fetch_sub(1, Relaxed);
    }

    /// Gives all of it back: the Ksock is being closed.
    pub(super) fn release(&mut self) {
        self.give_back(self.bytes());
        (self.queued, self.kept) = (0, 0);
        self.user.bindings.fetch_sub(self.bindings, Relaxed);
        self.bindings = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.release();
    }
}

/// A user that has reached a limit, to be told when the bus is unlocked.
pub(crate) struct OverLimit(Option<(Arc<User>, Limit)>);

impl OverLimit {
    pub(super) fn none() -> Self {
        OverLimit(None)
    }

    /// Notes it, unless it was said already.
    pub(super) fn note(&mut self, user: &Arc<User>, limit: Limit) {
        if self.0.is_none() && !user.was_warned(limit) {
            self.0 = Some((user.clone(), limit));
        }
    }

    pub(crate) fn take(&mut self) -> Option<(Arc<User>, Limit)> {
        self.0.take()
    }
}

/// The accounts of all users that have a Ksock.
pub(crate) struct Users {
    accounts: RBTree<AccountKey, Record>,
}

struct Record {
    user: Arc<User>,
    ksocks: u32,
}

/// The memory for one account.
pub(crate) struct NewUser {
    user: Arc<User>,
    node: RBTreeNodeReservation<AccountKey, Record>,
}

impl NewUser {
    /// Returns an account without Ksocks.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new(key: AccountKey, limits: Limits) -> Result<Self, BusError> {
        Ok(NewUser {
            user: Arc::new(User::new(key, limits), GFP_KERNEL_ACCOUNT)?,
            node: reserve::node()?,
        })
    }
}

impl Users {
    pub(crate) fn new() -> Self {
        Users {
            accounts: RBTree::new(),
        }
    }

    /// Adds a Ksock to the account of a user, which is `new` if it has none yet.
    ///
    /// # Errors
    ///
    /// The user, if it has as many as it may.
    pub(crate) fn join(&mut self, new: NewUser) -> Result<Arc<User>, Arc<User>> {
        let NewUser { user, node } = new;
        let Some(account) = self.accounts.get_mut(&user.key) else {
            let account = Record {
                user: user.clone(),
                ksocks: 1,
            };
            self.accounts.insert(node.into_node(user.key, account));
            return Ok(user);
        };
        let user = account.user.clone();
        if account.ksocks >= user.limits.ksocks {
            return Err(user);
        }
        account.ksocks += 1;
        Ok(user)
    }

    /// Takes a Ksock off the account of a user. The account goes with the last of them.
    pub(crate) fn leave(&mut self, key: AccountKey) {
        let Some(account) = expect(self.accounts.get_mut(&key)) else {
            return;
        };
        decrease(&mut account.ksocks, 1);
        if account.ksocks == 0 {
            self.accounts.remove(&key);
        }
    }
}
