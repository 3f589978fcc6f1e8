// SPDX-License-Identifier: GPL-2.0
//! Section 4.1 (names) and 5.1, 5.2 (matching, choosing the replier).

use crate::raw::*;
use crate::{eq, tests};

tests![
    names_table_for_binding,
    names_table_for_sending,
    names_every_single_byte,
    names_utf8_is_refused,
    names_length_limits,
    names_length_is_checked_before_form,
    names_the_event_name_takes_no_replier,
    names_below_kbus_are_not_reserved,
    matching_table,
    choosing_between_stars_the_newest_wins,
    choosing_follows_unbinding,
    replier_query_is_literal,
    replier_query_checks,
];

const GOOD: &[&str] = &["$.a", "$.A1.b2", "$.1", "$.a.b.c.d.e", "$.KBUS.Fred"];
const WILD: &[&str] = &["$.*", "$.%", "$.a.*", "$.a.%", "$.a.b.*"];
const BAD: &[&str] = &[
    "$", "$.", "x", "Fred", "$x.y", "$..a", "$.a..b", "$.a.", "$.a..", "$..*", "$.a..*", "$.a*",
    "$.*.b", "$.*.*", "$.a.*b", "$.a b", "$.a'", "$.#", "$.a_b", "$.a-b", "$.%.%", "$.%.*", "$*",
    "$%", ".$.a", " $.a", "$.a ", "$.a\n", "$.a\0", "$.\0", "$.$", "$.**", "$.a%", "..a", "$..",
    "$...", "a.b", "$.*.", "$.%.",
];

fn names_table_for_binding() {
    let k = Ksock::new();
    for role in [LISTENER, REPLIER] {
        for name in GOOD.iter().chain(WILD) {
            eq!(k.bind(name, role), Ok(()), "bind {name:?}");
            eq!(k.unbind(name, role), Ok(()), "unbind {name:?}");
        }
        for name in BAD {
            eq!(k.bind(name, role), Err(EBADMSG), "bind {name:?}");
            eq!(k.unbind(name, role), Err(EBADMSG), "unbind {name:?}");
        }
    }
}

fn names_table_for_sending() {
    let k = Ksock::new();
    for name in GOOD {
        assert!(k.post(&Msg::new(name)).is_ok(), "{name:?}");
        assert!(k.post_pointy(&Msg::new(name)).is_ok(), "{name:?}");
    }
    for name in BAD.iter().chain(WILD) {
        eq!(k.put(&Msg::new(name)), Err(EBADMSG), "write {name:?}");
        eq!(k.send(), Err(ENOMSG), "{name:?} was discarded");
        k.put_pointy(&Msg::new(name).pointy()).unwrap();
        eq!(k.send(), Err(EBADMSG), "SEND {name:?}");
        eq!(k.send(), Err(ENOMSG), "{name:?} was discarded");
    }
    eq!(k.put(&Msg::new("")), Err(EINVAL));
    eq!(k.put_pointy(&Msg::new("").pointy()), Err(EINVAL));
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric() || (b >= 0xC0 && b != 0xD7 && b != 0xF7)
}

fn names_every_single_byte() {
    let k = Ksock::new();
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
    let k = Ksock::new();
    k.bind(name, LISTENER).unwrap();
    k.post(&Msg::new(name)).unwrap();
    eq!(k.take().name, name.to_vec());
}

fn names_utf8_is_refused() {
    let k = Ksock::new();
    for name in ["$.é", "$.Ä.b", "$.日本", "$.naïve"] {
        eq!(k.bind(name, LISTENER), Err(EBADMSG), "{name}");
    }
}

fn names_length_limits() {
    let k = Ksock::new();
    let longest = format!("$.{}", "a".repeat(998));
    eq!(longest.len(), MAX_NAME);
    eq!(k.bind(&longest, LISTENER), Ok(()));
    let id = k.post(&Msg::new(&longest).data(b"x")).unwrap();
    let got = k.take();
    eq!((got.id, got.text()), (id, longest.clone()));
    k.post_pointy(&Msg::new(&longest)).unwrap();
    eq!(k.take().text(), longest);
    let longer = format!("{longest}a");
    eq!(k.bind(&longer, LISTENER), Err(ENAMETOOLONG));
    eq!(k.unbind(&longer, LISTENER), Err(ENAMETOOLONG));
    eq!(k.replier(&longer), Err(ENAMETOOLONG));
    eq!(k.put(&Msg::new(&longer)), Err(ENAMETOOLONG));
    eq!(k.put_pointy(&Msg::new(&longer).pointy()), Err(ENAMETOOLONG));
    let wild = format!("$.{}.*", "a".repeat(996));
    eq!(wild.len(), 1000);
    eq!(k.bind(&wild, REPLIER), Ok(()));
}

fn names_length_is_checked_before_form() {
    let k = Ksock::new();
    let awful = "#".repeat(10_000);
    eq!(k.bind(&awful, LISTENER), Err(ENAMETOOLONG));
    eq!(k.unbind(&awful, LISTENER), Err(ENAMETOOLONG));
    eq!(k.put(&Msg::new(&awful)), Err(ENAMETOOLONG));
}

fn names_the_event_name_takes_no_replier() {
    let k = Ksock::new();
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

fn names_below_kbus_are_not_reserved() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen(GONE_AWAY).serve(IGNORED);
    b.post(&Msg::new(GONE_AWAY).flags(SYNTHETIC)).unwrap();
    let got = a.take();
    eq!((got.flags, got.from), (0, b.id()));
    b.ask(IGNORED);
    eq!(a.take().flags, WANT_A_REPLY | WANT_YOU_TO_REPLY);
}

fn matching_table() {
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
        let k = Ksock::new();
        k.listen(binding).say(name);
        eq!(k.count(), *matches as u32, "listener {binding}, {name}");
        let (r, asker) = (Ksock::new(), Ksock::new());
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

fn choosing_between_stars_the_newest_wins() {
    let asker = Ksock::new();
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.*");
    b.serve("$.A.*");
    asker.ask("$.A.x");
    eq!((a.count(), b.count()), (0, 1), "deeper is newer");
    drop((a, b));
    let (a, b) = (Ksock::new(), Ksock::new());
    b.serve("$.A.*");
    a.serve("$.*");
    asker.drain();
    asker.ask("$.A.x");
    eq!((a.count(), b.count()), (1, 0), "shallower is newer");
    // Between three, the newest again; a % still beats all of them.
    let c = Ksock::new();
    c.serve("$.A.x.*").serve("$.A.%");
    asker.ask("$.A.x.y");
    eq!(c.count(), 1);
    asker.ask("$.A.x");
    eq!(c.count(), 2);
}

fn choosing_follows_unbinding() {
    let asker = Ksock::new();
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
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

fn replier_query_is_literal() {
    let (a, k) = (Ksock::new(), Ksock::new());
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

fn replier_query_checks() {
    let k = Ksock::new();
    eq!(k.replier(""), Err(ENAMETOOLONG));
    eq!(k.replier("a".repeat(1001)), Err(ENAMETOOLONG));
    eq!(k.replier("a".repeat(1000)), Ok(None));
    eq!(ioctl(k.fd, REPLIER_OF, std::ptr::null_mut()), Err(EFAULT));
    let mut arg = BindQuery {
        return_id: 5,
        name_len: 3,
        name: std::ptr::null(),
    };
    eq!(ioctl(k.fd, REPLIER_OF, (&raw mut arg).cast()), Err(EFAULT));
}
