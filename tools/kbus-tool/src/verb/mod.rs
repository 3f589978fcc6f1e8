// SPDX-License-Identifier: GPL-2.0-only
//! The verbs, a file for each: its options, and what it does.

pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod listen;
pub(crate) mod man;
pub(crate) mod new_bus;
pub(crate) mod record;
pub(crate) mod remove_bus;
pub(crate) mod replay;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod send;
pub(crate) mod stats;
pub(crate) mod top;
pub(crate) mod who;
