// SPDX-License-Identifier: GPL-2.0-only
//! The functions of `kbus/kbus.h` that take a Ksock.

use std::ffi::{c_char, c_int, CStr, CString};

use super::memory::Block;
use super::sys::{self, Binding, Word};
use super::{answer, get, put, put_null, string, writable, FAULT};
use crate::message::{entire_len, is_whole, word, Header, HEADER};
use crate::uapi::{self, kbus_msg_id};
use crate::{Errno, Result};

/// `KBUS_KSOCK_READABLE` and `KBUS_KSOCK_WRITABLE`.
pub(crate) const READABLE: c_int = 1;
pub(crate) const WRITABLE: c_int = 2;

const ONLY_ASK: u32 = u32::MAX;

fn open_device(device_number: u32, flags: c_int) -> Result<c_int> {
    let path = CString::new(format!("/dev/kbus{device_number}"));
    sys::open(&path.map_err(|_| Errno(libc::ENOENT))?, flags)
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_open(device_number: u32, flags: c_int) -> c_int {
    answer(|| open_device(device_number, flags & libc::O_ACCMODE))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_open_cloexec(device_number: u32, flags: c_int) -> c_int {
    answer(|| open_device(device_number, flags & libc::O_ACCMODE | libc::O_CLOEXEC))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_open_by_name(
    device_name: *const c_char,
    flags: c_int,
) -> c_int {
    answer(|| {
        if device_name.is_null() {
            return Err(FAULT);
        }
        // SAFETY: not null, and a string by the caller's promise.
        let path = unsafe { CStr::from_ptr(device_name) };
        sys::open(path, flags & libc::O_ACCMODE)
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_close(ksock: c_int) -> c_int {
    answer(|| sys::close(ksock))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_bind(
    ksock: c_int,
    name: *const c_char,
    is_replier: u32,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| sys::bind(ksock, Binding::Bind, unsafe { string(name) }?, is_replier))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_unbind(
    ksock: c_int,
    name: *const c_char,
    is_replier: u32,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| sys::bind(ksock, Binding::Unbind, unsafe { string(name) }?, is_replier))
}

/// The ioctl `code` on the program's own variable, which is looked at first:
/// an ioctl that has done its work and then fails for the variable is no help.
///
/// # Safety
///
/// The caller's promise, and `code` transfers a T.
unsafe fn direct<T>(ksock: c_int, code: u32, variable: *mut T) -> Result<c_int> {
    writable(variable)?;
    // SAFETY: not null, so a T by the caller's promise.
    unsafe { sys::ioctl(ksock, code, variable) }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_id(ksock: c_int, ksock_id: *mut u32) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_KSOCKID, ksock_id) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_next_msg(
    ksock: c_int,
    message_length: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_NEXTMSG, message_length) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_len_left(ksock: c_int, len_left: *mut u32) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_LENLEFT, len_left) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_last_msg_id(
    ksock: c_int,
    msg_id: *mut kbus_msg_id,
) -> c_int {
    // SAFETY: the caller's promise; a kbus_msg_id.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_LASTSENT, msg_id) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_find_replier(
    ksock: c_int,
    name: *const c_char,
    replier_ksock_id: *mut u32,
) -> c_int {
    answer(|| {
        writable(replier_ksock_id)?;
        // SAFETY: the caller's promise.
        unsafe {
            let replier = sys::replier(ksock, string(name)?)?;
            put(replier_ksock_id, replier)?;
        }
        Ok(0)
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_max_messages(
    ksock: c_int,
    max_messages: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_MAXMSGS, max_messages) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_num_messages(
    ksock: c_int,
    num_messages: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_NUMMSGS, num_messages) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_num_unreplied_to(
    ksock: c_int,
    num_messages: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_UNREPLIEDTO, num_messages) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_send(ksock: c_int, msg_id: *mut kbus_msg_id) -> c_int {
    // The kernel fills the id in on EAGAIN as well.
    // SAFETY: the caller's promise; a kbus_msg_id.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_SEND, msg_id) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_discard(ksock: c_int) -> c_int {
    // SAFETY: DISCARD transfers nothing.
    answer(|| unsafe { sys::ioctl::<()>(ksock, uapi::KBUS_IOC_DISCARD, std::ptr::null_mut()) })
}

// ---- Switches ---------------------------------------------------------------

/// 0, whatever it was before: that is what programs rely on.
fn switch(ksock: c_int, which: Word, request: u32) -> c_int {
    answer(|| match request {
        0 | 1 | ONLY_ASK => sys::word(ksock, which, request).map(|_| 0),
        _ => Err(Errno(libc::EINVAL)),
    })
}

/// What it is.
///
/// # Safety
///
/// The caller's promise.
unsafe fn switched(ksock: c_int, which: Word, is_on: *mut u32) -> c_int {
    answer(|| {
        let (_, value) = sys::word(ksock, which, ONLY_ASK)?;
        // SAFETY: the caller's promise.
        unsafe { put(is_on, value) }.map(|()| 0)
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_only_once(ksock: c_int, request: u32) -> c_int {
    switch(ksock, Word::OnlyOnce, request)
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_report_replier_binds(
    ksock: c_int,
    request: u32,
) -> c_int {
    switch(ksock, Word::ReportReplierBinds, request)
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_kernel_module_verbose(
    ksock: c_int,
    request: u32,
) -> c_int {
    switch(ksock, Word::Verbose, request)
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_is_only_once(ksock: c_int, is_on: *mut u32) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { switched(ksock, Word::OnlyOnce, is_on) }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_is_reporting_replier_binds(
    ksock: c_int,
    is_on: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { switched(ksock, Word::ReportReplierBinds, is_on) }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_is_verbose(ksock: c_int, is_on: *mut u32) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { switched(ksock, Word::Verbose, is_on) }
}

// ---- The bus ----------------------------------------------------------------

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_max_message_size(
    ksock: c_int,
    max_bytes: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_MAXMSGSIZE, max_bytes) })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_new_device(
    ksock: c_int,
    device_number: *mut u32,
) -> c_int {
    // SAFETY: the caller's promise; a u32.
    answer(|| unsafe { direct(ksock, uapi::KBUS_IOC_NEWDEVICE, device_number) })
}

// ---- Waiting ----------------------------------------------------------------

fn wait(ksock: c_int, wait_for: c_int, milliseconds: c_int) -> Result<c_int> {
    if wait_for & (READABLE | WRITABLE) == 0 {
        // For nothing, and for ever.
        return Err(Errno(libc::EINVAL));
    }
    let pairs = [(READABLE, libc::POLLIN), (WRITABLE, libc::POLLOUT)];
    let wanted = pairs.iter().filter(|(bit, _)| wait_for & bit != 0);
    let events = wanted.fold(0, |events, (_, event)| events | event);
    let ready = sys::poll(ksock, events, milliseconds)?;
    let ready = pairs.iter().filter(|(_, event)| ready & event != 0);
    Ok(ready.fold(0, |bits, (bit, _)| bits | bit))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_wait_for_message(ksock: c_int, wait_for: c_int) -> c_int {
    answer(|| wait(ksock, wait_for, -1))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_wait(
    ksock: c_int,
    wait_for: c_int,
    milliseconds: c_int,
) -> c_int {
    answer(|| {
        let left = u64::try_from(milliseconds).map(std::time::Duration::from_millis);
        let end = left.map(|left| std::time::Instant::now() + left).ok();
        let mut left = milliseconds;
        loop {
            match wait(ksock, wait_for, left) {
                Err(Errno(libc::EINTR)) => {}
                result => return result,
            }
            if let Some(end) = end {
                let rest = end.saturating_duration_since(std::time::Instant::now());
                // No more than there was at first, and that was a c_int.
                left = c_int::try_from(rest.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX);
            }
        }
    })
}

// ---- Reading ----------------------------------------------------------------

fn read_message(ksock: c_int, len: usize) -> Result<*mut Header> {
    if len < HEADER {
        return Err(Errno(libc::EINVAL));
    }
    let mut block = Block::new(len)?;
    sys::read_all(ksock, block.bytes())?;
    let bytes = block.bytes();
    let last_word = len.checked_sub(4).and_then(|at| word(bytes, at));
    // SAFETY: the block is as long as a header, or longer, and a header is
    // numbers and pointers, which any bytes are.
    let header = unsafe { get(bytes.as_ptr().cast::<Header>()) }?;
    // Programs believe the lengths in a message: they must be right.
    if !last_word.is_some_and(|word| is_whole(&header, len, word)) {
        return Err(Errno(libc::EBADMSG));
    }
    Ok(block.hand_out())
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_read_msg(
    ksock: c_int,
    msg: *mut *mut Header,
    msg_len: usize,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(msg)?;
        put(msg, read_message(ksock, msg_len)?)?;
        Ok(0)
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_read_next_msg(
    ksock: c_int,
    msg: *mut *mut Header,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(msg)?;
        let (any, len) = sys::word(ksock, Word::NextMsg, 0)?;
        if any != 0 {
            put(msg, read_message(ksock, len as usize)?)?;
        }
        Ok(0)
    })
}

// ---- Writing ----------------------------------------------------------------

/// # Safety
///
/// The caller's promise.
unsafe fn write_message(ksock: c_int, msg: *const Header) -> Result<()> {
    // SAFETY: the caller's promise.
    let header = unsafe { get(msg) }?;
    let len = if header.name.is_null() {
        let len = entire_len(header.name_len, header.data_len);
        usize::try_from(len).map_err(|_| Errno(libc::EMSGSIZE))?
    } else {
        HEADER
    };
    // SAFETY: the message lies there, by the caller's promise.
    unsafe { sys::write_all(ksock, msg.cast(), len) }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_write_msg(ksock: c_int, msg: *const Header) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe { write_message(ksock, msg) }.map(|()| 0))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_write_data(
    ksock: c_int,
    data: *mut u8,
    data_len: usize,
) -> c_int {
    answer(|| {
        if data_len > 0 {
            writable(data)?;
        }
        if isize::try_from(data_len).is_err() {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: the caller's promise.
        unsafe { sys::write_all(ksock, data, data_len) }.map(|()| 0)
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_ksock_send_msg(
    ksock: c_int,
    msg: *const Header,
    msg_id: *mut kbus_msg_id,
) -> c_int {
    answer(|| {
        writable(msg_id)?;
        // SAFETY: the caller's promise; SEND writes a kbus_msg_id.
        unsafe {
            write_message(ksock, msg)?;
            sys::ioctl(ksock, uapi::KBUS_IOC_SEND, msg_id)
        }
    })
}
