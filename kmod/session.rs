// SPDX-License-Identifier: GPL-2.0-only

//! An open Ksock and what can be done with it (specification 3.1 to 3.8). User memory is not
//! touched here: what comes from it is given, what goes there is returned.

use crate::account::Account;
use crate::bus::id::{KsockId, MsgId};
use crate::bus::message::Message;
use crate::bus::name::Pattern;
use crate::bus::quota::Limit;
use crate::bus::{BusError, NewBinding, NewKsock, Ready, Refusal, Replay, Sent};
use crate::classic::header::{Layout, RawHeader};
use crate::classic::partial_message::Finished;
use crate::classic::read_cursor::ReadCursor;
use crate::classic::{Classic, CurrentMessage};
use crate::device::{Bus, InUse, Prealloc};
use crate::devices::Devices;
use crate::kapi::bytes::Bytes;
use crate::kapi::waitq::WaitQueue;
use crate::notify::FileNotify;
use core::fmt;
use kernel::prelude::*;
use kernel::str::BStr;
use kernel::sync::{new_mutex, Arc, Mutex, UniqueArc};

/// An open Ksock. Dropping it closes it.
#[pin_data(PinnedDrop)]
pub(crate) struct Session {
    account: Account,
    device: InUse,
    /// Its Ksock's id.
    id: KsockId,
    /// The thread that opened it, in the initial pid namespace.
    pid: i32,
    notify: Arc<FileNotify>,
    #[pin]
    state: Mutex<State>,
}

/// What a session is doing.
struct State {
    classic: Classic,
    prealloc: Prealloc,
}

impl Session {
    /// Opens a Ksock on the bus of this number.
    ///
    /// # Errors
    ///
    /// ENXIO if there is no such bus, EDQUOT if the user has as many Ksocks as it may have,
    /// ENOMEM.
    pub(crate) fn open(devices: &Arc<Devices>, number: u32) -> Result<impl PinInit<Self, Error>> {
        let device = devices.open(number).ok_or(ENXIO)?;
        let pid = kernel::current!().pid();
        let notify = FileNotify::new()?;
        let account = Account::of_caller(devices)?;
        let mut new = Some(NewKsock::new(notify.clone(), account.user().clone())?);
        let mut state = State {
            classic: Classic::new(),
            prealloc: Prealloc::new()?,
        };
        Ok(try_pin_init!(Session {
            account,
            // All memory is there. What comes behind this cannot fail.
            id: device.act(&mut state.prealloc, |bus, _| bus.open(&mut new))?,
            device,
            pid,
            notify,
            state <- new_mutex!(state, "kbus::Session::state"),
        }? Error))
    }

    /// Returns the Ksock's id.
    pub(crate) fn id(&self) -> KsockId {
        self.id
    }

    /// Returns the queue in which those who poll the file wait.
    pub(crate) fn wait_queue(&self) -> &WaitQueue {
        &self.notify.queue
    }

    /// Says what it does, if the bus is verbose.
    fn say(&self, what: fmt::Arguments<'_>) {
        self.device.say(self.id, self.account.user().key.uid, what);
    }

    /// Does one verb of the bus.
    fn act<R>(
        &self,
        verb: impl FnMut(&mut Bus, &mut Prealloc) -> Result<R, Refusal>,
    ) -> Result<R, BusError> {
        self.device.act(&mut self.state.lock().prealloc, verb)
    }

    /// Makes a binding (BIND); any number but 0 is for a replier.
    ///
    /// # Errors
    ///
    /// Those of [`NewBinding::new`] and of the bus's verb.
    pub(crate) fn bind(&self, is_replier: u32, pattern: Pattern) -> Result<(), BusError> {
        let name = self.device.verbose(None).then(|| copy_of(&pattern));
        let bound = NewBinding::new(self.id, self.pid, is_replier, pattern).and_then(|new| {
            let mut new = Some(new);
            self.act(|bus, prealloc| bus.bind(&mut new, prealloc))
        });
        if bound == Err(BusError::TooManyBindings) {
            self.account.warn(Limit::Bindings);
        }
        if let Some(name) = name {
            let name = BStr::from_bytes(&name);
            match (bound, is_replier) {
                (Ok(()), 0) => self.say(fmt!("listens to {name}")),
                (Ok(()), _) => self.say(fmt!("replies to {name}")),
                (Err(why), _) => self.say(fmt!("cannot bind to {name}: {}", why.reason())),
            }
        }
        bound
    }

