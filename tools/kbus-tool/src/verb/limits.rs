// SPDX-License-Identifier: GPL-2.0-only
//! `limits`: the settings of a bus.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;

/// Show the settings of a bus, or change them
///
/// They concern everybody on that bus, and stay until they are changed or the
/// module is unloaded. The length of a queue is each Ksock's own affair; here
/// is only what new ones begin with.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool limits --message-size 65536")]
pub(crate) struct Limits {
    /// The longest message, in bytes, header and name included: 100 or more
    #[arg(long, value_name = "BYTES")]
    message_size: Option<u32>,

    /// Are there messages ($.KBUS.ReplierBindEvent) when repliers come and go?
    #[arg(long, value_name = "WHETHER")]
    report_repliers: Option<Switch>,

    /// Does the kernel log what this bus does?
    #[arg(long, value_name = "WHETHER")]
    verbose: Option<Switch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Serialize)]
struct Settings {
    bus: u32,
    message_size: u32,
    largest_message_size: u32,
    report_repliers: bool,
    verbose: bool,
    queue: u32,
}

impl Limits {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let bus = context.open()?;
        let queue = bus.max_messages()?;
        if let Some(bytes) = self.message_size {
            bus.set_max_message_size(bytes)?;
        }
        if let Some(switch) = self.report_repliers {
            // Turned on, our queue gets a message for each replier there is.
            bus.set_max_messages(u32::MAX)?;
            bus.set_report_replier_binds(switch == Switch::On)?;
        }
        if let Some(switch) = self.verbose {
            bus.set_verbose(switch == Switch::On)?;
        }
        let settings = Settings {
            bus: context.bus(),
            message_size: bus.max_message_size()?,
            largest_message_size: bus.absolute_max_message_size()?,
            report_repliers: bus.report_replier_binds()?,
            verbose: bus.verbose()?,
            queue,
        };
        let mut out = context.output();
        out.either(&settings, |_| settings.text())?;
        out.flush()
    }
}

impl Settings {
    fn text(&self) -> String {
        let word = |on| if on { "on" } else { "off" };
        format!(
            "message size     {} bytes (at most {})\n\
             report repliers  {}\n\
             verbose          {}\n\
             queue            {} messages, for new Ksocks",
            self.message_size,
            self.largest_message_size,
            word(self.report_repliers),
            word(self.verbose),
            self.queue
        )
    }
}
