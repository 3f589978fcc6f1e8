// SPDX-License-Identifier: GPL-2.0
//! The rules of the bus one by one, each with what the specification (`§`) says in so many
//! words. All of it runs beside the model as well, which must agree.

use crate::bus::{self, error::BusError, name};
use crate::model::{self, Errno::*, Id, Msg};
use crate::model::{ALL_OR_FAIL, ALL_OR_WAIT, SYNTHETIC, URGENT, WANT_A_REPLY, WANT_YOU_TO_REPLY};
use crate::world::World;

const LISTENER: u32 = 0;
const REPLIER: u32 = 1;
const EVENT: &[u8] = model::BIND_EVENT;

pub fn announcement(name: &str) -> Msg {
    Msg {
        name: name.into(),
        ..Msg::default()
    }
}

pub fn request(name: &str) -> Msg {
    Msg {
        flags: WANT_A_REPLY,
        ..announcement(name)
    }
}

pub fn reply_to(request: &Msg) -> Msg {
    Msg {
        to: request.from,
        in_reply_to: request.id,
        name: request.name.clone(),
        ..Msg::default()
    }
}

pub fn with(flags: u32, msg: Msg) -> Msg {
    Msg {
        flags: msg.flags | flags,
        ..msg
    }
}

pub fn to(ksock: u32, msg: Msg) -> Msg {
    Msg { to: ksock, ..msg }
}

pub fn known_as(id: Id, msg: Msg) -> Msg {
    Msg { id, ..msg }
}

pub fn saying(data: &[u8], msg: Msg) -> Msg {
    Msg {
        data: data.to_vec(),
        ..msg
    }
}

/// Names and ids of messages.
fn ids(messages: &[Msg]) -> Vec<u32> {
    messages.iter().map(|msg| msg.id.1).collect()
}

fn marks(messages: &[Msg]) -> Vec<bool> {
    let marked = |msg: &Msg| msg.flags & WANT_YOU_TO_REPLY != 0;
    messages.iter().map(marked).collect()
}

pub fn answers(messages: &[Msg]) -> Vec<(String, u32)> {
    let answer = |msg: &Msg| {
        let name = msg.name.escape_ascii().to_string();
        (name.replace("$.KBUS.Replier.", ""), msg.in_reply_to.1)
    };
    messages.iter().map(answer).collect()
}

fn answer(name: &str, id: u32) -> (String, u32) {
    (name.into(), id)
}

/// What the data of a bind event say: is_bind, binder, name.
pub fn event(msg: &Msg) -> (u32, u32, Vec<u8>) {
    assert_eq!(msg.name, EVENT);
    assert_eq!(msg.flags, 0x204);
    assert_eq!((msg.from, msg.to, msg.in_reply_to), (0, 0, (0, 0)));
    let word = |n: usize| u32::from_ne_bytes(msg.data[4 * n..4 * n + 4].try_into().unwrap());
    let len = word(2) as usize;
    assert_eq!(msg.data.len(), 12 + (len + 4) / 4 * 4);
    (word(0), word(1), msg.data[12..12 + len].to_vec())
}

pub fn lost(msg: &Msg) -> bool {
    msg.name == model::EVENTS_LOST
}

// ---------------------------------------------------------------------------------------------
// Names

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
        assert!(name::check(good).is_ok(), "{}", good.escape_ascii());
        assert_eq!(name::check_for_sending(good), Ok(()));
    }
    for wild in ["$.*", "$.%", "$.a.*", "$.a.%", "$.a.b.%"] {
        assert!(name::check(wild.as_bytes()).is_ok(), "{wild}");
        let sending = name::check_for_sending(wild.as_bytes());
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
        assert_eq!(name::check(bad), Err(BusError::BadName), "{text}");
        assert_eq!(
            name::check_for_sending(bad),
            Err(BusError::BadName),
            "{text}"
        );
    }
    for too_long in [long(1001), vec![b'#'; 1001], vec![0; 10_000]] {
        assert_eq!(name::check(&too_long), Err(BusError::NameTooLong));
        assert_eq!(
            name::check_for_sending(&too_long),
            Err(BusError::NameTooLong)
        );
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
        name::for_each_covering(text.as_bytes(), |c| {
            let mut pattern = text.as_bytes()[..c.stem].to_vec();
            pattern.extend(match c.tail {
                name::Tail::Exact => &b""[..],
                name::Tail::Child => b"%",
                name::Tail::Subtree => b"*",
            });
            assert!(model::matches(&pattern, text.as_bytes()));
            assert_eq!(c.hash, name::hash(&pattern));
            covering.push(pattern);
        });
        assert_eq!(covering.len(), words + 2, "{text}");
        covering.sort();
        covering.dedup();
        assert_eq!(covering.len(), words + 2, "{text}: one of them twice");
    }
}

// ---------------------------------------------------------------------------------------------
// BIND, UNBIND, REPLIER

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

// ---------------------------------------------------------------------------------------------
// Who gets it

#[test]
fn s5_2_exact_before_child_before_subtree_and_the_newest_subtree() {
    let mut world = World::with(7);
    let who = |world: &mut World, name: &str| {
        world.drain(1);
        world.send(1, &request(name)).unwrap();
        let mut asked = world.model.open_ksocks();
        asked.retain(|&ksock| world.model.num_msgs(ksock) > 0);
        assert_eq!(asked.len(), 1);
        let msg = world.next(asked[0]).unwrap();
        assert_ne!(msg.flags & WANT_YOU_TO_REPLY, 0);
        asked[0]
    };
    world.bind(2, REPLIER, b"$.A.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 2);
    world.bind(3, REPLIER, b"$.A.%").unwrap();
    world.bind(4, REPLIER, b"$.A.x").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 4);
    assert_eq!(who(&mut world, "$.A.z"), 3);
    assert_eq!(who(&mut world, "$.A.x.y"), 2);
    // The age of an exact one, or of a child, does not matter; nor does a subtree's depth.
    world.bind(5, REPLIER, b"$.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x"), 4);
    assert_eq!(who(&mut world, "$.A.z"), 3);
    assert_eq!(who(&mut world, "$.A.x.y"), 5);
    world.bind(6, REPLIER, b"$.A.x.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x.y"), 6);
    world.unbind(2, REPLIER, b"$.A.*").unwrap();
    world.bind(7, REPLIER, b"$.A.*").unwrap();
    assert_eq!(who(&mut world, "$.A.x.y"), 7);
    world.close(7);
    assert_eq!(who(&mut world, "$.A.x.y"), 6);
    world.end();
}

