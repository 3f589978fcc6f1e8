// SPDX-License-Identifier: GPL-2.0-only
//! Where the instructions of a message go: call by call.

use std::os::fd::OwnedFd;

use crate::clock::Times;
use crate::ksock::{Ksock, Message, Role};
use crate::roundtrip::round_trip;
use crate::sys::{self, Child, Policy};
use crate::table::{Cell, Table};
use crate::transport::{AnyEnd, Carrier, NAME};

const SIZE: usize = 64;
const TIMES: Times = Times::new(9, 500);

/// Says how bytes that are copied or cleared count. Were it one by one, as
/// QEMU counts `rep movsb` and `rep stosb`, nothing else would be seen.
pub fn copying() {
    const LEN: usize = 4096;
    let per_byte = |cost_of: &mut dyn FnMut(usize) -> f64| (cost_of(LEN) - cost_of(1)) / LEN as f64;
    let mut buffer = vec![0; LEN];
    let (from, to) = sys::pipe();
    let copied = per_byte(&mut |len| {
        TIMES.cost_of(|| {
            sys::write(&to, &buffer[..len]);
            sys::read(&from, &mut buffer[..len]);
        })
    }) / 2.0;
    let zero = sys::open("/dev/zero", nix::fcntl::OFlag::O_RDONLY);
    let cleared = per_byte(&mut |len| {
        TIMES.cost_of(|| {
            sys::read(&zero, &mut buffer[..len]);
        })
    });
    println!(
        "Instructions for each byte that the kernel copies: {copied:.2}, clears: {cleared:.2}"
    );
    if copied > 0.5 || cleared > 0.5 {
        println!("THIS IS NOT FAIR: the guest's CPU should have no erms, fsrm, fsrs and fzrm");
    }
}

pub fn run() {
    single_calls();
    steps();
    open_and_close();
}

// --- one call ---------------------------------------------------------------------

fn single_calls() {
    println!("\nSingle calls: instructions, and times those of getppid; nobody waits; 64 B");
    let mut table = Table::new("", &["instructions"], false);
    let getppid = TIMES.cost_of(|| {
        sys::getppid();
    });
    let mut row = |label: &str, cost| table.row(label, &[Cell::times(cost, getppid)], None);
    row("getppid", getppid);

    let sender = Ksock::open();
    let ksock_id = TIMES.cost_of(|| {
        sender.id();
    });
    row("KSOCKID", ksock_id);
    row(
        "poll, nothing there",
        TIMES.cost_of(|| assert!(!sender.poll())),
    );
    row(
        "NEXTMSG, nothing there",
        TIMES.cost_of(|| assert!(sender.next() == 0)),
    );

    let message = Message::announcement(NAME, SIZE);
    let mut buffer = vec![0; message.bytes().len()];
    let [nobody] = TIMES.cost_of_parts(|laps| {
        sender.write(&message);
        laps.start();
        sender.send();
        laps.lap(0);
    });
    let receiver = Ksock::bound(Role::Listener, NAME);
    let [write, send, poll, next, read] = TIMES.cost_of_parts(|laps| {
        laps.start();
        sender.write(&message);
        laps.lap(0);
        sender.send();
        laps.lap(1);
        assert!(receiver.poll());
        laps.lap(2);
        assert!(receiver.next() == buffer.len());
        laps.lap(3);
        assert!(receiver.read(&mut buffer) == buffer.len());
        laps.lap(4);
    });
    row("write", write);
    row("SEND, to nobody", nobody);
    row("SEND, to a listener", send);
    row("poll, a message there", poll);
    row("NEXTMSG", next);
    row("read", read);

    drop(receiver);
    let receiver = Ksock::bound(Role::Replier, NAME);
    let request = Message::request(NAME, SIZE);
    let mut reply = Message::announcement(NAME, SIZE);
    let [asked, taken, replied, told] = TIMES.cost_of_parts(|laps| {
        sender.write(&request);
        laps.start();
        sender.send();
        laps.lap(0);
        assert!(receiver.next() == buffer.len());
        laps.lap(1);
        assert!(receiver.read(&mut buffer) == buffer.len());
        reply.answer(&buffer);
        receiver.write(&reply);
        laps.start();
        receiver.send();
        laps.lap(2);
        assert!(sender.next() == buffer.len());
        laps.lap(3);
        assert!(sender.read(&mut buffer) == buffer.len());
    });
    row("SEND, a request", asked);
    row("NEXTMSG, a request", taken);
    row("SEND, a reply", replied);
    row("NEXTMSG, a reply", told);
}

