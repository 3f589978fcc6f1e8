// SPDX-License-Identifier: GPL-2.0-only
//! Where C programs and the kernel meet Rust: the exported functions, their
//! pointers, C's memory, and system calls. Every `unsafe` of this library is
//! in this directory.
//!
//! One promise carries nearly all of it, the one that every C function makes
//! its caller give:
//!
//! * a pointer is null, or points to what its type says, as many of that as
//!   the length beside it says (of a string, up to its NUL), and no
//!   other thread changes it meanwhile;
//! * a `kbus_message_t *` points to a message of either form, which lies there
//!   as far as its own lengths say;
//! * what is freed came from this library, or from malloc.
//!
//! "The caller's promise", below, means this. Null is never an assumption: it
//! gives EFAULT, as from the kernel, where it has no meaning of its own.
//!
//! Nothing unwinds out of here. [`answer`] turns a panic, which would be a
//! bug, into EIO.

#![allow(unsafe_code)]

pub(crate) mod ksock;
pub(crate) mod limpet;
pub(crate) mod memory;
pub(crate) mod msg;
mod stream;
mod sys;

use std::ffi::{c_char, c_int};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::{ptr, slice};

use crate::message::{entire_len, Header, View, HEADER};
use crate::uapi::KBUS_MAX_NAME_LEN;
use crate::{Errno, Result};

const FAULT: Errno = Errno(libc::EFAULT);

/// What a C function returns.
fn answer(work: impl FnOnce() -> Result<c_int>) -> c_int {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => value,
        Ok(Err(Errno(errno))) => -errno,
        Err(_) => -libc::EIO,
    }
}

/// Does the work of a C function that returns nothing; errors and panics are
/// dropped.
fn quietly(work: impl FnOnce() -> Result<()>) {
    // No caller can be told.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Fails with EFAULT unless something may be written there. Called before
/// anything is done.
fn writable<T>(pointer: *mut T) -> Result<()> {
    if pointer.is_null() {
        Err(FAULT)
    } else {
        Ok(())
    }
}

/// # Safety
///
/// The caller's promise, for writing.
unsafe fn put<T>(pointer: *mut T, value: T) -> Result<()> {
    writable(pointer)?;
    // SAFETY: not null, so it is a T of the program's, by the caller's
    // promise. Unaligned, because C programs are not always careful.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// # Safety
///
/// The caller's promise. T is a type any bytes are a value of.
unsafe fn get<T: Copy>(pointer: *const T) -> Result<T> {
    if pointer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: not null, so it is a T of the program's, by the caller's
    // promise.
    Ok(unsafe { pointer.read_unaligned() })
}

/// `len` bytes; without any, the pointer does not matter.
///
/// # Safety
///
/// The caller's promise, which holds for `'a`.
unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(FAULT);
    }
    if isize::try_from(len).is_err() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: not null, and that many bytes by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// The bytes of a name that ends in NUL. Of one that is too long, so much that
/// the kernel says so.
///
/// # Safety
///
/// The caller's promise, which holds for `'a`.
unsafe fn string<'a>(pointer: *const c_char) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: a string, by the caller's promise, of which no more is looked
    // at than there is.
    let len = unsafe { libc::strnlen(pointer, KBUS_MAX_NAME_LEN as usize + 1) };
    // SAFETY: strnlen has seen that many bytes.
    unsafe { bytes(pointer.cast(), len) }
}

/// A message of either form.
///
/// # Safety
///
/// The caller's promise, which holds for `'a`.
unsafe fn view<'a>(msg: *const Header) -> Result<View<'a>> {
    // SAFETY: the caller's promise.
    let header = unsafe { get(msg) }?;
    let is_entire = header.name.is_null();
    let len = if is_entire {
        entire_len(header.name_len, header.data_len)
    } else {
        HEADER as u64
    };
    let len = usize::try_from(len).map_err(|_| Errno(libc::EMSGSIZE))?;
    // SAFETY: an entire message is that long, the other just a header, by the
    // caller's promise. Padding in the header is initialised: the messages
    // are made of zeroed memory or read from the kernel, which zeroes it.
    let all = unsafe { bytes(msg.cast(), len) }?;
    let (name_len, data_len) = (header.name_len as usize, header.data_len as usize);
    let (name, data) = if is_entire {
        let rest = all.get(HEADER..).unwrap_or_default();
        let data = rest.get((name_len / 4 + 1) * 4..).unwrap_or_default();
        (
            rest.get(..name_len).unwrap_or_default(),
            data.get(..data_len).unwrap_or_default(),
        )
    } else {
        // SAFETY: name and data of a pointy message, by the caller's promise.
        unsafe {
            (
                bytes(header.name.cast(), name_len)?,
                bytes(header.data.cast(), data_len)?,
            )
        }
    };
    Ok(View {
        header,
        name,
        data,
        bytes: all,
    })
}

/// Sets a result to null before anything can fail, so that programs which
/// do not look at what is returned free nothing by accident.
///
/// # Safety
///
/// The caller's promise, for writing.
unsafe fn put_null<T>(pointer: *mut *mut T) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { put(pointer, ptr::null_mut()) }
}
