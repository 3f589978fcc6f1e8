// SPDX-License-Identifier: GPL-2.0-only
//! ALL_OR_WAIT (7): who is woken, and when.

use super::{announcement, reply_to, request, status_msg, with, LISTENER, REPLIER};
use crate::model::{Errno::*, Msg, ALL_OR_WAIT, WANT_A_REPLY};
use crate::world::World;

/// 1 waits to tell 2, which is full.
pub fn waiting(msg: &Msg) -> World {
    let mut world = World::with(4);
    let name = &msg.name;
    if msg.flags & WANT_A_REPLY != 0 {
        world.bind(2, REPLIER, name).unwrap();
    }
    world.bind(2, LISTENER, name).unwrap();
    world.max_msgs(2, 1);
    let filler = Msg {
        name: name.clone(),
        ..Msg::default()
    };
    world.send(3, &filler).unwrap();
    assert_eq!(world.send(1, &with(ALL_OR_WAIT, msg.clone())), Err(EAGAIN));
    assert_eq!(world.model.last_sent(1), (0, 2));
    world
}

#[test]
fn s7_a_pending_message_goes_out_by_itself() {
    let mut world = waiting(&announcement("$.A"));
    assert_eq!(world.poll(1), (false, false));
    let woken = world.wakes(1);
    assert_eq!(world.next(2).unwrap().id, (0, 1));
    assert_eq!(world.wakes(1), woken + 1);
    assert_eq!(
        world.model.num_msgs(2),
        1,
        "it is there before anybody asks"
    );
    assert_eq!(world.poll(1), (false, true));
    assert_eq!(world.next(2).unwrap().id, (0, 2));
    assert_eq!(world.model.last_sent(1), (0, 2));
    // SEND tells it, once.
    assert_eq!(world.send_again(1), Ok((0, 2)));
    assert_eq!(world.send_again(1), Err(ENOMSG));
    world.end();
}

#[test]
fn s7_what_became_of_a_send_is_forgotten_by_the_next() {
    let mut world = waiting(&announcement("$.A"));
    world.drain(2);
    assert!(world.write(1));
    assert_eq!(world.send_again(1), Err(ENOMSG));
    world.end();
}

#[test]
fn s7_a_discard_that_comes_too_late() {
    let mut world = waiting(&announcement("$.A"));
    world.next(2).unwrap();
    world.discard(1);
    assert_eq!(world.model.num_msgs(2), 1);
    assert_eq!(world.send_again(1), Ok((0, 2)), "SEND tells that it was");
    world.end();
    // What was refused can still be given up: nobody is told of it.
    let mut world = waiting(&request("$.A"));
    world.close(2);
    world.discard(1);
    assert_eq!(world.poll(1), (false, true));
    assert_eq!(world.send_again(1), Err(ENOMSG));
    world.end();
}