    /// Takes the newest such binding away (UNBIND).
    ///
    /// # Errors
    ///
    /// Those of the bus's verb.
    pub(crate) fn unbind(&self, is_replier: u32, pattern: &Pattern) -> Result<(), BusError> {
        // What was taken away is freed here, where nothing is locked.
        let unbound = self
            .act(|bus, prealloc| bus.unbind(self.id, is_replier, pattern, prealloc))
            .map(drop);
        let name = BStr::from_bytes(pattern.text());
        match unbound {
            Ok(()) => self.say(fmt!("unbinds from {name}")),
            Err(why) => self.say(fmt!("cannot unbind from {name}: {}", why.reason())),
        }
        unbound
    }

    /// Returns the Ksock that is bound as replier to exactly this name (REPLIER).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn replier(&self, pattern: &Pattern) -> Result<Option<KsockId>, BusError> {
        self.act(|bus, _| Ok(bus.replier(pattern)))
    }

    /// Sets the limit of the queue, in messages, unless it is 0, and returns it (MAXMSGS).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn set_max_messages(&self, limit: u32) -> Result<u32, BusError> {
        self.act(|bus, prealloc| Ok(bus.limit(self.id, limit, prealloc)?))
    }

    /// Returns how many messages are queued (NUMMSGS).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn queued(&self) -> Result<u32, BusError> {
        self.device.look(|bus| Ok(bus.ksock(self.id)?.queue.len()))
    }

    /// Returns how many requests were read and not yet answered (UNREPLIEDTO).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn owed(&self) -> Result<u32, BusError> {
        self.device.look(|bus| Ok(bus.ksock(self.id)?.owed.len()))
    }

    /// Returns the id of the last message that this Ksock tried to deliver (LASTSENT).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn last_sent(&self) -> Result<MsgId, BusError> {
        self.device.look(|bus| Ok(bus.ksock(self.id)?.last_sent))
    }

    /// Sets whether one message is queued only once for this Ksock, if `set` says so, and
    /// returns what was set before (MSGONLYONCE).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn only_once(&self, set: Option<bool>) -> Result<bool, BusError> {
        self.act(|bus, prealloc| Ok(bus.only_once(self.id, set, prealloc)?))
    }

    /// Sets whether the bus is verbose, if `set` says so, and returns what was set before
    /// (VERBOSE).
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn verbose(&self, set: Option<bool>) -> Result<bool, BusError> {
        Ok(self.device.verbose(set))
    }

    /// Sets whether the bindings of repliers are announced, if `set` says so, and returns what
    /// was set before (REPORTREPLIERBINDS).
    ///
    /// # Errors
    ///
    /// Those of the bus's verb.
    pub(crate) fn report_replier_binds(&self, set: Option<bool>) -> Result<bool, BusError> {
        let mut replay = Replay::default();
        self.act(|bus, prealloc| bus.report_replier_binds(self.id, set, &mut replay, prealloc))
    }

    /// Makes the next bus and returns its number (NEWDEVICE).
    ///
    /// # Errors
    ///
    /// Those of [`Account::add_device`].
    pub(crate) fn add_device(&self) -> Result<u32> {
        self.account.add_device()
    }

    /// Takes a bus away (REMOVEDEVICE).
    ///
    /// # Errors
    ///
    /// Those of [`Account::remove_device`].
    pub(crate) fn remove_device(&self, number: u32) -> Result<()> {
        self.account.remove_device(number)
    }

    /// Sets how long a message may be on this bus, in bytes, and returns it (MAXMSGSIZE).
    ///
    /// # Errors
    ///
    /// Those of [`Device::set_max_message`].
    pub(crate) fn set_max_message(&self, size: u32) -> Result<u32, BusError> {
        self.device.set_max_message(size)
    }

    /// Returns how long a message may be on this bus, in bytes.
    pub(crate) fn max_message(&self) -> u32 {
        self.device.max_message()
    }

    /// Returns what can be done without waiting. `writable` says that the file is open for writing:
    /// then a send that still waits is tried again.
    ///
    /// # Errors
    ///
    /// `NoMemory` to try again with.
    pub(crate) fn poll(&self, writable: bool) -> Result<Ready, BusError> {
        let ready = self.device.look(|bus| bus.ready(self.id, writable))?;
        // Only a send that was left to the bus keeps a file that is open for writing from being
        // writable.
        if ready.writable == writable {
            return Ok(ready);
        }
        self.act(|bus, prealloc| bus.poll(self.id, true, prealloc))
    }
}

