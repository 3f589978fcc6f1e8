// SPDX-License-Identifier: GPL-2.0-only
//! The system calls: one function for each ioctl of the contract, and open,
//! read, write and poll. Every `unsafe` of the library is in this file. It
//! knows layouts and numbers; what anything means is said elsewhere.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void, CStr};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::error::Errno;
use crate::uapi::{self, kbus_bind_query, kbus_bind_request, kbus_msg_id};

type Result<T> = std::result::Result<T, Errno>;

/// What the switches (MSGONLYONCE, VERBOSE, REPORTREPLIERBINDS) take to leave
/// things as they are and only tell.
pub(crate) const ONLY_ASK: u32 = u32::MAX;

fn last() -> Errno {
    // The error was made from errno, so there is a number in it.
    Errno(
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO),
    )
}

/// Calls again when a signal came before anything was done. EAGAIN is what a
/// read or write says then (section 3); nothing else makes them say it.
fn again<T>(mut call: impl FnMut() -> Result<T>, while_: &[c_int]) -> Result<T> {
    loop {
        match call() {
            Err(Errno(errno)) if while_.contains(&errno) => {}
            result => return result,
        }
    }
}

// ---- Files ------------------------------------------------------------------

/// `access` is one of O_RDONLY, O_WRONLY, O_RDWR.
pub(crate) fn open(path: &CStr, access: c_int) -> Result<OwnedFd> {
    again(
        || {
            // SAFETY: `path` ends in NUL and outlives the call.
            match unsafe { libc::open(path.as_ptr(), access | libc::O_CLOEXEC) } {
                -1 => Err(last()),
                // SAFETY: open has just made this descriptor; nobody else has it.
                fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            }
        },
        &[libc::EINTR],
    )
}

/// Reads into the unused capacity of `buf`, at most `max` bytes. 0: the
/// message has ended.
pub(crate) fn read(fd: BorrowedFd<'_>, buf: &mut Vec<u8>, max: usize) -> Result<usize> {
    again(
        || {
            let spare = buf.spare_capacity_mut();
            let max = max.min(spare.len());
            // SAFETY: `spare` is `max` bytes or more that are ours to write.
            let len = unsafe { libc::read(fd.as_raw_fd(), spare.as_mut_ptr().cast(), max) };
            let len = usize::try_from(len).map_err(|_| last())?;
            // SAFETY: the kernel has written `len` bytes behind the old end,
            // and never more than `max`.
            unsafe { buf.set_len(buf.len() + len) };
            Ok(len)
        },
        &[libc::EINTR, libc::EAGAIN],
    )
}

pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    again(
        || {
            // SAFETY: `bytes` is valid for reading for the whole call.
            let len = unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
            usize::try_from(len).map_err(|_| last())
        },
        &[libc::EINTR, libc::EAGAIN],
    )
}

/// Waits for `events` up to `milliseconds` (negative: for ever). EINTR comes
/// through: only the caller knows how much time is left.
pub(crate) fn poll(fd: BorrowedFd<'_>, events: i16, milliseconds: c_int) -> Result<i16> {
    let mut fd = libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    };
    // SAFETY: one pollfd, which outlives the call.
    match unsafe { libc::poll(&mut fd, 1, milliseconds) } {
        -1 => Err(last()),
        _ => Ok(fd.revents),
    }
}

/// Shows the file to tokio's reactor, as long as the result exists.
#[cfg(feature = "tokio")]
pub(crate) fn watch(ksock: crate::Ksock) -> Result<tokio::io::unix::AsyncFd<crate::Ksock>> {
    // SAFETY: a Ksock owns its file and closes it when it is dropped; there is
    // nothing in it by which the file could become another, and the result
    // gives no `&mut` away.
    let watched = unsafe { tokio::io::unix::AsyncFd::register(ksock) };
    watched.map_err(|error| {
        let (_, error) = error.into_parts();
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    })
}

// ---- The ioctls -------------------------------------------------------------

