// SPDX-License-Identifier: GPL-2.0-only

//! Closing a Ksock (specification 9.1): in order, in steps, and whatever happens.
//!
//! After the first step it is no Ksock any more. Nothing comes to it, its names are free, and
//! replies to it are refused. What it owed, what was queued and what is to be told of its bindings
//! follows in the order of 9.1, a little at a time, and others come in between: a requester may
//! have sent something else before it hears that its replier has gone. Whoever binds to a name that
//! has not been told of yet tells of it first, so that no listener hears that a replier comes
//! before it hears that the one before has gone.

use crate::bus::awaited::Awaited;
use crate::bus::binding::Role;
use crate::bus::bindings::Bindings;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{At, DebtNumber, KsockId, Request, UserId};
use crate::bus::ksock::Sending;
use crate::bus::ksocks::Closed;
use crate::bus::message::Message;
use crate::bus::need::Need;
use crate::bus::owed::Owed;
use crate::bus::prealloc::{Prealloc, STEP};
use crate::bus::queue::Queue;
use crate::bus::state::Bus;
use crate::bus::synthetic::Kind;
use crate::bus::waiting::{Cause, PendingReservation, Walk};
use crate::bus::wakeup::Notify;
use crate::trace;
use core::cmp::Reverse;
use core::mem::replace;
use kernel::sync::Arc;

/// A Ksock that is being closed: what is left of it, to be freed when all is told, and how far the
/// telling has got.
pub(crate) struct Closing<N> {
    me: KsockId,
    user: UserId,
    /// The memory that there is must do: bind events for which it does not are lost, and those
    /// who listen are told so. Answers never depend on it.
    pub(crate) short: bool,
    stage: Stage,
    awaited: Awaited,
    queue: Queue,
    bindings: Bindings,
    owed: Owed,
    _pending: Option<(Arc<Message>, PendingReservation)>,
    /// What kept its id from being given out again.
    ksock: Option<Closed<N>>,
}

/// What comes next, and behind what it goes on.
enum Stage {
    Forget(Option<Request>),
    GoneAway(Option<At>),
    Unbind(Option<At>),
    Ignored(Option<Reverse<DebtNumber>>),
    Done,
}

impl<N: Notify> Bus<N> {
    /// Closes a Ksock, in steps: call it until it says that it was the last, with the same
    /// `closing`, which is nothing at first. From the first step on nothing is delivered to it.
    ///
    /// # Errors
    ///
    /// `Closed` if it is closed already; or, without [`Closing::short`], the need for memory.
    pub(crate) fn close(
        &mut self,
        me: KsockId,
        closing: &mut Option<Closing<N>>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, Refusal> {
        let closing = match closing {
            Some(closing) => closing,
            None => closing.insert(self.begin_to_close(me)?),
        };
        let answers = u64::from(closing.queue.len()) + u64::from(closing.owed.len());
        let wakes = answers.min(STEP as u64) as usize;
        if prealloc.wakes.space() < wakes && !closing.short {
            return Err(Refusal::Need(Need {
                wakes,
                ..Need::NOTHING
            }));
        }
        let mut done = 0;
        // An answer may have left something to do.
        while done < STEP && !prealloc.has_rest() {
            if let Stage::Done = closing.stage {
                return Ok(true);
            }
            let told = self.close_one(closing, prealloc);
            done += 1 + told.map_err(Refusal::Need)?;
        }
        Ok(false)
    }

    fn begin_to_close(&mut self, me: KsockId) -> Result<Closing<N>, BusError> {
        let ksock = self.ksocks.begin_to_close(me).ok_or(BusError::Closed)?;
        trace::close(self.number, me);
        // Senders that hear of it find the account of its user as it is without the Ksock.
        ksock.charge.release();
        let pending = match replace(&mut ksock.sending, Sending::Idle) {
            Sending::Waits(id) => self.waiting.take(id),
            _ => None,
        };
        Ok(Closing {
            me,
            user: ksock.user(),
            short: false,
            stage: Stage::Forget(None),
            awaited: replace(&mut ksock.awaited, Awaited::new()),
            queue: replace(&mut ksock.queue, Queue::new()),
            bindings: replace(&mut ksock.bindings, Bindings::new()),
            owed: replace(&mut ksock.owed, Owed::new()),
            _pending: pending,
            ksock: None,
        })
    }

    /// Does the next little thing of a close. Returns how many were told of it, beside one.
    fn close_one(
        &mut self,
        closing: &mut Closing<N>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<usize, Need> {
        let me = closing.me;
        match &mut closing.stage {
            Stage::Forget(at) => match closing.awaited.next_read(at) {
                // A request to itself is forgotten with itself.
                Some(Some((replier, debt))) => {
                    if let Some(replier) = self.ksocks.get_mut(replier) {
                        replier.owed.forget(debt);
                    }
                }
                Some(None) => (),
                None => closing.stage = Stage::GoneAway(None),
            },
            Stage::GoneAway(at) => match closing.queue.next_debt(at, me) {
                Some(Some(debt)) => self.answer_for(me, Kind::GoneAway, &debt, prealloc),
                Some(None) => (),
                None => closing.stage = Stage::Unbind(None),
            },
            Stage::Unbind(at) => {
                let next = match *at {
                    None => closing.bindings.newest(),
                    Some(last) => closing.bindings.older(last),
                };
                let Some((next, own)) = next.and_then(|at| Some((at, closing.bindings.get(at)?)))
                else {
                    self.fewer_set_aside(closing.queue.set_aside());
                    closing.stage = Stage::Ignored(None);
                    return Ok(0);
                };
                let told = self.announce_end(&own.binding, closing.short, prealloc)?;
                if own.below.is_none() {
                    drop(self.routes.take_subscription(&own.binding, closing.user));
                }
                if own.binding.role() == Role::Replier {
                    self.repliers.remove(&Reverse(own.binding.id));
                }
                *at = Some(next);
                return Ok(told);
            }
            Stage::Ignored(at) => match closing.owed.next_debt(at) {
                Some(debt) => self.answer_for(me, Kind::Ignored, &debt, prealloc),
                None => {
                    self.copy_limits.leave(closing.user);
                    closing.ksock = self.ksocks.end_closing(me);
                    self.retry_waiting(|| Walk::of_room(me), prealloc);
                    self.retry_waiting(|| Walk::of(Cause::Asked(me)), prealloc);
                    self.retry_waiting(|| Walk::of_answers_to(me), prealloc);
                    self.retry_waiting(|| Walk::of(Cause::Copies(closing.user)), prealloc);
                    closing.stage = Stage::Done;
                }
            },
            Stage::Done => (),
        }
        Ok(0)
    }
}