/// The classic calls.
impl Session {
    /// Returns whether a message can be written.
    ///
    /// # Errors
    ///
    /// `SendPending` while one waits to be sent.
    pub(crate) fn check_writable(&self) -> Result<(), BusError> {
        self.check_writable_now(&mut self.state.lock())
    }

    #[inline(always)]
    fn check_writable_now(&self, state: &mut State) -> Result<(), BusError> {
        match state.classic.pending {
            true => self.ask_whether_writable(state),
            false => Ok(()),
        }
    }

    #[cold]
    fn ask_whether_writable(&self, state: &mut State) -> Result<(), BusError> {
        let may_write = self.device.act(&mut state.prealloc, |bus, prealloc| {
            bus.may_write(self.id, prealloc)
        })?;
        if !may_write {
            return Err(BusError::SendPending);
        }
        self.set_pending(state, false);
        Ok(())
    }

    /// Appends what was written, which is what could be copied from user memory. After an error
    /// nothing is left of the message.
    ///
    /// # Errors
    ///
    /// EALREADY while a message waits to be sent, the error of the copying, and those of 3.4.
    pub(crate) fn write(&self, layout: Layout, bytes: Result<Bytes>, max_message: u32) -> Result {
        let mut state = self.state.lock();
        self.check_writable_now(&mut state)?;
        let outcome =
            bytes.and_then(|bytes| Ok(state.classic.append(layout, bytes, max_message)?));
        if outcome.is_err() {
            state.classic.give_up();
        }
        self.notify.show_written(state.classic.written());
        outcome
    }

    /// Drops what is being written, or waits for capacity (DISCARD). What was delivered meanwhile
    /// is not undone: SEND tells of it.
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn discard(&self) -> Result<(), BusError> {
        let mut state = self.state.lock();
        state.classic.give_up();
        let mut too_late = false;
        if state.classic.pending {
            too_late = self.device.act(&mut state.prealloc, |bus, prealloc| {
                Ok(bus.discard(self.id, prealloc))
            })?;
        }
        self.set_pending(&mut state, too_late);
        Ok(())
    }

    /// Sends what was written, or tells what became of what waited (SEND).
    ///
    /// `fetch` makes a message of a pointy one's header. It is called without any lock.
    ///
    /// # Errors
    ///
    /// Those of 3.8: what was written was no message, could not be fetched, or is refused by the
    /// bus.
    pub(crate) fn send(&self, fetch: impl FnOnce(&RawHeader) -> Result<Message>) -> Result<Sent> {
        let mut state = self.state.lock();
        let mut message = None;
        if !state.classic.pending {
            let partial = state.classic.take_partial();
            let whole = match partial.ok_or(BusError::NothingWritten)?.finish() {
                Ok(Finished::Entire(whole)) => Ok(whole),
                Ok(Finished::Pointy(header)) => {
                    drop(state);
                    let whole = fetch(&header);
                    state = self.state.lock();
                    self.check_writable_now(&mut state)?;
                    whole
                }
                Err(error) => Err(error.into()),
            };
            match whole.and_then(|whole| Ok(UniqueArc::new(whole, GFP_KERNEL_ACCOUNT)?)) {
                Ok(whole) => message = Some(whole),
                Err(error) => {
                    self.notify.show_written(state.classic.written());
                    self.say_no_message(error);
                    return Err(error);
                }
            }
        }
        let sent = self.device.act(&mut state.prealloc, |bus, prealloc| {
            bus.send(self.id, &mut message, prealloc)
        });
        let pending = match sent {
            Ok(Sent::Waiting(_)) => true,
            // Nothing was done: what waited still waits.
            Err(BusError::NoMemory) => state.classic.pending,
            Ok(Sent::Delivered(_)) | Err(_) => false,
        };
        self.set_pending(&mut state, pending);
        if let Err(why) = sent {
            self.say_refused(message.as_deref(), why);
        }
        Ok(sent?)
    }

