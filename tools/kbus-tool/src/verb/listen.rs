// SPDX-License-Identifier: GPL-2.0-only
//! `listen`: prints messages as they arrive.

use clap::{Args, ValueEnum};
use kbus::{KsockId, Pattern};

use crate::args::ksock_id;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Output, Paint};
use crate::render::{self, Show};
use crate::subscription::{Event, Options, Subscription};

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
    options: Options,

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

/// The words of [`render::kind`].
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
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let kinds: Vec<&str> = self.kind.iter().map(|kind| kind.word()).collect();
        let contains = self.contains.unwrap_or_default().into_bytes();
        let subscription = Subscription::new(&self.options, context, &self.names, self.every_copy)?
            .admitting(move |message| {
                (kinds.is_empty() || kinds.contains(&render::kind(message)))
                    && self.from.is_none_or(|from| message.from() == Some(from))
                    && carries(message.data(), &contains)
                    && !self.except.iter().any(|name| name.matches(message.name()))
            });
        let mut out = context.output();
        for event in subscription {
            match event? {
                Event::Message(message) if out.json => {
                    out.object(&render::object(&message, self.show))?;
                }
                Event::Message(message) => {
                    let line = render::line(&out, &message, self.show);
                    print(&mut out, self.time, line)?;
                }
                Event::Gap(gap) if out.json => out.object(&render::gap_object(&gap))?,
                Event::Gap(gap) => {
                    let line = render::gap(&out, &gap);
                    print(&mut out, self.time, line)?;
                }
                Event::Idle => out.flush()?,
            }
        }
        Ok(())
    }
}

fn carries(data: &[u8], text: &[u8]) -> bool {
    text.is_empty() || data.windows(text.len()).any(|window| window == text)
}

fn print(out: &mut Output, time: bool, line: String) -> Result<(), Failure> {
    if !time {
        return out.line(line);
    }
    let time = out.paint(Paint::Quiet, &render::clock());
    out.line(format!("{time} {line}"))
}
