// SPDX-License-Identifier: GPL-2.0-only
//! `request`: asks, and prints the answer.

use std::time::Duration;

use clap::Args;
use kbus::{Deadline, Ksock, KsockId, Name};

use crate::exit::Failure;
use crate::output;
use crate::payload::Payload;

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

    /// Ask this Ksock and no other: fails when another is the replier
    #[arg(long, value_name = "KSOCK", value_parser = ksock_id)]
    to: Option<KsockId>,

    /// Let it overtake what is queued
    #[arg(long)]
    urgent: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn ksock_id(text: &str) -> Result<KsockId, String> {
    let id = text.parse().ok().and_then(KsockId::new);
    id.ok_or_else(|| "a Ksock is a number from 1 up".to_owned())
}

impl Request {
    pub(crate) fn run(self, bus: &Ksock) -> Result<(), Failure> {
        let mut request = bus.request(&self.name, self.payload.read()?);
        if let Some(to) = self.to {
            request = request.to(to);
        }
        if self.urgent {
            request = request.urgent();
        }
        let deadline = self.timeout.map_or(Deadline::NEVER, Deadline::from);
        let reply = request.call(deadline)?;
        output::line(reply.data())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_seconds() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        assert!(seconds("-1").is_err());
        assert!(seconds("soon").is_err());
        assert!(seconds("NaN").is_err());
    }
}
