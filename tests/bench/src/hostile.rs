// SPDX-License-Identifier: GPL-2.0-only
//! What a user without any privilege can do to the others: what a victim's calls cost beside
//! attackers that have done what limits allow and now sleep; and how long one call of theirs
//! holds the lock of the bus.

use std::any::Any;
use std::fs::File;
use std::io::Read;

use crate::clock::Times;
use crate::ksock::{Ksock, Message, Role};
use crate::sys::{self, Epoll};
use crate::table::{Cell, Table};

pub const ATTACKER: u32 = 1001;
pub const VICTIM: u32 = 1002;
/// What the victim says.
const NAME: &str = "$.Bench.Victim";
/// All that there is.
pub const ANYTHING: &str = "$.*";
pub const FULL: &str = "$.Hostile.Full";
const EVENTS: &str = "$.KBUS.ReplierBindEvent";
const SIZE: usize = 64;
const TIMES: Times = Times::new(5, 100);
/// Beside what sleeps, the victim pays no more than this.
const TARGET: f64 = 1.3;
/// For each copy that is queued, no more than this.
const COPY: f64 = 150.0;
/// The longest that one call holds the lock, in instructions.
const HOLD: u64 = 100_000;

// As many as limits allow, less a few for the attacker's own use.
pub const BINDINGS: usize = 16_384;
pub const KSOCKS: usize = 4_000;

/// What keeps an attack going.
pub type Idle = Vec<Box<dyn Any>>;

