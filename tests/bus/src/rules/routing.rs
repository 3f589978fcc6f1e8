// SPDX-License-Identifier: GPL-2.0-only
//! Who gets a message (5.4): very many, and who is woken.

use super::{announcement, reply_to, request, with, LISTENER, REPLIER};
use crate::model::{Errno::EBUSY, ALL_OR_FAIL};
use crate::world::World;

#[test]
fn a_message_to_very_many() {
    let mut world = World::with(3);
    for n in 0..1100 {
        let pattern = ["$.A", "$.%", "$.*"][n % 3];
        world.bind(2, LISTENER, pattern.as_bytes()).unwrap();
    }
    for _ in 0..2 {
        world.send(1, &announcement("$.A")).unwrap();
        assert_eq!(world.drain(2).len(), 1100);
        world.send(1, &announcement("$.A.b")).unwrap();
        assert_eq!(world.drain(2).len(), 366);
    }
    world.end();
}

#[test]
fn who_gets_something_is_woken_and_nobody_else() {
    let mut world = World::with(4);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.A").unwrap();
    world.send(1, &announcement("$.A")).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [0, 1, 0, 0]);
    world.send(1, &request("$.A")).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [0, 2, 1, 0]);
    let asked = world.next(3).unwrap();
    world.send(3, &reply_to(&asked)).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [1, 3, 1, 0]);
    world.end();
}

/// More than can be shut or opened in one step.
const MANY: u32 = 200;

#[test]
fn who_is_full_hears_again_what_it_listens_to_when_it_has_read() {
    let mut world = World::with(2);
    let names: Vec<String> = (0..MANY).map(|n| format!("$.A{n}")).collect();
    for name in &names {
        world.bind(2, LISTENER, name.as_bytes()).unwrap();
    }
    world.max_msgs(2, 1);
    for _ in 0..2 {
        // By all of these it is found full.
        for name in &names {
            world.send(1, &announcement(name)).unwrap();
        }
        assert_eq!(world.drain(2).len(), 1);
        for name in &names {
            world
                .send(1, &with(ALL_OR_FAIL, announcement(name)))
                .unwrap();
            assert_eq!(world.drain(2).len(), 1);
        }
    }
    for name in &names {
        world.send(1, &announcement(name)).unwrap();
    }
    world.max_msgs(2, MANY);
    // Some come, some go, while they are not looked at.
    world.max_msgs(2, 1);
    for name in &names {
        world.send(1, &announcement(name)).unwrap();
    }
    for name in names.iter().step_by(3) {
        world.unbind(2, LISTENER, name.as_bytes()).unwrap();
    }
    for name in names.iter().step_by(2) {
        world.bind(2, LISTENER, name.as_bytes()).unwrap();
    }
    world.max_msgs(2, 2 * MANY);
    for name in &names {
        world.send(1, &announcement(name)).unwrap();
    }
    world.end();
}

#[test]
fn very_many_who_are_full() {
    let mut world = World::with(MANY + 1);
    for ksock in 1..=MANY {
        world.bind(ksock, LISTENER, b"$.A").unwrap();
        world.bind(ksock, LISTENER, b"$.B").unwrap();
        world.max_msgs(ksock, 1);
    }
    world.send(MANY + 1, &announcement("$.A")).unwrap();
    let all = with(ALL_OR_FAIL, announcement("$.B"));
    for _ in 0..2 {
        assert_eq!(world.send(MANY + 1, &all), Err(EBUSY));
        world.send(MANY + 1, &announcement("$.B")).unwrap();
    }
    for ksock in 1..=MANY {
        assert_eq!(world.drain(ksock).len(), 1);
        assert_eq!(world.send(MANY + 1, &all).is_ok(), ksock == MANY);
    }
    world.end();
}
