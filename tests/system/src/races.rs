// SPDX-License-Identifier: GPL-2.0-only
//! Races: threads and processes that hammer one Ksock and one bus from all
//! sides. What each of them may see, and what must be true when all are done,
//! is checked; a kernel of our own with KCSAN or KASAN sees the rest.
//!
//! The tests count rounds, not time. `--effort N` makes that N times as many.

use std::collections::BTreeSet;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::Barrier;
use std::thread;

use libc::{POLLIN, POLLOUT};
use nix::poll::{PollFd, PollFlags};

use crate::behaviours::open_soon;
use crate::descriptors::{dup, exec_self, pass, receive, socketpair};
use crate::harness::{
    bindings, bounded, fork, keep_over_exec, rounds, shared, Dice, Gate, HANG_MS, USUAL,
};
use crate::raw::*;
use crate::rules::Epoll;
use crate::{eq, tests};

tests![
    race_read_against_nextmsg.limit(120),
    race_send_against_unbind.limit(120),
    race_send_against_close_and_replier_queries.limit(120),
    race_close_against_every_call.limit(120),
    race_several_wait_for_one_ksock.limit(120),
    race_poll_send_and_discard_of_a_pending_message.limit(120),
    race_room_against_those_who_wait_for_it.limit(120),
    race_epoll_add_and_remove.limit(120),
    race_descriptors_in_flight.limit(120),
    race_dup_fork_exec_and_death.limit(120),
    race_switches.limit(120),
    race_only_once_against_send.limit(120),
    race_proc_against_bind_and_close.limit(120),
    race_newdevice_against_open.load(USUAL).limit(120),
];

fn pause() {
    thread::yield_now();
}

/// Sends a request unless nobody replies to the name now, and insists on
/// exactly one answer.
fn ask_if_possible(s: &Ksock, name: &str) {
    match s.post(&Msg::ask(name)) {
        Ok(asked) => {
            eq!(s.await_msg().in_reply_to, asked);
            s.nothing();
        }
        Err(EADDRNOTAVAIL) => {}
        Err(e) => panic!("SEND of a request: {e:?}"),
    }
}

// ---- one Ksock -----------------------------------------------------------

/// One pops, several read. What one read gives is of one message; and of a
/// message that is read to its end every byte is given once, even if somebody
/// was still reading the one before when it was popped.
fn race_read_against_nextmsg() {
    /// What the first byte of our words is, and of no other part of a message.
    const DATA: u32 = 0x0100_0000;
    const WORDS: u32 = 256;
    let messages = rounds(400).min(DATA / WORDS);
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A").limit(50);
    let len = entire_len(3, 4 * WORDS as usize) as u32;
    // How often each word of each message was read.
    let times: Vec<AtomicU32> = (0..messages * WORDS).map(|_| AtomicU32::new(0)).collect();
    let over = AtomicBool::new(false);
    let look = || {
        let some = k.bytes(64);
        let words = some.chunks(4).map(|word| peek(word, 0) ^ DATA);
        let ours: Vec<u32> = words.filter(|&word| word < DATA).collect();
        let follow = ours.windows(2).all(|w| w[0] + 1 == w[1]);
        assert!(follow, "one read, two places: {ours:x?}");
        for word in ours {
            times[word as usize].fetch_add(1, SeqCst);
        }
    };
    thread::scope(|all| {
        all.spawn(|| {
            for n in 0..messages {
                let words = (0..WORDS).flat_map(|w| (DATA | (n * WORDS + w)).to_ne_bytes());
                let msg = Msg::new("$.A").data(words.collect::<Vec<u8>>());
                let msg = msg.flags(ALL_OR_FAIL);
                while s.post(&msg) == Err(EBUSY) {
                    pause();
                }
            }
        });
        for _ in 0..3 {
            all.spawn(|| {
                while !over.load(SeqCst) {
                    look();
                    let left = k.left();
                    assert!(left <= len && left % 4 == 0, "LENLEFT {left}");
                }
            });
        }
        for n in 0..messages {
            k.wait(POLLIN);
            eq!(k.next(), Ok(Some(len)));
            // Every other one is given up while they read it.
            while n % 2 == 1 && k.left() > 0 {
                pause();
            }
        }
        over.store(true, SeqCst);
    });
    k.nothing();
    for (n, of_message) in times.chunks(WORDS as usize).enumerate() {
        for (word, times) in of_message.iter().enumerate() {
            let times = times.load(SeqCst);
            let right = times == 1 || n % 2 == 0 && times == 0;
            assert!(right, "message {n}, word {word}: read {times} times");
        }
    }
}

