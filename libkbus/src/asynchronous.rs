// SPDX-License-Identifier: GPL-2.0-only
//! Waiting for a bus among other things: [`AsyncKsock`], on tokio's reactor.
//! Calls that never wait are those of the Ksock inside; here is only what
//! waits. Messages come through the same inbox, and so in the same order.

use std::fmt;
use std::future::Future;
use std::pin::{pin, Pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Mutex, Notify};

use crate::asked::{Asked, Incoming};
use crate::error::{Call, Errno, Error};
use crate::id::MessageId;
use crate::inbox::Wanted;
use crate::ksock::{a_reply, is_request, refused, Access, Ksock};
use crate::message::Message;
use crate::sys;

/// A [`Ksock`] for asynchronous programs. Needs the feature `tokio`, and a
/// runtime of tokio's with I/O enabled.
///
/// Any number of tasks may use it at a time. Each message goes to one of them,
/// a [call](AsyncKsock::call) gets its own answer, and all the rest is
/// received in the order of the bus. Every future here can be dropped before
/// it is done, in `select!` or by a timeout, and no message is lost by that.
///
/// ```no_run
/// use kbus::{Access, AsyncKsock, Message, Name};
/// use std::time::Duration;
/// use tokio::time::timeout;
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = AsyncKsock::open(0, Access::ReadWrite)?;
/// let question = Message::request(&Name::new("$.Lamp.Kitchen")?, "on?");
/// let answer = timeout(Duration::from_secs(1), bus.call(&question)).await??;
/// println!("{answer}");
/// # Ok(())
/// # }
/// ```
pub struct AsyncKsock {
    file: AsyncFd<Ksock>,
    /// Somebody may find a message now that another task has put aside.
    changed: Notify,
    /// Held while a message is on its way out, which may take waiting for room
    /// at its recipients. Fair: who comes first sends first.
    sending: Mutex<()>,
}

impl AsyncKsock {
    /// Opens bus number `bus`, as [`Ksock::open`].
    ///
    /// # Errors
    ///
    /// As [`Ksock::open`], and as [`new`](AsyncKsock::new).
    ///
    /// # Panics
    ///
    /// As [`new`](AsyncKsock::new).
    pub fn open(bus: u32, access: Access) -> Result<AsyncKsock, Error> {
        AsyncKsock::new(Ksock::open(bus, access)?)
    }

    /// Makes an asynchronous one of a Ksock.
    ///
    /// # Errors
    ///
    /// EPERM: this is no file that can be waited for. ENOMEM, EMFILE.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one without I/O.
    pub fn new(ksock: Ksock) -> Result<AsyncKsock, Error> {
        sys::watch(ksock)
            .map(|file| AsyncKsock {
                file,
                changed: Notify::new(),
                sending: Mutex::const_new(()),
            })
            .map_err(refused(Call::Poll))
    }

    /// For binding, settings, and what the bus knows: none of that waits. The
    /// calls with a [`Deadline`](crate::Deadline) do, and hold up the runtime.
    pub fn ksock(&self) -> &Ksock {
        self.file.get_ref()
    }

    /// Back to an ordinary one. What calls have put aside is still there.
    pub fn into_ksock(self) -> Ksock {
        self.file.into_inner()
    }

    // ---- Receiving ----

    /// The next message, as soon as there is one.
    ///
    /// # Errors
    ///
    /// As [`Ksock::next_message`].
    pub async fn receive(&self) -> Result<Message, Error> {
        self.find(Wanted::Next).await
    }

