// SPDX-License-Identifier: GPL-2.0-only
//! What the Rust library makes of what it reads from a bus: nothing panics, what is accepted is
//! written again as it was read, and all that can be asked of a message has an answer. The model
//! says which names are names.

use kbus::{Flags, Message, Name, Pattern};
use kbus_test_bus::model;

pub fn run(bytes: &[u8]) {
    names(bytes);
    let Ok(message) = Message::from_bytes(bytes.to_vec()) else {
        return;
    };
    assert_eq!(message.as_bytes(), bytes);
    assert!(model::may_send(message.name().as_bytes()));
    assert!(message.data().len() < bytes.len());
    let _ = format!("{message} {message:#} {message:?}");
    let _ = (message.kind(), message.status(), message.in_reply_to());
    let _ = (message.to(), message.from(), message.id());
    let _ = (message.orig_from(), message.final_to());
    if let Some(event) = message.bind_event() {
        assert!(model::may_bind(event.name.as_bytes()));
        let _ = event.to_string();
    }

    let reply = Message::reply_to(&message, "yes");
    assert_eq!(reply.is_ok(), message.is_for_us_to_answer());
    if let Ok(reply) = reply {
        assert_eq!(reply.in_reply_to().unwrap_or_default(), message.id());
        assert_eq!(reply.name(), message.name());
        same_again(&reply);
    }
    if let Ok(request) = Message::stateful_request(&message, message.name(), message.data()) {
        assert!(request.flags().contains(Flags::WANT_A_REPLY));
        assert_eq!(request.data(), message.data());
        same_again(&request);
    }
}

/// What we make can be read.
fn same_again(message: &Message) {
    let read = Message::from_bytes(message.as_bytes().to_vec());
    assert_eq!(read.ok().as_ref(), Some(message));
}

/// Two lines: a pattern and a name; or the same thing for both.
fn names(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let second = lines.next().unwrap_or(first);
    let pattern = Pattern::from_bytes(first);
    let name = Name::from_bytes(second);
    assert_eq!(pattern.is_ok(), model::may_bind(first));
    assert_eq!(name.is_ok(), model::may_send(second));
    if let Ok(pattern) = &pattern {
        // As text, too.
        assert_eq!(Pattern::new(&pattern.to_string()).as_ref(), Ok(pattern));
        if let Ok(name) = &name {
            assert_eq!(pattern.matches(name), model::matches(first, second));
        }
    }
    if let Ok(text) = std::str::from_utf8(first) {
        if let Ok(pattern) = Pattern::new(text) {
            assert_eq!(pattern.to_string(), text);
        }
    }
}