/// One thread binds and unbinds, another answers, others watch; requests that
/// were accepted are answered once, by the replier or by KBUS.
fn race_send_against_unbind() {
    let r = Ksock::new();
    let id = r.id();
    let senders = AtomicU32::new(2);
    let over = || senders.load(SeqCst) == 0;
    thread::scope(|all| {
        all.spawn(|| {
            while !over() {
                r.serve("$.R");
                (0..3).for_each(|_| pause());
                r.unbind("$.R", REPLIER).unwrap();
            }
        });
        all.spawn(|| {
            while !over() {
                if let Some(request) = r.get() {
                    // Popped, it is ours to answer, bound or not.
                    assert!(request.marked());
                    r.answer(&request);
                }
            }
        });
        all.spawn(|| {
            while !over() {
                let got = r.poll(POLLIN | POLLOUT, 0);
                assert!(got & POLLOUT != 0, "poll: {got:#x}");
                assert!(r.owed() <= 2 && r.count() <= 2);
                let replier = r.replier("$.R").unwrap();
                assert!([None, Some(id)].contains(&replier), "{replier:?}");
            }
        });
        for _ in 0..2 {
            all.spawn(|| {
                let s = Ksock::new();
                for _ in 0..rounds(300) {
                    ask_if_possible(&s, "$.R");
                }
                senders.fetch_sub(1, SeqCst);
            });
        }
    });
    eq!((r.owed(), r.count()), (0, 0));
}

/// Repliers come and go, and are asked for and asked all the time. Numbers
/// only grow, so that an answer can be told from one that is out of date.
fn race_send_against_close_and_replier_queries() {
    let (opened, closed) = (AtomicU32::new(0), AtomicU32::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|all| {
        all.spawn(|| {
            for _ in 0..rounds(200) {
                let k = Ksock::new();
                let id = k.id();
                opened.store(id, SeqCst);
                k.serve("$.R");
                k.poll(POLLIN, 1);
                drop(k);
                closed.store(id, SeqCst);
            }
            over.store(true, SeqCst);
        });
        for _ in 0..2 {
            all.spawn(|| {
                let q = Ksock::new();
                while !over.load(SeqCst) {
                    let before = closed.load(SeqCst);
                    let replier = q.replier("$.R").unwrap();
                    let after = opened.load(SeqCst);
                    if let Some(id) = replier {
                        assert!(
                            before < id && id <= after,
                            "REPLIER said {id}; {before} had closed, {after} was the newest"
                        );
                    }
                }
            });
            all.spawn(|| {
                let s = Ksock::new();
                while !over.load(SeqCst) {
                    ask_if_possible(&s, "$.R");
                }
            });
        }
    });
}

