// SPDX-License-Identifier: GPL-2.0-only
//! What a request gets that gets no reply.

use std::fmt;

use crate::uapi;
use crate::wire::name::Name;

/// Why a request got no reply. Made by the bus, except where it says otherwise
/// (section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The replier closed, or died, before it had taken the request.
    GoneAway,
    /// The replier took the request and closed, or died, without a reply. A
    /// replier that uses this library says the same when it declines, see
    /// [`Asked`](crate::Asked).
    Ignored,
    /// The replier unbound before it had taken the request.
    Unbound,
    /// A request that was waiting to be sent found no replier any more.
    Disappeared,
    /// A request that was waiting to be sent could not be.
    ErrorSending,
    /// Something else, by its name: a daemon that joins buses says what went
    /// wrong on the other one.
    Other(Name),
}

impl From<&Name> for Status {
    fn from(name: &Name) -> Status {
        for (known, status) in [
            (uapi::KBUS_MSG_NAME_REPLIER_GONEAWAY, Status::GoneAway),
            (uapi::KBUS_MSG_NAME_REPLIER_IGNORED, Status::Ignored),
            (uapi::KBUS_MSG_NAME_REPLIER_UNBOUND, Status::Unbound),
            (uapi::KBUS_MSG_NAME_REPLIER_DISAPPEARED, Status::Disappeared),
            (uapi::KBUS_MSG_NAME_ERROR_SENDING, Status::ErrorSending),
        ] {
            if name.as_bytes() == known.to_bytes() {
                return status;
            }
        }
        Status::Other(name.clone())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::GoneAway => f.write_str("the replier went away before it took the request"),
            Status::Ignored => f.write_str("the replier took the request and did not answer it"),
            Status::Unbound => {
                f.write_str("the replier gave up the name before it took the request")
            }
            Status::Disappeared => f.write_str("the recipient was gone before it could be sent"),
            Status::ErrorSending => f.write_str("it was waiting to be sent and could not be"),
            Status::Other(name) => write!(f, "there is no reply: {name}"),
        }
    }
}
