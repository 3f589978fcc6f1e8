// SPDX-License-Identifier: GPL-2.0
//! Names: which there are (4.1), and which patterns cover them (5.1).

use super::{announcement, LISTENER};
use crate::bus::error::BusError;
use crate::bus::name::{self, Name, Pattern};
use crate::model;
use crate::world::World;

fn bindable(text: &[u8]) -> Result<(), BusError> {
    Pattern::new(text).map(drop)
}

fn sendable(text: &[u8]) -> Result<(), BusError> {
    Name::new(text).map(drop)
}

#[test]
fn s4_1_what_may_be_bound_to_and_what_may_be_sent() {
    let latin = b"$.\xc0l\xff.\xd8\xf6";
    let long = |len: usize| format!("$.{}", "x".repeat(len - 2)).into_bytes();
    let words = format!("$.{}x", "x.".repeat(498)).into_bytes();
    let both: [&[u8]; 8] = [
        b"$.a",
        b"$.A1.b2",
        b"$.1",
        b"$.KBUS.x",
        latin,
        &long(1000),
        &words,
        b"$.a.b.c.d.e.f.g",
    ];
    for good in both {
        assert!(bindable(good).is_ok(), "{}", good.escape_ascii());
        assert_eq!(sendable(good), Ok(()));
    }
    for wild in ["$.*", "$.%", "$.a.*", "$.a.%", "$.a.b.%"] {
        assert!(bindable(wild.as_bytes()).is_ok(), "{wild}");
        let sending = sendable(wild.as_bytes());
        assert_eq!(sending, Err(BusError::BadName), "{wild}");
    }
    let bad: &[&[u8]] = &[
        b"",
        b"$",
        b"$.",
        b"x",
        b"Fred",
        b"$x.y",
        b"$..a",
        b"$.a..b",
        b"$.a.",
        b"$.a..",
        b"$..*",
        b"$.a..*",
        b"$.a*",
        b"$.*.b",
        b"$.*.*",
        b"$.a.*b",
        b"$.a b",
        b"$.a'",
        b"$.#",
        b"$.a_b",
        b"$.a-b",
        b"$.\xd7",
        b"$.\xf7",
        b"$.\x80",
        b"$.\xbf",
        b"$.a\0",
        b"$.\0a",
        b".a.b",
        b"$a.b",
        b"$..",
        b"$...",
        b"$.a.%.b",
        b"$.%%",
        b"$.a.%*",
        b"*",
        b"%",
        b"$*",
        b"$%",
        b" $.a",
        "$.é".as_bytes(),
    ];
    for bad in bad {
        let text = bad.escape_ascii();
        assert_eq!(bindable(bad), Err(BusError::BadName), "{text}");
        assert_eq!(sendable(bad), Err(BusError::BadName), "{text}");
    }
    for too_long in [long(1001), vec![b'#'; 1001], vec![0; 10_000]] {
        assert_eq!(bindable(&too_long), Err(BusError::NameTooLong));
        assert_eq!(sendable(&too_long), Err(BusError::NameTooLong));
    }
}

#[test]
fn s5_1_which_patterns_cover_a_name() {
    let patterns = [
        "$.*", "$.%", "$.A", "$.A.*", "$.A.%", "$.A.b", "$.A.b.*", "$.A.b.%", "$.A.b.c", "$.Ab.*",
        "$.Ab", "$.A.bc",
    ];
    let covered = [
        ("$.A", "$.* $.% $.A"),
        ("$.A.b", "$.* $.A.* $.A.% $.A.b"),
        ("$.A.b.c", "$.* $.A.* $.A.b.* $.A.b.% $.A.b.c"),
        ("$.Ab", "$.* $.% $.Ab"),
        ("$.A.bc", "$.* $.A.* $.A.% $.A.bc"),
        ("$.b", "$.* $.%"),
        ("$.Ab.b", "$.* $.Ab.*"),
    ];
    let mut world = World::with(1);
    for pattern in patterns {
        assert_eq!(world.bind(1, LISTENER, pattern.as_bytes()), Ok(()));
    }
    for (name, by) in covered {
        world.send(1, &announcement(name)).unwrap();
        let expected = by.split(' ').count();
        assert_eq!(world.drain(1).len(), expected, "{name}");
        // Which ones: without each of them one copy less comes.
        for pattern in patterns {
            world.unbind(1, LISTENER, pattern.as_bytes()).unwrap();
            world.send(1, &announcement(name)).unwrap();
            let without = expected - usize::from(by.split(' ').any(|p| p == pattern));
            assert_eq!(world.drain(1).len(), without, "{name} without {pattern}");
            world.bind(1, LISTENER, pattern.as_bytes()).unwrap();
        }
    }
    world.end();
}

#[test]
fn the_index_asks_for_as_many_patterns_as_the_name_has_words_and_two() {
    for (text, words) in [("$.A", 1), ("$.A.b", 2), ("$.A.b.c.d.e.f.g.h", 8)] {
        let mut covering = Vec::new();
        name::for_each_covering(Name::new(text.as_bytes()).unwrap(), |c| {
            let mut pattern = text.as_bytes()[..c.stem].to_vec();
            pattern.extend(match c.tail {
                name::Tail::Exact => &b""[..],
                name::Tail::Child => b"%",
                name::Tail::Subtree => b"*",
            });
            assert!(model::matches(&pattern, text.as_bytes()));
            assert_eq!(c.hash, Pattern::new(&pattern[..]).unwrap().covering().hash);
            covering.push(pattern);
        });
        assert_eq!(covering.len(), words + 2, "{text}");
        covering.sort();
        covering.dedup();
        assert_eq!(covering.len(), words + 2, "{text}: one of them twice");
    }
}

#[test]
fn the_names_of_the_bus_itself_are_valid() {
    use crate::bus::id::MsgId;
    use crate::bus::synthetic::{BindEvent, Kind, Synthetic};
    assert_eq!(sendable(BindEvent::name().text()), Ok(()));
    let kinds = [
        Kind::GoneAway,
        Kind::Ignored,
        Kind::Unbound,
        Kind::Disappeared,
        Kind::ErrorSending,
        Kind::EventsLost,
    ];
    for kind in kinds {
        let synthetic = Synthetic {
            kind,
            id: MsgId::NONE,
            in_reply_to: MsgId::NONE,
            from: None,
            to: None,
        };
        assert_eq!(sendable(synthetic.name()), Ok(()));
    }
}
