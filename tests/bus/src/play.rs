// SPDX-License-Identifier: GPL-2.0-only
//! A play on a world: steps, which may come from anywhere (the properties' random numbers, a
//! fuzzer's bytes), and what the users of the bus remember meanwhile. Two promises of the bus
//! (README) are judged from that: one answer, and one order.

use crate::model::{self, Caps, Errno, Id, Msg, ALL_OR_WAIT, URGENT, WANT_A_REPLY};
use crate::world::World;
use std::collections::BTreeMap;

/// What messages are called; some of these nobody may be called.
pub const NAMES: [&[u8]; 8] = [
    b"$.A",
    b"$.B",
    b"$.A.B",
    b"$.A.C",
    b"$.A.B.C",
    b"$.KBUS.ReplierBindEvent",
    b"$.KBUS.Other",
    b"$.A.B.C.D",
];

/// What is bound to.
pub const PATTERNS: [&[u8]; 15] = [
    b"$.A",
    b"$.*",
    b"$.A.*",
    b"$.A.B",
    b"$.%",
    b"$.A.%",
    b"$.KBUS.ReplierBindEvent",
    b"$.B",
    b"$.A.B.*",
    b"$.A.B.%",
    b"$.KBUS.*",
    b"$.KBUS.%",
    b"$.A.C",
    b"$.A.B.C",
    b"$.A..B",
];

/// One verb. Ksocks, bindings and requests are numbers that are taken modulo how many there are.
#[derive(Clone, Debug)]
pub enum Step {
    Open,
    Close(usize),
    Bind(usize, u32, usize),
    Unbind(usize, usize),
    UnbindAny(usize, u32, usize),
    Announce(usize, Say),
    Request(usize, Say, To),
    Reply(usize, usize, Say),
    ReplyForAnother(usize, usize, Say),
    Odd(usize, Say, Id, usize),
    SendAgain(usize),
    Poll(usize),
    PollForReading(usize),
    Discard(usize),
    Next(usize),
    Limit(usize, u32),
    OnlyOnce(usize, Option<bool>),
    Report(usize, Option<bool>),
    Replier(usize),
}

/// What is said.
#[derive(Clone)]
pub struct Say {
    pub name: usize,
    pub flags: u32,
    pub id: Id,
    pub data: u8,
}

impl std::fmt::Debug for Say {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Say {
            name,
            flags,
            id,
            data,
        } = self;
        let name = NAMES[*name].escape_ascii();
        write!(f, "'{name} {flags:#x} {id:?} {data}'")
    }
}

/// To whom a request is addressed.
#[derive(Clone, Debug)]
pub enum To {
    Whoever,
    Ksock(usize),
    LastAnswerer,
}

/// A world, and what its users remember.
pub struct Play {
    pub world: World,
    /// How often somebody opened, or tried to: of three users, one after the other.
    opened: u32,
    /// The first so many ksocks bind to nothing and hear of nothing: what they read is answers.
    askers: u32,
    /// What each ksock bound: is_replier, pattern.
    bound: BTreeMap<u32, Vec<(u32, usize)>>,
    /// Requests that each ksock was asked to answer.
    asked: BTreeMap<u32, Vec<Msg>>,
    /// All requests that somebody was asked.
    requests: Vec<Msg>,
    /// Who answered each ksock last.
    answerer: BTreeMap<u32, u32>,
    /// What each ksock read that was neither urgent nor from KBUS, in that order.
    heard: BTreeMap<u32, Vec<Id>>,
    /// The requests of each ksock that were accepted, and the answers that it read.
    accepted: BTreeMap<u32, Vec<Id>>,
    answers: BTreeMap<u32, Vec<Id>>,
}

/// How many ksocks there are at the most.
const CROWD: usize = 6;

