// SPDX-License-Identifier: GPL-2.0-only
//! What one user may have (`kmod/bus/quota.rs`): when there is no more of it, who notices, and
//! who does not. The model keeps accounts as well, and must agree.

use crate::model::{Caps, Errno::*, Msg, ALL_OR_FAIL, ALL_OR_WAIT, ANSWER, PLACE};
use crate::rules::{announcement, answers, reply_to, request, saying, with};
use crate::world::World;
use kernel::testing;

const LISTENER: u32 = 0;
const REPLIER: u32 = 1;
const EVENT: &[u8] = crate::model::BIND_EVENT;

/// Two users with limits, and one without.
const ALICE: u32 = 1;
const BOB: u32 = 2;

/// What an announcement to `$.A` costs: a place, the name with its padding, the guard.
const SMALL: u64 = PLACE + 8;

fn bytes(bytes: u64) -> World {
    World::capped(Caps {
        bytes,
        share: 0,
        ..Caps::NONE
    })
}

fn listener(world: &mut World, user: u32, name: &[u8]) -> u32 {
    let ksock = world.open_as(user).unwrap();
    world.bind(ksock, LISTENER, name).unwrap();
    ksock
}

fn replier(world: &mut World, user: u32, name: &[u8]) -> u32 {
    let ksock = world.open_as(user).unwrap();
    world.bind(ksock, REPLIER, name).unwrap();
    ksock
}

/// Announces `$.A` again and again, and says how many arrived.
fn flood(world: &mut World, from: u32, to: u32) -> u32 {
    for _ in 0..1000 {
        world.send(from, &announcement("$.A")).unwrap();
    }
    world.model.num_msgs(to)
}

fn long(msg: Msg) -> Msg {
    saying(&[b'x'; 5000], msg)
}

#[test]
fn as_many_ksocks_as_it_may() {
    let mut world = World::capped(Caps {
        ksocks: 2,
        ..Caps::NONE
    });
    let first = world.open_as(ALICE).unwrap();
    world.open_as(ALICE).unwrap();
    assert_eq!(world.open_as(ALICE), Err(EDQUOT));
    world.open_as(BOB).unwrap();
    for _ in 0..5 {
        world.open();
    }
    world.close(first);
    world.open_as(ALICE).unwrap();
    assert_eq!(world.open_as(ALICE), Err(EDQUOT));
    world.end();
}

#[test]
fn as_many_bindings_as_it_may_on_all_its_ksocks() {
    let mut world = World::capped(Caps {
        bindings: 3,
        ..Caps::NONE
    });
    let (a, also_a) = (world.open_as(ALICE).unwrap(), world.open_as(ALICE).unwrap());
    let (b, root) = (world.open_as(BOB).unwrap(), world.open());
    world.bind(a, LISTENER, b"$.A").unwrap();
    world.bind(a, LISTENER, b"$.A").unwrap();
    world.bind(also_a, REPLIER, b"$.R").unwrap();
    assert_eq!(world.bind(also_a, LISTENER, b"$.B"), Err(EDQUOT));
    assert_eq!(world.bind(a, LISTENER, b"$.B"), Err(EDQUOT));
    // What is wrong with this binding in particular is said first.
    assert_eq!(world.bind(a, REPLIER, b"$.R"), Err(EADDRINUSE));
    for name in [b"$.B", b"$.C", b"$.D"] {
        world.bind(b, LISTENER, name).unwrap();
    }
    for _ in 0..5 {
        world.bind(root, LISTENER, b"$.B").unwrap();
    }
    world.unbind(a, LISTENER, b"$.A").unwrap();
    world.bind(also_a, LISTENER, b"$.B").unwrap();
    assert_eq!(world.bind(a, LISTENER, b"$.B"), Err(EDQUOT));
    world.close(also_a);
    world.bind(a, LISTENER, b"$.B").unwrap();
    world.bind(a, LISTENER, b"$.B").unwrap();
    assert_eq!(world.bind(a, LISTENER, b"$.B"), Err(EDQUOT));
    world.end();
}