/// The descriptor goes while others are in every call with it. Those come to
/// an end; then the Ksock is closed, and who asked it gets one answer.
fn race_close_against_every_call() {
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null");
    let null = null.unwrap();
    for _ in 0..rounds(25) {
        let (k, w) = (Ksock::new(), Ksock::new());
        k.serve("$.R").listen("$.A");
        let asked = w.ask("$.R");
        let epoll = Epoll::new();
        let long = Msg::new("$.A").data(vec![7; 5000]);
        // After it is gone there is /dev/null in its place.
        let calls: [&(dyn Fn() -> bool + Sync); 9] = [
            &|| k.next() == Err(ENOTTY),
            &|| k.read(&mut [0; 64]).is_err(),
            &|| k.put(&long).is_err() | (k.send() == Err(ENOTTY)),
            &|| k.bind("$.B", LISTENER) == Err(ENOTTY),
            &|| k.unbind("$.B", LISTENER) == Err(ENOTTY),
            &|| k.replier("$.R") == Err(ENOTTY),
            &|| k.max(200) == Err(ENOTTY),
            &|| {
                k.poll(POLLIN | POLLOUT, 0);
                false
            },
            &|| {
                let _ = epoll.change(libc::EPOLL_CTL_ADD, k.fd, libc::EPOLLIN);
                let _ = epoll.change(libc::EPOLL_CTL_DEL, k.fd, 0);
                false
            },
        ];
        let start = Barrier::new(calls.len() + 1);
        let start = &start;
        thread::scope(|all| {
            for call in calls {
                all.spawn(move || {
                    start.wait();
                    for _ in 0..60 {
                        if call() {
                            break;
                        }
                    }
                });
            }
            start.wait();
            w.say("$.A");
            (0..5).for_each(|_| pause());
            // SAFETY: two descriptors of ours.
            let moved = unsafe { nix::unistd::dup2_raw(&null, k.fd) };
            eq!(moved.map(IntoRawFd::into_raw_fd), Ok(k.fd));
        });
        let got = w.await_msg();
        eq!(got.in_reply_to, asked);
        assert!(
            [GONE_AWAY, IGNORED].contains(&got.text().as_str()),
            "{got:?}"
        );
        w.nothing();
        eq!(w.replier("$.R"), Ok(None));
        // epoll has let go of it, too.
        eq!(epoll.wait(0), vec![]);
        eq!(bindings().len(), 0);
    }
}

// ---- waiting -------------------------------------------------------------

/// Waits until there is something for the Ksock, or the gate is open.
fn wait_for_either(k: &Ksock, gate: &Gate) {
    let mut fds = [k.fd, gate.read].map(|fd| PollFd::new(borrow(fd), PollFlags::POLLIN));
    let r = nix::poll::poll(&mut fds, HANG_MS as u16);
    assert!(matches!(r, Ok(1..)), "poll: nobody woke us ({r:?})");
}

/// Room for one message, a sender that waits for it, and four who wait for
/// the message, by poll and by epoll. Whoever is not woken hangs.
fn race_several_wait_for_one_ksock() {
    let messages = rounds(300);
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A").limit(1);
    let popped = AtomicU32::new(0);
    let done = Gate::new();
    let pop = || {
        if k.next().unwrap().is_some() && popped.fetch_add(1, SeqCst) + 1 == messages {
            done.open();
        }
        popped.load(SeqCst) < messages
    };
    thread::scope(|all| {
        for n in 0..4 {
            let pop = &pop;
            let (k, done) = (&k, &done);
            all.spawn(move || {
                let epoll = Epoll::new();
                epoll.add(k, libc::EPOLLIN);
                epoll
                    .change(libc::EPOLL_CTL_ADD, done.read, libc::EPOLLIN)
                    .unwrap();
                while pop() {
                    if n % 2 == 0 {
                        wait_for_either(k, done);
                    } else {
                        assert!(!epoll.wait(HANG_MS).is_empty(), "epoll: nobody woke us");
                    }
                }
            });
        }
        for _ in 0..messages {
            s.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
            match s.send() {
                Ok(_) => {}
                Err(EAGAIN) => eq!(s.wait(POLLOUT), POLLOUT),
                Err(e) => panic!("SEND: {e:?}"),
            }
        }
    });
    eq!(popped.load(SeqCst), messages);
    k.nothing();
}

