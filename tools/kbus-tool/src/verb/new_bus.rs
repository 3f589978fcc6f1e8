// SPDX-License-Identifier: GPL-2.0-only
//! `new-bus`: makes a bus.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use kbus::Deadline;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::shutdown::Shutdown;

/// Make another bus, and print its device
///
/// There may be 256. A bus stays until remove-bus takes it away, or the module is
/// unloaded.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool new-bus")]
pub(crate) struct NewBus {}

#[derive(Serialize)]
struct Made {
    bus: u32,
    device: String,
}

impl NewBus {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shutdown = Shutdown::new()?;
        let bus = context.open()?.new_device()?;
        let device = format!("/dev/kbus{bus}");
        // The node comes a little later.
        let deadline = Deadline::from(Duration::from_secs(5));
        while !Path::new(&device).exists() {
            if deadline.has_passed() {
                return Err(Failure::TimedOut(format!(
                    "bus {bus} is made, but there is no {device}; see whether devtmpfs or udev \
                     runs here"
                )));
            }
            shutdown.sleep(Duration::from_millis(5))?;
        }
        let mut out = context.output();
        let made = Made { bus, device };
        out.either(&made, |_| made.device.clone())?;
        out.flush()
    }
}
