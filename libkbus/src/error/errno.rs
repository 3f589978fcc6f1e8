// SPDX-License-Identifier: GPL-2.0-only
//! Errnos, with their names: [`Errno`].

use std::fmt;

use rustix::io::Errno as Number;

/// An errno, with its name.
///
/// Those that a bus gives, or this library, are constants and can be matched:
///
/// ```
/// use kbus::Errno;
///
/// assert_eq!(Errno(16), Errno::EBUSY);
/// assert_eq!(Errno::EBUSY.name(), Some("EBUSY"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:ident,)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                pub const $name: Errno = Errno(Number::$number.raw_os_error());
            )*

            /// Returns its name, as in `EADDRNOTAVAIL`; `None` for those that
            /// neither a bus gives nor this library.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $( Errno::$name => Some(stringify!($name)), )*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EPERM = PERM,
    ENOENT = NOENT,
    EINTR = INTR,
    EIO = IO,
    ENXIO = NXIO,
    EBADF = BADF,
    EAGAIN = AGAIN,
    ENOMEM = NOMEM,
    EACCES = ACCESS,
    EFAULT = FAULT,
    EBUSY = BUSY,
    ENODEV = NODEV,
    EISDIR = ISDIR,
    EINVAL = INVAL,
    ENFILE = NFILE,
    EMFILE = MFILE,
    ENOTTY = NOTTY,
    ESPIPE = SPIPE,
    EPIPE = PIPE,
    ENAMETOOLONG = NAMETOOLONG,
    ENOLCK = NOLCK,
    ENOMSG = NOMSG,
    EBADMSG = BADMSG,
    EMSGSIZE = MSGSIZE,
    EADDRINUSE = ADDRINUSE,
    EADDRNOTAVAIL = ADDRNOTAVAIL,
    ENOBUFS = NOBUFS,
    ETIMEDOUT = TIMEDOUT,
    ECONNREFUSED = CONNREFUSED,
    EALREADY = ALREADY,
    EDQUOT = DQUOT,
}

impl From<Number> for Errno {
    fn from(number: Number) -> Errno {
        Errno(number.raw_os_error())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}
