// SPDX-License-Identifier: GPL-2.0
//! What KBUS answers in place of a replier (6.1, 6.2).

use super::{
    announcement, answer, answers, ids, marks, request, status_msg, to, with, LISTENER, REPLIER,
};
use crate::model::URGENT;
use crate::world::World;

#[test]
fn s6_2_status_messages_field_by_field() {
    let mut world = World::with(3);
    world.bind(3, LISTENER, b"$.KBUS.*").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &with(URGENT, to(2, request("$.A")))).unwrap();
    world.unbind(2, REPLIER, b"$.A").unwrap();
    let read = world.drain(1);
    // The queue's order: the urgent one first.
    assert_eq!(
        read,
        [
            status_msg("Replier.Unbound", 2, 3, 2),
            status_msg("Replier.Unbound", 2, 4, 1)
        ]
    );
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &to(2, request("$.A"))).unwrap();
    world.next(2).unwrap();
    world.close(2);
    let read = world.drain(1);
    assert_eq!(
        read,
        [
            status_msg("Replier.GoneAway", 2, 7, 6),
            status_msg("Replier.Ignored", 2, 8, 5)
        ]
    );
    assert_eq!(world.drain(3), [], "listeners never see them");
    // The places are free again.
    world.bind(3, REPLIER, b"$.A").unwrap();
    world.max_msgs(1, 1);
    assert!(world.send(1, &request("$.A")).is_ok());
    world.end();
}

#[test]
fn s6_1_status_messages_come_however_full_the_requester_is() {
    let mut world = World::with(3);
    world.bind(1, LISTENER, b"$.News").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    world.send(3, &announcement("$.News")).unwrap();
    world.max_msgs(1, 1);
    world.next(2).unwrap();
    world.close(2);
    assert_eq!(ids(&world.drain(1)), [4, 5, 6, 7]);
    world.end();
}

#[test]
fn an_unpopped_request_of_another_binding_survives_an_unbind() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A.x").unwrap();
    world.bind(2, REPLIER, b"$.A.*").unwrap();
    world.bind(2, LISTENER, b"$.A.x").unwrap();
    let x = world.send(1, &request("$.A.x")).unwrap();
    let y = world.send(1, &request("$.A.y")).unwrap();
    world.unbind(2, REPLIER, b"$.A.x").unwrap();
    assert_eq!(answers(&world.drain(1)), [answer("Unbound", x.1)]);
    let left = world.drain(2);
    assert_eq!(ids(&left), [x.1, y.1]);
    assert_eq!(marks(&left), [false, true]);
    world.end();
}
