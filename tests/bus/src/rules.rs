// SPDX-License-Identifier: GPL-2.0-only
//! What no user of a bus sees, and what only this bus has; the rules themselves are those of
//! `tests/conformance`.
//!
//! * `message`: when bytes are a message (§ 2.3).
//! * `names`: what the index of bindings is asked for (§ 5.1).
//! * `routing`: very many recipients, and who is woken (§ 5.4).
//! * `waiting`: who is woken by what, when a send waits (§ 7).
//! * `starved`: whose memory a queue takes, when there is none.
//! * `stats`: /proc/kbus/stats, letter by letter (§ 8.2).
//! * `steps`: what takes long, and what others see meanwhile (§ 9.1).
//!
//! A test of § 5.4 is called `s5_4_…`. Here is what their messages are made of, and how what
//! comes is looked at.

mod message;
mod names;
mod routing;
mod starved;
mod stats;
mod steps;
mod waiting;

use crate::model::{self, Msg, SYNTHETIC, WANT_A_REPLY};

const LISTENER: u32 = 0;
const REPLIER: u32 = 1;
const EVENT: &[u8] = model::BIND_EVENT;

pub fn announcement(name: &str) -> Msg {
    Msg {
        name: name.into(),
        ..Msg::default()
    }
}

pub fn request(name: &str) -> Msg {
    Msg {
        flags: WANT_A_REPLY,
        ..announcement(name)
    }
}

pub fn reply_to(request: &Msg) -> Msg {
    Msg {
        to: request.from,
        in_reply_to: request.id,
        name: request.name.clone(),
        ..Msg::default()
    }
}

pub fn with(flags: u32, msg: Msg) -> Msg {
    Msg {
        flags: msg.flags | flags,
        ..msg
    }
}

/// What the kernel says to 1, in place of an answer to its request `in_reply_to`.
fn status_msg(name: &str, from: u32, id: u32, in_reply_to: u32) -> Msg {
    Msg {
        id: (0, id),
        in_reply_to: (0, in_reply_to),
        to: 1,
        from,
        flags: SYNTHETIC,
        ..announcement(&format!("$.KBUS.{name}"))
    }
}

pub fn saying(data: &[u8], msg: Msg) -> Msg {
    Msg {
        data: data.to_vec(),
        ..msg
    }
}

pub fn answers(messages: &[Msg]) -> Vec<(String, u32)> {
    let answer = |msg: &Msg| {
        let name = msg.name.escape_ascii().to_string();
        (name.replace("$.KBUS.Replier.", ""), msg.in_reply_to.1)
    };
    messages.iter().map(answer).collect()
}

/// What the data of a bind event say: is_bind, binder, name.
pub fn event(msg: &Msg) -> (u32, u32, Vec<u8>) {
    assert_eq!(msg.name, EVENT);
    assert_eq!(msg.flags, 0x204);
    assert_eq!((msg.from, msg.to, msg.in_reply_to), (0, 0, (0, 0)));
    let word = |n: usize| u32::from_ne_bytes(msg.data[4 * n..4 * n + 4].try_into().unwrap());
    let len = word(2) as usize;
    assert_eq!(msg.data.len(), 12 + (len + 4) / 4 * 4);
    (word(0), word(1), msg.data[12..12 + len].to_vec())
}
