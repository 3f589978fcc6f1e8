// SPDX-License-Identifier: GPL-2.0
//! The two promises, with many processes at once: everybody sees one order;
//! every request gets exactly one answer, whatever dies.

use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{fork, shared, Child, Dice, Gate};
use crate::raw::*;
use crate::traced::{Trace, Traced};
use crate::{eq, tests};

tests![
    order_checker_accepts_one_order_and_nothing_else
        .anyhow()
        .limit(60),
    order_everybody_sees_one_order.limit(400),
    one_answer_for_every_request.limit(400),
    order_and_one_answer_as_traced.limit(120),
];

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

fn open(trace: Option<&Path>) -> Traced {
    Traced::open(0, libc::O_RDWR, trace).unwrap()
}

/// Does the listener's pattern match? Written for these names only.
fn hears(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(['*', '%']) {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

/// One message as a number: who sent it, and which of his it is.
fn token(sender: u32, n: u32) -> u64 {
    ((sender as u64) << 32) | n as u64
}

/// Is there one total order of which every listener saw its part, whole and
/// without repetition, every sender's messages in the order he sent them?
/// `expected` gives what each listener should have heard, as a set.
fn check_order(seen: &[Vec<u64>], expected: &[Vec<u64>]) -> std::result::Result<(), String> {
    let mut after: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut before: HashMap<u64, u32> = HashMap::new();
    for (l, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        let mut sorted = seen.clone();
        sorted.sort_unstable();
        if let Some(w) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return Err(format!("listener {l} heard {:#x} twice", w[0]));
        }
        let mut want = expected.clone();
        want.sort_unstable();
        if sorted != want {
            let lost = want.iter().find(|t| sorted.binary_search(t).is_err());
            let extra = sorted.iter().find(|t| want.binary_search(t).is_err());
            return Err(format!(
                "listener {l} heard {} of {}; lost {lost:x?}, unexpected {extra:x?}",
                sorted.len(),
                want.len()
            ));
        }
        let mut last: HashMap<u64, u64> = HashMap::new();
        for &t in seen {
            if let Some(earlier) = last.insert(t >> 32, t) {
                if earlier > t {
                    return Err(format!("listener {l} heard {earlier:#x} before {t:#x}"));
                }
            }
            before.entry(t).or_insert(0);
        }
        for w in seen.windows(2) {
            after.entry(w[0]).or_default().push(w[1]);
            *before.get_mut(&w[1]).unwrap() += 1;
        }
    }
    // All "a before b" together must have no circle.
    let mut ready: Vec<u64> = before
        .iter()
        .filter(|(_, &n)| n == 0)
        .map(|(&t, _)| t)
        .collect();
    let mut placed = 0;
    while let Some(t) = ready.pop() {
        placed += 1;
        for next in after.remove(&t).unwrap_or_default() {
            let n = before.get_mut(&next).unwrap();
            *n -= 1;
            if *n == 0 {
                ready.push(next);
            }
        }
    }
    if placed != before.len() {
        return Err(format!(
            "no total order: {} of {} messages are in a circle",
            before.len() - placed,
            before.len()
        ));
    }
    Ok(())
}

/// The checker itself: a true order passes; a swap, a loss and a duplicate
/// anywhere do not.
fn order_checker_accepts_one_order_and_nothing_else() {
    let mut dice = Dice::new(7);
    let mut next = [0u32; SENDERS as usize];
    let total: Vec<(u32, u32)> = (0..400)
        .map(|_| {
            let s = dice.below(SENDERS);
            next[s as usize] += 1;
            (s, next[s as usize] - 1)
        })
        .collect();
    let good: Vec<Vec<u64>> = LISTENS
        .iter()
        .map(|p| {
            total
                .iter()
                .filter(|(s, n)| hears(p, &name_of(*s, *n)))
                .map(|&(s, n)| token(s, n))
                .collect()
        })
        .collect();
    eq!(check_order(&good, &good), Ok(()));
    for (l, seen) in good.iter().enumerate() {
        for _ in 0..4 {
            let at = dice.below(seen.len() as u32 - 1) as usize;
            let mut bad = good.clone();
            bad[l].remove(at);
            assert!(check_order(&bad, &good).is_err(), "loss in {l} at {at}");
            let mut bad = good.clone();
            bad[l].insert(dice.below(seen.len() as u32) as usize, seen[at]);
            assert!(
                check_order(&bad, &good).is_err(),
                "duplicate in {l} at {at}"
            );
            let mut bad = good.clone();
            bad[l].swap(at, at + 1);
            assert!(check_order(&bad, &good).is_err(), "swap in {l} at {at}");
        }
    }
}

pub fn order(messages: u32, trace: Option<&Path>) {
    let each = messages / SENDERS;
    let heard: Vec<&mut [u64]> = LISTENS
        .iter()
        .map(|_| shared((messages + 1) as usize))
        .collect();
    let (ready, go) = (Gate::new(), Gate::new());
    let mut listeners = Vec::new();
    for (l, memory) in heard.into_iter().enumerate() {
        let mine = memory.as_mut_ptr();
        let child = fork(move || {
            let k = open(trace);
            k.limit(2 * messages + 10)
                .listen(LISTENS[l])
                .listen("$.End");
            ready.open();
            let mut n = 0;
            let mut ends = 0;
            while ends < SENDERS {
                let msg = k.await_msg();
                if msg.text() == "$.End" {
                    ends += 1;
                    // A listener to everything hears each end twice.
                    if hears(LISTENS[l], "$.End") {
                        eq!(k.take().id, msg.id);
                    }
                    continue;
                }
                assert!(msg.text().starts_with("$.O."), "{msg:?}");
                let sent = token(peek(&msg.data, 0), peek(&msg.data, 4));
                assert!(n < messages, "more than all were heard");
                // SAFETY: this child alone writes here, within the memory.
                unsafe { *mine.add(1 + n as usize) = sent };
                n += 1;
            }
            k.nothing();
            // SAFETY: as above.
            unsafe { *mine = n as u64 };
        });
        listeners.push((child, mine));
    }
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
                    let mut data = s.to_ne_bytes().to_vec();
                    data.extend(n.to_ne_bytes());
                    let msg = Msg::new(name_of(s, n)).data(data);
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
    for _ in 0..SENDERS {
        ready.pass();
    }
    for _ in 0..SENDERS {
        go.open();
    }
    for s in senders {
        s.join();
    }
    let seen: Vec<Vec<u64>> = listeners
        .into_iter()
        .map(|(child, memory)| {
            child.join();
            // SAFETY: the child has written and ended.
            unsafe { std::slice::from_raw_parts(memory.add(1), *memory as usize).to_vec() }
        })
        .collect();
    let expected: Vec<Vec<u64>> = LISTENS
        .iter()
        .map(|p| {
            (0..SENDERS)
                .flat_map(|s| (0..each).map(move |n| (s, n)))
                .filter(|&(s, n)| hears(p, &name_of(s, n)))
                .map(|(s, n)| token(s, n))
                .collect()
        })
        .collect();
    eq!(check_order(&seen, &expected), Ok(()));
}

fn order_everybody_sees_one_order() {
    order(20_000, None);
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

/// One who asks, `requests` times, and keeps book of every answer.
fn requester(seed: u64, requests: u32, tally: &Tally, trace: Option<&Path>) {
    let mut dice = Dice::new(seed);
    let k = open(trace);
    k.limit(1 + dice.below(8));
    // id -> answers so far
    let mut asked: HashMap<Id, u32> = HashMap::new();
    let mut open = 0u32;
    let mut sent = 0;
    let mut to = 0;
    let take_in = |asked: &mut HashMap<Id, u32>, open: &mut u32, to: &mut u32| {
        while let Some(msg) = k.get() {
            assert!(msg.in_reply_to != NO_ID, "not an answer: {msg:?}");
            let n = asked
                .get_mut(&msg.in_reply_to)
                .unwrap_or_else(|| panic!("an answer to nothing we asked: {msg:?}"));
            *n += 1;
            assert!(
                *n == 1,
                "expected one answer, got {n} for {:?}: {msg:?}",
                msg.in_reply_to
            );
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
            Ok(id) => {
                asked.insert(id, 0);
                open += 1;
                sent += 1;
            }
            Err(EAGAIN) => {
                // Whatever comes of it, there will be one answer: a reply, or
                // KBUS saying that it could not be sent (section 7).
                count(&tally.waited);
                asked.insert(k.last(), 0);
                open += 1;
                sent += 1;
                while k.wait(libc::POLLIN | libc::POLLOUT) & libc::POLLOUT == 0 {
                    take_in(&mut asked, &mut open, &mut to);
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
            take_in(&mut asked, &mut open, &mut to);
        }
    }
    // The rest must come, whoever has to be killed for it.
    while open > 0 {
        k.wait(libc::POLLIN);
        take_in(&mut asked, &mut open, &mut to);
    }
    k.nothing();
    k.settled();
    for (id, n) in &asked {
        assert!(*n == 1, "expected one answer for {id:?}, got {n}");
    }
    count(&tally.done);
}

/// One who answers, or does not; lives until killed, or until all are done.
fn replier(seed: u64, tally: &Tally, tick: Gate, trace: Option<&Path>) {
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

pub fn one_answer(seed: u64, requests: u32, trace: Option<&Path>) {
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
        let mut p = libc::pollfd {
            fd: tick.read,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd.
        let r = unsafe { libc::poll(&mut p, 1, crate::harness::HANG_MS) };
        assert!(r == 1, "nothing moves any more: {:?}", how(tally));
        tick.pass();
        for child in &requesters {
            // SAFETY: only looks whether the child has ended.
            unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                libc::waitid(
                    libc::P_PID,
                    child.pid as u32,
                    &mut info,
                    libc::WEXITED | libc::WNOHANG | libc::WNOWAIT,
                );
                let failed = info.si_signo != 0 && info.si_status() != 0;
                assert!(!failed, "a requester failed");
            }
        }
        if dice.one_in(3) {
            let at = dice.below(REPLIERS as u32) as usize;
            let old = std::mem::replace(&mut repliers[at], start(&mut lives));
            let status = {
                // SAFETY: our own child.
                unsafe { libc::kill(old.pid, libc::SIGKILL) };
                old.wait()
            };
            assert!(
                libc::WIFSIGNALED(status)
                    || (status == 0 && tally.done.load(Ordering::Relaxed) == REQUESTERS),
                "a replier ended by itself: {}",
                crate::harness::how_it_ended(status)
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
    one_answer(20261120, 20_000, None);
}

/// Both again, shorter, and judged by what everybody wrote down.
fn order_and_one_answer_as_traced() {
    as_traced("order", |trace| order(2000, Some(trace)));
    as_traced("one-answer", |trace| {
        one_answer(20261121, 2000, Some(trace))
    });
}

/// What a test wrote down is judged also if it has found a fault itself.
fn as_traced(name: &str, test: impl FnOnce(&Path)) {
    let trace = Trace::new(name);
    let own = catch_unwind(AssertUnwindSafe(|| test(trace.path())));
    trace.judge();
    if let Err(fault) = own {
        resume_unwind(fault);
    }
}

#[cfg(test)]
mod on_the_host {
    #[test]
    fn order_checker() {
        super::order_checker_accepts_one_order_and_nothing_else();
    }
}
