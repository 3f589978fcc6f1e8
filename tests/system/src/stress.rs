// SPDX-License-Identifier: GPL-2.0-only
//! The two promises, with many processes at once: everybody sees one order;
//! every request gets exactly one answer, whatever dies. Whether they are kept
//! `tests/trace` says, of what all of them write down.

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::wait::{waitid, Id as Whom, WaitPidFlag, WaitStatus};
use nix::unistd::Pid;

use crate::harness::{fork, how_it_ended, shared, well, Child, Dice, Gate};
use crate::raw::*;
use crate::traced::{Trace, Traced};
use crate::{eq, tests};

tests![
    order_everybody_sees_one_order.limit(400),
    one_answer_for_every_request.limit(900),
];

/// What a test wrote down is judged also if it has found a fault itself.
fn judged(name: &str, test: impl FnOnce(&Path)) {
    let trace = Trace::new(name);
    let own = catch_unwind(AssertUnwindSafe(|| test(trace.path())));
    trace.judge();
    if let Err(fault) = own {
        resume_unwind(fault);
    }
}

fn open(trace: &Path) -> Traced {
    Traced::open(0, libc::O_RDWR, Some(trace)).unwrap()
}

// ---- order ---------------------------------------------------------------

const SENDERS: u32 = 8;

/// The wildcards of the sixteen listeners. Names sent are `$.O.s<n>.<x|y>`.
const LISTENS: [&str; 16] = [
    "$.*", "$.O.*", "$.O.s0.*", "$.O.s1.%", "$.O.s2.x", "$.O.s3.*", "$.O.s4.%", "$.O.s5.y",
    "$.O.s6.*", "$.O.s7.%", "$.O.s0.x", "$.O.s1.y", "$.O.s2.*", "$.O.s3.x", "$.O.s4.y", "$.O.s5.%",
];

fn name_of(sender: u32, n: u32) -> String {
    format!("$.O.s{sender}.{}", if n % 3 == 0 { "x" } else { "y" })
}

pub fn order(messages: u32) {
    judged("order", |trace| play_order(messages, trace));
}

fn play_order(messages: u32, trace: &Path) {
    let each = messages / SENDERS;
    let (ready, go) = (Gate::new(), Gate::new());
    let listeners = LISTENS.map(|pattern| {
        fork(|| {
            let k = open(trace);
            k.limit(2 * messages + 10).listen(pattern).listen("$.End");
            ready.open();
            // A listener to everything hears each end twice.
            let mut ends = SENDERS * if pattern == "$.*" { 2 } else { 1 };
            while ends > 0 {
                let msg = k.await_msg();
                if msg.text() == "$.End" {
                    ends -= 1;
                }
            }
            k.nothing();
        })
    });
    for _ in &listeners {
        ready.pass();
    }
    let senders: Vec<Child> = (0..SENDERS)
        .map(|s| {
            fork(move || {
                let k = open(trace);
                ready.open();
                go.pass();
                for n in 0..each {
                    let msg = Msg::new(name_of(s, n)).data(n.to_ne_bytes());
                    if n % 2 == 0 {
                        k.post(&msg)
                    } else {
                        k.post_pointy(&msg)
                    }
                    .unwrap();
                }
                k.say("$.End");
            })
        })
        .collect();
    for _ in &senders {
        ready.pass();
    }
    for _ in &senders {
        go.open();
    }
    for child in senders.into_iter().chain(listeners) {
        child.join();
    }
}

fn order_everybody_sees_one_order() {
    order(20_000);
}

// ---- one answer ----------------------------------------------------------

const REQUESTERS: u32 = 3;
const REPLIERS: usize = 5;
const NAMES: u32 = 4;

/// What became of the requests: for everybody to count in.
#[repr(C)]
struct Tally {
    answered: AtomicU32,
    by_kbus: AtomicU32,
    waited: AtomicU32,
    no_replier: AtomicU32,
    full: AtomicU32,
    no_room: AtomicU32,
    done: AtomicU32,
    rounds: AtomicU32,
}

fn count(c: &AtomicU32) {
    c.fetch_add(1, Ordering::Relaxed);
}

