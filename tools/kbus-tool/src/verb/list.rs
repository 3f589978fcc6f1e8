// SPDX-License-Identifier: GPL-2.0-only
//! `list`: what there is: buses, Ksocks, and who is bound to what.

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{count, Output, Paint};
use crate::procfs::{self, Binding};
use crate::render;

/// List buses, Ksocks and bindings, with the processes behind them
///
/// The process of a Ksock is the one that opened it, which the bus knows only
/// for Ksocks that are bound to something. Other processes that have a bus
/// open are listed with the bus, as far as we may see their files.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool list")]
pub(crate) struct List {}

/// A bus, with --json.
#[derive(Serialize)]
struct Bus {
    bus: u32,
    device: String,
    ksocks: usize,
    bindings: usize,
    /// Processes that have it open and are bound to nothing.
    others: Vec<Process>,
}

/// A Ksock, with --json.
#[derive(Serialize)]
struct Ksock {
    bus: u32,
    ksock: u32,
    queue: u32,
    limit: u32,
    pid: Option<u32>,
    command: Option<String>,
    replies_to: Vec<String>,
    listens_to: Vec<String>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    command: Option<String>,
}

impl List {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut out = context.output();
        let bindings = procfs::bindings()?;
        let holders = procfs::holders();
        let buses = procfs::stats()?;
        let mut known = false;
        for bus in buses.iter().filter(|bus| context.includes(bus.bus)) {
            known = true;
            let bound: Vec<&Binding> = bindings
                .iter()
                .filter(|binding| binding.bus == bus.bus)
                .collect();
            let others = holders.get(&bus.bus).into_iter().flatten();
            let others = others.filter(|pid| bound.iter().all(|binding| binding.pid != **pid));
            let line = Bus {
                bus: bus.bus,
                device: format!("/dev/kbus{}", bus.bus),
                ksocks: bus.ksocks.len(),
                bindings: bound.len(),
                others: others.map(|pid| process(*pid)).collect(),
            };
            out.either(&line, |out| line.text(out))?;
            for ksock in &bus.ksocks {
                let ours = bound
                    .iter()
                    .filter(|binding| binding.ksock == ksock.ksock)
                    .collect::<Vec<_>>();
                let pid = ours.first().map(|binding| binding.pid);
                let names = |replier: bool| -> Vec<String> {
                    // As they were bound: the oldest first.
                    let ours = ours.iter().rev();
                    ours.filter(|binding| binding.replier == replier)
                        .map(|binding| binding.name.to_string())
                        .collect()
                };
                let line = Ksock {
                    bus: bus.bus,
                    ksock: ksock.ksock,
                    queue: ksock.queue,
                    limit: ksock.limit,
                    pid,
                    command: pid.and_then(procfs::command),
                    replies_to: names(true),
                    listens_to: names(false),
                };
                out.either(&line, |out| line.text(out))?;
            }
        }
        out.flush()?;
        match context.bus() {
            missing if !known => Err(Failure::Other(format!(
                "there is no bus {missing} [ENOENT]; kbus-tool list shows all there are"
            ))),
            _ => Ok(()),
        }
    }
}

fn process(pid: u32) -> Process {
    Process {
        pid,
        command: procfs::command(pid),
    }
}

impl Bus {
    fn text(&self, out: &Output) -> String {
        let mut text = format!(
            "{}: {}, {}",
            out.paint(Paint::Name, &self.device),
            count(self.ksocks, "Ksock"),
            count(self.bindings, "binding")
        );
        for other in &self.others {
            let process = render::process(Some(other.pid), other.command.as_ref());
            text += &format!("\n  also open in {process}");
        }
        text
    }
}

impl Ksock {
    fn text(&self, out: &Output) -> String {
        let queue = if self.queue >= self.limit {
            Paint::Bad
        } else {
            Paint::Quiet
        };
        let mut text = format!(
            "  Ksock {} {} {}",
            self.ksock,
            out.paint(queue, &format!("queue {} of {}", self.queue, self.limit)),
            render::process(self.pid, self.command.as_ref())
        );
        for (does, names) in [
            ("replies to", &self.replies_to),
            ("listens to", &self.listens_to),
        ] {
            for name in names {
                text += &format!("\n    {does} {}", out.paint(Paint::Name, name));
            }
        }
        text
    }
}
