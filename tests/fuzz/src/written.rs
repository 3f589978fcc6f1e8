// SPDX-License-Identifier: GPL-2.0-only
//! What programs write: the module's own code for drafts and layouts against the specification,
//! wherever the bytes are cut into pieces, with memory running out; and what the module gives to
//! readers is what the library can read.

use arbitrary::Unstructured;
use kbus_test_bus::model::Errno;
use kbus_test_bus::written::{by_module, by_specification, Outcome, Pointers};
use kernel::testing;

pub fn run(bytes: &[u8]) {
    // What is written comes first, so that changes to the rest do not move it.
    let Some((&how, bytes)) = bytes.split_last() else {
        return;
    };
    let Some((&cut, written)) = bytes.split_last() else {
        return;
    };
    let pointers = match how & 1 {
        0 => Pointers::Wide,
        _ => Pointers::Narrow,
    };
    let max_message = match (how >> 1) & 3 {
        0 => 100,
        1 => 200,
        _ => 1024,
    };
    let pieces = || {
        let mut lengths = Unstructured::new(&cut.to_ne_bytes()).arbitrary::<u8>();
        let mut rest = written;
        std::iter::from_fn(move || {
            // Of all lengths in turn, when `cut` is not 0.
            let len = match lengths {
                Ok(len) if len != 0 => usize::from(len),
                _ => rest.len(),
            };
            lengths = lengths.map(|len| len.wrapping_mul(5).wrapping_add(1));
            let (piece, after) = rest.split_at(len.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    };
    let expected = by_specification(written, pointers, max_message);

    let held = testing::live();
    if how & 0x80 != 0 {
        testing::fail_once(u64::from((how >> 3) & 7));
        let outcome = by_module(pieces(), pointers, max_message);
        let refused = testing::refused() > 0;
        testing::never_fail();
        match refused {
            true => assert_eq!(outcome, Outcome::Refused(Errno::ENOMEM)),
            false => assert_eq!(outcome, expected),
        }
    }
    let outcome = by_module(pieces(), pointers, max_message);
    assert_eq!(outcome, expected);
    assert_eq!(testing::live(), held, "something is left of the draft");

    if let Outcome::Entire(copy) = outcome {
        let message = match kbus::Message::from_bytes(copy.clone()) {
            Ok(message) => message,
            Err(error) => panic!("the library cannot read it: {error}"),
        };
        assert_eq!(message.as_bytes(), copy);
    }
}
