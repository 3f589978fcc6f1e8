// SPDX-License-Identifier: GPL-2.0-only

//! Bind events: telling those who listen that repliers come and go (specification 6.3 to 6.5).

use super::decide::{Admit, Gathered};
use crate::bus::binding::{Binding, Role};
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{BindingId, KsockId, MsgId};
use crate::bus::name::Name;
use crate::bus::need::Need;
use crate::bus::plan::Announcement;
use crate::bus::prealloc::Prealloc;
use crate::bus::prealloc::STEP;
use crate::bus::queue::{Content, Entry};
use crate::bus::routes::{Door, Go};
use crate::bus::state::Bus;
use crate::bus::synthetic::{BindEvent, Kind, Synthetic};
use crate::bus::wakeup::{Notify, Wake};
use crate::bus::walk;
use crate::trace::{self, Why};
use core::cmp::Reverse;
use kernel::sync::Arc;

/// How many bind events a bus queues beyond their readers' limits.
pub(crate) const MAX_SET_ASIDE: u32 = 1000;

/// How far REPORTREPLIERBINDS has got.
#[derive(Default)]
pub(crate) struct Replay {
    /// What was set before.
    was: Option<bool>,
    /// The last replier that was told of.
    at: Option<Reverse<BindingId>>,
}

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
            prealloc.release_recipients(&mut self.ksocks);
            return Err(Refusal::Need(Need::A_PAUSE));
        }
        if gathered.full.is_some() {
            prealloc.release_recipients(&mut self.ksocks);
            // The event was made and had an id, though no listener saw it.
            self.serials.next();
            return Err(BusError::EventUndeliverable.into());
        }
        if gathered.short || prealloc.recipients.len() < gathered.count {
            prealloc.release_recipients(&mut self.ksocks);
            return Err(Refusal::Need(gathered.need()));
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
            let Some(listener) = self.ksocks.present(recipient.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(event.id) {
                trace::skip(self.number, recipient.ksock, Why::Once, BindEvent::name());
                listener.queue.cells.give_back(recipient.slot);
                continue;
            }
            let entry = Entry {
                content: Content::Event(event.clone()),
                duty: None,
                binding: Some(recipient.binding),
                set_aside,
            };
            listener.push(recipient.slot, entry);
            trace::queue(self.number, recipient.ksock, event.id, &listener.queue);
            self.set_aside += u32::from(set_aside);
            prealloc.wakes.add(&listener.notify, Wake::Readable);
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

    /// Takes the name from a replier whose Ksock is being closed: this is announced, if that was
    /// not done yet, and the name is free.
    ///
    /// # Errors
    ///
    /// The need for memory.
    pub(super) fn end_replier(
        &mut self,
        binding: &Arc<Binding>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Need> {
        let Some(user) = self.ksocks.closing(binding.ksock).map(|k| k.user()) else {
            return Ok(());
        };
        self.announce_end(binding, false, prealloc)?;
        drop(self.routes.take_subscription(binding, user));
        Ok(())
    }

    /// Announces that a binding of a closing Ksock is no more, unless that was done. Closing cannot
    /// be refused: an event for which a listener has no capacity is set aside for all, and when too
    /// many are, those who listen are told that some were lost (6.5). With `short` the memory that
    /// there is must do; an event for which it does not is lost. Returns how many got something.
    ///
    /// # Errors
    ///
    /// Without `short`, the need for memory.
    pub(super) fn announce_end(
        &mut self,
        binding: &Arc<Binding>,
        short: bool,
        prealloc: &mut Prealloc<N>,
    ) -> Result<usize, Need> {
        if !self.is_reported(binding.role()) || binding.has_ended() {
            binding.end();
            return Ok(0);
        }
        let room = match self.events_lost {
            true => 0,
            false => MAX_SET_ASIDE.saturating_sub(self.set_aside) as usize,
        };
        let mut gathered = Gathered::default();
        let mut enough = false;
        let lost = room == 0 && self.someone_is_shut(BindEvent::name());
        if !lost {
            let admit = Admit::All { most: room };
            gathered = self.gather(BindEvent::name(), admit, prealloc);
            enough = !gathered.short && prealloc.recipients.len() == gathered.count;
        }
        let set_aside = gathered.full.is_some();
        let lost = lost || gathered.starved || set_aside && gathered.bindings > room;
        if !lost && !enough && !short {
            prealloc.release_recipients(&mut self.ksocks);
            return Err(gathered.need());
        }
        binding.end();
        let event = self.event(false, binding);
        if enough && !lost {
            let recipients = prealloc.take_recipients();
            let count = recipients.len();
            self.announce(&event, set_aside, Announcement { recipients }, prealloc);
            return Ok(count);
        }
        prealloc.release_recipients(&mut self.ksocks);
        self.events_lost = true;
        if self.all_know {
            return Ok(0);
        }
        Ok(self.tell_of_loss(prealloc))
    }

    /// Returns whether one of those who listen for `name` was found full.
    fn someone_is_shut(&mut self, name: Name<'_>) -> bool {
        let ksocks = &self.ksocks;
        let mut found = false;
        self.routes.route(name, false, |shown| {
            if shown.door == Door::Open {
                return Go::PastOpen;
            }
            found |= ksocks.get(shown.ksock()).is_some();
            if found {
                Go::Nowhere
            } else {
                Go::Past
            }
        });
        found
    }

    /// Tells all who listen that events were lost, unless they know. This needs no memory. Returns
    /// how many were told.
    fn tell_of_loss(&mut self, prealloc: &mut Prealloc<N>) -> usize {
        let (ksocks, serials) = (&mut self.ksocks, &mut self.serials);
        let (number, set_aside) = (self.number, &mut self.set_aside);
        let mut id: Option<MsgId> = None;
        let (mut told, mut all_know) = (0, true);
        self.routes.route(BindEvent::name(), false, |shown| {
            let Some(listener) = ksocks.get_mut(shown.ksock()) else {
                return Go::Past;
            };
            if listener.queue.has_loss_notice() {
                return Go::On;
            }
            // The slot that is kept for this will do if there is no other. If it is in use, the
            // Ksock has such a message to read anyway.
            let slot = listener.queue.cells.reserve();
            let slot = slot.or_else(|| listener.lost_slot.take());
            let Some(slot) = slot else {
                all_know = false;
                return Go::On;
            };
            let synthetic = Synthetic {
                kind: Kind::EventsLost,
                id: *id.get_or_insert_with(|| serials.next()),
                in_reply_to: MsgId::NONE,
                from: 0,
                to: 0,
            };
            let lost = synthetic.id;
            let entry = Entry {
                content: Content::Synthetic(synthetic),
                duty: None,
                binding: Some(listener.newest(shown.first, shown.newest).clone()),
                set_aside: true,
            };
            listener.push(slot, entry);
            trace::queue(number, shown.first.ksock, lost, &listener.queue);
            *set_aside += 1;
            told += 1;
            prealloc.wakes.add(&listener.notify, Wake::Readable);
            Go::On
        });
        self.all_know = all_know;
        told
    }

    /// Switches the announcing of replier bindings, if told to. Returns what it was (3.7
    /// REPORTREPLIERBINDS). Switching it on queues an event for each replier binding on `me`, the
    /// newest first, as long as there is capacity. That goes in steps: call it again with the same
    /// `replay` when it needs memory. What is bound between steps is announced as it happens; what
    /// is unbound is not replayed any more.
    ///
    /// # Errors
    ///
    /// `CallerFull` when not all events fitted, though it is switched on; `Closed`; or the need
    /// for memory.
    pub(crate) fn report_replier_binds(
        &mut self,
        me: KsockId,
        set: Option<bool>,
        replay: &mut Replay,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        let was = replay.was.unwrap_or(self.reporting);
        let Some(on) = set else {
            return Ok(was);
        };
        if on {
            let left = usize::try_from(self.ksock(me)?.capacity_left());
            let events = left.unwrap_or(STEP).min(STEP);
            self.own_cells(me, events.min(self.repliers.len as usize), prealloc)?;
        }
        replay.was = Some(was);
        self.reporting = on;
        if on && self.replay(me, replay, prealloc)? {
            return Err(Refusal::Need(Need::A_PAUSE));
        }
        Ok(was)
    }

    /// Queues an event for each replier binding on `me`, as long as there is capacity. Returns
    /// whether there may be more.
    fn replay(
        &mut self,
        me: KsockId,
        replay: &mut Replay,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        let number = self.number;
        for _ in 0..STEP {
            let mut at = replay.at;
            let next = walk::on(&mut self.repliers.tree, &mut at, Arc::clone);
            let Some(binding) = next else {
                return Ok(false);
            };
            if self.ksocks.get(binding.ksock).is_none() {
                replay.at = at;
                continue;
            }
            let ksock = self.ksock(me)?;
            if !ksock.has_capacity() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                // The event was made and had an id, though it was not queued.
                self.serials.next();
                return Err(BusError::CallerFull.into());
            }
            let slot = self.own_slot(me, prealloc)?;
            replay.at = at;
            let event = BindEvent {
                id: self.serials.next(),
                is_bind: true,
                binding,
            };
            let ksock = self.ksock_mut(me)?;
            let id = event.id;
            ksock.push(slot, Entry::unbound(Content::Event(event)));
            trace::queue(number, me, id, &ksock.queue);
            prealloc.wakes.add(&ksock.notify, Wake::Readable);
        }
        Ok(true)
    }
}
