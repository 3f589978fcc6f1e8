// SPDX-License-Identifier: GPL-2.0-only
//! `replay`: sends the messages of a recording again.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use kbus::{Deadline, Flags, Ksock, KsockId, Message};
use serde::Serialize;

use crate::args::seconds;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{self, count};
use crate::recording::{Header, Line, RecordedMessage};
use crate::shutdown::Shutdown;

/// Send the messages of a recording again
///
/// Announcements are sent, at the distances in time at which they were
/// recorded. Requests are sent with --requests, to whoever replies now;
/// otherwise they are skipped, as are replies and what the bus itself said.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Example:
  kbus-tool replay --fast /tmp/everything.kbus")]
pub(crate) struct Replay {
    /// The recording (-: standard input)
    file: PathBuf,

    /// So many times as fast
    #[arg(long, value_name = "FACTOR", value_parser = factor, default_value = "1")]
    speed: f64,

    /// As fast as possible
    #[arg(long, conflicts_with = "speed")]
    fast: bool,

    /// Send requests, too; those that were for one Ksock go to any
    #[arg(long)]
    requests: bool,

    /// Wait so long for the answers at the end, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    timeout: Duration,
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("not a number above 0".to_owned()),
    }
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    sent: usize,
    /// Of those, requests.
    asked: usize,
    answered: usize,
    skipped: usize,
    refused: usize,
}

impl Summary {
    /// We are bound to nothing: all that arrives are answers.
    fn take(&mut self, bus: &Ksock) -> Result<(), Failure> {
        while bus.next_message()?.is_some() {
            self.answered += 1;
        }
        Ok(())
    }
}

impl Replay {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shutdown = Shutdown::new()?;
        let failed = |error| Failure::File("read", self.file.clone(), error);
        let file: Box<dyn BufRead> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(&self.file).map_err(failed)?))
        };
        let mut lines = file.lines();
        let head = lines.next().transpose().map_err(failed)?;
        Header::parse(&head.unwrap_or_default()).map_err(|words| self.wrong(1, &words))?;

        let bus = context.open()?;
        let began = Instant::now();
        let mut summary = Summary::default();
        for (number, line) in (2..).zip(lines) {
            let line = line.map_err(failed)?;
            let recorded = match Line::parse(&line) {
                Ok(Line::Message(recorded)) => recorded,
                Ok(Line::Gap) => continue,
                Err(words) => return Err(self.wrong(number, &words)),
            };
            let message = self
                .message(&recorded)
                .map_err(|words| self.wrong(number, &words))?;
            let Some(message) = message else {
                summary.skipped += 1;
                continue;
            };
            let at = Duration::try_from_secs_f64(recorded.at / self.speed).unwrap_or_default();
            match began.checked_add(at) {
                Some(at) if !self.fast => shutdown.sleep(at)?,
                _ => shutdown.check()?,
            }
            match bus.send(&message) {
                Ok(_) => {
                    summary.sent += 1;
                    summary.asked += usize::from(message.flags().contains(Flags::WANT_A_REPLY));
                }
                Err(error) => {
                    summary.refused += 1;
                    output::warn(format_args!("line {number}: {error}"));
                }
            }
            summary.take(&bus)?;
        }
        self.wait_for_answers(&bus, &shutdown, &mut summary)?;

        let mut out = context.output();
        out.either(&summary, |_| {
            let mut text = format!("{} sent", count(summary.sent, "message"));
            for (number, what) in [
                (summary.answered, "answered"),
                (
                    summary.asked - summary.answered.min(summary.asked),
                    "not answered",
                ),
                (summary.skipped, "skipped"),
                (summary.refused, "refused"),
            ] {
                if number > 0 {
                    text += &format!(", {number} {what}");
                }
            }
            text
        })?;
        out.flush()?;
        match summary.refused {
            0 => Ok(()),
            _ => Err(Failure::Other("not all could be sent".to_owned())),
        }
    }

    /// Returns what to send again; none: nothing.
    fn message(&self, recorded: &RecordedMessage) -> Result<Option<Message>, String> {
        let (name, data) = (recorded.name()?, recorded.data()?);
        // What the bus sets, and what decides where it goes, is not for us.
        let flags = Flags(recorded.flags & !(Flags::WANT_YOU_TO_REPLY | Flags::SYNTHETIC).0);
        Ok(match recorded.kind.as_str() {
            "announcement" => {
                let message = Message::announcement(&name, data).with_flags(flags);
                Some(match recorded.to.and_then(KsockId::new) {
                    Some(to) => message.with_to(to),
                    None => message,
                })
            }
            "request" if self.requests => Some(Message::request(&name, data).with_flags(flags)),
            _ => None,
        })
    }

    /// Were we to leave before, the repliers' answers would fail.
    fn wait_for_answers(
        &self,
        bus: &Ksock,
        shutdown: &Shutdown,
        summary: &mut Summary,
    ) -> Result<(), Failure> {
        let deadline = Deadline::from(self.timeout);
        while summary.answered < summary.asked && shutdown.wait(bus.as_fd(), deadline)? {
            summary.take(bus)?;
        }
        Ok(())
    }

    fn wrong(&self, line: usize, words: &str) -> Failure {
        Failure::Payload(format!("{}, line {line}: {words}", self.file.display()))
    }
}
