// SPDX-License-Identifier: GPL-2.0-only
//! What the index of bindings is asked for when patterns that cover a name are looked for (5.1),
//! and the names that the bus itself uses (2.7).

use crate::bus::name::{self, Name, Pattern};
use crate::model;

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
    assert_eq!(Name::new(BindEvent::name().text()).map(drop), Ok(()));
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
            from: 0,
            to: 0,
        };
        assert_eq!(Name::new(synthetic.name()).map(drop), Ok(()));
    }
}
