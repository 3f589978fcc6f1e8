// SPDX-License-Identifier: GPL-2.0-only
//! What must hold in each state. Some of it is about what would come next: then the play goes on,
//! on a copy, in the way that the promise speaks of.

use crate::faults::Spoiled;
use crate::play::{is_in_order, Bus, Play, User};
use crate::table::{Say, Table};
use kbus_test_bus::model::{
    Id, Model, Msg, ALL_OR_WAIT, SYNTHETIC, WANT_A_REPLY, WANT_YOU_TO_REPLY,
};
use std::collections::BTreeMap;

pub const ONE_ANSWER: &str = "each request has one answer: still awaited, or there to be read";
pub const ROOM_KEPT: &str =
    "room that was set aside is not given to others, but for one request that waited";
pub const NO_LEAK: &str = "room is set aside only as long as somebody is to answer";
pub const ONE_ORDER: &str = "all hear in one order";
pub const GOES_ON: &str =
    "who waits and owes nothing goes on, or is told, when the others read and answer";
pub const ALL_ANSWERED: &str = "when all others have gone each request has been answered";

type State = Play<Spoiled>;

/// How many answers to that request are in the queue of who asked.
fn answers(model: &Model, ksock: u32, id: Id) -> usize {
    let queue = model.queue(ksock);
    queue
        .filter(|msg| msg.to == ksock && msg.in_reply_to == id)
        .count()
}

pub fn one_answer(play: &State) -> bool {
    play.users().all(|user| {
        user.waiting.iter().all(|&id| {
            let model = play.bus.model();
            let sending = model.not_sent(user.ksock) == Some(id);
            let awaited = model.awaited(user.ksock).filter(|&(other, _)| other == id);
            awaited.count() + answers(model, user.ksock, id) + usize::from(sending) == 1
        })
    })
}

pub fn room_kept(table: &Table, play: &State) -> bool {
    let model = play.bus.model();
    table.seats.iter().zip(&play.seats).all(|(seat, user)| {
        let Some(user) = user else { return true };
        // There is no room for what the bus says of messages that it never sent; it says it.
        let counts = |msg: &&Msg| msg.flags & SYNTHETIC == 0 || msg.from != 0;
        let queued = model.queue(user.ksock).filter(counts);
        let used = queued.count() + model.awaited(user.ksock).count();
        // While a request waits there is no room set aside for its answer (specification 7), and
        // poll sends it without asking for some.
        let waits = |say: &Say| say.flags & WANT_A_REPLY != 0 && say.flags & ALL_OR_WAIT != 0;
        let one_more = usize::from(seat.says.iter().any(waits));
        used <= model.limit(user.ksock) as usize + one_more
    })
}

pub fn no_leak(play: &State) -> bool {
    let model = play.bus.model();
    play.users().all(|user| {
        model.awaited(user.ksock).all(|(_, number)| {
            let all = play.users().flat_map(|user| model.to_answer(user.ksock));
            all.filter(|&other| other == number).count() == 1
        })
    })
}

pub fn one_order(play: &State) -> bool {
    let heard: Vec<Vec<Id>> = play
        .users()
        .map(|user| {
            let queue = play.bus.model().queue(user.ksock);
            let to_hear = queue.filter(|msg| is_in_order(msg)).map(|msg| msg.id);
            let mut all: Vec<Id> = user.heard.iter().copied().chain(to_hear).collect();
            // Who has several bindings hears a message several times at once.
            all.dedup();
            all
        })
        .collect();
    heard.iter().enumerate().all(|(n, one)| {
        let place: BTreeMap<Id, usize> = one.iter().copied().zip(0..).collect();
        heard[n + 1..].iter().all(|other| {
            let both = other.iter().filter_map(|id| place.get(id));
            both.clone().zip(both.skip(1)).all(|(a, b)| a < b)
        })
    })
}

pub fn goes_on(play: &State) -> bool {
    let model = play.bus.model();
    // Who owes an answer and waits may wait for itself.
    let sends =
        |user: &&User| model.is_sending(user.ksock) && model.to_answer(user.ksock).next().is_none();
    play.users().filter(sends).all(|waiting| {
        let mut bus = play.bus.clone();
        let others: Vec<&User> = play.users().collect();
        for user in &others {
            // Who is sending cannot answer.
            if user.ksock != waiting.ksock {
                bus.discard(user.ksock);
            }
        }
        for user in &others {
            let mut to_answer: Vec<(u32, Id, Vec<u8>)> = user
                .asked
                .iter()
                .map(|asked| (asked.by, asked.id, asked.name.clone()))
                .collect();
            while let Some(msg) = bus.next(user.ksock) {
                if msg.flags & WANT_YOU_TO_REPLY != 0 {
                    to_answer.push((msg.from, msg.id, msg.name));
                }
            }
            if user.ksock == waiting.ksock {
                continue;
            }
            for (to, in_reply_to, name) in to_answer {
                let msg = Msg {
                    to,
                    in_reply_to,
                    name,
                    ..Msg::default()
                };
                // Some may be answered already.
                let _ = bus.send(user.ksock, msg);
            }
        }
        for user in &others {
            while bus.next(user.ksock).is_some() {}
        }
        bus.poll(waiting.ksock).1
    })
}

pub fn all_answered(play: &State) -> bool {
    let waits = |user: &&User| !user.waiting.is_empty();
    play.users().filter(waits).all(|user| {
        let mut end = play.bus.clone();
        for other in play.users().filter(|other| other.ksock != user.ksock) {
            end.close(other.ksock);
        }
        // Who is told by nothing else asks.
        end.poll(user.ksock);
        let mut waiting = user.waiting.iter();
        waiting.all(|&id| answers(&end.model, user.ksock, id) == 1)
    })
}
