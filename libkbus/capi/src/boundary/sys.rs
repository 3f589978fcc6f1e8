// SPDX-License-Identifier: GPL-2.0-only
//! The system calls. A `c_int` here is a Ksock as C programs have it: the
//! number of an open file, which is theirs to close.

use std::ffi::{c_int, CStr};
use std::io;
use std::ptr;

use crate::limpet::Bus;
use crate::uapi::{self, kbus_bind_query, kbus_bind_request};
use crate::{Errno, Result};

fn last() -> Errno {
    let errno = io::Error::last_os_error().raw_os_error();
    Errno(errno.unwrap_or(libc::EIO))
}

fn check(result: c_int) -> Result<c_int> {
    if result < 0 {
        Err(last())
    } else {
        Ok(result)
    }
}

pub(super) fn open(path: &CStr, flags: c_int) -> Result<c_int> {
    // SAFETY: `path` ends in NUL and outlives the call.
    check(unsafe { libc::open(path.as_ptr(), flags) })
}

pub(super) fn close(ksock: c_int) -> Result<c_int> {
    // SAFETY: the file is the program's, which wants it closed. Nothing of
    // ours refers to it.
    check(unsafe { libc::close(ksock) })
}

/// Waits for `events`, without a limit when `milliseconds` is negative.
pub(super) fn poll(ksock: c_int, events: i16, milliseconds: c_int) -> Result<i16> {
    let mut fd = libc::pollfd {
        fd: ksock,
        events,
        revents: 0,
    };
    // SAFETY: one pollfd, which outlives the call.
    check(unsafe { libc::poll(&mut fd, 1, milliseconds) })?;
    if fd.revents & libc::POLLNVAL != 0 {
        return Err(Errno(libc::EBADF));
    }
    if fd.revents & events == 0 && fd.revents != 0 {
        // Something that a bus never says.
        return Err(Errno(libc::EIO));
    }
    Ok(fd.revents)
}

/// Fills `to`, whatever comes in between: a signal, or a bus that says EAGAIN
/// because of one. A file that says nothing else is no bus, and not asked for
/// ever. EBADMSG: there was less to read.
pub(super) fn read_all(ksock: c_int, to: &mut [u8]) -> Result<()> {
    const PATIENCE: u32 = 1000;
    let (mut filled, mut refused) = (0, 0);
    while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        // SAFETY: `rest` is that many bytes of ours to write.
        let read = unsafe { libc::read(ksock, rest.as_mut_ptr().cast(), rest.len()) };
        match usize::try_from(read) {
            Ok(0) => return Err(Errno(libc::EBADMSG)),
            Ok(len) => filled += len,
            Err(_) => match last() {
                Errno(libc::EINTR) => {}
                Errno(libc::EAGAIN) if refused < PATIENCE => refused += 1,
                errno => return Err(errno),
            },
        }
    }
    Ok(())
}

/// Writes `len` bytes from `from`.
///
/// # Safety
///
/// None: where memory cannot be read the kernel says EFAULT, and it is only
/// the kernel who reads. But it must be the program's to show.
pub(super) unsafe fn write_all(ksock: c_int, from: *const u8, len: usize) -> Result<()> {
    let mut written = 0;
    while written < len {
        // SAFETY: as above; write reads, and reads in the kernel.
        let more = unsafe {
            let rest = from.wrapping_add(written);
            libc::write(ksock, rest.cast(), len - written)
        };
        match usize::try_from(more) {
            Ok(0) => return Err(Errno(libc::EIO)),
            Ok(more) => written += more,
            Err(_) => return Err(last()),
        }
    }
    Ok(())
}

/// # Safety
///
/// `arg` is null, or what the ioctl `code` transfers (section 2.5).
pub(super) unsafe fn ioctl<T>(ksock: c_int, code: u32, arg: *mut T) -> Result<c_int> {
    loop {
        // The C libraries differ in the type of a number, hence `as _`.
        // SAFETY: the caller vouches for `arg`.
        let result = unsafe { libc::ioctl(ksock, uapi::number_here(code) as _, arg) };
        match check(result) {
            // A signal came before anything was done.
            Err(Errno(libc::EINTR)) => {}
            result => return result,
        }
    }
}

fn len(name: &[u8]) -> u32 {
    u32::try_from(name.len()).unwrap_or(u32::MAX)
}

pub(super) fn bind(ksock: c_int, code: Binding, name: &[u8], is_replier: u32) -> Result<c_int> {
    let mut request = kbus_bind_request {
        is_replier,
        name_len: len(name),
        name: name.as_ptr().cast_mut().cast(),
    };
    let code = match code {
        Binding::Bind => uapi::KBUS_IOC_BIND,
        Binding::Unbind => uapi::KBUS_IOC_UNBIND,
    };
    // SAFETY: both read a kbus_bind_request, in which name and name_len
    // describe `name`.
    unsafe { ioctl(ksock, code, ptr::from_mut(&mut request)) }
}

#[derive(Clone, Copy)]
pub(super) enum Binding {
    Bind,
    Unbind,
}

pub(super) fn replier(ksock: c_int, name: &[u8]) -> Result<u32> {
    let mut query = kbus_bind_query {
        return_id: 0,
        name_len: len(name),
        name: name.as_ptr().cast_mut().cast(),
    };
    // SAFETY: REPLIER reads and writes a kbus_bind_query, and reads the name
    // that it describes.
    unsafe { ioctl(ksock, uapi::KBUS_IOC_REPLIER, ptr::from_mut(&mut query)) }?;
    Ok(query.return_id)
}

/// One of the ioctls that take a u32 and leave another.
#[derive(Clone, Copy)]
pub(super) enum Word {
    KsockId,
    NextMsg,
    OnlyOnce,
    ReportReplierBinds,
    Verbose,
}

pub(super) fn word(ksock: c_int, which: Word, value: u32) -> Result<(c_int, u32)> {
    let mut value = value;
    let code = match which {
        Word::KsockId => uapi::KBUS_IOC_KSOCKID,
        Word::NextMsg => uapi::KBUS_IOC_NEXTMSG,
        Word::OnlyOnce => uapi::KBUS_IOC_MSGONLYONCE,
        Word::ReportReplierBinds => uapi::KBUS_IOC_REPORTREPLIERBINDS,
        Word::Verbose => uapi::KBUS_IOC_VERBOSE,
    };
    // SAFETY: each of them transfers one u32.
    let result = unsafe { ioctl(ksock, code, ptr::from_mut(&mut value)) }?;
    Ok((result, value))
}

/// The bus of a limpet.
pub(super) struct Ksock(pub(super) c_int);

impl Bus for Ksock {
    fn bind(&self, name: &[u8]) -> Result<()> {
        bind(self.0, Binding::Bind, name, 1).map(drop)
    }

    fn unbind(&self, name: &[u8]) -> Result<()> {
        bind(self.0, Binding::Unbind, name, 1).map(drop)
    }

    fn replier(&self, name: &[u8]) -> Result<u32> {
        replier(self.0, name)
    }
}
