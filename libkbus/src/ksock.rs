// SPDX-License-Identifier: GPL-2.0-only
//! A connection to a bus: [`Ksock`], with every call of the contract but RESET,
//! which does nothing. Here are opening, binding, sending and receiving; what
//! a bus knows and can be set to is in `settings`, requests in `request` and
//! `incoming`.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use rustix::event::PollFlags;
use rustix::fs::OFlags;

use crate::deadline::Deadline;
use crate::error::{Call, Error};
#[cfg(feature = "tokio")]
use crate::inbox::Ready;
use crate::inbox::{Inbox, Wanted};
use crate::message::{Kind, Message};
use crate::outbox::Outbox;
use crate::sys::calls;
use crate::sys::device::{os, Device};
use crate::wire::id::{KsockId, MessageId};
use crate::wire::name::Pattern;

/// A connection to a bus: an open file, with a queue of messages that have
/// arrived.
///
/// A clone is the same Ksock, and costs no system call; so it can be shared
/// between threads and tasks. Each message goes to one of them, and a
/// [call](crate::Request::call) gets its own answer whichever thread is
/// receiving. A thread that wants a queue, or an order of sending, to itself
/// opens its own Ksock. Programs must not share one (section 3.9).
///
/// The last clone to be dropped closes it; what holds one, like
/// [`Asked`](crate::Asked) and [`Messages`], counts. A requester that
/// still waits for an answer of this Ksock gets one from the bus then.
///
/// ```no_run
/// use kbus::{Access, Ksock, Message, Name};
///
/// let bus = Ksock::open(0, Access::ReadWrite)?;
/// let teller = bus.clone();
/// std::thread::spawn(move || {
///     teller.send(&Message::announcement(&Name::new("$.Door.Bell")?, "ring"))
/// });
/// # Ok::<(), kbus::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ksock {
    shared: Arc<Shared>,
}

/// What all clones of a Ksock are. A call goes one way: through the outbox to
/// the device, or through the inbox to the device.
#[derive(Debug)]
struct Shared {
    inbox: Inbox,
    outbox: Outbox,
    device: Device,
}

/// What a Ksock is opened for. Binding and asking for settings work with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Receiving only.
    Read,
    /// Sending only.
    Write,
    /// Both; asking and answering need that.
    ReadWrite,
}

/// What a Ksock binds as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Gets all messages whose name matches. There may be many for a name,
    /// and one Ksock may be so many times; it gets a copy for each.
    Listener,
    /// Gets the requests whose name matches, and answers them. There is one
    /// for a name; of several that match, an exact name goes before `%`, and
    /// `%` before `*` (section 5.2).
    Replier,
}

impl Role {
    fn is_replier(self) -> u32 {
        u32::from(self == Role::Replier)
    }
}

impl Ksock {
    // ---- Opening ----

    /// Opens bus number `bus`, which is `/dev/kbus<bus>`.
    ///
    /// # Errors
    ///
    /// ENOENT: there is no such bus. EACCES: we may not use it. EDQUOT: our
    /// user has as many Ksocks as it may. ENOMEM.
    pub fn open(bus: u32, access: Access) -> Result<Ksock, Error> {
        Ksock::open_path(format!("/dev/kbus{bus}"), access)
    }

    /// Opens a bus by the path of its device.
    ///
    /// # Errors
    ///
    /// As [`open`](Ksock::open). Whether it is a bus at all shows in the first
    /// call, by ENOTTY.
    pub fn open_path(path: impl AsRef<Path>, access: Access) -> Result<Ksock, Error> {
        let access = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::WRONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        Device::open(path.as_ref(), access).map(Ksock::new)
    }

    fn new(device: Device) -> Ksock {
        Ksock {
            shared: Arc::new(Shared {
                inbox: Inbox::default(),
                outbox: Outbox::default(),
                device,
            }),
        }
    }

    // ---- Binding ----