#[test]
fn a_bind_refused_for_the_limit_is_not_announced() {
    let mut world = World::capped(Caps {
        bindings: 0,
        ..Caps::NONE
    });
    let (a, root) = (world.open_as(ALICE).unwrap(), world.open());
    world.bind(root, LISTENER, EVENT).unwrap();
    world.report(root, Some(true)).unwrap();
    assert_eq!(world.bind(a, REPLIER, b"$.R"), Err(EDQUOT));
    assert_eq!(world.next(root), None);
    world.end();
}

#[test]
fn a_queue_holds_no_more_than_it_leaves() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    let first = listener(&mut world, ALICE, b"$.A");
    // With five of them as much is held as left: one more, and no more.
    assert_eq!(flood(&mut world, root, first), 6);
    let second = listener(&mut world, ALICE, b"$.A");
    // Of four left: two, and one more.
    assert_eq!(flood(&mut world, root, second), 3);
    let third = listener(&mut world, ALICE, b"$.A");
    assert_eq!(flood(&mut world, root, third), 1);
    let fourth = listener(&mut world, ALICE, b"$.A");
    // Nothing is left, and still an empty queue takes one.
    assert_eq!(flood(&mut world, root, fourth), 1);
    // Nobody else has to do with it.
    let other = listener(&mut world, BOB, b"$.A");
    assert_eq!(flood(&mut world, root, other), 6);
    let nobody_limits = listener(&mut world, 0, b"$.A");
    assert_eq!(flood(&mut world, root, nobody_limits), 100);
    world.end();
}

#[test]
fn long_messages_count_more() {
    // With as much memory as a message of this length takes, name and all.
    for (len, memory) in [
        (500, 508),
        (1016, 1024),
        (1020, 2048),
        (5000, 8192),
        (9000, 9008),
    ] {
        let mut world = bytes(10 * (PLACE + memory));
        let (root, a) = (world.open(), listener(&mut world, ALICE, b"$.A"));
        for _ in 0..20 {
            let text = vec![b'x'; len];
            world
                .send(root, &saying(&text, announcement("$.A")))
                .unwrap();
        }
        assert_eq!(world.model.num_msgs(a), 6, "{len}");
        world.end();
    }
}

#[test]
fn what_is_read_unbound_or_closed_counts_no_more() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    let a = listener(&mut world, ALICE, b"$.A");
    for _ in 0..3 {
        assert_eq!(flood(&mut world, root, a), 6);
        world.drain(a);
    }
    for _ in 0..3 {
        assert_eq!(flood(&mut world, root, a), 6);
        world.unbind(a, LISTENER, b"$.A").unwrap();
        world.bind(a, LISTENER, b"$.A").unwrap();
    }
    world.unbind(a, LISTENER, b"$.A").unwrap();
    for _ in 0..3 {
        let again = listener(&mut world, ALICE, b"$.A");
        assert_eq!(flood(&mut world, root, again), 6);
        world.close(again);
    }
    world.end();
}

#[test]
fn senders_see_a_full_queue() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    let a = listener(&mut world, ALICE, b"$.A");
    world.bind(a, REPLIER, b"$.R").unwrap();
    flood(&mut world, root, a);
    assert!(world.send(root, &announcement("$.A")).is_ok());
    let all = |flag| with(flag, announcement("$.A"));
    assert_eq!(world.send(root, &all(ALL_OR_FAIL)), Err(EBUSY));
    assert_eq!(world.send(root, &request("$.R")), Err(EBUSY));
    assert_eq!(world.send(root, &all(ALL_OR_WAIT)), Err(EAGAIN));
    assert_eq!(world.poll(root), (false, false));
    world.next(a).unwrap();
    assert_eq!(world.poll(root), (false, true));
    assert_eq!(world.model.num_msgs(a), 6);
    world.end();
}

