// SPDX-License-Identifier: GPL-2.0

//! THE BUS: who gets which message, in which order, and who owes whom an answer.
//!
//! A `Bus` is a plain value. It takes no lock, never sleeps, never allocates, and knows nothing
//! of files, tasks or user memory; whoever holds the lock around it calls one verb at a time,
//! and that is what puts all messages of a bus in one order.
//!
//! Each verb first looks, then acts: all that can refuse it, and all that needs memory (see
//! [`room`]), comes before the first change, and from then on nothing can fail.

pub(crate) mod binding;
pub(crate) mod error;
pub(crate) mod ksock;
pub(crate) mod message;
pub(crate) mod name;
pub(crate) mod queue;
pub(crate) mod reply;
pub(crate) mod report;
pub(crate) mod room;
pub(crate) mod synthetic;
pub(crate) mod user;

mod age;
mod bind;
mod close;
mod decide;
mod event;
mod send;

pub(crate) use bind::NewBinding;
pub(crate) use error::{BusError, Refusal};
pub(crate) use ksock::Port;
pub(crate) use room::Room;
pub(crate) use send::{Ready, Sent};

use binding::Routes;
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;
use ksock::Ksock;
use message::{Header, MsgId};
use queue::{Content, Duty, Entry};
use reply::{Debt, Request};
use room::Wakes;
use synthetic::{Kind, Synthetic};
use user::User;

/// One bus.
pub(crate) struct Bus<P> {
    ksocks: RBTree<u32, KBox<Ksock<P>>>,
    routes: Routes,
    /// Senders that wait for room, by the Ksock that has none: (full, sender).
    waiting: RBTree<(u32, u32), ()>,
    /// The last Ksock id, message serial, binding, request and debt given out.
    last_ksock: u32,
    last_serial: u32,
    last_binding: u64,
    last_request: u64,
    last_debt: u64,
    /// Are replier bindings announced?
    reporting: bool,
    verbose: bool,
    /// Bind events that are queued beyond their readers' limits, on the whole bus.
    set_aside: u32,
    /// Bind events are being lost: none is set aside until all that are have found room.
    tragic: bool,
}

/// The memory for a new Ksock.
pub(crate) struct NewKsock<P> {
    ksock: KBox<Ksock<P>>,
    node: RBTreeNodeReservation<u32, KBox<Ksock<P>>>,
}

impl<P> NewKsock<P> {
    /// A Ksock for the file behind `port`, on the account of `user`.
    pub(crate) fn new(port: P, user: Arc<User>) -> Result<Self, BusError> {
        let place = node()?;
        let ksock = KBox::new(Ksock::new(port, user, place), GFP_KERNEL_ACCOUNT);
        Ok(NewKsock {
            ksock: ksock.map_err(|_| BusError::NoMemory)?,
            node: node()?,
        })
    }
}

fn node<K, V>() -> Result<RBTreeNodeReservation<K, V>, BusError> {
    RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT).map_err(|_| BusError::NoMemory)
}

/// What NEXTMSG takes out of a queue.
pub(crate) struct Next {
    pub(crate) content: Content,
    /// This copy is its reader's to answer.
    pub(crate) yours: bool,
}

