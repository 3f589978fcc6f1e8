// SPDX-License-Identifier: GPL-2.0

//! The decisions of one SEND (specification 5.4), all made before anything is delivered.

use crate::bus::age::newest_first;
use crate::bus::error::BusError;
use crate::bus::id::Request;
use crate::bus::message::Message;
use crate::bus::need::Need;
use crate::bus::prealloc::Prealloc;
use crate::bus::prealloc::Recipient;
use crate::bus::routes::Target;
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;

/// Who gets the message, beside the listeners, who are in the room.
pub(super) struct Plan {
    /// It answers this request of this Ksock.
    pub(super) answers: Option<(u32, Request)>,
    /// It is for this replier to answer.
    pub(super) asks: Option<Target>,
}

/// Why a message cannot be delivered (now).
pub(super) enum Obstacle {
    /// More memory is wanted.
    Need(Need),
    /// It is refused.
    No(BusError),
    /// It must wait until this Ksock has room.
    Full(u32),
}

impl<N: Notify> Bus<N> {
    /// Puts the listener bindings that cover `name` into the room, newest first, and answers
    /// with the name's replier. Whether each has room is as of now, before any of them gets
    /// anything (5.3).
    pub(super) fn gather(
        &mut self,
        name: &[u8],
        prealloc: &mut Prealloc<N>,
    ) -> Result<Option<Target>, Need> {
        let Prealloc {
            recipients,
            over_limit,
            ..
        } = prealloc;
        recipients.clear();
        let mut count = 0_usize;
        let ksocks = &self.ksocks;
        let route = self.routes.route(name, |binding| {
            // A Ksock that is being closed still has bindings, but hears nothing any more.
            let Some(ksock) = ksocks.get(&binding.ksock) else {
                return;
            };
            count += 1;
            let fits = ksock.has_capacity();
            if !fits {
                ksock.note_over_limit(over_limit);
            }
            let recipient = Recipient {
                ksock: binding.ksock,
                binding: binding.serial,
                fits,
            };
            // Too many for the room: they are counted, and there will be another try.
            let _ = recipients.push_within_capacity(recipient);
        });
        if recipients.len() < count {
            return Err(Need {
                recipients: count,
                slots: count,
                ..Need::default()
            });
        }
        if route.mixed {
            newest_first(recipients, |recipient| recipient.binding);
        }
        Ok(route.replier)
    }

    /// Decides what becomes of a message of `me`, in the order of 5.4. Changes nothing.
    pub(super) fn decide(
        &mut self,
        me: u32,
        message: &Message,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Plan, Obstacle> {
        let header = message.header();
        let full = |ksock| {
            if header.all_or_wait() {
                Obstacle::Full(ksock)
            } else {
                Obstacle::No(BusError::RecipientFull)
            }
        };
        let mut plan = Plan {
            answers: None,
            asks: None,
        };

        let replier = self
            .gather(message.name(), prealloc)
            .map_err(Obstacle::Need)?;
        let asked = match (header.is_request(), replier) {
            (true, None) => return Err(Obstacle::No(BusError::NobodyThere)),
            (true, asked) => asked,
            (false, _) => None,
        };

        if header.is_reply() {
            let requester = self.ksocks.get(&header.to);
            let requester = requester.ok_or(Obstacle::No(BusError::NobodyThere))?;
            let request = requester.awaited.find(header.in_reply_to, me);
            let request = request.ok_or(Obstacle::No(BusError::NotAsked))?;
            if !requester.has_capacity_for_answer(message) {
                requester.note_over_limit(&mut prealloc.over_limit);
                return Err(full(header.to));
            }
            plan.answers = Some((header.to, request));
        }

        if let Some(target) = asked {
            if header.to != 0 && header.to != target.ksock {
                return Err(Obstacle::No(BusError::OtherReplier));
            }
            let replier = self.ksocks.get(&target.ksock);
            let replier = replier.ok_or(Obstacle::No(BusError::NobodyThere))?;
            if !replier.has_capacity() {
                replier.note_over_limit(&mut prealloc.over_limit);
                return Err(full(target.ksock));
            }
            plan.asks = Some(target);
        }

        if header.all_or_wait() || header.all_or_fail() {
            if let Some(recipient) = prealloc.recipients.iter().find(|recipient| !recipient.fits) {
                return Err(full(recipient.ksock));
            }
        } else {
            prealloc.recipients.retain(|recipient| recipient.fits);
        }

        // One place each; for a request, one at the replier and one kept for the answer.
        let need = Need {
            slots: prealloc.recipients.len() + if plan.asks.is_some() { 2 } else { 0 },
            request: plan.asks.is_some(),
            ..Need::default()
        };
        prealloc.check(need).map_err(Obstacle::Need)?;
        Ok(plan)
    }
}