    /// Binds to a name or a pattern.
    ///
    /// # Errors
    ///
    /// EADDRINUSE: there is a replier for exactly this name. EBADMSG: there can
    /// be no replier for `$.KBUS.ReplierBindEvent`. EAGAIN: the queue of a
    /// listener for bind events is full; it is not bound. EDQUOT: our user has
    /// as many bindings as it may. ENOMEM.
    pub fn bind(&self, role: Role, name: impl AsRef<Pattern>) -> Result<(), Error> {
        calls::bind(self.as_fd(), role.is_replier(), name.as_ref().as_bytes())
            .map_err(os(Call::Bind))
    }

    /// Undoes a binding to this name or pattern in this role, of several the
    /// newest. Messages in the queue that came because of it are gone; requests
    /// among them are answered by the bus.
    ///
    /// # Errors
    ///
    /// EINVAL: there is no such binding. EAGAIN: the queue of a listener for bind
    /// events is full; it is still bound.
    pub fn unbind(&self, role: Role, name: impl AsRef<Pattern>) -> Result<(), Error> {
        calls::unbind(self.as_fd(), role.is_replier(), name.as_ref().as_bytes())
            .map_err(os(Call::Unbind))
    }

    /// Returns the Ksock that is bound as replier to exactly this name or
    /// pattern. Wildcards are not looked into: it need not be the one that would
    /// answer a message.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn replier_of(&self, name: impl AsRef<Pattern>) -> Result<Option<KsockId>, Error> {
        calls::replier(self.as_fd(), name.as_ref().as_bytes())
            .map(KsockId::new)
            .map_err(os(Call::Replier))
    }

    // ---- Sending ----

    /// Sends a message. Returns the id that the bus gave it.
    ///
    /// A message without listeners is sent nevertheless. Listeners whose queue
    /// is full do not get it, unless its flags forbid that.
    ///
    /// # Errors
    ///
    /// No Ksock has received it then:
    ///
    /// * EADDRNOTAVAIL: a request, and that name has no replier; or a
    ///   reply, and its recipient has gone.
    /// * EPIPE: a stateful request, and another is the replier now.
    /// * ECONNREFUSED: a reply that is not expected, or no longer.
    /// * EBUSY: a queue is full: the replier's, the requester's for a reply, or
    ///   with [`ALL_OR_FAIL`](crate::Flags::ALL_OR_FAIL) any listener's.
    /// * EAGAIN: a queue is full, and the message is sent with
    ///   [`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT). It waits to be sent, under
    ///   the id that [`last_sent`](Ksock::last_sent) returns;
    ///   the bus sends it as soon as it can,
    ///   [`wait_writable`](Ksock::wait_writable) tells when it is done with
    ///   (section 7), [`discard`](Ksock::discard) gives it up.
    /// * EALREADY: an earlier message waits to be sent.
    /// * ENOLCK: a request, and our own queue has no room for the answer.
    /// * EMSGSIZE: larger than [`max_message_size`](Ksock::max_message_size).
    /// * EINVAL: both ALL_OR_WAIT and ALL_OR_FAIL.
    /// * EBADF: opened for reading only.
    /// * ENOMEM.
    pub fn send(&self, message: &Message) -> Result<MessageId, Error> {
        self.shared.outbox.send(&self.shared.device, message)
    }

    /// Sends what declines a request, now or as soon as that is possible.
    pub(crate) fn decline(&self, declining: Message) {
        self.shared.outbox.decline(&self.shared.device, declining);
    }

    fn send_deferred(&self) {
        self.shared.outbox.flush(&self.shared.device);
    }

    /// Sends a request, waits for the reply and returns that:
    /// [`Request::call`](crate::Request::call) for a message that exists
    /// already, a stateful request for example.
    ///
    /// # Errors
    ///
    /// As [`Request::call`](crate::Request::call); [`Error::NotARequest`] when
    /// it is none, since there would never be an answer.
    pub fn call(&self, request: &Message, deadline: impl Into<Deadline>) -> Result<Message, Error> {
        is_request(request)?;
        let deadline = deadline.into();
        let Shared {
            inbox,
            outbox,
            device,
        } = &*self.shared;
        let ready = inbox.ready(device)?;
        let id = outbox.send(device, request)?;
        ready.expect(id);
        let answer = inbox.wait(Wanted::AnswerTo(id), deadline, device);
        inbox.expect_no_more(id);
        a_reply(id, answer?.ok_or(Error::TimedOut { request: id })?)
    }

    /// Gives up the message that waits to be sent, if there is one. Returns
    /// false if that came too late, because it was sent: the bus itself sends
    /// what waits, as soon as it can.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn discard(&self) -> Result<bool, Error> {
        let sent = self.shared.outbox.discard(&self.shared.device)?;
        Ok(!sent)
    }

    /// Returns the id of the last message that this Ksock sent, or tried to
    /// deliver; \[0:0\] before the first.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn last_sent(&self) -> Result<MessageId, Error> {
        let id = calls::last_sent(self.as_fd()).map_err(os(Call::LastSent))?;
        Ok((id.network_id, id.serial_num).into())
    }

    // ---- Receiving ----

    /// Returns the next message, if there is one. Never waits.
    ///
    /// While another thread waits for messages on this Ksock, they come
    /// through that thread, and this may return `None` for a moment longer.
    ///
    /// # Errors
    ///
    /// EBADF: opened for writing only. [`Error::Malformed`]: the message is
    /// lost, and what follows is not affected.
    pub fn next_message(&self) -> Result<Option<Message>, Error> {
        self.send_deferred();
        let Shared { inbox, device, .. } = &*self.shared;
        inbox.take(Wanted::Next, device)
    }

    /// Returns the next message, as soon as there is one; `None` when the
    /// deadline has passed.
    ///
    /// # Errors
    ///
    /// As [`next_message`](Ksock::next_message).
    pub fn receive(&self, deadline: impl Into<Deadline>) -> Result<Option<Message>, Error> {
        self.send_deferred();
        let Shared { inbox, device, .. } = &*self.shared;
        inbox.wait(Wanted::Next, deadline.into(), device)
    }

    /// Returns all messages from now on, each as soon as it is there. Ends only
    /// with an error.
    pub fn messages(&self) -> Messages {
        self.messages_until(Deadline::NEVER)
    }

    /// Returns all messages from now on, each as soon as it is there, until the
    /// deadline has passed and there are no more. With
    /// [`Duration::ZERO`](std::time::Duration::ZERO) these are the
    /// messages that are there already.
    pub fn messages_until(&self, deadline: impl Into<Deadline>) -> Messages {
        Messages {
            ksock: self.clone(),
            deadline: deadline.into(),
            failed: false,
        }
    }

    // ---- Waiting ----

    /// Waits until the device has a message (true), or the deadline has passed
    /// (false). Takes nothing.
    ///
    /// This asks the device; a message that a [call](crate::Request::call) has
    /// deferred does not count. [`receive`](Ksock::receive) knows of both.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn wait_readable(&self, deadline: impl Into<Deadline>) -> Result<bool, Error> {
        self.shared.device.poll(PollFlags::IN, deadline.into())
    }

    /// Waits until a message can be sent (true), or the deadline has passed
    /// (false): that is, until none is waiting for room at its recipients. It
    /// does not tell what became of that one (section 7).
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn wait_writable(&self, deadline: impl Into<Deadline>) -> Result<bool, Error> {
        let writable = self.shared.device.poll(PollFlags::OUT, deadline.into())?;
        if writable {
            self.send_deferred();
        }
        Ok(writable)
    }
}

