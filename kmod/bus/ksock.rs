// SPDX-License-Identifier: GPL-2.0

//! What the bus knows of one Ksock (an open file).

use super::awaited::{Answer, Awaited, AwaitedReservation, Spare};
use super::binding::Binding;
use super::id::{MsgId, Request};
use super::message::Message;
use super::owed::Owed;
use super::queue::{Entry, Queue, Removed, Slot};
use super::quota::{Charge, OverLimit, User, ANSWER_BYTES, ANSWER_CHARGE};
use kernel::rbtree::{RBTree, RBTreeNode};
use kernel::sync::Arc;

/// A binding, as its Ksock knows it.
pub(crate) struct OwnBinding {
    pub(crate) binding: Arc<Binding>,
    /// How many entries in the Ksock's queue it attracted.
    queued: u32,
}

impl OwnBinding {
    pub(crate) fn new(binding: Arc<Binding>) -> Self {
        OwnBinding { binding, queued: 0 }
    }
}

/// A send that waits for room (specification 7).
pub(crate) struct Pending {
    pub(crate) message: Arc<Message>,
    /// The recipient that had none.
    pub(crate) blocked_by: u32,
}

/// One open Ksock.
pub(crate) struct Ksock<N> {
    pub(crate) notify: N,
    /// Of its user's account: what is in the queue, and what is kept for answers.
    pub(crate) charge: Charge,
    pub(crate) queue: Queue,
    /// How many messages, waiting or reserved for answers, it takes.
    limit: u32,
    /// The limit was set below what there was: answers may not fit any more.
    lowered: bool,
    pub(crate) only_once: bool,
    /// Its bindings by serial: the newest last.
    pub(crate) bindings: RBTree<u64, OwnBinding>,
    pub(crate) awaited: Awaited,
    pub(crate) owed: Owed,
    pub(crate) spare: Spare,
    pub(crate) pending: Option<Pending>,
    /// The id of the last message it tried to deliver.
    pub(crate) last_sent: MsgId,
    /// For the news that bind events were lost, which must find a place when memory is short.
    pub(crate) lost_slot: Option<Slot>,
}

impl<N> Ksock<N> {
    /// How many messages a new Ksock takes.
    pub(crate) const USUAL_LIMIT: u32 = 100;

    pub(crate) fn new(notify: N, user: Arc<User>, lost_slot: Slot) -> Self {
        Ksock {
            notify,
            charge: Charge::new(user),
            queue: Queue::new(),
            limit: Self::USUAL_LIMIT,
            lowered: false,
            only_once: false,
            bindings: RBTree::new(),
            awaited: Awaited::new(),
            owed: Owed::new(),
            spare: Spare::default(),
            pending: None,
            last_sent: MsgId::NONE,
            lost_slot: Some(lost_slot),
        }
    }

    /// Queues an entry; see [`Queue::push`].
    pub(crate) fn push(&mut self, slot: Slot, entry: Entry) {
        self.count_queued(&entry, |n| n.saturating_add(1));
        self.charge.add(entry.cost());
        self.queue.push(slot, entry);
    }

    /// Takes the front entry; see [`Queue::pop`].
    pub(crate) fn pop(&mut self) -> Option<(Entry, Slot)> {
        let (entry, slot) = self.queue.pop()?;
        self.count_queued(&entry, |n| n.saturating_sub(1));
        self.charge.subtract(entry.cost());
        self.calm_down();
        Some((entry, slot))
    }

    /// Notes a request, for whose answer `place` is kept.
    pub(crate) fn await_answer(
        &mut self,
        prealloc: AwaitedReservation,
        request: Request,
        slot: Slot,
    ) {
        self.charge.add(ANSWER_CHARGE);
        self.awaited.insert(prealloc, request, slot);
    }

    /// The request is being answered; see [`Awaited::take`].
    pub(crate) fn take_awaited(
        &mut self,
        request: &Request,
    ) -> Option<(Answer, AwaitedReservation)> {
        let taken = self.awaited.take(request)?;
        self.charge.subtract(ANSWER_CHARGE);
        Some(taken)
    }

    fn count_queued(&mut self, entry: &Entry, change: impl Fn(u32) -> u32) {
        // 0 is no binding.
        if entry.binding != 0 {
            if let Some(own) = self.bindings.get_mut(&entry.binding) {
                own.queued = change(own.queued);
            }
        }
    }

    /// Takes a binding away, and out of the queue all that it attracted, in order. No look at
    /// the queue is needed for what attracted nothing.
    pub(crate) fn unbind(
        &mut self,
        binding: u64,
    ) -> (Removed, Option<RBTreeNode<u64, OwnBinding>>) {
        let own = self.bindings.get(&binding);
        let queued = own.map_or(0, |own| own.queued);
        let removed = self.queue.remove_attracted_by(binding, queued);
        let cost = removed.values().flatten().map(Entry::cost).sum();
        self.charge.subtract(cost);
        self.charge.subtract_binding();
        self.calm_down();
        (removed, self.bindings.remove_node(&binding))
    }

    /// Once all there is fits below the limit, so do all answers from then on.
    fn calm_down(&mut self) {
        self.lowered &= self.load() > u64::from(self.limit);
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Sets the limit. What is queued stays.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        if limit != self.limit {
            self.lowered = self.load() > u64::from(limit);
        }
        self.limit = limit;
    }

    /// Messages queued and places reserved for answers (5.3).
    fn load(&self) -> u64 {
        u64::from(self.queue.counted()) + u64::from(self.awaited.len())
    }

    /// How many more messages fit.
    pub(crate) fn capacity_left(&self) -> u64 {
        u64::from(self.limit).saturating_sub(self.load())
    }

    /// Is there room for a message?
    pub(crate) fn has_capacity(&self) -> bool {
        self.capacity_left() > 0 && self.charge.allows(self.queued_bytes())
    }

    /// Is there room for the answer to a request, if one is sent now? The kept ones count as
    /// well: otherwise an empty queue could ask without end.
    pub(crate) fn may_ask(&self) -> bool {
        self.capacity_left() > 0 && self.charge.allows(self.charge.bytes())
    }

    /// Is there room for an answer that is awaited? Its place was reserved: only a lowered limit
    /// can have taken it away, never the several copies of one message, which may exceed it. A
    /// long one needs more than what is kept.
    pub(crate) fn has_capacity_for_answer(&self, message: &Message) -> bool {
        (!self.lowered || self.load() <= u64::from(self.limit))
            && (message.header().body_len() <= ANSWER_BYTES
                || self.charge.allows(self.queued_bytes()))
    }

    /// How much of its share is queued, and not kept for answers.
    fn queued_bytes(&self) -> u64 {
        let kept = ANSWER_CHARGE * u64::from(self.awaited.len());
        self.charge.bytes().saturating_sub(kept)
    }

    /// It was refused something: if its user's account is to blame, and nobody was told yet,
    /// somebody should be.
    pub(crate) fn note_over_limit(&self, over_limit: &mut OverLimit) {
        if !self.charge.allows(self.charge.bytes()) && !self.charge.was_warned() {
            over_limit.note(&self.charge.user);
        }
    }

    /// There is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.queue.len() > 0
    }
}