/// A message that waits for room is tried again by poll and by SEND, from
/// several threads. It arrives once, in its place; when somebody discards it
/// now and then, at most once.
fn race_poll_send_and_discard_of_a_pending_message() {
    for discard in [false, true] {
        let messages = rounds(150);
        let (k, l) = (Ksock::new(), Ksock::new());
        l.listen("$.A").limit(1);
        let over = AtomicBool::new(false);
        let heard = thread::scope(|all| {
            for _ in 0..2 {
                all.spawn(|| {
                    while !over.load(SeqCst) {
                        let got = k.poll(POLLOUT, 0);
                        assert!([0, POLLOUT].contains(&got), "poll: {got:#x}");
                    }
                });
            }
            all.spawn(|| {
                while !over.load(SeqCst) {
                    match k.send() {
                        Ok(_) | Err(EAGAIN | ENOMSG) => pause(),
                        Err(e) => panic!("SEND: {e:?}"),
                    }
                    if discard {
                        k.discard().unwrap();
                    }
                }
            });
            let listener = all.spawn(|| {
                let mut heard = Vec::new();
                loop {
                    // Looked at first: what was sent before is still taken.
                    let last = over.load(SeqCst);
                    match l.get() {
                        Some(msg) => heard.push(peek(&msg.data, 0)),
                        None if last => return heard,
                        None => pause(),
                    }
                }
            });
            for n in 0..messages {
                let msg = Msg::new("$.A").data(n.to_ne_bytes()).flags(ALL_OR_WAIT);
                while k.put(&msg) == Err(EALREADY) {
                    k.wait(POLLOUT);
                }
                match k.send() {
                    Ok(_) | Err(EAGAIN | ENOMSG) => {}
                    Err(e) => panic!("SEND: {e:?}"),
                }
            }
            k.wait(POLLOUT);
            over.store(true, SeqCst);
            listener.join().unwrap()
        });
        if discard {
            assert!(heard.windows(2).all(|w| w[0] < w[1]), "{heard:?}");
        } else {
            eq!(heard, (0..messages).collect::<Vec<u32>>());
        }
    }
}

/// Several wait for room at a full listener, which then reads, unbinds,
/// closes or raises its limit, all at that moment. Nobody may be forgotten.
fn race_room_against_those_who_wait_for_it() {
    for round in 0..rounds(60) {
        let (l, other) = (Ksock::new(), Ksock::new());
        l.listen("$.A").limit(1);
        other.say("$.A");
        let start = Barrier::new(4);
        let sent = AtomicU32::new(0);
        thread::scope(|all| {
            for _ in 0..3 {
                all.spawn(|| {
                    let k = Ksock::new();
                    k.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
                    start.wait();
                    match k.send() {
                        Ok(_) => {}
                        Err(EAGAIN) => eq!(k.wait(POLLOUT), POLLOUT),
                        Err(e) => panic!("SEND: {e:?}"),
                    }
                    sent.fetch_add(1, SeqCst);
                });
            }
            start.wait();
            match round % 4 {
                0 => {
                    for _ in 0..4 {
                        l.await_msg();
                    }
                    l.nothing();
                }
                1 => l.unbind("$.A", LISTENER).unwrap(),
                2 => drop(l),
                _ => drop(l.limit(10)),
            }
        });
        eq!(sent.load(SeqCst), 3);
    }
}

/// Some add the Ksock to their epolls and remove it, some close what another
/// epoll watches; one that never moves hears of every message.
fn race_epoll_add_and_remove() {
    let messages = rounds(200);
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A").limit(1);
    let over = AtomicBool::new(false);
    let common = Epoll::new();
    thread::scope(|all| {
        for _ in 0..2 {
            all.spawn(|| {
                let mine = Epoll::new();
                while !over.load(SeqCst) {
                    let again = dup(k.fd);
                    mine.add(&k, libc::EPOLLIN | libc::EPOLLET);
                    mine.add(&again, libc::EPOLLIN | libc::EPOLLOUT);
                    let got = mine.wait(0);
                    assert!(got.len() <= 2, "{got:?}");
                    mine.change(libc::EPOLL_CTL_MOD, k.fd, libc::EPOLLOUT)
                        .unwrap();
                    let got = mine.wait(0);
                    let both = libc::EPOLLIN | libc::EPOLLOUT;
                    assert!(got.iter().all(|(_, e)| e & !both == 0), "{got:?}");
                    assert!(got.contains(&(k.fd, libc::EPOLLOUT)), "{got:?}");
                    mine.change(libc::EPOLL_CTL_DEL, k.fd, 0).unwrap();
                    // A duplicate is another entry, and the file is still open.
                    mine.change(libc::EPOLL_CTL_DEL, again.fd, 0).unwrap();
                    eq!(mine.wait(0), vec![]);
                }
            });
            all.spawn(|| {
                while !over.load(SeqCst) {
                    let short = Ksock::new();
                    short.listen("$.A");
                    common.add(&short, libc::EPOLLIN);
                    pause();
                    // Closing takes it out.
                }
            });
        }
        all.spawn(|| {
            while !over.load(SeqCst) {
                common.wait(1);
            }
        });
        all.spawn(|| {
            for _ in 0..messages {
                s.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
                match s.send() {
                    Ok(_) => {}
                    Err(EAGAIN) => eq!(s.wait(POLLOUT), POLLOUT),
                    Err(e) => panic!("SEND: {e:?}"),
                }
            }
        });
        let still = Epoll::new();
        still.add(&k, libc::EPOLLIN);
        for _ in 0..messages {
            eq!(still.wait(HANG_MS), vec![(k.fd, libc::EPOLLIN)]);
            k.take();
        }
        over.store(true, SeqCst);
    });
    k.nothing();
    eq!(common.wait(0), vec![]);
}

