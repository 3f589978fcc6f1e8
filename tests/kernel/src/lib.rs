// SPDX-License-Identifier: GPL-2.0-only
//! A stand-in for the kernel's own `kernel` crate.
//!
//! `kmod/bus` is written against the `kernel` crate of Linux 7.2. This crate has the same name
//! and offers, over std, what the bus uses of it (same paths, names and signatures) and no more,
//! so that the same files compile on the host and can be tested there a million times a minute.
//! Where this crate and the real one drift apart, one of the two builds breaks.
//!
//! What only this crate has is in [`testing`]: memory that runs out on request, and a tally of
//! what is still held.

#![forbid(unsafe_code)]

pub mod alloc;
pub mod error;
pub mod rbtree;
pub mod sync;
pub mod testing;

/// Formatting. The kernel has a `Display` of its own, which code implements in the same way.
pub mod fmt {
    pub use core::fmt::{Arguments, Debug, Display, Error, Formatter, Result, Write};
}

/// What every kernel source imports.
pub mod prelude {
    pub use crate::alloc::{flags::*, Box, KBox, KVBox, KVVec, KVec, VBox, VVec, Vec};
    pub use crate::error::{code::*, Error, Result};
    pub use crate::{const_assert, static_assert};
    pub use core::{
        format_args as fmt,
        mem::{align_of, align_of_val, size_of, size_of_val},
        pin::Pin,
    };
}

/// A warning in the kernel's log if the condition is true, and the condition: here the end of
/// the test.
#[macro_export]
macro_rules! warn_on {
    ($condition:expr) => {{
        let condition = $condition;
        ::core::assert!(!condition, "warn_on: {}", ::core::stringify!($condition));
        condition
    }};
}

/// An assertion about the program itself, at item level.
#[macro_export]
macro_rules! static_assert {
    ($condition:expr $(, $text:literal)? $(,)?) => {
        const _: () = ::core::assert!($condition $(, $text)?);
    };
}

/// An assertion about the program itself, inside a function.
#[macro_export]
macro_rules! const_assert {
    ($condition:expr $(, $text:literal)? $(,)?) => {
        const { ::core::assert!($condition $(, $text)?) };
    };
}
