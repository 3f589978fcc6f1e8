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
        "\nA victim's longest wait for the lock of the bus beside an attacker who never rests, on"
    );
    println!(
        "  two processors, in {ROUNDS} rounds of four calls, in us; beside the longest hold by"
    );
    println!("  that attacker alone");
    if hold().is_none() {
        println!("  not measured: the module was not built with the probe");
        return;
    }
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
            let longest = longest_wait(victim);
            println!(
                "  {what}{how}: {longest:.0} ({:.2}x of {alone:.0})",
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

/// Whose waits a module that was built with the probe counts, and the longest of them, in
/// nanoseconds.
const WAITS_OF: &str = "/sys/module/kbus/parameters/kbus_waits_of";
const LONGEST_WAIT: &str = "/sys/module/kbus/parameters/kbus_longest_wait";

/// The longest that the victim waits meanwhile, in us.
fn longest_wait(act: impl FnOnce()) -> f64 {
    fs::write(WAITS_OF, VICTIM.to_string()).expect("a probe to set");
    fs::write(LONGEST_WAIT, "0").expect("a probe to set");
    act();
    let longest = fs::read_to_string(LONGEST_WAIT).expect("a probe to read");
    longest.trim().parse::<f64>().expect("a number") / 1000.0
}
