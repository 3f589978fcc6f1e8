// SPDX-License-Identifier: GPL-2.0
//! Where in the queue a message comes, and whether at all: urgent; only once (5.5).

use super::{announcement, ids, known_as, marks, reply_to, request, with, LISTENER, REPLIER};
use crate::model::URGENT;
use crate::world::World;

#[test]
fn s5_5_urgent_messages_go_to_the_head_and_later_ones_before_earlier() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    for (n, flags) in [0, URGENT, 0, URGENT].into_iter().enumerate() {
        let id = world.send(1, &with(flags, announcement("$.A"))).unwrap();
        assert_eq!(id, (0, n as u32 + 1));
    }
    let read = world.drain(2);
    assert_eq!(ids(&read), [4, 2, 1, 3]);
    assert_eq!(read[0].flags & URGENT, URGENT);
    assert_eq!(read[2].flags & URGENT, 0);
    world.end();
}

#[test]
fn s5_5_copies_of_one_urgent_message_end_up_reversed() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.send(1, &announcement("$.A")).unwrap();
    world.send(1, &with(URGENT, request("$.A"))).unwrap();
    let read = world.drain(2);
    assert_eq!(ids(&read), [2, 2, 2, 1, 1]);
    assert_eq!(marks(&read), [false, false, true, false, false]);
    world.end();
}

#[test]
fn s5_5_messages_only_once() {
    let mut world = World::with(2);
    for _ in 0..3 {
        world.bind(2, LISTENER, b"$.A").unwrap();
    }
    assert!(!world.only_once(2, None));
    assert!(!world.only_once(2, Some(true)));
    assert!(world.only_once(2, None));
    assert!(world.only_once(2, Some(true)));
    world.send(1, &announcement("$.A")).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    // The copy to answer is the one that is kept.
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    assert_eq!(marks(&world.drain(2)), [true]);
    assert!(world.only_once(2, Some(false)));
    world.send(1, &request("$.A")).unwrap();
    assert_eq!(marks(&world.drain(2)), [true, false, false, false]);
    world.end();
}

#[test]
fn s5_5_only_once_keeps_the_copy_of_the_newest_binding() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.bind(2, LISTENER, b"$.%").unwrap();
    world.only_once(2, Some(true));
    for (unbound, left) in [("$.A", 1), ("$.*", 1), ("$.%", 0)] {
        world.send(1, &announcement("$.A")).unwrap();
        world.unbind(2, LISTENER, unbound.as_bytes()).unwrap();
        assert_eq!(world.drain(2).len(), left, "{unbound}");
        world.bind(2, LISTENER, unbound.as_bytes()).unwrap();
        // Now the one just made is the newest.
        world.send(1, &announcement("$.A")).unwrap();
        world.unbind(2, LISTENER, unbound.as_bytes()).unwrap();
        assert_eq!(world.drain(2).len(), 0, "{unbound}");
        world.bind(2, LISTENER, unbound.as_bytes()).unwrap();
        // And back into the old order.
        for pattern in ["$.A", "$.*", "$.%"] {
            world.unbind(2, LISTENER, pattern.as_bytes()).unwrap();
            world.bind(2, LISTENER, pattern.as_bytes()).unwrap();
        }
    }
    world.end();
}

#[test]
fn s5_5_only_once_looks_at_the_last_id_only() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.only_once(2, Some(true));
    let twin = known_as((5, 1), announcement("$.A"));
    // Two different messages with the same id count as one, read or not…
    world.send(1, &twin).unwrap();
    world.next(2).unwrap();
    world
        .send(1, &known_as((5, 1), announcement("$.B")))
        .unwrap();
    assert_eq!(world.next(2), None);
    // …unless something came in between.
    world.send(1, &announcement("$.C")).unwrap();
    world.send(1, &twin).unwrap();
    assert_eq!(world.drain(2).len(), 2);
    // What came while the option was off counts.
    world.only_once(2, Some(false));
    world.send(1, &twin).unwrap();
    world.send(1, &twin).unwrap();
    world.only_once(2, Some(true));
    world.send(1, &twin).unwrap();
    assert_eq!(world.drain(2).len(), 2);
    world.end();
}

#[test]
fn s5_5_only_once_keeps_the_answer_when_the_requester_listens_too() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(1, LISTENER, b"$.Answer").unwrap();
    for (once, copies) in [(false, 2), (true, 1)] {
        world.only_once(1, Some(once));
        world.send(1, &request("$.A")).unwrap();
        let asked = world.next(2).unwrap();
        let mut reply = reply_to(&asked);
        reply.name = b"$.Answer".to_vec();
        world.send(2, &reply).unwrap();
        world.unbind(1, LISTENER, b"$.Answer").unwrap();
        assert_eq!(world.model.num_msgs(1), 1, "the answer is no binding's");
        world.bind(1, LISTENER, b"$.Answer").unwrap();
        world.drain(1);
        world.send(1, &request("$.A")).unwrap();
        let asked = world.next(2).unwrap();
        let mut reply = reply_to(&asked);
        reply.name = b"$.Answer".to_vec();
        world.send(2, &reply).unwrap();
        assert_eq!(world.drain(1).len(), copies);
    }
    world.end();
}
