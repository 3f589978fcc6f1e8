// SPDX-License-Identifier: GPL-2.0-only
//! `completions`: what completes our verbs and options in a shell.

use std::io::{self, Write};

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use crate::exit::Failure;

/// Print completions for a shell (make install puts them where they belong)
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  kbus-tool completions bash")]
pub(crate) struct Completions {
    /// Which shell
    shell: Known,
}

/// The shells that are tested; clap_complete knows more.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(crate) fn run(self, command: &mut Command) -> Result<(), Failure> {
        let shell = match self.shell {
            Known::Bash => Shell::Bash,
            Known::Zsh => Shell::Zsh,
            Known::Fish => Shell::Fish,
        };
        // Made in memory: clap_complete panics when it cannot write.
        let mut text = Vec::new();
        clap_complete::generate(shell, command, "kbus-tool", &mut text);
        if let Known::Bash = self.shell {
            text = mend(&text).into_bytes();
        }
        io::stdout().write_all(&text).map_err(Failure::Output)
    }
}

/// clap_complete 4.6 writes the name of a program with a hyphen in two ways,
/// and then bash does not find the options of any verb.
fn mend(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace("kbus__subcmd__tool", "kbus__tool")
}
