// SPDX-License-Identifier: GPL-2.0-only
//! Section 4.1 (names) and 5.1, 5.2 (matching, choosing the replier).

use crate::raw::*;
use crate::{eq, tests};

tests![
    names_table_for_sending,
    names_length_limits,
    names_length_is_checked_before_form,
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
