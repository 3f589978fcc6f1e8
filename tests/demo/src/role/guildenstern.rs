// SPDX-License-Identifier: GPL-2.0-only
//! Guildenstern: answers requests. He tosses a coin and counts, which is why
//! those who play with him must go on playing with him.

use kbus::{Incoming, Ksock, Name, Role};

use super::{introduce, text, unknown, PATIENCE};
use crate::voice::Voice;
use crate::Result;

pub(super) fn perform(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    let mut heads = 0;
    voice.follow(|cue| match cue {
        "enter" => {
            introduce(bus, voice)?;
            bus.bind(Role::Replier, Name::new("$.Actor.Guildenstern")?)?;
            bus.bind(Role::Replier, Name::new("$.Coin.Toss")?)?;
            voice.say("I reply to $.Actor.Guildenstern and to $.Coin.Toss")
        }
        "answer" => answer(bus, voice, |_| {
            "Guildenstern. Or so I was told this morning.".into()
        }),
        "bring the coin" => answer(bus, voice, |_| "Here it is.".into()),
        "toss" => answer(bus, voice, |_| {
            heads += 1;
            format!("Heads. That makes {heads} in a row.")
        }),
        "take the request" => {
            let request = asked(bus)?;
            voice.say(format!(
                "(takes request {}, and lets the coin spin ...)",
                request.id()
            ))?;
            // Dropped, it would be declined politely; but this is the end of
            // him, and the kernel must notice by itself.
            std::mem::forget(request);
            Ok(())
        }
        other => unknown(other),
    })
}

fn answer(bus: &Ksock, voice: &Voice<'_>, find: impl FnOnce(&str) -> String) -> Result<()> {
    let request = asked(bus)?;
    let words = find(&text(&request));
    voice.say(format!(
        "(request {} from Ksock {}) {words}",
        request.id(),
        asker(&request)
    ))?;
    request.answer(words)?;
    Ok(())
}

fn asked(bus: &Ksock) -> Result<kbus::Asked> {
    match bus.incoming(PATIENCE)? {
        Some(Incoming::Asked(request)) => Ok(request),
        _ => Err("nobody asks".into()),
    }
}

fn asker(request: &kbus::Message) -> String {
    request
        .from()
        .map_or_else(String::new, |from| from.to_string())
}
