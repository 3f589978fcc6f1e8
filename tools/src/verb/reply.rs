// SPDX-License-Identifier: GPL-2.0-only
//! `reply`: is the replier for a name.

use clap::Args;
use kbus::{Deadline, Incoming, Ksock, Pattern, Role};

use crate::exit::Failure;
use crate::output;
use crate::payload::Payload;

/// Be the replier for a name: print each request, and answer it
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kbus-tool reply --count 3 '$.Coin' heads")]
pub(crate) struct Reply {
    /// The name, or a pattern like $.Lamp.* and $.Lamp.%
    name: Pattern,

    #[command(flatten)]
    payload: Payload,

    /// Stop after so many requests
    #[arg(long, short, value_name = "N")]
    count: Option<usize>,
}

impl Reply {
    pub(crate) fn run(self, bus: &Ksock) -> Result<(), Failure> {
        let answer = self.payload.read()?;
        bus.bind(Role::Replier, &self.name)?;
        // Whoever starts us in the background can wait for this line.
        output::note(&format!("replying to {}", self.name));
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            // We are bound as replier only: nothing else arrives.
            let Some(Incoming::Asked(request)) = bus.incoming(Deadline::NEVER)? else {
                continue;
            };
            let line = output::message(&request);
            if let Err(error) = request.answer(&answer) {
                // Who asked may have gone meanwhile: that is no reason to stop.
                output::complain(&error.to_string());
            }
            output::line(line.as_bytes())?;
            left -= 1;
        }
        Ok(())
    }
}
