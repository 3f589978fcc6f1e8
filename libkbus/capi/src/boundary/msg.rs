// SPDX-License-Identifier: GPL-2.0-only
//! The functions of `kbus/kbus.h` that make messages, take them apart and
//! print them.

use std::ffi::{c_char, c_int, c_uint, c_void};

use libc::FILE;

use super::memory::Block;
use super::stream::Stream;
use super::{answer, bytes, get, put, put_null, quietly, view, writable, FAULT};
use crate::event::Event;
use crate::message::{self, entire_len, Header, HEADER};
use crate::text;
use crate::uapi::KBUS_BIT_WANT_A_REPLY;
use crate::{Errno, Result};

/// `KBUS_MSG_PRINT_FLAGS_ABBREVIATE`.
pub(crate) const ABBREVIATE: c_uint = 1;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Borrows name and data.
    Pointy,
    /// Has copies of them.
    Entire,
}

/// Makes a message with that header. The lengths in it are those of `name`
/// and `data`.
///
/// # Safety
///
/// The caller's promise.
unsafe fn make(
    form: Form,
    msg: *mut *mut Header,
    mut header: Header,
    name: *const c_char,
    data: *const c_void,
) -> Result<c_int> {
    // A null name is no name; null data are none only when they have no
    // length.
    if name.is_null() || (data.is_null() && header.data_len > 0) {
        return Err(FAULT);
    }
    let block = match form {
        Form::Pointy => {
            header.name = name.cast_mut();
            // The kernel refuses a pointer to nothing.
            if header.data_len > 0 {
                header.data = data.cast_mut();
            }
            Block::pointy(&header)?
        }
        Form::Entire => {
            // SAFETY: the caller's promise: the lengths are the caller's.
            let (name, data) = unsafe {
                (
                    bytes(name.cast(), header.name_len as usize)?,
                    bytes(data.cast(), header.data_len as usize)?,
                )
            };
            Block::entire(&header, name, data)?
        }
    };
    // SAFETY: the caller's promise. It is the last thing that can fail, and
    // cannot: each caller has put null there.
    unsafe { put(msg, block.hand_out()) }?;
    Ok(0)
}

macro_rules! create {
    ($($function:ident: $form:ident, $more_flags:expr;)*) => {$(
        #[no_mangle]
        pub(crate) unsafe extern "C" fn $function(
            msg: *mut *mut Header,
            name: *const c_char,
            name_len: u32,
            data: *const c_void,
            data_len: u32,
            flags: u32,
        ) -> c_int {
            // SAFETY: the caller's promise.
            answer(|| unsafe {
                put_null(msg)?;
                let header = message::header(name_len, data_len, flags | $more_flags)?;
                make(Form::$form, msg, header, name, data)
            })
        }
    )*};
}

create! {
    kbus_msg_create: Pointy, 0;
    kbus_msg_create_entire: Entire, 0;
    kbus_msg_create_request: Pointy, KBUS_BIT_WANT_A_REPLY;
    kbus_msg_create_entire_request: Entire, KBUS_BIT_WANT_A_REPLY;
}

macro_rules! create_reply {
    ($($function:ident: $form:ident;)*) => {$(
        #[no_mangle]
        pub(crate) unsafe extern "C" fn $function(
            msg: *mut *mut Header,
            in_reply_to: *const Header,
            data: *const c_void,
            data_len: u32,
            flags: u32,
        ) -> c_int {
            // SAFETY: the caller's promise.
            answer(|| unsafe {
                put_null(msg)?;
                let header = message::reply_to(&get(in_reply_to)?, data_len, flags)?;
                let name = view(in_reply_to)?.name;
                make(Form::$form, msg, header, name.as_ptr().cast(), data)
            })
        }
    )*};
}

create_reply! {
    kbus_msg_create_reply_to: Pointy;
    kbus_msg_create_entire_reply_to: Entire;
}

macro_rules! create_stateful_request {
    ($($function:ident: $form:ident;)*) => {$(
        #[no_mangle]
        pub(crate) unsafe extern "C" fn $function(
            msg: *mut *mut Header,
            earlier_msg: *const Header,
            name: *const c_char,
            name_len: u32,
            data: *const c_void,
            data_len: u32,
            flags: u32,
        ) -> c_int {
            // SAFETY: the caller's promise.
            answer(|| unsafe {
                put_null(msg)?;
                let earlier = get(earlier_msg)?;
                let header = message::stateful_request(&earlier, name_len, data_len, flags)?;
                make(Form::$form, msg, header, name, data)
            })
        }
    )*};
}

create_stateful_request! {
    kbus_msg_create_stateful_request: Pointy;
    kbus_msg_create_entire_stateful_request: Entire;
}

// ---- Away with them ---------------------------------------------------------

/// # Safety
///
/// The caller's promise.
unsafe fn delete(msg_p: *mut *mut Header, with_parts: bool) -> Result<()> {
    // SAFETY: the caller's promise: what is freed came from malloc, and name
    // and data as well when the program wants them freed.
    unsafe {
        let msg = get(msg_p)?;
        put_null(msg_p)?;
        if with_parts {
            if let Ok(Header { name, data, .. }) = get(msg.cast_const()) {
                if !name.is_null() {
                    libc::free(name.cast());
                    libc::free(data);
                }
            }
        }
        libc::free(msg.cast());
    }
    Ok(())
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_delete(msg_p: *mut *mut Header) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { delete(msg_p, false) });
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_delete_all(msg_p: *mut *mut Header) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { delete(msg_p, true) });
}

// ---- Looking at them --------------------------------------------------------

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_sizeof(msg: *const Header) -> c_int {
    answer(|| {
        // SAFETY: the caller's promise.
        let header = unsafe { get(msg) }?;
        let len = if header.name.is_null() {
            entire_len(header.name_len, header.data_len)
        } else {
            HEADER as u64
        };
        c_int::try_from(len).map_err(|_| Errno(libc::EMSGSIZE))
    })
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_split_bind_event(
    msg: *const Header,
    is_bind: *mut u32,
    binder: *mut u32,
    name: *mut *mut c_char,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(name)?;
        writable(is_bind)?;
        writable(binder)?;
        let event = Event::parse(view(msg)?.data).ok_or(Errno(libc::EBADMSG))?;
        let copy = Block::string(event.name)?;
        put(is_bind, event.is_bind)?;
        put(binder, event.binder)?;
        put(name, copy.hand_out())?;
        Ok(0)
    })
}

/// # Safety
///
/// The caller's promise; `stream` is open, or null.
unsafe fn print(stream: *mut FILE, msg: *const Header, flags: c_uint) -> Result<()> {
    // SAFETY: the caller's promise.
    let (stream, view) = unsafe { (Stream::new(stream), view(msg)?) };
    let mut stream = stream.ok_or(FAULT)?;
    text::line(&mut stream, &view, flags & ABBREVIATE != 0).map_err(|_| Errno(libc::EIO))
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_print(stream: *mut FILE, msg: *const Header) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { print(stream, msg, ABBREVIATE) });
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_print2(
    stream: *mut FILE,
    msg: *const Header,
    flags: c_uint,
) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { print(stream, msg, flags) });
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_msg_dump(msg: *const Header, _dump_data: c_int) {
    quietly(|| {
        let mut stream = Stream::stdout().ok_or(FAULT)?;
        // SAFETY: the caller's promise.
        let view = unsafe { view(msg) }?;
        text::dump(&mut stream, &view).map_err(|_| Errno(libc::EIO))
    });
}
