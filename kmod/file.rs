// SPDX-License-Identifier: GPL-2.0-only

//! The operations of an open file: user memory on one side, a session on the other.

use crate::bus::id::KsockId;
use crate::classic::header::Layout;
use crate::classic::partial_message::PartialMessage;
use crate::devices::Devices;
use crate::ioctl::{self, Added, Reply, Request};
use crate::kapi::caller::{self, Abi};
use crate::kapi::chardev::OpenFile;
use crate::kapi::transfer::{Destination, Source};
use crate::kapi::waitq::{Events, WaitQueue};
use crate::limits;
use crate::pointy;
use crate::session::Session;
use kernel::fs::{file::flags, File as KernelFile};
use kernel::prelude::*;
use kernel::sync::Arc;

/// An open file.
#[pin_data]
pub(crate) struct File {
    #[pin]
    session: Session,
    writable: bool,
}

impl OpenFile for File {
    type Driver = Arc<Devices>;

    fn open(devices: &Arc<Devices>, minor: u32, file: &KernelFile) -> Result<Pin<KBox<Self>>> {
        let session = Session::open(devices, minor)?;
        KBox::try_pin_init(
            try_pin_init!(File {
                session <- session,
                writable: file.flags() & flags::O_ACCMODE != flags::O_RDONLY,
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )
    }

    fn read(&self, mut to: impl Destination) -> Result<usize> {
        loop {
            let Some(current) = self.session.current() else {
                return Ok(0);
            };
            to.rewind();
            let count = to.len().min(current.cursor.left());
            current.cursor.copy(count, |piece| to.put(piece))?;
            // If another thread read these very bytes meanwhile, or NEXTMSG came, before which
            // another may have read them, ours are the next.
            if self.session.advance(&current, count) {
                return Ok(count);
            }
        }
    }

    fn write(&self, from: &mut impl Source) -> Result<usize> {
        self.session.check_writable()?;
        let max_message = self.session.max_message();
        let (useful, len) = (
            PartialMessage::longest_useful_write(max_message),
            from.len(),
        );
        let layout = Layout::of_program(Abi::current() == Abi::Compat);
        self.session.write(layout, from.copy(useful), max_message)?;
        Ok(len)
    }

    fn ioctl(&self, file: &KernelFile, code: u32, argument: usize, abi: Abi) -> Result<i32> {
        if ioctl::is_added(code) {
            return self.perform_added(ioctl::decode_added(code, argument)?);
        }
        let (request, argument) = ioctl::decode(code, argument, abi)?;
        argument.store(self.perform(file, request)?)
    }

    fn wait_queue(&self) -> &WaitQueue {
        self.session.wait_queue()
    }

    fn poll(&self) -> Events {
        match self.session.poll(self.writable) {
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
    /// Does what an ioctl asks for.
    // Where a request is read, the compiler then goes on at what it asks for.
    #[inline(always)]
    fn perform(&self, file: &KernelFile, request: Request) -> Result<Reply> {
        let session = &self.session;
        Ok(match request {
            Request::Reset => Reply::Nothing,
            Request::Bind(bind) => {
                session.bind(bind.is_replier, bind.pattern)?;
                Reply::Nothing
            }
            Request::Unbind(bind) => {
                session.unbind(bind.is_replier, &bind.pattern)?;
                Reply::Nothing
            }
            Request::KsockId => Reply::Number(session.id().get()),
            Request::Replier(pattern) => {
                let found = match &pattern {
                    Some(pattern) => session.replier(pattern)?,
                    None => None,
                };
                Reply::Found(found.map(KsockId::get))
            }
            Request::NextMessage(layout) => Reply::Found(session.next_message(layout)?),
            Request::LeftToRead => Reply::Number(session.left_to_read()),
            Request::Send => session.send(pointy::fetch)?.into(),
            Request::Discard => {
                session.discard()?;
                Reply::Nothing
            }
            Request::LastSent => Reply::Id(session.last_sent()?),
            Request::MaxMessages(limit) => Reply::Number(session.set_max_messages(limit)?),
            Request::Queued => Reply::Number(session.queued()?),
            Request::Owed => Reply::Number(session.owed()?),
            Request::OnlyOnce(set) => Reply::Number(session.only_once(set)?.into()),
            Request::Verbose(set) => {
                changes_for_all(file, set.is_some())?;
                Reply::Number(session.verbose(set)?.into())
            }
            Request::NewDevice => {
                changes_for_all(file, true)?;
                Reply::Number(session.add_device()?)
            }
            Request::ReportReplierBinds(set) => {
                changes_for_all(file, set.is_some())?;
                Reply::Number(session.report_replier_binds(set)?.into())
            }
            Request::MaxMessageSize(size) => {
                // 0 and 1 ask.
                changes_for_all(file, size > 1)?;
                Reply::Number(session.set_max_message(size)?)
            }
        })
    }

    /// Does what an ioctl asks for that was added to the contract, and returns the call's result.
    fn perform_added(&self, request: Added) -> Result<i32> {
        match request {
            Added::RemoveDevice(number) => self.session.remove_device(number)?,
        }
        Ok(0)
    }
}

/// Sees to it that the calling program may do what changes something for all who use a bus, if
/// this does.
///
/// # Errors
///
/// EPERM.
fn changes_for_all(file: &KernelFile, does: bool) -> Result {
    if !does || !limits::are_settings_guarded() || caller::owns(file) || caller::is_admin() {
        return Ok(());
    }
    Err(EPERM)
}
