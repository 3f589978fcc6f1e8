// SPDX-License-Identifier: GPL-2.0

//! SEND, and the sends that wait for room (specification 3.8, 5.4-5.5 and 7).

use super::binding::Target;
use super::decide::{Obstacle, Plan};
use super::ksock::Pending;
use super::message::{Message, MsgId};
use super::queue::{Content, Duty, Entry};
use super::reply::Request;
use super::room::Need;
use super::synthetic::{Kind, Synthetic};
use super::{Bus, BusError, Port, Refusal, Room};
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

impl<P: Port> Bus<P> {
    /// Sends `message`, or tries again to send the one that is pending (then `message` is not
    /// looked at). A message that is delivered or waits is taken; a refused one is left, for the
    /// caller to free.
    pub(crate) fn send(
        &mut self,
        me: u32,
        message: &mut Option<UniqueArc<Message>>,
        room: &mut Room<P>,
    ) -> Result<Sent, Refusal> {
        let ksock = self.ksock(me)?;
        if let Some(pending) = &ksock.pending {
            let (message, may_ask) = (pending.message.clone(), ksock.may_ask());
            return self.send_again(me, message, may_ask, room);
        }
        let draft = message.as_mut().ok_or(BusError::NothingWritten)?;
        if draft.header().is_request() {
            if !ksock.may_ask() {
                ksock.blame(&mut room.spent);
                return Err(BusError::NoRoomForAnswer.into());
            }
            room.take_spare(&mut self.ksock_mut(me)?.spare);
        }
        let decision = self.decide(me, draft, room);
        match &decision {
            Err(Obstacle::Need(need)) => return Err(Refusal::Need(*need)),
            Err(Obstacle::Full(_)) => room.check(Need::WAIT).map_err(Refusal::Need)?,
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
                self.deliver(me, plan, message.into(), room);
                Ok(Sent::Delivered(id))
            }
            Err(Obstacle::Full(blocked_by)) => {
                let message = message.take().ok_or(BusError::NothingWritten)?;
                self.ksock_mut(me)?.pending = Some(Pending {
                    message: message.into(),
                    blocked_by,
                });
                self.wait_for(blocked_by, me, room);
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
        room: &mut Room<P>,
    ) -> Result<Sent, Refusal> {
        let id = message.header().id;
        if message.header().is_request() && !may_ask {
            self.give_up(me, room);
            return Err(BusError::NoRoomForAnswer.into());
        }
        match self.retry(me, message, room)? {
            Retry::Delivered => Ok(Sent::Delivered(id)),
            Retry::Waiting => Ok(Sent::Waiting(id)),
            Retry::Refused(error) => {
                self.give_up(me, room);
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
        room: &mut Room<P>,
    ) -> Result<Ready, Refusal> {
        let ksock = self.ksock(me)?;
        if let (true, Some(pending)) = (writable, &ksock.pending) {
            let message = pending.message.clone();
            self.retry_for_poll(me, message, room)?;
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
        room: &mut Room<P>,
    ) -> Result<(), Refusal> {
        // For the news of a failure.
        room.check(Need::ONE_PLACE).map_err(Refusal::Need)?;
        let (id, is_request) = (message.header().id, message.header().is_request());
        let Retry::Refused(error) = self.retry(me, message, room)? else {
            return Ok(());
        };
        self.give_up(me, room);
        let kind = match error {
            BusError::NobodyThere => Kind::Disappeared,
            _ if is_request => Kind::ErrorSending,
            _ => return Ok(()),
        };
        let said = Synthetic {
            kind,
            id: self.next_serial(),
            in_reply_to: id,
            from: 0,
            to: me,
        };
        let place = room.places.pop().ok_or(Refusal::Need(Need::ONE_PLACE))?;
        let ksock = self.ksock_mut(me)?;
        ksock.push(place, Entry::unbound(Content::Said(said)));
        room.wakes.add(&ksock.port);
        Ok(())
    }

    /// Drops what is pending (3.7 DISCARD).
    pub(crate) fn discard(&mut self, me: u32, room: &mut Room<P>) {
        self.give_up(me, room);
    }

    /// Decides afresh about a pending message.
    fn retry(
        &mut self,
        me: u32,
        message: Arc<Message>,
        room: &mut Room<P>,
    ) -> Result<Retry, Refusal> {
        match self.decide(me, &message, room) {
            Err(Obstacle::Need(need)) => Err(Refusal::Need(need)),
            Err(Obstacle::No(error)) => Ok(Retry::Refused(error)),
            Err(Obstacle::Full(blocked_by)) => {
                self.stop_waiting(me, room);
                if let Some(pending) = &mut self.ksock_mut(me)?.pending {
                    pending.blocked_by = blocked_by;
                }
                self.wait_for(blocked_by, me, room);
                Ok(Retry::Waiting)
            }
            Ok(plan) => {
                self.give_up(me, room);
                self.deliver(me, plan, message, room);
                Ok(Retry::Delivered)
            }
        }
    }

    /// Notes that `me` waits for room at `full`, with the memory kept for that.
    fn wait_for(&mut self, full: u32, me: u32, room: &mut Room<P>) {
        if let Some(wait) = room.wait.take() {
            self.waiting.insert(wait.into_node((full, me), ()));
        }
    }

    /// The note is not needed any more; its memory is kept.
    fn stop_waiting(&mut self, me: u32, room: &mut Room<P>) {
        let Some(Some(pending)) = self.ksocks.get(&me).map(|k| &k.pending) else {
            return;
        };
        if let Some(node) = self.waiting.remove_node(&(pending.blocked_by, me)) {
            room.wait = Some(node.into_reservation());
        }
    }

    /// Nothing is pending any more. Another thread may be waiting for that.
    fn give_up(&mut self, me: u32, room: &mut Room<P>) {
        self.stop_waiting(me, room);
        if let Some(ksock) = self.ksocks.get_mut(&me) {
            room.dropped = ksock.pending.take().map(|pending| pending.message);
            room.wakes.add(&ksock.port);
        }
    }

    /// Does what was decided: the answer, then the request, then the listeners' copies (5.4, 6).
    fn deliver(&mut self, me: u32, plan: Plan, message: Arc<Message>, room: &mut Room<P>) {
        let id = message.header().id;
        let copy = |binding, duty| Entry {
            content: Content::Message(message.clone()),
            duty,
            binding,
            set_aside: false,
        };
        room.usual = room.hearers.len();

        if let Some((requester, request)) = plan.answers {
            let in_use = room.hearers.len() + if plan.asks.is_some() { 2 } else { 0 };
            self.answer(me, requester, &request, copy(0, None), room, in_use);
        }

        if let Some(target) = plan.asks {
            self.ask(me, target, id, |duty| copy(target.binding, duty), room);
        }

        for hearer in &room.hearers {
            let Some(listener) = self.ksocks.get_mut(&hearer.ksock) else {
                continue;
            };
            if listener.only_once && listener.queue.just_got(id) {
                continue;
            }
            if let Some(place) = room.places.pop() {
                listener.push(place, copy(hearer.binding, None));
                room.wakes.add(&listener.port);
            }
        }
        // Perhaps nobody got it. It is not freed here, under the lock.
        room.dropped = Some(message);
    }

    /// Notes that `me` awaits an answer, keeping the place for it, and queues the request.
    fn ask(
        &mut self,
        me: u32,
        target: Target,
        id: MsgId,
        entry: impl FnOnce(Option<Duty>) -> Entry,
        room: &mut Room<P>,
    ) {
        self.last_request += 1;
        let request = Request {
            id,
            replier: target.ksock,
            serial: self.last_request,
        };
        let (kept, place) = (room.places.pop(), room.places.pop());
        if let (Some(sender), Some(answer), Some(kept)) =
            (self.ksocks.get_mut(&me), room.answer.take(), kept)
        {
            sender.await_answer(answer, request, kept);
        }
        if let (Some(replier), Some(debt), Some(place)) =
            (self.ksocks.get_mut(&target.ksock), room.debt.take(), place)
        {
            let duty = Duty {
                request: request.serial,
                room: debt,
            };
            replier.push(place, entry(Some(duty)));
            room.wakes.add(&replier.port);
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
        room: &mut Room<P>,
        in_use: usize,
    ) {
        let Some(ksock) = self.ksocks.get_mut(&requester) else {
            return;
        };
        let Some((answer, note)) = ksock.take_awaited(request) else {
            return;
        };
        ksock.push(answer.place, entry);
        room.wakes.add(&ksock.port);
        // If another reply to it waits for room somewhere, it has come too late.
        self.wake_all_waiting(&mut room.wakes);
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
        let place = match room.places.len() > in_use {
            true => room.places.pop(),
            false => None,
        };
        if let Some(requester) = self.ksocks.get_mut(&requester) {
            let spare = &mut requester.spare;
            spare.answer = spare.answer.take().or(Some(note));
            spare.debt = spare.debt.take().or(debt);
            spare.place = spare.place.take().or(place);
        }
    }
}

/// What became of a pending message.
enum Retry {
    Delivered,
    Waiting,
    Refused(BusError),
}
