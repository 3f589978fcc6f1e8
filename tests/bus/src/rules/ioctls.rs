// SPDX-License-Identifier: GPL-2.0
//! BIND, UNBIND, REPLIER and VERBOSE, as section 3.7 has them. What the other ioctls ask for
//! is with the rule that they are about.

use super::{announcement, ids, LISTENER, REPLIER};
use crate::model::Errno::*;
use crate::world::World;

#[test]
fn s3_7_bind_and_its_refusals() {
    let mut world = World::with(2);
    assert_eq!(world.bind(1, REPLIER, b"$.A"), Ok(()));
    assert_eq!(world.bind(1, REPLIER, b"$.A"), Err(EADDRINUSE));
    assert_eq!(world.bind(2, 7, b"$.A"), Err(EADDRINUSE));
    // Another name, were it a wildcard that covers the same.
    assert_eq!(world.bind(2, REPLIER, b"$.*"), Ok(()));
    assert_eq!(world.bind(2, REPLIER, b"$.%"), Ok(()));
    assert_eq!(world.bind(1, REPLIER, b"$.*"), Err(EADDRINUSE));
    assert_eq!(world.bind(2, REPLIER, b"$.a"), Ok(()));
    for _ in 0..3 {
        assert_eq!(world.bind(1, LISTENER, b"$.A"), Ok(()));
        assert_eq!(world.bind(2, LISTENER, b"$.A"), Ok(()));
    }
    assert_eq!(world.bind(1, LISTENER, b"$.A..b"), Err(EBADMSG));
    assert_eq!(world.bind(1, LISTENER, &[b'$'; 1001]), Err(ENAMETOOLONG));
    // Names are free again when their replier is gone.
    world.close(1);
    assert_eq!(world.bind(2, REPLIER, b"$.A"), Ok(()));
    world.end();
}

#[test]
fn s3_7_unbind_wants_what_bind_was_given() {
    let mut world = World::with(2);
    world.bind(1, 2, b"$.A").unwrap();
    assert_eq!(world.unbind(1, 1, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(1, 0, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(1, 2, b"$.B"), Err(EINVAL));
    assert_eq!(world.unbind(1, 2, b"$.*"), Err(EINVAL));
    assert_eq!(world.unbind(2, 2, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(1, 2, b"$"), Err(EBADMSG));
    assert_eq!(world.unbind(1, 2, &[b'$'; 1001]), Err(ENAMETOOLONG));
    assert_eq!(world.unbind(1, 2, b"$.A"), Ok(()));
    assert_eq!(world.unbind(1, 2, b"$.A"), Err(EINVAL));
    // As many unbinds as binds.
    for _ in 0..2 {
        world.bind(1, LISTENER, b"$.A").unwrap();
    }
    world.bind(1, REPLIER, b"$.A").unwrap();
    assert_eq!(world.unbind(1, LISTENER, b"$.A"), Ok(()));
    assert_eq!(world.unbind(1, LISTENER, b"$.A"), Ok(()));
    assert_eq!(world.unbind(1, LISTENER, b"$.A"), Err(EINVAL));
    assert_eq!(world.unbind(1, REPLIER, b"$.A"), Ok(()));
    world.end();
}

#[test]
fn s3_7_replier_does_not_expand_wildcards() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A.*").unwrap();
    world.bind(3, LISTENER, b"$.A.x").unwrap();
    assert_eq!(world.replier(b"$.A.x"), 0);
    assert_eq!(world.replier(b"$.A.*"), 2);
    assert_eq!(world.replier(b"$.A.%"), 0);
    // Not validated: nobody is bound to nonsense.
    assert_eq!(world.replier(b"!"), 0);
    world.bind(3, REPLIER, b"$.A.x").unwrap();
    assert_eq!(world.replier(b"$.A.x"), 3);
    world.unbind(3, REPLIER, b"$.A.x").unwrap();
    assert_eq!(world.replier(b"$.A.x"), 0);
    world.end();
}

#[test]
fn unbinding_takes_back_what_the_binding_attracted() {
    // Behaviours 289 to 292.
    let mut world = World::with(2);
    world.bind(1, LISTENER, b"$.A").unwrap();
    world.bind(1, LISTENER, b"$.*").unwrap();
    world.send(2, &announcement("$.A")).unwrap();
    world.send(2, &announcement("$.B")).unwrap();
    assert_eq!(world.model.num_msgs(1), 3);
    world.unbind(1, LISTENER, b"$.A").unwrap();
    assert_eq!(world.model.num_msgs(1), 2);
    world.unbind(1, LISTENER, b"$.*").unwrap();
    assert_eq!(world.model.num_msgs(1), 0);
    let mut counts = Vec::new();
    world.bind(1, LISTENER, b"$.A").unwrap();
    world.send(2, &announcement("$.A")).unwrap();
    counts.push(world.model.num_msgs(1));
    world.bind(1, LISTENER, b"$.A").unwrap();
    for _ in 0..2 {
        world.send(2, &announcement("$.A")).unwrap();
        counts.push(world.model.num_msgs(1));
    }
    assert_eq!(counts, [1, 3, 5]);
    world.unbind(1, LISTENER, b"$.A").unwrap();
    assert_eq!(world.model.num_msgs(1), 3);
    assert_eq!(ids(&world.drain(1)), [3, 4, 5]);
    world.end();
}

#[test]
fn verbosity_is_the_buss() {
    let mut world = World::with(1);
    assert!(!world.verbose(Some(true)));
    assert!(world.verbose(None));
    assert!(world.verbose(Some(false)));
    assert!(!world.verbose(None));
    world.end();
}
