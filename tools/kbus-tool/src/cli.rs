// SPDX-License-Identifier: GPL-2.0-only
//! The command line: the verbs there are. What a verb does, and its own
//! options, are in its file.

use clap::{CommandFactory, Parser, Subcommand};

use crate::context::Context;
use crate::exit::{Failure, EXIT_STATUS};
use crate::verb::{
    completions, doctor, explain, limits, list, listen, man, new_bus, record, remove_bus, replay,
    reply, request, send, stats, top, who,
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
    RemoveBus(remove_bus::RemoveBus),
    Explain(explain::Explain),
    Record(record::Record),
    Replay(replay::Replay),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
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
            Verb::RemoveBus(remove_bus) => remove_bus.run(context),
            Verb::Explain(explain) => explain.run(context),
            Verb::Record(record) => record.run(context),
            Verb::Replay(replay) => replay.run(context),
            Verb::Doctor(doctor) => doctor.run(context),
            Verb::Completions(completions) => completions.run(&mut Cli::command()),
            Verb::Man(man) => man.run(Cli::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn every_verb_is_in_the_manual() {
        let page = String::from_utf8(man::page(Cli::command()).unwrap()).unwrap();
        for verb in Cli::command().get_subcommands() {
            let heading = format!("\n.SS {}\n", verb.get_name());
            assert_eq!(page.contains(&heading), !verb.is_hide_set(), "{heading}");
        }
        assert!(page.contains("\n.SH EXIT STATUS\n"));
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
}
