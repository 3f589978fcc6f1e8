// SPDX-License-Identifier: GPL-2.0-only
//! The device as a place where whole messages go in and come out: [`Device`].
//! Each of its calls is two or more system calls; what takes one is called
//! from where it is wanted, in `ksock`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::event::PollFlags;
use rustix::fs::OFlags;

use crate::deadline::Deadline;
use crate::error::{Call, Errno, Error};
use crate::message::{Kind, Message};
use crate::sys::calls;
use crate::wire::id::MessageId;

/// Where messages come from.
pub(crate) trait Source {
    /// Returns the next message, if there is one already.
    fn next(&self) -> Result<Option<Message>, Error>;
    /// Waits until there is one (true) or the deadline has passed (false).
    fn wait(&self, deadline: Deadline) -> Result<bool, Error>;
    /// Returns whether one more may be deferred when so many are.
    fn may_defer(&self, deferred: usize) -> Result<bool, Error>;
}

/// How many messages a call may defer in any case: a queue of the usual length
/// may fill several times while a replier thinks about an answer.
const DEFERRED: usize = 1000;

/// An open bus.
#[derive(Debug)]
pub(crate) struct Device {
    // Shared with tokio's reactor alone.
    file: Arc<OwnedFd>,
}

/// Returns the error for an errno of this call.
pub(crate) fn os(call: Call) -> impl FnOnce(Errno) -> Error {
    move |errno| Error::Os { call, errno }
}

impl Device {
    /// Opens the device at `path`. `access` is one of `RDONLY`, `WRONLY`,
    /// `RDWR`.
    pub(crate) fn open(path: &Path, access: OFlags) -> Result<Device, Error> {
        // There is no file with NUL in its name.
        if path.as_os_str().as_bytes().contains(&0) {
            return Err(os(Call::Open)(Errno::ENOENT));
        }
        let file = calls::open(path, access).map_err(os(Call::Open))?;
        Ok(Device::from(file))
    }

    /// Writes a message and sends it. The caller sees to it that no other
    /// message is written meanwhile.
    pub(crate) fn send(&self, message: &Message) -> Result<MessageId, Error> {
        let mut bytes = message.as_bytes();
        while !bytes.is_empty() {
            let written = calls::write(self.as_fd(), bytes).map_err(os(Call::Write))?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        let call = match message.kind() {
            Kind::Request | Kind::StatefulRequest => Call::Ask,
            Kind::Reply | Kind::Status => Call::Answer,
            Kind::Announcement | Kind::BindEvent => Call::Send,
        };
        let id = calls::send(self.as_fd()).map_err(os(call))?;
        Ok((id.network_id, id.serial_num).into())
    }

    /// Drops what was written, or waits to be sent.
    pub(crate) fn discard(&self) -> Result<(), Error> {
        calls::discard(self.as_fd()).map_err(os(Call::Discard))
    }

    /// Whether what waited was sent, by the bus, and nobody was told yet. Nothing new is written.
    pub(crate) fn was_sent(&self) -> bool {
        calls::send(self.as_fd()).is_ok()
    }

    /// Waits until one of `events` is there (true) or the deadline has passed
    /// (false).
    pub(crate) fn poll(&self, events: PollFlags, deadline: Deadline) -> Result<bool, Error> {
        loop {
            match calls::poll(self.as_fd(), events, deadline.left()) {
                Ok(ready) if !ready.is_empty() => return Ok(true),
                Ok(_) if deadline.has_passed() => return Ok(false),
                // A signal: there is time left.
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(os(Call::Poll)(errno)),
            }
        }
    }

    /// Returns the file, for tokio's reactor.
    #[cfg(feature = "tokio")]
    pub(crate) fn file(&self) -> Arc<OwnedFd> {
        self.file.clone()
    }

    /// Returns the file for others to use, or the device when the reactor has
    /// it.
    pub(crate) fn into_file(self) -> Result<OwnedFd, Device> {
        Arc::try_unwrap(self.file).map_err(|file| Device { file })
    }
}

impl Source for Device {
    fn next(&self) -> Result<Option<Message>, Error> {
        let fd = self.as_fd();
        let Some(len) = calls::next_msg(fd).map_err(os(Call::NextMessage))? else {
            return Ok(None);
        };
        // A u32 fits: there is no Rust for Linux with smaller addresses.
        let len = len as usize;
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            // The device never gives more than what is left of the message.
            if calls::read(fd, &mut bytes).map_err(os(Call::Read))? == 0 {
                return Err(os(Call::Read)(Errno::EBADMSG));
            }
        }
        Message::from_bytes(bytes).map(Some)
    }

    fn wait(&self, deadline: Deadline) -> Result<bool, Error> {
        self.poll(PollFlags::IN, deadline)
    }

    fn may_defer(&self, deferred: usize) -> Result<bool, Error> {
        // The bus is asked only where it matters: a call must stay cheap.
        if deferred < DEFERRED {
            return Ok(true);
        }
        let limit = calls::max_msgs(self.as_fd(), 0).map_err(os(Call::MaxMessages))?;
        // A u32 fits, as in `next`.
        Ok(deferred < limit as usize)
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<OwnedFd> for Device {
    fn from(file: OwnedFd) -> Device {
        Device {
            file: Arc::new(file),
        }
    }
}
