// SPDX-License-Identifier: GPL-2.0

//! The memory that a verb of the bus works with.
//!
//! A bus never allocates. A verb that finds too little in its `Room` changes nothing and answers
//! with a [`Need`]; its caller unlocks the bus, has the room supplied and calls again. So no
//! allocation waits, and none fails, while the bus is locked; and once a verb begins to act it
//! has all it needs.

use super::awaited::{AwaitedReservation, Spare};
use super::binding::Binding;
use super::error::BusError;
use super::message::Message;
use super::need::Need;
use super::owed::OwedReservation;
use super::queue::Slot;
use super::quota::OverLimit;
use super::reserve::node;
use super::wakeup::{Notify, WakeQueue};
use kernel::prelude::*;
use kernel::rbtree::RBTreeNodeReservation;
use kernel::sync::Arc;

/// A listener that is about to get a message.
#[derive(Clone, Copy)]
pub(crate) struct Recipient {
    pub(super) ksock: u32,
    /// The serial of the binding by which it listens.
    pub(super) binding: u64,
    /// It has room.
    pub(super) fits: bool,
}

/// A sender that waits for room, by the Ksock that has none: see `Bus::waiting`.
pub(super) type PendingReservation = RBTreeNodeReservation<(u32, u32), ()>;

/// Memory for one verb, and what it leaves behind to be freed or woken outside the lock.
pub(crate) struct Prealloc<N> {
    pub(super) slots: KVVec<Slot>,
    pub(super) recipients: KVVec<Recipient>,
    pub(super) bindings: KVVec<Arc<Binding>>,
    pub(super) answer: Option<AwaitedReservation>,
    pub(super) debt: Option<OwedReservation>,
    pub(super) pending: Option<PendingReservation>,
    /// A message that was given up.
    pub(super) dropped: Option<Arc<Message>>,
    pub(crate) wakes: WakeQueue<N>,
    /// Whose account had nothing left for a message.
    pub(crate) over_limit: OverLimit,
    /// How many places the last send took: a hint for the next.
    pub(super) usual: usize,
}

/// How many unused places a room keeps.
const KEPT: usize = 4;

impl<N: Notify> Prealloc<N> {
    /// An empty room, but for the few wakes that nearly every verb has.
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut prealloc = Prealloc {
            slots: KVVec::new(),
            recipients: KVVec::new(),
            bindings: KVVec::new(),
            answer: None,
            debt: None,
            pending: None,
            dropped: None,
            wakes: WakeQueue::new(),
            over_limit: OverLimit::none(),
            usual: 0,
        };
        prealloc.supply(Need::NOTHING)?;
        Ok(prealloc)
    }

    /// Makes room. What is there already counts.
    pub(crate) fn supply(&mut self, need: Need) -> Result<(), BusError> {
        fn capacity<T>(vec: &mut KVVec<T>, wanted: usize) -> Result<(), BusError> {
            let more = wanted.saturating_sub(vec.len());
            Ok(vec.reserve(more, GFP_KERNEL_ACCOUNT)?)
        }
        capacity(&mut self.slots, need.slots.max(KEPT))?;
        capacity(&mut self.recipients, need.recipients)?;
        capacity(&mut self.bindings, need.bindings)?;
        // Beside the listeners: a replier, a requester, and the caller itself.
        self.wakes.reserve(need.recipients + 3)?;
        if need.request && self.answer.is_none() {
            self.answer = Some(node()?);
        }
        if need.request && self.debt.is_none() {
            self.debt = Some(node()?);
        }
        if need.pending && self.pending.is_none() {
            self.pending = Some(node()?);
        }
        while self.slots.len() < need.slots {
            self.slots.push(node()?, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// Is there as much as this? What is missing is asked for otherwise.
    pub(super) fn check(&self, need: Need) -> Result<(), Need> {
        let lacks = self.slots.len() < need.slots
            || need.request && (self.answer.is_none() || self.debt.is_none())
            || need.pending && self.pending.is_none();
        if lacks {
            return Err(need);
        }
        Ok(())
    }

    /// After a verb, outside the lock: frees what was left behind, and keeps no more than a
    /// little for the next one.
    pub(crate) fn finish(&mut self) {
        self.wakes.wake_all();
        self.dropped = None;
        self.bindings.clear();
        self.recipients.clear();
        self.slots.truncate(KEPT);
        if self.recipients.capacity() > 1024 || self.bindings.capacity() > 64 {
            self.recipients = KVVec::new();
            self.bindings = KVVec::new();
            self.wakes = WakeQueue::new();
        }
    }

    /// Before a send: as many places as the last one used will do for this one, mostly.
    pub(crate) fn expect_as_usual(&mut self) -> Result<(), BusError> {
        if self.slots.len() >= self.usual {
            return Ok(());
        }
        self.supply(Need {
            slots: self.usual,
            ..Need::NOTHING
        })
    }

    /// Takes over what the last request left behind.
    pub(super) fn take_spare(&mut self, spare: &mut Spare) {
        if self.answer.is_none() {
            self.answer = spare.answer.take();
        }
        if self.debt.is_none() {
            self.debt = spare.debt.take();
        }
        if let Some(slot) = spare.slot.take() {
            self.give_back(slot);
        }
    }

    /// A place that is not needed any more: kept if that costs nothing.
    pub(super) fn give_back(&mut self, slot: Slot) {
        // No space to keep it: freeing one small node under the lock is all that happens.
        let _ = self.slots.push_within_capacity(slot);
    }
}
