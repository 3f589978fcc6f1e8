// SPDX-License-Identifier: GPL-2.0

//! Telling those who listen that repliers come and go (specification 6.3 to 6.5).

use super::age::newest_first;
use super::binding::{Binding, Role};
use super::message::MsgId;
use super::queue::{Content, Entry};
use super::room::Need;
use super::synthetic::{BindEvent, Kind, Synthetic};
use super::{fresh_serial, Bus, BusError, Port, Refusal, Room};
use kernel::sync::Arc;

/// How many bind events a bus queues beyond their readers' limits.
pub(crate) const MAX_SET_ASIDE: u32 = 1000;

impl<P: Port> Bus<P> {
    /// Is this binding's coming and going announced?
    pub(super) fn is_reported(&self, binding: &Binding) -> bool {
        self.reporting && binding.role() == Role::Replier
    }

    /// Sees to it that everybody who listens for bind events can get one. `EventUndeliverable`
    /// when somebody cannot: then nobody gets it.
    pub(super) fn prepare_event(&mut self, room: &mut Room<P>) -> Result<(), Refusal> {
        self.gather(BindEvent::name(), room)
            .map_err(Refusal::Need)?;
        if room.hearers.iter().any(|hearer| !hearer.fits) {
            // The event was made and had an id, though nobody saw it.
            self.next_serial();
            return Err(BusError::EventUndeliverable.into());
        }
        let need = Need {
            places: room.hearers.len(),
            ..Need::default()
        };
        room.check(need).map_err(Refusal::Need)
    }