#[test]
fn a_queue_is_full_until_its_own_reader_reads() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    let hoard = listener(&mut world, ALICE, b"$.A");
    let idle = listener(&mut world, ALICE, b"$.B");
    flood(&mut world, root, hoard);
    let wait = with(ALL_OR_WAIT, announcement("$.B"));
    for _ in 0..3 {
        world.send(root, &wait).unwrap();
    }
    assert_eq!(world.send(root, &wait), Err(EAGAIN));
    world.drain(hoard);
    assert_eq!(world.poll(root), (false, false));
    let woken = world.wakes(root);
    world.next(idle).unwrap();
    assert!(world.wakes(root) > woken);
    assert_eq!(world.poll(root), (false, true));
    world.end();
}

#[test]
fn each_queue_has_a_share_of_its_own() {
    let mut world = World::capped(Caps {
        bytes: 10 * SMALL,
        share: 5 * SMALL,
        ..Caps::NONE
    });
    let root = world.open();
    let first = listener(&mut world, ALICE, b"$.A");
    // Five, and beyond that six as without a share.
    assert_eq!(flood(&mut world, root, first), 11);
    for expected in [8, 6, 6, 6, 6] {
        let next = listener(&mut world, ALICE, b"$.A");
        assert_eq!(flood(&mut world, root, next), expected);
    }
    // What the count of messages says goes for the share as well.
    let few = listener(&mut world, ALICE, b"$.A");
    world.max_msgs(few, 2);
    assert_eq!(flood(&mut world, root, few), 2);
    world.next(first).unwrap();
    world.send(root, &announcement("$.A")).unwrap();
    assert_eq!(world.model.num_msgs(first), 10);
    while world.model.num_msgs(first) > 5 {
        world.next(first).unwrap();
    }
    assert_eq!(flood(&mut world, root, first), 7);
    world.end();
}

fn copies(copies: usize) -> World {
    World::capped(Caps {
        copies,
        ..Caps::NONE
    })
}

#[test]
fn as_many_copies_of_one_message_as_it_may() {
    let mut world = copies(5);
    let (root, bob) = (world.open(), listener(&mut world, BOB, b"$.*"));
    let (a, also_a) = (world.open_as(ALICE).unwrap(), world.open_as(ALICE).unwrap());
    for _ in 0..3 {
        world.bind(a, LISTENER, b"$.A").unwrap();
        world.bind(also_a, LISTENER, b"$.*").unwrap();
        world.bind(root, LISTENER, b"$.%").unwrap();
    }
    let count = |world: &World| [a, also_a, bob, root].map(|ksock| world.model.num_msgs(ksock));
    world.send(root, &announcement("$.A")).unwrap();
    assert_eq!(count(&world), [2, 3, 1, 3]);
    assert_eq!(
        world.send(root, &with(ALL_OR_FAIL, announcement("$.A"))),
        Err(EBUSY)
    );
    let wait = with(ALL_OR_WAIT, announcement("$.A"));
    assert_eq!(world.send(root, &wait), Err(EAGAIN));
    world.unbind(a, LISTENER, b"$.A").unwrap();
    assert_eq!(world.poll(root), (true, true));
    assert_eq!(count(&world), [3, 6, 2, 6]);
    // Messages are counted one by one.
    for _ in 0..5 {
        world.send(bob, &announcement("$.A")).unwrap();
    }
    assert_eq!(count(&world), [13, 21, 7, 21]);
    world.end();
}

#[test]
fn who_wants_fewer_copies_makes_room_for_others_of_its_user() {
    let mut world = copies(2);
    let root = world.open();
    let a = listener(&mut world, ALICE, b"$.*");
    world.bind(a, LISTENER, b"$.A").unwrap();
    listener(&mut world, ALICE, b"$.A");
    let wait = with(ALL_OR_WAIT, announcement("$.A"));
    assert_eq!(world.send(root, &wait), Err(EAGAIN));
    let woken = world.wakes(root);
    world.only_once(a, Some(true));
    assert!(world.wakes(root) > woken);
    assert_eq!(world.poll(root), (false, true));
    world.end();
}

