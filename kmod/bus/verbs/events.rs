// SPDX-License-Identifier: GPL-2.0

//! Bind events: telling those who listen that repliers come and go (specification 6.3 to 6.5).

use super::decide::Admit;
use crate::bus::age::newest_first;
use crate::bus::binding::{Binding, Role};
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{KsockId, MsgId};
use crate::bus::ksock::present;
use crate::bus::need::Need;
use crate::bus::plan::Announcement;
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::{Content, Entry};
use crate::bus::routes::Go;
use crate::bus::state::Bus;
use crate::bus::synthetic::{BindEvent, Kind, Synthetic};
use crate::bus::wakeup::Notify;
use kernel::sync::Arc;

/// How many bind events a bus queues beyond their readers' limits.
pub(crate) const MAX_SET_ASIDE: u32 = 1000;

impl<N: Notify> Bus<N> {
    /// Returns whether bindings in this role are announced.
    fn is_reported(&self, role: Role) -> bool {
        self.reporting && role == Role::Replier
    }

    /// Decides how a binding in this role, which comes or goes, is announced; nothing if it is not.
    ///
    /// # Errors
    ///
    /// `EventUndeliverable` when a listener has no capacity: then none of them gets it; or the
    /// need for memory.
    pub(super) fn plan_event(
        &mut self,
        role: Role,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Option<Announcement>, Refusal> {
        if !self.is_reported(role) {
            return Ok(None);
        }
        let gathered = self.gather(BindEvent::name(), Admit::WithCapacity, prealloc);
        if gathered.paused {
            prealloc.release_recipients();
            return Err(Refusal::Need(Need::A_PAUSE));
        }
        if gathered.full.is_some() {
            prealloc.release_recipients();
            // The event was made and had an id, though no listener saw it.
            self.serials.next();
            return Err(BusError::EventUndeliverable.into());
        }
        if prealloc.recipients.len() < gathered.count {
            prealloc.release_recipients();
            return Err(Refusal::Need(Need {
                slots: gathered.count,
                recipients: gathered.count,
                ..Need::NOTHING
            }));
        }
        Ok(Some(Announcement {
            recipients: prealloc.take_recipients(),
        }))
    }

    /// Queues an event on all its recipients.
    pub(super) fn announce(
        &mut self,
        event: &BindEvent,
        set_aside: bool,
        announcement: Announcement,
        prealloc: &mut Prealloc<N>,
    ) {
        let Announcement { mut recipients } = announcement;
        for recipient in recipients.drain_all() {
            let Some(listener) = present(&mut self.ksocks, recipient.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(event.id) {
                prealloc.give_back(recipient.slot);
                continue;
            }
            let entry = Entry {
                content: Content::Event(event.clone()),
                duty: None,
                binding: Some(recipient.binding),
                set_aside,
            };
            listener.push(recipient.slot, entry);
            self.set_aside += u32::from(set_aside);
            prealloc.wakes.add(&listener.notify);
        }
        prealloc.give_back_recipients(recipients);
    }

    /// Makes the event that a binding was made or is no more, with an id of its own.
    pub(super) fn event(&mut self, is_bind: bool, binding: &Arc<Binding>) -> BindEvent {
        BindEvent {
            id: self.serials.next(),
            is_bind,
            binding: binding.clone(),
        }
    }

    /// Announces that a binding of a closing Ksock is no more. Closing cannot be refused: an
    /// event for which a listener has no capacity is set aside for all, and when too many are,
    /// those who listen are told that some were lost (6.5).
    pub(super) fn announce_unbind_at_close(
        &mut self,
        binding: &Arc<Binding>,
        prealloc: &mut Prealloc<N>,
    ) {
        if !self.is_reported(binding.role()) {
            return;
        }
        let event = self.event(false, binding);
        let gathered = self.gather(BindEvent::name(), Admit::All, prealloc);
        // The close made sure of the memory, unless memory is short.
        let enough = prealloc.recipients.len() == gathered.count;
        let set_aside = gathered.full.is_some();
        let after = u64::from(self.set_aside) + gathered.bindings as u64;
        let may_set_aside = !self.events_lost && after <= u64::from(MAX_SET_ASIDE);
        if enough && (!set_aside || may_set_aside) {
            let recipients = prealloc.take_recipients();
            self.announce(&event, set_aside, Announcement { recipients }, prealloc);
        } else {
            prealloc.release_recipients();
            self.lose_event(prealloc);
        }
    }

    /// Tells all who listen that events were lost, unless they know. This needs no memory.
    fn lose_event(&mut self, prealloc: &mut Prealloc<N>) {
        self.events_lost = true;
        let (ksocks, serials) = (&mut self.ksocks, &mut self.serials);
        let set_aside = &mut self.set_aside;
        let mut id: Option<MsgId> = None;
        self.routes.route(BindEvent::name(), |found| {
            let Some(listener) = ksocks.get_mut(&found.first.ksock) else {
                return Go::On;
            };
            if listener.queue.has_loss_notice() {
                return Go::On;
            }
            // The slot that is kept for this will do if there is no other. If it is in use, the
            // Ksock has such a message to read anyway.
            let slot = prealloc.slots.pop().or_else(|| listener.lost_slot.take());
            let Some(slot) = slot else { return Go::On };
            let synthetic = Synthetic {
                kind: Kind::EventsLost,
                id: *id.get_or_insert_with(|| serials.next()),
                in_reply_to: MsgId::NONE,
                from: None,
                to: None,
            };
            let entry = Entry {
                content: Content::Synthetic(synthetic),
                duty: None,
                binding: Some(found.seat.newest),
                set_aside: true,
            };
            listener.push(slot, entry);
            *set_aside += 1;
            prealloc.wakes.add(&listener.notify);
            Go::On
        });
    }

    /// Sees to it that `events` unbindings can be announced at close, however many there are.
    ///
    /// # Errors
    ///
    /// The need for memory.
    pub(super) fn prepare_to_announce(
        &mut self,
        events: u32,
        prealloc: &Prealloc<N>,
    ) -> Result<(), Need> {
        // As many as fit on each, as many as may be set aside, and a notice of loss to each.
        let (mut recipients, mut fitting) = (0_usize, 0_u64);
        let ksocks = &self.ksocks;
        self.routes.route(BindEvent::name(), |found| {
            if let Some(ksock) = ksocks.get(&found.first.ksock) {
                let count = found.seat.count;
                recipients += count as usize;
                fitting += u64::from(count) * ksock.capacity_left().min(u64::from(events));
            }
            Go::On
        });
        if recipients == 0 {
            return Ok(());
        }
        let notices = recipients as u64;
        let all = u64::from(events) * notices;
        let slots = (fitting + u64::from(MAX_SET_ASIDE)).min(all) + notices;
        let slots = slots as usize;
        if prealloc.slots.len() < slots || prealloc.recipients.capacity() < recipients {
            return Err(Need {
                slots,
                recipients,
                ..Need::NOTHING
            });
        }
        Ok(())
    }

    /// Switches the announcing of replier bindings, if told to. Returns what it was (3.7
    /// REPORTREPLIERBINDS). Switching it on queues an event for each replier binding on `me`, the
    /// newest first, as long as there is capacity.
    ///
    /// # Errors
    ///
    /// `CallerFull` when not all events fitted, though it is switched on; `Closed`; or the need
    /// for memory.
    pub(crate) fn report_replier_binds(
        &mut self,
        me: KsockId,
        set: Option<bool>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        let was = self.reporting;
        let Some(on) = set else {
            return Ok(was);
        };
        if on {
            let left = self.ksock(me)?.capacity_left();
            let count = self.routes.repliers();
            let slots = count.min(usize::try_from(left).unwrap_or(usize::MAX));
            if prealloc.bindings.capacity() < count || prealloc.slots.len() < slots {
                return Err(Refusal::Need(Need {
                    slots,
                    bindings: count,
                    ..Need::NOTHING
                }));
            }
        }
        self.reporting = on;
        if on {
            self.replay(me, prealloc)?;
        }
        Ok(was)
    }

    /// Queues an event for each replier binding on `me`, as long as there is capacity.
    fn replay(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) -> Result<(), BusError> {
        self.collect_bindings(prealloc, |binding| binding.role() == Role::Replier);
        newest_first(&mut prealloc.bindings, |binding| binding.id);
        for binding in &prealloc.bindings {
            let event = BindEvent {
                id: self.serials.next(),
                is_bind: true,
                binding: binding.clone(),
            };
            let ksock = self.ksock_mut(me)?;
            // There are as many slots as messages fit.
            let slot = if ksock.has_capacity() {
                prealloc.slots.pop()
            } else {
                None
            };
            let Some(slot) = slot else {
                ksock.note_over_limit(&mut prealloc.over_limit);
                return Err(BusError::CallerFull);
            };
            ksock.push(slot, Entry::unbound(Content::Event(event)));
            prealloc.wakes.add(&ksock.notify);
        }
        Ok(())
    }

    /// Notes the bindings that `wanted` likes, as far as there is space, in no order.
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