/// Fails unless the message will be answered.
pub(crate) fn is_request(message: &Message) -> Result<(), Error> {
    match message.kind() {
        Kind::Request | Kind::StatefulRequest => Ok(()),
        _ => Err(Error::NotARequest),
    }
}

/// Returns the answer to `request` as a reply, or why it is none.
pub(crate) fn a_reply(request: MessageId, answer: Message) -> Result<Message, Error> {
    match answer.status() {
        Some(status) => Err(Error::Unanswered { request, status }),
        None => Ok(answer),
    }
}

/// The messages of a Ksock, see [`Ksock::messages`].
#[derive(Debug)]
pub struct Messages {
    ksock: Ksock,
    deadline: Deadline,
    failed: bool,
}

impl Iterator for Messages {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Result<Message, Error>> {
        if self.failed {
            return None;
        }
        let received = self.ksock.receive(self.deadline);
        self.failed = received.is_err();
        received.transpose()
    }
}

/// What an asynchronous Ksock is made of.
#[cfg(feature = "tokio")]
impl Ksock {
    pub(crate) fn file(&self) -> Arc<OwnedFd> {
        self.shared.device.file()
    }

    /// See [`Inbox::look`].
    pub(crate) fn look(&self, wanted: Wanted) -> (Result<Option<Message>, Error>, bool) {
        self.shared.inbox.look(wanted, &self.shared.device)
    }