    /// The same for repliers, as [`Ksock::incoming`]. Answer with
    /// [`answer`](AsyncKsock::answer).
    ///
    /// # Errors
    ///
    /// As [`Ksock::next_message`].
    pub async fn incoming(&self) -> Result<Incoming<'_>, Error> {
        let message = self.receive().await?;
        Ok(Incoming::new(self.ksock(), message))
    }

    /// All messages from now on. Ends only with an error. Several streams, or
    /// streams and calls, share the messages between them.
    pub fn messages(&self) -> AsyncMessages<'_> {
        AsyncMessages {
            ksock: self,
            waiting: None,
            failed: false,
        }
    }

    /// Looks, and tells the other tasks when there is something for them.
    fn look(&self, wanted: Wanted) -> Result<Option<Message>, Error> {
        let (found, more) = self.ksock().look(wanted);
        if more {
            self.changed.notify_waiters();
        }
        found
    }

    async fn find(&self, wanted: Wanted) -> Result<Message, Error> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From now on nothing is missed.
            changed.as_mut().enable();
            if let Some(found) = self.look(wanted)? {
                return Ok(found);
            }
            // Nothing is taken while waiting, so that nothing is lost when
            // whoever waits changes its mind.
            let mut readable = pin!(self.file.readable());
            let ready = std::future::poll_fn(|context| {
                if let Poll::Ready(ready) = readable.as_mut().poll(context) {
                    return Poll::Ready(Some(ready));
                }
                changed.as_mut().poll(context).map(|()| None)
            });
            if let Some(ready) = ready.await {
                let mut ready = ready.map_err(|error| poll_failed(&error))?;
                if let Some(found) = self.look(wanted)? {
                    return Ok(found);
                }
                // The device was empty after it had said that it was not.
                ready.clear_ready();
            }
        }
    }

    // ---- Sending ----

    /// Sends a message. Waits while an earlier one still waits for room at
    /// its recipients, and until this one need not
    /// ([`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT)). When it has waited, what
    /// became of the message is not told, as with
    /// [`Ksock::wait_writable`](Ksock::wait_writable).
    ///
    /// Dropped while it waits, it gives up the message: nobody has got it.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`], without EAGAIN and EALREADY.
    pub async fn send(&self, message: &Message) -> Result<MessageId, Error> {
        let _alone = self.sending.lock().await;
        match self.ksock().send(message) {
            Err(error) if is_pending(&error) => {
                let id = self.ksock().last_sent()?;
                self.room().await?;
                Ok(id)
            }
            sent => sent,
        }
    }

    /// Sends a request and waits for the reply, as [`Ksock::call`]. For a
    /// deadline, put it into `tokio::time::timeout`; an answer that comes
    /// later is then received like any other message.
    ///
    /// # Errors
    ///
    /// As [`send`](AsyncKsock::send), [`Error::Unanswered`],
    /// [`Error::Crowded`], and [`Error::NotARequest`].
    pub async fn call(&self, request: &Message) -> Result<Message, Error> {
        is_request(request)?;
        let alone = self.sending.lock().await;
        let mut pending = false;
        // The id is known, and the answer expected, before there can be one.
        let id = self.ksock().expect(|| match self.ksock().send(request) {
            Err(error) if is_pending(&error) => {
                pending = true;
                self.ksock().last_sent()
            }
            sent => sent,
        })?;
        let _expecting = Expecting { ksock: self, id };
        if pending {
            self.room().await?;
        }
        drop(alone);
        a_reply(id, self.find(Wanted::AnswerTo(id)).await?)
    }

    /// Answers a request. In contrast to [`Asked::answer`] this waits while an
    /// earlier message waits for room at its recipients.
    ///
    /// Dropped while it waits, it declines the request.
    ///
    /// # Errors
    ///
    /// As [`Asked::answer`].
    pub async fn answer(
        &self,
        asked: Asked<'_>,
        data: impl AsRef<[u8]>,
    ) -> Result<MessageId, Error> {
        let _alone = self.sending.lock().await;
        asked.answer(data)
    }

    /// Takes messages to send, one after the other.
    pub fn sender(&self) -> AsyncSender<'_> {
        AsyncSender {
            ksock: self,
            sending: None,
        }
    }

    /// Waits until the message that waits for room is done with, or gives it
    /// up when it is dropped before that.
    async fn room(&self) -> Result<(), Error> {
        struct GiveUp<'a>(Option<&'a Ksock>);
        impl Drop for GiveUp<'_> {
            fn drop(&mut self) {
                if let Some(ksock) = self.0 {
                    // It can only fail where nothing could be sent either.
                    let _ = ksock.discard();
                }
            }
        }
        let mut pending = GiveUp(Some(self.ksock()));
        loop {
            let writable = self.file.writable().await;
            let mut writable = writable.map_err(|error| poll_failed(&error))?;
            // The reactor may still say what was true before: ask the bus,
            // which tries again to send it.
            if self.ksock().wait_writable(Duration::ZERO)? {
                pending.0 = None;
                return Ok(());
            }
            writable.clear_ready();
        }
    }
}

fn is_pending(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused {
            call: Call::Send | Call::Ask | Call::Answer,
            errno: Errno(libc::EAGAIN),
        }
    )
}

fn poll_failed(error: &std::io::Error) -> Error {
    refused(Call::Poll)(Errno(error.raw_os_error().unwrap_or(libc::EIO)))
}

/// An answer is expected until this is dropped. What comes later, or has come
/// and was not taken, is an ordinary message.
struct Expecting<'a> {
    ksock: &'a AsyncKsock,
    id: MessageId,
}

impl Drop for Expecting<'_> {
    fn drop(&mut self) {
        self.ksock.ksock().expect_no_more(self.id);
        self.ksock.changed.notify_waiters();
    }
}

impl fmt::Debug for AsyncKsock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncKsock").field(self.ksock()).finish()
    }
}

type Waiting<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The messages of a Ksock as a stream, see [`AsyncKsock::messages`].
pub struct AsyncMessages<'a> {
    ksock: &'a AsyncKsock,
    waiting: Option<Waiting<'a, Message>>,
    failed: bool,
}

impl Stream for AsyncMessages<'_> {
    type Item = Result<Message, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(None);
        }
        let ksock = this.ksock;
        let waiting = this
            .waiting
            .get_or_insert_with(|| Box::pin(ksock.receive()));
        let Poll::Ready(received) = waiting.as_mut().poll(context) else {
            return Poll::Pending;
        };
        this.waiting = None;
        this.failed = received.is_err();
        Poll::Ready(Some(received))
    }
}

/// Messages go in and are sent, see [`AsyncKsock::sender`]. Whether one was
/// sent shows when the next is offered, or on flushing. Dropped in between, it
/// gives up what has not been sent.
pub struct AsyncSender<'a> {
    ksock: &'a AsyncKsock,
    sending: Option<Waiting<'a, ()>>,
}

impl Sink<Message> for AsyncSender<'_> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let ksock = self.ksock;
        self.sending = Some(Box::pin(
            async move { ksock.send(&message).await.map(drop) },
        ));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(Ok(()));
        };
        let Poll::Ready(sent) = sending.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.sending = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

impl fmt::Debug for AsyncMessages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncMessages").field(self.ksock).finish()
    }
}

impl fmt::Debug for AsyncSender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncSender").field(self.ksock).finish()
    }
}