/// Who does not ask by SEND hears of it from whatever it does next.
#[test]
fn s7_a_refusal_is_told_by_whatever_comes_next() {
    type Way = (&'static str, fn(&mut World) -> Option<Msg>);
    let ways: [Way; 3] = [
        ("poll", |world| {
            assert_eq!(world.poll(1), (true, true));
            world.next(1)
        }),
        ("write", |world| {
            assert!(world.write(1));
            world.next(1)
        }),
        ("NEXTMSG", |world| world.next(1)),
    ];
    for (way, next) in ways {
        let mut world = waiting(&request("$.A"));
        world.close(2);
        let told = next(&mut world).expect(way);
        assert_eq!(told, status_msg("Replier.Disappeared", 0, told.id.1, 2));
        assert_eq!(world.next(1), None);
        assert_eq!(world.send_again(1), Err(ENOMSG), "{way}");
        world.end();
    }
}

/// A request waits for the room of a replier who leaves; a reply for a listener's.
#[test]
fn s7_one_delivery_refuses_another() {
    let mut world = World::with(5);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    world.drain(3);
    world.max_msgs(3, 1);
    world.send(5, &announcement("$.A")).unwrap();
    // Two answer the same request, and wait. The first gets through.
    for ksock in [4, 2] {
        let reply = with(ALL_OR_WAIT, reply_to(&asked));
        assert_eq!(world.send(ksock, &reply), Err(EAGAIN));
    }
    world.next(3).unwrap();
    assert_eq!(world.drain(1).len(), 1);
    assert!(world.send_again(4).is_ok());
    assert_eq!(world.send_again(2), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s7_the_replier_of_a_pending_request_disappears() {
    for unbind in [true, false] {
        let mut world = waiting(&request("$.A"));
        let woken = world.wakes(1);
        if unbind {
            world.unbind(2, REPLIER, b"$.A").unwrap();
        } else {
            world.close(2);
        }
        assert!(world.wakes(1) > woken);
        assert_eq!(world.poll(1), (true, true));
        let read = world.drain(1);
        assert_eq!(
            read,
            [status_msg("Replier.Disappeared", 0, read[0].id.1, 2)]
        );
        world.end();
    }
}

#[test]
fn s7_a_pending_reply_that_another_gave_vanishes() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.max_msgs(3, 1);
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    assert_eq!(
        world.send(2, &with(ALL_OR_WAIT, reply_to(&asked))),
        Err(EAGAIN)
    );
    let woken = world.wakes(2);
    world.send(4, &reply_to(&asked)).unwrap();
    assert!(
        world.wakes(2) > woken,
        "there is nothing to wait for any more"
    );
    assert_eq!(world.poll(2), (false, true));
    assert_eq!(world.drain(1).len(), 1);
    world.end();
}

#[test]
fn s7_every_way_in_which_room_appears_wakes_who_waits_for_it() {
    type Way = (&'static str, fn(&mut World));
    let ways: [Way; 6] = [
        ("a pop", |world| drop(world.next(2))),
        ("a higher limit", |world| {
            assert_eq!(world.max_msgs(2, 2), 2)
        }),
        ("a close", |world| world.close(2)),
        ("an unbind", |world| {
            world.unbind(2, LISTENER, b"$.A").unwrap()
        }),
        ("an unbind elsewhere", |world| {
            world.unbind(2, LISTENER, b"$.*").unwrap()
        }),
        ("a lower limit and a pop", |world| {
            world.max_msgs(2, 1);
            world.next(2).unwrap();
            world.next(2).unwrap();
        }),
    ];
    for (way, make_room) in ways {
        let mut world = World::with(4);
        world.bind(2, LISTENER, b"$.A").unwrap();
        if way == "an unbind elsewhere" || way == "a lower limit and a pop" {
            world.bind(2, LISTENER, b"$.*").unwrap();
        }
        world.max_msgs(2, 1);
        world.send(3, &announcement("$.A")).unwrap();
        assert_eq!(
            world.send(1, &with(ALL_OR_WAIT, announcement("$.A"))),
            Err(EAGAIN)
        );
        // 4 waits for somebody else.
        world.bind(3, LISTENER, b"$.B").unwrap();
        world.max_msgs(3, 1);
        world.send(2, &announcement("$.B")).unwrap();
        assert_eq!(
            world.send(4, &with(ALL_OR_WAIT, announcement("$.B"))),
            Err(EAGAIN)
        );
        let before = (world.wakes(1), world.wakes(4));
        make_room(&mut world);
        let goes_on = way != "an unbind elsewhere";
        assert_eq!(world.wakes(1) > before.0, goes_on, "{way}");
        if way == "a pop" || way == "a higher limit" {
            assert_eq!(world.wakes(4), before.1, "{way} woke somebody else");
        }
        assert_eq!(world.poll(1).1, goes_on, "{way}");
        world.end();
    }
}

/// Another thread with the same file may wait until it can write again.
#[test]
fn s7_the_end_of_a_pending_send_wakes_its_own_ksock() {
    let mut world = waiting(&announcement("$.A"));
    let woken = world.wakes(1);
    world.discard(1);
    assert!(world.wakes(1) > woken);
    world.end();

    let mut world = waiting(&request("$.A"));
    world.max_msgs(1, 1);
    world.bind(1, LISTENER, b"$.B").unwrap();
    world.send(3, &announcement("$.B")).unwrap();
    let woken = world.wakes(1);
    assert_eq!(world.send_again(1), Err(ENOLCK));
    assert!(world.wakes(1) > woken);
    world.end();
}

#[test]
fn s7_who_waits_first_for_one_and_then_for_another() {
    let mut world = World::with(4);
    for ksock in [2, 3] {
        world.bind(ksock, LISTENER, b"$.A").unwrap();
        world.max_msgs(ksock, 1);
    }
    world.send(4, &announcement("$.A")).unwrap();
    assert_eq!(
        world.send(1, &with(ALL_OR_WAIT, announcement("$.A"))),
        Err(EAGAIN)
    );
    // It waits for one of the two, then for the other one.
    for (ksock, ready) in [(2, false), (3, true)] {
        let woken = world.wakes(1);
        world.next(ksock).unwrap();
        if ready {
            assert!(world.wakes(1) > woken);
        }
        assert_eq!(world.poll(1).1, ready);
    }
    assert_eq!((world.drain(2).len(), world.drain(3).len()), (1, 1));
    world.end();
}

#[test]
fn s7_several_wait_for_the_same_room() {
    let mut world = World::with(5);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.max_msgs(2, 1);
    world.send(3, &announcement("$.A")).unwrap();
    for ksock in [1, 3, 4, 5] {
        assert_eq!(
            world.send(ksock, &with(ALL_OR_WAIT, announcement("$.A"))),
            Err(EAGAIN)
        );
    }
    let before = [1, 3, 4, 5].map(|ksock| world.wakes(ksock));
    world.next(2).unwrap();
    let after = [1, 3, 4, 5].map(|ksock| world.wakes(ksock));
    // The one that came first has it, and nobody else is woken for nothing.
    let woken = before.iter().zip(after).map(|(was, is)| is - was);
    assert_eq!(woken.collect::<Vec<_>>(), [1, 0, 0, 0]);
    assert!(!world.poll(4).1);
    world.close(3);
    for sender in [1, 4, 5] {
        assert_eq!(world.next(2).unwrap().from, sender);
    }
    assert!(world.poll(4).1);
    world.end();
}
