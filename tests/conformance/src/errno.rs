// SPDX-License-Identifier: GPL-2.0-only
//! Why a call failed: the number that the kernel gives, shown by its name.

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

pub type Result<T> = std::result::Result<T, Errno>;

macro_rules! errnos {
    ($($name:ident)*) => {
        $(pub const $name: Errno = Errno(libc::$name);)*

        impl fmt::Debug for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $(libc::$name => f.write_str(stringify!($name)),)*
                    other => write!(f, "errno {other}"),
                }
            }
        }

        impl Errno {
            /// The error of this name.
            pub fn named(name: &str) -> Option<Errno> {
                match name {
                    $(stringify!($name) => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

errnos! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EALREADY EBADF EBADMSG EBUSY ECHILD ECONNREFUSED
    EDQUOT EEXIST EFAULT EINTR EINVAL EIO EMFILE EMSGSIZE ENAMETOOLONG ENODEV ENOENT ENOLCK ENOMEM
    ENOMSG ENOSYS ENOTTY ENXIO EPERM EPIPE ESPIPE ESRCH ETXTBSY E2BIG
}
