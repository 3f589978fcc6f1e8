// SPDX-License-Identifier: GPL-2.0

//! One open file of a bus: a Ksock (specification 3.1 to 3.6, and 3.8).

use crate::bus::id::{KsockId, MsgId};
use crate::bus::message::{padded_data_len, padded_name_len, Header, Message, GUARD};
use crate::bus::name::{Name, Pattern};
use crate::bus::quota::Limit;
use crate::bus::{BusError, NewBinding, NewKsock, Prealloc, Ready, Sent};
use crate::classic::header::{Layout, RawHeader};
use crate::classic::partial_message::{Finished, PartialMessage};
use crate::classic::read_cursor::ReadCursor;
use crate::device::{Device, Devices, Port};
use crate::kapi::caller::Caller;
use crate::kapi::chardev::{OpenFile, UserBuffer};
use crate::kapi::waitq::{Events, PollTable};
use crate::member::{self, Member};
use crate::port::FilePort;
use kernel::fs::{file::flags, File as KernelFile};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex, UniqueArc};
use kernel::uaccess::{UserPtr, UserSlice};

/// An open file.
#[pin_data(PinnedDrop)]
pub(crate) struct File {
    pub(crate) member: Member,
    pub(crate) device: Arc<Device>,
    /// Its Ksock's id.
    pub(crate) id: KsockId,
    /// The thread that opened it, in the initial pid namespace.
    pub(crate) pid: i32,
    port: Port,
    writable: bool,
    #[pin]
    pub(crate) state: Mutex<State>,
}

/// What a file is doing.
pub(crate) struct State {
    /// The message being written.
    partial: Option<PartialMessage>,
    /// A send waits for room. The bus has the message; this says that it has one.
    pending: bool,
    /// The message being read, and how many there have been.
    reading: Option<ReadCursor>,
    messages_read: u64,
    pub(crate) room: Prealloc<Port>,
}

impl OpenFile for File {
    type Driver = Arc<Devices>;

