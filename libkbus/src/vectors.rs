// SPDX-License-Identifier: GPL-2.0-only
//! Tests of this library against `libkbus/vectors`, which the other languages
//! are tested against as well.

use std::fmt::Write as _;

use kbus_vectors as vectors;

use crate::error::{Call, Errno, Error};
use crate::message::Message;
use crate::uapi;
use crate::wire::flags::Flags;
use crate::wire::id::{KsockId, MessageId};
use crate::wire::name::{Name, Pattern};
use crate::wire::status::Status;

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn errno<T>(result: Result<T, impl Into<Error>>) -> Option<i32> {
    result.err().and_then(|why| why.into().errno()).map(|e| e.0)
}

fn number(errno: Option<vectors::Errno>) -> Option<i32> {
    errno.map(|errno| errno.0)
}

#[test]
fn names_are_good_and_bad() {
    for case in vectors::names().names {
        let shown = case.name.escape_ascii();
        let pattern = Pattern::from_bytes(&case.name);
        assert_eq!(errno(pattern.clone()), number(case.bind), "{shown}");
        let name = Name::from_bytes(&case.name);
        assert_eq!(
            errno(name.clone()),
            number(case.bind.or(case.send)),
            "{shown}"
        );
        assert_eq!(name.err().map(|why| why.to_string()), case.why, "{shown}");
        // In text it is the same, both ways.
        let text = text(&case.name);
        assert_eq!(Pattern::new(&text), pattern, "{shown}");
        assert_eq!(Name::new(&text), Name::from_bytes(&case.name), "{shown}");
        if let Ok(pattern) = pattern {
            assert_eq!(pattern.to_string(), text);
            assert_eq!(pattern.as_bytes(), &*case.name);
            assert_eq!(pattern.is_wildcard(), case.send.is_some());
        }
    }
    for case in vectors::names().not_latin1 {
        for why in [Pattern::new(&case.text).err(), Name::new(&case.text).err()] {
            assert_eq!(why.map(|why| why.to_string()), Some(case.why.clone()));
        }
    }
}

#[test]
fn letters_are_those_of_latin1() {
    let letters = vectors::names().letters;
    for byte in 0..=u8::MAX {
        let is_letter = letters.contains(&byte);
        assert_eq!(
            Name::from_bytes(&[b'$', b'.', byte]).is_ok(),
            is_letter,
            "{byte:#x}"
        );
        let in_a_word = Name::from_bytes(&[b'$', b'.', b'a', byte, b'a']).is_ok();
        assert_eq!(in_a_word, is_letter || byte == b'.', "{byte:#x}");
    }
}

#[test]
fn patterns_match() {
    let vectors = vectors::names();
    for case in vectors.covered {
        let name = Name::new(&case.name).unwrap();
        for pattern in &vectors.patterns {
            let matches = Pattern::new(pattern).unwrap().matches(&name);
            assert_eq!(matches, case.by.contains(pattern), "{pattern} and {name}");
        }
    }
}

fn bytes<'a>(bytes64: &'a [u8], bytes32: &'a [u8]) -> &'a [u8] {
    if cfg!(target_pointer_width = "64") {
        bytes64
    } else {
        bytes32
    }
}

#[test]
#[cfg(target_endian = "little")]
fn messages_are_bytes() {
    for case in vectors::messages().messages {
        let bytes = bytes(&case.bytes64, &case.bytes32);
        let message = Message::from_bytes(bytes.to_vec()).unwrap();
        assert_eq!(message.as_bytes(), bytes);
        assert_eq!(format!("{:?}", message.kind()), case.kind);
        assert_eq!(message.name().as_bytes(), &*case.name);
        assert_eq!(message.data(), &*case.data);
        assert_eq!(message.id(), case.id.into());
        let in_reply_to = MessageId::from(case.in_reply_to);
        assert_eq!(message.in_reply_to().unwrap_or_default(), in_reply_to);
        assert_eq!(message.to(), KsockId::new(case.to));
        assert_eq!(message.from(), KsockId::new(case.from));
        assert_eq!(message.orig_from(), case.orig_from.into());
        assert_eq!(message.final_to(), case.final_to.into());
        assert_eq!(message.flags(), Flags(case.flags));
        // Only the bus says where a message is from.
        if case.from == 0 {
            let made = Message::announcement(message.name(), &case.data)
                .with_id(message.id())
                .with_in_reply_to(in_reply_to)
                .with_orig_from(message.orig_from())
                .with_final_to(message.final_to())
                .with_flags(message.flags());
            let made = message.to().map_or(made.clone(), |to| made.with_to(to));
            assert_eq!(made.as_bytes(), bytes);
        }
    }
    for case in vectors::messages().malformed {
        let bytes = bytes(&case.bytes64, &case.bytes32);
        let read = Message::from_bytes(bytes.to_vec());
        assert_eq!(errno(read.clone()), number(case.read), "{}", case.what);
        assert!(
            matches!(read, Ok(_) | Err(Error::Malformed(_))),
            "{}",
            case.what
        );
    }
    for flag in vectors::messages().flags {
        assert_eq!(Flags(flag.bit).to_string(), flag.word);
    }
}

