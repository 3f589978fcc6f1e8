// SPDX-License-Identifier: GPL-2.0-only
//! A connection to a bus: [`Ksock`], with every call of the contract but RESET,
//! which does nothing. What is said in one call here is one or two system
//! calls, which are in `sys`.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::asked::{Answer, Incoming};
use crate::deadline::Deadline;
use crate::error::{Call, Errno, Error};
use crate::id::{KsockId, MessageId};
use crate::inbox::{Inbox, Source, Wanted};
use crate::message::{Kind, Message};
use crate::name::{Name, Pattern};
use crate::request::Request;
use crate::sys;

/// A connection to a bus: an open file, with a queue of messages that have
/// arrived.
///
/// It can be shared between threads: each message goes to one of them, and a
/// [call](Request::call) gets its own answer whoever else is receiving. A
/// thread that wants a queue, or an order of sending, to itself opens its own
/// Ksock. Programs must not share one (section 3.9).
///
/// Closing happens when it is dropped. Whoever still waits for an answer of
/// this Ksock gets one from the bus.
#[derive(Debug)]
pub struct Ksock {
    device: Device,
    /// Held while a message is written and sent, which takes two calls. Inside
    /// are the refusals that could not go out yet, because an earlier message
    /// waits for room at its recipients.
    sending: Mutex<Vec<Message>>,
    inbox: Inbox,
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
    /// Hears all messages whose name matches. There may be many for a name,
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
            Access::Read => libc::O_RDONLY,
            Access::Write => libc::O_WRONLY,
            Access::ReadWrite => libc::O_RDWR,
        };
        let path: &OsStr = path.as_ref().as_ref();
        // There is no file with NUL in its name.
        let path = CString::new(path.as_bytes()).map_err(|_| Errno(libc::ENOENT));
        let opened = path.and_then(|path| sys::open(&path, access));
        opened.map(Ksock::from).map_err(refused(Call::Open))
    }

    // ---- Binding ----

    /// Binds to a name or a pattern.
    ///
    /// # Errors
    ///
    /// EADDRINUSE: there is a replier for exactly this name. EBADMSG: nobody
    /// can be the replier for `$.KBUS.ReplierBindEvent`. EAGAIN: somebody who
    /// is to be told of it has a full queue; it is not bound. EDQUOT: our user
    /// has as many bindings as it may. ENOMEM.
    pub fn bind(&self, role: Role, name: impl AsRef<Pattern>) -> Result<(), Error> {
        sys::bind(self.as_fd(), role.is_replier(), name.as_ref().as_bytes())
            .map_err(refused(Call::Bind))
    }

    /// Undoes one such binding, the newest. Messages in the queue that came
    /// because of it are gone; requests among them are answered by the bus.
    ///
    /// # Errors
    ///
    /// EINVAL: there is no such binding. EAGAIN: as for [`bind`](Ksock::bind);
    /// it is still bound.
    pub fn unbind(&self, role: Role, name: impl AsRef<Pattern>) -> Result<(), Error> {
        sys::unbind(self.as_fd(), role.is_replier(), name.as_ref().as_bytes())
            .map_err(refused(Call::Unbind))
    }

    /// Who is bound as replier to exactly this name or pattern. Wildcards are
    /// not looked into: this does not say who would answer a message.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn replier_of(&self, name: impl AsRef<Pattern>) -> Result<Option<KsockId>, Error> {
        sys::replier(self.as_fd(), name.as_ref().as_bytes())
            .map(KsockId::new)
            .map_err(refused(Call::Replier))
    }

    // ---- Sending ----

    /// Sends a message. Returns the id that the bus gave it.
    ///
    /// A message that nobody listens to is sent nevertheless. Listeners whose
    /// queue is full do not get it, unless its flags forbid that.
    ///
    /// # Errors
    ///
    /// Nobody has received it then:
    ///
    /// * EADDRNOTAVAIL: a request, and nobody replies to that name; or a
    ///   reply, and its recipient has gone.
    /// * EPIPE: a stateful request, and another is the replier now.
    /// * ECONNREFUSED: a reply that nobody expects, or no longer.
    /// * EBUSY: a queue is full: the replier's, that of who expects this
    ///   reply, or with [`ALL_OR_FAIL`](crate::Flags::ALL_OR_FAIL) anybody's.
    /// * EAGAIN: the same with [`ALL_OR_WAIT`](crate::Flags::ALL_OR_WAIT). The
    ///   message waits to be sent, under the id that
    ///   [`last_sent`](Ksock::last_sent) tells;
    ///   [`wait_writable`](Ksock::wait_writable) tries again and tells when it
    ///   is done with (section 7), [`discard`](Ksock::discard) gives it up.
    ///   EALREADY is what other messages get until then.
    /// * ENOLCK: a request, and our own queue has no room for the answer.
    /// * EMSGSIZE: larger than [`max_message_size`](Ksock::max_message_size).
    /// * EINVAL: both ALL_OR_WAIT and ALL_OR_FAIL.
    /// * EBADF: opened for reading only.
    /// * ENOMEM.
    pub fn send(&self, message: &Message) -> Result<MessageId, Error> {
        let mut refusals = self.refusals();
        self.send_refusals(&mut refusals);
        self.put(message)
    }

    fn refusals(&self) -> MutexGuard<'_, Vec<Message>> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends those of `refusals` that can be sent now. Others stay: whoever
    /// asked is not forgotten because our own message waits.
    fn send_refusals(&self, refusals: &mut Vec<Message>) {
        const WAIT: Option<Errno> = Some(Errno(libc::EALREADY));
        refusals.retain(|refusal| self.put(refusal).is_err_and(|error| error.errno() == WAIT));
    }

    /// Refuses a request, now or as soon as that is possible. When it fails
    /// for good, nobody waits for the answer any more, or the bus gives one
    /// when the Ksock closes.
    pub(crate) fn refuse(&self, refusal: Message) {
        let mut refusals = self.refusals();
        refusals.push(refusal);
        self.send_refusals(&mut refusals);
    }

    /// One message, by whoever holds `sending`.
    fn put(&self, message: &Message) -> Result<MessageId, Error> {
        let mut bytes = message.as_bytes();
        while !bytes.is_empty() {
            let written = sys::write(self.as_fd(), bytes).map_err(refused(Call::Write))?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        let call = match message.kind() {
            Kind::Request | Kind::StatefulRequest => Call::Ask,
            Kind::Reply | Kind::Status => Call::Answer,
            Kind::Announcement | Kind::BindEvent => Call::Send,
        };
        let id = sys::send(self.as_fd()).map_err(refused(call))?;
        Ok((id.network_id, id.serial_num).into())
    }

    /// A request, to be sent by [`Request::call`] or [`Request::send`].
    pub fn request(&self, name: &Name, data: impl AsRef<[u8]>) -> Request<'_> {
        Request::new(self, Message::request(name, data))
    }

    /// Sends a request and waits for the reply: [`Request::call`] for a
    /// message that exists already, a stateful request for example.
    ///
    /// # Errors
    ///
    /// As [`Request::call`]; [`Error::NotARequest`] when it is none, since
    /// there would never be an answer.
    pub fn call(&self, request: &Message, deadline: impl Into<Deadline>) -> Result<Message, Error> {
        is_request(request)?;
        let deadline = deadline.into();
        let id = self.inbox.expect(&self.device, || self.send(request))?;
        let answer = self
            .inbox
            .wait(Wanted::AnswerTo(id), deadline, &self.device);
        self.inbox.expect_no_more(id);
        a_reply(id, answer?.ok_or(Error::TimedOut { request: id })?)
    }

    /// Gives up the message that waits to be sent, if there is one.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn discard(&self) -> Result<(), Error> {
        sys::discard(self.as_fd()).map_err(refused(Call::Discard))?;
        self.send_refusals(&mut self.refusals());
        Ok(())
    }

    /// The last message that this Ksock sent, or tried to deliver; \[0:0\]
    /// before the first.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn last_sent(&self) -> Result<MessageId, Error> {
        let id = sys::last_sent(self.as_fd()).map_err(refused(Call::LastSent))?;
        Ok((id.network_id, id.serial_num).into())
    }

    // ---- Receiving ----

    /// The next message, if there is one. Never waits.
    ///
    /// While another thread waits for messages on this Ksock, they come
    /// through that thread, and this may say `None` for a moment longer.
    ///
    /// # Errors
    ///
    /// EBADF: opened for writing only. [`Error::Malformed`]: the message is
    /// lost, and what follows is not affected.
    pub fn next_message(&self) -> Result<Option<Message>, Error> {
        self.send_refusals(&mut self.refusals());
        self.inbox.take(Wanted::Next, &self.device)
    }

    /// The next message, as soon as there is one; `None` when the deadline has
    /// passed.
    ///
    /// # Errors
    ///
    /// As [`next_message`](Ksock::next_message).
    pub fn receive(&self, deadline: impl Into<Deadline>) -> Result<Option<Message>, Error> {
        self.send_refusals(&mut self.refusals());
        self.inbox.wait(Wanted::Next, deadline.into(), &self.device)
    }

    /// The same for repliers: a request that is for us to answer comes as
    /// something that cannot be forgotten.
    ///
    /// # Errors
    ///
    /// As [`next_message`](Ksock::next_message).
    pub fn incoming(&self, deadline: impl Into<Deadline>) -> Result<Option<Incoming<'_>>, Error> {
        let message = self.receive(deadline)?;
        Ok(message.map(|message| Incoming::new(self, message)))
    }

    /// All messages from now on, each as soon as it is there. Ends only with
    /// an error.
    pub fn messages(&self) -> Messages<'_> {
        self.messages_until(Deadline::NEVER)
    }

    /// The same, and ends when the deadline has passed and there are no more.
    /// With [`Duration::ZERO`](std::time::Duration::ZERO) these are the
    /// messages that are there already.
    pub fn messages_until(&self, deadline: impl Into<Deadline>) -> Messages<'_> {
        Messages {
            ksock: self,
            deadline: deadline.into(),
            failed: false,
        }
    }

    /// Answers requests until the deadline: each one that is for us goes to
    /// `answer`, and what that returns goes to whoever asked. There is no way
    /// to forget one: `answer` has to return something, and when it panics the
    /// request is declined.
    ///
    /// Messages that are not for us to answer are passed over. A program that
    /// wants these, too, or wants to answer later, loops over
    /// [`incoming`](Ksock::incoming). Whoever asked and has gone, or was
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
    ///
    /// [`Asked::answer`]: crate::Asked::answer
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
                Err(Error::Refused {
                    errno: Errno(libc::EADDRNOTAVAIL | libc::ECONNREFUSED),
                    ..
                })
                | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    // ---- Waiting ----

    /// Waits until the device has a message (true), or the deadline has passed
    /// (false). Takes nothing.
    ///
    /// This asks the device; a message that [`Request::call`] has put aside
    /// does not count. [`receive`](Ksock::receive) knows of both.
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn wait_readable(&self, deadline: impl Into<Deadline>) -> Result<bool, Error> {
        self.device.poll(libc::POLLIN, deadline.into())
    }

    /// Waits until a message can be sent (true), or the deadline has passed
    /// (false): that is, until none is waiting for room at its recipients. It
    /// does not tell what became of that one (section 7).
    ///
    /// # Errors
    ///
    /// ENOMEM.
    pub fn wait_writable(&self, deadline: impl Into<Deadline>) -> Result<bool, Error> {
        let writable = self.device.poll(libc::POLLOUT, deadline.into())?;
        if writable {
            self.send_refusals(&mut self.refusals());
        }
        Ok(writable)
    }

    // ---- What the bus knows ----

    /// Which Ksock this is: what others see as the sender.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn id(&self) -> Result<KsockId, Error> {
        let id = sys::ksock_id(self.as_fd()).map_err(refused(Call::KsockId))?;
        // Ids of Ksocks are never 0.
        KsockId::new(id).ok_or(refused(Call::KsockId)(Errno(libc::EIO)))
    }

    /// How many messages have arrived and wait in the kernel. Those that
    /// [`Request::call`] has put aside are not counted.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn num_messages(&self) -> Result<u32, Error> {
        sys::num_msgs(self.as_fd()).map_err(refused(Call::NumMessages))
    }

    /// How many requests we have taken and not answered.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn unreplied_to(&self) -> Result<u32, Error> {
        sys::unreplied_to(self.as_fd()).map_err(refused(Call::UnrepliedTo))
    }

    /// How much of the current message has not been read, in bytes. This
    /// library reads messages whole, so it is 0 unless others read here, too.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn len_left(&self) -> Result<u32, Error> {
        sys::len_left(self.as_fd()).map_err(refused(Call::LenLeft))
    }

    // ---- Settings of this Ksock ----

    /// How many messages our queue may hold, answers that we wait for
    /// included. 100 at first. It is also what [`Request::call`] may put aside,
    /// where it is more than 1000.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn max_messages(&self) -> Result<u32, Error> {
        sys::max_msgs(self.as_fd(), 0).map_err(refused(Call::MaxMessages))
    }

    /// Changes that, from 1 up. What is in the queue stays there. Returns the
    /// limit now in force.
    ///
    /// # Errors
    ///
    /// EINVAL: 0, which to the kernel means to ask.
    pub fn set_max_messages(&self, limit: u32) -> Result<u32, Error> {
        if limit == 0 {
            return Err(refused(Call::MaxMessages)(Errno(libc::EINVAL)));
        }
        sys::max_msgs(self.as_fd(), limit).map_err(refused(Call::MaxMessages))
    }

    /// Do we get a message only once, even when several of our bindings match?
    /// Not at first.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn only_once(&self) -> Result<bool, Error> {
        self.switch(sys::msg_only_once, sys::ONLY_ASK, Call::OnlyOnce)
    }

    /// Changes that, for messages from now on. Returns what it was.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn set_only_once(&self, on: bool) -> Result<bool, Error> {
        self.switch(sys::msg_only_once, on.into(), Call::OnlyOnce)
    }

    // ---- Settings of the bus ----

    /// Are there messages ([`Message::bind_event`]) when repliers come and go?
    /// Not at first. Concerns everybody on this bus.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn report_replier_binds(&self) -> Result<bool, Error> {
        self.switch(
            sys::report_replier_binds,
            sys::ONLY_ASK,
            Call::ReportReplierBinds,
        )
    }

    /// Changes that. Returns what it was. When it is turned on, our queue gets
    /// such a message for each replier there is.
    ///
    /// # Errors
    ///
    /// EBUSY: there was not room for all of them. It is on nevertheless.
    pub fn set_report_replier_binds(&self, on: bool) -> Result<bool, Error> {
        self.switch(
            sys::report_replier_binds,
            on.into(),
            Call::ReportReplierBinds,
        )
    }

    /// Does the kernel log what this bus does?
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn verbose(&self) -> Result<bool, Error> {
        self.switch(sys::verbose, sys::ONLY_ASK, Call::Verbose)
    }

    /// Changes that. Returns what it was.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn set_verbose(&self, on: bool) -> Result<bool, Error> {
        self.switch(sys::verbose, on.into(), Call::Verbose)
    }

    /// How long a message may be, in bytes, its header included
    /// ([`Message::as_bytes`]).
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn max_message_size(&self) -> Result<u32, Error> {
        sys::max_msg_size(self.as_fd(), 0).map_err(refused(Call::MaxMessageSize))
    }

    /// The most that can be allowed, in bytes.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn absolute_max_message_size(&self) -> Result<u32, Error> {
        sys::max_msg_size(self.as_fd(), 1).map_err(refused(Call::MaxMessageSize))
    }

    /// Changes how long a message may be: 100 bytes or more. Returns the limit
    /// now in force.
    ///
    /// # Errors
    ///
    /// EINVAL: less than 100, or more than
    /// [`absolute_max_message_size`](Ksock::absolute_max_message_size).
    pub fn set_max_message_size(&self, bytes: u32) -> Result<u32, Error> {
        // 0 and 1 mean to ask, to the kernel.
        if bytes <= 1 {
            return Err(refused(Call::MaxMessageSize)(Errno(libc::EINVAL)));
        }
        sys::max_msg_size(self.as_fd(), bytes).map_err(refused(Call::MaxMessageSize))
    }

    /// Makes another bus and returns its number. The device appears a little
    /// later.
    ///
    /// # Errors
    ///
    /// EINVAL: there are 256. EDQUOT: our user has made as many as it may.
    /// ENOMEM.
    pub fn new_device(&self) -> Result<u32, Error> {
        sys::new_device(self.as_fd()).map_err(refused(Call::NewDevice))
    }

    // ---- For the asynchronous side ----

    /// What is wanted, if it is there, and whether others find something now.
    #[cfg(feature = "tokio")]
    pub(crate) fn look(&self, wanted: Wanted) -> (Result<Option<Message>, Error>, bool) {
        self.inbox.look(wanted, &self.device)
    }

    /// See [`Inbox::expect`].
    #[cfg(feature = "tokio")]
    pub(crate) fn expect(
        &self,
        send: impl FnOnce() -> Result<MessageId, Error>,
    ) -> Result<MessageId, Error> {
        self.inbox.expect(&self.device, send)
    }

    /// See [`Inbox::expect_no_more`].
    #[cfg(feature = "tokio")]
    pub(crate) fn expect_no_more(&self, id: MessageId) {
        self.inbox.expect_no_more(id);
    }

    fn switch(
        &self,
        ioctl: fn(BorrowedFd<'_>, u32) -> Result<u32, Errno>,
        to: u32,
        call: Call,
    ) -> Result<bool, Error> {
        ioctl(self.as_fd(), to)
            .map(|was| was != 0)
            .map_err(refused(call))
    }
}

