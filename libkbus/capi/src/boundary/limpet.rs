// SPDX-License-Identifier: GPL-2.0-only
//! The functions of `kbus/limpet.h`.

use std::ffi::{c_char, c_int};
use std::io::Write;

use super::memory::Block;
use super::stream::Stream;
use super::sys::{self, Binding, Ksock, Word};
use super::{answer, get, put, put_null, quietly, view, writable, FAULT};
use crate::event::is_event;
use crate::limpet::{self, FromBus, Limpet, ToBus};
use crate::message::Header;
use crate::uapi::KBUS_MSG_NAME_REPLIER_BIND_EVENT;
use crate::{wire, Errno, Result};

/// What C programs know as `kbus_limpet_context_t`, and never look into.
#[allow(non_camel_case_types)]
pub struct kbus_limpet_context {
    ksock: c_int,
    verbosity: u32,
    limpet: Limpet,
}

use kbus_limpet_context as Context;

impl Context {
    /// For who watches a limpet at work.
    fn say(&self, what: &str, name: &[u8]) {
        if self.verbosity >= 2 {
            if let Some(mut out) = Stream::stdout() {
                let name = name.escape_ascii();
                // Who cannot be told is not told.
                let _ = writeln!(out, "Limpet {}: {what} {name}", self.limpet.own);
            }
        }
    }
}

/// # Safety
///
/// The caller's promise: a context that `kbus_limpet_new_context` made and
/// that no other thread uses meanwhile.
unsafe fn context<'a>(context: *mut Context) -> Result<&'a mut Context> {
    // SAFETY: null, or as the caller says.
    unsafe { context.as_mut() }.ok_or(FAULT)
}

// ---- On the wire ------------------------------------------------------------

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_serialise_message_header(msg: *mut Header, result: *mut u32) {
    // SAFETY: the caller's promise: `result` are sixteen words.
    quietly(|| unsafe {
        put(
            result.cast::<[u32; wire::LEN]>(),
            wire::serialise(&get(msg.cast_const())?),
        )
    });
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_unserialise_message_header(
    serial: *mut u32,
    msg: *mut Header,
) {
    // SAFETY: the caller's promise: `serial` are sixteen words.
    quietly(|| unsafe {
        let serial = serial.cast::<[u32; wire::LEN]>();
        let words = get(serial.cast_const())?.map(u32::from_be);
        put(serial, words)?;
        put(msg, wire::header(&words))
    });
}

/// Turns the three words that a bind event's data begin with.
///
/// # Safety
///
/// The caller's promise, for writing.
unsafe fn turn(msg: *mut Header) -> Result<()> {
    const WORDS: usize = 3;
    // SAFETY: the caller's promise.
    let data = unsafe { view(msg.cast_const()) }?.data;
    if data.len() < WORDS * 4 {
        return Err(Errno(libc::EBADMSG));
    }
    let words = data.as_ptr().cast_mut().cast::<[u32; WORDS]>();
    // SAFETY: the data have that many bytes, and are the program's to write.
    unsafe {
        let turned = get(words.cast_const())?.map(u32::to_be);
        put(words, turned)
    }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_ReplierBindEvent_hton(msg: *mut Header) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { turn(msg) });
}

// Turning is its own converse.
#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_ReplierBindEvent_ntoh(msg: *mut Header) {
    // SAFETY: the caller's promise.
    quietly(|| unsafe { turn(msg) });
}

// ---- Contexts ---------------------------------------------------------------

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_new_context(
    ksock: c_int,
    network_id: u32,
    other_network_id: u32,
    message_name: *mut c_char,
    verbosity: u32,
    context: *mut *mut Context,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(context)?;
        if message_name.is_null() {
            return Err(Errno(libc::EBADMSG));
        }
        let name = super::string(message_name)?;
        if name.len() < 3 {
            return Err(Errno(libc::EBADMSG));
        }
        let (_, ksock_id) = sys::word(ksock, Word::KsockId, 0)?;
        let limpet = Limpet::new(network_id, other_network_id, ksock_id)?;
        join(ksock, name)?;
        let new = Box::new(Context {
            ksock,
            verbosity,
            limpet,
        });
        put(context, Box::into_raw(new))?;
        Ok(0)
    })
}