#[test]
fn s5_2_a_replier_hears_nothing_but_requests() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(1, REPLIER, b"$.B").unwrap();
    world.send(3, &announcement("$.A")).unwrap();
    world.send(3, &request("$.B")).unwrap();
    let asked = world.next(1).unwrap();
    let mut reply = reply_to(&asked);
    reply.name = b"$.A".to_vec();
    world.send(1, &reply).unwrap();
    assert_eq!(world.next(2), None);
    assert_eq!(world.drain(3).len(), 1);
    // Replier and listener: an announcement comes once.
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.send(3, &announcement("$.A")).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    world.end();
}

#[test]
fn s5_4_6_the_copy_to_answer_first_then_the_listeners() {
    let mut world = World::with(3);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    let id = world.send(1, &request("$.A")).unwrap();
    let copies = world.drain(2);
    assert_eq!(marks(&copies), [true, false, false]);
    assert!(copies.iter().all(|msg| msg.id == id && msg.from == 1));
    assert_eq!(marks(&world.drain(3)), [false]);
    assert_eq!(world.model.unreplied_to(2), 1);
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
fn a_message_to_nobody_is_sent() {
    let mut world = World::with(1);
    assert_eq!(world.send(1, &announcement("$.A")), Ok((0, 1)));
    assert_eq!(world.next(1), None);
    world.end();
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

// ---------------------------------------------------------------------------------------------
// Room

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

#[test]
fn s4_2_a_reply_that_wants_a_reply() {
    let mut world = World::with(2);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.bind(2, REPLIER, b"$.B").unwrap();
    world.send(1, &request("$.B")).unwrap();
    let asked = world.next(2).unwrap();
    let mut reply = with(WANT_A_REPLY, reply_to(&asked));
    reply.name = b"$.A".to_vec();
    world.send(2, &reply).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let copies = world.drain(1);
    assert_eq!(marks(&copies), [false, true]);
    world.send(1, &reply_to(&copies[1])).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    world.end();
}

// ---------------------------------------------------------------------------------------------
// Urgent; only once

#[test]
fn s5_5_urgent_messages_go_to_the_head_and_later_ones_before_earlier() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    for (n, flags) in [0, URGENT, 0, URGENT].into_iter().enumerate() {
        let id = world.send(1, &with(flags, announcement("$.A"))).unwrap();
        assert_eq!(id, (0, n as u32 + 1));
    }
    let read = world.drain(2);
    assert_eq!(ids(&read), [4, 2, 1, 3]);
    assert_eq!(read[0].flags & URGENT, URGENT);
    assert_eq!(read[2].flags & URGENT, 0);
    world.end();
}

#[test]
fn s5_5_copies_of_one_urgent_message_end_up_reversed() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.send(1, &announcement("$.A")).unwrap();
    world.send(1, &with(URGENT, request("$.A"))).unwrap();
    let read = world.drain(2);
    assert_eq!(ids(&read), [2, 2, 2, 1, 1]);
    assert_eq!(marks(&read), [false, false, true, false, false]);
    world.end();
}

#[test]
fn s5_5_messages_only_once() {
    let mut world = World::with(2);
    for _ in 0..3 {
        world.bind(2, LISTENER, b"$.A").unwrap();
    }
    assert!(!world.only_once(2, None));
    assert!(!world.only_once(2, Some(true)));
    assert!(world.only_once(2, None));
    assert!(world.only_once(2, Some(true)));
    world.send(1, &announcement("$.A")).unwrap();
    assert_eq!(world.drain(2).len(), 1);
    // The copy to answer is the one that is kept.
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    assert_eq!(marks(&world.drain(2)), [true]);
    assert!(world.only_once(2, Some(false)));
    world.send(1, &request("$.A")).unwrap();
    assert_eq!(marks(&world.drain(2)), [true, false, false, false]);
    world.end();
}

#[test]
fn s5_5_only_once_keeps_the_copy_of_the_newest_binding() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.bind(2, LISTENER, b"$.%").unwrap();
    world.only_once(2, Some(true));
    for (unbound, left) in [("$.A", 1), ("$.*", 1), ("$.%", 0)] {
        world.send(1, &announcement("$.A")).unwrap();
        world.unbind(2, LISTENER, unbound.as_bytes()).unwrap();
        assert_eq!(world.drain(2).len(), left, "{unbound}");
        world.bind(2, LISTENER, unbound.as_bytes()).unwrap();
        // Now the one just made is the newest.
        world.send(1, &announcement("$.A")).unwrap();
        world.unbind(2, LISTENER, unbound.as_bytes()).unwrap();
        assert_eq!(world.drain(2).len(), 0, "{unbound}");
        world.bind(2, LISTENER, unbound.as_bytes()).unwrap();
        // And back into the old order.
        for pattern in ["$.A", "$.*", "$.%"] {
            world.unbind(2, LISTENER, pattern.as_bytes()).unwrap();
            world.bind(2, LISTENER, pattern.as_bytes()).unwrap();
        }
    }
    world.end();
}

