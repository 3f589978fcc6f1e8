// SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note
//! The contract as Rust sees it: the mirror of kbus.h, and what a 64-bit
//! mirror cannot say about 32-bit programs. Names and layouts only: no code
//! that does anything. The module and libkbus compile this same directory.
//!
//! What all of it means is in kbus-abi.md beside this file: the specification,
//! whose sections are cited throughout the tree.

// Few users need all of it, and inside a program `pub` reaches no further
// than the program.
#![allow(dead_code, unreachable_pub, unused_imports)]

#[allow(non_camel_case_types, missing_docs, clippy::all)]
#[rustfmt::skip]
mod kbus;
pub use self::kbus::*;

/// Where the `name` pointer is in the message header of a 32-bit program. Up
/// to here all programs agree; then pointers are four bytes long and nothing
/// is padded (section 2.3).
pub const HEADER_32_NAME: usize = 60;
/// See [`HEADER_32_NAME`].
pub const HEADER_32_DATA: usize = 64;
/// See [`HEADER_32_NAME`].
pub const HEADER_32_END_GUARD: usize = 68;
/// How long a 32-bit program's message header is.
pub const HEADER_32_SIZE: usize = 72;
/// How long a 32-bit program's bind request and bind query are; the pointer
/// is at the same place, 8 (section 2.2).
pub const BIND_32_SIZE: usize = 12;

/// The number a 32-bit program has for the ioctl whose 64-bit number is
/// `code`. The numbers carry the size of a pointer, except where nothing is
/// transferred (section 2.5).
pub const fn number_for_32_bit(code: u32) -> u32 {
    if code & SIZE_MASK == 0 || is_added(code) {
        code
    } else {
        (code & !SIZE_MASK) | (4 << SIZE_SHIFT)
    }
}

/// The 64-bit number of the ioctl that a 32-bit program calls `code`, or
/// nothing if it has no ioctl with such a size.
pub const fn number_of_32_bit(code: u32) -> Option<u32> {
    match (code & SIZE_MASK) >> SIZE_SHIFT {
        _ if is_added(code) => Some(code),
        0 => Some(code),
        4 => Some((code & !SIZE_MASK) | (8 << SIZE_SHIFT)),
        _ => None,
    }
}

/// Whether it was added, with the size of a structure that all programs lay
/// out alike (section 12.1).
const fn is_added(code: u32) -> bool {
    code & NUMBER_MASK > KBUS_IOC_MAXNR
}

const NUMBER_MASK: u32 = 0xff;
const SIZE_SHIFT: u32 = 16;
const SIZE_MASK: u32 = 0x3fff << SIZE_SHIFT;

/// The number that this program has for the ioctl whose 64-bit number is
/// `code`.
pub const fn number_here(code: u32) -> u32 {
    if cfg!(target_pointer_width = "32") {
        number_for_32_bit(code)
    } else {
        code
    }
}
