// SPDX-License-Identifier: GPL-2.0-only
//! `reply`: binds as the replier for a name, and answers requests.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use kbus::{Asked, Deadline, Incoming, Message, Pattern, Role};
use rustix::process::{kill_process_group, Pid, Signal};

use crate::args::Until;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{self, Output};
use crate::payload::Payload;
use crate::render::{self, Show};
use crate::shutdown::Shutdown;

/// Be the replier for a name: print each request, and answer it
///
/// The answer is fixed (DATA or --file, nothing if neither is given), or the
/// request's own data (--echo), or what a command prints (--exec). A command
/// finds the data of the request on its standard input, and KBUS_NAME,
/// KBUS_ID and KBUS_FROM in its environment. When it fails the request is
/// declined, which its sender sees as $.KBUS.Replier.Ignored. Requests that
/// come meanwhile wait.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  kbus-tool reply --count 3 '$.Coin' heads
  kbus-tool reply --count 1 --exec 'tr a-z A-Z' '$.Shout'")]
pub(crate) struct Reply {
    /// The name, or a pattern like $.Lamp.* and $.Lamp.%
    name: Pattern,

    #[command(flatten)]
    payload: Payload,

    /// Answer with what the request carries
    #[arg(long, conflicts_with_all = ["data", "file", "exec"])]
    echo: bool,

    /// Answer with what this command prints; it is run by /bin/sh, once for each request
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["data", "file"])]
    exec: Option<String>,

    #[command(flatten)]
    until: Until,

    /// How to show what requests carry
    #[arg(long, short, value_name = "FORMAT", default_value = "auto")]
    show: Show,
}

/// What to answer with.
enum Source {
    Fixed(Vec<u8>),
    Echo,
    Exec(String),
}

impl Reply {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let format = self.payload.format();
        let source = match self.exec {
            Some(command) => Source::Exec(command),
            None if self.echo => Source::Echo,
            None => Source::Fixed(self.payload.read()?),
        };
        let shutdown = Shutdown::new()?;
        let bus = context.open()?;
        let mut out = context.output();
        bus.bind(Role::Replier, &self.name)?;
        // A script that starts us in the background can wait for this line.
        output::note(&format!("replying to {}", self.name));
        let deadline = self.until.deadline();
        let mut left = self.until.count();
        while left > 0 && shutdown.wait(bus.as_fd(), deadline)? {
            // We are bound as replier only: nothing else arrives.
            let Some(Incoming::Asked(request)) = bus.incoming(Duration::ZERO)? else {
                continue;
            };
            print(&mut out, &request, self.show)?;
            match &source {
                Source::Fixed(data) => answer(request, data),
                Source::Echo => {
                    let data = request.data().to_owned();
                    answer(request, data);
                }
                // Dropped, when we are stopped: then it is declined.
                Source::Exec(command) => match run(command, &request, &shutdown)? {
                    Ok(data) => match format.decode(data) {
                        Ok(data) => answer(request, data),
                        Err(error) => decline(request, &error.to_string()),
                    },
                    Err(words) => decline(request, &words),
                },
            }
            left -= 1;
        }
        Ok(())
    }
}

/// Comes before the answer, on which the sender of the request may act at
/// once.
fn print(out: &mut Output, request: &Message, show: Show) -> Result<(), Failure> {
    if out.json {
        out.object(&render::object(request, show))?;
    } else {
        let line = render::line(out, request, show);
        out.line(line)?;
    }
    out.flush()
}

fn answer(request: Asked, data: impl AsRef<[u8]>) {
    if let Err(error) = request.answer(data) {
        // The sender may have gone meanwhile: that is no reason to stop.
        output::warn(error);
    }
}

fn decline(request: Asked, words: &str) {
    output::warn(format_args!(
        "request {} is declined: {words}",
        request.id()
    ));
    if let Err(error) = request.decline() {
        output::warn(error);
    }
}

/// Returns what the command prints; or in words, why there is no answer.
fn run(
    command: &str,
    request: &Message,
    shutdown: &Shutdown,
) -> Result<Result<Vec<u8>, String>, Failure> {
    let from = request.from().map_or(0, kbus::KsockId::get);
    let started = Command::new("/bin/sh")
        .args(["-c", command])
        .env("KBUS_NAME", request.name().to_string())
        .env("KBUS_ID", request.id().to_string())
        .env("KBUS_FROM", from.to_string())
        // A group of its own: with it ends what it has started.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return Ok(Err(format!("cannot run /bin/sh: {error}"))),
    };
    if let Some(mut stdin) = child.stdin.take() {
        let data = request.data().to_owned();
        // It may print before it has read all. It need not read any.
        std::thread::spawn(move || drop(stdin.write_all(&data)));
    }
    let printed = printed(&mut child, shutdown);
    if printed.is_err() {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // It may have ended by itself just now.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = child.wait();
    }
    printed
}

fn printed(child: &mut Child, shutdown: &Shutdown) -> Result<Result<Vec<u8>, String>, Failure> {
    let mut data = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        let mut bytes = [0; 4096];
        loop {
            shutdown.wait(stdout.as_fd(), Deadline::NEVER)?;
            match stdout.read(&mut bytes) {
                Ok(0) => break,
                Ok(len) => data.extend_from_slice(bytes.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(format!("cannot read what it printed: {error}"))),
            }
        }
    }
    // It has closed its output; as a rule it has ended, then.
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(Ok(data)),
            Ok(Some(status)) => return Ok(Err(format!("the command ended with {status}"))),
            Ok(None) => shutdown.sleep(Duration::from_millis(5))?,
            Err(error) => return Ok(Err(format!("cannot wait for the command: {error}"))),
        }
    }
}
