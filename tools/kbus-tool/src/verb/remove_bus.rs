// SPDX-License-Identifier: GPL-2.0-only
//! `remove-bus`: takes a bus away.

use clap::Args;

use crate::context::Context;
use crate::exit::Failure;

/// Take a bus away that new-bus has made
///
/// Nobody may have it open. Who made it may do so, and an administrator; the
/// buses that the module began with stay until it is unloaded. Its number is
/// free for the next bus.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool remove-bus \"$(kbus-tool new-bus)\"")]
pub(crate) struct RemoveBus {
    /// The bus, by number or as new-bus has printed it
    #[arg(value_parser = parse)]
    number: u32,
}

impl RemoveBus {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        Ok(context.open()?.remove_device(self.number)?)
    }
}

fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.strip_prefix("/dev/kbus").unwrap_or(text).parse()
}