/// What is done, and how it is begun. It is there until it is dropped.
type Attack = (&'static str, fn() -> Idle);

const ATTACKS: [Attack; 7] = [
    ("16,384 bindings, full", bindings),
    ("4,000 Ksocks, full", ksocks),
    ("16,384 bindings, only once", only_once),
    ("4,000 ALL_OR_WAIT wait", waiting),
    ("the same in 20 epolls each", waiting_in_epolls),
    ("1,000 hear of repliers", event_listeners),
    ("28,000 requests unanswered", debts),
];

pub fn run() {
    idle();
    copies();
    holds();
}

// ---- beside what sleeps ------------------------------------------------------

fn idle() {
    println!("\nA victim's calls beside another user who has done this and sleeps: instructions,");
    println!("  and times those on a quiet bus; {SIZE} B; a round trip is eight calls");
    let columns = ["SEND", "round trip", "BIND"];
    let mut table = Table::new("", &columns, true);
    let quiet = victim();
    table.row("quiet", &quiet.map(|cost| Cell::cost(Some(cost))), None);
    for (what, begin) in ATTACKS {
        let attack = as_attacker(begin);
        let costs = victim();
        drop(attack);
        let cells: Vec<Cell> = (0..costs.len())
            .map(|n| Cell::times(costs[n], quiet[n]))
            .collect();
        let worst = (0..cells.len()).max_by(|&a, &b| {
            let times = |n: usize| costs[n] / quiet[n];
            times(a).total_cmp(&times(b))
        });
        table.row(what, &cells, Some((worst.unwrap_or(0), TARGET)));
    }
}

pub fn as_attacker<T>(act: impl FnOnce() -> T) -> T {
    sys::as_user(ATTACKER, act)
}

/// What SEND, a round trip and BIND cost the victim now.
fn victim() -> [f64; 3] {
    sys::as_user(VICTIM, || {
        let (sender, receiver) = (Ksock::open(), Ksock::bound(Role::Listener, NAME));
        let message = Message::announcement(NAME, SIZE);
        let mut buffer = vec![0; message.bytes().len()];
        let [send] = TIMES.cost_of_parts(|laps| {
            sender.write(&message);
            laps.start();
            sender.send();
            laps.lap(0);
            receiver.take(&mut buffer);
        });
        receiver.unbind(Role::Listener, NAME);

        receiver.bind(Role::Replier, NAME);
        let request = Message::request(NAME, SIZE);
        let mut reply = Message::announcement(NAME, SIZE);
        let [round_trip] = TIMES.cost_of_parts(|laps| {
            laps.start();
            sender.write(&request);
            sender.send();
            receiver.take(&mut buffer);
            reply.answer(&buffer);
            receiver.write(&reply);
            receiver.send();
            sender.take(&mut buffer);
            laps.lap(0);
        });
        let [bind] = TIMES.cost_of_parts(|laps| {
            laps.start();
            sender.bind(Role::Listener, NAME);
            laps.lap(0);
            sender.unbind(Role::Listener, NAME);
        });
        [send, round_trip, bind]
    })
}

/// One Ksock that has taken one message.
pub fn full(patterns: impl IntoIterator<Item = &'static str>) -> Ksock {
    let ksock = Ksock::open();
    ksock.set_limit(1);
    for pattern in patterns {
        ksock.bind(Role::Listener, pattern);
    }
    ksock
}

fn announce(name: &str) {
    let ksock = Ksock::open();
    ksock.write(&Message::announcement(name, SIZE));
    ksock.send();
}

fn bindings() -> Idle {
    let ksock = full(std::iter::repeat_n(ANYTHING, BINDINGS));
    announce("$.Hostile");
    vec![Box::new(ksock)]
}

pub fn ksocks() -> Idle {
    let each = BINDINGS / KSOCKS;
    let all: Vec<Ksock> = (0..KSOCKS)
        .map(|_| full(std::iter::repeat_n(ANYTHING, each)))
        .collect();
    // One message goes only to so many of one user's.
    while all.iter().any(|ksock| ksock.count() == 0) {
        announce("$.Hostile");
    }
    vec![Box::new(all)]
}

fn only_once() -> Idle {
    let ksock = full(std::iter::repeat_n(ANYTHING, BINDINGS));
    ksock.set_limit(u32::MAX);
    ksock.set_only_once();
    vec![Box::new(ksock)]
}

/// Sends that wait for a Ksock that is full.
pub fn senders() -> (Ksock, Vec<Ksock>) {
    let ksock = full([FULL]);
    announce(FULL);
    let message = Message::announcement(FULL, SIZE).all_or_wait();
    let senders = (0..KSOCKS).map(|_| {
        let sender = Ksock::open();
        sender.write(&message);
        assert!(sender.send_waits(), "the send should have to wait");
        sender
    });
    let senders = senders.collect();
    (ksock, senders)
}

fn waiting() -> Idle {
    vec![Box::new(senders())]
}

fn waiting_in_epolls() -> Idle {
    let (ksock, senders) = senders();
    let epolls: Vec<Epoll> = (0..20)
        .map(|_| {
            let epoll = Epoll::new();
            senders.iter().for_each(|sender| epoll.add(sender.fd()));
            epoll
        })
        .collect();
    vec![Box::new((epolls, senders, ksock))]
}

fn event_listeners() -> Idle {
    // With more than get a copy of one message no replier could bind at all.
    let ksock = full(std::iter::repeat_n(EVENTS, 1000));
    vec![Box::new((Reporting::on(), ksock))]
}

/// Bindings of repliers are announced, as long as this lives.
struct Reporting(Ksock);

impl Reporting {
    /// Those that there are, it hears itself.
    fn on() -> Reporting {
        let ksock = Ksock::open();
        ksock.set_limit(u32::MAX);
        ksock.report_replier_binds(true);
        Reporting(ksock)
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.0.report_replier_binds(false);
    }
}

/// Requests that were read, and are not answered.
pub fn debts() -> Idle {
    let replier = Ksock::bound(Role::Replier, FULL);
    let request = Message::request(FULL, SIZE);
    let mut buffer = vec![0; request.bytes().len()];
    let senders: Vec<Ksock> = (0..28)
        .map(|_| {
            let sender = Ksock::open();
            sender.set_limit(1000);
            for _ in 0..1000 {
                sender.write(&request);
                sender.send();
                replier.take(&mut buffer);
            }
            sender
        })
        .collect();
    vec![Box::new((senders, replier))]
}

// ---- before they are full ----------------------------------------------------

/// What each copy costs that is queued at somebody who has room.
fn copies() {
    println!("\nA victim's SEND to another user's listeners with room: instructions for each copy");
    let sender = sys::as_user(VICTIM, Ksock::open);
    let message = Message::announcement(NAME, SIZE);
    let send = || {
        sender.write(&message);
        let start = sys::now();
        sender.send();
        sys::now() - start
    };
    send();
    let quiet = (0..5).map(|_| send()).min().unwrap_or_default();
    type Shape = (&'static str, fn() -> Vec<Ksock>);
    let shapes: [Shape; 2] = [
        ("16,384 bindings of one", || {
            vec![full(std::iter::repeat_n(ANYTHING, BINDINGS))]
        }),
        ("4,000 Ksocks", || {
            (0..KSOCKS).map(|_| full([ANYTHING])).collect()
        }),
    ];
    for (what, begin) in shapes {
        let listeners = as_attacker(begin);
        listeners
            .iter()
            .for_each(|ksock| ksock.set_limit(1_000_000));
        send();
        let before: u32 = listeners.iter().map(Ksock::count).sum();
        let cost = send();
        let queued = listeners.iter().map(Ksock::count).sum::<u32>() - before;
        let each = cost.saturating_sub(quiet) as f64 / f64::from(queued.max(1));
        let met = if each <= COPY { "met" } else { "MISSED" };
        println!("  {what}: {queued} copies of one message, {each:.0} each  <= {COPY} {met}");
    }
}

// ---- the lock ----------------------------------------------------------------

/// Where a module built with the probe says how long the lock was held at the most, in
/// nanoseconds, which here are instructions; to write there begins anew.
pub const PROBE: &str = "/sys/module/kbus/parameters/kbus_longest_hold";

pub fn longest_hold() -> Option<u64> {
    std::fs::read_to_string(PROBE).ok()?.trim().parse().ok()
}

/// How long the lock is held by calls that have much to do.
fn holds() {
    println!("\nThe longest that one call of a user holds the lock of the bus: instructions");
    if longest_hold().is_none() {
        println!(
            "  not measured: the module was not built with the probe (tests/bench/run hostile)"
        );
        return;
    }
    let calls: [(&str, fn()); 8] = [
        ("close: 16,384 long names", close_long_names),
        (
            "close: 4,096 repliers, 4,096 who hear of it",
            close_repliers,
        ),
        ("close: 28,000 debts", || drop(debts())),
        ("close: 4,000 senders wait for it", || drop(senders())),
        ("UNBIND: 2,000 requests queued", unbind_requests),
        ("UNBIND: behind 200,000 messages", unbind_behind),
        ("report on: 16,384 repliers", report),
        ("/proc/kbus: 4,000 Ksocks, 16,384 bindings", proc),
    ];
    for (what, call) in calls {
        std::fs::write(PROBE, "0").expect("a probe to set");
        let start = sys::now();
        as_attacker(call);
        let took = sys::now() - start;
        let hold = longest_hold().unwrap_or_default();
        let met = if hold <= HOLD { "met" } else { "MISSED" };
        println!("  {what}: {hold} of {took}, with what was there before  <= {HOLD} {met}");
    }
}

fn close_long_names() {
    let ksock = Ksock::open();
    for n in 0..BINDINGS {
        ksock.bind(Role::Listener, &format!("$.{n:0>990}"));
    }
}

fn repliers(count: usize) -> Ksock {
    let ksock = Ksock::open();
    for n in 0..count {
        ksock.bind(Role::Replier, &format!("$.Hostile.R{n}"));
    }
    ksock
}

fn close_repliers() {
    let repliers = repliers(4096);
    let hears = full(std::iter::repeat_n(EVENTS, 4096));
    hears.set_limit(u32::MAX);
    let _reporting = Reporting::on();
    drop(repliers);
}

fn unbind_requests() {
    let replier = Ksock::bound(Role::Replier, FULL);
    replier.set_limit(10_000);
    let request = Message::request(FULL, SIZE);
    let senders: Vec<Ksock> = (0..20).map(|_| Ksock::open()).collect();
    for sender in &senders {
        for _ in 0..100 {
            sender.write(&request);
            sender.send();
        }
    }
    replier.unbind(Role::Replier, FULL);
}

fn unbind_behind() {
    let ksock = Ksock::bound(Role::Listener, FULL);
    ksock.bind(Role::Listener, "$.Hostile.Last");
    ksock.set_limit(u32::MAX);
    let sender = Ksock::open();
    let message = Message::announcement(FULL, 4);
    for _ in 0..200_000 {
        sender.write(&message);
        sender.send();
    }
    announce("$.Hostile.Last");
    ksock.unbind(Role::Listener, "$.Hostile.Last");
}

fn report() {
    let _repliers = repliers(BINDINGS);
    drop(Reporting::on());
}

fn proc() {
    let each = BINDINGS / KSOCKS;
    let _all: Vec<Ksock> = (0..KSOCKS)
        .map(|_| full(std::iter::repeat_n(ANYTHING, each)))
        .collect();
    for name in ["stats", "bindings"] {
        let mut text = Vec::new();
        let file = File::open(format!("/proc/kbus/{name}"));
        file.and_then(|mut file| file.read_to_end(&mut text))
            .expect("/proc/kbus");
    }
}
