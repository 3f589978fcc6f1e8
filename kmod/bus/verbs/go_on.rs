// SPDX-License-Identifier: GPL-2.0-only

//! What a verb has left to do: above all the sends that wait for what it changed (specification
//! 7). The bus itself tries them again, in the order in which they came, and delivers those that
//! can be delivered, whatever their senders do meanwhile. So whoever hears that it can write again
//! can: its send was delivered, or given up.
//!
//! One step tries one send. What that has left to do in turn, which can only be to refuse answers
//! that have come too late, is done before the next.

use super::decide::Obstacle;
use super::send::Retry;
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{KsockId, SendId};
use crate::bus::ksock::{Refused, Sending};
use crate::bus::message::Message;
use crate::bus::plan::Rest;
use crate::bus::prealloc::{Prealloc, STEP};
use crate::bus::state::Bus;
use crate::bus::waiting::{Cause, Walk};
use crate::bus::wakeup::{Notify, Wake};
use kernel::sync::Arc;

impl<N: Notify> Bus<N> {
    /// Goes on with what a verb has left to do. Call it until nothing is left.
    ///
    /// # Errors
    ///
    /// The need for memory, or that there is none: then
    /// [`go_on_without`](Self::go_on_without).
    pub(crate) fn go_on(&mut self, prealloc: &mut Prealloc<N>) -> Result<(), Refusal> {
        match prealloc.take_rest() {
            Some(Rest::Open(me)) => self.made_room(me, prealloc),
            Some(Rest::Unbind {
                ksock,
                binding,
                counted,
            }) => self.remove_attracted(ksock, binding, counted, prealloc),
            Some(Rest::Retry(walk)) => return self.retry_next(walk, prealloc),
            None => (),
        }
        Ok(())
    }

    /// Goes on when there is no memory to deliver the send that comes next: its sender is woken, to
    /// try it again itself.
    #[cold]
    pub(crate) fn go_on_without(&mut self, prealloc: &mut Prealloc<N>) {
        let Some(Rest::Retry(mut walk)) = prealloc.take_rest() else {
            return;
        };
        let next = self.next_on(&mut walk);
        if let Next::Send(_, sender, _) = next {
            if let Some(sender) = self.ksocks.present(sender) {
                prealloc.wakes.add(&sender.notify, Wake::Retry);
            }
        }
        if !matches!(next, Next::End) {
            prealloc.leave_first(walk);
        }
    }

    /// Tries the next send on a walk again, and leaves the others.
    #[cold]
    fn retry_next(&mut self, mut walk: Walk, prealloc: &mut Prealloc<N>) -> Result<(), Refusal> {
        let place = walk.place();
        let (id, sender, message) = match self.next_on(&mut walk) {
            Next::Send(id, sender, message) => (id, sender, message),
            Next::NotYet => {
                prealloc.leave_first(walk);
                return Ok(());
            }
            Next::End => return Ok(()),
        };
        let decided = self.decide(sender, &message, prealloc);
        if let Err(Obstacle::Memory(refusal)) = decided {
            walk.go_back(place);
            prealloc.leave_first(walk);
            return Err(refusal);
        }
        prealloc.leave_first(walk);
        match self.conclude(id, sender, message, decided, prealloc)? {
            Retry::Delivered | Retry::Waiting => (),
            Retry::Refused(why) => self.refuse(id, sender, why, prealloc),
        }
        Ok(())
    }

    /// Goes on to the next send on a walk that may have another outcome now.
    fn next_on(&mut self, walk: &mut Walk) -> Next {
        for _ in 0..STEP {
            let Some((cause, id)) = self.waiting.next(walk) else {
                return Next::End;
            };
            if let Cause::Full(ksock, room) = cause {
                let ksock = self.ksocks.get(ksock);
                if walk.looks_for_room() && ksock.is_some_and(|ksock| !ksock.has(room)) {
                    walk.pass();
                    continue;
                }
            }
            let pending = expect(self.waiting.get(id));
            if let Some(pending) = pending.filter(|pending| walk.concerns(&pending.message)) {
                return Next::Send(id, pending.sender, pending.message.clone());
            }
        }
        Next::NotYet
    }

    /// Gives up a send that is refused. Its sender is to hear of it when it asks.
    fn refuse(&mut self, id: SendId, sender: KsockId, why: BusError, prealloc: &mut Prealloc<N>) {
        let Some((message, memory)) = self.waiting.take(id) else {
            return;
        };
        prealloc.give_back_pending(memory);
        let header = message.header();
        let refused = Refused {
            id: header.id,
            is_request: header.is_request(),
            why,
        };
        prealloc.dropped = Some(message);
        if let Some(ksock) = self.ksocks.present(sender) {
            ksock.sending = Sending::Refused(refused);
            // There may be something to read of it.
            prealloc.wakes.add(&ksock.notify, Wake::Retry);
        }
    }
}

/// What comes next on a walk.
enum Next {
    Send(SendId, KsockId, Arc<Message>),
    /// So many were passed over that others may want the lock.
    NotYet,
    End,
}
