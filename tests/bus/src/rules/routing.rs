// SPDX-License-Identifier: GPL-2.0
//! Who gets a message: one replier (5.2), all listeners (5.4), and nobody else.

use super::{announcement, marks, reply_to, request, LISTENER, REPLIER};
use crate::model::WANT_YOU_TO_REPLY;
use crate::world::World;

#[test]
fn s5_2_exact_before_child_before_subtree_and_the_newest_subtree() {
    let mut world = World::with(7);
    let who = |world: &mut World, name: &str| {
        world.drain(1);
        world.send(1, &request(name)).unwrap();
        let mut asked = world.model.open_ksocks();
        asked.retain(|&ksock| world.model.num_msgs(ksock) > 0);
        assert_eq!(asked.len(), 1);
        let msg = world.next(asked[0]).unwrap();
        assert_ne!(msg.flags & WANT_YOU_TO_REPLY, 0);
        asked[0]
    };
    world.bind(2, REPLIER, b"$.A.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 2);
    world.bind(3, REPLIER, b"$.A.%").unwrap();
    world.bind(4, REPLIER, b"$.A.x").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 4);
    assert_eq!(who(&mut world, "$.A.z"), 3);
    assert_eq!(who(&mut world, "$.A.x.y"), 2);
    // The age of an exact one, or of a child, does not matter; nor does a subtree's depth.
    world.bind(5, REPLIER, b"$.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 4);
    assert_eq!(who(&mut world, "$.A.z"), 3);
    assert_eq!(who(&mut world, "$.A.x.y"), 5);
    world.bind(6, REPLIER, b"$.A.x.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x.y"), 6);
    world.unbind(2, REPLIER, b"$.A.*").unwrap();
    world.bind(7, REPLIER, b"$.A.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x.y"), 7);
    world.close(7);
    assert_eq!(who(&mut world, "$.A.x.y"), 6);
    world.end();
}

#[test]
fn s5_2_a_replier_hears_nothing_but_requests() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(1, REPLIER, b"$.B").unwrap();
    world.send(3, &announcement("$.A")).unwrap();
    world.send(3, &request("$.B")).unwrap();
    let asked = world.next(1).unwrap();
    let mut reply = reply_to(&asked);
    reply.name = b"$.A".to_vec();
    world.send(1, &reply).unwrap();
    assert_eq!(world.next(2), None);
    assert_eq!(world.drain(3).len(), 1);
    // Replier and listener: an announcement comes once.
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.send(3, &announcement("$.A")).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    world.end();
}

#[test]
fn s5_4_6_the_copy_to_answer_first_then_the_listeners() {
    let mut world = World::with(3);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    let id = world.send(1, &request("$.A")).unwrap();
    let copies = world.drain(2);
    assert_eq!(marks(&copies), [true, false, false]);
    assert!(copies.iter().all(|msg| msg.id == id && msg.from == 1));
    assert_eq!(marks(&world.drain(3)), [false]);
    assert_eq!(world.model.unreplied_to(2), 1);
    world.end();
}

#[test]
fn a_message_to_nobody_is_sent() {
    let mut world = World::with(1);
    assert_eq!(world.send(1, &announcement("$.A")), Ok((0, 1)));
    assert_eq!(world.next(1), None);
    world.end();
}

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
