// SPDX-License-Identifier: GPL-2.0
//! D. Binding and unbinding.

use crate::harness::bindings;
use crate::raw::*;
use crate::{eq, tests};

tests![
    b45_unbind_with_a_null_pointer,
    b46_bind_with_an_empty_name,
    b47_unbind_with_an_empty_name,
    b48_a_listener_comes_and_goes,
    b50_four_times_the_same_listener,
    b51_replier_and_twice_listener,
    b52_one_unbind_too_many,
    b53_unbinding_what_was_never_bound,
    b54_replier_then_listener,
    b56_a_second_replier_is_refused,
    b58_listeners_never_conflict,
    b59_proc_lists_exactly_the_bindings,
    b60_proc_lists_duplicates_and_more,
    b61_after_closing_none_is_listed,
    b62_proc_lines_split_into_five_fields,
    b63_bindings_are_as_believed_at_every_close,
];

fn b45_unbind_with_a_null_pointer() {
    let k = Ksock::new();
    eq!(ioctl(k.fd, UNBIND, std::ptr::null_mut()), Err(EFAULT));
    eq!(ioctl(k.fd, BIND, std::ptr::null_mut()), Err(EFAULT));
}

fn b46_bind_with_an_empty_name() {
    let k = Ksock::new();
    eq!(k.bind("", REPLIER), Err(EBADMSG));
    eq!(k.bind("", LISTENER), Err(EBADMSG));
}

fn b47_unbind_with_an_empty_name() {
    let k = Ksock::new();
    eq!(k.unbind("", REPLIER), Err(EBADMSG));
    eq!(k.unbind("", LISTENER), Err(EBADMSG));
}

fn b48_a_listener_comes_and_goes() {
    let k = Ksock::new();
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    k.say("$.Fred");
    k.nothing();
}

fn b50_four_times_the_same_listener() {
    let k = Ksock::new();
    for _ in 0..4 {
        eq!(k.bind("$.Fred", LISTENER), Ok(()));
    }
}

fn b51_replier_and_twice_listener() {
    let k = Ksock::new();
    eq!(k.bind("$.Fred", REPLIER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", REPLIER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
}

fn b52_one_unbind_too_many() {
    let k = Ksock::new();
    k.listen("$.Fred").listen("$.Fred");
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Err(EINVAL));
}

fn b53_unbinding_what_was_never_bound() {
    let k = Ksock::new();
    eq!(k.unbind("$.Fred.Bob.William", LISTENER), Err(EINVAL));
    eq!(k.unbind("$.Fred.Bob.William", REPLIER), Err(EINVAL));
    // Another ksock's binding is not ours.
    let other = Ksock::new();
    other.listen("$.Fred");
    eq!(k.unbind("$.Fred", LISTENER), Err(EINVAL));
}

fn b54_replier_then_listener() {
    let k = Ksock::new();
    eq!(k.bind("$.Fred", REPLIER), Ok(()));
    eq!(k.unbind("$.Fred", REPLIER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
}

fn b56_a_second_replier_is_refused() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    eq!(b.bind("$.Fred", REPLIER), Err(EADDRINUSE));
    eq!(a.bind("$.Fred", REPLIER), Err(EADDRINUSE), "the same ksock");
    eq!(a.unbind("$.Fred", REPLIER), Ok(()));
    eq!(b.bind("$.Fred", REPLIER), Ok(()));
}

fn b58_listeners_never_conflict() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred");
    for k in [&a, &b, &a, &b] {
        eq!(k.bind("$.Fred", LISTENER), Ok(()));
    }
    let c = Ksock::new();
    b.listen("$.Jim");
    eq!(c.bind("$.Jim", REPLIER), Ok(()));
}

/// What the file says: (ksock, role, name), sorted.
fn listed() -> Vec<(u32, char, String)> {
    let mut all: Vec<_> = bindings()
        .iter()
        .map(|line| {
            let f: Vec<&str> = line.split_whitespace().collect();
            assert!(f.len() == 5, "expected five fields, got {line:?}");
            (
                f[1].parse().unwrap(),
                f[3].chars().next().unwrap(),
                f[4].to_string(),
            )
        })
        .collect();
    all.sort();
    all
}

fn expect_listed(want: &[(&Ksock, char, &str)]) {
    let mut want: Vec<_> = want
        .iter()
        .map(|(k, role, name)| (k.id(), *role, name.to_string()))
        .collect();
    want.sort();
    eq!(listed(), want);
}

fn b59_proc_lists_exactly_the_bindings() {
    let (a, b) = (Ksock::new(), Ksock::new());
    expect_listed(&[]);
    a.serve("$.Fred").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob").serve("$.Fred.Bob.William");
    expect_listed(&[
        (&a, 'R', "$.Fred"),
        (&a, 'L', "$.Fred.Bob"),
        (&b, 'L', "$.Fred.Bob"),
        (&b, 'R', "$.Fred.Bob.William"),
    ]);
}

fn b60_proc_lists_duplicates_and_more() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred").listen("$.Fred.Bob").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob").serve("$.Jim.*").listen("$.*");
    expect_listed(&[
        (&a, 'R', "$.Fred"),
        (&a, 'L', "$.Fred.Bob"),
        (&a, 'L', "$.Fred.Bob"),
        (&b, 'L', "$.Fred.Bob"),
        (&b, 'R', "$.Jim.*"),
        (&b, 'L', "$.*"),
    ]);
}

fn b61_after_closing_none_is_listed() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Fred").listen("$.Fred.Bob").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob");
    drop(a);
    expect_listed(&[(&b, 'L', "$.Fred.Bob")]);
    drop(b);
    expect_listed(&[]);
}

fn b62_proc_lines_split_into_five_fields() {
    let k = Ksock::on(1);
    k.serve("$.Door.%").listen("$.Door");
    let text = std::fs::read_to_string("/proc/kbus/bindings").unwrap();
    let mut seen = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            continue;
        }
        let f: Vec<&str> = line.split_whitespace().collect();
        eq!(f.len(), 5);
        eq!(f[0], "1:", "8.1: \"%3u:\"");
        eq!(f[1].parse(), Ok(k.id()));
        eq!(f[2].parse(), Ok(std::process::id()));
        seen.push((f[3].to_string(), f[4].to_string()));
    }
    // Newest binding first (8.1).
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    eq!(seen, vec![pair("L", "$.Door"), pair("R", "$.Door.%")]);
}

fn b63_bindings_are_as_believed_at_every_close() {
    let names = ["$.A", "$.A.B", "$.A.*", "$.A.%", "$.B"];
    let mut ksocks: Vec<Ksock> = (0..5).map(|_| Ksock::new()).collect();
    let mut believed = Vec::new();
    for (n, name) in names.iter().enumerate() {
        ksocks[n].serve(name);
        believed.push((ksocks[n].id(), 'R', name.to_string()));
        for other in &ksocks[..n] {
            other.listen(name);
            believed.push((other.id(), 'L', name.to_string()));
        }
    }
    while let Some(k) = ksocks.pop() {
        believed.sort();
        eq!(listed(), believed);
        let id = k.id();
        drop(k);
        believed.retain(|(owner, _, _)| *owner != id);
    }
    eq!(listed(), believed);
    eq!(believed.len(), 0);
}
