// SPDX-License-Identifier: GPL-2.0
//! The bus on the host: `kmod/bus` compiled against the stand-in for the `kernel` crate, and
//! its tests.
//!
//! * `rules`: the rules of the specification one by one.
//! * `users`: what one user may have.
//! * `model`: the whole bus once more, as naively as it can be said.
//! * `world`: bus and model side by side, compared after each verb, with the memory watched.
//! * `play`: steps of users on a world, and what they remember of it.
//! * `properties`: random plays, and the promises of the bus.
//! * `sweeps`: every allocation of every verb made to fail.
//! * `written`: what programs write, in pieces, on its way to the bus.
//!
//! `mutations.sh` breaks the bus in many small ways and says which test noticed. Worlds and
//! plays are a library because `tests/fuzz` and `tests/model` use them as well.

#![forbid(unsafe_code)]

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

// The module uses all of it, and its kernel is older than some of the host's lints.
#[allow(dead_code, unused_imports, clippy::manual_div_ceil)]
#[path = "../../../kmod/bus/mod.rs"]
mod bus;

#[allow(dead_code, clippy::precedence)]
#[path = "../../../kmod/classic/mod.rs"]
mod classic;

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
