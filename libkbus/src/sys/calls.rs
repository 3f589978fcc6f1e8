// SPDX-License-Identifier: GPL-2.0-only
//! The system calls: one function for each ioctl of the contract, and open,
//! read, write and poll. Every `unsafe` of the library is in this file. It
//! knows layouts and numbers; what anything means is said elsewhere.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode};

use crate::error::Errno;
use crate::uapi::{self, kbus_bind_query, kbus_bind_request, kbus_msg_id, kbus_remove_device};

type Result<T> = std::result::Result<T, Errno>;

/// What the switches (MSGONLYONCE, VERBOSE, REPORTREPLIERBINDS) take to leave
/// things as they are and only tell.
pub(crate) const ONLY_ASK: u32 = u32::MAX;

/// Calls again when a signal came before anything was done. EAGAIN is what a
/// read or write says then (section 3); nothing else makes them say it.
fn again<T>(mut call: impl FnMut() -> rustix::io::Result<T>, after: &[Errno]) -> Result<T> {
    loop {
        match call().map_err(Errno::from) {
            Err(errno) if after.contains(&errno) => {}
            result => return result,
        }
    }
}

// ---- Files ------------------------------------------------------------------

/// `access` is one of `RDONLY`, `WRONLY`, `RDWR`.
pub(crate) fn open(path: &Path, access: OFlags) -> Result<OwnedFd> {
    let flags = access | OFlags::CLOEXEC;
    again(
        || rustix::fs::open(path, flags, Mode::empty()),
        &[Errno::EINTR],
    )
}

/// Reads into the unused capacity of `buf`, which is not empty. Returns how
/// many bytes, 0 when the message has ended.
pub(crate) fn read(fd: BorrowedFd<'_>, buf: &mut Vec<u8>) -> Result<usize> {
    again(
        || rustix::io::read(fd, rustix::buffer::spare_capacity(buf)),
        &[Errno::EINTR, Errno::EAGAIN],
    )
}

/// Returns how many bytes were written.
pub(crate) fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    again(
        || rustix::io::write(fd, bytes),
        &[Errno::EINTR, Errno::EAGAIN],
    )
}

/// Waits for `events` as long as `timeout` says, `None` for ever. Returns
/// those that are there. EINTR comes through: only the caller knows how much
/// time is left.
pub(crate) fn poll(
    fd: BorrowedFd<'_>,
    events: PollFlags,
    timeout: Option<Duration>,
) -> Result<PollFlags> {
    // Longer than the kernel can count is for ever.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut fds = [PollFd::from_borrowed_fd(fd, events)];
    rustix::event::poll(&mut fds, timeout.as_ref())?;
    let [fd] = fds;
    Ok(fd.revents())
}

/// Shows the file to tokio's reactor, as long as the result exists.
#[cfg(feature = "tokio")]
pub(crate) fn watch(
    file: std::sync::Arc<OwnedFd>,
) -> Result<tokio::io::unix::AsyncFd<std::sync::Arc<OwnedFd>>> {
    // SAFETY: an OwnedFd behind an Arc is the same open file as long as there
    // is an Arc, and the result keeps this one and gives no `&mut` away.
    let watched = unsafe { tokio::io::unix::AsyncFd::register(file) };
    watched.map_err(|error| {
        let (_, error) = error.into_parts();
        error.raw_os_error().map_or(Errno::EIO, Errno)
    })
}

// ---- The ioctls -------------------------------------------------------------

/// An ioctl, by its 64-bit number, and what it takes.
struct Call {
    code: u32,
    arg: *mut c_void,
}

// SAFETY: `arg` goes to the kernel as it is, and the output is what the kernel
// returned; `ioctl`'s caller vouches for `code` and `arg`.
unsafe impl Ioctl for Call {
    type Output = c_int;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        uapi::number_here(self.code)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.arg
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<c_int> {
        Ok(out)
    }
}

/// # Safety
///
/// `arg` must be what the ioctl `code` transfers: null, or valid for reading
/// and writing of the object behind `code` in the table of section 2.5.
unsafe fn ioctl(fd: BorrowedFd<'_>, code: u32, arg: *mut c_void) -> Result<c_int> {
    again(
        // SAFETY: the caller vouches for `arg`.
        || unsafe { rustix::ioctl::ioctl(fd, Call { code, arg }) },
        &[Errno::EINTR],
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

/// Returns the id of the replier; 0 when there is none.
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

/// Returns the length in bytes of the message that is now to be read.
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

pub(crate) fn remove_device(fd: BorrowedFd<'_>, device: u32) -> Result<()> {
    let mut request = kbus_remove_device { device, options: 0 };
    // SAFETY: REMOVEDEVICE reads a kbus_remove_device, which `request` is.
    unsafe {
        ioctl(
            fd,
            uapi::KBUS_IOC_REMOVEDEVICE,
            ptr::from_mut(&mut request).cast(),
        )
    }?;
    Ok(())
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
        let zero = open(Path::new("/dev/zero"), OFlags::RDWR).unwrap();
        let mut buf = Vec::with_capacity(5);
        assert_eq!(read(zero.as_fd(), &mut buf), Ok(5));
        assert_eq!(buf, [0; 5]);
        assert_eq!(write(zero.as_fd(), b"abc"), Ok(3));
        let readable = poll(zero.as_fd(), PollFlags::IN, Some(Duration::ZERO));
        assert_eq!(readable, Ok(PollFlags::IN));
    }

    #[test]
    fn errors_carry_the_errno() {
        assert_eq!(
            open(Path::new("/no/such/file"), OFlags::RDWR).unwrap_err(),
            Errno::ENOENT
        );
        let null = open(Path::new("/dev/null"), OFlags::RDONLY).unwrap();
        assert_eq!(write(null.as_fd(), b"abc"), Err(Errno::EBADF));
        assert_eq!(ksock_id(null.as_fd()), Err(Errno::ENOTTY));
    }
}
