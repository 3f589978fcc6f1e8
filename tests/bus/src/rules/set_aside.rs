// SPDX-License-Identifier: GPL-2.0
//! Bind events that cannot be delivered, and the news that some were lost (6.5).

use super::{event, request, EVENT, LISTENER, REPLIER};
use crate::model::{self, Msg, SYNTHETIC};
use crate::world::World;

/// A ksock with so many repliers, and so many that listen to events, with room for one each.
pub fn crowd(repliers: usize, listeners: u32) -> World {
    let mut world = World::with(1 + listeners);
    for n in 0..repliers {
        let name = format!("$.R{n}");
        world.bind(1, REPLIER, name.as_bytes()).unwrap();
    }
    for ksock in 2..=1 + listeners {
        world.bind(ksock, LISTENER, EVENT).unwrap();
        world.max_msgs(ksock, 1);
    }
    // The replay goes to a ksock that does not listen and is not there for long.
    let passer_by = world.open();
    world.max_msgs(passer_by, 1);
    let _ = world.report(passer_by, Some(true));
    world.close(passer_by);
    world
}

fn lost(msg: &Msg) -> bool {
    msg.name == model::EVENTS_LOST
}

#[test]
fn s6_5_events_that_cannot_be_delivered_are_set_aside() {
    // Behaviours 276 and 277.
    let mut world = crowd(0, 1);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.close(1);
    assert_eq!(world.model.num_msgs(2), 2);
    assert_eq!(world.model.set_aside(), 1);
    assert_eq!(event(&world.next(2).unwrap()), (1, 1, b"$.A".to_vec()));
    assert_eq!(world.model.num_msgs(2), 1);
    assert!(world.poll(2).0);
    assert_eq!(event(&world.next(2).unwrap()), (0, 1, b"$.A".to_vec()));
    assert_eq!(world.next(2), None);
    world.end();
}

#[test]
fn s6_5_the_arithmetic_of_one_listener() {
    let mut world = crowd(2000, 1);
    world.close(1);
    assert_eq!(world.model.num_msgs(2), 1002);
    let read = world.drain(2);
    for (n, msg) in read[..1001].iter().enumerate() {
        assert_eq!(event(msg), (0, 1, format!("$.R{}", 1999 - n).into_bytes()));
    }
    let last = &read[1001];
    assert!(lost(last));
    assert_eq!((last.flags, last.from, last.to), (SYNTHETIC, 0, 0));
    assert_eq!((last.in_reply_to, last.data.len()), ((0, 0), 0));
    assert_eq!(world.next(2), None);
    world.end();
}

#[test]
fn s6_5_the_arithmetic_of_two_listeners() {
    let mut world = crowd(2000, 2);
    world.close(1);
    let (two, three) = (world.drain(2), world.drain(3));
    assert_eq!((two.len(), three.len()), (502, 502));
    assert_eq!(two, three, "ids and all");
    assert!(lost(two.last().unwrap()));
    world.end();
}

#[test]
fn s6_5_who_has_room_waits_with_who_has_not() {
    let mut world = crowd(2, 2);
    world.max_msgs(3, 100);
    // 2 is full with the first; the second is set aside for both.
    world.close(1);
    assert_eq!(world.model.set_aside(), 2);
    assert_eq!((world.model.num_msgs(2), world.model.num_msgs(3)), (2, 2));
    assert_eq!(world.drain(2), world.drain(3));
    world.end();
}

#[test]
fn s6_5_set_aside_though_the_queue_is_empty() {
    // [FIX] of 3.5 and 6.5: poll tells of them and NEXTMSG finds them.
    let mut world = crowd(1, 1);
    world.bind(1, REPLIER, b"$.Mine").unwrap();
    world.drain(2);
    world.send(2, &request("$.Mine")).unwrap();
    world.open();
    world.bind(4, LISTENER, EVENT).unwrap();
    // No room at 2: its one place is kept for the answer. Ignored comes too.
    world.next(1).unwrap();
    world.close(1);
    assert!(world.poll(2).0 && world.poll(4).0);
    assert_eq!((world.drain(2).len(), world.drain(4).len()), (3, 2));
    world.end();
}

