// SPDX-License-Identifier: GPL-2.0-only
//! How long a user waits for the lock of the bus while another uses it without end: on two
//! processors, and so in time and not in instructions. What the host does meanwhile is in these
//! figures, so that they compare within one run alone.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::hostile::{ATTACKER, BINDINGS, VICTIM};
use crate::ksock::{Ksock, Message, Role};
use crate::sys::{self, Child, Policy};

const NAME: &str = "$.Bench.Victim";
/// How often the victim asks for what it waits for.
const ROUNDS: u32 = 5000;
/// How long an attacker is alone.
const ALONE: Duration = Duration::from_secs(2);

/// What is done again and again.
type Act = Box<dyn FnMut()>;
type Attack = (&'static str, fn() -> Act);

const ATTACKS: [Attack; 4] = [
    ("sends to 500", send),
    ("binds, and unbinds", bind),
    ("closes what is bound", close),
    ("reads /proc/kbus", read),
];

pub fn run() {
    println!(
        "\nA victim's waits for the lock of the bus beside an attacker who never rests, on two"
    );
    println!("  processors: how many in {ROUNDS} rounds of four calls; the 99th of 100 and the");
    println!("  longest, in us; beside the longest hold by that attacker alone");
    if hold().is_none() {
        println!("  not measured: the module was not built with the probe");
        return;
    }
    let waits = Waits::new();
    for (what, attack) in ATTACKS {
        let alone = {
            let _attacker = attacker(attack, Policy::Usual);
            fs::write(PROBE, "0").expect("a probe to set");
            std::thread::sleep(ALONE);
            hold().unwrap_or_default() as f64 / 1000.0
        };
        let row = |how: &str, policies: &[Policy], computing: usize| {
            let _attackers: Vec<Child> = policies.iter().map(|&p| attacker(attack, p)).collect();
            let _others: Vec<Child> = (0..computing).map(|_| Child::new(compute)).collect();
            let found = waits.of(victim);
            let (usual, longest) = (found.part(0.99), found.part(1.0));
            let count = found.0.len();
            println!(
                "  {what}{how}: {count} waits; {usual:.0}; {longest:.0} ({:.2}x of {alone:.0})",
                longest / alone
            );
        };
        row("", &[Policy::Usual], 0);
        row(", two of them", &[Policy::Usual; 2], 0);
        row(", SCHED_IDLE", &[Policy::Idle], 0);
        row(", SCHED_IDLE, two compute", &[Policy::Idle], 2);
    }
}

/// One who attacks, and has begun.
fn attacker(attack: fn() -> Act, policy: Policy) -> Child {
    let begun = sys::shared_counter();
    let child = Child::new(move || {
        sys::become_user(ATTACKER);
        let mut act = attack();
        begun.store(1, SeqCst);
        sys::set_policy(policy);
        loop {
            act();
        }
    });
    while begun.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    child
}

fn compute() {
    sys::become_user(ATTACKER);
    loop {
        std::hint::black_box(());
    }
}

/// Asks for the lock so often: to send, to look, to read.
fn victim() {
    sys::as_user(VICTIM, || {
        let (sender, receiver) = (Ksock::open(), Ksock::bound(Role::Listener, NAME));
        let message = Message::announcement(NAME, 64);
        let mut buffer = vec![0; message.bytes().len()];
        for _ in 0..ROUNDS {
            sender.write(&message);
            sender.send();
            receiver.take(&mut buffer);
        }
    });
}

// ---- attacks -----------------------------------------------------------------

/// What each attacker has for itself.
fn own(what: impl std::fmt::Display) -> String {
    format!("$.Hostile.P{}.{what}", std::process::id())
}

fn send() -> Act {
    let all: Vec<Ksock> = (0..500)
        .map(|_| Ksock::bound(Role::Listener, &own("Crowd")))
        .collect();
    let (sender, message) = (Ksock::open(), Message::announcement(&own("Crowd"), 64));
    let mut buffer = vec![0; message.bytes().len()];
    Box::new(move || {
        sender.write(&message);
        sender.send();
        all.iter().for_each(|k| k.take(&mut buffer));
    })
}

/// Half of the bindings that there may be.
fn bound() -> Ksock {
    let k = Ksock::open();
    (0..BINDINGS / 2 - 10).for_each(|n| k.bind(Role::Listener, &own(n)));
    k
}

fn bind() -> Act {
    let k = bound();
    Box::new(move || {
        k.bind(Role::Listener, &own("More"));
        k.unbind(Role::Listener, &own("More"));
    })
}

fn close() -> Act {
    Box::new(|| {
        let k = Ksock::open();
        (0..1000).for_each(|n| k.bind(Role::Replier, &own(n)));
    })
}

fn read() -> Act {
    let bound = bound();
    Box::new(move || {
        for name in ["bindings", "stats"] {
            fs::read(format!("/proc/kbus/{name}")).expect("/proc/kbus");
        }
        bound.count();
    })
}

// ---- what is measured ----------------------------------------------------------

/// See hostile.rs. It has the waiting as well: who is alone does not wait.
const PROBE: &str = crate::hostile::PROBE;

fn hold() -> Option<u64> {
    crate::hostile::longest_hold()
}

/// The kernel's own trace points of locks that are waited for.
struct Waits;

const TRACING: &str = "/sys/kernel/tracing";

impl Waits {
    fn new() -> Waits {
        let pid = std::process::id().to_string();
        Waits::write("set_event_pid", &pid);
        Waits::write("buffer_size_kb", "16384");
        Waits
    }

    fn write(file: &str, text: &str) {
        fs::write(format!("{TRACING}/{file}"), text).unwrap_or_else(|e| panic!("{file}: {e}"));
    }

    /// How long this process waits for mutexes meanwhile, in us.
    fn of(&self, act: impl FnOnce()) -> Found {
        let points = ["contention_begin", "contention_end"];
        let switch = |to| points.map(|p| Waits::write(&format!("events/lock/{p}/enable"), to));
        Waits::write("trace", "");
        switch("1");
        act();
        switch("0");
        let text = fs::read_to_string(format!("{TRACING}/trace")).expect("trace");
        let mut began = None;
        let mut found = Vec::new();
        for line in text.lines() {
            let Some((head, what)) = line.split_once(": contention_") else {
                continue;
            };
            let at = head
                .rsplit(' ')
                .next()
                .and_then(|at| at.parse::<f64>().ok());
            match (what.starts_with("begin"), began.take()) {
                (true, _) if what.contains("MUTEX") => began = at,
                (false, Some(began)) => found.extend(at.map(|at| (at - began) * 1e6)),
                _ => (),
            }
        }
        found.sort_by(f64::total_cmp);
        Found(found)
    }
}

struct Found(Vec<f64>);

impl Found {
    /// The wait than which this part of all is no longer.
    fn part(&self, part: f64) -> f64 {
        let at = (self.0.len() as f64 * part).ceil() as usize;
        self.0
            .get(at.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}
