// SPDX-License-Identifier: GPL-2.0-only
//! Section 11 of the specification, one test per numbered behaviour: here
//! those that only the device shows. All others are rules of
//! `tests/conformance`.

mod a_devices;
mod b_read_only;
mod bytes;
mod f_size;
mod j_reading;
mod k_writing;
mod o_select;
mod s_new_devices;

pub use s_new_devices::open_soon;

use crate::harness::Test;

pub const ALL: &[&[Test]] = &[
    a_devices::TESTS,
    b_read_only::TESTS,
    bytes::TESTS,
    f_size::TESTS,
    j_reading::TESTS,
    k_writing::TESTS,
    o_select::TESTS,
    s_new_devices::TESTS,
];

/// Behaviours that no kernel can show, and why: they are about libraries and
/// daemons, which have their own tests.
pub const ELSEWHERE: &[(&[u32], &str)] = &[
    (
        &[295, 297, 298, 299, 300, 301, 302, 303, 304, 305, 306, 308],
        "W: message objects of the Python library, built without a bus",
    ),
    (
        &[
            309, 310, 312, 313, 314, 315, 316, 317, 319, 320, 322, 323, 324, 325, 327, 328, 330,
            332, 333, 334, 335, 337, 338, 339, 340, 341, 342, 343,
        ],
        "X: documentation examples of the Python library",
    ),
    (
        &[346, 347, 349, 350, 351, 352, 354, 355, 357, 359],
        "Y: need a pair of limpet daemons",
    ),
    (
        &[367],
        "Z: forming a reply is refused by the library, before the kernel is asked",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The numbers are those at the lines of section 11. Each has a test, a rule of
    /// `tests/conformance` or one here, or it is told why not; and nothing else has one.
    #[test]
    fn each_numbered_behaviour_has_a_test() {
        let specification = include_str!("../../../../kmod/uapi/kbus-abi.md");
        let number = |line: &str| -> Option<u32> {
            let (number, _) = line.strip_prefix("- **")?.split_once(".**")?;
            number.parse().ok()
        };
        let said: BTreeSet<u32> = specification.lines().filter_map(number).collect();
        let tested = crate::all_tests(&Default::default());
        let mut shown: BTreeSet<u32> = tested.iter().filter_map(|test| test.number()).collect();
        for n in super::ELSEWHERE.iter().flat_map(|(numbers, _)| *numbers) {
            assert!(shown.insert(*n), "{n} has a test here, too");
        }
        let without: Vec<_> = said.difference(&shown).collect();
        assert!(without.is_empty(), "no test for {without:?}");
        let unknown: Vec<_> = shown.difference(&said).collect();
        assert!(unknown.is_empty(), "not in the specification: {unknown:?}");
    }
}