#[test]
fn s6_5_when_all_is_read_the_tragedy_is_over() {
    let mut world = crowd(1500, 1);
    world.close(1);
    assert!(world
        .stats()
        .contains("unsent unbindings 1001(gone tragic)"));
    // Events that find room are delivered in the middle of it.
    for _ in 0..1000 {
        world.next(2).unwrap();
    }
    assert!(world.stats().contains("unsent unbindings 1(gone tragic)"));
    world.max_msgs(2, 10);
    world.open();
    world.bind(4, REPLIER, b"$.A").unwrap();
    world.close(4);
    world.next(2).unwrap();
    assert!(world.stats().contains("unsent unbindings 0\n"));
    let read = world.drain(2);
    assert_eq!(read.iter().filter(|msg| lost(msg)).count(), 1);
    world.end();
}

#[test]
fn s6_5_who_read_that_events_were_lost_is_told_again() {
    let mut world = crowd(1200, 2);
    // 3 reads all, 2 nothing: the list is not empty, so the tragedy goes on.
    world.close(1);
    assert!(lost(world.drain(3).last().unwrap()));
    for again in 0..2 {
        let id = world.open();
        world.report(id, Some(false)).unwrap();
        world.bind(id, REPLIER, b"$.A").unwrap();
        world.max_msgs(id, 1);
        let _ = world.report(id, Some(true));
        world.close(id);
        let read = world.drain(3);
        assert_eq!(read.len(), 1, "time {again}");
        assert!(lost(&read[0]));
    }
    world.end();
}

#[test]
fn s6_5_who_unbound_the_news_of_the_loss_is_told_again() {
    let mut world = crowd(600, 1);
    world.bind(2, LISTENER, b"$.KBUS.*").unwrap();
    world.close(1);
    assert!(world.stats().contains("(gone tragic)"));
    // The news goes with the newest binding; what the other one attracted stays.
    world.unbind(2, LISTENER, b"$.KBUS.*").unwrap();
    let id = world.open();
    world.report(id, Some(false)).unwrap();
    world.bind(id, REPLIER, b"$.A").unwrap();
    world.max_msgs(id, 1);
    world.report(id, Some(true)).unwrap();
    world.close(id);
    let read = world.drain(2);
    assert_eq!(read.iter().filter(|msg| lost(msg)).count(), 1);
    assert!(lost(read.last().unwrap()));
    world.end();
}

#[test]
fn unbinding_drops_what_was_set_aside_for_the_binding() {
    let mut world = crowd(5, 2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.close(1);
    let all = world.model.num_msgs(2);
    world.unbind(2, LISTENER, b"$.*").unwrap();
    assert!(world.model.num_msgs(2) < all);
    world.unbind(2, LISTENER, EVENT).unwrap();
    assert_eq!(world.model.num_msgs(2), 0);
    assert_eq!(world.drain(3).len(), 5);
    assert_eq!(world.model.set_aside(), 0);
    world.end();
}

#[test]
fn unbinding_counts_what_was_set_aside_and_has_moved_in_since() {
    let mut world = crowd(8, 1);
    world.bind(2, LISTENER, b"$.KBUS.*").unwrap();
    world.max_msgs(2, 2);
    // Two copies of the first event in the queue, and two each of seven others set aside.
    world.close(1);
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (16, 14));
    for _ in 0..3 {
        world.next(2).unwrap();
    }
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (13, 11));
    world.unbind(2, LISTENER, b"$.KBUS.*").unwrap();
    // Of the two that had moved in one is gone, and one more moves in.
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (7, 5));
    world.end();
}

#[test]
fn behaviour_285_two_thousand_repliers_reported_to_who_reads() {
    let mut world = crowd(0, 2);
    for n in 0..500 {
        world
            .bind(1, REPLIER, format!("$.R{n}").as_bytes())
            .unwrap();
        assert_eq!(world.drain(2), world.drain(3));
    }
    world.end();
}
