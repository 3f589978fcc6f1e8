// SPDX-License-Identifier: GPL-2.0
//! Random sequences of verbs, done on the bus and on the model side by side; and promises of
//! the bus (README) that are judged without the model, from what readers read.
//!
//! The seeds are fixed: a run is the same everywhere. `KBUS_SEED=n` begins elsewhere, and
//! `KBUS_CASES=n` runs n times as many cases.

use crate::bus::name;
use crate::model::{self, Caps, Errno, Id, Msg, ALL_OR_FAIL, ALL_OR_WAIT, URGENT, WANT_A_REPLY};
use crate::world::World;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::collections::BTreeMap;

/// Runs `test` on `cases` values, the same ones each time.
pub fn check<S: Strategy>(
    name: &str,
    cases: u32,
    values: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let number = |key: &str| std::env::var(key).ok().and_then(|v| v.parse::<u32>().ok());
    let begin = number("KBUS_SEED").unwrap_or(0);
    let config = Config {
        cases: cases * number("KBUS_CASES").unwrap_or(1),
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    for (at, byte) in name.bytes().enumerate() {
        seed[at % 28] ^= byte;
    }
    seed[28..].copy_from_slice(&begin.to_ne_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    match TestRunner::new_with_rng(config, rng).run(&values, test) {
        Ok(()) => {}
        Err(TestError::Fail(why, value)) => {
            panic!("{name}, KBUS_SEED={begin}: {why}\nat its shortest: {value:?}")
        }
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
    }
}

/// What messages are called; some of these nobody may be called.
const NAMES: [&[u8]; 8] = [
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
const PATTERNS: [&[u8]; 15] = [
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
enum Step {
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
struct Say {
    name: usize,
    flags: u32,
    id: Id,
    data: u8,
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
enum To {
    Whoever,
    Ksock(usize),
    LastAnswerer,
}

fn say() -> impl Strategy<Value = Say> {
    let flags = prop_oneof![
        6 => Just(0),
        2 => Just(URGENT),
        2 => Just(ALL_OR_FAIL),
        4 => Just(ALL_OR_WAIT),
        1 => Just(ALL_OR_WAIT | URGENT),
        // Bits that a user may not set, or that mean nothing.
        1 => Just(0x8000_40f6),
    ];
    let id = prop_oneof![
        12 => Just((0, 0)),
        1 => Just((0, 99)),
        2 => (1..3_u32, 1..3_u32),
    ];
    // The first names more often.
    let name = (0..NAMES.len(), 0..NAMES.len()).prop_map(|(a, b)| a.min(b));
    (name, flags, id, any::<u8>()).prop_map(|(name, flags, id, data)| Say {
        name,
        flags,
        id,
        data,
    })
}

fn role() -> impl Strategy<Value = u32> {
    prop_oneof![5 => Just(0_u32), 4 => Just(1), 1 => Just(2)]
}

fn step() -> impl Strategy<Value = Step> {
    let k = || 0..6_usize;
    let pattern = || (0..PATTERNS.len(), 0..PATTERNS.len()).prop_map(|(a, b)| a.min(b));
    let to = prop_oneof![
        6 => Just(To::Whoever),
        1 => k().prop_map(To::Ksock),
        2 => Just(To::LastAnswerer),
    ];
    prop_oneof![
        3 => Just(Step::Open),
        2 => k().prop_map(Step::Close),
        10 => (k(), role(), pattern()).prop_map(|(k, r, p)| Step::Bind(k, r, p)),
        4 => (k(), 0..8_usize).prop_map(|(k, n)| Step::Unbind(k, n)),
        1 => (k(), role(), pattern()).prop_map(|(k, r, p)| Step::UnbindAny(k, r, p)),
        8 => (k(), say()).prop_map(|(k, s)| Step::Announce(k, s)),
        12 => (k(), say(), to).prop_map(|(k, s, to)| Step::Request(k, s, to)),
        8 => (k(), any::<usize>(), say()).prop_map(|(k, n, s)| Step::Reply(k, n, s)),
        2 => (k(), any::<usize>(), say()).prop_map(|(k, n, s)| Step::ReplyForAnother(k, n, s)),
        1 => (k(), say(), (0..3_u32, 0..9_u32), k())
            .prop_map(|(k, s, id, to)| Step::Odd(k, s, id, to)),
        2 => k().prop_map(Step::SendAgain),
        3 => k().prop_map(Step::Poll),
        1 => k().prop_map(Step::PollForReading),
        1 => k().prop_map(Step::Discard),
        14 => k().prop_map(Step::Next),
        6 => (k(), 0..5_u32).prop_map(|(k, n)| Step::Limit(k, n)),
        2 => (k(), any::<Option<bool>>()).prop_map(|(k, on)| Step::OnlyOnce(k, on)),
        3 => (k(), prop_oneof![3 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)])
            .prop_map(|(k, on)| Step::Report(k, on)),
        1 => (0..PATTERNS.len()).prop_map(Step::Replier),
    ]
}

/// What users may have: often anything, else so little that it is hit.
fn caps() -> impl Strategy<Value = Caps> {
    let few = (2..6_usize, 1..9_usize, 0..15_000_u64);
    let few = few.prop_map(|(ksocks, bindings, bytes)| Caps {
        ksocks,
        bindings,
        bytes,
    });
    prop_oneof![1 => Just(Caps::NONE), 1 => few]
}

/// A world, and what its users remember.
struct Play {
    world: World,
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
    fn new(askers: u32, caps: Caps) -> Self {
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

    fn step(&mut self, step: &Step) {
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
    fn drain(&mut self) {
        for ksock in self.world.model.open_ksocks() {
            for msg in self.world.drain(ksock) {
                self.read(ksock, &msg);
            }
        }
    }
}

/// Is `part` what is left of `whole` when some are left out (and some said twice)?
fn in_order(part: &[Id], whole: &[Id]) -> bool {
    let mut part = part.to_vec();
    part.dedup();
    let mut rest = whole.iter();
    part.iter().all(|id| rest.any(|other| other == id))
}

#[test]
fn the_bus_does_what_the_model_does() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    check("lockstep", 800, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for step in &steps {
            play.step(step);
        }
        play.drain();
        play.world.end();
        Ok(())
    });
}

#[test]
fn a_verb_without_memory_does_nothing_at_all() {
    // With each step, at which of its attempts to get memory there is none.
    let steps = (caps(), prop::collection::vec((step(), 0..6_u64), 1..100));
    let failures = std::cell::Cell::new(0);
    check("no memory", 800, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for (n, (step, fail)) in steps.iter().enumerate() {
            play.world.bare_rooms = n % 3 != 0;
            play.world.out_of_memory = Some(*fail);
            play.step(step);
            play.world.out_of_memory = None;
        }
        failures.set(failures.get() + play.world.memory_failures);
        play.drain();
        play.world.end();
        Ok(())
    });
    assert!(failures.get() > 10_000, "only {} failures", failures.get());
}

#[test]
fn each_request_gets_one_answer() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    let requests = std::cell::Cell::new(0);
    check("one answer", 600, steps, |(caps, steps)| {
        let mut play = Play::new(2, caps);
        for step in &steps {
            play.step(step);
        }
        for ksock in play.world.model.open_ksocks() {
            if ksock > play.askers {
                play.world.close(ksock);
            }
        }
        for asker in 1..=play.askers {
            // Nobody is there any more: what was pending disappears now.
            assert!(play.world.poll(asker).1);
        }
        play.drain();
        for asker in 1..=play.askers {
            let mut accepted = play.accepted.remove(&asker).unwrap_or_default();
            let mut answers = play.answers.remove(&asker).unwrap_or_default();
            requests.set(requests.get() + accepted.len());
            accepted.sort_unstable();
            answers.sort_unstable();
            prop_assert_eq!(answers, accepted, "left what was answered to {}", asker);
        }
        play.world.end();
        Ok(())
    });
    assert!(requests.get() > 2000, "only {} requests", requests.get());
}

#[test]
fn everybody_hears_in_one_order() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    check("one order", 300, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for step in &steps {
            play.step(step);
        }
        play.drain();
        let order = play.world.model.delivered.clone();
        for (ksock, heard) in &play.heard {
            prop_assert!(
                in_order(heard, &order),
                "{ksock} heard {heard:?}, the order was {order:?}"
            );
        }
        play.world.end();
        Ok(())
    });
}

#[test]
fn names_are_valid_when_the_model_says_so() {
    let byte = prop_oneof![
        6 => Just(b'a'),
        6 => Just(b'.'),
        2 => prop_oneof![Just(b'*'), Just(b'%'), Just(b'$')],
        2 => any::<u8>(),
    ];
    let start = prop_oneof![4 => Just(&b"$."[..]), 1 => Just(&b""[..]), 1 => Just(&b"$"[..])];
    let end = prop_oneof![2 => Just(&b""[..]), 1 => Just(&b".*"[..]), 1 => Just(&b".%"[..])];
    let names = (start, prop::collection::vec(byte, 0..8), end);
    let valid = std::cell::Cell::new([0; 2]);
    check("names", 20_000, names, |(start, middle, end)| {
        let text = [start, &middle, end].concat();
        let sendable = name::check_for_sending(&text).is_ok();
        let bindable = name::check(&text).is_ok();
        prop_assert_eq!(bindable, model::may_bind(&text), "{}", text.escape_ascii());
        prop_assert_eq!(sendable, model::may_send(&text), "{}", text.escape_ascii());
        let [n, m] = valid.get();
        valid.set([n + i32::from(bindable), m + i32::from(sendable)]);
        Ok(())
    });
    assert!(
        valid.get().iter().all(|&n| n > 500),
        "{:?} valid",
        valid.get()
    );
}

#[test]
fn the_patterns_of_a_name_are_those_that_match_it() {
    let word = || prop_oneof![Just("a"), Just("b"), Just("ab"), Just("A")];
    let words = move || prop::collection::vec(word(), 1..5).prop_map(|words| words.join("."));
    let tail = prop_oneof![Just(""), Just(".*"), Just(".%")];
    check(
        "patterns",
        5_000,
        (words(), words(), tail),
        |(text, stem, tail)| {
            let (text, pattern) = (format!("$.{text}"), format!("$.{stem}{tail}"));
            let mut covers = false;
            name::for_each_covering(text.as_bytes(), |c| {
                let end = match c.tail {
                    name::Tail::Exact => "",
                    name::Tail::Child => "%",
                    name::Tail::Subtree => "*",
                };
                covers |= format!("{}{end}", &text[..c.stem]) == pattern;
            });
            let matches = model::matches(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(covers, matches, "{} of {}", pattern, text);
            Ok(())
        },
    );
}