// ---- descriptors ---------------------------------------------------------

/// Ksocks are handed from thread to thread over sockets, asked and answered on
/// their way, and at last in flight only, when the socket closes.
fn race_descriptors_in_flight() {
    const KSOCKS: usize = 8;
    for round in 0..rounds(15) {
        let sockets: [[OwnedFd; 2]; 4] = std::array::from_fn(|_| socketpair());
        let names: Vec<String> = (0..KSOCKS).map(|n| format!("$.R.n{n}")).collect();
        let w = Ksock::new();
        w.limit(1000);
        let mut asked = BTreeSet::new();
        thread::scope(|all| {
            for stage in 0..3 {
                let (from, to) = (&sockets[stage][1], &sockets[stage + 1][0]);
                all.spawn(move || {
                    let mut dice = Dice::new(round as u64 * 3 + stage as u64);
                    for _ in 0..KSOCKS {
                        let k = receive(from);
                        let again = dup(k.fd);
                        drop(k);
                        if dice.one_in(2) {
                            if let Some(request) = again.get() {
                                again.answer(&request);
                            }
                        }
                        pass(to, again.fd);
                    }
                });
            }
            for name in &names {
                let k = Ksock::new();
                k.serve(name);
                pass(&sockets[0][0], k.fd);
            }
            let mut dice = Dice::new(round as u64);
            for _ in 0..40 {
                let name = &names[dice.below(KSOCKS as u32) as usize];
                asked.insert(w.ask(name).serial);
            }
        });
        // Half of them end here, the others where nobody will fetch them.
        for _ in 0..KSOCKS / 2 {
            drop(receive(&sockets[3][1]));
        }
        drop(sockets);
        for name in &names {
            assert!(
                bounded(|| w.replier(name) == Ok(None)),
                "{name} is bound although nobody has it any more"
            );
        }
        while !asked.is_empty() {
            let got = w.await_msg();
            assert!(asked.remove(&got.in_reply_to.serial), "{got:?} again");
        }
        w.nothing();
    }
}

