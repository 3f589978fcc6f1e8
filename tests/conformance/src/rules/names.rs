// SPDX-License-Identifier: GPL-2.0-only
//! Names (4.1), which a binding covers, and the replier that is chosen (5.1, 5.2).

use crate::*;

fn bad(bus: &Bus, name: &str) {
    let k = bus.ksock();
    for role in [REPLIER, LISTENER] {
        eq!(k.bind(name, role), Err(EBADMSG), "bind {name:?}");
        eq!(k.unbind(name, role), Err(EBADMSG), "unbind {name:?}");
    }
}

pub(crate) fn b65_empty(bus: &Bus) {
    bad(bus, "");
}

pub(crate) fn b66_dollar_alone(bus: &Bus) {
    bad(bus, "$");
}

pub(crate) fn b70_hash(bus: &Bus) {
    bad(bus, "$.#");
    bad(bus, "$.Fred.#");
}

pub(crate) fn b72_ending_in_two_dots(bus: &Bus) {
    bad(bus, "$.Fred..");
    bad(bus, "$..");
}

pub(crate) fn b73_two_adjacent_dots(bus: &Bus) {
    bad(bus, "$.Fred..Bob");
}

pub(crate) fn b74_three_adjacent_dots(bus: &Bus) {
    bad(bus, "$.Fred...Bob");
}

pub(crate) fn b75_four_adjacent_dots(bus: &Bus) {
    bad(bus, "$.Fred....Bob");
}

pub(crate) fn b76_ordinary_two_word_name(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.Fred.Bob", LISTENER), Ok(()));
    eq!(k.bind("$.Fred.Bob", REPLIER), Ok(()));
}

pub(crate) fn b78_thirty_letters(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.abcdefghijklmnopqrstuvwxyzabcd", REPLIER), Ok(()));
}

pub(crate) fn b79_case_matters(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.This.Is.A.Name", REPLIER), Ok(()));
    eq!(k.bind("$.this.is.a.name", REPLIER), Ok(()));
    eq!(k.bind("$.This.Is.A.Name", REPLIER), Err(EADDRINUSE));
}

pub(crate) fn b80_star_as_replier(bus: &Bus) {
    eq!(bus.ksock().bind("$.*", REPLIER), Ok(()));
}

pub(crate) fn b81_percent_as_replier(bus: &Bus) {
    eq!(bus.ksock().bind("$.%", REPLIER), Ok(()));
}

fn long() -> String {
    format!("$.{}", "a".repeat(1000))
}

pub(crate) fn b82_binding_1002_characters(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind(long(), REPLIER), Err(ENAMETOOLONG));
    eq!(k.unbind(long(), REPLIER), Err(ENAMETOOLONG));
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric() || (b >= 0xC0 && b != 0xD7 && b != 0xF7)
}

pub(crate) fn names_every_single_byte(bus: &Bus) {
    let k = bus.ksock();
    for b in 0..=255u8 {
        // As a word of its own, where * and % are wildcards; and in a word.
        let wild = b == b'*' || b == b'%';
        let alone = [b'$', b'.', b];
        let want = if alphanumeric(b) || wild {
            Ok(())
        } else {
            Err(EBADMSG)
        };
        eq!(k.bind(alone, LISTENER), want, "byte {b:#x} alone");
        let inside = [b'$', b'.', b'a', b, b'a'];
        let want = if alphanumeric(b) || b == b'.' {
            Ok(())
        } else {
            Err(EBADMSG)
        };
        eq!(k.bind(inside, LISTENER), want, "byte {b:#x} inside");
    }
    // And such a name can be sent and is heard.
    let name = [b'$', b'.', 0xC0, 0xFF];
    let k = bus.ksock();
    k.bind(name, LISTENER).unwrap();
    k.post(&Msg::new(name)).unwrap();
    eq!(k.take().name, name.to_vec());
}

pub(crate) fn names_utf8_is_refused(bus: &Bus) {
    let k = bus.ksock();
    for name in ["$.é", "$.Ä.b", "$.日本", "$.naïve"] {
        eq!(k.bind(name, LISTENER), Err(EBADMSG), "{name}");
    }
}