// --- one message ------------------------------------------------------------------

/// What the steps of a message from one process to another cost.
struct Steps {
    /// To hand it over, and nobody waits for it.
    send: f64,
    /// The same, but the receiver is asleep until it comes.
    send_and_wake: f64,
    /// To take it, when it is there already; with a poll where a poll is needed.
    receive: f64,
    /// All of it, with a receiver that is asleep, in a request or a reply.
    total: f64,
}

impl Steps {
    fn of(carrier: Carrier) -> Option<Steps> {
        let (mut sender, mut receivers) = carrier.fan(1, SIZE, false)?;
        let mut receiver = receivers.pop()?;
        let [send, receive] = TIMES.cost_of_parts(|laps| {
            laps.start();
            sender.send();
            laps.lap(0);
            receiver.receive();
            laps.lap(1);
        });
        Some(Steps {
            send,
            send_and_wake: send_and_wake(sender, receiver),
            receive,
            total: round_trip(carrier, SIZE, false, TIMES)? / 2.0,
        })
    }

    /// What is left of the total: to find nothing there, to go to sleep, to
    /// switch between processes, to go on.
    fn sleep(&self) -> f64 {
        self.total - self.send_and_wake - self.receive
    }
}

/// What it costs to send to somebody who is asleep, until we can go on; not
/// what the one who is woken does then.
fn send_and_wake(mut sender: AnyEnd, mut receiver: AnyEnd) -> f64 {
    let (received, say_received) = sys::pipe();
    let (asleep, say_asleep) = sys::pipe();
    let _receiver = Child::new(|| loop {
        receiver.receive();
        signal(&say_received);
    });
    // This one runs when the receiver sleeps, and not sooner: waking it makes
    // nobody give way.
    let _relay = Child::new(|| {
        sys::set_policy(Policy::Idle);
        loop {
            wait(&received);
            signal(&say_asleep);
        }
    });
    // And we give way to nobody.
    sys::set_policy(Policy::First);
    let [cost] = TIMES.cost_of_parts(|laps| {
        laps.start();
        sender.send();
        laps.lap(0);
        wait(&asleep);
    });
    sys::set_policy(Policy::Usual);
    cost
}

fn signal(pipe: &OwnedFd) {
    sys::write(pipe, &[0]);
}

fn wait(pipe: &OwnedFd) {
    sys::read(pipe, &mut [0]);
}

fn steps() {
    println!("\nA message of 64 B from one process to another, step by step: instructions");
    println!("  kbus: write and SEND; poll, NEXTMSG, read; peers: a send and a receive");
    let kbus = Steps::of(Carrier::Kbus);
    let peers = Carrier::PEERS.map(Steps::of);
    let mut table = Table::of_carriers(false);
    type Step = fn(&Steps) -> f64;
    for (label, step) in [
        ("send, nobody waits", (|steps| steps.send) as Step),
        ("send, and wake", |steps| steps.send_and_wake),
        ("receive what is there", |steps| steps.receive),
        ("go to sleep, switch, go on", Steps::sleep),
        ("half a round trip", |steps| steps.total),
    ] {
        let ours = kbus.as_ref().map(step);
        let mut cells = vec![Cell::cost(ours)];
        cells.extend(
            peers
                .each_ref()
                .map(|peer| Cell::beside(ours, peer.as_ref().map(step))),
        );
        table.row(label, &cells, None);
    }
}

// --- open and close ----------------------------------------------------------------

fn open_and_close() {
    println!("\nOpening and closing: instructions");
    println!("  kbus: open, close; peers: make a socketpair or pipe and close both ends, make,");
    println!("  unlink and close a queue");
    let kbus = TIMES.cost_of(|| drop(Ksock::open()));
    let socketpair = TIMES.cost_of(|| drop(sys::socketpair()));
    let pipe = TIMES.cost_of(|| drop(sys::pipe()));
    let mut has_queue = true;
    let queue = TIMES.cost_of(|| has_queue &= sys::message_queue(SIZE).is_some());
    let mut table = Table::of_carriers(false);
    let ours = Some(kbus);
    table.row(
        "open and close",
        &[
            Cell::cost(ours),
            Cell::beside(ours, Some(socketpair)),
            Cell::beside(ours, Some(pipe)),
            Cell::beside(ours, has_queue.then_some(queue)),
        ],
        None,
    );
}
