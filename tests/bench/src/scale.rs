// SPDX-License-Identifier: GPL-2.0-only
//! What else is on the bus must not matter: the cost of a call with 0 to
//! 10,000 other bindings, idle Ksocks and outstanding requests.

use crate::clock::Times;
use crate::ksock::{Ksock, Message, Role};
use crate::table::{Cell, Table};
use crate::transport::NAME;

const COUNTS: [usize; 5] = [0, 10, 100, 1000, 10_000];
/// What the others are compared with.
const FEW: usize = 1;
/// The target for 10,000 of anything.
const TARGET: f64 = 1.3;
const TIMES: Times = Times::new(7, 300);
const SIZE: usize = 64;

/// The Ksocks that are measured, and what else is there.
struct Scene {
    /// Sends announcements and requests.
    sender: Ksock,
    /// Listens and replies to [`NAME`].
    receiver: Ksock,
    /// Binds and unbinds.
    binder: Ksock,
    _others: Vec<Ksock>,
}

impl Scene {
    fn new() -> Scene {
        let receiver = Ksock::bound(Role::Listener, NAME);
        receiver.bind(Role::Replier, NAME);
        Scene {
            sender: Ksock::open(),
            receiver,
            binder: Ksock::open(),
            _others: Vec::new(),
        }
    }

    /// With that many bindings more, to names like ours beside ours: half of
    /// them the binder's own; of listeners and of repliers; to names and to
    /// wildcards.
    fn with_bindings(count: usize) -> Scene {
        let mut scene = Scene::new();
        let other = Ksock::open();
        for n in 0..count {
            let role = if n % 4 < 2 {
                Role::Listener
            } else {
                Role::Replier
            };
            let ksock = if n % 2 == 0 { &scene.binder } else { &other };
            let tail = ["", ".%", ".*"][n % 3];
            ksock.bind(role, &format!("$.Bench.Other{n}{tail}"));
        }
        scene._others.push(other);
        scene
    }

    /// With that many Ksocks more that do nothing.
    fn with_ksocks(count: usize) -> Scene {
        let mut scene = Scene::new();
        scene._others.extend((0..count).map(|_| Ksock::open()));
        scene
    }

    /// With that many requests of the sender's unanswered: half of them read
    /// by the receiver, half of them in the binder's queue.
    fn with_outstanding(count: usize) -> Scene {
        const BINDERS: &str = "$.Bench.Binders";
        let scene = Scene::new();
        scene.binder.bind(Role::Replier, BINDERS);
        for ksock in [&scene.sender, &scene.receiver, &scene.binder] {
            ksock.set_limit(count as u32 + 100);
        }
        let (read, queued) = (
            Message::request(NAME, SIZE),
            Message::request(BINDERS, SIZE),
        );
        let mut buffer = vec![0; read.bytes().len()];
        for n in 0..count {
            scene.sender.write(if n % 2 == 0 { &read } else { &queued });
            scene.sender.send();
            if n % 2 == 0 {
                // as the replier, and as a listener
                scene.receiver.take(&mut buffer);
                scene.receiver.take(&mut buffer);
            }
        }
        scene
    }

    /// The cost of each call in [`CALLS`].
    fn costs(&self) -> [f64; CALLS.len()] {
        let (sender, receiver) = (&self.sender, &self.receiver);
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
        let request = Message::request(NAME, SIZE);
        let mut reply = Message::announcement(NAME, SIZE);
        let [asked, replied, rest] = TIMES.cost_of_parts(|laps| {
            laps.start();
            sender.write(&request);
            laps.lap(2);
            sender.send();
            laps.lap(0);
            receiver.take(&mut buffer);
            reply.answer(&buffer);
            receiver.write(&reply);
            laps.lap(2);
            receiver.send();
            laps.lap(1);
            sender.take(&mut buffer);
            laps.lap(2);
        });

        const OWN: &str = "$.Bench.Own";
        let [bound, unbound] = TIMES.cost_of_parts(|laps| {
            laps.start();
            self.binder.bind(Role::Listener, OWN);
            laps.lap(0);
            self.binder.unbind(Role::Listener, OWN);
            laps.lap(1);
        });
        let own = Message::announcement(OWN, SIZE);
        let [taken_back] = TIMES.cost_of_parts(|laps| {
            self.binder.bind(Role::Listener, OWN);
            sender.write(&own);
            sender.send();
            laps.start();
            self.binder.unbind(Role::Listener, OWN);
            laps.lap(0);
        });
        let both = asked + replied + rest;
        [send, asked, replied, both, bound, unbound, taken_back]
    }
}

/// What is measured, and whether the issue has a target for it: it names SEND,
/// reply and bind. An UNBIND that has to take a message out of the queue is
/// beside the point, but good to know.
const CALLS: [(&str, bool); 7] = [
    ("SEND, announcement", true),
    ("SEND, request", true),
    ("SEND, reply", true),
    ("request and reply", true),
    ("BIND", true),
    ("UNBIND", true),
    ("UNBIND, a message queued", false),
];

pub fn run() {
    println!("\nCalls with more and more on the bus: instructions, and times that with 10");
    println!("  by one process; SEND is the ioctl alone; request and reply are all eight calls");
    for (what, scene) in [
        (
            "with other bindings:",
            Scene::with_bindings as fn(usize) -> Scene,
        ),
        ("with idle Ksocks:", Scene::with_ksocks),
        ("with requests outstanding:", Scene::with_outstanding),
    ] {
        let costs = COUNTS.map(|count| scene(count).costs());
        let mut table = Table::new(what, &["0", "10", "100", "1000", "10,000"], true);
        for (n, (call, has_target)) in CALLS.into_iter().enumerate() {
            let few = costs[FEW][n];
            let cells = costs.map(|costs| Cell::times(costs[n], few));
            let target = has_target.then_some((COUNTS.len() - 1, TARGET));
            table.row(call, &cells, target);
        }
    }
}
