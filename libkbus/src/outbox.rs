// SPDX-License-Identifier: GPL-2.0-only
//! Messages on their way to the device: [`Outbox`]. It lets one message at a
//! time be written and sent, which takes two system calls, and keeps the
//! declines that could not go out yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Errno, Error};
use crate::message::Message;
use crate::sys::device::Device;
use crate::wire::id::MessageId;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Held while a message is written and sent. Inside are the declines that
    /// are deferred because an earlier message waits for room at its
    /// recipients.
    deferred: Mutex<Vec<Message>>,
}

impl Outbox {
    /// Sends a message, and before it what was deferred.
    pub(crate) fn send(&self, device: &Device, message: &Message) -> Result<MessageId, Error> {
        let mut deferred = self.lock();
        flush(&mut deferred, device);
        device.send(message)
    }

    /// Sends what was deferred, as far as it can be sent now.
    pub(crate) fn flush(&self, device: &Device) {
        flush(&mut self.lock(), device);
    }

    /// Sends the message that declines a request, now or as soon as that is
    /// possible. When it fails for good, the requester waits no more, or the
    /// bus answers when the Ksock closes.
    pub(crate) fn decline(&self, device: &Device, decline: Message) {
        let mut deferred = self.lock();
        deferred.push(decline);
        flush(&mut deferred, device);
    }

    /// Gives up what waits to be sent. Returns whether that came too late: it was sent.
    pub(crate) fn discard(&self, device: &Device) -> Result<bool, Error> {
        let mut deferred = self.lock();
        device.discard()?;
        // Nothing is written: so SEND tells what became of what waited, or finds nothing.
        let sent = device.was_sent();
        flush(&mut deferred, device);
        Ok(sent)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that cannot be sent now stay: a requester is not forgotten because a
/// message of our own waits.
fn flush(deferred: &mut Vec<Message>, device: &Device) {
    deferred.retain(|decline| {
        let sent = device.send(decline);
        sent.is_err_and(|error| error.errno() == Some(Errno::EALREADY))
    });
}