/// Listens to what is to be carried and to who binds; undone when it fails.
fn join(ksock: c_int, name: &[u8]) -> Result<()> {
    let event = KBUS_MSG_NAME_REPLIER_BIND_EVENT.to_bytes();
    sys::word(ksock, Word::OnlyOnce, 1)?;
    sys::bind(ksock, Binding::Bind, name, 0)?;
    let report = || {
        sys::bind(ksock, Binding::Bind, event, 0)?;
        let reporting = sys::word(ksock, Word::ReportReplierBinds, 1);
        if reporting.is_err() {
            let _ = sys::bind(ksock, Binding::Unbind, event, 0);
        }
        reporting
    };
    let joined = report();
    if joined.is_err() {
        let _ = sys::bind(ksock, Binding::Unbind, name, 0);
    }
    joined.map(drop)
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_set_verbosity(
    limpet_context: *mut Context,
    verbosity: u32,
) {
    quietly(|| {
        // SAFETY: the caller's promise.
        unsafe { context(limpet_context) }?.verbosity = verbosity;
        Ok(())
    });
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_free_context(context: *mut *mut Context) {
    // SAFETY: the caller's promise: it came from Box::into_raw, above.
    quietly(|| unsafe {
        let old = get(context)?;
        put_null(context)?;
        if !old.is_null() {
            drop(Box::from_raw(old));
        }
        Ok(())
    });
}

// ---- Messages ---------------------------------------------------------------

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_amend_msg_from_kbus(
    limpet_context: *mut Context,
    msg: *mut Header,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        let context = context(limpet_context)?;
        let mut view = view(msg.cast_const())?;
        let name = view.name;
        let what = context.limpet.amend_from_bus(&mut view)?;
        amend(msg, &view.header);
        Ok(match what {
            FromBus::Forward => {
                context.say("to the peer:", name);
                0
            }
            FromBus::Ignore => {
                context.say("not for the peer:", name);
                1
            }
        })
    })
}

/// Changes what limpets change, and nothing else: the rest of a message may
/// be where it cannot be written.
///
/// # Safety
///
/// `msg` is not null, and the caller's promise holds, for writing.
unsafe fn amend(msg: *mut Header, to: &Header) {
    // SAFETY: as above.
    unsafe {
        macro_rules! copy {
            ($($field:ident)*) => { $(
                std::ptr::addr_of_mut!((*msg).$field).write_unaligned(to.$field);
            )* };
        }
        copy!(id in_reply_to to orig_from final_to);
    }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_amend_msg_to_kbus(
    limpet_context: *mut Context,
    msg: *mut Header,
    error: *mut *mut Header,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(error)?;
        let context = context(limpet_context)?;
        if get(msg.cast_const())?.name.is_null() {
            return Err(Errno(libc::EBADMSG));
        }
        let mut view = view(msg.cast_const())?;
        let name = view.name;
        let what = context
            .limpet
            .amend_to_bus(&mut view, &Ksock(context.ksock))?;
        Ok(match what {
            ToBus::Send => {
                amend(msg, &view.header);
                context.say("to the bus:", name);
                0
            }
            ToBus::Ignore => {
                let why = if is_event(name) {
                    "done:"
                } else {
                    "not for the bus:"
                };
                context.say(why, name);
                1
            }
            ToBus::Bounce(why) => {
                context.say("back to the peer:", name);
                bounce(error, &view.header, why)?;
                2
            }
        })
    })
}

/// # Safety
///
/// The caller's promise, for writing.
unsafe fn bounce(error: *mut *mut Header, of: &Header, name: &[u8]) -> Result<()> {
    let len = u32::try_from(name.len()).map_err(|_| Errno(libc::EMSGSIZE))?;
    // Pointy, as programs expect, and its name lives as long as it does.
    let block = Block::pointy_with_name(&limpet::bounce(of, len)?, name)?;
    // SAFETY: the caller's promise.
    unsafe { put(error, block.hand_out()) }
}

#[no_mangle]
pub(crate) unsafe extern "C" fn kbus_limpet_could_not_send_to_kbus_msg(
    limpet_context: *mut Context,
    msg: *mut Header,
    errnum: c_int,
    error: *mut *mut Header,
) -> c_int {
    // SAFETY: the caller's promise.
    answer(|| unsafe {
        put_null(error)?;
        writable(limpet_context)?;
        let header = get(msg.cast_const())?;
        match limpet::remote_error(&header, errnum) {
            None => Ok(1),
            Some(name) => {
                bounce(error, &header, name.as_bytes())?;
                Ok(0)
            }
        }
    })
}