#[test]
fn s5_5_only_once_looks_at_the_last_id_only() {
    let mut world = World::with(2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.only_once(2, Some(true));
    let twin = known_as((5, 1), announcement("$.A"));
    // Two different messages with the same id count as one, read or not…
    world.send(1, &twin).unwrap();
    world.next(2).unwrap();
    world
        .send(1, &known_as((5, 1), announcement("$.B")))
        .unwrap();
    assert_eq!(world.next(2), None);
    // …unless something came in between.
    world.send(1, &announcement("$.C")).unwrap();
    world.send(1, &twin).unwrap();
    assert_eq!(world.drain(2).len(), 2);
    // What came while the option was off counts.
    world.only_once(2, Some(false));
    world.send(1, &twin).unwrap();
    world.send(1, &twin).unwrap();
    world.only_once(2, Some(true));
    world.send(1, &twin).unwrap();
    assert_eq!(world.drain(2).len(), 2);
    world.end();
}

#[test]
fn s5_5_only_once_keeps_the_answer_when_the_requester_listens_too() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(1, LISTENER, b"$.Answer").unwrap();
    for (once, copies) in [(false, 2), (true, 1)] {
        world.only_once(1, Some(once));
        world.send(1, &request("$.A")).unwrap();
        let asked = world.next(2).unwrap();
        let mut reply = reply_to(&asked);
        reply.name = b"$.Answer".to_vec();
        world.send(2, &reply).unwrap();
        world.unbind(1, LISTENER, b"$.Answer").unwrap();
        assert_eq!(world.model.num_msgs(1), 1, "the answer is no binding's");
        world.bind(1, LISTENER, b"$.Answer").unwrap();
        world.drain(1);
        world.send(1, &request("$.A")).unwrap();
        let asked = world.next(2).unwrap();
        let mut reply = reply_to(&asked);
        reply.name = b"$.Answer".to_vec();
        world.send(2, &reply).unwrap();
        assert_eq!(world.drain(1).len(), copies);
    }
    world.end();
}

// ---------------------------------------------------------------------------------------------
// Requests and answers

#[test]
fn a_request_and_its_answer() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.*").unwrap();
    let id = world.send(1, &saying(b"ask", request("$.A"))).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let asked = world.next(2).unwrap();
    assert_eq!(world.model.unreplied_to(2), 1);
    let reply = saying(b"answer", reply_to(&asked));
    let answered = world.send(2, &reply).unwrap();
    assert_eq!(world.model.unreplied_to(2), 0);
    let read = world.drain(1);
    assert_eq!(read.len(), 1);
    assert_eq!(
        read[0],
        Msg {
            id: answered,
            in_reply_to: id,
            to: 1,
            from: 2,
            name: b"$.A".to_vec(),
            data: b"answer".to_vec(),
            ..Msg::default()
        }
    );
    assert_eq!(ids(&world.drain(3)), [id.1, answered.1]);
    assert_eq!(world.drain(2), []);
    assert_eq!(world.send(2, &reply), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s5_6_answers_in_any_order_under_any_name_after_unbinding() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    let asked = world.drain(2);
    world.unbind(2, REPLIER, b"$.A").unwrap();
    for n in [1, 2, 0] {
        let mut reply = reply_to(&asked[n]);
        reply.name = b"$.Other.Name".to_vec();
        world.send(2, &reply).unwrap();
    }
    let read: Vec<u32> = world.drain(1).iter().map(|m| m.in_reply_to.1).collect();
    assert_eq!(read, [2, 3, 1]);
    assert_eq!(world.model.unreplied_to(2), 0);
    world.end();
}

#[test]
fn s5_6_requests_to_oneself() {
    let mut world = World::with(1);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(1).unwrap();
    world.send(1, &reply_to(&asked)).unwrap();
    assert_eq!(world.drain(1).len(), 1);
    // Unbound is delivered to oneself.
    let id = world.send(1, &request("$.A")).unwrap();
    world.unbind(1, REPLIER, b"$.A").unwrap();
    assert_eq!(answers(&world.drain(1)), [answer("Unbound", id.1)]);
    // On close nothing is needed, and nothing is left.
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.next(1).unwrap();
    world.end();
}

#[test]
fn s5_6_whoever_names_the_right_id_is_believed_and_nobody_answers_twice() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    // Answered by another while it is queued; the replier then closes.
    let id = world.send(1, &request("$.A")).unwrap();
    let known = Msg {
        id,
        from: 1,
        ..request("$.A")
    };
    world.send(3, &reply_to(&known)).unwrap();
    assert_eq!(world.drain(1).len(), 1);
    let asked = world.next(2).unwrap();
    assert_eq!(world.model.unreplied_to(2), 1);
    assert_eq!(world.send(2, &reply_to(&asked)), Err(ECONNREFUSED));
    // Answered by another while it is owed.
    let id = world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    world.send(3, &reply_to(&asked)).unwrap();
    assert_eq!(world.model.unreplied_to(2), 2, "only its own answers count");
    assert_eq!(world.drain(1)[0].in_reply_to, id);
    // And one more, that nobody answers.
    let id = world.send(1, &request("$.A")).unwrap();
    world.close(2);
    assert_eq!(answers(&world.drain(1)), [answer("GoneAway", id.1)]);
    // The same for unbinding.
    world.bind(4, REPLIER, b"$.A").unwrap();
    let id = world.send(1, &request("$.A")).unwrap();
    let known = Msg {
        id,
        from: 1,
        ..request("$.A")
    };
    world.send(3, &reply_to(&known)).unwrap();
    world.drain(1);
    world.unbind(4, REPLIER, b"$.A").unwrap();
    assert_eq!(world.drain(1), []);
    world.end();
}