/// One Ksock in many processes, which duplicate it, pop, fork, exec, and die;
/// nobody knows who is the last to let go. Every request is popped at most
/// once, and answered once.
fn race_dup_fork_exec_and_death() {
    const REQUESTS: u32 = 60;
    for _ in 0..rounds(5) {
        let (k, w) = (Ksock::new(), Ksock::new());
        k.serve("$.R").limit(REQUESTS);
        w.limit(REQUESTS + 1);
        let popped: &'static AtomicU32 = &shared(1)[0];
        let mut asked: BTreeSet<u32> = (0..REQUESTS).map(|_| w.ask("$.R").serial).collect();
        keep_over_exec(k.fd);
        let pop = |times: u32| {
            for _ in 0..times {
                let again = dup(k.fd);
                if again.next().unwrap().is_some() {
                    popped.fetch_add(1, SeqCst);
                }
            }
        };
        let mut children = Vec::new();
        for _ in 0..2 {
            children.push(fork(|| {
                pop(10);
                fork(|| pop(10)).join();
            }));
            children.push(exec_self(k.fd, &["pop"]));
        }
        let endless = fork(|| loop {
            let again = dup(k.fd);
            again.poll(POLLIN, 0);
            fork(|| drop(again)).join();
        });
        let number = k.id();
        drop(k);
        for child in children {
            child.join();
        }
        // 40 here and one in each of those that were started anew.
        eq!(popped.load(SeqCst), 40);
        eq!(w.replier("$.R"), Ok(Some(number)), "one has it still");
        endless.kill();
        let mut names = [0; 2];
        while !asked.is_empty() {
            let got = w.await_msg();
            assert!(asked.remove(&got.in_reply_to.serial), "{got:?} again");
            names[(got.text() == IGNORED) as usize] += 1;
        }
        w.nothing();
        eq!(names, [REQUESTS - 42, 42], "gone away, ignored");
        eq!(w.replier("$.R"), Ok(None));
    }
}

// ---- settings ------------------------------------------------------------

/// Four threads turn a switch on and off; each is told what it was before. So
/// between on and on there was an off, and what is left is what was counted.
fn race_switches() {
    type Switch = fn(&Ksock, u32) -> Result<u32>;
    let switches: [(&str, bool, Switch); 3] = [
        ("MSGONLYONCE", true, |k, v| k.only_once(v)),
        ("VERBOSE", false, |k, v| k.verbose(v)),
        ("REPORTREPLIERBINDS", false, |k, v| k.report(v)),
    ];
    let shared_ksock = Ksock::new();
    for (what, of_ksock, switch) in switches {
        // How often it went on less how often it went off, 1000 added.
        let balance = AtomicU32::new(1000);
        let start = Barrier::new(4);
        thread::scope(|all| {
            for n in 0..4 {
                let (balance, shared_ksock, start) = (&balance, &shared_ksock, &start);
                all.spawn(move || {
                    let own = Ksock::new();
                    let k = if of_ksock { shared_ksock } else { &own };
                    let mut dice = Dice::new(n);
                    start.wait();
                    for _ in 0..rounds(300) {
                        let value = dice.below(2);
                        match (value, switch(k, value)) {
                            (1, Ok(0)) => drop(balance.fetch_add(1, SeqCst)),
                            (0, Ok(1)) => drop(balance.fetch_sub(1, SeqCst)),
                            (_, Ok(before)) => eq!(before, value),
                            (_, Err(e)) => panic!("{what}({value}): {e:?}"),
                        }
                        assert!(matches!(switch(k, ASK), Ok(0 | 1)));
                        // Nobody but we says it of this one.
                        eq!(own.max(n as u32 + 5), Ok(n as u32 + 5));
                    }
                });
            }
        });
        let left = balance.load(SeqCst).wrapping_sub(1000);
        eq!(switch(&shared_ksock, 0), Ok(left), "{what}");
    }
}

/// A listener bound three times gets three copies or one of each message, as
/// the switch was when it was sent, and never two.
fn race_only_once_against_send() {
    let messages = rounds(400);
    let (k, other, s) = (Ksock::new(), Ksock::new(), Ksock::new());
    k.listen("$.A")
        .listen("$.*")
        .listen("$.A")
        .limit(4 * messages);
    other.listen("$.A").limit(messages);
    let over = AtomicBool::new(false);
    thread::scope(|all| {
        for _ in 0..2 {
            all.spawn(|| {
                for n in 0.. {
                    k.only_once(n % 2).unwrap();
                    if over.load(SeqCst) {
                        return;
                    }
                }
            });
        }
        let sent: Vec<Id> = (0..messages).map(|_| s.say("$.A")).collect();
        over.store(true, SeqCst);
        let heard: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
        let mut rest = heard.as_slice();
        for id in &sent {
            let copies = rest.iter().take_while(|&heard| heard == id).count();
            assert!([1, 3].contains(&copies), "{copies} copies of {id:?}");
            rest = &rest[copies..];
        }
        eq!(rest, &[]);
        let heard: Vec<Id> = other.drain().iter().map(|m| m.id).collect();
        eq!(heard, sent);
    });
}

