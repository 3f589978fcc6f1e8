// SPDX-License-Identifier: GPL-2.0
//! Requests, answers, and who may give them (4.2, 5.6).

use super::{
    answer, answers, ids, known_as, marks, reply_to, request, saying, sent_by, to, with, LISTENER,
    REPLIER,
};
use crate::model::{Errno::*, Msg, WANT_A_REPLY};
use crate::world::World;

#[test]
fn a_request_and_its_answer() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.*").unwrap();
    let id = world.send(1, &saying(b"ask", request("$.A"))).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let asked = world.next(2).unwrap();
    assert_eq!(world.model.unreplied_to(2), 1);
    let reply = saying(b"answer", reply_to(&asked));
    let answered = world.send(2, &reply).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let read = world.drain(1);
    assert_eq!(read.len(), 1);
    assert_eq!(
        read[0],
        Msg {
            id: answered,
            in_reply_to: id,
            to: 1,
            from: 2,
            name: b"$.A".to_vec(),
            data: b"answer".to_vec(),
            ..Msg::default()
        }
    );
    assert_eq!(ids(&world.drain(3)), [id.1, answered.1]);
    assert_eq!(world.drain(2), []);
    assert_eq!(world.send(2, &reply), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s4_2_a_reply_that_wants_a_reply() {
    let mut world = World::with(2);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.bind(2, REPLIER, b"$.B").unwrap();
    world.send(1, &request("$.B")).unwrap();
    let asked = world.next(2).unwrap();
    let mut reply = with(WANT_A_REPLY, reply_to(&asked));
    reply.name = b"$.A".to_vec();
    world.send(2, &reply).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let copies = world.drain(1);
    assert_eq!(marks(&copies), [false, true]);
    world.send(1, &reply_to(&copies[1])).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    world.end();
}

#[test]
fn s5_6_answers_in_any_order_under_any_name_after_unbinding() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    let asked = world.drain(2);
    world.unbind(2, REPLIER, b"$.A").unwrap();
    for n in [1, 2, 0] {
        let mut reply = reply_to(&asked[n]);
        reply.name = b"$.Other.Name".to_vec();
        world.send(2, &reply).unwrap();
    }
    let read: Vec<u32> = world.drain(1).iter().map(|m| m.in_reply_to.1).collect();
    assert_eq!(read, [2, 3, 1]);
    assert_eq!(world.model.unreplied_to(2), 0);
    world.end();
}

#[test]
fn s5_6_requests_to_oneself() {
    let mut world = World::with(1);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(1).unwrap();
    world.send(1, &reply_to(&asked)).unwrap();
    assert_eq!(world.drain(1).len(), 1);
    // Unbound is delivered to oneself.
    let id = world.send(1, &request("$.A")).unwrap();
    world.unbind(1, REPLIER, b"$.A").unwrap();
    assert_eq!(answers(&world.drain(1)), [answer("Unbound", id.1)]);
    // On close nothing is needed, and nothing is left.
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.next(1).unwrap();
    world.end();
}

#[test]
fn s5_6_whoever_names_the_right_id_is_believed_and_nobody_answers_twice() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    // Answered by another while it is queued; the replier then closes.
    let id = world.send(1, &request("$.A")).unwrap();
    let known = known_as(id, sent_by(1, request("$.A")));
    world.send(3, &reply_to(&known)).unwrap();
    assert_eq!(world.drain(1).len(), 1);
    let asked = world.next(2).unwrap();
    assert_eq!(world.model.unreplied_to(2), 1);
    assert_eq!(world.send(2, &reply_to(&asked)), Err(ECONNREFUSED));
    // Answered by another while it is owed.
    let id = world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    world.send(3, &reply_to(&asked)).unwrap();
    assert_eq!(world.model.unreplied_to(2), 2, "only its own answers count");
    assert_eq!(world.drain(1)[0].in_reply_to, id);
    // And one more, that nobody answers.
    let id = world.send(1, &request("$.A")).unwrap();
    world.close(2);
    assert_eq!(answers(&world.drain(1)), [answer("GoneAway", id.1)]);
    // The same for unbinding.
    world.bind(4, REPLIER, b"$.A").unwrap();
    let id = world.send(1, &request("$.A")).unwrap();
    let known = known_as(id, sent_by(1, request("$.A")));
    world.send(3, &reply_to(&known)).unwrap();
    world.drain(1);
    world.unbind(4, REPLIER, b"$.A").unwrap();
    assert_eq!(world.drain(1), []);
    world.end();
}

#[test]
fn s5_6_the_same_id_asked_twice_is_owed_two_answers() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.B").unwrap();
    let twin = |name| known_as((8, 8), request(name));
    world.send(1, &twin("$.A")).unwrap();
    world.send(1, &twin("$.B")).unwrap();
    world.send(1, &twin("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    // A stranger answers one; the others are still due.
    world.send(4, &reply_to(&asked)).unwrap();
    world.send(4, &reply_to(&asked)).unwrap();
    world.close(2);
    world.close(3);
    assert_eq!(world.drain(1).len(), 3);
    assert_eq!(world.send(4, &reply_to(&asked)), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s5_6_if_the_requester_has_closed_the_debt_stays() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    world.close(1);
    assert_eq!(world.send(2, &reply_to(&asked)), Err(EADDRNOTAVAIL));
    assert_eq!(world.model.unreplied_to(2), 1);
    assert!(world.next(2).is_some());
    assert_eq!(world.model.unreplied_to(2), 2);
    // A new ksock is not taken for the old one.
    assert_eq!(world.open(), 4);
    world.close(2);
    assert_eq!(world.drain(4), []);
    world.end();
}

#[test]
fn stateful_requests_go_to_the_same_replier_or_fail() {
    // Behaviours 150 to 152.
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    assert!(world.send(1, &to(2, request("$.A"))).is_ok());
    assert_eq!(marks(&world.drain(2)), [true]);
    world.unbind(2, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send(1, &to(2, request("$.A"))), Err(EADDRNOTAVAIL));
    world.bind(3, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send(1, &to(2, request("$.A"))), Err(EPIPE));
    world.end();
}
