// SPDX-License-Identifier: GPL-2.0-only
//! Falstaff: takes another's name, and answers as best he can.

use kbus::{Incoming, Ksock, Name, Role};

use super::{introduce, unknown, PATIENCE};
use crate::voice::Voice;
use crate::Result;

pub(super) fn perform(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    voice.follow(|cue| match cue {
        "enter" => {
            introduce(bus, voice)?;
            bus.bind(Role::Replier, Name::new("$.Coin.Toss")?)?;
            voice.say("I reply to $.Coin.Toss now. The chair was empty, and is still warm.")
        }
        "answer" => {
            let Some(Incoming::Asked(request)) = bus.incoming(PATIENCE)? else {
                return Err("nobody asks".into());
            };
            let words = "Tails! And the loser pays for supper.";
            voice.say(format!("(request {}) {words}", request.id()))?;
            request.answer(words)?;
            Ok(())
        }
        other => unknown(other),
    })
}
