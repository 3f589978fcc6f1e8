// SPDX-License-Identifier: GPL-2.0-only
//! Every attempt of every verb to get memory made to fail: the verb says ENOMEM and nothing has
//! happened, the same verb then succeeds, and in the end nothing is left. `World` does the
//! checking; here are the scenes. Closing cannot fail: it loses bind events at the most.

use crate::model::{Errno, ALL_OR_WAIT, EVENTS_LOST, SYNTHETIC};
use crate::rules::{announcement, event, reply_to, request, saying, with};
use crate::world::World;

type Scene = (&'static str, fn(&mut World), fn(&mut World));

const EVENT: &[u8] = crate::model::BIND_EVENT;

/// 1 asks and hears all, 2 and 3 reply, 4 and 5 hear events; 6 has nothing to do with it.
fn stage() -> World {
    let mut world = World::with(6);
    world.bind(1, 0, b"$.*").unwrap();
    world.bind(2, 1, b"$.A.*").unwrap();
    world.bind(2, 0, b"$.A.%").unwrap();
    world.bind(3, 1, b"$.A.b").unwrap();
    world.bind(4, 0, EVENT).unwrap();
    world.bind(5, 0, b"$.KBUS.%").unwrap();
    world
}

fn nothing(_: &mut World) {}

fn ask(world: &mut World) {
    world.send(1, &request("$.A.b")).unwrap();
}

fn fill_2(world: &mut World) {
    world.max_msgs(2, 1);
    world.send(6, &announcement("$.A.x")).unwrap();
}

fn report(world: &mut World) {
    world.report(6, Some(true)).unwrap();
    world.drain(6);
}

const SCENES: [Scene; 17] = [
    ("open", nothing, |world| assert_eq!(world.open(), 7)),
    ("bind a listener", nothing, |world| {
        world.bind(6, 0, b"$.A.b").unwrap()
    }),
    ("bind a replier", nothing, |world| {
        world.bind(6, 1, b"$.C").unwrap()
    }),
    ("bind and report", report, |world| {
        world.bind(6, 1, b"$.C").unwrap()
    }),
    ("bind in vain", report, |world| {
        assert_eq!(world.bind(6, 1, b"$.A.b"), Err(Errno::EADDRINUSE));
    }),
    ("unbind and report", report, |world| {
        world.unbind(2, 1, b"$.A.*").unwrap()
    }),
    (
        "unbind with a request in the queue",
        |world| {
            report(world);
            ask(world);
        },
        |world| world.unbind(3, 1, b"$.A.b").unwrap(),
    ),
    ("announce", nothing, |world| {
        world.send(6, &saying(b"x", announcement("$.A.b"))).unwrap();
    }),
    ("announce to nobody", nothing, |world| {
        world.unbind(1, 0, b"$.*").unwrap();
        world.send(6, &announcement("$.Z")).unwrap();
    }),
    ("request", nothing, ask),
    ("request of oneself", nothing, |world| {
        world.send(2, &request("$.A.x")).unwrap();
    }),
    ("reply", ask, |world| {
        let asked = world.next(3).unwrap();
        world.send(3, &reply_to(&asked)).unwrap();
    }),
    ("wait", fill_2, |world| {
        let msg = with(ALL_OR_WAIT, announcement("$.A.x"));
        assert_eq!(world.send(6, &msg), Err(Errno::EAGAIN));
        world.discard(6);
    }),
    (
        "try again",
        |world| {
            fill_2(world);
            let msg = with(ALL_OR_WAIT, request("$.A.x"));
            assert_eq!(world.send(1, &msg), Err(Errno::EAGAIN));
            world.next(2).unwrap();
        },
        |world| assert_eq!(world.poll(1), (true, true)),
    ),
    (
        "try again by SEND",
        |world| {
            fill_2(world);
            let msg = with(ALL_OR_WAIT, request("$.A.x"));
            assert_eq!(world.send(6, &msg), Err(Errno::EAGAIN));
            world.next(2).unwrap();
        },
        |world| assert!(world.send_again(6).is_ok()),
    ),
    (
        "try again in vain",
        |world| {
            fill_2(world);
            let msg = with(ALL_OR_WAIT, request("$.A.x"));
            assert_eq!(world.send(6, &msg), Err(Errno::EAGAIN));
            world.unbind(2, 1, b"$.A.*").unwrap();
        },
        |world| assert_eq!(world.poll(6), (true, true)),
    ),
    ("report what there is", nothing, |world| {
        assert_eq!(world.report(6, Some(true)), Ok(false));
    }),
];

#[test]
fn every_allocation_of_every_verb_fails_once() {
    for (what, before, verb) in SCENES {
        let mut failures = 0;
        for n in 0.. {
            let mut world = stage();
            before(&mut world);
            world.bare_preallocs = true;
            world.out_of_memory = Some(n);
            verb(&mut world);
            let failed = world.memory_failures;
            world.end();
            if failed == 0 {
                break;
            }
            failures += failed;
        }
        assert!(failures > 0, "{what} never wants memory");
    }
}

#[test]
fn what_needs_no_memory() {
    let mut world = stage();
    ask(&mut world);
    world.send(1, &request("$.A.x")).unwrap();
    for ksock in 1..=6 {
        world.out_of_memory = Some(0);
        world.next(ksock);
        world.out_of_memory = Some(0);
        world.max_msgs(ksock, 5);
        world.out_of_memory = Some(0);
        world.poll(ksock);
        world.out_of_memory = Some(0);
        world.only_once(ksock, Some(true));
        world.out_of_memory = Some(0);
        world.discard(ksock);
    }
    world.out_of_memory = Some(0);
    assert_eq!(world.replier(b"$.A.b"), 3);
    world.out_of_memory = Some(0);
    world.unbind(3, 1, b"$.A.b").unwrap();
    world.out_of_memory = Some(0);
    world.close(2);
    assert_eq!(world.memory_failures, 0);
    world.end();
}

#[test]
fn closing_without_memory_loses_nothing_but_events_and_says_so() {
    let repliers = 5;
    for full in [false, true] {
        for n in 0.. {
            let mut world = stage();
            for r in 0..repliers {
                world.bind(6, 1, format!("$.R{r}").as_bytes()).unwrap();
            }
            report(&mut world);
            if full {
                world.max_msgs(5, 2);
            }
            let popped = world.send(1, &request("$.R0")).unwrap();
            world.next(6).unwrap();
            let queued = world.send(1, &request("$.R1")).unwrap();
            world.drain(1);

            let failed = world.close_short_of_memory(6, n);
            let read = world.drain_bus(1);
            let answered: Vec<_> = read
                .iter()
                .filter(|msg| msg.flags == SYNTHETIC && msg.name != EVENTS_LOST)
                .map(|msg| msg.in_reply_to)
                .collect();
            assert_eq!(answered, [queued, popped], "at {n}");
            for ksock in [4, 5] {
                let read = world.drain_bus(ksock);
                let lost = read.iter().filter(|msg| msg.name == EVENTS_LOST).count();
                let heard = read.len() - lost;
                for (r, msg) in read[..heard].iter().enumerate() {
                    let name = format!("$.R{}", repliers - 1 - r).into_bytes();
                    assert_eq!(event(msg), (0, 6, name));
                }
                // All of them, or the last thing said is that there were more.
                let all = heard == repliers && lost == 0;
                assert!(
                    all || lost == 1,
                    "full: {full}, at {n}: {ksock} heard {heard} events, {lost} were lost"
                );
            }
            world.end_of_bus();
            if !failed {
                break;
            }
        }
    }
}
