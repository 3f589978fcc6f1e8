// SPDX-License-Identifier: GPL-2.0-only
//! The rules. Each says what it sees and what it expects when a subject breaks it.

pub(crate) mod announcements;
pub(crate) mod answers;
pub(crate) mod bind_events;
pub(crate) mod binding;
pub(crate) mod closing;
pub(crate) mod events;
pub(crate) mod going_away;
pub(crate) mod large;
pub(crate) mod limits;
pub(crate) mod lower;
pub(crate) mod names;
pub(crate) mod only_once;
pub(crate) mod requests;
pub(crate) mod sending;
pub(crate) mod set_aside;
pub(crate) mod settings;
pub(crate) mod urgent;
pub(crate) mod waiting;
pub(crate) mod wildcards;