    /// See [`Inbox::ready`].
    pub(crate) fn ready(&self) -> Result<Ready<'_>, Error> {
        self.shared.inbox.ready(&self.shared.device)
    }

    /// See [`Inbox::expect_no_more`].
    pub(crate) fn expect_no_more(&self, id: MessageId) {
        self.shared.inbox.expect_no_more(id);
    }
}

/// For poll, select and epoll. Readable: there is a message. Take all there
/// are before waiting again, until [`Ksock::next_message`] returns `None`: what
/// a [call](crate::Request::call) has deferred does not make the file readable.
impl AsFd for Ksock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.device.as_fd()
    }
}

impl AsRawFd for Ksock {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// A file that was opened elsewhere, or came from another process.
impl From<OwnedFd> for Ksock {
    fn from(file: OwnedFd) -> Ksock {
        Ksock::new(Device::from(file))
    }
}

/// The file, without the library. Gives the Ksock back when there is another
/// clone of it. Messages that a [call](crate::Request::call) has deferred are
/// lost.
impl TryFrom<Ksock> for OwnedFd {
    type Error = Ksock;

    fn try_from(ksock: Ksock) -> Result<OwnedFd, Ksock> {
        let shared = Arc::try_unwrap(ksock.shared).map_err(|shared| Ksock { shared })?;
        let Shared {
            inbox,
            outbox,
            device,
        } = shared;
        device.into_file().map_err(|device| Ksock {
            shared: Arc::new(Shared {
                inbox,
                outbox,
                device,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Errno;
    use crate::wire::name::Name;
    use std::time::Duration;

    #[test]
    fn what_is_no_bus_says_so() {
        let error = Ksock::open(u32::MAX, Access::ReadWrite).unwrap_err();
        assert_eq!(error, os(Call::Open)(Errno::ENOENT));
        assert_eq!(Ksock::open_path("a\0b", Access::Read).unwrap_err(), error);
        let null = Ksock::open_path("/dev/null", Access::ReadWrite).unwrap();
        assert_eq!(null.id().unwrap_err(), os(Call::KsockId)(Errno::ENOTTY));
        assert!(null.next_message().is_err());
        assert!(null.receive(Duration::ZERO).is_err());
        let mut messages = null.messages();
        assert!(messages.next().is_some_and(|message| message.is_err()));
        assert!(messages.next().is_none());
    }

    #[test]
    fn what_cannot_be_fails_before_the_kernel_is_asked() {
        let null = Ksock::open_path("/dev/null", Access::ReadWrite).unwrap();
        let invalid = |call| Err(os(call)(Errno::EINVAL));
        assert_eq!(null.set_max_messages(0), invalid(Call::MaxMessages));
        assert_eq!(null.set_max_message_size(1), invalid(Call::MaxMessageSize));
        let hello = Message::announcement(&Name::new("$.A").unwrap(), "");
        assert_eq!(null.call(&hello, Duration::ZERO), Err(Error::NotARequest));
    }

    #[test]
    fn a_ksock_goes_anywhere() {
        fn sound<T: Send + Sync>() {}
        sound::<Ksock>();
        let null = Ksock::open_path("/dev/null", Access::Read).unwrap();
        let number = null.as_raw_fd();
        let clone = null.clone();
        assert_eq!(clone.as_raw_fd(), number);
        let null = OwnedFd::try_from(null).unwrap_err();
        drop(clone);
        let file = OwnedFd::try_from(null).unwrap();
        assert_eq!(Ksock::from(file).as_raw_fd(), number);
    }
}
