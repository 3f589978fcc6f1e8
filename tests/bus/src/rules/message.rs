// SPDX-License-Identifier: GPL-2.0
//! A message: when it is one (2.3, 4.2), its id, and what the bus changes in it (5.8).

use super::{announcement, known_as, saying, LISTENER};
use crate::bus::{self, error::BusError};
use crate::model::{Msg, SYNTHETIC, URGENT, WANT_A_REPLY, WANT_YOU_TO_REPLY};
use crate::world::World;

#[test]
fn a_message_is_whole_and_has_a_good_name() {
    use crate::bus::message::{Header, Message};
    use crate::bus::name::Name;
    use kernel::prelude::*;
    let make = |name_len: u32, data_len: u32, body: &[u8], start: usize| {
        let mut storage = KVVec::new();
        storage.resize(start, 1, GFP_KERNEL).unwrap();
        storage.extend_from_slice(body, GFP_KERNEL).unwrap();
        let header = Header {
            name_len,
            data_len,
            ..Header::default()
        };
        let name = storage.get(start..start + name_len as usize);
        let name = Name::new(name.ok_or(BusError::Unfinished)?)?.checked();
        Message::new(header, name, storage, start).map(drop)
    };
    let body = b"$.ab????xyz?????";
    assert_eq!(make(4, 3, body, 0), Ok(()));
    assert_eq!(make(4, 3, body, 88), Ok(()));
    for short in 0..body.len() {
        assert_eq!(make(4, 3, &body[..short], 8), Err(BusError::Unfinished));
    }
    assert_eq!(
        make(4, 3, b"$.ab????xyz?????!", 8),
        Err(BusError::Unfinished)
    );
    assert_eq!(make(u32::MAX, u32::MAX, body, 8), Err(BusError::Unfinished));
    assert_eq!(make(4, 3, b"$.a*????xyz?????", 0), Err(BusError::BadName));
    assert_eq!(make(4, 3, b"$.*\0????xyz?????", 0), Err(BusError::BadName));
    assert_eq!(make(3, 3, b"$.*?xyz?????", 0), Err(BusError::BadName));
    for (name_len, padded) in [(3, 4), (4, 8), (7, 8), (8, 12), (u32::MAX, 1 << 32)] {
        assert_eq!(bus::message::padded_name_len(name_len), padded);
    }
    for (data_len, padded) in [(0, 0), (1, 4), (4, 4), (5, 8), (u32::MAX, 1 << 32)] {
        assert_eq!(bus::message::padded_data_len(data_len), padded);
    }
}

#[test]
fn data_of_any_length_arrives_whole() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    for len in [0, 1, 2, 3, 4, 5, 4095, 4096, 65_563, 400_000] {
        let data: Vec<u8> = (0..len).map(|n: u32| (n * 31 % 251) as u8).collect();
        let name = format!("$.{}", "n".repeat(1 + len as usize % 5));
        world.send(1, &saying(&data, announcement(&name))).unwrap();
        assert!(world.next(2).unwrap().data == data, "{len}");
    }
    world.end();
}

#[test]
fn s5_8_what_is_changed_in_a_message_and_what_is_not() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    let sent = Msg {
        id: (0, 77),
        in_reply_to: (0, 0),
        to: 4,
        from: 99,
        orig_from: (1, 2),
        final_to: (3, 4),
        flags: 0xffff_fcff & !WANT_A_REPLY & !URGENT,
        name: b"$.A.b2".to_vec(),
        data: vec![1, 2, 3, 4, 5],
    };
    assert_eq!(world.send(1, &sent), Ok((0, 1)));
    let read = world.next(2).unwrap();
    let expected = Msg {
        id: (0, 1),
        from: 1,
        flags: sent.flags & !SYNTHETIC & !WANT_YOU_TO_REPLY,
        ..sent.clone()
    };
    assert_eq!(read, expected);
    // An id of another network is kept.
    assert_eq!(world.send(1, &known_as((9, 0), sent.clone())), Ok((9, 0)));
    assert_eq!(world.next(2).unwrap().id, (9, 0));
    assert_eq!(world.model.last_sent(1), (9, 0));
    assert_eq!(world.send(1, &sent), Ok((0, 2)));
    world.end();
}

#[test]
fn ids_are_given_in_turn_and_not_again() {
    let mut world = World::with(3);
    world.close(3);
    world.close(2);
    assert_eq!(world.open(), 4);
    for n in 1..5 {
        assert_eq!(world.send(1, &announcement("$.A")), Ok((0, n)));
    }
    assert_eq!(world.model.last_sent(4), (0, 0));
    world.end();
}
