// SPDX-License-Identifier: GPL-2.0-only
//! The bus on the host: `kmod/bus` compiled against the stand-in for the `kernel` crate, and
//! its tests.
//!
//! * `conformance`: the rules of the specification one by one, of `tests/conformance`.
//! * `rules`: those that are about this bus only: who is woken, and what no user sees.
//! * `users`: what one user may have.
//! * `model`: the whole bus once more, as naively as it can be said.
//! * `world`: bus and model side by side, compared after each verb, with the memory watched.
//! * `play`: steps of users on a world, and what they remember of it.
//! * `properties`: random plays, and the promises of the bus.
//! * `edges`: what the module never asks of a bus.
//! * `listing`: who is bound to what, read bit by bit while it changes.
//! * `sweeps`: every allocation of every verb made to fail.
//! * `written`: what programs write, in pieces, on its way to the bus.
//!
//! `mutations.sh` breaks the bus in many small ways and says which test noticed. Worlds and
//! plays are a library because `tests/fuzz` and `tests/model` use them as well.

#![forbid(unsafe_code)]

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

/// Trace points, which nobody watches here, and memory.
mod kapi {
    pub(crate) mod bytes;
    pub(crate) mod trace;
}

#[path = "../../../kmod/trace.rs"]
mod trace;

// The module uses all of it, and its kernel is older than some of the host's lints.
#[allow(dead_code, unused_imports, clippy::manual_div_ceil)]
#[path = "../../../kmod/bus/mod.rs"]
mod bus;

#[allow(dead_code, clippy::precedence)]
#[path = "../../../kmod/classic/mod.rs"]
mod classic;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod listing;
pub mod model;
pub mod play;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sweeps;
#[cfg(test)]
mod users;
pub mod world;
pub mod written;