/// # Safety
///
/// `arg` must be what the ioctl `code` transfers: null, or valid for reading
/// and writing of the object behind `code` in the table of section 2.5.
unsafe fn ioctl(fd: BorrowedFd<'_>, code: u32, arg: *mut c_void) -> Result<c_int> {
    again(
        || {
            // The C libraries differ in the type of a number, hence `as _`.
            // SAFETY: the caller vouches for `arg`.
            match unsafe { libc::ioctl(fd.as_raw_fd(), uapi::number_here(code) as _, arg) } {
                -1 => Err(last()),
                value => Ok(value),
            }
        },
        &[libc::EINTR],
    )
}

/// # Safety
///
/// `code` must be an ioctl that transfers nothing.
unsafe fn ioctl_nothing(fd: BorrowedFd<'_>, code: u32) -> Result<()> {
    // SAFETY: the caller says that nothing is transferred.
    unsafe { ioctl(fd, code, ptr::null_mut()) }.map(drop)
}

/// # Safety
///
/// `code` must be an ioctl that reads or writes one u32 and nothing more.
unsafe fn ioctl_u32(fd: BorrowedFd<'_>, code: u32, value: u32) -> Result<(c_int, u32)> {
    let mut value = value;
    // SAFETY: the caller says that it is a u32, which `value` is.
    let result = unsafe { ioctl(fd, code, ptr::from_mut(&mut value).cast()) }?;
    Ok((result, value))
}

/// # Safety
///
/// `code` must be an ioctl that writes a kbus_msg_id.
unsafe fn ioctl_id(fd: BorrowedFd<'_>, code: u32) -> Result<kbus_msg_id> {
    let mut id = kbus_msg_id {
        network_id: 0,
        serial_num: 0,
    };
    // SAFETY: the caller says that it is a kbus_msg_id, which `id` is.
    unsafe { ioctl(fd, code, ptr::from_mut(&mut id).cast()) }?;
    Ok(id)
}

/// # Safety
///
/// `code` must be an ioctl that reads a kbus_bind_request.
unsafe fn ioctl_bind(fd: BorrowedFd<'_>, code: u32, is_replier: u32, name: &[u8]) -> Result<()> {
    let mut request = kbus_bind_request {
        is_replier,
        name_len: len(name),
        // The kernel only reads the name.
        name: name.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the caller says that it is a kbus_bind_request, and name and
    // name_len in it describe `name`, which outlives the call.
    unsafe { ioctl(fd, code, ptr::from_mut(&mut request).cast()) }.map(drop)
}

/// A name too long for the field is too long for the bus as well, which says
/// so before it looks at the bytes.
fn len(name: &[u8]) -> u32 {
    u32::try_from(name.len()).unwrap_or(u32::MAX)
}

pub(crate) fn bind(fd: BorrowedFd<'_>, is_replier: u32, name: &[u8]) -> Result<()> {
    // SAFETY: BIND reads a kbus_bind_request.
    unsafe { ioctl_bind(fd, uapi::KBUS_IOC_BIND, is_replier, name) }
}

pub(crate) fn unbind(fd: BorrowedFd<'_>, is_replier: u32, name: &[u8]) -> Result<()> {
    // SAFETY: UNBIND reads a kbus_bind_request.
    unsafe { ioctl_bind(fd, uapi::KBUS_IOC_UNBIND, is_replier, name) }
}

pub(crate) fn ksock_id(fd: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: KSOCKID writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_KSOCKID, 0) }.map(|(_, id)| id)
}

/// 0: nobody.
pub(crate) fn replier(fd: BorrowedFd<'_>, name: &[u8]) -> Result<u32> {
    let mut query = kbus_bind_query {
        return_id: 0,
        name_len: len(name),
        name: name.as_ptr().cast_mut().cast(),
    };
    // SAFETY: REPLIER reads and writes a kbus_bind_query; name and name_len
    // describe `name`, which outlives the call and is only read.
    unsafe { ioctl(fd, uapi::KBUS_IOC_REPLIER, ptr::from_mut(&mut query).cast()) }?;
    Ok(query.return_id)
}

/// The length in bytes of the message that is now to be read.
pub(crate) fn next_msg(fd: BorrowedFd<'_>) -> Result<Option<u32>> {
    // SAFETY: NEXTMSG writes a u32.
    let (any, len) = unsafe { ioctl_u32(fd, uapi::KBUS_IOC_NEXTMSG, 0) }?;
    Ok((any != 0).then_some(len))
}

