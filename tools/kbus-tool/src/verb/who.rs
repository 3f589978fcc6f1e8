// SPDX-License-Identifier: GPL-2.0-only
//! `who`: who would get a message.

use std::time::Duration;

use clap::Args;
use kbus::{Deadline, Name, Pattern};
use serde::Serialize;

use crate::args::seconds;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Paint;
use crate::procfs::{self, Binding};
use crate::render;
use crate::shutdown::Shutdown;

/// Tell who replies to a name, and who listens to it
///
/// Of a name it tells who would get a message: the replier, found as the bus
/// finds it, and the listeners. Of a pattern it tells who is bound to exactly
/// that.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool who --wait 10 '$.Coin'")]
pub(crate) struct Who {
    /// The name, or a pattern like $.Lamp.* and $.Lamp.%
    name: Pattern,

    /// Wait so long at most, in seconds, until somebody replies to it
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<Duration>,

    /// Wait until so many Ksocks listen to it instead
    #[arg(long, value_name = "N", requires = "wait")]
    listeners: Option<usize>,

    /// Print only the number of the replier's Ksock, for request --to; fails if there is none
    #[arg(long)]
    id: bool,
}

#[derive(Serialize)]
struct Bound<'a> {
    bus: u32,
    role: &'static str,
    ksock: u32,
    pid: u32,
    command: Option<String>,
    bound_to: &'a str,
}

impl Who {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let deadline = self
            .wait
            .map_or(Deadline::from(Duration::ZERO), Deadline::from);
        let shutdown = Shutdown::new()?;
        let bindings = loop {
            let last = deadline.has_passed();
            let bindings = procfs::bindings()?;
            if self.wait.is_none() || self.is_content(&bindings, context.bus()) {
                break bindings;
            }
            if last {
                return Err(Failure::TimedOut(format!(
                    "{} to {} in time",
                    match self.listeners {
                        Some(number) => format!("there were not {number} that listened"),
                        None => "nobody replied".to_owned(),
                    },
                    self.name
                )));
            }
            // The bus could tell, but only by a setting for everybody.
            shutdown.sleep(Duration::from_millis(20))?;
        };
        let (replier, listeners) = self.find(&bindings, context.bus());
        let mut out = context.output();
        if self.id {
            let Some(replier) = replier else {
                return Err(Failure::Other(format!("nobody replies to {}", self.name)));
            };
            #[derive(Serialize)]
            struct Id {
                ksock: u32,
            }
            let ksock = replier.ksock;
            out.either(&Id { ksock }, |_| ksock.to_string())?;
            return out.flush();
        }
        for (role, binding) in replier
            .map(|replier| ("replier", replier))
            .into_iter()
            .chain(listeners.into_iter().map(|listener| ("listener", listener)))
        {
            let name = binding.name.to_string();
            let bound = Bound {
                bus: binding.bus,
                role,
                ksock: binding.ksock,
                pid: binding.pid,
                command: procfs::command(binding.pid),
                bound_to: &name,
            };
            out.either(&bound, |out| {
                format!(
                    "{role} Ksock {} {} by {}",
                    bound.ksock,
                    render::process(Some(bound.pid), bound.command.as_ref()),
                    out.paint(Paint::Name, &name)
                )
            })?;
        }
        if !out.json && replier.is_none() {
            let line = format!("nobody replies to {}", self.name);
            out.line(line)?;
        }
        out.flush()
    }

    /// The replier, and all listeners, the oldest first.
    fn find<'a>(
        &self,
        bindings: &'a [Binding],
        bus: u32,
    ) -> (Option<&'a Binding>, Vec<&'a Binding>) {
        let here: Vec<&Binding> = bindings
            .iter()
            .filter(|binding| binding.bus == bus)
            .collect();
        let name = Name::try_from(self.name.clone()).ok();
        let concerns = |binding: &&&Binding| match &name {
            Some(name) => binding.name.matches(name),
            None => binding.name == self.name,
        };
        let replier = match &name {
            Some(name) => procfs::replier_for(&here, name),
            None => here
                .iter()
                .find(|binding| binding.replier && binding.name == self.name)
                .copied(),
        };
        let listeners = here.iter().rev().filter(|binding| !binding.replier);
        (replier, listeners.filter(concerns).copied().collect())
    }

    fn is_content(&self, bindings: &[Binding], bus: u32) -> bool {
        let (replier, listeners) = self.find(bindings, bus);
        match self.listeners {
            None => replier.is_some(),
            Some(number) => {
                let mut ksocks: Vec<u32> = listeners.iter().map(|found| found.ksock).collect();
                ksocks.sort_unstable();
                ksocks.dedup();
                ksocks.len() >= number
            }
        }
    }
}
