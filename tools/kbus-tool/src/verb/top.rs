// SPDX-License-Identifier: GPL-2.0-only
//! `top`: what goes on, again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::args::seconds;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{count, Output, Paint};
use crate::procfs::{self, Binding, Bus};
use crate::render;
use crate::shutdown::Shutdown;

/// Show live what goes on: rates, queues, answers owed
///
/// The rate is of message numbers that the bus gives out, refused messages
/// and those of the bus itself included. The bus does not count what it
/// leaves out at a full queue; a queue found full is marked, and how often it
/// was found so is counted.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool top --interval 0.5 --count 4")]
pub(crate) struct Top {
    /// How often to look, in seconds
    #[arg(long, short, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    interval: Duration,

    /// Stop after so many looks; without it, at Ctrl-C
    #[arg(long, short, value_name = "N")]
    count: Option<usize>,
}

/// A bus, with --json.
#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    bus: u32,
    messages: u32,
    /// None, before there are two looks.
    messages_per_second: Option<f64>,
    ksocks: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    ksock: u32,
    queue: u32,
    limit: u32,
    awaits: u32,
    owes: u32,
    full: bool,
    found_full: u64,
    pid: Option<u32>,
    command: Option<String>,
}

/// The screen, until it is dropped.
struct Screen;

impl Screen {
    const ENTER: &str = "\x1b[?1049h\x1b[?25l";
    const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
}

impl Top {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shutdown = Shutdown::new()?;
        let mut out = context.output();
        let screen = out.terminal && !out.json;
        if screen {
            out.raw(Screen::ENTER)?;
        }
        let ended = self.look(context, &mut out, &shutdown, screen);
        if screen {
            out.raw(Screen::LEAVE)?;
        }
        out.flush()?;
        ended
    }

    fn look(
        &self,
        context: &Context,
        out: &mut Output,
        shutdown: &Shutdown,
        screen: bool,
    ) -> Result<(), Failure> {
        // Of each bus: when we looked last, and what was its number then.
        let mut before: BTreeMap<u32, (Instant, u32)> = BTreeMap::new();
        let mut full: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        let mut next = Instant::now();
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            let (buses, now) = (procfs::stats()?, Instant::now());
            let bindings = procfs::bindings()?;
            let time = if out.json {
                render::time()
            } else {
                render::clock()
            };
            if screen {
                out.raw("\x1b[H\x1b[2J")?;
            }
            if !out.json {
                let every = format!("{time}  every {} s", self.interval.as_secs_f64());
                let every = out.paint(Paint::Quiet, &every);
                out.line(every)?;
            }
            for bus in buses.iter().filter(|bus| context.includes(bus.bus)) {
                let messages = bus.next_message.saturating_sub(1);
                let rate = before
                    .insert(bus.bus, (now, messages))
                    .map(|(then, earlier)| {
                        let messages = messages.wrapping_sub(earlier);
                        f64::from(messages) / (now - then).as_secs_f64()
                    })
                    .map(|rate| (rate * 10.0).round() / 10.0);
                let line = Line {
                    time: &time,
                    bus: bus.bus,
                    messages,
                    messages_per_second: rate,
                    ksocks: rows(bus, &bindings, &mut full),
                };
                out.either(&line, |out| line.text(out))?;
            }
            out.flush()?;
            left -= 1;
            if left > 0 {
                next += self.interval;
                shutdown.sleep(next)?;
            }
        }
        Ok(())
    }
}

fn rows(bus: &Bus, bindings: &[Binding], full: &mut BTreeMap<(u32, u32), u64>) -> Vec<Row> {
    let row = |ksock: &procfs::Ksock| {
        let pid = bindings
            .iter()
            .find(|binding| binding.bus == bus.bus && binding.ksock == ksock.ksock)
            .map(|binding| binding.pid);
        let found_full = full.entry((bus.bus, ksock.ksock)).or_default();
        *found_full += u64::from(ksock.is_full());
        Row {
            ksock: ksock.ksock,
            queue: ksock.queue,
            limit: ksock.limit,
            awaits: ksock.awaits.0,
            owes: ksock.owes.0,
            full: ksock.is_full(),
            found_full: *found_full,
            pid,
            command: pid.and_then(procfs::command),
        }
    };
    bus.ksocks.iter().map(row).collect()
}

impl Line<'_> {
    fn text(&self, out: &Output) -> String {
        let mut text = format!(
            "{}: {}",
            out.paint(Paint::Name, &format!("bus {}", self.bus)),
            count(self.ksocks.len(), "Ksock"),
        );
        if let Some(rate) = self.messages_per_second {
            text += &format!(", {rate:.1} messages/s");
        }
        if !self.ksocks.is_empty() {
            let head = "   Ksock    queue       of   awaits     owes   found full";
            text += &format!("\n{}", out.paint(Paint::Quiet, head));
        }
        for row in &self.ksocks {
            let found_full = format!("{:>12}", row.found_full);
            let paint = if row.full { Paint::Bad } else { Paint::Quiet };
            text += &format!(
                "\n{:>8} {:>8} {:>8} {:>8} {:>8} {}  {}",
                row.ksock,
                row.queue,
                row.limit,
                row.awaits,
                row.owes,
                out.paint(paint, &found_full),
                render::process(row.pid, row.command.as_ref())
            );
        }
        text
    }
}