pub(crate) fn names_the_event_name_takes_no_replier(bus: &Bus) {
    let k = bus.ksock();
    for role in [1, 2, u32::MAX] {
        eq!(k.bind(BIND_EVENT, role), Err(EBADMSG), "role {role}");
    }
    // Not bound, hence EINVAL: the restriction is BIND's alone (3.7).
    eq!(k.unbind(BIND_EVENT, REPLIER), Err(EINVAL));
    eq!(k.bind(BIND_EVENT, LISTENER), Ok(()));
    for covering in ["$.*", "$.KBUS.*", "$.KBUS.%"] {
        eq!(k.bind(covering, REPLIER), Ok(()), "{covering}");
    }
    eq!(k.bind("$.KBUS.ReplierBindEvents", REPLIER), Ok(()));
}

pub(crate) fn names_below_kbus_are_not_reserved(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen(GONE_AWAY).serve(IGNORED);
    b.post(&Msg::new(GONE_AWAY).flags(SYNTHETIC)).unwrap();
    let got = a.take();
    eq!((got.flags, got.from), (0, b.id()));
    b.ask(IGNORED);
    eq!(a.take().flags, WANT_A_REPLY | WANT_YOU_TO_REPLY);
}

pub(crate) fn matching_table(bus: &Bus) {
    let table: &[(&str, &str, bool)] = &[
        ("$.A", "$.A", true),
        ("$.A", "$.B", false),
        ("$.A", "$.a", false),
        ("$.A", "$.AA", false),
        ("$.A", "$.A.b", false),
        ("$.A.*", "$.A", false),
        ("$.A.*", "$.A.b", true),
        ("$.A.*", "$.A.b.c", true),
        ("$.A.*", "$.AB.c", false),
        ("$.A.%", "$.A", false),
        ("$.A.%", "$.A.b", true),
        ("$.A.%", "$.A.b.c", false),
        ("$.A.%", "$.B.b", false),
        ("$.*", "$.A", true),
        ("$.*", "$.A.b.c.d", true),
        ("$.%", "$.A", true),
        ("$.%", "$.A.b", false),
        ("$.A.b.*", "$.A.b.c", true),
        ("$.A.b.*", "$.A.c.c", false),
        ("$.A.b.%", "$.A.b.c", true),
        ("$.A.b.%", "$.A.b", false),
    ];
    for (binding, name, matches) in table {
        let k = bus.ksock();
        k.listen(binding).say(name);
        eq!(k.count(), *matches as u32, "listener {binding}, {name}");
        let (r, asker) = (bus.ksock(), bus.ksock());
        r.serve(binding);
        let want = if *matches { None } else { Some(EADDRNOTAVAIL) };
        eq!(
            asker.post(&Msg::ask(name)).err(),
            want,
            "replier {binding}, {name}"
        );
        eq!(r.count(), *matches as u32);
    }
}

pub(crate) fn choosing_between_stars_the_newest_wins(bus: &Bus) {
    let asker = bus.ksock();
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.*");
    b.serve("$.A.*");
    asker.ask("$.A.x");
    eq!((a.count(), b.count()), (0, 1), "deeper is newer");
    drop((a, b));
    let (a, b) = (bus.ksock(), bus.ksock());
    b.serve("$.A.*");
    a.serve("$.*");
    asker.drain();
    asker.ask("$.A.x");
    eq!((a.count(), b.count()), (1, 0), "shallower is newer");
    // Between three, the newest again; a % still beats all of them.
    let c = bus.ksock();
    c.serve("$.A.x.*").serve("$.A.%");
    asker.ask("$.A.x.y");
    eq!(c.count(), 1);
    asker.ask("$.A.x");
    eq!(c.count(), 2);
}

pub(crate) fn choosing_follows_unbinding(bus: &Bus) {
    let asker = bus.ksock();
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.serve("$.A.*");
    b.serve("$.A.%");
    c.serve("$.A.x");
    asker.ask("$.A.x");
    eq!(c.drain().len(), 1);
    c.unbind("$.A.x", REPLIER).unwrap();
    asker.ask("$.A.x");
    eq!(b.drain().len(), 1);
    b.unbind("$.A.%", REPLIER).unwrap();
    asker.ask("$.A.x");
    eq!(a.drain().len(), 1);
    a.unbind("$.A.*", REPLIER).unwrap();
    eq!(asker.post(&Msg::ask("$.A.x")), Err(EADDRNOTAVAIL));
    // A binding made again is the newest again.
    a.serve("$.*");
    b.serve("$.A.*");
    a.unbind("$.*", REPLIER).unwrap();
    a.serve("$.*");
    asker.ask("$.A.x");
    eq!((a.count(), b.count()), (1, 0));
}

