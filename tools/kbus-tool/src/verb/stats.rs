// SPDX-License-Identifier: GPL-2.0-only
//! `stats`: what the buses count.

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Output, Paint};
use crate::procfs;

/// Print what each bus counts: queues, answers awaited and owed
///
/// A bus does not count the messages that it leaves out because a queue is
/// full; a full queue is marked, while it is.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool stats")]
pub(crate) struct Stats {}

/// A bus, with --json. The numbers are the next ones to be given out.
#[derive(Serialize)]
struct Bus {
    bus: u32,
    next_ksock: u32,
    next_message: u32,
    events_set_aside: u32,
    events_lost: bool,
}

/// A Ksock, with --json.
#[derive(Serialize)]
struct Ksock {
    bus: u32,
    ksock: u32,
    last_sent: String,
    queue: u32,
    limit: u32,
    full: bool,
    awaits: u32,
    most_awaited: u32,
    owes: u32,
    most_owed: u32,
    waits_to_send: bool,
    bytes_left_to_read: u32,
}

impl Stats {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut out = context.output();
        let buses = procfs::stats()?;
        for bus in buses.iter().filter(|bus| context.includes(bus.bus)) {
            let line = Bus {
                bus: bus.bus,
                // A fresh bus says 0, and means 1.
                next_ksock: bus.next_ksock.max(1),
                next_message: bus.next_message.max(1),
                events_set_aside: bus.set_aside,
                events_lost: bus.events_lost,
            };
            out.either(&line, |out| line.text(out))?;
            for ksock in &bus.ksocks {
                let (network, serial) = ksock.last_sent;
                let line = Ksock {
                    bus: bus.bus,
                    ksock: ksock.ksock,
                    last_sent: format!("[{network}:{serial}]"),
                    queue: ksock.queue,
                    limit: ksock.limit,
                    full: ksock.is_full(),
                    awaits: ksock.awaits.0,
                    most_awaited: ksock.awaits.1,
                    owes: ksock.owes.0,
                    most_owed: ksock.owes.1,
                    waits_to_send: ksock.waits_to_send,
                    bytes_left_to_read: ksock.reading.1.saturating_sub(ksock.reading.0),
                };
                out.either(&line, |out| line.text(out))?;
            }
        }
        out.flush()
    }
}

impl Bus {
    fn text(&self, out: &Output) -> String {
        let mut text = format!(
            "{}: next Ksock {}, next message {}",
            out.paint(Paint::Name, &format!("bus {}", self.bus)),
            self.next_ksock,
            self.next_message
        );
        if self.events_set_aside > 0 {
            text += &format!(", events set aside {}", self.events_set_aside);
        }
        if self.events_lost {
            text += &out.paint(Paint::Bad, ", events are being lost");
        }
        text
    }
}

impl Ksock {
    fn text(&self, out: &Output) -> String {
        let mut text = format!(
            "  Ksock {}: queue {} of {}, awaits {} (max {}), owes {} (max {}), last sent {}",
            self.ksock,
            self.queue,
            self.limit,
            self.awaits,
            self.most_awaited,
            self.owes,
            self.most_owed,
            self.last_sent
        );
        if self.full {
            text += &out.paint(Paint::Bad, ", full");
        }
        if self.waits_to_send {
            text += ", waits to send";
        }
        text
    }
}
