// SPDX-License-Identifier: GPL-2.0-only
//! `man`: the manual of this program, kbus-tool(1), out of its help.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::exit::{Failure, EXIT_STATUS};

/// Print the manual page of this program (make install puts it where it belongs)
#[derive(Debug, Args)]
#[command(hide = true)]
#[command(after_help = "\
Example:
  kbus-tool man")]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self, command: Command) -> Result<(), Failure> {
        let page = page(command).map_err(Failure::Output)?;
        io::stdout()
            .write_all(without_doubled_space(&page).as_bytes())
            .map_err(Failure::Output)
    }
}

/// Returns one page for all: the program, and then each verb.
pub(crate) fn page(mut command: Command) -> io::Result<Vec<u8>> {
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
    let (_, statuses) = EXIT_STATUS.split_once('\n').unwrap_or_default();
    verbatim(&mut page, statuses)?;
    writeln!(
        page,
        ".SH ENVIRONMENT\n.TP\nKBUS_BUS\nThe bus to use when \\-\\-bus does not say.\n\
         .TP\nNO_COLOR\nNo colours, even on a terminal.\n\
         .SH SEE ALSO\n.BR libkbus (3),\n.BR kbus (4),\n.BR kbus (7)"
    )?;
    Ok(page)
}

/// Removes what clap_mangen 0.2 leaves in: space that is asked for twice.
fn without_doubled_space(page: &[u8]) -> String {
    String::from_utf8_lossy(page)
        .replace("\n.br\n\n.br\n", "\n.sp\n")
        .replace("\n.PP\n.PP\n", "\n.PP\n")
        .replace("\n.PP\n.TP\n", "\n.TP\n")
}

/// Returns the sections of a verb as paragraphs under its heading, without the options
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

/// Adds lines as they are.
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
