// SPDX-License-Identifier: GPL-2.0-only
//! The command line: what there is to ask for. What a verb does, and its own
//! options, are in its file.

use clap::{Parser, Subcommand};
use kbus::{Access, Ksock};

use crate::exit::Failure;
use crate::verb::{listen, reply, request, send};

/// KBUS for people: say, ask and watch on a bus
///
/// A bus carries messages between the processes of this machine. Messages have
/// names, like $.Lamp.Kitchen. Listeners hear them; a request of some name is
/// answered by the one replier for that name.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_STATUS, verbatim_doc_comment)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Cli {
    /// Which bus: 0 is /dev/kbus0
    #[arg(long, short, global = true, default_value_t = 0, value_name = "N")]
    bus: u32,

    #[command(subcommand)]
    verb: Verb,
}

/// Kept beside the codes themselves: see `exit`.
const EXIT_STATUS: &str = "\
Exit status:
  0  done; for request: answered
  1  the bus or the system refused (the errno is named)
  2  the command line is wrong
  3  request: there is no reply, and the bus said why
  4  request: nobody answered in time

'kbus-tool VERB --help' shows an example of each verb.";

#[derive(Debug, Subcommand)]
enum Verb {
    Listen(listen::Listen),
    Send(send::Send),
    Request(request::Request),
    Reply(reply::Reply),
}

impl Cli {
    pub(crate) fn run(self) -> Result<(), Failure> {
        // First what the command line alone decides, then the bus.
        let open = || Ksock::open(self.bus, Access::ReadWrite);
        match self.verb {
            Verb::Listen(listen) => listen.run(&open()?),
            Verb::Send(send) => send.run(&open()?),
            Verb::Request(request) => request.run(&open()?),
            Verb::Reply(reply) => reply.run(&open()?),
        }
    }
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
}