/// One who asks, `requests` times, and reads until there is an answer for each.
fn requester(seed: u64, requests: u32, tally: &Tally, trace: &Path) {
    let mut dice = Dice::new(seed);
    let k = open(trace);
    k.limit(1 + dice.below(8));
    let mut open = 0u32;
    let mut sent = 0;
    let mut to = 0;
    let take_in = |open: &mut u32, to: &mut u32| {
        while let Some(msg) = k.get() {
            assert!(msg.in_reply_to != NO_ID, "not an answer: {msg:?}");
            assert!(*open > 0, "expected one answer for each, got {msg:?}");
            *open -= 1;
            if msg.flags & SYNTHETIC != 0 {
                assert!(
                    [GONE_AWAY, IGNORED, UNBOUND, DISAPPEARED, ERROR_SENDING]
                        .contains(&msg.text().as_str()),
                    "{msg:?}"
                );
                count(&tally.by_kbus);
            } else {
                count(&tally.answered);
                *to = msg.from;
            }
        }
    };
    while sent < requests {
        let name = format!("$.Q.n{}", dice.below(NAMES));
        let mut msg = Msg::ask(name).data(sent.to_ne_bytes());
        if dice.one_in(3) {
            msg = msg.flags(ALL_OR_WAIT);
        }
        if dice.one_in(4) {
            msg = msg.flags(URGENT);
        }
        if dice.one_in(5) {
            msg = msg.to(to);
        }
        if dice.one_in(8) {
            msg = msg.id(1000 + seed as u32, sent + 1);
        }
        // Where SEND refuses it puts no id; EAGAIN does, as LASTSENT shows.
        match k.post(&msg) {
            Ok(_) => {
                open += 1;
                sent += 1;
            }
            Err(EAGAIN) => {
                // Whatever comes of it, there will be one answer: a reply, or
                // KBUS saying that it could not be sent (section 7).
                count(&tally.waited);
                open += 1;
                sent += 1;
                while k.wait(libc::POLLIN | libc::POLLOUT) & libc::POLLOUT == 0 {
                    take_in(&mut open, &mut to);
                }
            }
            Err(ENOLCK) => {
                count(&tally.no_room);
                assert!(open > 0, "ENOLCK with nothing outstanding");
                if k.count() == 0 {
                    k.wait(libc::POLLIN);
                }
            }
            // Nobody there just now, another one, or full: try again later.
            Err(e @ (EADDRNOTAVAIL | EPIPE | EBUSY)) => {
                count(if e == EBUSY {
                    &tally.full
                } else {
                    &tally.no_replier
                });
                to = 0;
                k.poll(libc::POLLIN, 1);
            }
            Err(e) => panic!("SEND of a request: {e:?}"),
        }
        if dice.one_in(2) || k.count() > 10 {
            take_in(&mut open, &mut to);
        }
    }
    // The rest must come, whoever has to be killed for it.
    while open > 0 {
        k.wait(libc::POLLIN);
        take_in(&mut open, &mut to);
    }
    k.nothing();
    k.settled();
    count(&tally.done);
}

/// One who answers, or does not; lives until killed, or until all are done.
fn replier(seed: u64, tally: &Tally, tick: Gate, trace: &Path) {
    let mut dice = Dice::new(seed);
    let mut handled = 0u32;
    'life: loop {
        let k = open(trace);
        k.limit(1 + dice.below(6));
        let name = |dice: &mut Dice| match dice.below(NAMES + 2) {
            n if n < NAMES => format!("$.Q.n{n}"),
            n if n == NAMES => "$.Q.*".to_string(),
            _ => "$.Q.%".to_string(),
        };
        let mut bound = Vec::new();
        let mut kept: Vec<Msg> = Vec::new();
        loop {
            if tally.done.load(Ordering::Relaxed) == REQUESTERS {
                return;
            }
            if bound.len() < 2 && dice.one_in(2) {
                let name = name(&mut dice);
                match k.bind(&name, REPLIER) {
                    Ok(()) => bound.push(name),
                    Err(EADDRINUSE) => {}
                    Err(e) => panic!("bind: {e:?}"),
                }
            }
            match k.get() {
                None => {
                    count(&tally.rounds);
                    if kept.is_empty() {
                        // One without any name tries again soon.
                        k.poll(libc::POLLIN, if bound.is_empty() { 1 } else { 20 });
                    } else {
                        // Those who were put off must be answered some time,
                        // or the requesters would wait for ever.
                        let request = kept.remove(0);
                        let _ = k.post(&Msg::reply_to(&request));
                    }
                }
                Some(request) => {
                    assert!(request.marked(), "{request:?}");
                    handled += 1;
                    match dice.below(10) {
                        0 => kept.push(request),
                        1 => {
                            // Twice: the second must find no one waiting.
                            let reply = Msg::reply_to(&request);
                            let first = k.post(&reply);
                            let second = k.post(&reply);
                            assert!(
                                matches!(first, Ok(_) | Err(ECONNREFUSED | EADDRNOTAVAIL)),
                                "first reply: {first:?}"
                            );
                            assert!(
                                matches!(second, Err(ECONNREFUSED | EADDRNOTAVAIL)),
                                "second reply: {second:?}"
                            );
                        }
                        _ => {
                            let r = k.post(&Msg::reply_to(&request).data(b"done"));
                            assert!(r.is_ok(), "reply to {request:?}: {r:?}");
                        }
                    }
                    if handled % 16 == 0 {
                        tick.open();
                    }
                    if !bound.is_empty() && dice.one_in(12) {
                        let at = dice.below(bound.len() as u32) as usize;
                        k.unbind(bound.swap_remove(at), REPLIER).unwrap();
                    }
                    if dice.one_in(40) {
                        continue 'life; // closes, owing answers
                    }
                }
            }
        }
    }
}

