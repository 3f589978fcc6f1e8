// SPDX-License-Identifier: GPL-2.0-only
//! `send`: tells whoever listens.

use clap::Args;
use kbus::{Flags, Ksock, Message, Name};

use crate::exit::Failure;
use crate::output;
use crate::payload::Payload;

/// Send an announcement, and print the id that it got
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kbus-tool send '$.Actor.Hamlet' 'To be, or not to be'")]
pub(crate) struct Send {
    /// What the message is called
    name: Name,

    #[command(flatten)]
    payload: Payload,

    /// Let it overtake what is queued
    #[arg(long)]
    urgent: bool,

    /// Send it to nobody when some listener's queue is full
    #[arg(long)]
    all_or_fail: bool,
}

impl Send {
    pub(crate) fn run(self, bus: &Ksock) -> Result<(), Failure> {
        let mut message = Message::announcement(&self.name, self.payload.read()?);
        if self.urgent {
            message = message.with_flags(Flags::URGENT);
        }
        if self.all_or_fail {
            message = message.with_flags(Flags::ALL_OR_FAIL);
        }
        let id = bus.send(&message)?;
        output::line(id.to_string().as_bytes())
    }
}
