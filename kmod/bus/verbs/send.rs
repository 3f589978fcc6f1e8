// SPDX-License-Identifier: GPL-2.0

//! SEND, and the sends that wait for room (specification 3.8, 5.4-5.5 and 7).

use super::decide::{Obstacle, Plan};
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{MsgId, Request};
use crate::bus::ksock::Pending;
use crate::bus::message::Message;
use crate::bus::need::Need;
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::{Content, Duty, Entry};
use crate::bus::routes::Target;
use crate::bus::state::Bus;
use crate::bus::synthetic::{Kind, Synthetic};
use crate::bus::wakeup::Notify;
use kernel::sync::{Arc, UniqueArc};

/// What became of a message that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Everybody who gets it has it.
    Delivered(MsgId),
    /// Nobody has it: it waits for room (EAGAIN).
    Waiting(MsgId),
}

/// What poll tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl<N: Notify> Bus<N> {
    /// Sends `message`, or tries again to send the one that is pending (then `message` is not
    /// looked at). A message that is delivered or waits is taken; a refused one is left, for the
    /// caller to free.
    pub(crate) fn send(
        &mut self,
        me: u32,
        message: &mut Option<UniqueArc<Message>>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Sent, Refusal> {
        let ksock = self.ksock(me)?;
        if let Some(pending) = &ksock.pending {
            let (message, may_ask) = (pending.message.clone(), ksock.may_ask());
            return self.send_again(me, message, may_ask, prealloc);
        }
        let draft = message.as_mut().ok_or(BusError::NothingWritten)?;
        if draft.header().is_request() {
            if !ksock.may_ask() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                return Err(BusError::NoRoomForAnswer.into());
            }
            prealloc.take_spare(&mut self.ksock_mut(me)?.spare);
        }
        let decision = self.decide(me, draft, prealloc);
        match &decision {
            Err(Obstacle::Need(need)) => return Err(Refusal::Need(*need)),
            Err(Obstacle::Full(_)) => prealloc.check(Need::PENDING).map_err(Refusal::Need)?,
            _ => (),
        }

        // From here on the message has an id, and LASTSENT tells it even if it is refused.
        let id = match draft.header().id {
            MsgId { network: 0, .. } => self.next_serial(),
            brought => brought,
        };
        draft.stamp(id, me);
        self.ksock_mut(me)?.last_sent = id;

        match decision {
            Ok(plan) => {
                let message = message.take().ok_or(BusError::NothingWritten)?;
                self.deliver(me, plan, message.into(), prealloc);
                Ok(Sent::Delivered(id))
            }
            Err(Obstacle::Full(blocked_by)) => {
                let message = message.take().ok_or(BusError::NothingWritten)?;
                self.ksock_mut(me)?.pending = Some(Pending {
                    message: message.into(),
                    blocked_by,
                });
                self.wait_for(blocked_by, me, prealloc);
                Ok(Sent::Waiting(id))
            }
            Err(Obstacle::No(error)) => Err(Refusal::No(error)),
            Err(Obstacle::Need(need)) => Err(Refusal::Need(need)),
        }
    }

    /// SEND while a send is pending: the same message under the same id.
    fn send_again(
        &mut self,
        me: u32,
        message: Arc<Message>,
        may_ask: bool,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Sent, Refusal> {
        let id = message.header().id;
        if message.header().is_request() && !may_ask {
            self.give_up(me, prealloc);
            return Err(BusError::NoRoomForAnswer.into());
        }
        match self.retry(me, message, prealloc)? {
            Retry::Delivered => Ok(Sent::Delivered(id)),
            Retry::Waiting => Ok(Sent::Waiting(id)),
            Retry::Refused(error) => {
                self.give_up(me, prealloc);
                Err(error.into())
            }
        }
    }

    /// What poll tells of a Ksock; a pending send is tried again first, since that may queue
    /// something on this very Ksock (7). Only a file that is open for writing is `writable`.
    pub(crate) fn poll(
        &mut self,
        me: u32,
        writable: bool,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Ready, Refusal> {
        let ksock = self.ksock(me)?;
        if let (true, Some(pending)) = (writable, &ksock.pending) {
            let message = pending.message.clone();
            self.retry_for_poll(me, message, prealloc)?;
        }
        Ok(self.ready(me, writable)?)
    }

    /// What poll tells of a Ksock that has nothing pending, or of a pending send as it is.
    pub(crate) fn ready(&self, me: u32, writable: bool) -> Result<Ready, BusError> {
        let ksock = self.ksock(me)?;
        Ok(Ready {
            readable: ksock.is_readable(),
            writable: writable && ksock.pending.is_none(),
        })
    }

    fn retry_for_poll(
        &mut self,
        me: u32,
        message: Arc<Message>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        // For the news of a failure.
        prealloc.check(Need::ONE_SLOT).map_err(Refusal::Need)?;
        let (id, is_request) = (message.header().id, message.header().is_request());
        let Retry::Refused(error) = self.retry(me, message, prealloc)? else {
            return Ok(());
        };
        self.give_up(me, prealloc);
        let kind = match error {
            BusError::NobodyThere => Kind::Disappeared,
            _ if is_request => Kind::ErrorSending,
            _ => return Ok(()),
        };
        let synthetic = Synthetic {
            kind,
            id: self.next_serial(),
            in_reply_to: id,
            from: 0,
            to: me,
        };
        let slot = prealloc.slots.pop().ok_or(Refusal::Need(Need::ONE_SLOT))?;
        let ksock = self.ksock_mut(me)?;
        ksock.push(slot, Entry::unbound(Content::Synthetic(synthetic)));
        prealloc.wakes.add(&ksock.notify);
        Ok(())
    }

    /// Drops what is pending (3.7 DISCARD).
    pub(crate) fn discard(&mut self, me: u32, prealloc: &mut Prealloc<N>) {
        self.give_up(me, prealloc);
    }

    /// Decides afresh about a pending message.
    fn retry(
        &mut self,
        me: u32,
        message: Arc<Message>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Retry, Refusal> {
        match self.decide(me, &message, prealloc) {
            Err(Obstacle::Need(need)) => Err(Refusal::Need(need)),
            Err(Obstacle::No(error)) => Ok(Retry::Refused(error)),
            Err(Obstacle::Full(blocked_by)) => {
                self.stop_waiting(me, prealloc);
                if let Some(pending) = &mut self.ksock_mut(me)?.pending {
                    pending.blocked_by = blocked_by;
                }
                self.wait_for(blocked_by, me, prealloc);
                Ok(Retry::Waiting)
            }
            Ok(plan) => {
                self.give_up(me, prealloc);
                self.deliver(me, plan, message, prealloc);
                Ok(Retry::Delivered)
            }
        }
    }

    /// Notes that `me` waits for room at `full`, with the memory kept for that.
    fn wait_for(&mut self, full: u32, me: u32, prealloc: &mut Prealloc<N>) {
        if let Some(wait) = prealloc.pending.take() {
            self.waiting.insert(wait.into_node((full, me), ()));
        }
    }

    /// The note is not needed any more; its memory is kept.
    fn stop_waiting(&mut self, me: u32, prealloc: &mut Prealloc<N>) {
        let Some(Some(pending)) = self.ksocks.get(&me).map(|k| &k.pending) else {
            return;
        };
        if let Some(node) = self.waiting.remove_node(&(pending.blocked_by, me)) {
            prealloc.pending = Some(node.into_reservation());
        }
    }

    /// Nothing is pending any more. Another thread may be waiting for that.
    fn give_up(&mut self, me: u32, prealloc: &mut Prealloc<N>) {
        self.stop_waiting(me, prealloc);
        if let Some(ksock) = self.ksocks.get_mut(&me) {
            prealloc.dropped = ksock.pending.take().map(|pending| pending.message);
            prealloc.wakes.add(&ksock.notify);
        }
    }

    /// Does what was decided: the answer, then the request, then the listeners' copies (5.4, 6).
    fn deliver(&mut self, me: u32, plan: Plan, message: Arc<Message>, prealloc: &mut Prealloc<N>) {
        let id = message.header().id;
        let copy = |binding, duty| Entry {
            content: Content::Message(message.clone()),
            duty,
            binding,
            set_aside: false,
        };
        prealloc.usual = prealloc.recipients.len();

        if let Some((requester, request)) = plan.answers {
            let in_use = prealloc.recipients.len() + if plan.asks.is_some() { 2 } else { 0 };
            self.answer(me, requester, &request, copy(0, None), prealloc, in_use);
        }

        if let Some(target) = plan.asks {
            self.ask(me, target, id, |duty| copy(target.binding, duty), prealloc);
        }

        for recipient in &prealloc.recipients {
            let Some(listener) = self.ksocks.get_mut(&recipient.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(id) {
                continue;
            }
            if let Some(slot) = prealloc.slots.pop() {
                listener.push(slot, copy(recipient.binding, None));
                prealloc.wakes.add(&listener.notify);
            }
        }
        // Perhaps nobody got it. It is not freed here, under the lock.
        prealloc.dropped = Some(message);
    }

    /// Notes that `me` awaits an answer, keeping the place for it, and queues the request.
    fn ask(
        &mut self,
        me: u32,
        target: Target,
        id: MsgId,
        entry: impl FnOnce(Option<Duty>) -> Entry,
        prealloc: &mut Prealloc<N>,
    ) {
        self.last_request += 1;
        let request = Request {
            id,
            replier: target.ksock,
            serial: self.last_request,
        };
        let (kept, slot) = (prealloc.slots.pop(), prealloc.slots.pop());
        if let (Some(sender), Some(answer), Some(kept)) =
            (self.ksocks.get_mut(&me), prealloc.answer.take(), kept)
        {
            sender.await_answer(answer, request, kept);
        }
        if let (Some(replier), Some(debt), Some(slot)) = (
            self.ksocks.get_mut(&target.ksock),
            prealloc.debt.take(),
            slot,
        ) {
            let duty = Duty {
                request: request.serial,
                reservation: debt,
            };
            replier.push(slot, entry(Some(duty)));
            prealloc.wakes.add(&replier.notify);
        }
    }

    /// Puts an answer into the place that was kept for it, and strikes the answerer's debt. Of the
    /// room's places, `in_use` are for other copies of the message.
    fn answer(
        &mut self,
        me: u32,
        requester: u32,
        request: &Request,
        entry: Entry,
        prealloc: &mut Prealloc<N>,
        in_use: usize,
    ) {
        let Some(ksock) = self.ksocks.get_mut(&requester) else {
            return;
        };
        let Some((answer, note)) = ksock.take_awaited(request) else {
            return;
        };
        ksock.push(answer.slot, entry);
        prealloc.wakes.add(&ksock.notify);
        // If another reply to it waits for room somewhere, it has come too late.
        self.wake_all_waiting(&mut prealloc.wakes);
        // Somebody else may have answered: the replier then keeps its debt, but nobody waits
        // for it any more.
        let replier = self.ksocks.get_mut(&request.replier);
        let debt = replier.zip(answer.debt).and_then(|(replier, number)| {
            if request.replier == me {
                replier.owed.strike(number)
            } else {
                replier.owed.forget(number)
            }
        });
        // Places pile up where requests are read, and run short where they are sent.
        let slot = match prealloc.slots.len() > in_use {
            true => prealloc.slots.pop(),
            false => None,
        };
        if let Some(requester) = self.ksocks.get_mut(&requester) {
            let spare = &mut requester.spare;
            spare.answer = spare.answer.take().or(Some(note));
            spare.debt = spare.debt.take().or(debt);
            spare.slot = spare.slot.take().or(slot);
        }
    }
}

/// What became of a pending message.
enum Retry {
    Delivered,
    Waiting,
    Refused(BusError),
}
