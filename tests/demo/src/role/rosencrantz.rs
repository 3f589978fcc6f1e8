// SPDX-License-Identifier: GPL-2.0-only
//! Rosencrantz: announces, asks, and plays.

use kbus::{Error, Ksock, Message, Name};

use super::{introduce, text, unknown, PATIENCE};
use crate::voice::Voice;
use crate::Result;

pub(super) fn perform(bus: &Ksock, voice: &Voice<'_>) -> Result<()> {
    let stage = Name::new("$.Actor.Rosencrantz")?;
    let coin = Name::new("$.Coin.Toss")?;
    // The last reply in the game: who goes on playing shows it.
    let mut game: Option<Message> = None;
    voice.follow(|cue| match cue {
        "enter" => introduce(bus, voice),
        "announce" => {
            for words in ["We have arrived.", "We do not know where."] {
                let id = bus.send(&Message::announcement(&stage, words))?;
                voice.say(format!("(announcement {id}, {stage}) {words}"))?;
            }
            Ok(())
        }
        "ask" => {
            let friend = Name::new("$.Actor.Guildenstern")?;
            let words = "Which of us are you?";
            voice.say(format!("(request, {friend}) {words}"))?;
            let reply = bus.request(&friend, words).call(PATIENCE)?;
            voice.say(format!("(has reply {}) Good. That leaves me.", reply.id()))
        }
        "begin a game" => {
            let words = "Shall we play?";
            voice.say(format!("(request, {coin}) {words}"))?;
            let reply = bus.request(&coin, words).call(PATIENCE)?;
            voice.say(format!("(has reply {}) \"{}\"", reply.id(), text(&reply)))?;
            game = Some(reply);
            Ok(())
        }
        "play" => {
            let earlier = game.as_ref().ok_or("there is no game")?;
            let request = Message::stateful_request(earlier, &coin, "Toss!")?;
            let whom = request.to().map_or_else(String::new, |to| to.to_string());
            voice.say(format!("(request, {coin}, for Ksock {whom} only) Toss!"))?;
            match bus.call(&request, PATIENCE) {
                Ok(reply) => {
                    voice.say(format!("(has reply {}) \"{}\"", reply.id(), text(&reply)))?;
                    game = Some(reply);
                    Ok(())
                }
                Err(error @ Error::Unanswered { .. }) => {
                    voice.say(format!("(the kernel tells me) {error}."))
                }
                Err(error @ Error::Os { .. }) => voice.say(format!("{error}.")),
                Err(error) => Err(error.into()),
            }
        }
        other => unknown(other),
    })
}