pub(crate) fn replier_query_is_literal(bus: &Bus) {
    let (a, k) = (bus.ksock(), bus.ksock());
    a.serve("$.A.*").serve("$.B").listen("$.C");
    eq!(k.replier("$.A.x"), Ok(None));
    eq!(k.replier("$.A.*"), Ok(Some(a.id())));
    eq!(k.replier("$.A.%"), Ok(None));
    eq!(k.replier("$.B"), Ok(Some(a.id())));
    eq!(a.replier("$.B"), Ok(Some(a.id())));
    eq!(k.replier("$.C"), Ok(None));
    // The name is not validated.
    for odd in ["x", "$", "$..", "#", "$.a.*b"] {
        eq!(k.replier(odd), Ok(None), "{odd}");
    }
}

/// Names that every language is tested against, with what the bus says to each.
pub(crate) fn names_of_the_vectors(bus: &Bus) {
    let k = bus.ksock();
    for name in kbus_vectors::names().names {
        let text = name.name.escape_ascii().to_string();
        let bound = name.bind.map_or(Ok(()), |errno| Err(Errno(errno.0)));
        eq!(k.bind(&name.name, REPLIER), bound, "bind {text:?}");
        eq!(k.unbind(&name.name, REPLIER), bound, "unbind {text:?}");
        eq!(k.bind(&name.name, LISTENER), bound, "bind {text:?}");
        let sent = k.post(&Msg::new(&name.name)).err();
        eq!(sent, name.send.map(|errno| Errno(errno.0)), "send {text:?}");
        // What is no name was discarded.
        k.nothing_to_send();
        // Wildcards are heard by nobody, and what can be sent by who is bound to just that.
        eq!(k.drain().len(), usize::from(sent.is_none()), "{text:?}");
        eq!(k.unbind(&name.name, LISTENER), bound, "unbind {text:?}");
    }
}

/// Every byte in the middle of a name that is sent.
pub(crate) fn names_every_single_byte_sent(bus: &Bus) {
    let k = bus.ksock();
    for b in 0..=255u8 {
        let good = alphanumeric(b) || b == b'.';
        let sent = k.post(&Msg::new([b'$', b'.', b'a', b, b'a']));
        eq!(sent.err(), (!good).then_some(EBADMSG), "byte {b:#x}");
    }
}

fn latin1(text: &str) -> Vec<u8> {
    let byte = |c: char| u8::try_from(u32::from(c)).expect("a letter of Latin-1");
    text.chars().map(byte).collect()
}

pub(crate) fn matching_is_what_the_vectors_say(bus: &Bus) {
    let vectors = kbus_vectors::names();
    let k = bus.ksock();
    for pattern in &vectors.patterns {
        eq!(k.bind(latin1(pattern), LISTENER), Ok(()));
    }
    for covered in &vectors.covered {
        let (name, by) = (Msg::new(latin1(&covered.name)), &covered.by);
        k.post(&name).unwrap();
        eq!(k.drain().len(), by.len(), "{name:?}");
        // Which ones: without each of them one copy less comes.
        for pattern in &vectors.patterns {
            k.unbind(latin1(pattern), LISTENER).unwrap();
            k.post(&name).unwrap();
            let without = by.len() - usize::from(by.contains(pattern));
            eq!(k.drain().len(), without, "{name:?} without {pattern}");
            k.bind(latin1(pattern), LISTENER).unwrap();
        }
    }
}

/// A subtree's depth does not matter, and what is gone is not the newest any more.
pub(crate) fn choosing_follows_a_close(bus: &Bus) {
    let (asker, a, b) = (bus.ksock(), bus.ksock(), bus.ksock());
    b.serve("$.A.x.*");
    let c = bus.ksock();
    c.serve("$.A.*");
    a.serve("$.A.%").serve("$.A.x");
    for name in ["$.A.x", "$.A.z"] {
        asker.ask(name);
        eq!(a.drain().len(), 1, "{name}");
    }
    asker.ask("$.A.x.y");
    eq!((b.count(), c.count()), (0, 1));
    drop(c);
    asker.drain();
    asker.ask("$.A.x.y");
    eq!(b.count(), 1);
}

pub(crate) fn replier_query_follows_unbinding(bus: &Bus) {
    let (a, k) = (bus.ksock(), bus.ksock());
    a.serve("$.A.*");
    k.listen("$.A.x").serve("$.A.x");
    eq!(a.replier("$.A.x"), Ok(Some(k.id())));
    k.unbind("$.A.x", REPLIER).unwrap();
    eq!(a.replier("$.A.x"), Ok(None));
}