    fn open(devices: &Arc<Devices>, minor: u32, file: &KernelFile) -> Result<Pin<KBox<Self>>> {
        let device = devices.get(minor).ok_or(ENXIO)?;
        let pid = kernel::current!().pid();
        let port = FilePort::new()?;
        let member = Member::caller(devices)?;
        let ksock = NewKsock::new(port.clone(), member.user.clone())?;
        let state = State {
            partial: None,
            pending: false,
            reading: None,
            messages_read: 0,
            room: Prealloc::new()?,
        };
        KBox::pin_init(
            pin_init!(File {
                member,
                // The last thing that could fail was to get memory for all of this.
                id: device.bus.lock().open(ksock),
                device,
                pid,
                port,
                writable: file.flags() & flags::O_ACCMODE != flags::O_RDONLY,
                state <- new_mutex!(state, "kbus::File::state"),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    fn read(&self, buffer: UserBuffer) -> Result<usize> {
        loop {
            // User memory is touched without the lock, on a copy that costs a reference count.
            let Some((number, reading)) = self.current() else {
                return Ok(0);
            };
            let count = buffer.len.min(reading.total() - reading.at());
            let mut out = buffer.writer();
            reading.copy(count, |piece| out.write_slice(piece))?;

            let mut state = self.state.lock();
            let same = state.messages_read == number;
            let finished = match &mut state.reading {
                Some(now) if same && now.at() == reading.at() => now.advance(count),
                // Another thread read these very bytes meanwhile, or NEXTMSG came, before which
                // another may have read them: ours are the next.
                _ => continue,
            };
            let finished = if finished { state.reading.take() } else { None };
            self.port.show_reading(state.reading.as_ref());
            drop(state);
            drop(finished);
            return Ok(count);
        }
    }

    fn write(&self, buffer: UserBuffer) -> Result<usize> {
        if self.state.lock().pending {
            return Err(BusError::SendPending.into());
        }
        let max_message = self.device.max_message();
        let useful = buffer
            .len
            .min(PartialMessage::longest_useful_write(max_message));
        let mut bytes = KVVec::new();
        let copied = buffer
            .first(useful)
            .reader()
            .read_all(&mut bytes, GFP_KERNEL_ACCOUNT);

        let mut state = self.state.lock();
        if state.pending {
            return Err(BusError::SendPending.into());
        }
        let layout = Layout::of_program(Caller::current() == Caller::Compat);
        let partial = state
            .partial
            .get_or_insert_with(|| PartialMessage::new(layout));
        let outcome = copied.and_then(|()| Ok(partial.append(bytes, max_message)?));
        if outcome.is_err() {
            state.partial = None;
        }
        self.port.show_draft(state.partial.as_ref());
        outcome.map(|()| buffer.len)
    }

    fn ioctl(&self, code: u32, argument: usize, caller: Caller) -> Result<i32> {
        crate::ioctl::ioctl(self, code, argument, caller)
    }

    fn poll(&self, table: &PollTable<'_>) -> Events {
        table.watch(&self.port.queue);
        let seen = self.device.bus.lock().ready(self.id, self.writable);
        let ready = match seen {
            // Only a pending send keeps a file that is open for writing from being writable.
            Ok(ready) if self.writable && !ready.writable => self.poll_pending(),
            seen => seen,
        };
        match ready {
            Ok(ready) => {
                let readable = if ready.readable {
                    Events::READABLE
                } else {
                    Events::NONE
                };
                let writable = if ready.writable {
                    Events::WRITABLE
                } else {
                    Events::NONE
                };
                readable.or(writable)
            }
            // No memory to try the pending send again. Nothing will wake the caller when there
            // is, so it is told to go ahead: SEND will say what is wrong.
            Err(_) => Events::WRITABLE,
        }
    }
}

impl File {
    fn current(&self) -> Option<(u64, ReadCursor)> {
        let state = self.state.lock();
        Some((state.messages_read, state.reading.clone()?))
    }

    /// Tries the pending send again, and tells what poll tells then.
    fn poll_pending(&self) -> Result<Ready, BusError> {
        let mut state = self.state.lock();
        let me = self.id;
        let ready = self
            .device
            .act(&mut state.room, |bus, room| bus.poll(me, true, room))?;
        self.set_pending(&mut state, !ready.writable);
        Ok(ready)
    }

    /// Notes whether a send is pending. The bus knows it, and has the message.
    fn set_pending(&self, state: &mut State, pending: bool) {
        state.pending = pending;
        if !pending {
            self.port.show_draft(state.partial.as_ref());
        }
    }

    /// NEXTMSG: the length of the next message in this program's layout, which becomes the one
    /// being read; nothing if there is none. The one before is given up either way.
    pub(crate) fn next_message(&self, layout: Layout) -> Result<Option<u32>> {
        let mut state = self.state.lock();
        let before = state.reading.take();
        state.messages_read += 1;
        let me = self.id;
        let next = self
            .device
            .act(&mut state.room, |bus, room| Ok(bus.next(me, room)?))?;
        state.reading = next.map(|next| ReadCursor::new(layout, next.content, next.yours));
        let length = state.reading.as_ref().map(|r| r.total() as u32);
        self.port.show_reading(state.reading.as_ref());
        drop(state);
        drop(before);
        Ok(length)
    }

    /// LENLEFT: how many bytes of the current message have not been read.
    pub(crate) fn left_to_read(&self) -> u32 {
        let state = self.state.lock();
        let left = state.reading.as_ref().map(|r| r.total() - r.at());
        left.unwrap_or(0) as u32
    }

    /// DISCARD: drops what is being written, or waits for room.
    pub(crate) fn discard(&self) -> Result {
        let mut state = self.state.lock();
        state.partial = None;
        if state.pending {
            let me = self.id;
            self.device.act(&mut state.room, |bus, room| {
                bus.discard(me, room);
                Ok(())
            })?;
        }
        self.set_pending(&mut state, false);
        Ok(())
    }

    /// SEND: sends what was written, or tries again to send what waits.
    pub(crate) fn send(&self) -> Result<Sent> {
        let mut state = self.state.lock();
        let mut message = None;
        if !state.pending {
            let partial = state.partial.take().ok_or(BusError::NothingWritten)?;
            let whole = match partial.finish() {
                Ok(Finished::Entire(whole)) => Ok(whole),
                Ok(Finished::Pointy(written)) => {
                    // User memory again: without the lock.
                    drop(state);
                    let whole = fetch_message(&written);
                    state = self.state.lock();
                    if state.pending {
                        return Err(BusError::SendPending.into());
                    }
                    whole
                }
                Err(error) => Err(error.into()),
            };
            match whole.and_then(|whole| Ok(UniqueArc::new(whole, GFP_KERNEL_ACCOUNT)?)) {
                Ok(whole) => message = Some(whole),
                Err(error) => {
                    self.port.show_draft(state.partial.as_ref());
                    return Err(error);
                }
            }
        }
        let me = self.id;
        let sent = match state.room.expect_as_usual() {
            Ok(()) => self.device.act(&mut state.room, |bus, room| {
                bus.send(me, &mut message, room)
            }),
            Err(error) => Err(error),
        };
        let pending = match sent {
            Ok(Sent::Waiting(_)) => true,
            // Nothing was done: what waited still waits.
            Err(BusError::NoMemory) => state.pending,
            Ok(Sent::Delivered(_)) | Err(_) => false,
        };
        self.set_pending(&mut state, pending);
        Ok(sent?)
    }

    /// BIND: makes a binding; any number but 0 is for a replier.
    pub(crate) fn bind(&self, is_replier: u32, name: KVec<u8>) -> Result {
        let mut new = Some(NewBinding::new(self.id, self.pid, is_replier, name)?);
        let mut state = self.state.lock();
        let bound = self
            .device
            .act(&mut state.room, |bus, room| bus.bind(&mut new, room));
        if bound == Err(BusError::TooManyBindings) {
            member::warn(&self.member.user, Limit::Bindings);
        }
        Ok(bound?)
    }

    /// UNBIND: takes the newest such binding away.
    pub(crate) fn unbind(&self, is_replier: u32, name: &[u8]) -> Result {
        let pattern = Pattern::new(name)?;
        let mut state = self.state.lock();
        let me = self.id;
        let unbound = self.device.act(&mut state.room, |bus, room| {
            bus.unbind(me, is_replier, &pattern, room)
        })?;
        drop(state);
        drop(unbound);
        Ok(())
    }

    /// MAXMSGS: sets the limit of the queue, unless it is 0; answers what it is then.
    pub(crate) fn limit(&self, limit: u32) -> Result<u32> {
        let mut state = self.state.lock();
        let me = self.id;
        let limit = self
            .device
            .act(&mut state.room, |bus, room| Ok(bus.limit(me, limit, room)?))?;
        Ok(limit)
    }

    /// REPORTREPLIERBINDS: switches the announcing of repliers, if told to; answers what it was.
    pub(crate) fn report_replier_binds(&self, set: Option<bool>) -> Result<bool> {
        let mut state = self.state.lock();
        let me = self.id;
        let was = self.device.act(&mut state.room, |bus, room| {
            bus.report_replier_binds(me, set, room)
        })?;
        Ok(was)
    }

    /// The id of the last message that this Ksock tried to deliver.
    pub(crate) fn last_sent(&self) -> Result<MsgId> {
        Ok(self.device.bus.lock().ksock(self.id)?.last_sent)
    }
}

/// Fetches name and data of a pointy message from the program that wrote it.
fn fetch_message(written: &RawHeader) -> Result<Message> {
    let Header {
        name_len, data_len, ..
    } = written.header;
    let body_len = written.header.body_len() as usize;
    let mut body = KVVec::with_capacity(body_len, GFP_KERNEL_ACCOUNT)?;
    // The byte behind the name must be there, but its value does not matter (3.8 step 4).
    fetch(
        &mut body,
        written.name,
        name_len,
        1,
        padded_name_len(name_len),
    )?;
    let name = Name::new(body.get(..name_len as usize).unwrap_or(&[]))?.checked();
    fetch(
        &mut body,
        written.data,
        data_len,
        0,
        padded_data_len(data_len),
    )?;
    body.extend_from_slice(&GUARD, GFP_KERNEL_ACCOUNT)?;
    Ok(Message::new(written.header, name, body, 0)?)
}

/// Appends `len` bytes at `from`, zero padded, of which `spare` more must be readable.
fn fetch(body: &mut KVVec<u8>, from: usize, len: u32, spare: usize, padded: u64) -> Result {
    let end = body.len() + padded as usize;
    let from = UserSlice::new(UserPtr::from_addr(from), len as usize + spare);
    from.read_all(body, GFP_KERNEL_ACCOUNT)?;
    body.resize(end, 0, GFP_KERNEL_ACCOUNT)?;
    Ok(())
}

#[pinned_drop]
impl PinnedDrop for File {
    fn drop(self: Pin<&mut Self>) {
        let mut state = self.state.lock();
        let me = self.id;
        // Closing must succeed. If the memory to tell of unbindings is not to be had, it is told
        // instead that they were lost.
        for short in [false, true] {
            let closed = self
                .device
                .act(&mut state.room, |bus, room| bus.close(me, short, room));
            if closed.is_ok() {
                break;
            }
        }
    }
}
