// SPDX-License-Identifier: GPL-2.0-only

//! The memory that a verb of the bus works with, got before the bus is locked.
//!
//! A bus never allocates. A verb that finds too little in its `Prealloc` changes nothing and
//! returns a [`Need`]; its caller unlocks the bus, has that supplied and calls again. So no
//! allocation waits, and none fails, while the bus is locked. What a verb will use moves from
//! here into its [`plan`](super::plan), and once it has a plan it cannot fail. A verb that goes in
//! steps may have done some of them when it returns a need, and then goes on where it was.

use super::awaited::{AwaitedReservation, Spare};
use super::binding::Binding;
use super::bindings;
use super::count::expect;
use super::error::BusError;
use super::id::KsockId;
use super::ksocks::{self, Ksocks};
use super::message::Message;
use super::need::Need;
use super::owed::OwedReservation;
use super::plan::{Recipient, RequestReservation, Rest};
use super::pool::Slot;
use super::queue::Entry;
use super::quota::OverLimit;
use super::reserve::node;
use super::shortage::Shortage;
use super::waiting::{PendingReservation, Walk};
use super::wakeup::{Notify, WakeQueue};
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::warn_on;

/// Memory for one verb, and what it leaves behind to be freed or woken outside the lock.
pub(crate) struct Prealloc<N> {
    /// Space for those who listen, and those found so far by a verb that is deciding.
    pub(super) recipients: KVVec<Recipient>,
    /// Ksocks in whose queues no cell was free.
    pub(super) shortage: Shortage<N>,
    ksocks: Option<KBox<ksocks::Growth<N>>>,
    pub(super) bindings: Option<KBox<bindings::Growth>>,
    awaited: Option<AwaitedReservation>,
    owed: Option<OwedReservation>,
    pending: Option<PendingReservation>,
    /// A message that was given up.
    pub(super) dropped: Option<Arc<Message>>,
    pub(crate) wakes: WakeQueue<N>,
    /// A user that has reached a limit.
    pub(crate) over_limit: OverLimit,
    /// Entries that were taken out of a queue.
    pub(super) removed: KVVec<Entry>,
    /// What is left to do of a verb, in this order.
    rest: [Option<Rest>; RESTS],
}

/// How much of what takes long is done at a time, before others get the lock: so much that none
/// holds it for 100,000 instructions (`make bench`, "hostile").
pub(super) const STEP: usize = 20;

/// How many different things a verb can leave to do.
const RESTS: usize = 6;

