// SPDX-License-Identifier: GPL-2.0-only
//! `listen`: what is said, as it is said.

use clap::{Args, ValueEnum};
use kbus::{KsockId, Message, Pattern};

use crate::cli::{ksock_id, Context};
use crate::exit::Failure;
use crate::hearing::{Ears, Hearing};
use crate::missed::Missed;
use crate::output::{Output, Paint};
use crate::shown::{self, MissedObject, Show};

/// Print messages as they arrive, one a line
///
/// When the bus may have left messages out because our queue was full, a line
/// says so in their place ("missed ..."), and standard error at the end. The
/// bus does not count what it leaves out. Where no line says so, nothing was.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool listen --count 10 '$.Actor.*'")]
pub(crate) struct Listen {
    /// What to listen to: names, or patterns like $.Lamp.* and $.Lamp.%
    #[arg(required = true, value_name = "NAME")]
    names: Vec<Pattern>,

    #[command(flatten)]
    hearing: Hearing,

    /// Begin lines with the time at which we took the message (JSON always has it)
    #[arg(long, short)]
    time: bool,

    /// How to show what messages carry
    #[arg(long, short, value_name = "FORMAT", default_value = "auto")]
    show: Show,

    /// Only messages of this kind (again and again for several)
    #[arg(long, short, value_name = "KIND")]
    kind: Vec<Kind>,

    /// Only messages from this Ksock
    #[arg(long, value_name = "KSOCK", value_parser = ksock_id)]
    from: Option<KsockId>,

    /// Only messages that carry this text somewhere
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,

    /// No messages of this name or pattern
    #[arg(long, value_name = "NAME")]
    except: Vec<Pattern>,

    /// Print a message once for each of our names that it matches, not only once
    #[arg(long)]
    every_copy: bool,
}

/// The words of `shown::kind`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Announcement,
    Request,
    Reply,
    Status,
    Event,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Announcement => "announcement",
            Kind::Request => "request",
            Kind::Reply => "reply",
            Kind::Status => "status",
            Kind::Event => "event",
        }
    }
}

impl Listen {
    pub(crate) fn run(mut self, context: &Context) -> Result<(), Failure> {
        let names = std::mem::take(&mut self.names);
        let every_copy = self.every_copy;
        let mut printer = Printer {
            out: context.output(),
            time: self.time,
            show: self.show,
            filter: Filter {
                kinds: self.kind.iter().map(|kind| kind.word()).collect(),
                from: self.from,
                contains: self.contains.map(String::into_bytes),
                except: self.except,
            },
        };
        self.hearing.run(context, &names, every_copy, &mut printer)
    }
}

struct Printer {
    out: Output,
    time: bool,
    show: Show,
    filter: Filter,
}

/// Which messages to print.
struct Filter {
    kinds: Vec<&'static str>,
    from: Option<KsockId>,
    contains: Option<Vec<u8>>,
    except: Vec<Pattern>,
}

impl Filter {
    fn admits(&self, message: &Message) -> bool {
        let contains = |data: &[u8], text: &[u8]| {
            text.is_empty() || data.windows(text.len()).any(|window| window == text)
        };
        (self.kinds.is_empty() || self.kinds.contains(&shown::kind(message)))
            && self.from.is_none_or(|from| message.from() == Some(from))
            && self
                .contains
                .as_ref()
                .is_none_or(|text| contains(message.data(), text))
            && !self
                .except
                .iter()
                .any(|pattern| pattern.matches(message.name()))
    }
}

impl Printer {
    fn print(&mut self, line: &str) -> Result<(), Failure> {
        if self.time {
            let time = self.out.paint(Paint::Quiet, &shown::clock());
            self.out.line(format!("{time} {line}"))
        } else {
            self.out.line(line)
        }
    }
}

impl Ears for Printer {
    fn hear(&mut self, message: &Message) -> Result<bool, Failure> {
        if !self.filter.admits(message) {
            return Ok(false);
        }
        if self.out.json {
            self.out.object(&shown::object(message, self.show))?;
        } else {
            self.print(&shown::line(&self.out, message, self.show))?;
        }
        Ok(true)
    }

    fn miss(&mut self, missed: &Missed) -> Result<(), Failure> {
        if self.out.json {
            let kind = "missed";
            self.out.object(&MissedObject { kind, missed })
        } else {
            self.print(&shown::missed(&self.out, missed))
        }
    }

    fn rest(&mut self) -> Result<(), Failure> {
        self.out.flush()
    }
}