pub(crate) fn len_left(fd: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: LENLEFT writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_LENLEFT, 0) }.map(|(_, len)| len)
}

pub(crate) fn send(fd: BorrowedFd<'_>) -> Result<kbus_msg_id> {
    // SAFETY: SEND writes a kbus_msg_id. What it reads through pointers in a
    // pointy message does not concern us: we write entire ones only.
    unsafe { ioctl_id(fd, uapi::KBUS_IOC_SEND) }
}

pub(crate) fn discard(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: DISCARD transfers nothing.
    unsafe { ioctl_nothing(fd, uapi::KBUS_IOC_DISCARD) }
}

pub(crate) fn last_sent(fd: BorrowedFd<'_>) -> Result<kbus_msg_id> {
    // SAFETY: LASTSENT writes a kbus_msg_id.
    unsafe { ioctl_id(fd, uapi::KBUS_IOC_LASTSENT) }
}

/// 0 asks.
pub(crate) fn max_msgs(fd: BorrowedFd<'_>, limit: u32) -> Result<u32> {
    // SAFETY: MAXMSGS reads and writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_MAXMSGS, limit) }.map(|(_, limit)| limit)
}

pub(crate) fn num_msgs(fd: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: NUMMSGS writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_NUMMSGS, 0) }.map(|(_, count)| count)
}

pub(crate) fn unreplied_to(fd: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: UNREPLIEDTO writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_UNREPLIEDTO, 0) }.map(|(_, count)| count)
}

/// Returns what it was before. [`ONLY_ASK`] asks.
pub(crate) fn msg_only_once(fd: BorrowedFd<'_>, on: u32) -> Result<u32> {
    // SAFETY: MSGONLYONCE reads and writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_MSGONLYONCE, on) }.map(|(_, was)| was)
}

/// Returns what it was before. [`ONLY_ASK`] asks.
pub(crate) fn verbose(fd: BorrowedFd<'_>, on: u32) -> Result<u32> {
    // SAFETY: VERBOSE reads and writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_VERBOSE, on) }.map(|(_, was)| was)
}

pub(crate) fn new_device(fd: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: NEWDEVICE writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_NEWDEVICE, 0) }.map(|(_, number)| number)
}

/// Returns what it was before. [`ONLY_ASK`] asks.
pub(crate) fn report_replier_binds(fd: BorrowedFd<'_>, on: u32) -> Result<u32> {
    // SAFETY: REPORTREPLIERBINDS reads and writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_REPORTREPLIERBINDS, on) }.map(|(_, was)| was)
}

/// 0 asks for the limit in force, 1 for the one that cannot be exceeded.
pub(crate) fn max_msg_size(fd: BorrowedFd<'_>, bytes: u32) -> Result<u32> {
    // SAFETY: MAXMSGSIZE reads and writes a u32.
    unsafe { ioctl_u32(fd, uapi::KBUS_IOC_MAXMSGSIZE, bytes) }.map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn files_work_on_files() {
        let zero = open(c"/dev/zero", libc::O_RDWR).unwrap();
        let mut buf = Vec::with_capacity(8);
        assert_eq!(read(zero.as_fd(), &mut buf, 5), Ok(5));
        assert_eq!(buf, [0; 5]);
        assert_eq!(write(zero.as_fd(), b"abc"), Ok(3));
        assert_eq!(poll(zero.as_fd(), libc::POLLIN, 0), Ok(libc::POLLIN));
    }

    #[test]
    fn errors_carry_the_errno() {
        assert_eq!(
            open(c"/no/such/file", libc::O_RDWR).unwrap_err(),
            Errno(libc::ENOENT)
        );
        let null = open(c"/dev/null", libc::O_RDONLY).unwrap();
        assert_eq!(write(null.as_fd(), b"abc"), Err(Errno(libc::EBADF)));
        assert_eq!(ksock_id(null.as_fd()), Err(Errno(libc::ENOTTY)));
    }
}
