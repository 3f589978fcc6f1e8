// SPDX-License-Identifier: GPL-2.0-only
//! KBUS for C and C++ programs: `libkbus.so` and `libkbus.a`, with the calls
//! that the library of 2009-2021 had (sections 10.1 and 10.2 of the
//! specification) and a few more. The headers in `include` say what they do.
//!
//! Everything that touches a program's pointers, or the kernel, is in
//! `boundary`, and so is every `unsafe`. The rest is ordinary Rust: it sees
//! headers, names and data. Not here: the Rust library, which shares the
//! contract with this one and nothing else.

#![deny(unsafe_code)]

mod boundary;
mod event;
#[cfg(test)]
mod header;
mod limpet;
mod message;
mod text;
mod wire;

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

use std::ffi::c_int;

/// An errno, positive. C programs get it negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) c_int);

pub(crate) type Result<T> = std::result::Result<T, Errno>;
