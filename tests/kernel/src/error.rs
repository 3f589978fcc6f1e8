// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::error`: an errno, and `Result` with it.

use crate::alloc::AllocError;
use core::{fmt, num::NonZeroI32};

/// A negative errno.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(NonZeroI32);

/// `Result` as kernel code means it.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

const MAX_ERRNO: i32 = 4095;

impl Error {
    /// `errno` is negative, as the kernel writes it; another number is a bug and gives `EINVAL`.
    pub fn from_errno(errno: i32) -> Error {
        Self::try_from_errno(errno).unwrap_or(code::EINVAL)
    }

    const fn try_from_errno(errno: i32) -> Option<Error> {
        if errno < -MAX_ERRNO || errno >= 0 {
            return None;
        }
        match NonZeroI32::new(errno) {
            Some(errno) => Some(Error(errno)),
            None => None,
        }
    }

    /// The negative errno.
    pub fn to_errno(self) -> i32 {
        self.0.get()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match code::name(*self) {
            Some(name) => f.debug_tuple(name).finish(),
            None => f.debug_tuple("Error").field(&-self.0.get()).finish(),
        }
    }
}

impl From<AllocError> for Error {
    fn from(_: AllocError) -> Error {
        code::ENOMEM
    }
}

impl From<core::num::TryFromIntError> for Error {
    fn from(_: core::num::TryFromIntError) -> Error {
        code::EINVAL
    }
}

impl From<core::str::Utf8Error> for Error {
    fn from(_: core::str::Utf8Error) -> Error {
        code::EINVAL
    }
}

impl From<fmt::Error> for Error {
    fn from(_: fmt::Error) -> Error {
        code::EINVAL
    }
}

impl From<core::convert::Infallible> for Error {
    fn from(e: core::convert::Infallible) -> Error {
        match e {}
    }
}

/// The errnos that the real crate names. (It has none for EADDRINUSE, ENOMSG and others: what
/// it lacks must be lacking here as well.)
pub mod code {
    use super::Error;

    macro_rules! errnos {
        ($($name:ident = $number:literal)*) => {
            $(
                #[doc = stringify!($name)]
                pub const $name: Error = match Error::try_from_errno(-$number) {
                    Some(error) => error,
                    None => panic!("not an errno"),
                };
            )*

            pub(super) fn name(error: Error) -> Option<&'static str> {
                match -error.to_errno() {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        };
    }

    errnos! {
        EPERM = 1 ENOENT = 2 ESRCH = 3 EINTR = 4 EIO = 5 ENXIO = 6 E2BIG = 7 ENOEXEC = 8
        EBADF = 9 ECHILD = 10 EAGAIN = 11 ENOMEM = 12 EACCES = 13 EFAULT = 14 EBUSY = 16
        EEXIST = 17 ENODEV = 19 EINVAL = 22 EMFILE = 24 ENOTTY = 25 EFBIG = 27 ENOSPC = 28
        ESPIPE = 29 EPIPE = 32 ERANGE = 34 EOVERFLOW = 75 EMSGSIZE = 90 ETIMEDOUT = 110
        ERESTARTSYS = 512
    }
}