/// Is it something that will be answered?
pub(crate) fn is_request(message: &Message) -> Result<(), Error> {
    match message.kind() {
        Kind::Request | Kind::StatefulRequest => Ok(()),
        _ => Err(Error::NotARequest),
    }
}

/// The answer to `request` as a reply, or why it is none.
pub(crate) fn a_reply(request: MessageId, answer: Message) -> Result<Message, Error> {
    match answer.status() {
        Some(status) => Err(Error::Unanswered { request, status }),
        None => Ok(answer),
    }
}

pub(crate) fn refused(call: Call) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::Refused { call, errno }
}

/// The messages of a Ksock, see [`Ksock::messages`].
#[derive(Debug)]
pub struct Messages<'a> {
    ksock: &'a Ksock,
    deadline: Deadline,
    failed: bool,
}

impl Iterator for Messages<'_> {
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

// ---- The file ---------------------------------------------------------------

/// How many messages a call may put aside in any case: a queue of the usual
/// length may fill several times while somebody thinks about an answer.
const PUT_ASIDE: usize = 1000;

/// The file, as a place where messages come from.
#[derive(Debug)]
struct Device(OwnedFd);

impl Device {
    fn poll(&self, events: i16, deadline: Deadline) -> Result<bool, Error> {
        loop {
            match sys::poll(self.0.as_fd(), events, deadline.milliseconds()) {
                Ok(0) if deadline.has_passed() => return Ok(false),
                // Longer than poll can wait, or a signal: there is time left.
                Ok(0) | Err(Errno(libc::EINTR)) => {}
                Ok(_) => return Ok(true),
                Err(errno) => return Err(refused(Call::Poll)(errno)),
            }
        }
    }
}

