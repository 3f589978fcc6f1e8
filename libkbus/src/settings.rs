// SPDX-License-Identifier: GPL-2.0-only
//! What a bus knows of a Ksock, and what can be set: of the Ksock, and of the
//! bus. Each is one ioctl.

use std::os::fd::{AsFd, BorrowedFd};

use crate::error::{Call, Errno, Error};
use crate::ksock::Ksock;
use crate::sys::calls;
use crate::sys::device::os;
use crate::wire::id::KsockId;

/// What the bus knows, and settings.
impl Ksock {
    // ---- What the bus knows ----

    /// Returns the id of this Ksock: what readers see as the sender.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn id(&self) -> Result<KsockId, Error> {
        let id = calls::ksock_id(self.as_fd()).map_err(os(Call::KsockId))?;
        // Ids of Ksocks are never 0.
        KsockId::new(id).ok_or(os(Call::KsockId)(Errno::EIO))
    }

    /// Returns how many messages have arrived and wait in the kernel. Those that
    /// a [call](crate::Request::call) has deferred are not counted.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn num_messages(&self) -> Result<u32, Error> {
        calls::num_msgs(self.as_fd()).map_err(os(Call::NumMessages))
    }

    /// Returns how many requests were taken and not answered.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn unreplied_to(&self) -> Result<u32, Error> {
        calls::unreplied_to(self.as_fd()).map_err(os(Call::UnrepliedTo))
    }

    /// Returns how much of the current message has not been read, in bytes.
    /// This library reads messages whole, so it is 0 unless others read here,
    /// too.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn len_left(&self) -> Result<u32, Error> {
        calls::len_left(self.as_fd()).map_err(os(Call::LenLeft))
    }

    // ---- Settings of this Ksock ----

    /// Returns how many messages our queue may hold, answers to come included.
    /// 100 at first. So many may a [call](crate::Request::call) defer, too, where
    /// that is more than 1000.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn max_messages(&self) -> Result<u32, Error> {
        calls::max_msgs(self.as_fd(), 0).map_err(os(Call::MaxMessages))
    }

    /// Changes how many messages our queue may hold, from 1 up. What is in the
    /// queue stays there. Returns the limit now in force.
    ///
    /// # Errors
    ///
    /// EINVAL: 0, which to the kernel means to ask.
    pub fn set_max_messages(&self, limit: u32) -> Result<u32, Error> {
        if limit == 0 {
            return Err(os(Call::MaxMessages)(Errno::EINVAL));
        }
        calls::max_msgs(self.as_fd(), limit).map_err(os(Call::MaxMessages))
    }

    /// Returns whether this Ksock gets a message only once when several of its
    /// bindings match. Not at first.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn only_once(&self) -> Result<bool, Error> {
        self.switch(calls::msg_only_once, calls::ONLY_ASK, Call::OnlyOnce)
    }

    /// Changes whether this Ksock gets a message only once when several of its
    /// bindings match, for messages from now on. Returns what it was.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn set_only_once(&self, on: bool) -> Result<bool, Error> {
        self.switch(calls::msg_only_once, on.into(), Call::OnlyOnce)
    }

    // ---- Settings of the bus ----

    /// Returns whether there are messages
    /// ([`Message::bind_event`](crate::Message::bind_event)) when repliers come
    /// and go. Not at first. It is a setting of the whole bus.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn report_replier_binds(&self) -> Result<bool, Error> {
        self.switch(
            calls::report_replier_binds,
            calls::ONLY_ASK,
            Call::ReportReplierBinds,
        )
    }

    /// Changes, for the whole bus, whether there are messages
    /// ([`Message::bind_event`](crate::Message::bind_event)) when repliers come
    /// and go. Returns what it was. When it is turned on, our queue gets such a
    /// message for each replier there is.
    ///
    /// # Errors
    ///
    /// EBUSY: the queue had no room for all of them. It is on nevertheless. EPERM: it is not for
    /// everybody (module parameter `kbus_settings`).
    pub fn set_report_replier_binds(&self, on: bool) -> Result<bool, Error> {
        self.switch(
            calls::report_replier_binds,
            on.into(),
            Call::ReportReplierBinds,
        )
    }

    /// Returns whether the kernel logs what this bus does.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn verbose(&self) -> Result<bool, Error> {
        self.switch(calls::verbose, calls::ONLY_ASK, Call::Verbose)
    }

    /// Changes whether the kernel logs what this bus does. Returns what it was.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus. EPERM: it is not for everybody (module parameter `kbus_settings`).
    pub fn set_verbose(&self, on: bool) -> Result<bool, Error> {
        self.switch(calls::verbose, on.into(), Call::Verbose)
    }

    /// Returns how long a message may be, in bytes, its header included
    /// ([`Message::as_bytes`](crate::Message::as_bytes)).
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn max_message_size(&self) -> Result<u32, Error> {
        calls::max_msg_size(self.as_fd(), 0).map_err(os(Call::MaxMessageSize))
    }

    /// Returns the longest that messages can be allowed to be, in bytes, header
    /// included.
    ///
    /// # Errors
    ///
    /// ENOTTY: this is no bus.
    pub fn absolute_max_message_size(&self) -> Result<u32, Error> {
        calls::max_msg_size(self.as_fd(), 1).map_err(os(Call::MaxMessageSize))
    }

    /// Changes how long a message may be on this bus, header included: 100 bytes
    /// or more. Returns the limit now in force, in bytes.
    ///
    /// # Errors
    ///
    /// EINVAL: less than 100, or more than
    /// [`absolute_max_message_size`](Ksock::absolute_max_message_size). EPERM: it is not for
    /// everybody (module parameter `kbus_settings`).
    pub fn set_max_message_size(&self, bytes: u32) -> Result<u32, Error> {
        // 0 and 1 mean to ask, to the kernel.
        if bytes <= 1 {
            return Err(os(Call::MaxMessageSize)(Errno::EINVAL));
        }
        calls::max_msg_size(self.as_fd(), bytes).map_err(os(Call::MaxMessageSize))
    }

    /// Makes another bus and returns its number. The device appears a little
    /// later.
    ///
    /// # Errors
    ///
    /// EINVAL: there are 256. EDQUOT: our user has made as many as it may.
    /// ENOMEM. EPERM: it is not for everybody (module parameter `kbus_settings`).
    pub fn new_device(&self) -> Result<u32, Error> {
        calls::new_device(self.as_fd()).map_err(os(Call::NewDevice))
    }

    /// Takes a bus away that [`new_device`](Ksock::new_device) has made, so that its number is free
    /// again. Any Ksock will do to ask by, but one of that bus.
    ///
    /// # Errors
    ///
    /// EPERM: another user made it, or the module had it from the beginning. EBUSY: somebody has
    /// it open. ENXIO: there is none.
    pub fn remove_device(&self, device: u32) -> Result<(), Error> {
        calls::remove_device(self.as_fd(), device).map_err(os(Call::RemoveDevice))
    }

    fn switch(
        &self,
        ioctl: fn(BorrowedFd<'_>, u32) -> Result<u32, Errno>,
        to: u32,
        call: Call,
    ) -> Result<bool, Error> {
        ioctl(self.as_fd(), to)
            .map(|was| was != 0)
            .map_err(os(call))
    }
}