#[test]
fn s5_6_the_same_id_asked_twice_is_owed_two_answers() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.B").unwrap();
    let twin = |name| known_as((8, 8), request(name));
    world.send(1, &twin("$.A")).unwrap();
    world.send(1, &twin("$.B")).unwrap();
    world.send(1, &twin("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    // A stranger answers one; the others are still due.
    world.send(4, &reply_to(&asked)).unwrap();
    world.send(4, &reply_to(&asked)).unwrap();
    world.close(2);
    world.close(3);
    assert_eq!(world.drain(1).len(), 3);
    assert_eq!(world.send(4, &reply_to(&asked)), Err(ECONNREFUSED));
    world.end();
}

#[test]
fn s5_6_if_the_requester_has_closed_the_debt_stays() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    world.close(1);
    assert_eq!(world.send(2, &reply_to(&asked)), Err(EADDRNOTAVAIL));
    assert_eq!(world.model.unreplied_to(2), 1);
    assert!(world.next(2).is_some());
    assert_eq!(world.model.unreplied_to(2), 2);
    // A new ksock is not taken for the old one.
    assert_eq!(world.open(), 4);
    world.close(2);
    assert_eq!(world.drain(4), []);
    world.end();
}

#[test]
fn stateful_requests_go_to_the_same_replier_or_fail() {
    // Behaviours 150 to 152.
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    assert!(world.send(1, &to(2, request("$.A"))).is_ok());
    assert_eq!(marks(&world.drain(2)), [true]);
    world.unbind(2, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send(1, &to(2, request("$.A"))), Err(EADDRNOTAVAIL));
    world.bind(3, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send(1, &to(2, request("$.A"))), Err(EPIPE));
    world.end();
}

// ---------------------------------------------------------------------------------------------
// What KBUS says itself

#[test]
fn s6_2_status_messages_field_by_field() {
    let mut world = World::with(3);
    let said = |name: &[u8], id, in_reply_to| Msg {
        id: (0, id),
        in_reply_to: (0, in_reply_to),
        to: 1,
        from: 2,
        flags: SYNTHETIC,
        name: name.to_vec(),
        ..Msg::default()
    };
    world.bind(3, LISTENER, b"$.KBUS.*").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &with(URGENT, to(2, request("$.A")))).unwrap();
    world.unbind(2, REPLIER, b"$.A").unwrap();
    let read = world.drain(1);
    // The queue's order: the urgent one first.
    assert_eq!(
        read,
        [
            said(b"$.KBUS.Replier.Unbound", 3, 2),
            said(b"$.KBUS.Replier.Unbound", 4, 1)
        ]
    );
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.send(1, &to(2, request("$.A"))).unwrap();
    world.next(2).unwrap();
    world.close(2);
    let read = world.drain(1);
    assert_eq!(
        read,
        [
            said(b"$.KBUS.Replier.GoneAway", 7, 6),
            said(b"$.KBUS.Replier.Ignored", 8, 5)
        ]
    );
    assert_eq!(world.drain(3), [], "listeners never see them");
    // The places are free again.
    world.bind(3, REPLIER, b"$.A").unwrap();
    world.max_msgs(1, 1);
    assert!(world.send(1, &request("$.A")).is_ok());
    world.end();
}

#[test]
fn s6_1_status_messages_come_however_full_the_requester_is() {
    let mut world = World::with(3);
    world.bind(1, LISTENER, b"$.News").unwrap();
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    world.send(3, &announcement("$.News")).unwrap();
    world.max_msgs(1, 1);
    world.next(2).unwrap();
    world.close(2);
    assert_eq!(ids(&world.drain(1)), [4, 5, 6, 7]);
    world.end();
}

#[test]
fn s9_1_what_one_requester_sees_of_a_close() {
    // The example of 9.1.
    let mut world = World::with(2);
    world.report(1, Some(true)).unwrap();
    world.bind(2, REPLIER, b"$.Older").unwrap();
    world.bind(2, REPLIER, b"$.Newer").unwrap();
    world.bind(1, LISTENER, EVENT).unwrap();
    for name in ["$.Older", "$.Newer", "$.Older", "$.Newer"] {
        world.send(1, &request(name)).unwrap();
    }
    let (third, fourth) = (world.next(2).unwrap().id.1, world.next(2).unwrap().id.1);
    world.close(2);
    let read = world.drain(1);
    assert_eq!(read.len(), 6);
    assert_eq!(
        answers(&read[..2]),
        [
            answer("GoneAway", fourth + 1),
            answer("GoneAway", fourth + 2)
        ]
    );
    assert_eq!(event(&read[2]), (0, 2, b"$.Newer".to_vec()));
    assert_eq!(event(&read[3]), (0, 2, b"$.Older".to_vec()));
    assert_eq!(
        answers(&read[4..]),
        [answer("Ignored", fourth), answer("Ignored", third)]
    );
    world.end();
}

#[test]
fn s9_1_the_requests_of_who_closes_stay_with_their_repliers() {
    let mut world = World::with(3);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.send(1, &request("$.A")).unwrap();
    world.bind(1, REPLIER, b"$.B").unwrap();
    world.send(3, &request("$.B")).unwrap();
    world.close(1);
    assert_eq!(answers(&world.drain(3)), [answer("GoneAway", 2)]);
    let asked = world.next(2).unwrap();
    assert_eq!(world.send(2, &reply_to(&asked)), Err(EADDRNOTAVAIL));
    assert_eq!(world.send(3, &request("$.B")), Err(EADDRNOTAVAIL));
    world.end();
}

#[test]
fn an_unpopped_request_of_another_binding_survives_an_unbind() {
    let mut world = World::with(2);
    world.bind(2, REPLIER, b"$.A.x").unwrap();
    world.bind(2, REPLIER, b"$.A.*").unwrap();
    world.bind(2, LISTENER, b"$.A.x").unwrap();
    let x = world.send(1, &request("$.A.x")).unwrap();
    let y = world.send(1, &request("$.A.y")).unwrap();
    world.unbind(2, REPLIER, b"$.A.x").unwrap();
    assert_eq!(answers(&world.drain(1)), [answer("Unbound", x.1)]);
    let left = world.drain(2);
    assert_eq!(ids(&left), [x.1, y.1]);
    assert_eq!(marks(&left), [false, true]);
    world.end();
}

