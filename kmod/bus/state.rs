// SPDX-License-Identifier: GPL-2.0-only

//! What a bus holds, and the steps that several verbs share.

use super::binding::Binding;
use super::copy_limit::{CopyLimits, Round};
use super::count::decrease;
use super::error::{BusError, Refusal};
use super::id::{BindingId, Counter, KsockId, MsgId, Serials, UserId};
use super::ksock::Ksock;
use super::ksocks::Ksocks;
use super::need::Need;
use super::owed::Debt;
use super::plan::Rest;
use super::pool::Slot;
use super::prealloc::{Prealloc, STEP};
use super::queue::{Content, Entry};
use super::routes::{Door, Routes};
use super::synthetic::{Kind, Synthetic};
use super::tally::Tally;
use super::waiting::{Cause, Waiting, Walk};
use super::wakeup::{Notify, Wake};
use crate::trace;
use core::cmp::Reverse;
use core::mem::replace;
use kernel::prelude::*;
use kernel::sync::Arc;

/// One bus.
pub(crate) struct Bus<N> {
    /// What it is called by in traces.
    pub(super) number: u32,
    pub(super) ksocks: Ksocks<N>,
    pub(super) routes: Routes,
    pub(super) copy_limits: CopyLimits,
    /// Which message is being routed.
    pub(super) round: Round,
    /// Subscriptions that were found full, to be shut when routing is over.
    pub(super) found_full: KVVec<(Arc<Binding>, UserId)>,
    pub(super) waiting: Waiting,
    /// The last Ksock id given out; 0 if there was none.
    pub(super) last_ksock: u32,
    pub(super) serials: Serials,
    pub(super) binding_ids: Counter,
    pub(super) request_serials: Counter,
    pub(super) debt_numbers: Counter,
    pub(super) send_ids: Counter,
    /// Replier bindings are announced.
    pub(super) reporting: bool,
    /// Bind events that are queued beyond their readers' limits, on the whole bus.
    pub(super) set_aside: u32,
    /// Bind events are being lost: none is set aside until all that are count or are gone.
    pub(super) events_lost: bool,
    /// All who listen know that.
    pub(super) all_know: bool,
    /// The repliers' bindings, the newest first.
    pub(super) repliers: Tally<Reverse<BindingId>, Arc<Binding>>,
}

