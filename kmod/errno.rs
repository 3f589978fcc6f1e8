// SPDX-License-Identifier: GPL-2.0-only

//! Which error number a program sees for what went wrong on the bus.

use crate::bus::BusError;
use crate::kapi::errno;
use kernel::prelude::*;

impl From<BusError> for Error {
    fn from(error: BusError) -> Error {
        match error {
            BusError::BadName => errno::EBADMSG(),
            BusError::NameTooLong => errno::ENAMETOOLONG(),
            BusError::NameTaken => errno::EADDRINUSE(),
            BusError::NotBound => EINVAL,
            BusError::EventUndeliverable => EAGAIN,
            BusError::NobodyThere => errno::EADDRNOTAVAIL(),
            BusError::NotAsked => errno::ECONNREFUSED(),
            BusError::OtherReplier => EPIPE,
            BusError::RecipientFull => EBUSY,
            BusError::NoRoomForAnswer => errno::ENOLCK(),
            BusError::CallerFull => EBUSY,
            BusError::NothingWritten => errno::ENOMSG(),
            BusError::Unfinished => EINVAL,
            BusError::SendPending => errno::EALREADY(),
            BusError::BadMessage => EINVAL,
            BusError::TooLong => EMSGSIZE,
            BusError::BadValue => EINVAL,
            BusError::TooManyKsocks => errno::EDQUOT(),
            BusError::TooManyBindings => errno::EDQUOT(),
            BusError::TooManyBuses => errno::EDQUOT(),
            BusError::NoMemory => ENOMEM,
            BusError::Closed => EBADF,
        }
    }
}
