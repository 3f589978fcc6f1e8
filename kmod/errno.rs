// SPDX-License-Identifier: GPL-2.0

//! Which error number a program sees for what went wrong on the bus.

use crate::bus::BusError;
use crate::kapi::errno::*;
use kernel::prelude::*;

impl From<BusError> for Error {
    fn from(error: BusError) -> Error {
        match error {
            BusError::BadName => EBADMSG(),
            BusError::NameTooLong => ENAMETOOLONG(),
            BusError::NameTaken => EADDRINUSE(),
            BusError::NotBound => EINVAL,
            BusError::EventUndeliverable => EAGAIN,
            BusError::NobodyThere => EADDRNOTAVAIL(),
            BusError::NotAsked => ECONNREFUSED(),
            BusError::OtherReplier => EPIPE,
            BusError::RecipientFull => EBUSY,
            BusError::NoRoomForAnswer => ENOLCK(),
            BusError::CallerFull => EBUSY,
            BusError::NothingWritten => ENOMSG(),
            BusError::Unfinished => EINVAL,
            BusError::SendPending => EALREADY(),
            BusError::BadMessage => EINVAL,
            BusError::TooLong => EMSGSIZE,
            BusError::BadValue => EINVAL,
            BusError::NoMemory => ENOMEM,
            BusError::Closed => EBADF,
        }
    }
}