impl Source for Device {
    fn next(&self) -> Result<Option<Message>, Error> {
        let fd = self.0.as_fd();
        let Some(len) = sys::next_msg(fd).map_err(refused(Call::NextMessage))? else {
            return Ok(None);
        };
        // A u32 fits: there is no Rust for Linux with smaller addresses.
        let len = len as usize;
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let left = len - bytes.len();
            if sys::read(fd, &mut bytes, left).map_err(refused(Call::Read))? == 0 {
                return Err(refused(Call::Read)(Errno(libc::EBADMSG)));
            }
        }
        Message::from_bytes(bytes).map(Some)
    }

    fn wait(&self, deadline: Deadline) -> Result<bool, Error> {
        self.poll(libc::POLLIN, deadline)
    }

    fn allows(&self, kept: usize) -> Result<bool, Error> {
        // The bus is asked only where it matters: a call must stay cheap.
        if kept < PUT_ASIDE {
            return Ok(true);
        }
        let limit = sys::max_msgs(self.0.as_fd(), 0).map_err(refused(Call::MaxMessages))?;
        // A u32 fits, as above.
        Ok(kept < limit as usize)
    }
}

/// For poll, select and epoll. Readable: there is a message. Take all there
/// are before waiting again, until [`Ksock::next_message`] says `None`: what
/// [`Request::call`] has put aside does not make the file readable.
impl AsFd for Ksock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.0.as_fd()
    }
}

