// SPDX-License-Identifier: GPL-2.0-only
//! `listen`: what is said, as it is said.

use clap::Args;
use kbus::{Ksock, Pattern, Role};

use crate::exit::Failure;
use crate::output;

/// Print messages as they arrive, one a line
///
/// A message that several of the names match is printed once.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kbus-tool listen --count 10 '$.Actor.*'")]
pub(crate) struct Listen {
    /// What to listen to: names, or patterns like $.Lamp.* and $.Lamp.%
    #[arg(required = true, value_name = "NAME")]
    names: Vec<Pattern>,

    /// Stop after so many messages
    #[arg(long, short, value_name = "N")]
    count: Option<usize>,
}

impl Listen {
    pub(crate) fn run(self, bus: &Ksock) -> Result<(), Failure> {
        bus.set_only_once(true)?;
        for name in &self.names {
            bus.bind(Role::Listener, name)?;
        }
        // Whoever starts us in the background can wait for this line.
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        output::note(&format!("listening to {}", names.join(" ")));
        for message in bus.messages().take(self.count.unwrap_or(usize::MAX)) {
            output::line(output::message(&message?).as_bytes())?;
        }
        Ok(())
    }
}
