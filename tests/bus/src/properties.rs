// SPDX-License-Identifier: GPL-2.0-only
//! Random sequences of verbs, done on the bus and on the model side by side; and promises of
//! the bus (README) that are judged without the model, from what readers read.
//!
//! The seeds are fixed: a run is the same everywhere. `KBUS_SEED=n` begins elsewhere, and
//! `KBUS_CASES=n` runs n times as many cases.

use crate::bus::name::{self, Name, Pattern};
use crate::model::{self, Caps, ALL_OR_FAIL, ALL_OR_WAIT, URGENT};
use crate::play::{Play, Say, Step, To, NAMES, PATTERNS};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Runs `test` on `cases` values, the same ones each time.
pub fn check<S: Strategy>(
    name: &str,
    cases: u32,
    values: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let number = |key: &str| std::env::var(key).ok().and_then(|v| v.parse::<u32>().ok());
    let begin = number("KBUS_SEED").unwrap_or(0);
    let config = Config {
        cases: cases * number("KBUS_CASES").unwrap_or(1),
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut seed = [0; 32];
    for (at, byte) in name.bytes().enumerate() {
        seed[at % 28] ^= byte;
    }
    seed[28..].copy_from_slice(&begin.to_ne_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    match TestRunner::new_with_rng(config, rng).run(&values, test) {
        Ok(()) => {}
        Err(TestError::Fail(why, value)) => {
            panic!("{name}, KBUS_SEED={begin}: {why}\nat its shortest: {value:?}")
        }
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
    }
}

fn say() -> impl Strategy<Value = Say> {
    let flags = prop_oneof![
        6 => Just(0),
        2 => Just(URGENT),
        2 => Just(ALL_OR_FAIL),
        4 => Just(ALL_OR_WAIT),
        1 => Just(ALL_OR_WAIT | URGENT),
        // Bits that a user may not set, or that mean nothing.
        1 => Just(0x8000_40f6),
    ];
    let id = prop_oneof![
        12 => Just((0, 0)),
        1 => Just((0, 99)),
        2 => (1..3_u32, 1..3_u32),
    ];
    // The first names more often.
    let name = (0..NAMES.len(), 0..NAMES.len()).prop_map(|(a, b)| a.min(b));
    (name, flags, id, any::<u8>()).prop_map(|(name, flags, id, data)| Say {
        name,
        flags,
        id,
        data,
    })
}

fn role() -> impl Strategy<Value = u32> {
    prop_oneof![5 => Just(0_u32), 4 => Just(1), 1 => Just(2)]
}

fn step() -> impl Strategy<Value = Step> {
    let k = || 0..6_usize;
    let pattern = || (0..PATTERNS.len(), 0..PATTERNS.len()).prop_map(|(a, b)| a.min(b));
    let to = prop_oneof![
        6 => Just(To::Whoever),
        1 => k().prop_map(To::Ksock),
        2 => Just(To::LastAnswerer),
    ];
    prop_oneof![
        3 => Just(Step::Open),
        2 => k().prop_map(Step::Close),
        10 => (k(), role(), pattern()).prop_map(|(k, r, p)| Step::Bind(k, r, p)),
        4 => (k(), 0..8_usize).prop_map(|(k, n)| Step::Unbind(k, n)),
        1 => (k(), role(), pattern()).prop_map(|(k, r, p)| Step::UnbindAny(k, r, p)),
        8 => (k(), say()).prop_map(|(k, s)| Step::Announce(k, s)),
        12 => (k(), say(), to).prop_map(|(k, s, to)| Step::Request(k, s, to)),
        8 => (k(), any::<usize>(), say()).prop_map(|(k, n, s)| Step::Reply(k, n, s)),
        2 => (k(), any::<usize>(), say()).prop_map(|(k, n, s)| Step::ReplyForAnother(k, n, s)),
        1 => (k(), say(), (0..3_u32, 0..9_u32), k())
            .prop_map(|(k, s, id, to)| Step::Odd(k, s, id, to)),
        2 => k().prop_map(Step::SendAgain),
        3 => k().prop_map(Step::Poll),
        1 => k().prop_map(Step::PollForReading),
        1 => k().prop_map(Step::Discard),
        14 => k().prop_map(Step::Next),
        6 => (k(), 0..5_u32).prop_map(|(k, n)| Step::Limit(k, n)),
        2 => (k(), any::<Option<bool>>()).prop_map(|(k, on)| Step::OnlyOnce(k, on)),
        3 => (k(), prop_oneof![3 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)])
            .prop_map(|(k, on)| Step::Report(k, on)),
        1 => (0..PATTERNS.len()).prop_map(Step::Replier),
    ]
}

/// What users may have: often anything, else so little that it is hit.
fn caps() -> impl Strategy<Value = Caps> {
    let share = prop_oneof![2 => Just(0), 1 => 0..5_000_u64];
    let copies = prop_oneof![1 => Just(usize::MAX), 1 => 1..5_usize];
    let few = (2..6_usize, 1..9_usize, 0..15_000_u64, share, copies);
    let few = few.prop_map(|(ksocks, bindings, bytes, share, copies)| Caps {
        ksocks,
        bindings,
        bytes,
        share,
        copies,
    });
    prop_oneof![1 => Just(Caps::NONE), 1 => few]
}

#[test]
fn the_bus_does_what_the_model_does() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    check("lockstep", 800, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for step in &steps {
            play.step(step);
        }
        play.drain();
        play.world.end();
        Ok(())
    });
}

