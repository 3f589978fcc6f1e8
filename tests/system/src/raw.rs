// SPDX-License-Identifier: GPL-2.0-only
//! The system calls of a KBUS device, and nothing else: numbers, layouts and
//! thin wrappers, written from the specification's tables (section 2) and not
//! from the project's own header or library, so that a mistake there cannot
//! hide itself here. The numbers are here, messages and Ksocks in files of
//! their own; what a message and an error are to a test is the conformance
//! suite's.

mod ksock;
mod message;

pub use ksock::*;
pub use message::*;

pub use kbus_test_conformance::errno::*;
pub use kbus_test_conformance::{ASK, LISTENER, REPLIER};

// ---- errno ---------------------------------------------------------------

pub fn errno() -> Errno {
    // SAFETY: the C library's errno belongs to this thread.
    Errno(unsafe { *libc::__errno_location() })
}

/// The result of a call that nix has made.
pub fn ours<T>(result: nix::Result<T>) -> Result<T> {
    result.map_err(|e| Errno(e as i32))
}

/// The usual convention: negative is failure, and errno says why.
pub fn check(result: i64) -> Result<i64> {
    if result < 0 {
        Err(errno())
    } else {
        Ok(result)
    }
}

// ---- numbers (2.5) -------------------------------------------------------

/// A number: its direction, in the two upper bits, and the size that it claims,
/// which is that of a pointer, whatever moves; so 32-bit programs have others.
const fn number(direction: u32, n: u32) -> u32 {
    let size = if direction == 0 { 0 } else { POINTER as u32 };
    (direction << 30) | (size << 16) | 0x6b00 | n
}

pub const RESET: u32 = number(0, 1);
pub const BIND: u32 = number(1, 2);
pub const UNBIND: u32 = number(1, 3);
pub const KSOCKID: u32 = number(2, 4);
pub const REPLIER_OF: u32 = number(3, 5);
pub const NEXTMSG: u32 = number(2, 6);
pub const LENLEFT: u32 = number(2, 7);
pub const SEND: u32 = number(2, 8);
pub const DISCARD: u32 = number(0, 9);
pub const LASTSENT: u32 = number(2, 10);
pub const MAXMSGS: u32 = number(3, 11);
pub const NUMMSGS: u32 = number(2, 12);
pub const UNREPLIEDTO: u32 = number(2, 13);
pub const MSGONLYONCE: u32 = number(3, 14);
pub const VERBOSE: u32 = number(3, 15);
pub const NEWDEVICE: u32 = number(2, 16);
pub const REPORTREPLIERBINDS: u32 = number(3, 17);
pub const MAXMSGSIZE: u32 = number(3, 18);

/// An addition, whose number has the size of its structure.
pub const REMOVEDEVICE: u32 = added(8, 27);

/// Such a number, for a structure that is written.
pub const fn added(size: u32, n: u32) -> u32 {
    (1 << 30) | (size << 16) | 0x6b00 | n
}

pub const ALL_IOCTLS: [u32; 18] = [
    RESET,
    BIND,
    UNBIND,
    KSOCKID,
    REPLIER_OF,
    NEXTMSG,
    LENLEFT,
    SEND,
    DISCARD,
    LASTSENT,
    MAXMSGS,
    NUMMSGS,
    UNREPLIEDTO,
    MSGONLYONCE,
    VERBOSE,
    NEWDEVICE,
    REPORTREPLIERBINDS,
    MAXMSGSIZE,
];
