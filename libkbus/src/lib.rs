// SPDX-License-Identifier: GPL-2.0-only
//! KBUS for programs.
//!
//! A bus carries messages between the processes of one machine, through the
//! kernel. Messages have names, like `$.Lamp.Kitchen`. A program that wants the
//! messages of a name binds to it as a *listener*; one may bind to it as the
//! *replier*, and answers the *requests* of that name. All recipients see the
//! messages of a bus in the same order, and each request gets exactly one
//! answer: when the replier dies, the bus gives it.
//!
//! A [`Ksock`] is one connection to a bus; a [`Message`] is what goes through
//! it; [`Name`] and [`Pattern`] say what messages are called and what is bound
//! to. An [`Error`] says in words what went wrong and what to do about it.
//!
//! One program says something, and asks something:
//!
//! ```no_run
//! use kbus::{Access, Ksock, Message, Name};
//! use std::time::Duration;
//!
//! let bus = Ksock::open(0, Access::ReadWrite)?;
//! bus.send(&Message::announcement(&Name::new("$.Door.Bell")?, "ring"))?;
//!
//! let answer = bus.request(&Name::new("$.Lamp.Kitchen")?, "on?").call(Duration::from_secs(1))?;
//! println!("{}", String::from_utf8_lossy(answer.data()));
//! # Ok::<(), kbus::Error>(())
//! ```
//!
//! Another one hears it and answers:
//!
//! ```no_run
//! use kbus::{Access, Deadline, Incoming, Ksock, Name, Pattern, Role};
//!
//! let bus = Ksock::open(0, Access::ReadWrite)?;
//! bus.bind(Role::Listener, Pattern::new("$.Door.*")?)?;
//! bus.bind(Role::Replier, Name::new("$.Lamp.Kitchen")?)?;
//! while let Some(incoming) = bus.incoming(Deadline::NEVER)? {
//!     match incoming {
//!         Incoming::Asked(request) => drop(request.answer("yes")?),
//!         Incoming::Told(message) => println!("{message}"),
//!     }
//! }
//! # Ok::<(), kbus::Error>(())
//! ```
//!
//! Features, off by default: `tokio` adds `AsyncKsock`, for programs that wait
//! for many things at a time; `serde` lets ids, names, flags and bind events be
//! serialised.
//!
//! The numbers of sections in this documentation refer to the specification
//! of KBUS, `kmod/uapi/kbus-abi.md`. This crate is not the place for the C library, nor for the kernel
//! module; they share the contract, `kmod/uapi`.

#![deny(missing_docs, unreachable_pub, unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::unwrap_used
)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used))]

mod deadline;
mod error;
mod inbox;
mod incoming;
mod ksock;
mod message;
mod outbox;
mod request;
mod settings;
mod sys;
mod text;
#[cfg(feature = "tokio")]
mod tokio;
mod uapi;
#[cfg(test)]
mod vectors;
mod wire;

pub use self::deadline::Deadline;
pub use self::error::{Call, Errno, Error};
pub use self::incoming::{Answer, Asked, Incoming};
pub use self::ksock::{Access, Ksock, Messages, Role};
pub use self::message::{Kind, Message};
pub use self::request::Request;
#[cfg(feature = "tokio")]
pub use self::tokio::{AsyncKsock, AsyncMessages, AsyncSender};
pub use self::wire::bind_event::BindEvent;
pub use self::wire::flags::Flags;
pub use self::wire::id::{KsockId, MessageId, Origin};
pub use self::wire::layout::Malformed;
pub use self::wire::name::{Name, NameError, Pattern, MAX_NAME_LEN};
pub use self::wire::status::Status;