pub fn one_answer(seed: u64, requests: u32) {
    judged("one-answer", |trace| play_one_answer(seed, requests, trace));
}

fn play_one_answer(seed: u64, requests: u32, trace: &Path) {
    let tally: &'static [Tally] = shared(1);
    let tally = &tally[0];
    let tick = Gate::new();
    let mut dice = Dice::new(seed);
    let mut lives = 0u64;
    let start = |lives: &mut u64| {
        *lives += 1;
        let mine = seed.wrapping_mul(1_000_003) + *lives;
        fork(move || replier(mine, tally, tick, trace))
    };
    let mut repliers: Vec<Child> = (0..REPLIERS).map(|_| start(&mut lives)).collect();
    let requesters: Vec<Child> = (0..REQUESTERS)
        .map(|n| {
            let mut mine = requests / REQUESTERS;
            if n < requests % REQUESTERS {
                mine += 1;
            }
            fork(move || {
                requester(seed * 10 + n as u64, mine, tally, trace);
                tick.open();
            })
        })
        .collect();
    let mut kills = 0;
    while tally.done.load(Ordering::Relaxed) < REQUESTERS {
        // Every sixteen requests that one of them handled, somebody may die.
        assert!(tick.opens(), "nothing moves any more: {:?}", how(tally));
        tick.pass();
        for child in &requesters {
            // Only a look.
            let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            let status = waitid(Whom::Pid(Pid::from_raw(child.pid)), look).unwrap();
            let fine = well(status) || status == WaitStatus::StillAlive;
            assert!(fine, "a requester failed");
        }
        if dice.one_in(3) {
            let at = dice.below(REPLIERS as u32) as usize;
            let old = std::mem::replace(&mut repliers[at], start(&mut lives));
            let status = old.kill();
            assert!(
                matches!(status, WaitStatus::Signaled(..))
                    || (well(status) && tally.done.load(Ordering::Relaxed) == REQUESTERS),
                "a replier ended by itself: {}",
                how_it_ended(status)
            );
            kills += 1;
        }
    }
    for child in requesters {
        child.join();
    }
    for child in repliers {
        child.join();
    }
    let (answered, by_kbus, rest) = how(tally);
    println!(
        "   {requests} requests: {answered} answered, {by_kbus} by KBUS; {kills} killed; {rest}"
    );
    eq!(answered + by_kbus, requests);
}

fn how(tally: &Tally) -> (u32, u32, String) {
    let get = |c: &AtomicU32| c.load(Ordering::Relaxed);
    (
        get(&tally.answered),
        get(&tally.by_kbus),
        format!(
            "waited {}, nobody there {}, full {}, no room {}, idle rounds {}",
            get(&tally.waited),
            get(&tally.no_replier),
            get(&tally.full),
            get(&tally.no_room),
            get(&tally.rounds)
        ),
    )
}

fn one_answer_for_every_request() {
    one_answer(20261120, 20_000);
}