/// While Ksocks come, bind and go, what is there all the time is in every
/// reading of /proc once, and each line is whole.
fn race_proc_against_bind_and_close() {
    let still = Ksock::new();
    still.listen("$.Still").serve("$.Still").limit(7);
    let me = still.id();
    let over = AtomicBool::new(false);
    thread::scope(|all| {
        for n in 0..3 {
            let over = &over;
            all.spawn(move || {
                while !over.load(SeqCst) {
                    let k = Ksock::new();
                    for m in 0..5 {
                        k.listen(&format!("$.Come.n{n}"))
                            .serve(&format!("$.Go.n{n}m{m}"));
                    }
                    k.say("$.Come.n0");
                    k.unbind(format!("$.Go.n{n}m2"), REPLIER).unwrap();
                }
            });
        }
        for _ in 0..rounds(60) {
            let all: Vec<Vec<String>> = bindings()
                .iter()
                .map(|line| line.split_whitespace().map(str::to_string).collect())
                .collect();
            for line in &all {
                let number = |n: usize| line[n].trim_end_matches(':').parse::<u32>().is_ok();
                let whole = line.len() == 5 && number(0) && number(1) && number(2);
                assert!(whole, "in bindings: {line:?}");
                assert!(["R", "L"].contains(&line[3].as_str()), "{line:?}");
            }
            let mine: Vec<&str> = all
                .iter()
                .filter(|line| line[1] == me.to_string())
                .map(|line| line[3].as_str())
                .collect();
            eq!(mine, vec!["R", "L"]);
            let text = std::fs::read_to_string("/proc/kbus/stats").unwrap();
            let mine = format!("    ksock {me} last msg 0:0 queue 0 of 7");
            eq!(text.lines().filter(|&line| line == mine).count(), 1);
            // Three lines for each Ksock and one for each device.
            let ksocks = text.lines().filter(|l| l.starts_with("    ksock ")).count();
            let devices = text.lines().filter(|l| l.starts_with("dev ")).count();
            eq!(text.lines().count(), 3 * ksocks + devices);
        }
        over.store(true, SeqCst);
    });
}

/// New devices from several at once, opened as soon as they are there, while
/// /proc is read: each number is given once, and each is a bus.
fn race_newdevice_against_open() {
    const EACH: u32 = 15;
    let over = AtomicBool::new(false);
    let newest = AtomicU32::new(2);
    let mut numbers = thread::scope(|all| {
        let makers: Vec<_> = (0..3)
            .map(|n| {
                let newest = &newest;
                all.spawn(move || {
                    let k = Ksock::on(n);
                    let make = |_| {
                        let number = k.new_device().unwrap();
                        newest.fetch_max(number, SeqCst);
                        let new = open_soon(number);
                        let id = new.listen("$.A").say("$.A");
                        eq!(new.take().id, id);
                        number
                    };
                    (0..EACH).map(make).collect::<Vec<u32>>()
                })
            })
            .collect();
        all.spawn(|| {
            let mut dice = Dice::new(1);
            while !over.load(SeqCst) {
                let before = newest.load(SeqCst);
                let text = std::fs::read_to_string("/proc/kbus/stats").unwrap();
                let devices = text.lines().filter(|l| l.starts_with("dev ")).count();
                assert!(
                    devices > before as usize,
                    "{devices} devices, {before} made"
                );
                match Ksock::open(dice.below(3 + 3 * EACH), libc::O_RDWR) {
                    Ok(k) => assert!(k.id() > 0),
                    Err(ENOENT) => {}
                    Err(e) => panic!("open: {e:?}"),
                }
            }
        });
        let numbers: Vec<u32> = makers.into_iter().flat_map(|m| m.join().unwrap()).collect();
        over.store(true, SeqCst);
        numbers
    });
    numbers.sort_unstable();
    eq!(numbers, (3..3 + 3 * EACH).collect::<Vec<u32>>());
}