    /// Says that what was written is no message.
    #[cold]
    fn say_no_message(&self, why: Error) {
        self.say(fmt!("sends what is no message: {why:?}"));
    }

    /// Says why a message was refused; nothing is the one that waited.
    #[cold]
    fn say_refused(&self, message: Option<&Message>, why: BusError) {
        let Some(message) = message else {
            return self.say(fmt!("sends what waited, in vain: {}", why.reason()));
        };
        let header = message.header();
        let kind = if header.is_request() {
            "a request"
        } else if header.is_reply() {
            "a reply"
        } else {
            "an announcement"
        };
        let name = BStr::from_bytes(message.name().text());
        self.say(fmt!("sends {kind} {name} in vain: {}", why.reason()));
    }

    /// Notes whether a send was left to the bus.
    fn set_pending(&self, state: &mut State, pending: bool) {
        state.classic.pending = pending;
        if !pending {
            self.notify.show_written(state.classic.written());
        }
    }

    /// Makes the next message the current one, to be read in this layout, and returns its
    /// length in bytes, or nothing if there is none (NEXTMSG). The one before is given up either
    /// way.
    ///
    /// # Errors
    ///
    /// None that a caller sees.
    pub(crate) fn next_message(&self, layout: Layout) -> Result<Option<u32>, BusError> {
        let mut state = self.state.lock();
        if state.classic.pending {
            self.hear_of_refusal(&mut state);
        }
        let next = self.device.act(&mut state.prealloc, |bus, prealloc| {
            Ok(bus.next(self.id, prealloc)?)
        })?;
        let next = next.map(|next| ReadCursor::new(layout, next.content, next.yours));
        let length = next.as_ref().map(|next| next.total() as u32);
        let before = state.classic.replace_current(next);
        self.notify.show_read((0, length.unwrap_or(0)));
        drop(state);
        drop(before);
        Ok(length)
    }

    /// A message may tell that the send that was left to the bus was refused. Without memory for
    /// that, it will later.
    #[cold]
    fn hear_of_refusal(&self, state: &mut State) {
        let _ = self.device.act(&mut state.prealloc, |bus, prealloc| {
            bus.tell_refusal(self.id, prealloc)
        });
    }

    /// Returns how many bytes of the current message have not been read (LENLEFT).
    pub(crate) fn left_to_read(&self) -> u32 {
        let (at, total) = self.state.lock().classic.read();
        total - at
    }

    /// Returns the current message, to be copied to its reader without the lock.
    pub(crate) fn current(&self) -> Option<CurrentMessage> {
        self.state.lock().classic.current()
    }

    /// Goes on behind the `count` bytes that were copied of `seen`, and returns whether those
    /// were the next ones indeed.
    pub(crate) fn advance(&self, seen: &CurrentMessage, count: usize) -> bool {
        let mut state = self.state.lock();
        let Ok(finished) = state.classic.advance(seen, count) else {
            return false;
        };
        self.notify.show_read(state.classic.read());
        drop(state);
        drop(finished);
        true
    }
}

#[pinned_drop]
impl PinnedDrop for Session {
    fn drop(self: Pin<&mut Self>) {
        let mut state = self.state.lock();
        let me = self.id;
        let mut closing = None;
        loop {
            let done = self.device.act(&mut state.prealloc, |bus, prealloc| {
                bus.close(me, &mut closing, prealloc)
            });
            match (done, &mut closing) {
                (Ok(false), _) => (),
                // Closing must succeed. If the memory to tell of unbindings is not to be had, it
                // is told instead that they were lost.
                (Err(_), Some(closing)) if !closing.short => closing.short = true,
                (Ok(true), _) | (Err(_), _) => break,
            }
        }
        self.say(fmt!("is closed"));
    }
}

/// A name to speak of. Without memory for it, it is nameless.
fn copy_of(pattern: &Pattern) -> KVec<u8> {
    let mut name = KVec::new();
    let _ = name.extend_from_slice(pattern.text(), GFP_KERNEL_ACCOUNT);
    name
}