// ---------------------------------------------------------------------------------------------
// Bind events

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

/// A ksock with so many repliers, and so many that listen to events, with room for one each.
fn crowd(repliers: usize, listeners: u32) -> World {
    let mut world = World::with(1 + listeners);
    for n in 0..repliers {
        let name = format!("$.R{n}");
        world.bind(1, REPLIER, name.as_bytes()).unwrap();
    }
    for ksock in 2..=1 + listeners {
        world.bind(ksock, LISTENER, EVENT).unwrap();
        world.max_msgs(ksock, 1);
    }
    // The replay goes to a ksock that does not listen and is not there for long.
    let passer_by = world.open();
    world.max_msgs(passer_by, 1);
    let _ = world.report(passer_by, Some(true));
    world.close(passer_by);
    world
}

#[test]
fn s6_5_events_that_cannot_be_delivered_are_set_aside() {
    // Behaviours 276 and 277.
    let mut world = crowd(0, 1);
    world.bind(1, REPLIER, b"$.A").unwrap();
    world.close(1);
    assert_eq!(world.model.num_msgs(2), 2);
    assert_eq!(world.model.set_aside(), 1);
    assert_eq!(event(&world.next(2).unwrap()), (1, 1, b"$.A".to_vec()));
    assert_eq!(world.model.num_msgs(2), 1);
    assert!(world.poll(2).0);
    assert_eq!(event(&world.next(2).unwrap()), (0, 1, b"$.A".to_vec()));
    assert_eq!(world.next(2), None);
    world.end();
}

#[test]
fn s6_5_the_arithmetic_of_one_listener() {
    let mut world = crowd(2000, 1);
    world.close(1);
    assert_eq!(world.model.num_msgs(2), 1002);
    let read = world.drain(2);
    for (n, msg) in read[..1001].iter().enumerate() {
        assert_eq!(event(msg), (0, 1, format!("$.R{}", 1999 - n).into_bytes()));
    }
    let last = &read[1001];
    assert!(lost(last));
    assert_eq!((last.flags, last.from, last.to), (SYNTHETIC, 0, 0));
    assert_eq!((last.in_reply_to, last.data.len()), ((0, 0), 0));
    assert_eq!(world.next(2), None);
    world.end();
}

#[test]
fn s6_5_the_arithmetic_of_two_listeners() {
    let mut world = crowd(2000, 2);
    world.close(1);
    let (two, three) = (world.drain(2), world.drain(3));
    assert_eq!((two.len(), three.len()), (502, 502));
    assert_eq!(two, three, "ids and all");
    assert!(lost(two.last().unwrap()));
    world.end();
}

#[test]
fn s6_5_who_has_room_waits_with_who_has_not() {
    let mut world = crowd(2, 2);
    world.max_msgs(3, 100);
    // 2 is full with the first; the second is set aside for both.
    world.close(1);
    assert_eq!(world.model.set_aside(), 2);
    assert_eq!((world.model.num_msgs(2), world.model.num_msgs(3)), (2, 2));
    assert_eq!(world.drain(2), world.drain(3));
    world.end();
}

#[test]
fn s6_5_set_aside_though_the_queue_is_empty() {
    // [FIX] of 3.5 and 6.5: poll tells of them and NEXTMSG finds them.
    let mut world = crowd(1, 1);
    world.bind(1, REPLIER, b"$.Mine").unwrap();
    world.drain(2);
    world.send(2, &request("$.Mine")).unwrap();
    world.open();
    world.bind(4, LISTENER, EVENT).unwrap();
    // No room at 2: its one place is kept for the answer. Ignored comes too.
    world.next(1).unwrap();
    world.close(1);
    assert!(world.poll(2).0 && world.poll(4).0);
    assert_eq!((world.drain(2).len(), world.drain(4).len()), (3, 2));
    world.end();
}

#[test]
fn s6_5_when_all_is_read_the_tragedy_is_over() {
    let mut world = crowd(1500, 1);
    world.close(1);
    assert!(world
        .stats()
        .contains("unsent unbindings 1001(gone tragic)"));
    // Events that find room are delivered in the middle of it.
    for _ in 0..1000 {
        world.next(2).unwrap();
    }
    assert!(world.stats().contains("unsent unbindings 1(gone tragic)"));
    world.max_msgs(2, 10);
    world.open();
    world.bind(4, REPLIER, b"$.A").unwrap();
    world.close(4);
    world.next(2).unwrap();
    assert!(world.stats().contains("unsent unbindings 0\n"));
    let read = world.drain(2);
    assert_eq!(read.iter().filter(|msg| lost(msg)).count(), 1);
    world.end();
}

#[test]
fn s6_5_who_read_that_events_were_lost_is_told_again() {
    let mut world = crowd(1200, 2);
    // 3 reads all, 2 nothing: the list is not empty, so the tragedy goes on.
    world.close(1);
    assert!(lost(world.drain(3).last().unwrap()));
    for again in 0..2 {
        let id = world.open();
        world.report(id, Some(false)).unwrap();
        world.bind(id, REPLIER, b"$.A").unwrap();
        world.max_msgs(id, 1);
        let _ = world.report(id, Some(true));
        world.close(id);
        let read = world.drain(3);
        assert_eq!(read.len(), 1, "time {again}");
        assert!(lost(&read[0]));
    }
    world.end();
}