#[test]
#[cfg(target_endian = "little")]
fn bind_events_are_data() {
    let name = Name::from_bytes(uapi::KBUS_MSG_NAME_REPLIER_BIND_EVENT.to_bytes()).unwrap();
    let event = |data: &[u8]| Message::announcement(&name, data).bind_event();
    for case in vectors::messages().bind_events {
        let event = event(&case.data).unwrap();
        assert_eq!(u32::from(event.bound), case.is_bind);
        assert_eq!(event.binder.get(), case.binder);
        assert_eq!(event.name.as_bytes(), &*case.name);
    }
    for case in vectors::messages().malformed_bind_events {
        assert_eq!(event(&case.data), None, "{}", case.what);
    }
}

/// Meaning and advice, where the library has words of its own.
fn words(call: Call, errno: i32) -> Option<(String, &'static str)> {
    let error = Error::Os {
        call,
        errno: Errno(errno),
    };
    Some((error.meaning(), error.advice())).filter(|(_, advice)| !advice.is_empty())
}

/// The sentences are those of `error/` and `wire/status.rs`; `errnos.json` is
/// made of them by `KBUS_VECTORS=write cargo test -p kbus vectors`.
#[test]
fn errnos_have_sentences() {
    fn json<T: std::fmt::Debug>(value: T) -> String {
        format!("{value:?}")
    }
    let calls = Call::ALL.map(|call| {
        let (name, doing) = (json(call), call.to_string());
        format!("{{\"call\": {name:?}, \"doing\": {doing:?}}}")
    });
    let (mut errnos, mut any_call) = (Vec::new(), Vec::new());
    for &(name, errno) in vectors::ERRNOS {
        // Calls whose words are the same stand together.
        let mut groups: Vec<(Vec<String>, String)> = Vec::new();
        for call in Call::ALL {
            let Some((meaning, advice)) = words(call, errno) else {
                continue;
            };
            assert_eq!(Errno(errno).name(), Some(name));
            let words = format!(
                "\"errno\": {name:?},\n    \"meaning\": {meaning:?},\n    \"advice\": {advice:?}}}"
            );
            match groups.iter_mut().find(|(_, known)| *known == words) {
                Some((calls, _)) => calls.push(json(call)),
                None => groups.push((vec![json(call)], words)),
            }
        }
        for (calls, words) in groups {
            if calls.len() == Call::ALL.len() {
                any_call.push(format!("{{{words}"));
            } else {
                errnos.push(format!("{{\"calls\": {calls:?}, {words}"));
            }
        }
    }
    let mut statuses = Vec::new();
    for name in [
        uapi::KBUS_MSG_NAME_REPLIER_GONEAWAY,
        uapi::KBUS_MSG_NAME_REPLIER_IGNORED,
        uapi::KBUS_MSG_NAME_REPLIER_UNBOUND,
        uapi::KBUS_MSG_NAME_REPLIER_DISAPPEARED,
        uapi::KBUS_MSG_NAME_ERROR_SENDING,
    ] {
        let name = Name::from_bytes(name.to_bytes()).unwrap();
        let error = Error::Unanswered {
            request: MessageId::default(),
            status: Status::from(&name),
        };
        let (meaning, advice) = (error.meaning(), error.advice());
        statuses.push(format!(
            "{{\"name\": \"{name}\",\n    \"meaning\": {meaning:?},\n    \"advice\": {advice:?}}}"
        ));
    }
    let mut seen = String::from("{\n");
    for (name, rows) in [
        ("calls", calls.to_vec()),
        ("errnos", errnos),
        ("any_call", any_call),
        ("statuses", statuses),
    ] {
        let end = if name == "statuses" { "" } else { "," };
        writeln!(seen, "{name:?}: [\n{}\n]{end}", rows.join(",\n")).unwrap();
    }
    seen.push_str("}\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/errnos.json");
    if std::env::var_os("KBUS_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(path, &seen).unwrap();
    }
    let said = std::fs::read_to_string(path).unwrap();
    assert!(said == seen, "errnos.json is another than this:\n{seen}");
}