impl<P: Port> Bus<P> {
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
            tragic: false,
        })
    }

    /// Adds a Ksock and answers with its id (3.1).
    pub(crate) fn open(&mut self, new: NewKsock<P>) -> u32 {
        let NewKsock { ksock, node } = new;
        // Ids count up. After 2^32 opens, skip 0 and what is still open.
        loop {
            self.last_ksock = self.last_ksock.wrapping_add(1);
            let id = self.last_ksock;
            if id != 0 && self.ksocks.get(&id).is_none() {
                self.ksocks.insert(node.into_node(id, ksock));
                return id;
            }
        }
    }

    /// Takes the next message of a Ksock's queue (3.7 NEXTMSG).
    pub(crate) fn next(&mut self, me: u32, room: &mut Room<P>) -> Result<Option<Next>, BusError> {
        let ksock = self.ksocks.get_mut(&me).ok_or(BusError::Closed)?;
        let set_aside = ksock.queue.set_aside();
        let was_tight = !self.waiting.is_empty() && ksock.share.is_tight();
        let Some((entry, place)) = ksock.pop() else {
            return Ok(None);
        };
        let fewer = set_aside - ksock.queue.set_aside();
        let debt = entry.debt(me);
        let Entry { content, duty, .. } = entry;

        match ksock.lost_place {
            None => ksock.lost_place = Some(place),
            Some(_) => room.give_back(place),
        }
        let yours = duty.is_some();
        if let (Some(duty), Some(debt)) = (duty, debt) {
            self.last_debt += 1;
            let number = self.last_debt;
            let requester = self.ksocks.get_mut(&debt.requester);
            let awaited = requester.is_some_and(|r| r.awaited.set_debt(&debt.request, number));
            let owed = &mut self.ksock_mut(me)?.owed;
            if awaited {
                owed.insert(duty.room, number, debt);
            } else {
                owed.insert_forgotten();
                room.debt = room.debt.take().or(Some(duty.room));
            }
        }
        self.fewer_set_aside(fewer);
        if was_tight {
            // Other queues of this user may have room now. Those on other buses are not told: they
            // have messages, and will have room at the latest when those are read.
            self.wake_all_waiting(&mut room.wakes);
        } else {
            self.wake_those_blocked_by(me, &mut room.wakes);
        }
        Ok(Some(Next { content, yours }))
    }

    /// The Ksock of an open file.
    pub(crate) fn ksock(&self, me: u32) -> Result<&Ksock<P>, BusError> {
        match self.ksocks.get(&me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    fn ksock_mut(&mut self, me: u32) -> Result<&mut Ksock<P>, BusError> {
        match self.ksocks.get_mut(&me) {
            Some(ksock) => Ok(ksock),
            None => Err(BusError::Closed),
        }
    }

    /// Sets a Ksock's limit, unless it is 0, and answers with the limit then (3.7 MAXMSGS).
    pub(crate) fn limit(
        &mut self,
        me: u32,
        limit: u32,
        room: &mut Room<P>,
    ) -> Result<u32, BusError> {
        let ksock = self.ksock_mut(me)?;
        if limit != 0 {
            ksock.set_limit(limit);
        }
        let limit = ksock.limit();
        self.wake_those_blocked_by(me, &mut room.wakes);
        Ok(limit)
    }

    /// Sets "messages only once", if told to, and answers with what it was.
    pub(crate) fn only_once(&mut self, me: u32, set: Option<bool>) -> Result<bool, BusError> {
        let ksock = self.ksock_mut(me)?;
        let was = ksock.only_once;
        ksock.only_once = set.unwrap_or(was);
        Ok(was)
    }

    /// Sets verbosity, if told to, and answers with what it was.
    pub(crate) fn verbose(&mut self, set: Option<bool>) -> bool {
        let was = self.verbose;
        self.verbose = set.unwrap_or(was);
        was
    }

    /// Who replies to exactly this name; wildcards are not expanded (3.7 REPLIER).
    pub(crate) fn replier(&mut self, name: &[u8]) -> Option<u32> {
        self.routes.replier(name).map(|binding| binding.ksock)
    }

    fn next_serial(&mut self) -> MsgId {
        fresh_serial(&mut self.last_serial)
    }

    /// Answers a request in place of its replier, if it still wants an answer (6.2).
    fn answer_for(&mut self, replier: u32, kind: Kind, debt: &Debt, wakes: &mut Wakes<P>) {
        let Some(requester) = self.ksocks.get_mut(&debt.requester) else {
            return;
        };
        let Some((answer, _)) = requester.take_awaited(&debt.request) else {
            return;
        };
        let id = fresh_serial(&mut self.last_serial);
        let said = Synthetic {
            kind,
            id,
            in_reply_to: debt.request.id,
            from: replier,
            to: debt.requester,
        };
        requester.push(answer.place, Entry::unbound(Content::Said(said)));
        wakes.add(&requester.port);
        // If a reply to it waits for room somewhere, it has come too late.
        self.wake_all_waiting(wakes);
    }

    /// Entries that were set aside have found room, or are gone.
    fn fewer_set_aside(&mut self, fewer: u32) {
        self.set_aside = self.set_aside.saturating_sub(fewer);
        if self.set_aside == 0 {
            self.tragic = false;
        }
    }

    /// There may be room at `full` now: those who wait for it should try again.
    fn wake_those_blocked_by(&mut self, full: u32, wakes: &mut Wakes<P>) {
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
                wakes.add(&sender.port);
            }
            cursor = here.move_next();
        }
    }

    /// The bindings have changed, and with them perhaps whom a pending message goes to; or a
    /// request was answered, and perhaps one of them is a reply to it.
    fn wake_all_waiting(&self, wakes: &mut Wakes<P>) {
        for (_, sender) in self.waiting.keys() {
            if let Some(sender) = self.ksocks.get(sender) {
                wakes.add(&sender.port);
            }
        }
    }
}

/// The next message serial: 2^32 of them, and then again from 1.
fn fresh_serial(last: &mut u32) -> MsgId {
    *last = last.checked_add(1).unwrap_or(1);
    MsgId {
        network: 0,
        serial: *last,
    }
}

impl Entry {
    /// A copy that no binding attracted.
    fn unbound(content: Content) -> Entry {
        Entry {
            content,
            duty: None,
            binding: 0,
            set_aside: false,
        }
    }

    /// What this entry's reader owes, if it is its reader's to answer.
    fn debt(&self, reader: u32) -> Option<Debt> {
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
