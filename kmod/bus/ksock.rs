// SPDX-License-Identifier: GPL-2.0-only

//! What the bus knows of one Ksock (an open file).

use super::awaited::{Answer, Awaited, AwaitedReservation, Spare};
use super::binding::Binding;
use super::bindings::{Bindings, OwnBinding, Shut};
use super::copy_limit::Round;
use super::count::expect;
use super::error::BusError;
use super::id::{At, MsgId, Request, SendId, UserId};
use super::message::Message;
use super::owed::Owed;
use super::pool::Slot;
use super::queue::{Entry, Queue};
use super::quota::{Charge, Limit, OverLimit, User, ANSWER_BYTES};
use super::routes::Door;
use super::waiting::Room;
use kernel::sync::Arc;

/// The SEND that was left to the bus because it had to wait (specification 7).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// There is none, or its sender knows what became of it.
    Idle,
    Waits(SendId),
    /// All its recipients have it.
    Delivered(MsgId),
    Refused(Refused),
}

/// A send that waited in vain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) id: MsgId,
    pub(crate) is_request: bool,
    pub(crate) why: BusError,
}

impl Refused {
    /// Returns whether a message tells its sender of it, unless that asks by SEND (6.2).
    pub(crate) fn is_told(&self) -> bool {
        self.is_request || self.why == BusError::NobodyThere
    }
}

/// One open Ksock.
pub(crate) struct Ksock<N> {
    pub(crate) notify: N,
    /// Of its user's account: what is in the queue, and what is kept for answers.
    pub(crate) charge: Charge,
    pub(crate) queue: Queue,
    /// How many messages, queued or awaited answers, it takes.
    limit: u32,
    /// The limit was set below what there was: answers may not fit any more.
    lowered: bool,
    /// There was no memory for more of a queue, at the expense of who opened it.
    pub(super) starved: bool,
    pub(crate) only_once: bool,
    pub(crate) bindings: Bindings,
    /// The first of its subscriptions that are shut. As long as there is one it counts as full.
    shut: Option<At>,
    /// The message for which it was last met by routing, and which of the recipients it then was.
    pub(crate) met: (Round, usize),
    pub(crate) awaited: Awaited,
    pub(crate) owed: Owed,
    pub(crate) spare: Spare,
    pub(crate) sending: Sending,
    /// The id of the last message it tried to deliver.
    pub(crate) last_sent: MsgId,
    /// For the notice that bind events were lost, which must find a slot when memory is short.
    pub(crate) lost_slot: Option<Slot>,
}

impl<N> Ksock<N> {
    /// How many messages a new Ksock takes.
    pub(crate) const USUAL_LIMIT: u32 = 100;

    pub(crate) fn new(notify: N, user: Arc<User>) -> Self {
        Ksock {
            notify,
            charge: Charge::new(user),
            queue: Queue::new(),
            limit: Self::USUAL_LIMIT,
            lowered: false,
            starved: false,
            only_once: false,
            bindings: Bindings::new(),
            shut: None,
            met: (0, 0),
            awaited: Awaited::new(),
            owed: Owed::new(),
            spare: Spare::default(),
            sending: Sending::Idle,
            last_sent: MsgId::NONE,
            lost_slot: None,
        }
    }

    /// Returns the newest binding of a subscription whose first one this is.
    #[inline]
    pub(super) fn newest<'a>(&'a self, first: &'a Arc<Binding>, newest: At) -> &'a Arc<Binding> {
        // Mostly there is one.
        if first.at == newest {
            return first;
        }
        let own = self.bindings.get(newest);
        own.map_or(first, |own| &own.binding)
    }

    /// Queues an entry.
    pub(crate) fn push(&mut self, slot: Slot, entry: Entry) {
        self.charge.add_queued(entry.cost());
        self.queue.push(slot, entry);
    }

