// SPDX-License-Identifier: GPL-2.0-only
//! `request`: sends a request, and prints the answer.

use std::time::Duration;

use clap::Args;
use kbus::{KsockId, Name};

use crate::args::{deadline, ksock_id, seconds};
use crate::context::Context;
use crate::exit::Failure;
use crate::payload::Payload;
use crate::render::{self, Show};

/// Ask the replier for a name, and print what it answers
///
/// The exit status tells what happened: 0 answered, 3 there is no reply and
/// the bus said why (the replier died, for example), 4 nobody answered in
/// time, 1 the request could not be sent.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool request --timeout 2.5 '$.Coin' toss")]
pub(crate) struct Request {
    /// What the message is called
    name: Name,

    #[command(flatten)]
    payload: Payload,

    /// Wait so long at most, in seconds; without it, until there is an answer
    #[arg(long, short, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Ask this Ksock and no other: fails when another is the replier (see who --id)
    #[arg(long, value_name = "KSOCK", value_parser = ksock_id)]
    to: Option<KsockId>,

    /// Let it overtake what is queued
    #[arg(long)]
    urgent: bool,

    /// How to show the answer
    #[arg(long, short, value_name = "FORMAT", default_value = "raw")]
    show: Show,
}

impl Request {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let data = self.payload.read()?;
        let bus = context.open()?;
        let mut request = bus.request(&self.name, data);
        if let Some(to) = self.to {
            request = request.to(to);
        }
        if self.urgent {
            request = request.urgent();
        }
        let reply = request.call(deadline(self.timeout))?;
        let mut out = context.output();
        if out.json {
            out.object(&render::object(&reply, self.show))?;
        } else {
            out.line(render::bare(reply.data(), self.show))?;
        }
        out.flush()
    }
}
