// SPDX-License-Identifier: GPL-2.0-only

//! SEND, and the sends that wait (specification 3.8, 5.4-5.5 and 7).

use super::decide::Obstacle;
use crate::bus::binding::Binding;
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{KsockId, MsgId, Request, SendId};
use crate::bus::ksock::{Refused, Sending};
use crate::bus::message::{Header, Message};
use crate::bus::need::Need;
use crate::bus::plan::{Ask, Plan, Recipient, RequestReservation};
use crate::bus::pool::Slot;
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::{Content, Duty, Entry};
use crate::bus::state::Bus;
use crate::bus::synthetic::{Kind, Synthetic};
use crate::bus::waiting::Blocked;
use crate::bus::wakeup::{Notify, Wake};
use crate::trace::{self, Verdict, Why};
use core::mem::replace;
use kernel::sync::{Arc, UniqueArc};

/// What became of a message that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All its recipients have it.
    Delivered(MsgId),
    /// None of them has it: it waits for capacity (EAGAIN).
    Waiting(MsgId),
}

/// What poll tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// What was decided about a message.
enum Decision {
    Deliver(Plan),
    /// It waits for this.
    Wait(Blocked),
    Refuse(BusError),
}

impl Decision {
    fn verdict(&self) -> Verdict {
        match self {
            Decision::Deliver(_) => Verdict::Sent,
            Decision::Wait(..) => Verdict::Waits,
            Decision::Refuse(_) => Verdict::Refused,
        }
    }
}

