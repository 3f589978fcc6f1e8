// SPDX-License-Identifier: GPL-2.0
//! Who gets a message (5.4): very many, and who is woken.

use super::{announcement, reply_to, request, LISTENER, REPLIER};
use crate::world::World;

#[test]
fn a_message_to_very_many() {
    let mut world = World::with(3);
    for n in 0..1100 {
        let pattern = ["$.A", "$.%", "$.*"][n % 3];
        world.bind(2, LISTENER, pattern.as_bytes()).unwrap();
    }
    for _ in 0..2 {
        world.send(1, &announcement("$.A")).unwrap();
        assert_eq!(world.drain(2).len(), 1100);
        world.send(1, &announcement("$.A.b")).unwrap();
        assert_eq!(world.drain(2).len(), 366);
    }
    world.end();
}

#[test]
fn who_gets_something_is_woken_and_nobody_else() {
    let mut world = World::with(4);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.A").unwrap();
    world.send(1, &announcement("$.A")).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [0, 1, 0, 0]);
    world.send(1, &request("$.A")).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [0, 2, 1, 0]);
    let asked = world.next(3).unwrap();
    world.send(3, &reply_to(&asked)).unwrap();
    assert_eq!([1, 2, 3, 4].map(|k| world.wakes(k)), [1, 3, 1, 0]);
    world.end();
}