#[test]
fn s6_5_who_unbound_the_news_of_the_loss_is_told_again() {
    let mut world = crowd(600, 1);
    world.bind(2, LISTENER, b"$.KBUS.*").unwrap();
    world.close(1);
    assert!(world.stats().contains("(gone tragic)"));
    // The news goes with the newest binding; what the other one attracted stays.
    world.unbind(2, LISTENER, b"$.KBUS.*").unwrap();
    let id = world.open();
    world.report(id, Some(false)).unwrap();
    world.bind(id, REPLIER, b"$.A").unwrap();
    world.max_msgs(id, 1);
    world.report(id, Some(true)).unwrap();
    world.close(id);
    let read = world.drain(2);
    assert_eq!(read.iter().filter(|msg| lost(msg)).count(), 1);
    assert!(lost(read.last().unwrap()));
    world.end();
}

#[test]
fn s9_1_a_closing_ksock_does_not_hear_of_itself() {
    // More than 100 repliers of its own, and it listens itself ([FIX] of 9.1).
    let mut world = crowd(150, 1);
    world.max_msgs(2, 200);
    world.bind(1, LISTENER, b"$.*").unwrap();
    world.bind(1, LISTENER, EVENT).unwrap();
    world.close(1);
    assert_eq!(world.model.set_aside(), 0);
    assert_eq!(world.drain(2).len(), 150);
    world.end();
}

#[test]
fn unbinding_drops_what_was_set_aside_for_the_binding() {
    let mut world = crowd(5, 2);
    world.bind(2, LISTENER, b"$.*").unwrap();
    world.close(1);
    let all = world.model.num_msgs(2);
    world.unbind(2, LISTENER, b"$.*").unwrap();
    assert!(world.model.num_msgs(2) < all);
    world.unbind(2, LISTENER, EVENT).unwrap();
    assert_eq!(world.model.num_msgs(2), 0);
    assert_eq!(world.drain(3).len(), 5);
    assert_eq!(world.model.set_aside(), 0);
    world.end();
}

#[test]
fn unbinding_counts_what_was_set_aside_and_has_moved_in_since() {
    let mut world = crowd(8, 1);
    world.bind(2, LISTENER, b"$.KBUS.*").unwrap();
    world.max_msgs(2, 2);
    // Two copies of the first event in the queue, and two each of seven others set aside.
    world.close(1);
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (16, 14));
    for _ in 0..3 {
        world.next(2).unwrap();
    }
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (13, 11));
    world.unbind(2, LISTENER, b"$.KBUS.*").unwrap();
    // Of the two that had moved in one is gone, and one more moves in.
    assert_eq!((world.model.num_msgs(2), world.model.set_aside()), (7, 5));
    world.end();
}

#[test]
fn behaviour_285_two_thousand_repliers_reported_to_who_reads() {
    let mut world = crowd(0, 2);
    for n in 0..500 {
        world
            .bind(1, REPLIER, format!("$.R{n}").as_bytes())
            .unwrap();
        assert_eq!(world.drain(2), world.drain(3));
    }
    world.end();
}

// ---------------------------------------------------------------------------------------------
// ALL_OR_WAIT

/// 1 waits to tell 2, which is full.
fn waiting(msg: &Msg) -> World {
    let mut world = World::with(4);
    let name = &msg.name;
    if msg.flags & WANT_A_REPLY != 0 {
        world.bind(2, REPLIER, name).unwrap();
    }
    world.bind(2, LISTENER, name).unwrap();
    world.max_msgs(2, 1);
    let filler = Msg {
        name: name.clone(),
        ..Msg::default()
    };
    world.send(3, &filler).unwrap();
    assert_eq!(world.send(1, &with(ALL_OR_WAIT, msg.clone())), Err(EAGAIN));
    assert_eq!(world.model.last_sent(1), (0, 2));
    world
}

#[test]
fn s7_a_pending_message_goes_out_from_poll() {
    let mut world = waiting(&announcement("$.A"));
    assert_eq!(world.poll(1), (false, false));
    let woken = world.wakes(1);
    assert_eq!(world.next(2).unwrap().id, (0, 1));
    assert_eq!(world.wakes(1), woken + 1);
    assert_eq!(world.model.num_msgs(2), 0, "nothing goes out by itself");
    assert!(!world.poll_for_reading(1));
    assert_eq!(world.model.num_msgs(2), 0, "nor for who may not write");
    assert_eq!(world.poll(1), (false, true));
    assert_eq!(world.next(2).unwrap().id, (0, 2));
    assert_eq!(world.model.last_sent(1), (0, 2));
    world.end();
}

#[test]
fn s7_a_pending_message_goes_out_from_send() {
    let mut world = waiting(&announcement("$.A"));
    assert_eq!(world.send_again(1), Err(EAGAIN));
    world.next(2).unwrap();
    assert_eq!(world.send_again(1), Ok((0, 2)));
    assert_eq!(world.send_again(1), Err(ENOMSG));
    assert_eq!(world.next(2).unwrap().id, (0, 2));
    world.end();
}

#[test]
fn s7_discard_ends_the_wait() {
    let mut world = waiting(&request("$.A"));
    world.discard(1);
    assert_eq!(world.poll(1), (false, true));
    world.next(2).unwrap();
    assert_eq!(world.poll(1), (false, true));
    assert_eq!(world.drain(2), []);
    assert_eq!(
        world.send(1, &announcement("$.B")),
        Ok((0, 3)),
        "the id stays used"
    );
    world.discard(1);
    world.end();
}

#[test]
fn s7_poll_looks_for_messages_after_the_retry() {
    // [FIX] of 3.5: the retry puts a message on the poller's own queue.
    let mut world = waiting(&announcement("$.A"));
    world.bind(1, LISTENER, b"$.A").unwrap();
    world.next(2).unwrap();
    assert_eq!(world.poll(1), (true, true));
    world.end();
}

