// SPDX-License-Identifier: GPL-2.0

//! The memory that a verb of the bus works with.
//!
//! A bus never allocates. A verb that finds too little in its `Room` changes nothing and answers
//! with a [`Need`]; its caller unlocks the bus, has the room supplied and calls again. So no
//! allocation waits, and none fails, while the bus is locked; and once a verb begins to act it
//! has all it needs.

use super::binding::Binding;
use super::message::Message;
use super::queue::Place;
use super::reply::{AnswerRoom, DebtRoom, Spare};
use super::user::Spent;
use super::{node, BusError, Port};
use kernel::prelude::*;
use kernel::rbtree::RBTreeNodeReservation;
use kernel::sync::Arc;

/// How much memory a verb wants to find in its room, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Places in queues.
    pub(crate) places: usize,
    /// Listeners to keep in mind.
    pub(crate) hearers: usize,
    /// Bindings to keep in mind.
    pub(crate) bindings: usize,
    /// What a request is noted with.
    pub(crate) request: bool,
    /// What a send that waits for room is noted with.
    pub(crate) wait: bool,
}

impl Need {
    /// One place in a queue.
    pub(super) const ONE_PLACE: Need = Need {
        places: 1,
        ..Need::NOTHING
    };
    /// What a send that waits is noted with.
    pub(super) const WAIT: Need = Need {
        wait: true,
        ..Need::NOTHING
    };
    const NOTHING: Need = Need {
        places: 0,
        hearers: 0,
        bindings: 0,
        request: false,
        wait: false,
    };
}

/// A listener that is about to get a message.
#[derive(Clone, Copy)]
pub(crate) struct Hearer {
    pub(super) ksock: u32,
    /// The serial of the binding by which it listens.
    pub(super) binding: u64,
    /// It has room.
    pub(super) fits: bool,
}

/// A sender that waits for room, by the Ksock that has none: see `Bus::waiting`.
pub(super) type WaitRoom = RBTreeNodeReservation<(u32, u32), ()>;

/// Files to be woken once the bus is unlocked.
///
/// Waking takes far longer than queueing, and those who wake want the bus at once. Where there
/// is no space to note one more it is woken then and there, which is late for nobody.
pub(crate) struct Wakes<P>(KVVec<P>);

impl<P: Port> Wakes<P> {
    pub(super) fn add(&mut self, port: &P) {
        if let Err(full) = self.0.push_within_capacity(port.clone()) {
            drop(full);
            port.wake();
        }
    }

    /// Wakes them all. Call it when the bus is not locked.
    pub(crate) fn call(&mut self) {
        while let Some(port) = self.0.pop() {
            port.wake();
        }
    }
}

/// Memory for one verb, and what it leaves behind to be freed or woken outside the lock.
pub(crate) struct Room<P> {
    pub(super) places: KVVec<Place>,
    pub(super) hearers: KVVec<Hearer>,
    pub(super) bindings: KVVec<Arc<Binding>>,
    pub(super) answer: Option<AnswerRoom>,
    pub(super) debt: Option<DebtRoom>,
    pub(super) wait: Option<WaitRoom>,
    /// A message that was given up.
    pub(super) dropped: Option<Arc<Message>>,
    pub(crate) wakes: Wakes<P>,
    /// Whose account had nothing left for a message.
    pub(crate) spent: Spent,
    /// How many places the last send took: a hint for the next.
    pub(super) usual: usize,
}

/// How many unused places a room keeps.
const KEPT: usize = 4;

impl<P: Port> Room<P> {
    /// An empty room, but for the few wakes that nearly every verb has.
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut room = Room {
            places: KVVec::new(),
            hearers: KVVec::new(),
            bindings: KVVec::new(),
            answer: None,
            debt: None,
            wait: None,
            dropped: None,
            wakes: Wakes(KVVec::new()),
            spent: Spent::nobody(),
            usual: 0,
        };
        room.supply(Need::NOTHING)?;
        Ok(room)
    }

    /// Makes room. What is there already counts.
    pub(crate) fn supply(&mut self, need: Need) -> Result<(), BusError> {
        fn capacity<T>(vec: &mut KVVec<T>, wanted: usize) -> Result<(), BusError> {
            let more = wanted.saturating_sub(vec.len());
            Ok(vec.reserve(more, GFP_KERNEL_ACCOUNT)?)
        }
        capacity(&mut self.places, need.places.max(KEPT))?;
        capacity(&mut self.hearers, need.hearers)?;
        capacity(&mut self.bindings, need.bindings)?;
        // Beside the listeners: a replier, a requester, and the caller itself.
        capacity(&mut self.wakes.0, need.hearers + 3)?;
        if need.request && self.answer.is_none() {
            self.answer = Some(node()?);
        }
        if need.request && self.debt.is_none() {
            self.debt = Some(node()?);
        }
        if need.wait && self.wait.is_none() {
            self.wait = Some(node()?);
        }
        while self.places.len() < need.places {
            self.places.push(node()?, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(())
    }

    /// Is there as much as this? What is missing is asked for otherwise.
    pub(super) fn check(&self, need: Need) -> Result<(), Need> {
        let lacks = self.places.len() < need.places
            || need.request && (self.answer.is_none() || self.debt.is_none())
            || need.wait && self.wait.is_none();
        if lacks {
            return Err(need);
        }
        Ok(())
    }

    /// After a verb, outside the lock: frees what was left behind, and keeps no more than a
    /// little for the next one.
    pub(crate) fn tidy(&mut self) {
        self.wakes.call();
        self.dropped = None;
        self.bindings.clear();
        self.hearers.clear();
        self.places.truncate(KEPT);
        if self.hearers.capacity() > 1024 || self.bindings.capacity() > 64 {
            self.hearers = KVVec::new();
            self.bindings = KVVec::new();
            self.wakes.0 = KVVec::new();
        }
    }

    /// Before a send: as many places as the last one used will do for this one, mostly.
    pub(crate) fn expect_as_usual(&mut self) -> Result<(), BusError> {
        if self.places.len() >= self.usual {
            return Ok(());
        }
        self.supply(Need {
            places: self.usual,
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
        if let Some(place) = spare.place.take() {
            self.give_back(place);
        }
    }

    /// A place that is not needed any more: kept if that costs nothing.
    pub(super) fn give_back(&mut self, place: Place) {
        // No space to keep it: freeing one small node under the lock is all that happens.
        let _ = self.places.push_within_capacity(place);
    }
}
