// SPDX-License-Identifier: GPL-2.0
//! The bus on the host: `kmod/bus` compiled against the stand-in for the `kernel` crate, and
//! its tests.
//!
//! * [`rules`]: the rules of the specification one by one.
//! * [`users`]: what one user may have.
//! * [`model`]: the whole bus once more, as naively as it can be said.
//! * [`world`]: bus and model side by side, compared after each verb, with the memory watched.
//! * [`properties`]: random sequences of verbs on both, and the promises of the bus.
//! * [`sweeps`]: every allocation of every verb made to fail.
//!
//! `mutations.sh` breaks the bus in many small ways and says which test noticed.

#![cfg(test)]
#![forbid(unsafe_code)]

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

// The module uses all of it, and its kernel is older than some of the host's lints.
#[allow(dead_code, unused_imports, clippy::manual_div_ceil)]
#[path = "../../../kmod/bus/mod.rs"]
mod bus;

mod model;
mod properties;
mod rules;
mod sweeps;
mod users;
mod world;
