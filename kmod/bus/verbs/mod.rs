// SPDX-License-Identifier: GPL-2.0-only

//! The verbs of a bus, a file for each kind of call.

pub(crate) mod report;

mod bind;
pub(crate) mod close;
mod decide;
mod events;
mod go_on;
mod open;
mod receive;
mod send;
mod settings;

pub(crate) use bind::NewBinding;
pub(crate) use events::Replay;
pub(crate) use open::NewKsock;
pub(crate) use send::{Ready, Sent};
