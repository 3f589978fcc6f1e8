// SPDX-License-Identifier: GPL-2.0-only
//! A Ksock that tasks wait for: [`AsyncKsock`].

use std::fmt;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::tokio::io::unix::AsyncFd;
use ::tokio::sync::{Mutex, Notify};

use crate::error::{Call, Errno, Error};
use crate::inbox::Wanted;
use crate::incoming::{Asked, Incoming};
use crate::ksock::{a_reply, is_request, Access, Ksock};
use crate::message::Message;
use crate::sys::calls;
use crate::sys::device::os;
use crate::wire::id::MessageId;

/// A [`Ksock`] for asynchronous programs. Needs the feature `tokio`, and a
/// runtime of tokio's with I/O enabled.
///
/// A clone is the same Ksock, for another task; the last one to be dropped
/// closes it. Each message goes to one task, a [call](AsyncKsock::call) gets
/// its own answer, and all the rest is received in the order of the bus. Every future here can be dropped before
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
#[derive(Clone)]
pub struct AsyncKsock {
    shared: Arc<Shared>,
}

struct Shared {
    ksock: Ksock,
    /// The file of that Ksock.
    file: AsyncFd<Arc<OwnedFd>>,
    /// A task may find a message now that another one has deferred.
    changed: Notify,
    /// Held while a message is on its way out, which may take waiting for room
    /// at its recipients. Fair: the task that comes first sends first.
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
    /// EPERM: this is no file that can be waited for. EEXIST: this runtime has
    /// an asynchronous one of this Ksock already; clone that. ENOMEM, EMFILE.
    ///
    /// # Panics
    ///
    /// Outside a runtime, or in one without I/O.
    pub fn new(ksock: Ksock) -> Result<AsyncKsock, Error> {
        let file = calls::watch(ksock.file()).map_err(os(Call::Poll))?;
        Ok(AsyncKsock {
            shared: Arc::new(Shared {
                ksock,
                file,
                changed: Notify::new(),
                sending: Mutex::const_new(()),
            }),
        })
    }

    /// Returns the Ksock inside, for binding, settings, and what the bus knows:
    /// none of that waits. The calls with a [`Deadline`](crate::Deadline) do,
    /// and hold up the runtime.
    pub fn ksock(&self) -> &Ksock {
        &self.shared.ksock
    }

    /// Returns the ordinary Ksock. What calls have deferred is still there.
    pub fn into_ksock(self) -> Ksock {
        self.ksock().clone()
    }

    // ---- Receiving ----

    /// Returns the next message, as soon as there is one.
    ///
    /// # Errors
    ///
    /// As [`Ksock::next_message`].
    pub async fn receive(&self) -> Result<Message, Error> {
        self.find(Wanted::Next).await
    }

    /// Returns the next message as soon as there is one, for repliers, as
    /// [`Ksock::incoming`]. Answer with [`answer`](AsyncKsock::answer).
    ///
    /// # Errors
    ///
    /// As [`Ksock::next_message`].
    pub async fn incoming(&self) -> Result<Incoming, Error> {
        let message = self.receive().await?;
        Ok(Incoming::new(self.ksock(), message))
    }

    /// Looks, and tells the other tasks when there is something for them.
    fn look(&self, wanted: Wanted) -> Result<Option<Message>, Error> {
        let (found, more) = self.ksock().look(wanted);
        if more {
            self.shared.changed.notify_waiters();
        }
        found
    }

    async fn find(&self, wanted: Wanted) -> Result<Message, Error> {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // From now on nothing is missed.
            changed.as_mut().enable();
            if let Some(found) = self.look(wanted)? {
                return Ok(found);
            }
            // Nothing is taken while waiting, so that nothing is lost when
            // the future is dropped.
            let mut readable = pin!(self.shared.file.readable());
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

    /// Sends a message and returns its id. Waits while an earlier one still waits for room at
    /// its recipients, and until this one need not
    /// ([`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT)). When it has waited, what
    /// became of the message is not told, as with
    /// [`Ksock::wait_writable`](Ksock::wait_writable).
    ///
    /// Dropped while it waits, it gives up the message, unless the bus has sent
    /// it just then.
    ///
    /// # Errors
    ///
    /// As [`Ksock::send`], without EAGAIN and EALREADY.
    pub async fn send(&self, message: &Message) -> Result<MessageId, Error> {
        let _alone = self.shared.sending.lock().await;
        match self.ksock().send(message) {
            Err(error) if is_pending(&error) => {
                let id = self.ksock().last_sent()?;
                self.room().await?;
                Ok(id)
            }
            sent => sent,
        }
    }

    /// Sends a request, waits for the reply and returns that, as [`Ksock::call`]. For a
    /// deadline, put it into `tokio::time::timeout`; an answer that comes
    /// later is then received like any other message.
    ///
    /// # Errors
    ///
    /// As [`send`](AsyncKsock::send), [`Error::Unanswered`],
    /// [`Error::Crowded`], and [`Error::NotARequest`].
    pub async fn call(&self, request: &Message) -> Result<Message, Error> {
        is_request(request)?;
        let alone = self.shared.sending.lock().await;
        let (id, pending) = self.ask(request)?;
        let _expecting = Expecting { ksock: self, id };
        if pending {
            self.room().await?;
        }
        drop(alone);
        a_reply(id, self.find(Wanted::AnswerTo(id)).await?)
    }

    /// Sends a request and expects its answer. Returns its id, and whether it
    /// waits for room at its recipients.
    fn ask(&self, request: &Message) -> Result<(MessageId, bool), Error> {
        // The id is known, and the answer expected, before there can be one.
        let ready = self.ksock().ready()?;
        let (id, pending) = match self.ksock().send(request) {
            Err(error) if is_pending(&error) => (self.ksock().last_sent()?, true),
            sent => (sent?, false),
        };
        ready.expect(id);
        Ok((id, pending))
    }

    /// Answers a request. In contrast to [`Asked::answer`] this waits while an
    /// earlier message waits for room at its recipients.
    ///
    /// Dropped while it waits, it declines the request.
    ///
    /// # Errors
    ///
    /// As [`Asked::answer`].
    pub async fn answer(&self, asked: Asked, data: impl AsRef<[u8]>) -> Result<MessageId, Error> {
        let _alone = self.shared.sending.lock().await;
        asked.answer(data)
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
            let writable = self.shared.file.writable().await;
            let mut writable = writable.map_err(|error| poll_failed(&error))?;
            // The reactor may still say what was true before: ask the bus.
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
        Error::Os {
            call: Call::Send | Call::Ask | Call::Answer,
            errno: Errno::EAGAIN,
        }
    )
}

fn poll_failed(error: &std::io::Error) -> Error {
    os(Call::Poll)(error.raw_os_error().map_or(Errno::EIO, Errno))
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
        self.ksock.shared.changed.notify_waiters();
    }
}

impl fmt::Debug for AsyncKsock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncKsock").field(self.ksock()).finish()
    }
}
