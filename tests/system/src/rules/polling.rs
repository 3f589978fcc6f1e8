// SPDX-License-Identifier: GPL-2.0-only
//! Section 3.5: which bits poll shows, and how waiting ends. What poll does
//! for a pending send is in waiting.rs.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use libc::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};

use crate::harness::{bounded, fork, shared, Child, Gate, HANG_MS};
use kbus_test_conformance::expect_event;

use crate::raw::*;
use crate::{eq, tests};

tests![
    poll_bits_by_access_mode,
    poll_nothing_else_is_reported,
    poll_half_written_is_writable,
    poll_popped_is_not_readable,
    poll_wakes_a_sleeper,
    poll_several_sleepers_wake,
    poll_epoll_level,
    poll_epoll_edge,
    poll_epoll_keeps_buses_apart,
    poll_epoll_exclusive_wakes_one_for_each_message,
    set_aside_wakes_a_sleeper,
];

const IN: i16 = POLLIN | POLLRDNORM;
const OUT: i16 = POLLOUT | POLLWRNORM;
const ALL: i16 = !0;

fn poll_bits_by_access_mode() {
    let (r, w, rw) = (Ksock::read_only(), Ksock::write_only(), Ksock::new());
    eq!(r.ready(ALL), 0);
    eq!(w.ready(ALL), OUT);
    eq!(rw.ready(ALL), OUT);
    for k in [&r, &w, &rw] {
        k.listen("$.A");
    }
    w.say("$.A");
    eq!(r.ready(ALL), IN, "read-only is never writable");
    eq!(w.ready(ALL), IN | OUT, "all ioctls work in every mode");
    eq!(rw.ready(ALL), IN | OUT);
    eq!(rw.ready(POLLIN), POLLIN);
    eq!(rw.ready(POLLWRNORM), POLLWRNORM);
}

fn poll_nothing_else_is_reported() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.post(&Msg::ask("$.A").flags(URGENT)).unwrap();
    eq!(a.ready(ALL), IN | OUT, "an urgent request");
    drop(a);
    eq!(b.ready(ALL), IN | OUT, "the replier is gone");
    b.take();
    eq!(b.ready(ALL), OUT);
}

fn poll_half_written_is_writable() {
    let k = Ksock::new();
    let bytes = Msg::new("$.A").entire();
    for at in 0..bytes.len() {
        k.write(&bytes[at..at + 1]).unwrap();
        eq!(k.ready(ALL), OUT, "after {at}");
    }
    // And asking has not harmed it.
    assert!(k.send().is_ok());
}

fn poll_popped_is_not_readable() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    assert!(k.readable());
    k.next().unwrap().unwrap();
    assert!(!k.readable());
    eq!(k.left(), entire_len(3, 0) as u32);
}

/// Is that process waiting in the kernel?
pub fn asleep(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|s| s.starts_with('S'))
}

#[track_caller]
pub fn await_sleep(pid: i32) {
    assert!(bounded(|| asleep(pid)), "process {pid} does not wait");
}

fn poll_wakes_a_sleeper() {
    let (k, other) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    for _ in 0..3 {
        let child = fork(|| eq!(k.wait(POLLIN), POLLIN));
        await_sleep(child.pid);
        other.say("$.A");
        child.join();
        k.take();
    }
    // An answer by KBUS wakes as well.
    k.serve("$.B");
    other.ask("$.B");
    let child = fork(|| eq!(other.wait(POLLIN), POLLIN));
    await_sleep(child.pid);
    k.unbind("$.B", REPLIER).unwrap();
    child.join();
}

fn poll_several_sleepers_wake() {
    let (a, b, s) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.A");
    b.listen("$.*");
    let children = [
        fork(|| eq!(a.wait(POLLIN), POLLIN)),
        fork(|| eq!(a.wait(POLLRDNORM), POLLRDNORM)),
        fork(|| eq!(b.wait(POLLIN), POLLIN)),
    ];
    for c in &children {
        await_sleep(c.pid);
    }
    s.say("$.A");
    for c in children {
        c.join();
    }
}

pub struct Epoll(i32);

impl Epoll {
    pub fn new() -> Epoll {
        // SAFETY: no pointers.
        Epoll(check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) } as i64).unwrap() as i32)
    }

    #[track_caller]
    pub fn add(&self, k: &Ksock, events: i32) {
        self.change(libc::EPOLL_CTL_ADD, k.fd, events).unwrap();
    }

    pub fn change(&self, how: i32, fd: i32, events: i32) -> Result<()> {
        let mut e = libc::epoll_event {
            events: events as u32,
            u64: fd as u64,
        };
        // SAFETY: one event.
        check(unsafe { libc::epoll_ctl(self.0, how, fd, &mut e) } as i64).map(|_| ())
    }

    /// What is there within that time: (descriptor, events).
    #[track_caller]
    pub fn wait(&self, ms: i32) -> Vec<(i32, i32)> {
        let mut e = [libc::epoll_event { events: 0, u64: 0 }; 8];
        // SAFETY: room for eight.
        let n = check(unsafe { libc::epoll_wait(self.0, e.as_mut_ptr(), 8, ms) } as i64).unwrap();
        let mut all: Vec<_> = e[..n as usize]
            .iter()
            .map(|e| ({ e.u64 } as i32, { e.events } as i32))
            .collect();
        all.sort_unstable();
        all
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // SAFETY: our own descriptor.
        unsafe { libc::close(self.0) };
    }
}