#[test]
fn a_verb_without_memory_does_nothing_at_all() {
    // With each step, at which of its attempts to get memory there is none.
    let steps = (caps(), prop::collection::vec((step(), 0..6_u64), 1..100));
    let failures = std::cell::Cell::new(0);
    check("no memory", 800, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for (n, (step, fail)) in steps.iter().enumerate() {
            play.world.bare_preallocs = n % 3 != 0;
            play.world.out_of_memory = Some(*fail);
            play.step(step);
            play.world.out_of_memory = None;
        }
        failures.set(failures.get() + play.world.memory_failures);
        play.drain();
        play.world.end();
        Ok(())
    });
    assert!(failures.get() > 10_000, "only {} failures", failures.get());
}

#[test]
fn each_request_gets_one_answer() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    let requests = std::cell::Cell::new(0);
    check("one answer", 600, steps, |(caps, steps)| {
        let mut play = Play::new(2, caps);
        for step in &steps {
            play.step(step);
        }
        let asked = play.each_request_got_one_answer();
        requests.set(requests.get() + asked.map_err(TestCaseError::fail)?);
        play.world.end();
        Ok(())
    });
    assert!(requests.get() > 2000, "only {} requests", requests.get());
}

#[test]
fn everybody_hears_in_one_order() {
    let steps = (caps(), prop::collection::vec(step(), 1..160));
    check("one order", 300, steps, |(caps, steps)| {
        let mut play = Play::new(0, caps);
        for step in &steps {
            play.step(step);
        }
        play.drain();
        play.everybody_heard_in_one_order()
            .map_err(TestCaseError::fail)?;
        play.world.end();
        Ok(())
    });
}

#[test]
fn names_are_valid_when_the_model_says_so() {
    let byte = prop_oneof![
        6 => Just(b'a'),
        6 => Just(b'.'),
        2 => prop_oneof![Just(b'*'), Just(b'%'), Just(b'$')],
        2 => any::<u8>(),
    ];
    let start = prop_oneof![4 => Just(&b"$."[..]), 1 => Just(&b""[..]), 1 => Just(&b"$"[..])];
    let end = prop_oneof![2 => Just(&b""[..]), 1 => Just(&b".*"[..]), 1 => Just(&b".%"[..])];
    let names = (start, prop::collection::vec(byte, 0..8), end);
    let valid = std::cell::Cell::new([0; 2]);
    check("names", 20_000, names, |(start, middle, end)| {
        let text = [start, &middle, end].concat();
        let sendable = Name::new(&text).is_ok();
        let bindable = Pattern::new(&text[..]).is_ok();
        prop_assert_eq!(bindable, model::may_bind(&text), "{}", text.escape_ascii());
        prop_assert_eq!(sendable, model::may_send(&text), "{}", text.escape_ascii());
        let [n, m] = valid.get();
        valid.set([n + i32::from(bindable), m + i32::from(sendable)]);
        Ok(())
    });
    assert!(
        valid.get().iter().all(|&n| n > 500),
        "{:?} valid",
        valid.get()
    );
}

#[test]
fn the_patterns_of_a_name_are_those_that_match_it() {
    let word = || prop_oneof![Just("a"), Just("b"), Just("ab"), Just("A")];
    let words = move || prop::collection::vec(word(), 1..5).prop_map(|words| words.join("."));
    let tail = prop_oneof![Just(""), Just(".*"), Just(".%")];
    check(
        "patterns",
        5_000,
        (words(), words(), tail),
        |(text, stem, tail)| {
            let (text, pattern) = (format!("$.{text}"), format!("$.{stem}{tail}"));
            let mut covers = false;
            let name = Name::new(text.as_bytes()).expect("a name");
            name::for_each_covering(name, |c| {
                let end = match c.tail {
                    name::Tail::Exact => "",
                    name::Tail::Child => "%",
                    name::Tail::Subtree => "*",
                };
                covers |= format!("{}{end}", &text[..c.stem]) == pattern;
            });
            let matches = model::matches(pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(covers, matches, "{} of {}", pattern, text);
            Ok(())
        },
    );
}
