// SPDX-License-Identifier: GPL-2.0
//! Whether there is room (5.3), and what is refused for what reason, in which order (5.4).

use super::{announcement, ids, reply_to, request, to, with, LISTENER, REPLIER};
use crate::model::{Errno::*, Msg, ALL_OR_FAIL, ALL_OR_WAIT};
use crate::world::World;

#[test]
fn s5_3_queue_and_outstanding_requests_share_the_limit() {
    let mut world = World::with(3);
    world.bind(1, LISTENER, b"$.News").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    assert_eq!(world.max_msgs(1, 0), 100);
    assert_eq!(world.max_msgs(1, 3), 3);
    for _ in 0..2 {
        world.send(1, &request("$.A")).unwrap();
    }
    // Two places are taken, one is left.
    world.send(3, &announcement("$.News")).unwrap();
    world.send(3, &announcement("$.News")).unwrap();
    assert_eq!(world.model.num_msgs(1), 1);
    assert_eq!(world.send(1, &request("$.A")), Err(ENOLCK));
    assert_eq!(world.send(1, &announcement("$.A")), Ok((0, 5)));
    // An answer moves from one count to the other.
    let asked = world.next(2).unwrap();
    world.send(2, &reply_to(&asked)).unwrap();
    assert_eq!(world.model.num_msgs(1), 2);
    assert_eq!(world.send(1, &request("$.A")), Err(ENOLCK));
    world.next(1).unwrap();
    assert!(world.send(1, &request("$.A")).is_ok());
    assert_eq!(world.send(1, &request("$.A")), Err(ENOLCK));
    world.end();
}

#[test]
fn s5_3_as_many_requests_as_the_limit_and_no_news_at_all() {
    // Behaviours 212 to 215.
    let mut world = World::with(2);
    world.bind(1, LISTENER, b"$.*").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.max_msgs(1, 1);
    let was = world.send(1, &request("$.A")).unwrap();
    assert_eq!(world.send(1, &request("$.A")), Err(ENOLCK));
    assert_eq!(world.model.last_sent(1), was, "no id was given");
    world.send(2, &announcement("$.News")).unwrap();
    assert!(world.send(1, &announcement("$.B")).is_ok());
    assert_eq!(
        world.model.num_msgs(1),
        1,
        "its own request, heard before it was one"
    );
    world.drain(1);
    let asked = world.next(2).unwrap();
    let answered = world.send(2, &reply_to(&asked)).unwrap();
    assert_eq!(ids(&world.drain(1)), [answered.1]);
    assert!(world.send(1, &request("$.A")).is_ok());
    world.end();
}

#[test]
fn s5_3_several_copies_may_exceed_the_limit_and_the_answer_still_fits() {
    let mut world = World::with(3);
    world.max_msgs(1, 2);
    for pattern in ["$.A", "$.*", "$.%"] {
        world.bind(1, LISTENER, pattern.as_bytes()).unwrap();
    }
    world.bind(2, REPLIER, b"$.Ask.It").unwrap();
    world.send(1, &request("$.Ask.It")).unwrap();
    world.drain(1);
    world.send(3, &announcement("$.A")).unwrap();
    assert_eq!(world.model.num_msgs(1), 3);
    let asked = world.next(2).unwrap();
    world.send(2, &reply_to(&asked)).unwrap();
    assert_eq!(world.model.num_msgs(1), 4);
    world.send(3, &announcement("$.A")).unwrap();
    assert_eq!(world.model.num_msgs(1), 4);
    world.end();
}