impl<N: Notify> Bus<N> {
    /// Returns the bus of this number, without Ksocks.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new(number: u32) -> Result<Self, BusError> {
        Ok(Bus {
            number,
            ksocks: Ksocks::new(),
            routes: Routes::new()?,
            copy_limits: CopyLimits::new(),
            round: 0,
            found_full: KVVec::with_capacity(STEP, GFP_KERNEL)?,
            waiting: Waiting::new(),
            last_ksock: 0,
            serials: Serials::new(),
            binding_ids: Counter::new(),
            request_serials: Counter::new(),
            debt_numbers: Counter::new(),
            send_ids: Counter::new(),
            reporting: false,
            set_aside: 0,
            events_lost: false,
            all_know: false,
            repliers: Tally::new(),
        })
    }

    /// Returns the Ksock of an open file.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn ksock(&self, me: KsockId) -> Result<&Ksock<N>, BusError> {
        match self.ksocks.get(me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    /// Returns the Ksock of an open file, to be changed.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(super) fn ksock_mut(&mut self, me: KsockId) -> Result<&mut Ksock<N>, BusError> {
        match self.ksocks.get_mut(me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    /// Answers a request in place of its replier, if its answer is still awaited (6.2).
    pub(super) fn answer_for(
        &mut self,
        replier: KsockId,
        kind: Kind,
        debt: &Debt,
        prealloc: &mut Prealloc<N>,
    ) {
        let Some(requester) = self.ksocks.get_mut(debt.requester) else {
            return;
        };
        let Some((answer, _)) = requester.take_awaited(&debt.request) else {
            return;
        };
        let synthetic = Synthetic {
            kind,
            id: self.serials.next(),
            in_reply_to: debt.request.id,
            from: replier.get(),
            to: debt.requester.get(),
        };
        let id = synthetic.id;
        requester.push(answer.slot, Entry::unbound(Content::Synthetic(synthetic)));
        trace::answer(self.number, replier, debt.requester, debt.request.id, true);
        trace::queue(self.number, debt.requester, id, &requester.queue);
        prealloc.wakes.add(&requester.notify, Wake::Readable);
        // If a reply to it waits somewhere, it has come too late.
        self.retry_late_answers(debt.requester, debt.request.id, prealloc);
    }

    /// Entries that were set aside count by now, or are gone.
    pub(super) fn fewer_set_aside(&mut self, fewer: u32) {
        if fewer == 0 {
            return;
        }
        // Perhaps one of them was a notice of loss.
        self.all_know = false;
        decrease(&mut self.set_aside, fewer);
        if self.set_aside == 0 {
            self.events_lost = false;
        }
    }

    /// Shuts the subscriptions that were found full, and takes those out that were found to be of a
    /// Ksock that is being closed, so that no message looks at them again.
    #[cold]
    pub(super) fn shut_full(&mut self) {
        while let Some((first, user)) = self.found_full.pop() {
            match self.ksocks.get_mut(first.ksock) {
                Some(ksock) => {
                    ksock.note_shut(&first);
                    self.routes.turn(&first, user, Door::Shut);
                }
                None => drop(self.routes.take_subscription(&first, user)),
            }
        }
    }

    /// `me` may have room now, by what it did itself: its subscriptions that are shut are opened,
    /// and what waits for it is tried again. What is too much for one step is left to the next.
    pub(super) fn made_room(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) {
        for _ in 0..STEP {
            let Some(ksock) = self.ksocks.get_mut(me) else {
                return;
            };
            if !ksock.is_shut() || !ksock.has_room() {
                self.retry_waiting(|| Walk::of_room(me), prealloc);
                return;
            }
            let user = ksock.user();
            if let Some(first) = ksock.take_shut() {
                self.routes.turn(&first, user, Door::Open);
            }
        }
        prealloc.leave(Rest::Open(me));
    }

    /// Gives to those that were short of cells what was got for them, before a verb.
    #[inline]
    pub(crate) fn stock(&mut self, prealloc: &mut Prealloc<N>) {
        prealloc.stock(&mut self.ksocks);
    }

    /// Looks whether so many cells of the queue of `me` are free.
    ///
    /// # Errors
    ///
    /// `Closed`, `NoMemory`; or the need for memory.
    #[cold]
    pub(super) fn own_cells(
        &mut self,
        me: KsockId,
        count: usize,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let ksock = self.ksock_mut(me)?;
        let free = ksock.queue.cells.free();
        if free >= count {
            return Ok(());
        }
        if replace(&mut ksock.starved, false) {
            return Err(BusError::NoMemory.into());
        }
        prealloc.shortage.note(me, ksock, (count - free) as u32);
        Err(Refusal::Need(Need::CELLS))
    }

    /// Returns a cell of the queue of `me`.
    ///
    /// # Errors
    ///
    /// `Closed`, `NoMemory`; or the need for memory.
    pub(super) fn own_slot(
        &mut self,
        me: KsockId,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Slot, Refusal> {
        if let Some(slot) = self.ksock_mut(me)?.queue.cells.reserve() {
            return Ok(slot);
        }
        self.own_cells(me, 1, prealloc)?;
        Err(Refusal::Need(Need::NOTHING))
    }

    /// Takes those out of the queue of `me` that a binding attracted which is gone. Requests among
    /// them are answered: `Unbound`.
    pub(super) fn remove_attracted(
        &mut self,
        me: KsockId,
        binding: Arc<Binding>,
        mut counted: bool,
        prealloc: &mut Prealloc<N>,
    ) {
        for done in 0..STEP {
            let is_full = prealloc.wakes.space() == 0 || prealloc.space_for_removed() == 0;
            if prealloc.has_rest() || done > 0 && is_full {
                break;
            }
            let Some(ksock) = self.ksocks.present(me) else {
                return;
            };
            let Some(entry) = ksock.remove_first(&binding) else {
                break;
            };
            counted |= !entry.set_aside;
            let debt = entry.debt(me);
            prealloc.keep_removed(entry);
            if let Some(debt) = &debt {
                self.answer_for(me, Kind::Unbound, debt, prealloc);
            }
        }
        if binding.attracted.first().is_some() {
            prealloc.leave(Rest::Unbind {
                ksock: me,
                binding,
                counted,
            });
            return;
        }
        let Some(ksock) = self.ksocks.present(me) else {
            return;
        };
        let set_aside = ksock.queue.set_aside();
        if counted {
            ksock.queue.move_one_in();
        }
        let fewer = set_aside - ksock.queue.set_aside();
        ksock.calm_down();
        self.fewer_set_aside(fewer);
        self.made_room(me, prealloc);
    }

    /// The sends on this walk may have another outcome now: they are tried again when the verb is
    /// done.
    #[inline]
    pub(super) fn retry_waiting(
        &mut self,
        walk: impl FnOnce() -> Walk,
        prealloc: &mut Prealloc<N>,
    ) {
        // Mostly nobody waits.
        if !self.waiting.is_empty() {
            self.retry_those_on(walk(), prealloc);
        }
    }

    #[cold]
    fn retry_those_on(&mut self, walk: Walk, prealloc: &mut Prealloc<N>) {
        if self.waiting.has(&walk) {
            prealloc.leave(Rest::Retry(walk));
        }
    }

    /// Answers that wait for a request that is answered now have come too late, which they are told
    /// before anything else is tried.
    pub(super) fn retry_late_answers(
        &mut self,
        requester: KsockId,
        request: MsgId,
        prealloc: &mut Prealloc<N>,
    ) {
        if !self.waiting.is_empty() {
            let walk = Walk::of(Cause::Answered(requester, request));
            if self.waiting.has(&walk) {
                prealloc.leave_first(walk);
            }
        }
    }
}
