// SPDX-License-Identifier: GPL-2.0-only
//! The protocol of the bus in all states that small configurations can get into, and the real bus
//! walked along the same paths. See README.md.
//!
//! * `table`: who sits at the table, and what each may do.
//! * `play`: an action, done on the model or on the real bus, and what the users remember.
//! * `promises`: what must hold in each state.
//! * `faults`: what breaks which promise.
//! * `checked`: the checker's view of all this, and the configurations.
//! * `walked`: the real bus along the same actions.

#![cfg(test)]
#![forbid(unsafe_code)]

mod checked;
mod faults;
mod play;
mod promises;
mod table;
mod walked;