#[test]
fn s3_7_lowering_the_limit_discards_nothing_and_then_an_answer_may_not_fit() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(1, LISTENER, b"$.News").unwrap();
    world.send(1, &request("$.A")).unwrap();
    for _ in 0..3 {
        world.send(3, &announcement("$.News")).unwrap();
    }
    world.max_msgs(1, 3);
    assert_eq!(world.model.num_msgs(1), 3);
    let asked = world.next(2).unwrap();
    let reply = reply_to(&asked);
    assert_eq!(world.send(2, &reply), Err(EBUSY));
    assert_eq!(world.model.unreplied_to(2), 1, "it can try again");
    assert_eq!(
        world.send(2, &with(ALL_OR_WAIT, reply.clone())),
        Err(EAGAIN)
    );
    world.next(1).unwrap();
    assert_eq!(world.poll(2), (false, true));
    assert_eq!(world.drain(1).len(), 3);
    assert_eq!(world.send(2, &reply), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s5_4_who_is_full_refuses_or_is_skipped() {
    let mut world = World::with(4);
    for listener in [2, 3] {
        world.bind(listener, LISTENER, b"$.A").unwrap();
        world.max_msgs(listener, 1);
    }
    world.bind(4, REPLIER, b"$.A").unwrap();
    world.max_msgs(4, 1);
    world.send(1, &announcement("$.A")).unwrap();
    world.drain(3);
    // 2 is full, 3 is not.
    assert_eq!(
        world.send(1, &with(ALL_OR_FAIL, announcement("$.A"))),
        Err(EBUSY)
    );
    assert_eq!(
        world.model.last_sent(1),
        (0, 2),
        "refused, and yet it had an id"
    );
    assert_eq!(
        world.send(1, &with(ALL_OR_FAIL, request("$.A"))),
        Err(EBUSY)
    );
    assert_eq!(world.model.num_msgs(3), 0);
    assert_eq!(world.model.num_msgs(4), 0);
    assert_eq!(
        world.send(1, &with(ALL_OR_WAIT, announcement("$.A"))),
        Err(EAGAIN)
    );
    world.discard(1);
    assert_eq!(world.send(1, &request("$.A")), Ok((0, 5)));
    assert_eq!((world.model.num_msgs(2), world.model.num_msgs(3)), (1, 1));
    // A full replier is never skipped.
    assert_eq!(world.send(1, &request("$.A")), Err(EBUSY));
    assert_eq!(
        world.send(1, &with(ALL_OR_WAIT, request("$.A"))),
        Err(EAGAIN)
    );
    assert_eq!(ids(&world.drain(4)), [5]);
    world.end();
}

#[test]
fn s5_4_the_order_of_decisions() {
    let mut world = World::with(5);
    world.bind(2, REPLIER, b"$.Full").unwrap();
    world.max_msgs(2, 1);
    world.send(3, &request("$.Full")).unwrap();
    let both = |to, in_reply_to, name| Msg {
        to,
        in_reply_to,
        ..request(name)
    };
    // 2 before 3: nobody replies, whatever else is wrong.
    assert_eq!(
        world.send(1, &both(99, (0, 1), "$.Nobody")),
        Err(EADDRNOTAVAIL)
    );
    assert_eq!(
        world.send(1, &to(2, request("$.Nobody"))),
        Err(EADDRNOTAVAIL)
    );
    assert_eq!(
        world.send(1, &both(3, (7, 7), "$.Nobody")),
        Err(EADDRNOTAVAIL)
    );
    // 3a, 3b.
    assert_eq!(
        world.send(1, &both(99, (0, 1), "$.Full")),
        Err(EADDRNOTAVAIL)
    );
    let stray = |to, in_reply_to| Msg {
        to,
        in_reply_to,
        ..announcement("$.A")
    };
    assert_eq!(world.send(1, &stray(0, (0, 1))), Err(EADDRNOTAVAIL));
    assert_eq!(world.send(1, &stray(3, (0, 9))), Err(ECONNREFUSED));
    assert_eq!(world.send(1, &stray(3, (1, 1))), Err(ECONNREFUSED));
    assert_eq!(world.send(1, &stray(2, (0, 1))), Err(ECONNREFUSED));
    // 3b before 4a, 4a before 4b, with whatever flags.
    assert_eq!(world.send(1, &both(3, (0, 9), "$.Full")), Err(ECONNREFUSED));
    assert_eq!(world.send(1, &both(3, (0, 1), "$.Full")), Err(EPIPE));
    assert_eq!(world.send(1, &to(4, request("$.Full"))), Err(EPIPE));
    assert_eq!(
        world.send(1, &with(ALL_OR_WAIT, to(4, request("$.Full")))),
        Err(EPIPE)
    );
    assert_eq!(world.send(1, &to(2, request("$.Full"))), Err(EBUSY));
    // 4b before 5: EBUSY for the replier though the listener may be skipped.
    world.bind(5, LISTENER, b"$.Full").unwrap();
    assert_eq!(world.send(1, &request("$.Full")), Err(EBUSY));
    assert_eq!(world.model.num_msgs(5), 0);
    // Step 7 of 3.8 before them all.
    world.max_msgs(1, 1);
    world.bind(1, LISTENER, b"$.Me").unwrap();
    world.send(2, &announcement("$.Me")).unwrap();
    let was = world.model.last_sent(1);
    assert_eq!(world.send(1, &request("$.Nobody")), Err(ENOLCK));
    assert_eq!(world.model.last_sent(1), was);
    world.end();
}