impl Play {
    pub fn new(askers: u32, caps: Caps) -> Self {
        let mut play = Play {
            world: World::capped(caps),
            opened: 0,
            askers,
            bound: BTreeMap::new(),
            asked: BTreeMap::new(),
            requests: Vec::new(),
            answerer: BTreeMap::new(),
            heard: BTreeMap::new(),
            accepted: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        for _ in 0..3 + askers {
            let id = play.open().expect("users may have two");
            play.world.max_msgs(id, 4);
        }
        if askers > 0 {
            for (n, pattern) in [1, 5, 0].into_iter().enumerate() {
                play.step(&Step::Bind(askers as usize + n, 1, pattern));
            }
        }
        play
    }

    fn open(&mut self) -> Result<u32, Errno> {
        self.opened += 1;
        self.world.open_as(self.opened % 3)
    }

    fn ksock(&self, n: usize) -> u32 {
        let open = self.world.model.open_ksocks();
        open[n % open.len()]
    }

    fn message(say: &Say) -> Msg {
        let name = NAMES[say.name].to_vec();
        // Now and then more than is kept for an answer.
        let len = match say.data {
            251.. => 5000,
            few => usize::from(few % 9),
        };
        Msg {
            id: say.id,
            flags: say.flags,
            data: vec![say.data; len],
            // What nobody looks at must arrive as it is.
            orig_from: (say.data.into(), 5),
            final_to: (6, say.data.into()),
            from: 4711,
            name,
            ..Msg::default()
        }
    }

    fn send(&mut self, ksock: u32, msg: Msg) {
        // A file that is sending cannot be written to.
        if self.world.model.is_sending(ksock) {
            return;
        }
        let answer = self.world.send(ksock, &msg);
        let accepted = matches!(answer, Ok(_) | Err(Errno::EAGAIN));
        if accepted && msg.flags & WANT_A_REPLY != 0 {
            let id = self.world.model.last_sent(ksock);
            self.accepted.entry(ksock).or_default().push(id);
        }
    }

    /// The pending request was given up, and its sender knows.
    fn withdrawn(&mut self, ksock: u32, id: Id) {
        let accepted = self.accepted.entry(ksock).or_default();
        if let Some(at) = accepted.iter().rposition(|&was| was == id) {
            accepted.remove(at);
        }
    }

    fn read(&mut self, ksock: u32, msg: &Msg) {
        if msg.flags & model::WANT_YOU_TO_REPLY != 0 {
            self.asked.entry(ksock).or_default().push(msg.clone());
            self.requests.push(msg.clone());
        }
        if msg.in_reply_to != (0, 0) {
            self.answers.entry(ksock).or_default().push(msg.in_reply_to);
            self.answerer.insert(ksock, msg.from);
        }
        if msg.flags & (URGENT | model::SYNTHETIC) == 0 {
            self.heard.entry(ksock).or_default().push(msg.id);
        }
    }

    fn reply(&mut self, ksock: u32, request: &Msg, say: &Say) {
        let mut msg = Play::message(say);
        // Who waits to reply hears when its requester disappears: that is news, not an answer.
        msg.flags &= !if ksock <= self.askers { ALL_OR_WAIT } else { 0 };
        msg.to = request.from;
        msg.in_reply_to = request.id;
        self.send(ksock, msg);
    }

    pub fn step(&mut self, step: &Step) {
        if self.world.model.open_ksocks().is_empty() {
            self.world.open();
        }
        match *step {
            Step::Open => {
                if self.world.model.open_ksocks().len() < CROWD {
                    let _ = self.open();
                }
            }
            Step::Close(k) => {
                let ksock = self.ksock(k);
                if ksock > self.askers {
                    self.world.close(ksock);
                    self.bound.remove(&ksock);
                    self.asked.remove(&ksock);
                }
            }
            Step::Bind(k, role, pattern) => {
                let ksock = self.ksock(k);
                if ksock > self.askers && self.world.bind(ksock, role, PATTERNS[pattern]).is_ok() {
                    self.bound.entry(ksock).or_default().push((role, pattern));
                }
            }
            Step::Unbind(k, n) => {
                let ksock = self.ksock(k);
                let bound = self.bound.entry(ksock).or_default();
                if !bound.is_empty() {
                    let n = n % bound.len();
                    let (role, pattern) = bound[n];
                    if self.world.unbind(ksock, role, PATTERNS[pattern]).is_ok() {
                        self.bound.entry(ksock).or_default().remove(n);
                    }
                }
            }
            Step::UnbindAny(k, role, pattern) => {
                let ksock = self.ksock(k);
                if self.world.unbind(ksock, role, PATTERNS[pattern]).is_ok() {
                    let bound = self.bound.entry(ksock).or_default();
                    let at = bound.iter().position(|&b| b == (role, pattern));
                    bound.remove(at.expect("it was bound"));
                }
            }
            Step::Announce(k, ref say) => {
                let msg = Play::message(say);
                self.send(self.ksock(k), msg);
            }
            Step::Request(k, ref say, ref to) => {
                let ksock = match self.askers {
                    0 => self.ksock(k),
                    askers => k as u32 % askers + 1,
                };
                let mut msg = Play::message(say);
                msg.flags |= WANT_A_REPLY;
                msg.to = match to {
                    To::Whoever => 0,
                    To::Ksock(n) => self.ksock(*n),
                    To::LastAnswerer => self.answerer.get(&ksock).copied().unwrap_or(0),
                };
                self.send(ksock, msg);
            }
            Step::Reply(k, n, ref say) => {
                let ksock = self.ksock(k);
                let asked = self.asked.entry(ksock).or_default();
                if !asked.is_empty() {
                    let n = n % asked.len();
                    // Now and then it is answered again later.
                    let request = match say.data % 8 {
                        0 => asked[n].clone(),
                        _ => asked.remove(n),
                    };
                    self.reply(ksock, &request, say);
                }
            }
            Step::ReplyForAnother(k, n, ref say) => {
                if !self.requests.is_empty() {
                    let request = self.requests[n % self.requests.len()].clone();
                    self.reply(self.ksock(k), &request, say);
                }
            }
            Step::Odd(k, ref say, id, to) => {
                // A reply, or a reply that wants a reply, to something that may never have been.
                let mut msg = Play::message(say);
                msg.flags |= u32::from(say.data & 1) * WANT_A_REPLY;
                msg.in_reply_to = id;
                msg.to = to as u32;
                let ksock = self.ksock(k);
                msg.flags &= !if ksock <= self.askers { ALL_OR_WAIT } else { 0 };
                self.send(ksock, msg);
            }
            Step::SendAgain(k) => {
                let ksock = self.ksock(k);
                let asking = self.world.model.is_asking(ksock);
                let id = self.world.model.last_sent(ksock);
                let answer = self.world.send_again(ksock);
                if asking && !matches!(answer, Ok(_) | Err(Errno::EAGAIN)) {
                    self.withdrawn(ksock, id);
                }
            }
            Step::Poll(k) => {
                self.world.poll(self.ksock(k));
            }
            Step::PollForReading(k) => {
                self.world.poll_for_reading(self.ksock(k));
            }
            Step::Discard(k) => {
                let ksock = self.ksock(k);
                if self.world.model.is_asking(ksock) {
                    self.withdrawn(ksock, self.world.model.last_sent(ksock));
                }
                self.world.discard(ksock);
            }
            Step::Next(k) => {
                let ksock = self.ksock(k);
                if let Some(msg) = self.world.next(ksock) {
                    self.read(ksock, &msg);
                }
            }
            Step::Limit(k, limit) => {
                self.world.max_msgs(self.ksock(k), limit);
            }
            Step::OnlyOnce(k, on) => {
                self.world.only_once(self.ksock(k), on);
            }
            Step::Report(k, on) => {
                let ksock = self.ksock(k);
                if ksock > self.askers {
                    let _ = self.world.report(ksock, on);
                }
            }
            Step::Replier(pattern) => {
                self.world.replier(PATTERNS[pattern]);
            }
        }
    }

    /// Reads all that there is.
    pub fn drain(&mut self) {
        for ksock in self.world.model.open_ksocks() {
            for msg in self.world.drain(ksock) {
                self.read(ksock, &msg);
            }
        }
    }
    /// Ends the play for those who asked: everybody else closes, what there is is read, and each
    /// request that was accepted has had one answer. Says how many there were.
    pub fn each_request_got_one_answer(&mut self) -> Result<usize, String> {
        for ksock in self.world.model.open_ksocks() {
            if ksock > self.askers {
                self.world.close(ksock);
            }
        }
        for asker in 1..=self.askers {
            // Nobody is there any more: what was pending disappears now.
            assert!(self.world.poll(asker).1);
        }
        self.drain();
        let mut requests = 0;
        for asker in 1..=self.askers {
            let mut accepted = self.accepted.remove(&asker).unwrap_or_default();
            let mut answers = self.answers.remove(&asker).unwrap_or_default();
            requests += accepted.len();
            accepted.sort_unstable();
            answers.sort_unstable();
            if answers != accepted {
                return Err(format!(
                    "{asker} asked {accepted:?}, and was answered {answers:?}"
                ));
            }
        }
        Ok(requests)
    }

    /// What everybody has read so far is part of one order.
    pub fn everybody_heard_in_one_order(&self) -> Result<(), String> {
        let order = &self.world.model.delivered;
        for (ksock, heard) in &self.heard {
            if !in_order(heard, order) {
                return Err(format!("{ksock} heard {heard:?}, the order was {order:?}"));
            }
        }
        Ok(())
    }
}

/// Is `part` what is left of `whole` when some are left out (and some said twice)?
fn in_order(part: &[Id], whole: &[Id]) -> bool {
    let mut part = part.to_vec();
    part.dedup();
    let mut rest = whole.iter();
    part.iter().all(|id| rest.any(|other| other == id))
}