#[test]
fn s7_the_replier_of_a_pending_request_disappears() {
    for unbind in [true, false] {
        let mut world = waiting(&request("$.A"));
        let woken = world.wakes(1);
        if unbind {
            world.unbind(2, REPLIER, b"$.A").unwrap();
        } else {
            world.close(2);
        }
        assert!(world.wakes(1) > woken);
        assert_eq!(world.poll(1), (true, true));
        let read = world.drain(1);
        assert_eq!(read.len(), 1);
        let expected = Msg {
            id: read[0].id,
            in_reply_to: (0, 2),
            to: 1,
            flags: SYNTHETIC,
            name: b"$.KBUS.Replier.Disappeared".to_vec(),
            ..Msg::default()
        };
        assert_eq!(read[0], expected);
        world.end();
    }
}

#[test]
fn s7_the_replier_of_a_pending_stateful_request_is_replaced() {
    let mut world = waiting(&to(2, request("$.A")));
    world.unbind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.A").unwrap();
    assert_eq!(world.poll(1), (true, true));
    let read = world.drain(1);
    assert_eq!(read.len(), 1);
    let expected = Msg {
        id: read[0].id,
        in_reply_to: (0, 2),
        to: 1,
        flags: SYNTHETIC,
        name: b"$.KBUS.ErrorSending".to_vec(),
        ..Msg::default()
    };
    assert_eq!(read[0], expected);
    world.end();
}

#[test]
fn s7_from_send_the_failure_is_the_answer() {
    let mut world = waiting(&request("$.A"));
    world.unbind(2, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send_again(1), Err(EADDRNOTAVAIL));
    assert_eq!(world.poll(1), (false, true));
    world.end();
    let mut world = waiting(&to(2, request("$.A")));
    world.unbind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.A").unwrap();
    assert_eq!(world.send_again(1), Err(EPIPE));
    assert_eq!(world.poll(1), (false, true));
    world.end();
}

#[test]
fn s7_the_place_for_the_answer_is_asked_for_again_by_send_but_not_by_poll() {
    for again in [true, false] {
        let mut world = waiting(&request("$.A"));
        world.bind(1, LISTENER, b"$.Me").unwrap();
        world.max_msgs(1, 1);
        world.send(3, &announcement("$.Me")).unwrap();
        world.drain(2);
        if again {
            assert_eq!(world.send_again(1), Err(ENOLCK));
            assert_eq!(world.drain(2), []);
            assert_eq!(world.poll(1), (true, true));
        } else {
            assert_eq!(world.poll(1), (true, true));
            let asked = world.drain(2);
            assert_eq!(marks(&asked), [true, false]);
        }
        world.end();
    }
}

#[test]
fn s7_a_pending_reply_whose_requester_goes() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.max_msgs(3, 1);
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    assert_eq!(
        world.send(2, &with(ALL_OR_WAIT, reply_to(&asked))),
        Err(EAGAIN)
    );
    world.close(1);
    assert_eq!(world.poll(2), (true, true));
    let news = world.next(2).unwrap();
    assert_eq!(news.name, model::DISAPPEARED);
    assert_eq!(news.in_reply_to, (0, 2), "its own reply's id");
    world.end();
}

#[test]
fn s7_a_pending_reply_that_another_gave_vanishes() {
    let mut world = World::with(4);
    world.bind(2, REPLIER, b"$.A").unwrap();
    world.bind(3, LISTENER, b"$.A").unwrap();
    world.max_msgs(3, 1);
    world.send(1, &request("$.A")).unwrap();
    let asked = world.next(2).unwrap();
    assert_eq!(
        world.send(2, &with(ALL_OR_WAIT, reply_to(&asked))),
        Err(EAGAIN)
    );
    let woken = world.wakes(2);
    world.send(4, &reply_to(&asked)).unwrap();
    assert!(
        world.wakes(2) > woken,
        "there is nothing to wait for any more"
    );
    assert_eq!(world.poll(2), (false, true));
    assert_eq!(world.drain(1).len(), 1);
    world.end();
}

#[test]
fn s7_routing_is_done_afresh_at_each_retry() {
    let mut world = waiting(&request("$.A"));
    world.bind(3, REPLIER, b"$.B").unwrap();
    world.unbind(2, REPLIER, b"$.A").unwrap();
    world.unbind(2, LISTENER, b"$.A").unwrap();
    world.bind(3, REPLIER, b"$.A").unwrap();
    world.bind(4, LISTENER, b"$.A").unwrap();
    assert_eq!(world.poll(1), (false, true));
    assert_eq!(marks(&world.drain(3)), [true]);
    assert_eq!(marks(&world.drain(4)), [false]);
    assert_eq!(world.drain(2).len(), 0);
    world.end();
}

