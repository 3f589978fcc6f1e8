// SPDX-License-Identifier: GPL-2.0-only
//! `man`: the manual of this program, kbus-tool(1), out of its help.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use crate::cli::Cli;
use crate::exit::Failure;

/// Print the manual page of this program (make install puts it where it belongs)
#[derive(Debug, Args)]
#[command(hide = true)]
#[command(after_help = "\
Example:
  kbus-tool man")]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let page = page().map_err(Failure::Output)?;
        io::stdout()
            .write_all(tidy(&page).as_bytes())
            .map_err(Failure::Output)
    }
}

/// One page for all: the program, and then each verb.
fn page() -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    // That of the other pages.
    let whole = Page::new(command.clone()).date("2026-11-20").source("kbus");
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    writeln!(page, ".SH VERBS")?;
    for verb in command.get_subcommands() {
        if verb.is_hide_set() || verb.get_name() == "help" {
            continue;
        }
        let mut part = Vec::new();
        let name = verb.get_name().to_owned();
        let man = Page::new(verb.clone());
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        writeln!(page, ".SS {name}")?;
        page.extend_from_slice(&within(&part));
        // As it is laid out in the help: examples and tables.
        if let Some(more) = verb.get_after_help() {
            writeln!(page, ".PP")?;
            verbatim(&mut page, &more.to_string())?;
        }
    }
    writeln!(page, ".SH EXIT STATUS")?;
    // The heading says already what its first line says.
    let (_, statuses) = crate::exit::EXIT_STATUS
        .split_once('\n')
        .unwrap_or_default();
    verbatim(&mut page, statuses)?;
    writeln!(
        page,
        ".SH ENVIRONMENT\n.TP\nKBUS_BUS\nThe bus to use when \\-\\-bus does not say.\n\
         .TP\nNO_COLOR\nNo colours, even on a terminal.\n\
         .SH SEE ALSO\n.BR libkbus (3),\n.BR kbus (4),\n.BR kbus (7)"
    )?;
    Ok(page)
}

/// Without what clap_mangen 0.2 leaves in: space that is asked for twice.
fn tidy(page: &[u8]) -> String {
    String::from_utf8_lossy(page)
        .replace("\n.br\n\n.br\n", "\n.sp\n")
        .replace("\n.PP\n.PP\n", "\n.PP\n")
        .replace("\n.PP\n.TP\n", "\n.TP\n")
}

/// The sections of a verb as paragraphs under its heading, without the options
/// that all verbs have.
fn within(part: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(part);
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix(".SH ") {
            Some("SYNOPSIS") => {}
            Some(_) => lines.push(".PP"),
            // Which quotes there are is said at the top.
            None if line.starts_with(".ie ") || line.starts_with(".el ") => {}
            None => lines.push(line),
        }
    }
    let mut within = lines.join("\n").into_bytes();
    within.push(b'\n');
    within
}

/// Lines as they are.
fn verbatim(page: &mut Vec<u8>, text: &str) -> io::Result<()> {
    writeln!(page, ".nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let line = line.replace('\'', "\\(aq");
        let guard = if line.starts_with('.') { "\\&" } else { "" };
        writeln!(page, "{guard}{line}")?;
    }
    writeln!(page, ".fi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_the_manual() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for verb in Cli::command().get_subcommands() {
            let heading = format!("\n.SS {}\n", verb.get_name());
            assert_eq!(page.contains(&heading), !verb.is_hide_set(), "{heading}");
        }
        assert!(page.contains("\n.SH EXIT STATUS\n"));
    }
}
