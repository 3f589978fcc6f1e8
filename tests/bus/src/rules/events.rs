// SPDX-License-Identifier: GPL-2.0
//! Bind events: when they are made (6.3), what they say (6.4), and the replay of 3.7.

use super::{event, request, EVENT, LISTENER, REPLIER};
use crate::model::{Errno::*, Msg};
use crate::world::World;

#[test]
fn s6_4_what_a_bind_event_looks_like() {
    let mut world = World::with(22);
    world.bind(1, LISTENER, EVENT).unwrap();
    world.report(22, Some(true)).unwrap();
    world.bind(21, REPLIER, b"$.r3").unwrap();
    world.unbind(21, REPLIER, b"$.r3").unwrap();
    let read = world.drain(1);
    assert_eq!(event(&read[0]), (1, 21, b"$.r3".to_vec()));
    let bytes = |words: [u32; 3]| words.map(u32::to_ne_bytes).concat();
    let mut example = bytes([0, 0x15, 4]);
    example.extend(b"\x24\x2e\x72\x33\0\0\0\0");
    assert_eq!(
        read[1],
        Msg {
            id: (0, 2),
            flags: 0x204,
            name: b"$.KBUS.ReplierBindEvent".to_vec(),
            data: example,
            ..Msg::default()
        }
    );
    world.end();
}

#[test]
fn s6_3_when_bind_events_are_made() {
    let mut world = World::with(4);
    for (ksock, pattern) in [
        (1, "$.KBUS.ReplierBindEvent"),
        (1, "$.*"),
        (2, "$.KBUS.%"),
        (3, "$.KBUS.*"),
    ] {
        world.bind(ksock, LISTENER, pattern.as_bytes()).unwrap();
    }
    let heard = |world: &mut World| [1, 2, 3].map(|ksock| world.drain(ksock).len());
    world.bind(4, REPLIER, b"$.A").unwrap();
    assert_eq!(heard(&mut world), [0, 0, 0], "reporting is off");
    assert_eq!(world.report(4, None), Ok(false));
    assert_eq!(world.report(3, Some(true)), Ok(false));
    assert_eq!(world.report(4, None), Ok(true));
    assert_eq!(
        heard(&mut world),
        [0, 0, 1],
        "what there is is told to who asked"
    );
    world.bind(4, LISTENER, b"$.A").unwrap();
    world.unbind(4, LISTENER, b"$.A").unwrap();
    assert_eq!(world.bind(2, REPLIER, b"$.A"), Err(EADDRINUSE));
    assert_eq!(world.unbind(2, REPLIER, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(4, 2, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(4, LISTENER, b"$.A"), Err(EINVAL));
    assert_eq!(heard(&mut world), [0, 0, 0], "those make none");
    world.bind(2, REPLIER, b"$.B").unwrap();
    assert_eq!(
        heard(&mut world),
        [2, 1, 1],
        "the binder itself hears it too"
    );
    world.unbind(4, REPLIER, b"$.A").unwrap();
    assert_eq!(heard(&mut world), [2, 1, 1]);
    world.close(2);
    assert_eq!((world.drain(1).len(), world.drain(3).len()), (2, 1));
    assert_eq!(world.report(1, Some(false)), Ok(true));
    world.bind(4, REPLIER, b"$.A").unwrap();
    world.close(4);
    assert_eq!(world.model.num_msgs(1), 0);
    world.end();
}

#[test]
fn s6_4_all_hear_of_it_or_it_is_not_bound() {
    // Behaviours 257 to 267.
    let mut world = World::with(3);
    world.report(1, Some(true)).unwrap();
    world.bind(1, LISTENER, EVENT).unwrap();
    world.bind(2, LISTENER, EVENT).unwrap();
    world.max_msgs(2, 1);
    assert_eq!(world.bind(3, REPLIER, b"$.A"), Ok(()));
    assert_eq!(world.bind(3, REPLIER, b"$.A"), Err(EADDRINUSE));
    assert_eq!(world.bind(3, REPLIER, b"$.B"), Err(EAGAIN));
    assert_eq!(world.replier(b"$.B"), 0);
    assert_eq!((world.model.num_msgs(1), world.model.num_msgs(2)), (1, 1));
    // Unbinding likewise, and what was attracted stays.
    world.send(1, &request("$.A")).unwrap();
    assert_eq!(world.unbind(3, REPLIER, b"$.A"), Err(EAGAIN));
    assert_eq!(world.model.num_msgs(3), 1);
    assert_eq!(world.replier(b"$.A"), 3);
    // Listeners come and go as ever.
    world.bind(3, LISTENER, b"$.C").unwrap();
    assert_eq!(world.unbind(3, LISTENER, b"$.C"), Ok(()));
    world.next(2).unwrap();
    assert_eq!(world.bind(3, REPLIER, b"$.B"), Ok(()));
    assert_eq!(world.bind(3, REPLIER, b"$.C"), Err(EAGAIN));
    world.end();
}

#[test]
fn s3_7_what_is_replayed_when_reporting_is_switched_on() {
    let mut world = World::with(3);
    for (ksock, name) in [(1, "$.A"), (2, "$.B"), (2, "$.C")] {
        world.bind(ksock, REPLIER, name.as_bytes()).unwrap();
    }
    world.bind(1, LISTENER, b"$.D").unwrap();
    let told = |world: &mut World, ksock| {
        let read = world.drain(ksock);
        let events: Vec<_> = read.iter().map(event).collect();
        events
    };
    let all = vec![
        (1, 2, b"$.C".to_vec()),
        (1, 2, b"$.B".to_vec()),
        (1, 1, b"$.A".to_vec()),
    ];
    assert_eq!(world.report(3, Some(true)), Ok(false));
    assert_eq!(told(&mut world, 3), all);
    // Again, although it is on; and they belong to no binding.
    world.bind(3, LISTENER, EVENT).unwrap();
    assert_eq!(world.report(3, Some(true)), Ok(true));
    world.unbind(3, LISTENER, EVENT).unwrap();
    assert_eq!(told(&mut world, 3), all);
    // Who fills up keeps what it has, and reporting is on all the same.
    world.report(3, Some(false)).unwrap();
    world.max_msgs(3, 2);
    assert_eq!(world.report(3, Some(true)), Err(EBUSY));
    assert_eq!(world.report(3, None), Ok(true));
    assert_eq!(told(&mut world, 3), all[..2]);
    world.max_msgs(3, 3);
    assert_eq!(world.report(3, Some(true)), Ok(true));
    assert_eq!(told(&mut world, 3), all);
    world.end();
}
