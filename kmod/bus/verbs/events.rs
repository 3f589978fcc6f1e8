// SPDX-License-Identifier: GPL-2.0

//! Telling those who listen that repliers come and go (specification 6.3 to 6.5).

use crate::bus::age::newest_first;
use crate::bus::binding::{Binding, Role};
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::MsgId;
use crate::bus::need::Need;
use crate::bus::prealloc::{Prealloc, Recipient};
use crate::bus::queue::{Content, Entry};
use crate::bus::state::{fresh_serial, Bus};
use crate::bus::synthetic::{BindEvent, Kind, Synthetic};
use crate::bus::wakeup::Notify;
use kernel::sync::Arc;

/// How many bind events a bus queues beyond their readers' limits.
pub(crate) const MAX_SET_ASIDE: u32 = 1000;

impl<N: Notify> Bus<N> {
    /// Is this binding's coming and going announced?
    pub(super) fn is_reported(&self, binding: &Binding) -> bool {
        self.reporting && binding.role() == Role::Replier
    }

    /// Sees to it that everybody who listens for bind events can get one. `EventUndeliverable`
    /// when somebody cannot: then nobody gets it.
    pub(super) fn prepare_event(&mut self, prealloc: &mut Prealloc<N>) -> Result<(), Refusal> {
        self.gather(BindEvent::name(), prealloc)
            .map_err(Refusal::Need)?;
        if prealloc.recipients.iter().any(|recipient| !recipient.fits) {
            // The event was made and had an id, though nobody saw it.
            self.next_serial();
            return Err(BusError::EventUndeliverable.into());
        }
        let need = Need {
            slots: prealloc.recipients.len(),
            ..Need::default()
        };
        prealloc.check(need).map_err(Refusal::Need)
    }

    /// Queues an event on all who were gathered.
    pub(super) fn announce(
        &mut self,
        event: &BindEvent,
        set_aside: bool,
        prealloc: &mut Prealloc<N>,
    ) {
        for recipient in &prealloc.recipients {
            let Some(listener) = self.ksocks.get_mut(&recipient.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(event.id) {
                continue;
            }
            if let Some(slot) = prealloc.slots.pop() {
                let entry = Entry {
                    content: Content::Event(event.clone()),
                    duty: None,
                    binding: recipient.binding,
                    set_aside,
                };
                listener.push(slot, entry);
                self.set_aside += u32::from(set_aside);
                prealloc.wakes.add(&listener.notify);
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
    pub(super) fn announce_unbind_at_close(
        &mut self,
        binding: &Arc<Binding>,
        prealloc: &mut Prealloc<N>,
    ) {
        let event = self.event(false, binding);
        // The close made sure of the memory, unless memory is short.
        let gathered = self.gather(BindEvent::name(), prealloc).is_ok();
        if gathered && prealloc.slots.len() >= prealloc.recipients.len() {
            if prealloc.recipients.iter().all(|recipient| recipient.fits) {
                return self.announce(&event, false, prealloc);
            }
            let after = u64::from(self.set_aside) + prealloc.recipients.len() as u64;
            if !self.events_lost && after <= u64::from(MAX_SET_ASIDE) {
                return self.announce(&event, true, prealloc);
            }
        }
        self.lose_event(prealloc);
    }

    /// Tells all who listen that events were lost, unless they know. This needs no memory.
    fn lose_event(&mut self, prealloc: &mut Prealloc<N>) {
        self.events_lost = true;
        let (ksocks, last_serial) = (&mut self.ksocks, &mut self.last_serial);
        let set_aside = &mut self.set_aside;
        let mut id: Option<MsgId> = None;
        self.routes.route(BindEvent::name(), |binding| {
            let Some(listener) = ksocks.get_mut(&binding.ksock) else {
                return;
            };
            if listener.queue.is_loss_notice() {
                return;
            }
            // The place that is kept for this will do if there is no other. If it is in use, the
            // Ksock has such a message to read anyway.
            let Some(slot) = prealloc.slots.pop().or_else(|| listener.lost_slot.take()) else {
                return;
            };
            let synthetic = Synthetic {
                kind: Kind::EventsLost,
                id: *id.get_or_insert_with(|| fresh_serial(last_serial)),
                in_reply_to: MsgId::NONE,
                from: 0,
                to: 0,
            };
            let entry = Entry {
                content: Content::Synthetic(synthetic),
                duty: None,
                binding: binding.serial,
                set_aside: true,
            };
            listener.push(slot, entry);
            *set_aside += 1;
            prealloc.wakes.add(&listener.notify);
        });
    }

    /// How much memory announcing `events` unbindings at close can take at the most.
    pub(super) fn need_for_closing(
        &mut self,
        events: u32,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Need> {
        self.gather(BindEvent::name(), prealloc)?;
        // As many as fit on each, as many as may be set aside, and a last word to each.
        let fit = |h: &Recipient| {
            let space = self.ksocks.get(&h.ksock).map_or(0, |k| k.capacity_left());
            space.min(u64::from(events))
        };
        let recipients = prealloc.recipients.len();
        let fitting: u64 = prealloc.recipients.iter().map(fit).sum();
        let all = u64::from(events) * recipients as u64;
        let slots =
            (fitting + u64::from(MAX_SET_ASIDE) + recipients as u64).min(all + recipients as u64);
        let slots = if recipients == 0 { 0 } else { slots as usize };
        prealloc.check(Need {
            slots,
            recipients,
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
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        let was = self.reporting;
        let Some(on) = set else {
            return Ok(was);
        };
        if on {
            let space = self.ksock(me)?.capacity_left();
            let count = self.routes.repliers();
            let need = Need {
                slots: count.min(usize::try_from(space).unwrap_or(usize::MAX)),
                bindings: count,
                ..Need::default()
            };
            if prealloc.bindings.capacity() < count {
                return Err(Refusal::Need(need));
            }
            prealloc.check(need).map_err(Refusal::Need)?;
        }
        self.reporting = on;
        if on {
            self.replay(me, prealloc)?;
        }
        Ok(was)
    }

    fn replay(&mut self, me: u32, prealloc: &mut Prealloc<N>) -> Result<(), BusError> {
        self.collect_bindings(prealloc, |binding| binding.role() == Role::Replier);
        newest_first(&mut prealloc.bindings, |binding| binding.serial);
        for binding in &prealloc.bindings {
            let id = self.next_serial();
            let ksock = self.ksock_mut(me)?;
            if !ksock.has_capacity() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                return Err(BusError::CallerFull);
            }
            let slot = prealloc.slots.pop().ok_or(BusError::CallerFull)?;
            let event = BindEvent {
                id,
                is_bind: true,
                binding: binding.clone(),
            };
            ksock.push(slot, Entry::unbound(Content::Event(event)));
            prealloc.wakes.add(&ksock.notify);
        }
        Ok(())
    }

    /// Puts the bindings that `wanted` likes into the room, as far as it has space, in no order.
    pub(super) fn collect_bindings(
        &self,
        prealloc: &mut Prealloc<N>,
        wanted: impl Fn(&Binding) -> bool,
    ) {
        prealloc.bindings.clear();
        for ksock in self.ksocks.values() {
            let bindings = ksock.bindings.values().map(|own| &own.binding);
            for binding in bindings.filter(|binding| wanted(binding)) {
                let _ = prealloc.bindings.push_within_capacity(binding.clone());
            }
        }
    }
}