impl AsRawFd for Ksock {
    fn as_raw_fd(&self) -> RawFd {
        self.device.0.as_raw_fd()
    }
}

/// A file that was opened elsewhere, or came from another process.
impl From<OwnedFd> for Ksock {
    fn from(fd: OwnedFd) -> Ksock {
        Ksock {
            device: Device(fd),
            sending: Mutex::default(),
            inbox: Inbox::default(),
        }
    }
}

/// Messages that [`Request::call`] has put aside are lost.
impl From<Ksock> for OwnedFd {
    fn from(ksock: Ksock) -> OwnedFd {
        ksock.device.0
    }
}

impl IntoRawFd for Ksock {
    fn into_raw_fd(self) -> RawFd {
        self.device.0.into_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_no_bus_says_so() {
        let error = Ksock::open(u32::MAX, Access::ReadWrite).unwrap_err();
        assert_eq!(error, refused(Call::Open)(Errno(libc::ENOENT)));
        assert_eq!(Ksock::open_path("a\0b", Access::Read).unwrap_err(), error);
        let null = Ksock::open_path("/dev/null", Access::ReadWrite).unwrap();
        assert_eq!(
            null.id().unwrap_err(),
            refused(Call::KsockId)(Errno(libc::ENOTTY))
        );
        assert!(null.next_message().is_err());
        assert!(null.receive(Duration::ZERO).is_err());
        let mut messages = null.messages();
        assert!(messages.next().is_some_and(|message| message.is_err()));
        assert!(messages.next().is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_before_the_kernel_is_asked() {
        let null = Ksock::open_path("/dev/null", Access::ReadWrite).unwrap();
        let invalid = |call| Err(refused(call)(Errno(libc::EINVAL)));
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
        assert_eq!(Ksock::from(OwnedFd::from(null)).as_raw_fd(), number);
    }
}
