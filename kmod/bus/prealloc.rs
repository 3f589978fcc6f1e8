// SPDX-License-Identifier: GPL-2.0-only

//! The memory that a verb of the bus works with, got before the bus is locked.
//!
//! A bus never allocates. A verb that finds too little in its `Prealloc` changes nothing and
//! returns a [`Need`]; its caller unlocks the bus, has that supplied and calls again. So no
//! allocation waits, and none fails, while the bus is locked. What a verb will use moves from
//! here into its [`plan`](super::plan), and once it has a plan it cannot fail. A verb that goes in
//! steps may have done some of them when it returns a need, and then goes on where it was.

use super::awaited::{AwaitedReservation, Spare};
use super::count::expect;
use super::error::BusError;
use super::id::{BindingId, KsockId};
use super::message::Message;
use super::need::Need;
use super::owed::OwedReservation;
use super::plan::{Recipient, RequestReservation, Rest};
use super::queue::{Removed, Slot};
use super::quota::OverLimit;
use super::reserve::node;
use super::waiting::PendingReservation;
use super::wakeup::{Notify, WakeQueue};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Memory for one verb, and what it leaves behind to be freed or woken outside the lock.
pub(crate) struct Prealloc<N> {
    pub(super) slots: KVVec<Slot>,
    /// Space for those who listen, and those found so far by a verb that is deciding.
    pub(super) recipients: KVVec<Recipient>,
    awaited: Option<AwaitedReservation>,
    owed: Option<OwedReservation>,
    pending: Option<PendingReservation>,
    /// A message that was given up.
    pub(super) dropped: Option<Arc<Message>>,
    pub(crate) wakes: WakeQueue<N>,
    /// A user that has reached a limit.
    pub(crate) over_limit: OverLimit,
    /// Entries that were taken out of a queue.
    pub(super) removed: Removed,
    /// What is left to do of a verb, in this order.
    rest: [Option<Rest>; RESTS],
    /// How many slots the last send took: a hint for the next.
    pub(super) usual: usize,
}

/// How much of what takes long is done at a time, before others get the lock: so much that none
/// holds it for 100,000 instructions (`make bench`, "hostile").
pub(super) const STEP: usize = 24;

/// How many different things a verb can leave to do.
const RESTS: usize = 6;

/// How many unused slots are kept for the next verb.
const KEPT: usize = 4;

