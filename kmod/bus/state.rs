// SPDX-License-Identifier: GPL-2.0

//! What a bus holds, and the steps that several verbs share.

use super::error::BusError;
use super::id::{MsgId, Request};
use super::ksock::Ksock;
use super::message::Header;
use super::owed::Debt;
use super::queue::{Content, Duty, Entry};
use super::routes::Routes;
use super::synthetic::{Kind, Synthetic};
use super::wakeup::{Notify, WakeQueue};
use kernel::prelude::*;
use kernel::rbtree::RBTree;

/// One bus.
pub(crate) struct Bus<N> {
    pub(super) ksocks: RBTree<u32, KBox<Ksock<N>>>,
    pub(super) routes: Routes,
    /// Senders that wait for room, by the Ksock that has none: (full, sender).
    pub(super) waiting: RBTree<(u32, u32), ()>,
    /// The last Ksock id, message serial, binding, request and debt given out.
    pub(super) last_ksock: u32,
    pub(super) last_serial: u32,
    pub(super) last_binding: u64,
    pub(super) last_request: u64,
    pub(super) last_debt: u64,
    /// Are replier bindings announced?
    pub(super) reporting: bool,
    pub(super) verbose: bool,
    /// Bind events that are queued beyond their readers' limits, on the whole bus.
    pub(super) set_aside: u32,
    /// Bind events are being lost: none is set aside until all that are have found room.
    pub(super) events_lost: bool,
}

impl<N: Notify> Bus<N> {
    /// A bus without Ksocks.
    pub(crate) fn new() -> Result<Self, BusError> {
        Ok(Bus {
            ksocks: RBTree::new(),
            routes: Routes::new()?,
            waiting: RBTree::new(),
            last_ksock: 0,
            last_serial: 0,
            last_binding: 0,
            last_request: 0,
            last_debt: 0,
            reporting: false,
            verbose: false,
            set_aside: 0,
            events_lost: false,
        })
    }

    /// The Ksock of an open file.
    pub(crate) fn ksock(&self, me: u32) -> Result<&Ksock<N>, BusError> {
        match self.ksocks.get(&me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    pub(super) fn ksock_mut(&mut self, me: u32) -> Result<&mut Ksock<N>, BusError> {
        match self.ksocks.get_mut(&me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    pub(super) fn next_serial(&mut self) -> MsgId {
        fresh_serial(&mut self.last_serial)
    }

    /// Answers a request in place of its replier, if it still wants an answer (6.2).
    pub(super) fn answer_for(
        &mut self,
        replier: u32,
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
        let id = fresh_serial(&mut self.last_serial);
        let synthetic = Synthetic {
            kind,
            id,
            in_reply_to: debt.request.id,
            from: replier,
            to: debt.requester,
        };
        requester.push(answer.slot, Entry::unbound(Content::Synthetic(synthetic)));
        wakes.add(&requester.notify);
        // If a reply to it waits for room somewhere, it has come too late.
        self.wake_all_waiting(wakes);
    }

    /// Entries that were set aside have found room, or are gone.
    pub(super) fn fewer_set_aside(&mut self, fewer: u32) {
        self.set_aside = self.set_aside.saturating_sub(fewer);
        if self.set_aside == 0 {
            self.events_lost = false;
        }
    }

    /// There may be room at `full` now: those who wait for it should try again.
    pub(super) fn wake_those_blocked_by(&mut self, full: u32, wakes: &mut WakeQueue<N>) {
        if self.waiting.is_empty() {
            return;
        }
        let mut cursor = self.waiting.cursor_lower_bound_mut(&(full, 0));
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

    /// The bindings have changed, and with them perhaps whom a pending message goes to; or a
    /// request was answered, and perhaps one of them is a reply to it.
    pub(super) fn wake_all_waiting(&self, wakes: &mut WakeQueue<N>) {
        for (_, sender) in self.waiting.keys() {
            if let Some(sender) = self.ksocks.get(sender) {
                wakes.add(&sender.notify);
            }
        }
    }
}

/// The next message serial: 2^32 of them, and then again from 1.
pub(super) fn fresh_serial(last: &mut u32) -> MsgId {
    *last = last.checked_add(1).unwrap_or(1);
    MsgId {
        network: 0,
        serial: *last,
    }
}

impl Entry {
    /// A copy that no binding attracted.
    pub(super) fn unbound(content: Content) -> Entry {
        Entry {
            content,
            duty: None,
            binding: 0,
            set_aside: false,
        }
    }

    /// What this entry's reader owes, if it is its reader's to answer.
    pub(super) fn debt(&self, reader: u32) -> Option<Debt> {
        let Duty { request, .. } = self.duty.as_ref()?;
        let Header { id, from, .. } = self.content.header();
        Some(Debt {
            requester: from,
            request: Request {
                id,
                replier: reader,
                serial: *request,
            },
        })
    }
}
