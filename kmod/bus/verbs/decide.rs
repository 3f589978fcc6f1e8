// SPDX-License-Identifier: GPL-2.0-only

//! The decisions of one SEND (specification 5.4), all made before anything is delivered.

use crate::bus::age::newest_first;
use crate::bus::binding::Role;
use crate::bus::copy_limit::Copies;
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::KsockId;
use crate::bus::ksock::Ksock;
use crate::bus::message::Message;
use crate::bus::name::Name;
use crate::bus::need::Need;
use crate::bus::plan::{Ask, Plan, Recipient};
use crate::bus::prealloc::Prealloc;
use crate::bus::quota::Limit;
use crate::bus::routes::{Door, Go, Target};
use crate::bus::state::Bus;
use crate::bus::waiting::{Blocked, Cause, Room};
use crate::bus::wakeup::Notify;
use crate::trace::{self, Why};

/// Why a message cannot be delivered (now).
pub(super) enum Obstacle {
    /// More memory is wanted, or there is none: nothing was decided.
    Memory(Refusal),
    /// It is refused.
    No(BusError),
    /// It must wait for this.
    Full(Blocked),
}

/// Which listeners are to get a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admit {
    /// Those that have capacity.
    WithCapacity,
    /// All; or if one of them is full, nobody when there are more bindings than so many.
    All { most: usize },
}

/// What was found for a name, beside the recipients.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) replier: Option<Target>,
    /// A listener without capacity, or a user that gets no more copies, if there is one.
    pub(super) full: Option<Cause>,
    /// How many recipients there should be. If there are fewer, memory was short.
    pub(super) count: usize,
    /// A queue has no cell free.
    pub(super) short: bool,
    /// And no memory for more was to be had.
    pub(super) starved: bool,
    /// How many bindings listen, of those that were looked at.
    pub(super) bindings: usize,
    /// So many were found full at once that it is time to give others the lock. The rest was not
    /// looked at.
    pub(super) paused: bool,
    /// A Ksock listens by several patterns.
    again: bool,
}

