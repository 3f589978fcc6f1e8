// SPDX-License-Identifier: GPL-2.0
//! What a close does, in which order, and who hears of it (9.1).

use super::set_aside::crowd;
use super::{answer, answers, event, reply_to, request, EVENT, LISTENER, REPLIER};
use crate::model::Errno::*;
use crate::world::World;

#[test]
fn s9_1_what_one_requester_sees_of_a_close() {
    // The example of 9.1.
    let mut world = World::with(2);
    world.report(1, Some(true)).unwrap();
    world.bind(2, REPLIER, b"$.Older").unwrap();
    world.bind(2, REPLIER, b"$.Newer").unwrap();
    world.bind(1, LISTENER, EVENT).unwrap();
    for name in ["$.Older", "$.Newer", "$.Older", "$.Newer"] {
        world.send(1, &request(name)).unwrap();
    }
    let (third, fourth) = (world.next(2).unwrap().id.1, world.next(2).unwrap().id.1);
    world.close(2);
    let read = world.drain(1);
    assert_eq!(read.len(), 6);
    assert_eq!(
        answers(&read[..2]),
        [
            answer("GoneAway", fourth + 1),
            answer("GoneAway", fourth + 2)
        ]
    );
    assert_eq!(event(&read[2]), (0, 2, b"$.Newer".to_vec()));
    assert_eq!(event(&read[3]), (0, 2, b"$.Older".to_vec()));
    assert_eq!(
        answers(&read[4..]),
        [answer("Ignored", fourth), answer("Ignored", third)]
    );
    world.end();
}

#[test]
fn s9_1_the_requests_of_who_closes_stay_with_their_repliers() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.bind(1, REPLIER, b"$.B").unwrap();
    world.send(3, &request("$.B")).unwrap();
    world.close(1);
    assert_eq!(answers(&world.drain(3)), [answer("GoneAway", 2)]);
    let asked = world.next(2).unwrap();
    assert_eq!(world.send(2, &reply_to(&asked)), Err(EADDRNOTAVAIL));
    assert_eq!(world.send(3, &request("$.B")), Err(EADDRNOTAVAIL));
    world.end();
}

#[test]
fn s9_1_a_closing_ksock_does_not_hear_of_itself() {
    // More than 100 repliers of its own, and it listens itself ([FIX] of 9.1).
    let mut world = crowd(150, 1);
    world.max_msgs(2, 200);
    world.bind(1, LISTENER, b"$.*").unwrap();
    world.bind(1, LISTENER, EVENT).unwrap();
    world.close(1);
    assert_eq!(world.model.set_aside(), 0);
    assert_eq!(world.drain(2).len(), 150);
    world.end();
}
