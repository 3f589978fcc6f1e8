// SPDX-License-Identifier: GPL-2.0-only

//! SEND, and the sends that wait (specification 3.8, 5.4-5.5 and 7).

use super::decide::Obstacle;
use crate::bus::binding::Binding;
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{KsockId, MsgId, Request};
use crate::bus::ksock::Pending;
use crate::bus::message::Message;
use crate::bus::need::Need;
use crate::bus::plan::{Ask, Plan, Recipient, RequestReservation};
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::{Content, Duty, Entry};
use crate::bus::state::Bus;
use crate::bus::synthetic::{Kind, Synthetic};
use crate::bus::waiting::{Blocked, Cause, Walk};
use crate::bus::wakeup::{Notify, Wake};
use crate::trace::{self, Verdict, Why};
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
    /// Sends `message`, or tries again to send the one that is pending (then `message` is not
    /// looked at). A message that is delivered or waits is taken; otherwise it is left, for the
    /// caller to free.
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
        let ksock = self.ksock(me)?;
        if let Some(pending) = &ksock.pending {
            let (message, may_ask) = (pending.message.clone(), ksock.may_ask());
            return self.send_again(me, message, may_ask, prealloc);
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

    /// SEND while a send is pending: the pending message under the id that it has.
    fn send_again(
        &mut self,
        me: KsockId,
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

    /// Returns what poll tells of a Ksock; a pending send is tried again first, since that may
    /// queue something on this very Ksock (7). Only a file that is open for writing is `writable`.
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
        let ksock = self.ksock(me)?;
        if let (true, Some(pending)) = (writable, &ksock.pending) {
            let message = pending.message.clone();
            self.retry_for_poll(me, message, prealloc)?;
        }
        Ok(self.ready(me, writable)?)
    }

    /// Returns what poll tells of a Ksock that has nothing pending, or of a pending send as it is.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn ready(&self, me: KsockId, writable: bool) -> Result<Ready, BusError> {
        let ksock = self.ksock(me)?;
        Ok(Ready {
            readable: ksock.is_readable(),
            writable: writable && ksock.pending.is_none(),
        })
    }

    /// Tries a pending send again. If it fails for good, a message says so.
    fn retry_for_poll(
        &mut self,
        me: KsockId,
        message: Arc<Message>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let (id, is_request) = (message.header().id, message.header().is_request());
        let Retry::Refused(error) = self.retry(me, message, prealloc)? else {
            return Ok(());
        };
        let kind = match error {
            BusError::NobodyThere => Kind::Disappeared,
            _ if is_request => Kind::ErrorSending,
            _ => {
                self.give_up(me, prealloc);
                return Ok(());
            }
        };
        let slot = self.own_slot(me, prealloc)?;
        self.give_up(me, prealloc);
        let synthetic = Synthetic {
            kind,
            id: self.serials.next(),
            in_reply_to: id,
            from: 0,
            to: me.get(),
        };
        if let Some(ksock) = self.ksocks.present(me) {
            let id = synthetic.id;
            ksock.push(slot, Entry::unbound(Content::Synthetic(synthetic)));
            trace::queue(self.number, me, id, &ksock.queue);
            prealloc.wakes.add(&ksock.notify, Wake::Readable);
        }
        Ok(())
    }

    /// Drops what is pending (3.7 DISCARD).
    pub(crate) fn discard(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) {
        self.give_up(me, prealloc);
    }

    /// Decides afresh about a pending message. One that is refused is still pending afterwards.
    fn retry(
        &mut self,
        me: KsockId,
        message: Arc<Message>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Retry, Refusal> {
        match self.decide(me, &message, prealloc) {
            Err(Obstacle::Memory(refusal)) => Err(refusal),
            Err(Obstacle::No(error)) => {
                trace::route(self.number, me, &message, || Verdict::Refused);
                Ok(Retry::Refused(error))
            }
            Err(Obstacle::Full(blocked)) => {
                self.wait_for(me, blocked);
                Ok(Retry::Waiting)
            }
            Ok(plan) => {
                trace::route(self.number, me, &message, || Verdict::Sent);
                self.give_up(me, prealloc);
                self.deliver(me, plan, message, prealloc);
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
        let causes = blocked.causes(message.header());
        let Some(memory) = expect(prealloc.take_pending()) else {
            return;
        };
        let memory = self.waiting.note(me, &causes, memory);
        if let Some(ksock) = self.ksocks.present(me) {
            ksock.pending = Some(Pending {
                message,
                causes,
                memory,
            });
        }
    }

    /// Notes what the send of `me`, which waits, waits for now.
    fn wait_for(&mut self, me: KsockId, blocked: Blocked) {
        let ksock = self.ksocks.present(me);
        let Some(pending) = ksock.and_then(|ksock| ksock.pending.take()) else {
            return;
        };
        let causes = blocked.causes(pending.message.header());
        let memory = self.waiting.forget(me, &pending.causes, pending.memory);
        let memory = self.waiting.note(me, &causes, memory);
        if let Some(ksock) = self.ksocks.present(me) {
            ksock.pending = Some(Pending {
                message: pending.message,
                causes,
                memory,
            });
        }
    }

    /// Nothing is pending any more. Another thread may be waiting for that.
    fn give_up(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) {
        let Some(ksock) = self.ksocks.get_mut(me) else {
            return;
        };
        prealloc.wakes.add(&ksock.notify, Wake::Writable);
        let Some(pending) = ksock.pending.take() else {
            return;
        };
        prealloc.dropped = Some(pending.message);
        let memory = self.waiting.forget(me, &pending.causes, pending.memory);
        prealloc.give_back_pending(memory);
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
        let answered = Cause::Answered(requester, request.id);
        self.wake_waiting(|| Walk::of(answered), prealloc);
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
enum Retry {
    Delivered,
    Waiting,
    Refused(BusError),
}
