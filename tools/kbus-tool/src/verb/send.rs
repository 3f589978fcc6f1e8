// SPDX-License-Identifier: GPL-2.0-only
//! `send`: sends an announcement to those who listen.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kbus::{Errno, Flags, Ksock, Message, MessageId, Name};
use serde::Serialize;

use crate::args::{deadline, seconds};
use crate::context::Context;
use crate::exit::Failure;
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

    /// Send a message for each line of standard input
    #[arg(long, conflicts_with_all = ["data", "file"])]
    each_line: bool,

    /// Let it overtake what is queued
    #[arg(long)]
    urgent: bool,

    /// Send it to nobody when some listener's queue is full
    #[arg(long)]
    all_or_fail: bool,

    /// Wait until all listeners have room for it
    #[arg(long, conflicts_with = "all_or_fail")]
    all_or_wait: bool,

    /// Wait so long at most, in seconds, and then send it to nobody
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "all_or_wait")]
    timeout: Option<Duration>,
}

#[derive(Serialize)]
struct Sent {
    id: MessageId,
}

impl Send {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut flags = Flags::NONE;
        if self.urgent {
            flags |= Flags::URGENT;
        }
        if self.all_or_fail {
            flags |= Flags::ALL_OR_FAIL;
        }
        if self.all_or_wait {
            flags |= Flags::ALL_OR_WAIT;
        }
        // What the command line decides comes before the bus.
        let format = self.payload.format();
        let first = if self.each_line {
            None
        } else {
            Some(self.payload.read()?)
        };
        let bus = context.open()?;
        let mut out = context.output();
        let mut announce = |data: Vec<u8>| {
            let message = Message::announcement(&self.name, data).with_flags(flags);
            let id = send(&bus, &message, self.timeout)?;
            out.either(&Sent { id }, |_| id.to_string())?;
            out.flush()
        };
        if let Some(data) = first {
            return announce(data);
        }
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            input
                .read_until(b'\n', &mut line)
                .map_err(|error| Failure::File("read", PathBuf::from("-"), error))?;
            if line.is_empty() {
                return Ok(());
            }
            announce(format.decode(line.strip_suffix(b"\n").unwrap_or(&line).to_owned())?)?;
        }
    }
}

fn send(bus: &Ksock, message: &Message, timeout: Option<Duration>) -> Result<MessageId, Failure> {
    let again = Errno(rustix::io::Errno::AGAIN.raw_os_error());
    match bus.send(message) {
        Err(error) if error.errno() == Some(again) => {
            // The bus sends it as soon as it can. An announcement fails no other way.
            if bus.wait_writable(deadline(timeout))? {
                return Ok(bus.last_sent()?);
            }
            if !bus.discard()? {
                // At the last moment.
                return Ok(bus.last_sent()?);
            }
            Err(Failure::TimedOut(
                "not sent: a listener's queue stayed full".to_owned(),
            ))
        }
        sent => Ok(sent?),
    }
}