#[test]
fn one_copy_only_is_one_however_often_it_is_bound() {
    let mut world = copies(2);
    let root = world.open();
    let (a, also_a) = (world.open_as(ALICE).unwrap(), world.open_as(ALICE).unwrap());
    for ksock in [a, also_a] {
        world.only_once(ksock, Some(true));
        for pattern in [b"$.A", b"$.*", b"$.A", b"$.%", b"$.*"] {
            world.bind(ksock, LISTENER, pattern).unwrap();
        }
    }
    let all = with(ALL_OR_FAIL, announcement("$.A"));
    assert_eq!(world.send(root, &all), Err(EBUSY));
    world.send(root, &announcement("$.A")).unwrap();
    // It is the copy of the newest binding.
    world.unbind(a, LISTENER, b"$.A").unwrap();
    assert_eq!(world.model.num_msgs(a), 1);
    world.unbind(a, LISTENER, b"$.*").unwrap();
    assert_eq!([a, also_a].map(|k| world.model.num_msgs(k)), [0, 1]);
    world.end();
}

#[test]
fn an_account_with_nothing_left_stops_nobody_who_reads() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    for _ in 0..10 {
        let hoard = listener(&mut world, ALICE, b"$.A");
        flood(&mut world, root, hoard);
    }
    let (asker, answerer) = (
        world.open_as(ALICE).unwrap(),
        replier(&mut world, ALICE, b"$.R"),
    );
    for _ in 0..100 {
        world.send(asker, &long(request("$.R"))).unwrap();
        let asked = world.next(answerer).unwrap();
        world.send(answerer, &long(reply_to(&asked))).unwrap();
        assert_eq!(world.next(asker).unwrap().in_reply_to, asked.id);
    }
    world.end();
}

#[test]
fn as_many_requests_as_there_is_room_for_answers() {
    let mut world = bytes(10 * ANSWER);
    let asker = world.open_as(ALICE).unwrap();
    let bob = replier(&mut world, BOB, b"$.R");
    for _ in 0..6 {
        world.send(asker, &request("$.R")).unwrap();
    }
    assert_eq!(world.send(asker, &request("$.R")), Err(ENOLCK));
    // What is kept for answers does not hinder what is no answer.
    world.bind(asker, LISTENER, b"$.A").unwrap();
    world.send(bob, &announcement("$.A")).unwrap();
    assert_eq!(world.next(asker).unwrap().name, b"$.A");
    let asked = world.next(bob).unwrap();
    world.send(bob, &reply_to(&asked)).unwrap();
    assert_eq!(world.send(asker, &request("$.R")), Err(ENOLCK));
    assert_eq!(world.next(asker).unwrap().in_reply_to, asked.id);
    world.send(asker, &request("$.R")).unwrap();
    world.end();
}

#[test]
fn a_short_answer_always_fits_and_a_long_one_into_an_empty_queue() {
    let mut world = bytes(3 * ANSWER);
    let bob = replier(&mut world, BOB, b"$.R");
    let asker = listener(&mut world, ALICE, b"$.A");
    world.send(asker, &request("$.R")).unwrap();
    world.send(asker, &request("$.R")).unwrap();
    let (first, second) = (world.next(bob).unwrap(), world.next(bob).unwrap());
    let hoard = listener(&mut world, ALICE, b"$.A");
    flood(&mut world, bob, hoard);
    assert!(world.model.num_msgs(asker) > 0);
    assert_eq!(world.send(bob, &long(reply_to(&first))), Err(EBUSY));
    // What was refused is still awaited.
    world.send(bob, &reply_to(&first)).unwrap();
    flood(&mut world, bob, hoard);
    let wait = with(ALL_OR_WAIT, long(reply_to(&second)));
    assert_eq!(world.send(bob, &wait), Err(EAGAIN));
    let read = world.drain(asker);
    assert_eq!(read.last().map(|msg| msg.in_reply_to), Some(second.id));
    assert_eq!(world.poll(bob), (false, true));
    world.end();
}