impl<N: Notify> Prealloc<N> {
    /// Returns one with next to nothing in it, but for the few wakes that nearly every verb has.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut prealloc = Prealloc {
            recipients: KVVec::new(),
            shortage: Shortage::new(),
            ksocks: None,
            bindings: None,
            awaited: None,
            owed: None,
            pending: None,
            dropped: None,
            wakes: WakeQueue::new(),
            over_limit: OverLimit::none(),
            removed: KVVec::new(),
            rest: [const { None }; RESTS],
        };
        prealloc.supply(Need::NOTHING)?;
        Ok(prealloc)
    }

    /// Gets what is needed, outside the lock. What is there already counts.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn supply(&mut self, need: Need) -> Result<(), BusError> {
        // Steps that were done before may have something to read for somebody.
        self.wakes.wake_all();
        fn capacity<T>(vec: &mut KVVec<T>, wanted: usize) -> Result<(), BusError> {
            let more = wanted.saturating_sub(vec.len());
            Ok(vec.reserve(more, GFP_KERNEL_ACCOUNT)?)
        }
        capacity(&mut self.recipients, need.recipients)?;
        self.removed.clear();
        capacity(&mut self.removed, need.removed)?;
        // Beside the listeners: a replier, a requester, and the caller itself.
        self.wakes.reserve(need.recipients + need.wakes + 3)?;
        if let Some(want) = need.ksocks {
            self.ksocks = Some(boxed(ksocks::Growth::new(want, GFP_KERNEL_ACCOUNT)?)?);
        }
        if let Some(want) = need.bindings {
            self.bindings = Some(boxed(bindings::Growth::new(want, GFP_KERNEL_ACCOUNT)?)?);
        }
        if need.request && self.awaited.is_none() {
            self.awaited = Some(node()?);
        }
        if need.request && self.owed.is_none() {
            self.owed = Some(node()?);
        }
        if need.pending && self.pending.is_none() {
            self.pending = Some(PendingReservation::new()?);
        }
        self.shortage.supply(need.short)
    }

    /// After a verb, outside the lock: wakes files, frees what was left behind, and keeps no more
    /// than a little for the next verb.
    #[inline]
    pub(crate) fn finish(&mut self) {
        self.wakes.wake_all();
        self.dropped = None;
        let grown = self.ksocks.is_some() || self.bindings.is_some();
        if grown || !self.removed.is_empty() || !self.shortage.is_empty() {
            self.free();
        }
        if self.recipients.capacity() > 1024 {
            self.recipients = KVVec::new();
            self.wakes = WakeQueue::new();
        }
    }

    #[cold]
    fn free(&mut self) {
        self.removed.clear();
        if self.removed.capacity() > STEP {
            self.removed = KVVec::new();
        }
        self.shortage = Shortage::new();
        self.ksocks = None;
        self.bindings = None;
    }

    /// Returns whether [`Bus::go_on`](super::Bus::go_on) is to be called, when others have had the
    /// lock.
    pub(crate) fn has_rest(&self) -> bool {
        self.rest.first().is_some_and(Option::is_some)
    }

    /// Before [`Bus::go_on`](super::Bus::go_on), outside the lock.
    pub(crate) fn prepare_to_go_on(&mut self) {
        // Where there is no memory one at a time is woken, or taken out.
        let _ = self.wakes.reserve(STEP);
        if let Some(Some(Rest::Unbind { .. })) = self.rest.first() {
            let _ = self.removed.reserve(STEP, GFP_KERNEL_ACCOUNT);
        }
    }

    /// Returns how many entries can be kept that are taken out of a queue.
    pub(super) fn space_for_removed(&self) -> usize {
        self.removed.capacity() - self.removed.len()
    }

    /// Keeps an entry that was taken out of a queue, to be freed outside the lock. There is space
    /// for it: for one since the binding was taken away, and then for more if there was memory.
    pub(super) fn keep_removed(&mut self, entry: Entry) {
        let kept = self.removed.push_within_capacity(entry);
        warn_on!(kept.is_err());
    }

    /// Leaves something to do for when others have had the lock.
    pub(super) fn leave(&mut self, rest: Rest) {
        if let Some(place) = expect(self.rest.iter_mut().find(|place| place.is_none())) {
            *place = Some(rest);
        }
    }

    /// Leaves sends to be tried again before anything else that is left.
    pub(super) fn leave_first(&mut self, walk: Walk) {
        if let Some(Some(Rest::Retry(first))) = self.rest.first_mut() {
            if first.is_like(&walk) {
                // It begins anew.
                *first = walk;
                return;
            }
        }
        self.rest.rotate_right(1);
        if let Some(first) = expect(self.rest.first_mut().filter(|place| place.is_none())) {
            *first = Some(Rest::Retry(walk));
        }
    }

    /// Takes what is to be done next.
    pub(super) fn take_rest(&mut self) -> Option<Rest> {
        let first = self.rest.first_mut()?.take();
        self.rest.rotate_left(1);
        first
    }

    /// Takes over what the last request left behind.
    pub(super) fn take_spare(&mut self, spare: &mut Spare) {
        if self.awaited.is_none() {
            self.awaited = spare.awaited.take();
        }
        if self.owed.is_none() {
            self.owed = spare.owed.take();
        }
    }

    /// Takes the memory of a debt that is not noted any more: it is kept if there is none.
    pub(super) fn give_back_owed(&mut self, reservation: OwedReservation) {
        self.owed.get_or_insert(reservation);
    }

    /// Takes the memory of a send that does not wait any more.
    pub(super) fn give_back_pending(&mut self, reservation: PendingReservation) {
        self.pending = Some(reservation);
    }

    /// Returns whether there is what a send that waits is noted with.
    pub(super) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Returns what a send that waits is noted with.
    pub(super) fn take_pending(&mut self) -> Option<PendingReservation> {
        self.pending.take()
    }

    /// Returns what a request is noted with, all of it or nothing.
    pub(super) fn take_request(&mut self) -> Option<RequestReservation> {
        match (self.awaited.take(), self.owed.take()) {
            (Some(awaited), Some(owed)) => Some(RequestReservation { awaited, owed }),
            (awaited, owed) => {
                (self.awaited, self.owed) = (awaited, owed);
                None
            }
        }
    }

    /// Takes back what a request is noted with: it is not sent.
    pub(super) fn give_back_request(&mut self, reservation: RequestReservation) {
        self.awaited = Some(reservation.awaited);
        self.owed = Some(reservation.owed);
    }

    /// Gives those that were short of cells what was got for them.
    #[inline]
    pub(super) fn stock(&mut self, ksocks: &mut Ksocks<N>) {
        if !self.shortage.is_empty() {
            self.shortage.hand_out(ksocks);
        }
        if let Some(growth) = &mut self.ksocks {
            ksocks.cells.add(growth);
        }
    }

    /// Returns whether one more listener can be noted.
    pub(super) fn has_space_for_recipient(&self) -> bool {
        self.recipients.len() < self.recipients.capacity()
    }

    /// Notes a listener with a slot of its own, for which there is space.
    #[inline(always)]
    pub(super) fn note_recipient(&mut self, ksock: KsockId, binding: &Arc<Binding>, slot: Slot) {
        let _ = self.recipients.push_within_capacity(Recipient {
            ksock,
            binding: binding.clone(),
            slot,
        });
    }

    /// Of two bindings by which a Ksock listens, takes the newer for its copy, which is the one at
    /// `at` unless memory was short.
    pub(super) fn prefer(&mut self, at: usize, ksock: KsockId, binding: &Arc<Binding>) {
        let recipient = self.recipients.get_mut(at);
        if let Some(recipient) = recipient.filter(|recipient| recipient.ksock == ksock) {
            if recipient.binding.id < binding.id {
                recipient.binding = binding.clone();
            }
        }
    }

    /// Moves the recipients into a plan.
    pub(super) fn take_recipients(&mut self) -> KVVec<Recipient> {
        core::mem::replace(&mut self.recipients, KVVec::new())
    }

    /// Takes the space for recipients back when they have got what was planned.
    pub(super) fn give_back_recipients(&mut self, recipients: KVVec<Recipient>) {
        self.recipients = recipients;
    }

    /// Forgets the recipients: the verb was refused, or wants more memory.
    pub(super) fn release_recipients(&mut self, ksocks: &mut Ksocks<N>) {
        for recipient in self.recipients.drain_all() {
            if let Some(ksock) = ksocks.present(recipient.ksock) {
                ksock.queue.cells.give_back(recipient.slot);
            }
        }
    }
}

fn boxed<T>(value: T) -> Result<KBox<T>, BusError> {
    KBox::new(value, GFP_KERNEL_ACCOUNT).map_err(|_| BusError::NoMemory)
}