impl<N: Notify> Prealloc<N> {
    /// Returns one with next to nothing in it, but for the few wakes that nearly every verb has.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut prealloc = Prealloc {
            slots: KVVec::new(),
            recipients: KVVec::new(),
            awaited: None,
            owed: None,
            pending: None,
            dropped: None,
            wakes: WakeQueue::new(),
            over_limit: OverLimit::none(),
            removed: Removed::new(),
            rest: [const { None }; RESTS],
            usual: 0,
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
        capacity(&mut self.slots, need.slots.max(KEPT))?;
        capacity(&mut self.recipients, need.recipients)?;
        // Beside the listeners: a replier, a requester, and the caller itself.
        self.wakes.reserve(need.recipients + need.wakes + 3)?;
        if need.request && self.awaited.is_none() {
            self.awaited = Some(node()?);
        }
        if need.request && self.owed.is_none() {
            self.owed = Some(node()?);
        }
        if need.pending && self.pending.is_none() {
            self.pending = Some(PendingReservation::new()?);
        }
        while self.slots.len() < need.slots {
            self.slots.push(node()?, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// After a verb, outside the lock: wakes files, frees what was left behind, and keeps no more
    /// than a little for the next verb.
    pub(crate) fn finish(&mut self) {
        self.wakes.wake_all();
        self.dropped = None;
        if !self.removed.is_empty() {
            self.removed = Removed::new();
        }
        self.slots.truncate(KEPT);
        if self.recipients.capacity() > 1024 {
            self.recipients = KVVec::new();
            self.wakes = WakeQueue::new();
        }
    }

    /// Returns whether [`Bus::go_on`](super::Bus::go_on) is to be called, when others have had the
    /// lock.
    pub(crate) fn has_rest(&self) -> bool {
        self.rest.first().is_some_and(Option::is_some)
    }

    /// Before [`Bus::go_on`](super::Bus::go_on), outside the lock.
    pub(crate) fn prepare_to_go_on(&mut self) {
        // Where there is no memory one at a time is woken.
        let _ = self.wakes.reserve(STEP);
    }

    /// Leaves something to do for when others have had the lock.
    pub(super) fn leave(&mut self, rest: Rest) {
        if let Some(place) = expect(self.rest.iter_mut().find(|place| place.is_none())) {
            *place = Some(rest);
        }
    }

    /// Takes what is to be done next.
    pub(super) fn take_rest(&mut self) -> Option<Rest> {
        let first = self.rest.first_mut()?.take();
        self.rest.rotate_left(1);
        first
    }

    /// Before a send: gets as many slots as the last one used, which will mostly do.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
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
        if self.awaited.is_none() {
            self.awaited = spare.awaited.take();
        }
        if self.owed.is_none() {
            self.owed = spare.owed.take();
        }
        if let Some(slot) = spare.slot.take() {
            self.give_back(slot);
        }
    }

    /// Takes a slot that is not needed any more: it is kept if that costs nothing.
    pub(super) fn give_back(&mut self, slot: Slot) {
        // No space to keep it: freeing one small node under the lock is all that happens.
        let _ = self.slots.push_within_capacity(slot);
    }

    /// Takes the memory of a debt that is not noted any more: it is kept if there is none.
    pub(super) fn give_back_owed(&mut self, reservation: OwedReservation) {
        self.owed.get_or_insert(reservation);
    }

    /// Takes the memory of a send that does not wait any more.
    pub(super) fn give_back_pending(&mut self, reservation: PendingReservation) {
        self.pending = Some(reservation);
    }

    /// Returns a slot.
    ///
    /// # Errors
    ///
    /// The need for one.
    pub(super) fn take_slot(&mut self) -> Result<Slot, Need> {
        self.slots.pop().ok_or(Need::ONE_SLOT)
    }

    /// Returns whether there is what a send that waits is noted with.
    pub(super) fn has_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Returns what a send that waits is noted with.
    pub(super) fn take_pending(&mut self) -> Option<PendingReservation> {
        self.pending.take()
    }

    /// Returns what a request is queued and noted with, all of it or nothing.
    pub(super) fn take_request(&mut self) -> Option<RequestReservation> {
        let slots = (self.slots.pop(), self.slots.pop());
        match (self.awaited.take(), self.owed.take(), slots) {
            (Some(awaited), Some(owed), (Some(answer), Some(slot))) => Some(RequestReservation {
                awaited,
                answer,
                owed,
                slot,
            }),
            (awaited, owed, (first, second)) => {
                (self.awaited, self.owed) = (awaited, owed);
                [first, second]
                    .into_iter()
                    .flatten()
                    .for_each(|slot| self.give_back(slot));
                None
            }
        }
    }

    /// Notes a listener with a slot of its own. Does nothing if there is no slot or no space: then
    /// there are fewer recipients than listeners were found, and the verb says what it needs.
    pub(super) fn note_recipient(&mut self, ksock: KsockId, binding: BindingId) {
        if self.recipients.len() < self.recipients.capacity() {
            if let Some(slot) = self.slots.pop() {
                let recipient = Recipient {
                    ksock,
                    binding,
                    slot,
                };
                let _ = self.recipients.push_within_capacity(recipient);
            }
        }
    }

    /// Of two bindings by which a Ksock listens, takes the newer for its copy, which is the one at
    /// `at` unless memory was short.
    pub(super) fn prefer(&mut self, at: usize, ksock: KsockId, binding: BindingId) {
        let recipient = self.recipients.get_mut(at);
        if let Some(recipient) = recipient.filter(|recipient| recipient.ksock == ksock) {
            recipient.binding = recipient.binding.max(binding);
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
    pub(super) fn release_recipients(&mut self) {
        while let Some(recipient) = self.recipients.pop() {
            self.give_back(recipient.slot);
        }
    }
}
