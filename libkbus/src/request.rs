// SPDX-License-Identifier: GPL-2.0-only
//! Asking: [`Request`], a request on its way out, made by
//! [`Ksock::request`].

use crate::deadline::Deadline;
use crate::error::Error;
use crate::ksock::Ksock;
use crate::message::Message;
use crate::wire::flags::Flags;
use crate::wire::id::{KsockId, MessageId};
use crate::wire::name::Name;

/// A request that is being put together. Nothing happens before it is sent, by
/// [`call`](Request::call) or [`send`](Request::send).
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent, by call or send"]
pub struct Request<'a> {
    ksock: &'a Ksock,
    message: Message,
}

/// Asking.
impl Ksock {
    /// Returns a request, to be sent by [`Request::call`] or [`Request::send`].
    pub fn request(&self, name: &Name, data: impl AsRef<[u8]>) -> Request<'_> {
        Request {
            ksock: self,
            message: Message::request(name, data),
        }
    }
}

impl<'a> Request<'a> {
    /// Asks this Ksock and no other: makes the request a stateful one.
    pub fn to(self, replier: KsockId) -> Request<'a> {
        Request {
            message: self.message.with_to(replier),
            ..self
        }
    }

    /// Lets it overtake what is queued at its recipients.
    pub fn urgent(self) -> Request<'a> {
        self.flags(Flags::URGENT)
    }

    /// Adds flags.
    pub fn flags(self, flags: Flags) -> Request<'a> {
        Request {
            message: self.message.with_flags(flags),
            ..self
        }
    }

    /// Sends it, waits for the reply and returns that.
    ///
    /// What else arrives meanwhile is deferred, in order, for
    /// [`Ksock::next_message`] and the like: 1000 messages, or as many as our
    /// queue may hold where that is more ([`Ksock::set_max_messages`]). With so
    /// many before the answer the call ends with [`Error::Crowded`]; with so
    /// many deferred already it fails with ENOLCK, and nothing is sent. No
    /// message is lost either way. A program that listens to much, or takes
    /// its messages rarely, asks on a Ksock of its own, which gets nothing but
    /// answers.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`]; [`Error::Unanswered`] when the bus answers instead
    /// of the replier; [`Error::TimedOut`] at the deadline;
    /// [`Error::Crowded`].
    pub fn call(self, deadline: impl Into<Deadline>) -> Result<Message, Error> {
        self.ksock.call(&self.message, deadline)
    }

    /// Sends it, and returns its id. The answer comes later, as a message in
    /// reply to that id: exactly one, of one kind or another.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`].
    pub fn send(self) -> Result<MessageId, Error> {
        self.ksock.send(&self.message)
    }
}
