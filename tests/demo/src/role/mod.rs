// SPDX-License-Identifier: GPL-2.0-only
//! Who is on the stage, a file for each: what they do on the bus when they get
//! their cues. These are the programs to read for how KBUS is used.

mod audience;
mod falstaff;
mod guildenstern;
mod rosencrantz;

use std::time::Duration;

use kbus::{Access, Ksock};

use crate::voice::Voice;
use crate::Result;

/// Whoever waits longer than this waits in vain.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays a role until there are no more cues.
pub(crate) fn perform(name: &str) -> Result<()> {
    let voice = Voice::new(name);
    let bus = Ksock::open(0, Access::ReadWrite)?;
    match name {
        "Rosencrantz" => rosencrantz::perform(&bus, &voice),
        "Guildenstern" => guildenstern::perform(&bus, &voice),
        "Falstaff" => falstaff::perform(&bus, &voice),
        "Stalls" | "Gallery" => audience::perform(&bus, &voice),
        _ => Err(format!("there is no {name} in this play").into()),
    }
}

/// What everybody says on entering.
fn introduce(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    voice.say(format!(
        "(process {}, Ksock {} on the bus)",
        std::process::id(),
        bus.id()?
    ))
}

/// A cue that is not in the role.
fn unknown(cue: &str) -> Result<()> {
    Err(format!("no such cue: {cue}").into())
}

/// Data as text.
fn text(message: &kbus::Message) -> String {
    String::from_utf8_lossy(message.data()).into_owned()
}
