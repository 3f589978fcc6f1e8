// SPDX-License-Identifier: GPL-2.0-only
//! What takes long goes in steps: the end is the same, and what others see in between is what
//! `kmod/bus/verbs/close.rs` says.

use super::{announcement, event, reply_to, request, EVENT, LISTENER, REPLIER};
use crate::model::{Errno::*, GONE_AWAY};
use crate::world::{World, NEEDS};

/// More than fits into some steps.
const MANY: u32 = 200;

fn name(n: u32) -> String {
    format!("$.R{n}")
}

/// 1 asks, 2 replies to very many names and hears very many, 3 hears what becomes of repliers.
fn stage() -> World {
    let mut world = World::with(4);
    for ksock in 1..=4 {
        world.max_msgs(ksock, 10 * MANY);
    }
    for n in 0..MANY {
        world.bind(2, REPLIER, name(n).as_bytes()).unwrap();
        world.bind(2, LISTENER, name(n).as_bytes()).unwrap();
        world.bind(2, LISTENER, b"$.L.*").unwrap();
    }
    world.bind(3, LISTENER, EVENT).unwrap();
    world.report(4, Some(true)).unwrap();
    assert_eq!(world.drain(4).len() as u32, MANY);
    world
}

#[test]
fn more_than_one_step_of_everything() {
    let mut world = stage();
    assert_eq!(world.report(3, Some(true)), Ok(true));
    assert_eq!(world.drain(3).len() as u32, MANY);
    world.bind(4, REPLIER, b"$.S").unwrap();
    for n in 0..MANY {
        world.send(1, &request("$.R0")).unwrap();
        world.send(1, &request(&name(n))).unwrap();
        world.send(2, &request("$.S")).unwrap();
    }
    world.unbind(2, REPLIER, b"$.R0").unwrap();
    world.unbind(2, LISTENER, b"$.R0").unwrap();
    world.drain(4);
    for _ in 0..MANY {
        world.next(2);
    }
    world.close(2);
    assert_eq!(world.drain(1).len() as u32, 2 * MANY);
    world.end();
}

#[test]
fn the_names_of_who_is_closing_are_free_at_once() {
    let mut world = stage();
    world.drain(3);
    let (oldest, newest) = (name(0), name(MANY - 1));
    let mut steps = 0;
    world.close_in_steps(2, None, |world| {
        steps += 1;
        let taken = if steps == 1 { [0, 0] } else { [4, 4] };
        assert_eq!(
            [world.replier_on_bus(&oldest), world.replier_on_bus(&newest)],
            taken
        );
        assert_eq!(world.replier_on_bus(&name(MANY / 2)), 0);
        if steps == 1 {
            for name in [&oldest, &newest] {
                world.bind_on_bus(4, REPLIER, name).unwrap();
                assert_eq!(world.bind_on_bus(1, REPLIER, name), Err(EADDRINUSE));
            }
        }
        let msg = request(&name(MANY / 2));
        assert_eq!(world.send_on_bus(1, &msg), Err(EADDRNOTAVAIL));
    });
    assert!(steps > 3, "{steps} steps");
    let events: Vec<_> = world.drain_bus(3).iter().map(event).collect();
    assert_eq!(events.len() as u32, MANY + 2);
    for n in 0..MANY {
        let of: Vec<_> = events
            .iter()
            .filter(|event| event.2 == name(n).as_bytes())
            .map(|event| (event.0, event.1))
            .collect();
        let expected = match n {
            0 | 199 => &[(0, 2), (1, 4)][..],
            _ => &[(0, 2)],
        };
        assert_eq!(of, expected, "{n}");
    }
    world.end_of_bus();
}

#[test]
fn who_is_closing_gets_nothing_and_answers_little_by_little() {
    let mut world = stage();
    world.drain(3);
    for n in 0..MANY {
        world.send(1, &request(&name(n))).unwrap();
    }
    world.bind(4, REPLIER, b"$.S").unwrap();
    world.send(2, &request("$.S")).unwrap();
    let asked = world.next(4).unwrap();
    let (mut told, mut longest) = (0, 0);
    world.close_in_steps(2, None, |world| {
        longest = longest.max(world.count_on_bus(1) - told);
        told = world.count_on_bus(1);
        assert_eq!(world.send_on_bus(4, &reply_to(&asked)), Err(EADDRNOTAVAIL));
        world.send_on_bus(1, &announcement(&name(7))).unwrap();
    });
    assert!(longest <= 64, "{longest} answers in one step");
    let read = world.drain_bus(1);
    assert_eq!(read.len() as u32, MANY);
    assert!(read.iter().all(|msg| msg.name == GONE_AWAY));
    assert!(read
        .windows(2)
        .all(|two| two[0].in_reply_to < two[1].in_reply_to));
    world.end_of_bus();
}

/// Else each time a few chunks would be brought, and all that was got beyond them thrown away.
#[test]
fn however_long_a_queue_grows_memory_is_asked_for_a_few_times() {
    const COPIES: u32 = 1000;
    let mut world = World::with(2);
    world.max_msgs(2, 10 * COPIES);
    for n in 0..COPIES {
        world.bind(2, LISTENER, name(n % 4).as_bytes()).unwrap();
        world.bind(2, LISTENER, b"$.*").unwrap();
    }
    for message in 1..=3 {
        NEEDS.set(0);
        world.send_on_bus(1, &announcement("$.R1")).unwrap();
        assert_eq!(world.count_on_bus(2), message * (COPIES + COPIES / 4));
        assert!(NEEDS.get() <= 4, "{} times", NEEDS.get());
        if message == 2 {
            world.read_on_bus(2, COPIES as usize);
            world.send_on_bus(1, &announcement("$.R1")).unwrap();
            world.read_on_bus(2, COPIES as usize / 4);
        }
    }
    world.drain_bus(2);
    world.end_of_bus();
}
