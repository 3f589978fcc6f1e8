// SPDX-License-Identifier: GPL-2.0-only
//! Being asked: [`Asked`], a request that we owe an answer, and [`Incoming`],
//! which tells it from other messages.

use std::ops::Deref;

use crate::error::{Errno, Error};
use crate::id::MessageId;
use crate::ksock::Ksock;
use crate::message::Message;
use crate::name::Name;
use crate::uapi;

/// What has arrived, as a replier sees it.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A request for us to answer.
    Asked(Asked<'a>),
    /// Any other message.
    Told(Message),
}

/// A request that we owe an answer. It cannot be forgotten: one that is
/// dropped is [declined](Asked::decline).
///
/// Several may be held at a time, and answered in any order.
///
/// While an earlier message of the same Ksock waits for room
/// ([`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT)) nothing can be answered:
/// EALREADY. A refusal is kept then, and goes out when the Ksock is next used
/// to send, to receive or to wait until it is writable.
#[derive(Debug)]
#[must_use = "a request that is dropped is declined"]
pub struct Asked<'a> {
    ksock: &'a Ksock,
    request: Message,
    owed: bool,
}

/// What a request gets, see [`Ksock::serve`]. Made of data, or of data that
/// there may not be: `None` declines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply with these data.
    Data(Vec<u8>),
    /// Word that there will be no reply, see [`Asked::decline`].
    Decline,
}

impl From<Vec<u8>> for Answer {
    fn from(data: Vec<u8>) -> Answer {
        Answer::Data(data)
    }
}

impl From<&[u8]> for Answer {
    fn from(data: &[u8]) -> Answer {
        Answer::Data(data.into())
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Answer {
        Answer::Data(text.into())
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Answer {
        Answer::Data(text.into())
    }
}

impl<A: Into<Answer>> From<Option<A>> for Answer {
    fn from(answer: Option<A>) -> Answer {
        answer.map_or(Answer::Decline, Into::into)
    }
}

impl<'a> Incoming<'a> {
    pub(crate) fn new(ksock: &'a Ksock, message: Message) -> Incoming<'a> {
        if message.is_for_us_to_answer() {
            Incoming::Asked(Asked {
                ksock,
                request: message,
                owed: true,
            })
        } else {
            Incoming::Told(message)
        }
    }
}

impl Asked<'_> {
    /// The request.
    pub fn message(&self) -> &Message {
        &self.request
    }

    /// Answers, with any data, none included.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`]. EADDRNOTAVAIL: who asked has gone. EMSGSIZE: the
    /// answer is too large. After an error the request is declined, so that
    /// nobody waits in vain.
    pub fn answer(self, data: impl AsRef<[u8]>) -> Result<MessageId, Error> {
        let reply = Message::reply_to(&self.request, data)?;
        self.answer_with(&reply)
    }

    /// Answers with a reply made by [`Message::reply_to`], for those who want
    /// flags in it.
    ///
    /// # Errors
    ///
    /// As [`answer`](Asked::answer).
    pub fn answer_with(mut self, reply: &Message) -> Result<MessageId, Error> {
        let sent = self.ksock.send(reply);
        self.owed = match &sent {
            Ok(_) => false,
            // A reply that waits for room is on its way.
            Err(error) => error.errno() != Some(Errno(libc::EAGAIN)),
        };
        sent
    }

    /// Tells who asked that there will be no answer: with an empty message
    /// named `$.KBUS.Replier.Ignored`, which is what the bus says when a
    /// replier closes and still owes an answer. Programs know it, therefore.
    /// Only the missing [`Flags::SYNTHETIC`](crate::Flags::SYNTHETIC) tells
    /// that we are still there.
    ///
    /// # Errors
    ///
    /// As [`answer`](Asked::answer).
    pub fn decline(mut self) -> Result<MessageId, Error> {
        let declined = self.ksock.send(&self.refusal()?);
        const WAITING: Option<Errno> = Some(Errno(libc::EALREADY));
        // Then it is kept, and goes out later.
        self.owed = matches!(&declined, Err(error) if error.errno() == WAITING);
        declined
    }

    fn refusal(&self) -> Result<Message, Error> {
        let ignored = Name::from_bytes(uapi::KBUS_MSG_NAME_REPLIER_IGNORED.to_bytes())?;
        Message::named_reply_to(&self.request, &ignored, [])
    }
}

impl Deref for Asked<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.request
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.owed {
            if let Ok(refusal) = self.refusal() {
                self.ksock.refuse(refusal);
            }
        }
    }
}