    /// Queues an event on all who were gathered.
    pub(super) fn announce(&mut self, event: &BindEvent, set_aside: bool, room: &mut Room<P>) {
        for hearer in &room.hearers {
            let Some(listener) = self.ksocks.get_mut(&hearer.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(event.id) {
                continue;
            }
            if let Some(place) = room.places.pop() {
                let entry = Entry {
                    content: Content::Event(event.clone()),
                    duty: None,
                    binding: hearer.binding,
                    set_aside,
                };
                listener.push(place, entry);
                self.set_aside += u32::from(set_aside);
                room.wakes.add(&listener.port);
            }
        }
    }

    /// The event that a binding was made or is no more, with an id of its own.
    pub(super) fn event(&mut self, is_bind: bool, binding: &Arc<Binding>) -> BindEvent {
        BindEvent {
            id: self.next_serial(),
            is_bind,
            binding: binding.clone(),
        }
    }

    /// Announces that a binding of a closing Ksock is no more. Closing cannot be refused: an
    /// event for which somebody has no room is set aside for all, and when too many are, those
    /// who listen are told that some were lost (6.5).
    pub(super) fn announce_unbind_at_close(&mut self, binding: &Arc<Binding>, room: &mut Room<P>) {
        let event = self.event(false, binding);
        // The close made sure of the memory, unless memory is short.
        let gathered = self.gather(BindEvent::name(), room).is_ok();
        if gathered && room.places.len() >= room.hearers.len() {
            if room.hearers.iter().all(|hearer| hearer.fits) {
                return self.announce(&event, false, room);
            }
            let after = u64::from(self.set_aside) + room.hearers.len() as u64;
            if !self.tragic && after <= u64::from(MAX_SET_ASIDE) {
                return self.announce(&event, true, room);
            }
        }
        self.lose_event(room);
    }

    /// Tells all who listen that events were lost, unless they know. This needs no memory.
    fn lose_event(&mut self, room: &mut Room<P>) {
        self.tragic = true;
        let (ksocks, last_serial) = (&mut self.ksocks, &mut self.last_serial);
        let set_aside = &mut self.set_aside;
        let mut id: Option<MsgId> = None;
        self.routes.route(BindEvent::name(), |binding| {
            let Some(listener) = ksocks.get_mut(&binding.ksock) else {
                return;
            };
            if listener.queue.tells_of_loss() {
                return;
            }
            // The place that is kept for this will do if there is no other. If it is in use, the
            // Ksock has such a message to read anyway.
            let Some(place) = room.places.pop().or_else(|| listener.lost_place.take()) else {
                return;
            };
            let said = Synthetic {
                kind: Kind::EventsLost,
                id: *id.get_or_insert_with(|| fresh_serial(last_serial)),
                in_reply_to: MsgId::NONE,
                from: 0,
                to: 0,
            };
            let entry = Entry {
                content: Content::Said(said),
                duty: None,
                binding: binding.serial,
                set_aside: true,
            };
            listener.push(place, entry);
            *set_aside += 1;
            room.wakes.add(&listener.port);
        });
    }

    /// How much memory announcing `events` unbindings at close can take at the most.
    pub(super) fn need_for_closing(&mut self, events: u32, room: &mut Room<P>) -> Result<(), Need> {
        self.gather(BindEvent::name(), room)?;
        // As many as fit on each, as many as may be set aside, and a last word to each.
        let fit = |h: &super::room::Hearer| {
            let space = self.ksocks.get(&h.ksock).map_or(0, |k| k.space());
            space.min(u64::from(events))
        };
        let hearers = room.hearers.len();
        let fitting: u64 = room.hearers.iter().map(fit).sum();
        let all = u64::from(events) * hearers as u64;
        let places =
            (fitting + u64::from(MAX_SET_ASIDE) + hearers as u64).min(all + hearers as u64);
        let places = if hearers == 0 { 0 } else { places as usize };
        room.check(Need {
            places,
            hearers,
            ..Need::default()
        })
    }

    /// Switches the announcing of replier bindings, if told to, and answers with what it was
    /// (3.7 REPORTREPLIERBINDS). Switching it on queues an event for each replier binding on
    /// `me`, the newest first, as long as there is room; then `CallerFull`.
    pub(crate) fn report_replier_binds(
        &mut self,
        me: u32,
        set: Option<bool>,
        room: &mut Room<P>,
    ) -> Result<bool, Refusal> {
        let was = self.reporting;
        let Some(on) = set else {
            return Ok(was);
        };
        if on {
            let space = self.ksock(me)?.space();
            let count = self.routes.repliers();
            let need = Need {
                places: count.min(usize::try_from(space).unwrap_or(usize::MAX)),
                bindings: count,
                ..Need::default()
            };
            if room.bindings.capacity() < count {
                return Err(Refusal::Need(need));
            }
            room.check(need).map_err(Refusal::Need)?;
        }
        self.reporting = on;
        if on {
            self.replay(me, room)?;
        }
        Ok(was)
    }

    fn replay(&mut self, me: u32, room: &mut Room<P>) -> Result<(), BusError> {
        self.collect_bindings(room, |binding| binding.role() == Role::Replier);
        newest_first(&mut room.bindings, |binding| binding.serial);
        for binding in &room.bindings {
            let id = self.next_serial();
            let ksock = self.ksock_mut(me)?;
            if !ksock.has_room() {
                ksock.blame(&mut room.spent);
                return Err(BusError::CallerFull);
            }
            let place = room.places.pop().ok_or(BusError::CallerFull)?;
            let event = BindEvent {
                id,
                is_bind: true,
                binding: binding.clone(),
            };
            ksock.push(place, Entry::unbound(Content::Event(event)));
            room.wakes.add(&ksock.port);
        }
        Ok(())
    }

    /// Puts the bindings that `wanted` likes into the room, as far as it has space, in no order.
    pub(super) fn collect_bindings(&self, room: &mut Room<P>, wanted: impl Fn(&Binding) -> bool) {
        room.bindings.clear();
        for ksock in self.ksocks.values() {
            let bindings = ksock.bindings.values().map(|own| &own.binding);
            for binding in bindings.filter(|binding| wanted(binding)) {
                let _ = room.bindings.push_within_capacity(binding.clone());
            }
        }
    }
}