impl<N: Notify> Bus<N> {
    /// Gathers those who listen for `name`: the recipients get a slot each. Whether each has
    /// capacity is as of now, before any of them gets anything (5.3). Those who are found full are
    /// not looked at again until they have room.
    pub(super) fn gather(
        &mut self,
        name: Name<'_>,
        admit: Admit,
        prealloc: &mut Prealloc<N>,
    ) -> Gathered {
        self.round += 1;
        let round = self.round;
        let (is_all, most) = match admit {
            Admit::WithCapacity => (false, usize::MAX),
            Admit::All { most } => (true, most),
        };
        let is_closing = self.ksocks.some_are_closing();
        let mut found = Gathered::default();
        let number = self.number;
        let (ksocks, found_full) = (&mut self.ksocks, &mut self.found_full);
        let mut copies = Copies::new(&mut self.copy_limits, round);
        let replier = self.routes.route(name, is_closing, |shown| {
            let (first, user, door) = (shown.first, shown.user, shown.door);
            let Some(ksock) = ksocks.get_mut(shown.ksock()) else {
                // It is being closed: nothing comes to it any more.
                if shown.role == Role::Replier {
                    return Go::Past;
                }
                let noted = found_full.push_within_capacity((first.clone(), user));
                found.paused |= noted.is_err() && !is_all;
                return if found.paused { Go::Nowhere } else { Go::Past };
            };
            if shown.role == Role::Replier {
                return Go::On;
            }
            let no_room = Cause::Full(first.ksock, Room::Message);
            if door == Door::Shut && !is_all {
                // Of those who are full for longer, only the first is looked at.
                trace::skip(number, first.ksock, Why::Full, name);
                found.full.get_or_insert(no_room);
                return Go::PastPattern;
            }
            found.bindings += shown.count as usize;
            if !ksock.has_capacity() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                found.full.get_or_insert(no_room);
                if door == Door::Open && !ksock.has_room() {
                    let noted = found_full.push_within_capacity((first.clone(), user));
                    found.paused |= noted.is_err() && !is_all;
                }
                if !is_all {
                    trace::skip(number, first.ksock, Why::Full, name);
                    return if found.paused { Go::Nowhere } else { Go::On };
                }
            }
            let wanted = if ksock.only_once { 1 } else { shown.count };
            let left = copies.left(user);
            if left < wanted {
                let account = &ksock.charge.user;
                prealloc.over_limit.note(account, Limit::Copies);
                found.full.get_or_insert(Cause::Copies(user));
                if left == 0 && !is_all {
                    return Go::PastUser;
                }
            }
            if found.full.is_some() && found.bindings > most {
                return Go::Nowhere;
            }
            let (met, at) = ksock.met;
            if met != round {
                ksock.met = (round, prealloc.recipients.len());
            } else if ksock.only_once {
                // One of its bindings will do, the newest.
                let newest = ksock.newest(first, shown.newest);
                prealloc.prefer(at, first.ksock, newest);
                return Go::On;
            } else {
                found.again = true;
            }
            let admitted = if is_all { wanted } else { wanted.min(left) };
            copies.take(user, admitted);
            found.count += admitted as usize;
            let mut at = shown.newest;
            for copy in 0..admitted {
                if copy > 0 {
                    let own = ksock.bindings.get(at);
                    let Some(below) = expect(own.and_then(|own| own.below)) else {
                        break;
                    };
                    at = below;
                }
                if !prealloc.has_space_for_recipient() {
                    break;
                }
                match ksock.queue.cells.reserve() {
                    Some(slot) => {
                        let binding = ksock.newest(first, at);
                        prealloc.note_recipient(first.ksock, binding, slot);
                    }
                    None if ksock.starved => found.starved = true,
                    None => {
                        found.short = true;
                        prealloc.shortage.note(first.ksock, ksock, admitted - copy);
                        break;
                    }
                }
            }
            Go::On
        });
        found.replier = replier;
        if !self.found_full.is_empty() {
            self.shut_full();
        }
        if found.again {
            // By several patterns: its copies are those of its newest bindings first (5.4).
            newest_first(&mut prealloc.recipients, |recipient| recipient.binding.id);
        }
        found
    }

    /// Decides what becomes of a message of `me`, in the order of 5.4. Changes nothing.
    pub(super) fn decide(
        &mut self,
        me: KsockId,
        message: &Message,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Plan, Obstacle> {
        let gathered = self.gather(message.name(), Admit::WithCapacity, prealloc);
        let plan = match gathered.paused {
            true => Err(Obstacle::Memory(Refusal::Need(Need::A_PAUSE))),
            false => self.plan(me, message, gathered, prealloc),
        };
        if plan.is_err() {
            prealloc.release_recipients(&mut self.ksocks);
        }
        plan
    }

    fn plan(
        &mut self,
        me: KsockId,
        message: &Message,
        mut gathered: Gathered,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Plan, Obstacle> {
        let header = message.header();
        let answered = match header.is_reply() {
            true => self.ksocks.find(header.to),
            false => None,
        };
        let target = gathered.replier.take().filter(|_| header.is_request());
        let asked = target.as_ref().map(|target| target.ksock);
        let full = |by| match header.all_or_wait() {
            true => Obstacle::Full(Blocked {
                by,
                asked,
                answered,
            }),
            false => Obstacle::No(BusError::RecipientFull),
        };

        if header.is_request() && target.is_none() {
            return Err(Obstacle::No(BusError::NobodyThere));
        }

        let mut answers = None;
        if header.is_reply() {
            let requester = answered.and_then(|to| Some((to, self.ksocks.get(to)?)));
            let (to, requester) = requester.ok_or(Obstacle::No(BusError::NobodyThere))?;
            let request = requester.awaited.find(header.in_reply_to, me);
            let request = request.ok_or(Obstacle::No(BusError::NotAsked))?;
            let room = Ksock::<N>::room_for_answer(message);
            if !requester.has(room) {
                requester.note_over_limit(&mut prealloc.over_limit);
                return Err(full(Cause::Full(to, room)));
            }
            answers = Some((to, request));
        }

        if let Some(asked) = asked {
            if header.to != 0 && header.to != asked.get() {
                return Err(Obstacle::No(BusError::OtherReplier));
            }
            let replier = expect(self.ksocks.get(asked));
            let replier = replier.ok_or(Obstacle::No(BusError::NobodyThere))?;
            if !replier.has_capacity() {
                replier.note_over_limit(&mut prealloc.over_limit);
                return Err(full(Cause::Full(asked, Room::Message)));
            }
        }

        if header.all_or_wait() || header.all_or_fail() {
            if let Some(cause) = gathered.full {
                return Err(full(cause));
            }
        }

        if gathered.short || prealloc.recipients.len() < gathered.count {
            return Err(Obstacle::Memory(Refusal::Need(gathered.need())));
        }
        let asks = match target {
            None => None,
            Some(target) => Some(self.plan_to_ask(me, target, prealloc)?),
        };
        Ok(Plan {
            answers,
            asks,
            recipients: prealloc.take_recipients(),
        })
    }

    /// Takes what a request is sent with: a slot at the replier, and one that is kept for its
    /// answer.
    fn plan_to_ask(
        &mut self,
        me: KsockId,
        target: Target,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Ask, Obstacle> {
        let Some(reservation) = prealloc.take_request() else {
            return Err(Obstacle::Memory(Refusal::Need(Need {
                request: true,
                ..Need::NOTHING
            })));
        };
        let replier = expect(self.ksocks.get_mut(target.ksock));
        let replier = replier.ok_or(Obstacle::No(BusError::NobodyThere))?;
        let Some(slot) = replier.queue.cells.reserve() else {
            prealloc.shortage.note(target.ksock, replier, 1);
            prealloc.give_back_request(reservation);
            return Err(Obstacle::Memory(Refusal::Need(Need::CELLS)));
        };
        let answer = match self.own_slot(me, prealloc) {
            Ok(answer) => answer,
            Err(refusal) => {
                if let Some(replier) = self.ksocks.present(target.ksock) {
                    replier.queue.cells.give_back(slot);
                }
                prealloc.give_back_request(reservation);
                return Err(Obstacle::Memory(refusal));
            }
        };
        Ok(Ask {
            replier: Recipient {
                ksock: target.ksock,
                binding: target.binding,
                slot,
            },
            answer,
            reservation,
        })
    }
}

impl Gathered {
    /// Returns the memory that there should have been.
    pub(super) fn need(&self) -> Need {
        Need {
            recipients: self.count,
            ..Need::NOTHING
        }
    }
}