fn poll_epoll_level() {
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    let e = Epoll::new();
    e.add(&k, libc::EPOLLIN);
    eq!(e.wait(0), vec![]);
    s.say("$.A");
    s.say("$.A");
    for _ in 0..3 {
        eq!(
            e.wait(HANG_MS),
            vec![(k.fd, libc::EPOLLIN)],
            "stays while there is one"
        );
    }
    k.take();
    eq!(e.wait(0), vec![(k.fd, libc::EPOLLIN)]);
    k.take();
    eq!(e.wait(0), vec![]);
    // In both directions at once.
    let both = Epoll::new();
    both.add(&k, libc::EPOLLIN | libc::EPOLLOUT);
    eq!(both.wait(0), vec![(k.fd, libc::EPOLLOUT)]);
    s.say("$.A");
    eq!(both.wait(0), vec![(k.fd, libc::EPOLLIN | libc::EPOLLOUT)]);
}

fn poll_epoll_edge() {
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    let e = Epoll::new();
    e.add(&k, libc::EPOLLIN | libc::EPOLLET);
    eq!(e.wait(0), vec![]);
    for _ in 0..3 {
        s.say("$.A");
        eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLIN)]);
        eq!(e.wait(0), vec![], "an edge is told once");
    }
    eq!(k.drain().len(), 3);
    // While somebody waits.
    let (ready, seen) = (Gate::new(), Gate::new());
    let child = fork(|| {
        ready.open();
        eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLIN)]);
        seen.open();
    });
    ready.pass();
    await_sleep(child.pid);
    s.say("$.A");
    seen.pass();
    child.join();
}

/// Several workers wait for one Ksock, each by an epoll of its own.
fn poll_epoll_exclusive_wakes_one_for_each_message() {
    const WORKERS: u32 = 8;
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    let woken: &[AtomicU32] = shared(1);
    let go = Gate::new();
    let workers: Vec<Child> = (0..WORKERS)
        .map(|_| {
            fork(|| {
                let e = Epoll::new();
                e.add(&k, libc::EPOLLIN | libc::EPOLLEXCLUSIVE);
                eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLIN)]);
                woken[0].fetch_add(1, SeqCst);
                go.pass();
            })
        })
        .collect();
    let all_sleep = || workers.iter().for_each(|worker| await_sleep(worker.pid));
    all_sleep();
    for n in 1..=WORKERS {
        // Who is woken is so when SEND returns, and does not sleep before it has counted itself.
        s.say("$.A");
        all_sleep();
        eq!(woken[0].load(SeqCst), n);
    }
    // Any of them may pass: all, before one is waited for.
    workers.iter().for_each(|_| go.open());
    workers.into_iter().for_each(Child::join);
}

fn poll_epoll_keeps_buses_apart() {
    let (a, b) = (Ksock::on(0), Ksock::on(1));
    a.listen("$.A");
    b.listen("$.A");
    let e = Epoll::new();
    e.add(&a, libc::EPOLLIN);
    e.add(&b, libc::EPOLLIN);
    Ksock::on(1).say("$.A");
    eq!(e.wait(HANG_MS), vec![(b.fd, libc::EPOLLIN)]);
    b.take();
    Ksock::on(0).say("$.A");
    eq!(e.wait(HANG_MS), vec![(a.fd, libc::EPOLLIN)]);
}

/// Reporting on, without a replay for anybody.
fn report_on() {
    let k = Ksock::new();
    k.limit(5000);
    k.report(1).unwrap();
}

/// The roomy one, whose queue is empty, sleeps in poll (`[FIX]` 3.5).
fn set_aside_wakes_a_sleeper() {
    let (full, roomy, k) = (Ksock::new(), Ksock::new(), Ksock::new());
    k.serve("$.One");
    full.listen(BIND_EVENT).listen("$.N").limit(1);
    roomy.listen(BIND_EVENT);
    full.say("$.N");
    report_on();
    let binder = k.id();
    let child = crate::harness::fork(|| {
        crate::harness::keep_only(&[roomy.fd]);
        eq!(roomy.wait(libc::POLLIN), libc::POLLIN);
    });
    await_sleep(child.pid);
    drop(k);
    child.join();
    expect_event(&roomy.take(), 0, binder, "$.One");
}
