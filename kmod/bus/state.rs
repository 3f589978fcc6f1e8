// SPDX-License-Identifier: GPL-2.0

//! What a bus holds, and the steps that several verbs share.

use super::binding::Binding;
use super::count::decrease;
use super::error::BusError;
use super::id::{Counter, KsockId, Serials, UserId};
use super::ksock::{present, Ksock, Ksocks};
use super::owed::Debt;
use super::party::{Parties, Round};
use super::prealloc::Prealloc;
use super::queue::{Content, Entry};
use super::routes::{Door, Routes};
use super::synthetic::{Kind, Synthetic};
use super::wakeup::{Notify, WakeQueue};
use kernel::prelude::*;
use kernel::rbtree::RBTree;
use kernel::sync::Arc;

/// How much of what takes long is done at a time, before others get the lock.
pub(super) const STEP: usize = 64;

/// One bus.
pub(crate) struct Bus<N> {
    pub(super) ksocks: Ksocks<N>,
    pub(super) routes: Routes,
    pub(super) parties: Parties,
    /// Which message is being routed.
    pub(super) round: Round,
    /// Seats that were found full, to be shut when routing is over.
    pub(super) found_full: KVVec<(Arc<Binding>, UserId)>,
    /// Senders that wait, by the Ksock that has no capacity: (full, sender).
    pub(super) waiting: RBTree<(KsockId, KsockId), ()>,
    /// The last Ksock id given out; 0 if there was none.
    pub(super) last_ksock: u32,
    pub(super) serials: Serials,
    pub(super) binding_ids: Counter,
    pub(super) request_serials: Counter,
    pub(super) debt_numbers: Counter,
    /// Replier bindings are announced.
    pub(super) reporting: bool,
    pub(super) verbose: bool,
    /// Bind events that are queued beyond their readers' limits, on the whole bus.
    pub(super) set_aside: u32,
    /// Bind events are being lost: none is set aside until all that are count or are gone.
    pub(super) events_lost: bool,
}

impl<N: Notify> Bus<N> {
    /// Returns a bus without Ksocks.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new() -> Result<Self, BusError> {
        Ok(Bus {
            ksocks: RBTree::new(),
            routes: Routes::new()?,
            parties: Parties::new(),
            round: 0,
            found_full: KVVec::with_capacity(STEP, GFP_KERNEL)?,
            waiting: RBTree::new(),
            last_ksock: 0,
            serials: Serials::new(),
            binding_ids: Counter::new(),
            request_serials: Counter::new(),
            debt_numbers: Counter::new(),
            reporting: false,
            verbose: false,
            set_aside: 0,
            events_lost: false,
        })
    }

    /// Returns the Ksock of an open file.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn ksock(&self, me: KsockId) -> Result<&Ksock<N>, BusError> {
        match self.ksocks.get(&me) {
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
        match self.ksocks.get_mut(&me) {
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
        wakes: &mut WakeQueue<N>,
    ) {
        let Some(requester) = self.ksocks.get_mut(&debt.requester) else {
            return;
        };
        let Some((answer, _)) = requester.take_awaited(&debt.request) else {
            return;
        };
        let synthetic = Synthetic {
            kind,
            id: self.serials.next(),
            in_reply_to: debt.request.id,
            from: Some(replier),
            to: Some(debt.requester),
        };
        requester.push(answer.slot, Entry::unbound(Content::Synthetic(synthetic)));
        wakes.add(&requester.notify);
        // If a reply to it waits somewhere, it has come too late.
        self.wake_all_waiting(wakes);
    }

    /// Entries that were set aside count by now, or are gone.
    pub(super) fn fewer_set_aside(&mut self, fewer: u32) {
        decrease(&mut self.set_aside, fewer);
        if self.set_aside == 0 {
            self.events_lost = false;
        }
    }

    /// Shuts the seats that were found full.
    pub(super) fn shut_full(&mut self) {
        while let Some((first, user)) = self.found_full.pop() {
            if let Some(ksock) = present(&mut self.ksocks, first.ksock) {
                ksock.note_shut(first.id);
                self.routes.turn(&first, user, Door::Shut);
            }
        }
    }

    /// `me` may have room now, by what it did itself: its seats that are shut are opened, and
    /// senders that wait for it try again. What is too much for one step is left to the next.
    pub(super) fn made_room(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) {
        for _ in 0..STEP {
            let Some(ksock) = self.ksocks.get_mut(&me) else {
                return;
            };
            if !ksock.is_shut() || !ksock.has_room() {
                self.wake_those_blocked_by(me, &mut prealloc.wakes);
                return;
            }
            let user = ksock.user();
            if let Some(first) = ksock.take_shut() {
                self.routes.turn(&first, user, Door::Open);
            }
        }
        prealloc.rest = Some(me);
    }

    /// Goes on with what a verb has left to do.
    pub(crate) fn go_on(&mut self, prealloc: &mut Prealloc<N>) {
        if let Some(me) = prealloc.rest.take() {
            self.made_room(me, prealloc);
        }
    }

    /// `full` may have capacity now: the senders that wait for it should try again.
    pub(super) fn wake_those_blocked_by(&mut self, full: KsockId, wakes: &mut WakeQueue<N>) {
        if self.waiting.is_empty() {
            return;
        }
        let mut cursor = self.waiting.cursor_lower_bound_mut(&(full, KsockId::FIRST));
        while let Some(here) = cursor {
            let &(by, sender) = here.current().0;
            if by != full {
                break;
            }
            if let Some(sender) = self.ksocks.get(&sender) {
                wakes.add(&sender.notify);
            }
            cursor = here.move_next();
        }
    }

    /// All senders that wait should try again: the bindings have changed, and with them perhaps
    /// the recipients of a pending message; or a request was answered, and perhaps one of them is
    /// a reply to it.
    pub(super) fn wake_all_waiting(&self, wakes: &mut WakeQueue<N>) {
        for (_, sender) in self.waiting.keys() {
            if let Some(sender) = self.ksocks.get(sender) {
                wakes.add(&sender.notify);
            }
        }
    }
}
