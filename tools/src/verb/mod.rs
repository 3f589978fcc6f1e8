// SPDX-License-Identifier: GPL-2.0-only
//! The verbs, a file for each: its options, and what it does.

pub(crate) mod listen;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod send;