    /// Takes the front entry.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop()?;
        self.gave_up(&entry);
        self.calm_down();
        Some(entry)
    }

    /// An entry is no more in the queue: its cell is free, and its user pays for it no more.
    #[inline(always)]
    fn gave_up(&mut self, entry: &Entry) {
        if self.lost_slot.is_none() {
            self.lost_slot = self.queue.cells.reserve();
        }
        self.starved = false;
        self.charge.subtract_queued(entry.cost());
    }

    /// Notes a request, for whose answer `slot` is kept.
    pub(crate) fn await_answer(
        &mut self,
        reservation: AwaitedReservation,
        request: Request,
        slot: Slot,
    ) {
        self.charge.keep_for_answer();
        self.awaited.insert(reservation, request, slot);
    }

    /// Ends a request: it is being answered. Returns nothing if it is not awaited any more.
    pub(crate) fn take_awaited(
        &mut self,
        request: &Request,
    ) -> Option<(Answer, AwaitedReservation)> {
        let taken = self.awaited.take(request)?;
        self.charge.release_answer();
        Some(taken)
    }

    /// Takes a binding away that it has. What it attracted is to be taken out of the queue.
    pub(crate) fn unbind(&mut self, binding: &Arc<Binding>) -> Option<OwnBinding> {
        if self.is_shut() {
            self.forget_shut(binding.at);
        }
        let own = self.bindings.remove(binding.at)?;
        if self.queue.set_aside() > 0 && binding.attracted.first().is_some() {
            self.queue.forget_aside(binding);
        }
        self.charge.subtract_binding();
        Some(own)
    }

    /// Takes the first of those out of the queue that a binding attracted which is gone.
    pub(crate) fn remove_first(&mut self, binding: &Binding) -> Option<Entry> {
        let entry = self.queue.remove_first(binding)?;
        self.gave_up(&entry);
        Some(entry)
    }

    /// Once all there is fits below the limit, so do all answers from then on.
    pub(crate) fn calm_down(&mut self) {
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

    /// Returns how many messages are queued, and kept free for answers (5.3).
    fn load(&self) -> u64 {
        u64::from(self.queue.counted()) + u64::from(self.awaited.len())
    }

    /// Returns how many more messages fit.
    pub(crate) fn capacity_left(&self) -> u64 {
        u64::from(self.limit).saturating_sub(self.load())
    }

    /// Returns whether a message fits: only what this Ksock does itself can make it so again.
    pub(crate) fn has_capacity(&self) -> bool {
        self.shut.is_none() && self.has_room()
    }

    /// Returns whether a message fits, apart from subscriptions that are shut.
    pub(crate) fn has_room(&self) -> bool {
        self.capacity_left() > 0 && !self.charge.is_used_up() && !self.starved
    }

    /// Returns whether the answer to a request fits, if one is sent now. Bytes kept for other
    /// answers count as well: otherwise an empty queue could ask without end.
    pub(crate) fn may_ask(&self) -> bool {
        self.capacity_left() > 0 && self.charge.may_keep()
    }

    /// Returns whether it has this room.
    pub(crate) fn has(&self, room: Room) -> bool {
        match room {
            Room::Answer => self.takes_answers(),
            Room::LongAnswer => self.takes_answers() && !self.charge.is_used_up(),
            Room::Message => self.has_capacity(),
        }
    }

    /// Returns what an awaited answer needs. Its slot was kept: only a lowered limit can have taken
    /// it away, never the several copies of one message, which may exceed it. A long one needs more
    /// than what is kept.
    pub(crate) fn room_for_answer(message: &Message) -> Room {
        match message.header().body_len() <= ANSWER_BYTES {
            true => Room::Answer,
            false => Room::LongAnswer,
        }
    }

    fn takes_answers(&self) -> bool {
        !self.lowered || self.load() <= u64::from(self.limit)
    }

    /// Notes that something did not fit: if its user's account is the reason, and no warning was
    /// given yet, one should be.
    pub(crate) fn note_over_limit(&self, over_limit: &mut OverLimit) {
        if self.charge.is_used_up() || !self.charge.may_keep() {
            over_limit.note(&self.charge.user, Limit::Bytes);
        }
    }

    /// Returns whether there are subscriptions that are shut.
    pub(crate) fn is_shut(&self) -> bool {
        self.shut.is_some()
    }

    /// Returns where in the index the subscription with this first binding is.
    pub(crate) fn door(&self, first: &Binding) -> Door {
        if !self.is_shut() {
            return Door::Open;
        }
        let own = self.bindings.get(first.at);
        match own.and_then(|own| own.shut) {
            Some(_) => Door::Shut,
            None => Door::Open,
        }
    }

    /// Notes that a subscription is shut.
    pub(crate) fn note_shut(&mut self, first: &Binding) {
        let (first, behind) = (first.at, self.shut);
        if let Some(own) = self.bindings.get_mut(first) {
            own.shut = Some(Shut {
                before: None,
                behind,
            });
            self.shut = Some(first);
            self.link(behind, |next| next.before = Some(first));
        }
    }

    /// Notes that a subscription is shut no more, or gone.
    pub(crate) fn forget_shut(&mut self, first: At) {
        let own = self.bindings.get_mut(first);
        let Some(Shut { before, behind }) = own.and_then(|own| own.shut.take()) else {
            return;
        };
        match before {
            Some(_) => self.link(before, |shut| shut.behind = behind),
            None => self.shut = behind,
        }
        self.link(behind, |shut| shut.before = before);
    }

    fn link(&mut self, subscription: Option<At>, change: impl FnOnce(&mut Shut)) {
        let own = subscription.and_then(|subscription| self.bindings.get_mut(subscription));
        if let Some(shut) = own.and_then(|own| expect(own.shut.as_mut())) {
            change(shut);
        }
    }

    /// Takes one of the subscriptions that are shut: it is to be opened.
    pub(crate) fn take_shut(&mut self) -> Option<Arc<Binding>> {
        let first = self.shut?;
        let binding = self.bindings.get(first)?.binding.clone();
        self.forget_shut(first);
        Some(binding)
    }

    /// Returns what routing knows its user by.
    pub(crate) fn user(&self) -> UserId {
        self.charge.user.key.id()
    }

    /// Returns whether there is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.queue.len() > 0
    }
}
