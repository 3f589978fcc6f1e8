// SPDX-License-Identifier: GPL-2.0-only
//! The command line: what there is to ask for. What a verb does, and its own
//! options, are in its file.

use std::time::Duration;

use clap::{Parser, Subcommand};
use kbus::{Access, Ksock, KsockId};

use crate::exit::{Failure, EXIT_STATUS};
use crate::output::Output;
use crate::verb::{
    completions, doctor, explain, limits, list, listen, man, new_bus, record, replay, reply,
    request, send, stats, top, who,
};

/// KBUS for people: say, ask and watch on a bus
///
/// A bus carries messages between the processes of this machine. Messages have
/// names, like $.Lamp.Kitchen. Listeners hear them; a request of some name is
/// answered by the one replier for that name.
#[derive(Debug, Parser)]
#[command(name = "kbus-tool", version, after_help = EXIT_STATUS, verbatim_doc_comment)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
#[command(max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    context: Context,

    #[command(subcommand)]
    verb: Verb,
}

/// What all verbs need to know.
#[derive(Debug, clap::Args)]
pub(crate) struct Context {
    /// Which bus: 0 is /dev/kbus0 (list, stats, top: all, if not given)
    #[arg(long, short, global = true, value_name = "N", env = "KBUS_BUS")]
    bus: Option<u32>,

    /// Print JSON: one object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Listen(listen::Listen),
    Send(send::Send),
    Request(request::Request),
    Reply(reply::Reply),
    Who(who::Who),
    Stats(stats::Stats),
    Top(top::Top),
    Limits(limits::Limits),
    NewBus(new_bus::NewBus),
    Explain(explain::Explain),
    Record(record::Record),
    Replay(replay::Replay),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Context {
    /// The bus to work with.
    pub(crate) fn number(&self) -> u32 {
        self.bus.unwrap_or(0)
    }

    /// Is this one of the buses to look at?
    pub(crate) fn concerns(&self, bus: u32) -> bool {
        self.bus.is_none_or(|only| only == bus)
    }

    pub(crate) fn open(&self) -> Result<Ksock, Failure> {
        Ok(Ksock::open(self.number(), Access::ReadWrite)?)
    }

    pub(crate) fn output(&self) -> Output {
        Output::new(self.json)
    }
}

impl Cli {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = &self.context;
        match self.verb {
            Verb::List(list) => list.run(context),
            Verb::Listen(listen) => listen.run(context),
            Verb::Send(send) => send.run(context),
            Verb::Request(request) => request.run(context),
            Verb::Reply(reply) => reply.run(context),
            Verb::Who(who) => who.run(context),
            Verb::Stats(stats) => stats.run(context),
            Verb::Top(top) => top.run(context),
            Verb::Limits(limits) => limits.run(context),
            Verb::NewBus(new_bus) => new_bus.run(context),
            Verb::Explain(explain) => explain.run(context),
            Verb::Record(record) => record.run(context),
            Verb::Replay(replay) => replay.run(context),
            Verb::Doctor(doctor) => doctor.run(context),
            Verb::Completions(completions) => completions.run(),
            Verb::Man(man) => man.run(),
        }
    }
}

// ---- What is written on command lines ---------------------------------------

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

pub(crate) fn ksock_id(text: &str) -> Result<KsockId, String> {
    let id = text.parse().ok().and_then(KsockId::new);
    id.ok_or_else(|| "a Ksock is a number from 1 up".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_an_example() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string);
            let example = format!("kbus-tool {}", verb.get_name());
            assert!(
                help.is_some_and(|help| help.contains(&example)),
                "{example}"
            );
        }
    }

    #[test]
    fn names_are_checked_where_they_are_written() {
        assert!(Cli::try_parse_from(["kbus-tool", "listen", "$.Actor.*"]).is_ok());
        let error = Cli::try_parse_from(["kbus-tool", "send", "$.Actor.*"]).unwrap_err();
        assert!(
            error.to_string().contains("a wildcard is for binding"),
            "{error}"
        );
        assert!(Cli::try_parse_from(["kbus-tool", "listen"]).is_err());
    }

    #[test]
    fn seconds_are_seconds() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2500)));
        assert!(seconds("-1").is_err());
        assert!(seconds("soon").is_err());
        assert!(seconds("NaN").is_err());
    }
}
