// SPDX-License-Identifier: GPL-2.0-only
//! When bytes are a message (2.3, 4.2).

use crate::bus::{self, error::BusError};

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
