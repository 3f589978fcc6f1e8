// SPDX-License-Identifier: GPL-2.0-only

//! THE BUS: who gets which message, in which order, and who owes whom an answer.
//!
//! A [`Bus`] is a plain value. It takes no lock, never sleeps, never allocates, and knows nothing
//! of files, tasks or user memory. Its caller holds the lock around it and calls one verb at a
//! time, and that is what puts all messages of a bus in one order.
//!
//! Each verb first looks, then acts: all that can refuse it, and all that needs memory (see
//! [`prealloc`]), comes before the first change, and from then on nothing can fail.
//!
//! # What a verb costs
//!
//! While the bus is locked a verb costs a constant, and a constant for each recipient of its
//! message that can take it: never a product, and nothing that grows with what others hold, wait
//! for or have bound. Nothing is allocated by an amount that somebody else chooses. What takes
//! long is done in steps ([`prealloc::STEP`]), between which others get the lock.
//!
//! # Layers
//!
//! Each file uses only those in the rows above its own.
//!
//! | layer | files |
//! | --- | --- |
//! | words | `progress` `id` `count` |
//! | | `age` `chain` `pool` |
//! | | `need` |
//! | | `error` |
//! | | `tally` `walk` `reserve` `name` |
//! | things | `message` `binding` `owed` `copy_limit` `quota` `wakeup` |
//! | | `synthetic` `routes` `waiting` `awaited` `bindings` |
//! | queues | `queue` |
//! | | `plan` `ksock` |
//! | | `ksocks` |
//! | | `shortage` |
//! | a bus | `prealloc` |
//! | | `state` |
//! | what it does | `verbs` |

pub(crate) mod binding;
mod bindings;
pub(crate) mod error;
pub(crate) mod id;
pub(crate) mod ksock;
mod ksocks;
pub(crate) mod message;
pub(crate) mod name;
pub(crate) mod need;
pub(crate) mod prealloc;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod quota;
pub(crate) mod synthetic;
pub(crate) mod verbs;
pub(crate) mod wakeup;

mod age;
mod awaited;
mod chain;
mod copy_limit;
mod count;
mod owed;
mod plan;
mod pool;
mod reserve;
mod routes;
mod shortage;
mod state;
mod tally;
mod waiting;
mod walk;

pub(crate) use error::{BusError, Refusal};
pub(crate) use prealloc::Prealloc;
pub(crate) use state::Bus;
pub(crate) use verbs::{NewBinding, NewKsock, Ready, Replay, Sent};
pub(crate) use wakeup::{Notify, Wake};
