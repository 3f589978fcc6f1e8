// SPDX-License-Identifier: GPL-2.0-only
//! Being asked: [`Asked`], a request that a Ksock owes an answer, and
//! [`Incoming`], which tells it from other messages.

use std::ops::Deref;

use crate::deadline::Deadline;
use crate::error::{Errno, Error};
use crate::ksock::Ksock;
use crate::message::Message;
use crate::uapi;
use crate::wire::id::MessageId;
use crate::wire::name::Name;

/// What has arrived, as a replier sees it.
#[derive(Debug)]
pub enum Incoming {
    /// A request for us to answer.
    Asked(Asked),
    /// Any other message.
    Told(Message),
}

/// A request that its Ksock owes an answer. It cannot be forgotten: one that is
/// dropped is [declined](Asked::decline).
///
/// Several may be held at a time, and answered in any order and by any thread:
/// it holds a clone of the Ksock, which stays open as long.
///
/// While an earlier message of the same Ksock waits for room
/// ([`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT)) nothing can be answered:
/// EALREADY. A decline is deferred then, and goes out when the Ksock is next
/// used to send, to receive or to wait until it is writable.
///
/// ```no_run
/// use kbus::{Access, Deadline, Incoming, Ksock, Name, Role};
///
/// let bus = Ksock::open(0, Access::ReadWrite)?;
/// bus.bind(Role::Replier, Name::new("$.Sum")?)?;
/// while let Some(Incoming::Asked(request)) = bus.incoming(Deadline::NEVER)? {
///     std::thread::spawn(move || {
///         let sum: u32 = request.data().iter().map(|&byte| u32::from(byte)).sum();
///         request.answer(sum.to_string())
///     });
/// }
/// # Ok::<(), kbus::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a request that is dropped is declined"]
pub struct Asked {
    ksock: Ksock,
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

/// Being asked.
impl Ksock {
    /// Returns the next message as [`receive`](Ksock::receive) does, for
    /// repliers: a request that is for us to answer comes as something that
    /// cannot be forgotten.
    ///
    /// # Errors
    ///
    /// As [`next_message`](Ksock::next_message).
    pub fn incoming(&self, deadline: impl Into<Deadline>) -> Result<Option<Incoming>, Error> {
        let message = self.receive(deadline)?;
        Ok(message.map(|message| Incoming::new(self, message)))
    }

    /// Answers requests until the deadline: each one that is for us goes to
    /// `answer`, and what that returns goes to the requester. There is no way
    /// to forget one: `answer` has to return something, and when it panics the
    /// request is declined.
    ///
    /// Messages that are not for us to answer are passed over. A program that
    /// wants these, too, or wants to answer later, loops over
    /// [`incoming`](Ksock::incoming). A requester that has gone, or was
    /// answered by another, is no error.
    ///
    /// ```no_run
    /// use kbus::{Access, Answer, Deadline, Ksock, Name, Role};
    ///
    /// let bus = Ksock::open(0, Access::ReadWrite)?;
    /// bus.bind(Role::Replier, Name::new("$.Lamp.Kitchen")?)?;
    /// bus.serve(Deadline::NEVER, |request| match request.data() {
    ///     b"on?" => Answer::from("yes"),
    ///     _ => Answer::Decline,
    /// })?;
    /// # Ok::<(), kbus::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`next_message`](Ksock::next_message), and as [`Asked::answer`]: the
    /// request was declined then.
    pub fn serve<A: Into<Answer>>(
        &self,
        deadline: impl Into<Deadline>,
        mut answer: impl FnMut(&Message) -> A,
    ) -> Result<(), Error> {
        let deadline = deadline.into();
        while let Some(incoming) = self.incoming(deadline)? {
            let Incoming::Asked(request) = incoming else {
                continue;
            };
            let answered = match answer(request.message()).into() {
                Answer::Data(data) => request.answer(data),
                Answer::Decline => request.decline(),
            };
            match answered {
                Err(Error::Os {
                    errno: Errno::EADDRNOTAVAIL | Errno::ECONNREFUSED,
                    ..
                })
                | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Incoming {
    /// Tells whether the message is one that `ksock`, which received it, is to
    /// answer.
    pub(crate) fn new(ksock: &Ksock, message: Message) -> Incoming {
        if message.is_for_us_to_answer() {
            Incoming::Asked(Asked {
                ksock: ksock.clone(),
                request: message,
                owed: true,
            })
        } else {
            Incoming::Told(message)
        }
    }
}

impl Asked {
    /// Returns the request.
    pub fn message(&self) -> &Message {
        &self.request
    }

    /// Answers, with any data, none included. Returns the id of the reply.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`]. EADDRNOTAVAIL: the requester has gone. EMSGSIZE: the
    /// answer is too large. After an error the request is declined, so that
    /// the requester does not wait in vain.
    pub fn answer(self, data: impl AsRef<[u8]>) -> Result<MessageId, Error> {
        let reply = Message::reply_to(&self.request, data)?;
        self.answer_with(&reply)
    }

    /// Answers with a reply made by [`Message::reply_to`], which may have
    /// flags. Returns the id of the reply.
    ///
    /// # Errors
    ///
    /// As [`answer`](Asked::answer).
    pub fn answer_with(mut self, reply: &Message) -> Result<MessageId, Error> {
        let sent = self.ksock.send(reply);
        self.owed = match &sent {
            Ok(_) => false,
            // A reply that waits for room is on its way.
            Err(error) => error.errno() != Some(Errno::EAGAIN),
        };
        sent
    }

    /// Tells the requester that there will be no answer: with an empty message
    /// named `$.KBUS.Replier.Ignored`, which is what the bus says when a
    /// replier closes and still owes an answer. Programs know it, therefore.
    /// Only the missing [`Flags::SYNTHETIC`](crate::Flags::SYNTHETIC) tells
    /// that the replier is still there. Returns the id of that message.
    ///
    /// # Errors
    ///
    /// As [`answer`](Asked::answer).
    pub fn decline(mut self) -> Result<MessageId, Error> {
        let declined = self.ksock.send(&self.declining()?);
        // Then it is deferred, and goes out later.
        self.owed = matches!(&declined, Err(error) if error.errno() == Some(Errno::EALREADY));
        declined
    }

    /// Returns the message that declines the request.
    fn declining(&self) -> Result<Message, Error> {
        let ignored = Name::from_bytes(uapi::KBUS_MSG_NAME_REPLIER_IGNORED.to_bytes())?;
        Message::named_reply_to(&self.request, &ignored, [])
    }
}

impl Deref for Asked {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.request
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.owed {
            if let Ok(declining) = self.declining() {
                self.ksock.decline(declining);
            }
        }
    }
}
