// SPDX-License-Identifier: GPL-2.0-only
//! The audience: listens to everything that actors say.

use kbus::{Kind, Ksock, Pattern, Role};

use super::{introduce, text, unknown, PATIENCE};
use crate::voice::Voice;
use crate::Result;

pub(super) fn perform(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    voice.follow(|cue| match cue {
        "enter" => {
            introduce(bus, voice)?;
            bus.bind(Role::Listener, Pattern::new("$.Actor.*")?)?;
            voice.say("I listen to $.Actor.*")
        }
        "hear two" => {
            hear(bus, voice)?;
            hear(bus, voice)
        }
        other => unknown(other),
    })
}

fn hear(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    let message = bus.receive(PATIENCE)?.ok_or("there was nothing to hear")?;
    let what = match message.kind() {
        Kind::Announcement => "an announcement",
        Kind::Request | Kind::StatefulRequest => "a request",
        _ => "a reply",
    };
    voice.say(format!(
        "I hear message {}, {what}, {}: \"{}\"",
        message.id(),
        message.name(),
        text(&message)
    ))
}
