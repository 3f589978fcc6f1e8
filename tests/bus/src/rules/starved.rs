// SPDX-License-Identifier: GPL-2.0-only
//! A queue's memory is at the expense of who opened the Ksock. When there is none for more of it,
//! the queue is full, for this Ksock alone, until it has read something.

use super::{announcement, reply_to, request, EVENT, LISTENER, REPLIER};
use crate::model::{Errno::*, ALL_OR_FAIL};
use crate::world::World;

/// More messages than cells come at a time.
const MANY: usize = 40;

/// Fills what memory there is for the queue of 2, to which 1 sends. Returns how much that was.
fn fill(world: &mut World) -> usize {
    for _ in 0..MANY {
        world.send_on_bus(1, &announcement("$.A")).unwrap();
    }
    world.count_on_bus(2) as usize
}

#[test]
fn a_listener_without_memory_is_full_and_nobody_else_is() {
    let mut world = World::with(3);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.starve(2, true);
    let held = fill(&mut world);
    assert!((1..MANY).contains(&held), "{held}");
    assert_eq!(world.count_on_bus(3) as usize, MANY);

    // It has room again for what it reads, and not more.
    for more in 1..3 {
        world.read_on_bus(2, more);
        for _ in 0..more + 1 {
            world.send_on_bus(1, &announcement("$.A")).unwrap();
        }
        assert_eq!(world.count_on_bus(2) as usize, held);
    }
    assert_eq!(world.count_on_bus(3) as usize, MANY + 5);

    // With memory it is as others are.
    world.starve(2, false);
    world.read_on_bus(2, 1);
    fill(&mut world);
    assert_eq!(world.count_on_bus(2) as usize, held - 1 + MANY);
    world.drain_bus(2);
    world.drain_bus(3);
    world.end_of_bus();
}

#[test]
fn who_insists_is_refused_and_nobody_hears_of_it() {
    let mut world = World::with(3);
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.starve(2, true);
    let held = fill(&mut world);
    let heard = world.count_on_bus(3);
    let insistent = super::with(ALL_OR_FAIL, announcement("$.A"));
    assert_eq!(world.send_on_bus(1, &insistent), Err(EBUSY));
    assert_eq!(world.count_on_bus(2) as usize, held);
    assert_eq!(world.count_on_bus(3), heard);
    world.drain_bus(2);
    world.drain_bus(3);
    world.end_of_bus();
}

#[test]
fn a_replier_without_memory_is_full_and_answers_come_through() {
    let mut world = World::with(2);
    world.max_msgs(1, 1000);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.starve(2, true);
    let mut asked = 0;
    while world.send_on_bus(1, &request("$.A")).is_ok() {
        asked += 1;
    }
    assert!((1..MANY).contains(&asked), "{asked}");
    assert_eq!(world.send_on_bus(1, &request("$.A")), Err(EBUSY));
    // The asker's memory for the answers was kept when it asked.
    world.starve(1, true);
    for request in world.drain_bus(2) {
        world.send_on_bus(2, &reply_to(&request)).unwrap();
    }
    assert_eq!(world.drain_bus(1).len(), asked);
    world.end_of_bus();
}

#[test]
fn who_has_no_memory_for_answers_cannot_ask() {
    let mut world = World::with(2);
    world.max_msgs(1, 1000);
    world.max_msgs(2, 1000);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.starve(1, true);
    let mut asked = 0;
    let refusal = loop {
        match world.send_on_bus(1, &request("$.A")) {
            Ok(_) => asked += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, ENOMEM);
    assert_eq!(world.count_on_bus(2), asked);
    world.starve(1, false);
    world.send_on_bus(1, &request("$.A")).unwrap();
    world.drain_bus(2);
    world.end_of_bus();
}

#[test]
fn who_has_no_memory_does_not_listen_and_can_when_it_has() {
    let mut world = World::with(2);
    world.starve(2, true);
    assert_eq!(world.bind_on_bus(2, LISTENER, "$.A"), Err(ENOMEM));
    assert_eq!(world.bind_on_bus(2, LISTENER, "$.A"), Err(ENOMEM));
    world.send_on_bus(1, &announcement("$.A")).unwrap();
    world.starve(2, false);
    world.bind_on_bus(2, LISTENER, "$.A").unwrap();
    world.send_on_bus(1, &announcement("$.A")).unwrap();
    assert_eq!(world.drain_bus(2).len(), 1);
    world.end_of_bus();
}

#[test]
fn who_has_no_memory_hears_that_bind_events_were_lost() {
    let mut world = World::with(3);
    world.bind(3, REPLIER, b"$.R").unwrap();
    world.bind(2, LISTENER, EVENT).unwrap();
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.report(1, Some(true)).unwrap();
    world.drain(1);
    world.starve(2, true);
    let held = fill(&mut world);
    world.leave_bus(3);
    assert_eq!(world.count_on_bus(2) as usize, held + 1);
    let last = world.drain_bus(2).pop().unwrap();
    assert_eq!(last.name, b"$.KBUS.UnbindEventsLost");
    world.end_of_bus();
}
