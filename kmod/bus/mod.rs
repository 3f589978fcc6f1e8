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
//! | words | `need` `progress` `id` `count` |
//! | | `age` `error` |
//! | | `tally` `walk` `reserve` `name` |
//! | things | `message` `binding` `owed` `copy_limit` `quota` `waiting` `wakeup` |
//! | | `synthetic` `routes` |
//! | queues | `queue` |
//! | | `awaited` |
//! | | `plan` `ksock` |
//! | a bus | `prealloc` |
//! | | `state` |
//! | what it does | `verbs` |

pub(crate) mod binding;
pub(crate) mod error;
pub(crate) mod id;
pub(crate) mod ksock;
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
mod copy_limit;
mod count;
mod owed;
mod plan;
mod reserve;
mod routes;
mod state;
mod tally;
mod waiting;
mod walk;

pub(crate) use error::{BusError, Refusal};
pub(crate) use prealloc::Prealloc;
pub(crate) use state::Bus;
pub(crate) use verbs::{NewBinding, NewKsock, Ready, Replay, Sent};
pub(crate) use wakeup::{Notify, Wake};