#[test]
fn what_kbus_answers_is_never_refused() {
    let mut world = bytes(1);
    let (asker, bob) = (
        world.open_as(ALICE).unwrap(),
        replier(&mut world, BOB, b"$.R"),
    );
    let other = listener(&mut world, ALICE, b"$.A");
    flood(&mut world, bob, other);
    world.send(asker, &request("$.R")).unwrap();
    world.close(bob);
    let read = world.drain(asker);
    assert_eq!(answers(&read), [("GoneAway".into(), read[0].in_reply_to.1)]);
    world.end();
}

#[test]
fn events_that_are_replayed_fill_the_account_too() {
    let mut world = bytes(10 * PLACE);
    let root = world.open();
    for n in 0..20 {
        let name = format!("$.R{n}");
        world.bind(root, REPLIER, name.as_bytes()).unwrap();
    }
    let a = world.open_as(ALICE).unwrap();
    assert_eq!(world.report(a, Some(true)), Err(EBUSY));
    assert!((5..10).contains(&world.model.num_msgs(a)));
    world.end();
}

/// The bus gives the same memory back each time, however often somebody asks and does not wait.
fn asked_in_vain(again: impl Fn(&mut World, u32)) {
    let mut world = World::new();
    let bob = replier(&mut world, BOB, b"$.R");
    let mut held = 0;
    for n in 1..20 {
        again(&mut world, bob);
        assert_eq!(world.model.unreplied_to(bob), n);
        // At first some memory is kept for the next.
        if n <= 10 {
            held = testing::live();
        }
        assert_eq!(testing::live(), held, "after {n} times");
    }
    world.end();
}

#[test]
fn what_is_owed_to_who_has_gone_is_only_counted() {
    asked_in_vain(|world, bob| {
        let asker = world.open_as(ALICE).unwrap();
        world.send(asker, &request("$.R")).unwrap();
        world.next(bob).unwrap();
        world.close(asker);
    });
    asked_in_vain(|world, bob| {
        let asker = world.open_as(ALICE).unwrap();
        world.send(asker, &request("$.R")).unwrap();
        world.close(asker);
        world.next(bob).unwrap();
    });
}

#[test]
fn what_another_has_answered_is_only_counted() {
    asked_in_vain(|world, bob| {
        let asker = world.open_as(ALICE).unwrap();
        world.send(asker, &request("$.R")).unwrap();
        let asked = world.next(bob).unwrap();
        world.send(asker, &reply_to(&asked)).unwrap();
        world.next(asker).unwrap();
        world.close(asker);
    });
    asked_in_vain(|world, bob| {
        let asker = world.open_as(ALICE).unwrap();
        let id = world.send(asker, &request("$.R")).unwrap();
        let asked = Msg {
            from: asker,
            id,
            ..announcement("$.R")
        };
        world.send(asker, &reply_to(&asked)).unwrap();
        world.next(asker).unwrap();
        world.next(bob).unwrap();
        world.close(asker);
    });
}

#[test]
fn who_is_told_of_a_close_has_the_room_that_it_leaves() {
    let mut world = bytes(10 * SMALL);
    let root = world.open();
    let hoard = listener(&mut world, ALICE, b"$.A");
    for name in [b"$.R1", b"$.R2"] {
        world.bind(hoard, REPLIER, name).unwrap();
    }
    // As long as the hoard is there, one message more is all that the other can take.
    assert_eq!(flood(&mut world, root, hoard), 6);
    let hears = listener(&mut world, ALICE, EVENT);
    let event = announcement(std::str::from_utf8(EVENT).unwrap());
    world.send(root, &event).unwrap();
    world.report(root, Some(true)).unwrap();
    world.close(hoard);
    assert_eq!(world.model.num_msgs(hears), 3);
    assert_eq!(world.model.set_aside(), 0);
    world.end();
}
