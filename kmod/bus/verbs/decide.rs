// SPDX-License-Identifier: GPL-2.0

//! The decisions of one SEND (specification 5.4), all made before anything is delivered.

use crate::bus::age::newest_first;
use crate::bus::binding::Binding;
use crate::bus::count::expect;
use crate::bus::error::BusError;
use crate::bus::id::{BindingId, KsockId};
use crate::bus::message::Message;
use crate::bus::name::Name;
use crate::bus::need::Need;
use crate::bus::plan::{Ask, Plan};
use crate::bus::prealloc::Prealloc;
use crate::bus::routes::Target;
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;

/// Why a message cannot be delivered (now).
pub(super) enum Obstacle {
    /// More memory is wanted.
    Need(Need),
    /// It is refused.
    No(BusError),
    /// It must wait until this Ksock has capacity.
    Full(KsockId),
}

/// Which listeners are to get a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admit {
    /// Those that have capacity.
    WithCapacity,
    /// All.
    All,
}

/// What was found for a name, beside the recipients.
pub(super) struct Gathered {
    pub(super) replier: Option<Target>,
    /// The first listener without capacity.
    pub(super) full: Option<KsockId>,
    /// How many listeners are to get a slot. If there are fewer recipients, memory was short.
    pub(super) count: usize,
}

/// The listeners without capacity, as far as they are needed.
#[derive(Default)]
struct Full {
    first: Option<KsockId>,
    newest: Option<(BindingId, KsockId)>,
}

impl Full {
    fn note(&mut self, binding: &Binding) {
        self.first.get_or_insert(binding.ksock);
        self.newest = self.newest.max(Some((binding.id, binding.ksock)));
    }
}

impl<N: Notify> Bus<N> {
    /// Gathers those who listen for `name`: the recipients get a slot each, newest binding first.
    /// Whether each has capacity is as of now, before any of them gets anything (5.3).
    pub(super) fn gather(
        &mut self,
        name: Name<'_>,
        admit: Admit,
        prealloc: &mut Prealloc<N>,
    ) -> Gathered {
        let mut count = 0_usize;
        let mut full = Full::default();
        let ksocks = &self.ksocks;
        let route = self.routes.route(name, |binding| {
            // A Ksock that is being closed still has bindings, but gets nothing any more.
            let Some(ksock) = ksocks.get(&binding.ksock) else {
                return;
            };
            if !ksock.has_capacity() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                full.note(binding);
                if admit == Admit::WithCapacity {
                    return;
                }
            }
            count += 1;
            prealloc.note_recipient(binding.ksock, binding.id);
        });
        if route.mixed {
            newest_first(&mut prealloc.recipients, |recipient| recipient.binding);
        }
        Gathered {
            replier: route.replier,
            full: match route.mixed {
                true => full.newest.map(|(_, ksock)| ksock),
                false => full.first,
            },
            count,
        }
    }

    /// Decides what becomes of a message of `me`, in the order of 5.4. Changes nothing.
    pub(super) fn decide(
        &mut self,
        me: KsockId,
        message: &Message,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Plan, Obstacle> {
        let gathered = self.gather(message.name(), Admit::WithCapacity, prealloc);
        let plan = self.plan(me, message, &gathered, prealloc);
        if plan.is_err() {
            prealloc.release_recipients();
        }
        plan
    }

    fn plan(
        &mut self,
        me: KsockId,
        message: &Message,
        gathered: &Gathered,
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

        let asked = match (header.is_request(), gathered.replier) {
            (true, None) => return Err(Obstacle::No(BusError::NobodyThere)),
            (true, asked) => asked,
            (false, _) => None,
        };

        let mut answers = None;
        if header.is_reply() {
            let requester =
                KsockId::new(header.to).and_then(|to| Some((to, self.ksocks.get(&to)?)));
            let (to, requester) = requester.ok_or(Obstacle::No(BusError::NobodyThere))?;
            let request = requester.awaited.find(header.in_reply_to, me);
            let request = request.ok_or(Obstacle::No(BusError::NotAsked))?;
            if !requester.has_capacity_for_answer(message) {
                requester.note_over_limit(&mut prealloc.over_limit);
                return Err(full(to));
            }
            answers = Some((to, request));
        }

        if let Some(target) = asked {
            if header.to != 0 && header.to != target.ksock.get() {
                return Err(Obstacle::No(BusError::OtherReplier));
            }
            let replier = expect(self.ksocks.get(&target.ksock));
            let replier = replier.ok_or(Obstacle::No(BusError::NobodyThere))?;
            if !replier.has_capacity() {
                replier.note_over_limit(&mut prealloc.over_limit);
                return Err(full(target.ksock));
            }
        }

        if header.all_or_wait() || header.all_or_fail() {
            if let Some(ksock) = gathered.full {
                return Err(full(ksock));
            }
        }

        // One slot each; for a request, one at the replier and one kept for the answer.
        let need = || {
            Obstacle::Need(Need {
                slots: gathered.count + if asked.is_some() { 2 } else { 0 },
                recipients: gathered.count,
                request: asked.is_some(),
                ..Need::NOTHING
            })
        };
        if prealloc.recipients.len() < gathered.count {
            return Err(need());
        }
        let asks = match asked {
            None => None,
            Some(target) => Some(Ask {
                target,
                reservation: prealloc.take_request().ok_or_else(need)?,
            }),
        };
        Ok(Plan {
            answers,
            asks,
            recipients: prealloc.take_recipients(),
        })
    }
}
