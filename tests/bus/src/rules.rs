// SPDX-License-Identifier: GPL-2.0
//! The rules of the bus one by one, each with what the specification (`§`) says in so many
//! words. All of it runs beside the model as well, which must agree.
//!
//! * `names`: which there are, and which patterns cover them (§ 4.1, 5.1).
//! * `message`: when it is one, its id, what is changed in it (§ 2.3, 5.8).
//! * `ioctls`: BIND, UNBIND, REPLIER, VERBOSE (§ 3.7).
//! * `routing`: who gets a message, and who does not (§ 5.2, 5.4).
//! * `room`: who is full, and what is refused in which order (§ 5.3, 5.4).
//! * `insertion`: where in the queue; urgent, only once (§ 5.5).
//! * `answers`: requests, answers, and who may give them (§ 4.2, 5.6).
//! * `status`: what KBUS answers in place of a replier (§ 6.1, 6.2).
//! * `events`: bind events (§ 6.3, 6.4).
//! * `set_aside`: those that cannot be delivered (§ 6.5).
//! * `waiting`: ALL_OR_WAIT (§ 7).
//! * `stats`: /proc/kbus/stats (§ 8.2).
//! * `closing`: what a close does (§ 9.1).
//!
//! A test of § 5.4 is called `s5_4_…`. Here is what their messages are made of, and how what
//! comes is looked at.

mod answers;
mod closing;
mod events;
mod insertion;
mod ioctls;
mod message;
mod names;
mod room;
mod routing;
mod set_aside;
mod stats;
mod status;
mod waiting;

use crate::model::{self, Id, Msg, SYNTHETIC, WANT_A_REPLY, WANT_YOU_TO_REPLY};

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

pub fn to(ksock: u32, msg: Msg) -> Msg {
    Msg { to: ksock, ..msg }
}

pub fn sent_by(ksock: u32, msg: Msg) -> Msg {
    Msg { from: ksock, ..msg }
}

pub fn known_as(id: Id, msg: Msg) -> Msg {
    Msg { id, ..msg }
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

/// Names and ids of messages.
fn ids(messages: &[Msg]) -> Vec<u32> {
    messages.iter().map(|msg| msg.id.1).collect()
}

fn marks(messages: &[Msg]) -> Vec<bool> {
    let marked = |msg: &Msg| msg.flags & WANT_YOU_TO_REPLY != 0;
    messages.iter().map(marked).collect()
}

pub fn answers(messages: &[Msg]) -> Vec<(String, u32)> {
    let answer = |msg: &Msg| {
        let name = msg.name.escape_ascii().to_string();
        (name.replace("$.KBUS.Replier.", ""), msg.in_reply_to.1)
    };
    messages.iter().map(answer).collect()
}

fn answer(name: &str, id: u32) -> (String, u32) {
    (name.into(), id)
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