#[test]
fn s7_every_way_in_which_room_appears_wakes_who_waits_for_it() {
    type Way = (&'static str, fn(&mut World));
    let ways: [Way; 6] = [
        ("a pop", |world| drop(world.next(2))),
        ("a higher limit", |world| {
            assert_eq!(world.max_msgs(2, 2), 2)
        }),
        ("a close", |world| world.close(2)),
        ("an unbind", |world| {
            world.unbind(2, LISTENER, b"$.A").unwrap()
        }),
        ("an unbind elsewhere", |world| {
            world.unbind(2, LISTENER, b"$.*").unwrap()
        }),
        ("a lower limit and a pop", |world| {
            world.max_msgs(2, 1);
            world.next(2).unwrap();
            world.next(2).unwrap();
        }),
    ];
    for (way, make_room) in ways {
        let mut world = World::with(4);
        world.bind(2, LISTENER, b"$.A").unwrap();
        if way == "an unbind elsewhere" || way == "a lower limit and a pop" {
            world.bind(2, LISTENER, b"$.*").unwrap();
        }
        world.max_msgs(2, 1);
        world.send(3, &announcement("$.A")).unwrap();
        assert_eq!(
            world.send(1, &with(ALL_OR_WAIT, announcement("$.A"))),
            Err(EAGAIN)
        );
        // 4 waits for somebody else.
        world.bind(3, LISTENER, b"$.B").unwrap();
        world.max_msgs(3, 1);
        world.send(2, &announcement("$.B")).unwrap();
        assert_eq!(
            world.send(4, &with(ALL_OR_WAIT, announcement("$.B"))),
            Err(EAGAIN)
        );
        let before = (world.wakes(1), world.wakes(4));
        make_room(&mut world);
        assert!(world.wakes(1) > before.0, "{way}");
        if way == "a pop" || way == "a higher limit" {
            assert_eq!(world.wakes(4), before.1, "{way} woke somebody else");
        }
        if way != "an unbind elsewhere" {
            assert!(world.poll(1).1, "{way}");
        }
        world.end();
    }
}

/// Another thread with the same file may wait until it can write again.
#[test]
fn s7_the_end_of_a_pending_send_wakes_its_own_ksock() {
    let mut world = waiting(&announcement("$.A"));
    let woken = world.wakes(1);
    world.discard(1);
    assert!(world.wakes(1) > woken);
    world.end();

    let mut world = waiting(&request("$.A"));
    world.max_msgs(1, 1);
    world.bind(1, LISTENER, b"$.B").unwrap();
    world.send(3, &announcement("$.B")).unwrap();
    let woken = world.wakes(1);
    assert_eq!(world.send_again(1), Err(ENOLCK));
    assert!(world.wakes(1) > woken);
    world.end();
}

#[test]
fn s7_who_waits_first_for_one_and_then_for_another() {
    let mut world = World::with(4);
    for ksock in [2, 3] {
        world.bind(ksock, LISTENER, b"$.A").unwrap();
        world.max_msgs(ksock, 1);
    }
    world.send(4, &announcement("$.A")).unwrap();
    assert_eq!(
        world.send(1, &with(ALL_OR_WAIT, announcement("$.A"))),
        Err(EAGAIN)
    );
    // It waits for one of the two, then for the other one.
    for (ksock, ready) in [(2, false), (3, true)] {
        let woken = world.wakes(1);
        world.next(ksock).unwrap();
        if ready {
            assert!(world.wakes(1) > woken);
        }
        assert_eq!(world.poll(1).1, ready);
    }
    assert_eq!((world.drain(2).len(), world.drain(3).len()), (1, 1));
    world.end();
}

#[test]
fn s7_several_wait_for_the_same_room() {
    let mut world = World::with(5);
    world.bind(2, LISTENER, b"$.A").unwrap();
    world.max_msgs(2, 1);
    world.send(3, &announcement("$.A")).unwrap();
    for ksock in [1, 3, 4, 5] {
        assert_eq!(
            world.send(ksock, &with(ALL_OR_WAIT, announcement("$.A"))),
            Err(EAGAIN)
        );
    }
    let before = [1, 3, 4, 5].map(|ksock| world.wakes(ksock));
    world.next(2).unwrap();
    let after = [1, 3, 4, 5].map(|ksock| world.wakes(ksock));
    assert!(before.iter().zip(after).all(|(was, is)| is == was + 1));
    assert!(world.poll(4).1);
    assert!(!world.poll(1).1);
    world.close(1);
    assert_eq!(world.next(2).unwrap().from, 4);
    assert!(world.poll(3).1);
    world.end();
}

// ---------------------------------------------------------------------------------------------
// The rest

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

#[test]
fn s8_2_the_example_of_the_statistics() {
    let mut world = World::with(2);
    let text = world.stats();
    assert!(text.starts_with("dev  7: next ksock 3 next msg 0 unsent unbindings 0\n    ksock 2 "));
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    for _ in 0..2 {
        let asked = world.next(2).unwrap();
        world.send(2, &reply_to(&asked)).unwrap();
    }
    world.max_msgs(2, 1);
    let expected = "\
dev  7: next ksock 3 next msg 6 unsent unbindings 0
    ksock 2 last msg 0:5 queue 1 of 1
      read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending
      outstanding requests 0 (size 16, max 0), unsent replies 0 (max 1)
    ksock 1 last msg 0:3 queue 2 of 100
      read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending
      outstanding requests 1 (size 16, max 3), unsent replies 0 (max 0)
";
    assert_eq!(world.stats(), expected);
    world.end();
}

#[test]
fn s8_2_how_far_files_have_got() {
    use crate::bus::ksock::{Part, Progress};
    let parts = [
        (Part::Header, "HDR"),
        (Part::Name, "NAME"),
        (Part::NamePadding, "NPAD"),
        (Part::Data, "DATA"),
        (Part::DataPadding, "DPAD"),
        (Part::Guard, "FINAL"),
        (Part::End, "???"),
    ];
    let mut world = waiting(&announcement("$.A"));
    for (part, label) in parts {
        for (finished, not) in [(true, ""), (false, "not ")] {
            let progress = Progress {
                read: 40,
                read_of: 100,
                wrote: 3,
                part,
                finished,
            };
            world.progress(1, progress);
            let line = format!(
                "\n      read byte 40 of 100, wrote byte 3 of {label} ({not}finished), sending\n"
            );
            assert!(world.stats().contains(&line), "{}", world.stats());
        }
    }
    world.progress(1, Progress::default());
    world.end();
}

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
fn verbosity_is_the_buss() {
    let mut world = World::with(1);
    assert!(!world.verbose(Some(true)));
    assert!(world.verbose(None));
    assert!(world.verbose(Some(false)));
    assert!(!world.verbose(None));
    world.end();
}

#[test]
fn a_message_is_whole_and_has_a_good_name() {
    use crate::bus::message::{Header, Message};
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
        Message::new(header, storage, start).map(drop)
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