impl<N: Notify> Bus<N> {
    /// Sends `message`, or tells what became of the one that was left to the bus, after trying it
    /// again if it waits still (then `message` is not looked at). A message that is delivered or
    /// waits is taken; otherwise it is left, for the caller to free.
    ///
    /// # Errors
    ///
    /// `NothingWritten` without a message; `NoRoomForAnswer`, `NobodyThere`, `NotAsked`,
    /// `OtherReplier`, `RecipientFull`; `Closed`; or the need for memory.
    pub(crate) fn send(
        &mut self,
        me: KsockId,
        message: &mut Option<UniqueArc<Message>>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Sent, Refusal> {
        if self.ksock(me)?.sending != Sending::Idle {
            return self.send_again(me, prealloc);
        }
        let mut draft = message.take().ok_or(BusError::NothingWritten)?;
        let refusal = match self.decide_and_stamp(me, &mut draft, prealloc) {
            Ok((id, Decision::Deliver(plan))) => {
                self.deliver(me, plan, draft.into(), prealloc);
                return Ok(Sent::Delivered(id));
            }
            Ok((id, Decision::Wait(blocked))) => {
                self.wait(me, draft.into(), blocked, prealloc);
                return Ok(Sent::Waiting(id));
            }
            Ok((_, Decision::Refuse(error))) => error.into(),
            Err(refusal) => refusal,
        };
        *message = Some(draft);
        Err(refusal)
    }

    /// Decides about a new message. From then on the message has an id, and LASTSENT tells it even
    /// if it is refused.
    fn decide_and_stamp(
        &mut self,
        me: KsockId,
        draft: &mut Message,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(MsgId, Decision), Refusal> {
        if draft.header().is_request() {
            let ksock = self.ksock_mut(me)?;
            if !ksock.may_ask() {
                ksock.note_over_limit(&mut prealloc.over_limit);
                trace::route(self.number, me, draft, || Verdict::Refused);
                return Err(BusError::NoRoomForAnswer.into());
            }
            prealloc.take_spare(&mut ksock.spare);
        }
        let decision = match self.decide(me, draft, prealloc) {
            Ok(plan) => Decision::Deliver(plan),
            Err(Obstacle::No(error)) => Decision::Refuse(error),
            Err(Obstacle::Full(_)) if !prealloc.has_pending() => {
                return Err(Refusal::Need(Need::PENDING));
            }
            Err(Obstacle::Full(blocked)) => Decision::Wait(blocked),
            Err(Obstacle::Memory(refusal)) => return Err(refusal),
        };
        let id = match draft.header().id {
            MsgId { network: 0, .. } => self.serials.next(),
            brought => brought,
        };
        draft.stamp(id, me);
        self.ksock_mut(me)?.last_sent = id;
        trace::route(self.number, me, draft, || decision.verdict());
        Ok((id, decision))
    }

    /// SEND when one was left to the bus: it has the id that it had.
    #[cold]
    fn send_again(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) -> Result<Sent, Refusal> {
        let ksock = self.ksock_mut(me)?;
        let send = match ksock.sending {
            Sending::Idle => return Err(BusError::NothingWritten.into()),
            Sending::Waits(send) => send,
            Sending::Delivered(id) => {
                ksock.sending = Sending::Idle;
                return Ok(Sent::Delivered(id));
            }
            Sending::Refused(refused) => {
                ksock.sending = Sending::Idle;
                return Err(refused.why.into());
            }
        };
        let may_ask = ksock.may_ask();
        let pending = expect(self.waiting.get(send)).ok_or(BusError::NothingWritten)?;
        let message = pending.message.clone();
        let Header { id, .. } = *message.header();
        if message.header().is_request() && !may_ask {
            self.give_up(me, prealloc);
            return Err(BusError::NoRoomForAnswer.into());
        }
        let decided = self.decide(me, &message, prealloc);
        match self.conclude(send, me, message, decided, prealloc)? {
            Retry::Delivered => {
                self.ksock_mut(me)?.sending = Sending::Idle;
                Ok(Sent::Delivered(id))
            }
            Retry::Waiting => Ok(Sent::Waiting(id)),
            Retry::Refused(error) => {
                self.give_up(me, prealloc);
                Err(error.into())
            }
        }
    }

    /// Returns what poll tells of a Ksock. That a send was refused is told by a message if it must
    /// be (7). One that waits is tried again first: there may be memory now. Only a file that is
    /// open for writing is `writable`.
    ///
    /// # Errors
    ///
    /// `Closed`; or the need for memory.
    pub(crate) fn poll(
        &mut self,
        me: KsockId,
        writable: bool,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Ready, Refusal> {
        if let (true, Sending::Waits(send)) = (writable, self.ksock(me)?.sending) {
            self.retry_for_poll(me, send, prealloc)?;
        }
        if writable {
            self.tell_refusal(me, prealloc)?;
        }
        Ok(self.ready(me, writable)?)
    }

    /// Returns what poll tells of a Ksock as it is; it is not writable as long as there is
    /// something for [`poll`](Self::poll) to do.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn ready(&self, me: KsockId, writable: bool) -> Result<Ready, BusError> {
        let ksock = self.ksock(me)?;
        let idle = matches!(ksock.sending, Sending::Idle | Sending::Delivered(_));
        Ok(Ready {
            readable: ksock.is_readable(),
            writable: writable && idle,
        })
    }

    /// Tries a pending send again. If it fails for good, a message says so.
    fn retry_for_poll(
        &mut self,
        me: KsockId,
        send: SendId,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let pending = expect(self.waiting.get(send)).ok_or(BusError::NothingWritten)?;
        let message = pending.message.clone();
        let Header { id, .. } = *message.header();
        let is_request = message.header().is_request();
        let decided = self.decide(me, &message, prealloc);
        let retry = self.conclude(send, me, message, decided, prealloc)?;
        let Retry::Refused(why) = retry else {
            return Ok(());
        };
        let refused = Refused {
            id,
            is_request,
            why,
        };
        let slot = match refused.is_told() {
            true => Some(self.own_slot(me, prealloc)?),
            false => None,
        };
        self.give_up(me, prealloc);
        self.tell(me, &refused, slot, prealloc);
        Ok(())
    }

    /// Tells `me` by a message that the send that it left to the bus was refused, if it was: it did
    /// not ask by SEND, and goes on to something else.
    ///
    /// # Errors
    ///
    /// `Closed`; or the need for memory.
    pub(crate) fn tell_refusal(
        &mut self,
        me: KsockId,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let Sending::Refused(refused) = self.ksock(me)?.sending else {
            return Ok(());
        };
        let slot = match refused.is_told() {
            true => Some(self.own_slot(me, prealloc)?),
            false => None,
        };
        self.ksock_mut(me)?.sending = Sending::Idle;
        self.tell(me, &refused, slot, prealloc);
        Ok(())
    }

    fn tell(
        &mut self,
        me: KsockId,
        refused: &Refused,
        slot: Option<Slot>,
        prealloc: &mut Prealloc<N>,
    ) {
        let Some(slot) = slot else {
            return;
        };
        let synthetic = Synthetic {
            kind: match refused.why {
                BusError::NobodyThere => Kind::Disappeared,
                _ => Kind::ErrorSending,
            },
            id: self.serials.next(),
            in_reply_to: refused.id,
            from: 0,
            to: me.get(),
        };
        if let Some(ksock) = self.ksocks.present(me) {
            let id = synthetic.id;
            ksock.push(slot, Entry::unbound(Content::Synthetic(synthetic)));
            trace::queue(self.number, me, id, &ksock.queue);
            prealloc.wakes.add(&ksock.notify, Wake::Readable);
        }
    }

    /// Returns whether a new message may be written: not while one waits to be sent. What became of
    /// the last one is forgotten then.
    ///
    /// # Errors
    ///
    /// `Closed`; or the need for memory.
    pub(crate) fn may_write(
        &mut self,
        me: KsockId,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        self.tell_refusal(me, prealloc)?;
        let ksock = self.ksock_mut(me)?;
        if let Sending::Waits(_) = ksock.sending {
            return Ok(false);
        }
        ksock.sending = Sending::Idle;
        Ok(true)
    }

    /// Drops what waits (3.7 DISCARD). Returns whether it comes too late: what waited has been
    /// delivered, which SEND tells.
    pub(crate) fn discard(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) -> bool {
        let sending = self.ksocks.get(me).map(|ksock| ksock.sending);
        let too_late = matches!(sending, Some(Sending::Delivered(_)));
        if !too_late {
            self.give_up(me, prealloc);
        }
        too_late
    }

    /// Does what was decided afresh about a send that waits. One that is refused is not given up
    /// yet.
    ///
    /// # Errors
    ///
    /// The need for memory.
    pub(super) fn conclude(
        &mut self,
        send: SendId,
        sender: KsockId,
        message: Arc<Message>,
        decided: Result<Plan, Obstacle>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Retry, Refusal> {
        match decided {
            Err(Obstacle::Memory(refusal)) => Err(refusal),
            Err(Obstacle::No(error)) => {
                trace::route(self.number, sender, &message, || Verdict::Refused);
                Ok(Retry::Refused(error))
            }
            Err(Obstacle::Full(blocked)) => {
                self.waiting.wait_for(send, blocked);
                Ok(Retry::Waiting)
            }
            Ok(plan) => {
                trace::route(self.number, sender, &message, || Verdict::Sent);
                if let Some((_, memory)) = self.waiting.take(send) {
                    prealloc.give_back_pending(memory);
                }
                if let Some(ksock) = self.ksocks.present(sender) {
                    ksock.sending = Sending::Delivered(message.header().id);
                    prealloc.wakes.add(&ksock.notify, Wake::Writable);
                }
                self.deliver(sender, plan, message, prealloc);
                Ok(Retry::Delivered)
            }
        }
    }

    /// Notes a send that waits, for which there is memory.
    #[cold]
    fn wait(
        &mut self,
        me: KsockId,
        message: Arc<Message>,
        blocked: Blocked,
        prealloc: &mut Prealloc<N>,
    ) {
        let Some(memory) = expect(prealloc.take_pending()) else {
            return;
        };
        let send = self.send_ids.next_send();
        self.waiting.add(send, me, message, blocked, memory);
        if let Some(ksock) = self.ksocks.present(me) {
            ksock.sending = Sending::Waits(send);
        }
    }

    /// Nothing is left to the bus any more. Another thread may be waiting for that.
    fn give_up(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) {
        let Some(ksock) = self.ksocks.get_mut(me) else {
            return;
        };
        prealloc.wakes.add(&ksock.notify, Wake::Writable);
        if let Sending::Waits(send) = replace(&mut ksock.sending, Sending::Idle) {
            if let Some((message, memory)) = self.waiting.take(send) {
                prealloc.dropped = Some(message);
                prealloc.give_back_pending(memory);
            }
        }
    }

    /// Does what was decided: the answer, then the request, then the listeners' copies (5.4, 6).
    fn deliver(
        &mut self,
        me: KsockId,
        plan: Plan,
        message: Arc<Message>,
        prealloc: &mut Prealloc<N>,
    ) {
        let id = message.header().id;
        let copy = |binding, duty| Entry {
            content: Content::Message(message.clone()),
            duty,
            binding,
            set_aside: false,
        };
        let Plan {
            answers,
            asks,
            mut recipients,
        } = plan;

        if let Some((requester, request)) = answers {
            self.answer(me, requester, &request, copy(None, None), prealloc);
        }

        if let Some(ask) = asks {
            let entry = |binding, duty| copy(Some(binding), Some(duty));
            self.ask(me, ask, id, entry, prealloc);
        }

        for recipient in recipients.drain_all() {
            let Some(listener) = self.ksocks.present(recipient.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(id) {
                trace::skip(self.number, recipient.ksock, Why::Once, message.name());
                listener.queue.cells.give_back(recipient.slot);
                continue;
            }
            listener.push(recipient.slot, copy(Some(recipient.binding), None));
            trace::queue(self.number, recipient.ksock, id, &listener.queue);
            prealloc.wakes.add(&listener.notify, Wake::Readable);
        }
        prealloc.give_back_recipients(recipients);
        // Perhaps it has no recipient. It is not freed here, under the lock.
        prealloc.dropped = Some(message);
    }

    /// Notes that `me` awaits an answer, keeping the slot for it, and queues the request.
    fn ask(
        &mut self,
        me: KsockId,
        ask: Ask,
        id: MsgId,
        entry: impl FnOnce(Arc<Binding>, Duty) -> Entry,
        prealloc: &mut Prealloc<N>,
    ) {
        let Ask {
            replier:
                Recipient {
                    ksock,
                    binding,
                    slot,
                },
            answer,
            reservation: RequestReservation { awaited, owed },
        } = ask;
        let request = Request {
            id,
            replier: ksock,
            serial: self.request_serials.next_request(),
        };
        if let Some(sender) = self.ksocks.present(me) {
            sender.await_answer(awaited, request, answer);
        }
        if let Some(replier) = self.ksocks.present(ksock) {
            let duty = Duty {
                request: request.serial,
                reservation: owed,
            };
            replier.push(slot, entry(binding, duty));
            trace::queue(self.number, ksock, id, &replier.queue);
            prealloc.wakes.add(&replier.notify, Wake::Readable);
        }
    }

    /// Puts an answer into the slot that was kept for it, and strikes the answerer's debt.
    fn answer(
        &mut self,
        me: KsockId,
        requester: KsockId,
        request: &Request,
        entry: Entry,
        prealloc: &mut Prealloc<N>,
    ) {
        let Some(ksock) = self.ksocks.present(requester) else {
            return;
        };
        let Some((answer, note)) = expect(ksock.take_awaited(request)) else {
            return;
        };
        let id = entry.content.id();
        ksock.push(answer.slot, entry);
        trace::answer(self.number, me, requester, request.id, false);
        trace::queue(self.number, requester, id, &ksock.queue);
        prealloc.wakes.add(&ksock.notify, Wake::Readable);
        // If another reply to it waits somewhere, it has come too late.
        self.retry_late_answers(requester, request.id, prealloc);
        // Another Ksock may have answered: the replier then keeps its debt, but its answer is not
        // awaited any more.
        let replier = self.ksocks.get_mut(request.replier);
        let owed = replier.zip(answer.debt).and_then(|(replier, number)| {
            if request.replier == me {
                replier.owed.strike(number)
            } else {
                replier.owed.forget(number)
            }
        });
        if let Some(requester) = self.ksocks.present(requester) {
            let spare = &mut requester.spare;
            spare.awaited = spare.awaited.take().or(Some(note));
            spare.owed = spare.owed.take().or(owed);
        }
    }
}

/// What became of a pending message.
pub(super) enum Retry {
    Delivered,
    Waiting,
    Refused(BusError),
}
