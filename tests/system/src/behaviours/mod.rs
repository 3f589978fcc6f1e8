// SPDX-License-Identifier: GPL-2.0
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

/// Every number that the specification's section 11 has.
pub const NUMBERS: &[(u32, u32)] = &[
    (2, 12),
    (16, 19),
    (22, 24),
    (26, 33),
    (35, 38),
    (40, 43),
    (45, 48),
    (50, 54),
    (56, 56),
    (58, 63),
    (65, 66),
    (70, 70),
    (72, 76),
    (78, 88),
    (91, 91),
    (93, 94),
    (96, 100),
    (102, 103),
    (105, 107),
    (109, 109),
    (111, 117),
    (120, 130),
    (132, 133),
    (135, 140),
    (142, 146),
    (148, 148),
    (150, 154),
    (157, 161),
    (163, 164),
    (166, 166),
    (168, 168),
    (170, 171),
    (173, 173),
    (176, 176),
    (179, 182),
    (185, 185),
    (187, 187),
    (190, 194),
    (197, 201),
    (204, 206),
    (208, 208),
    (210, 213),
    (215, 216),
    (218, 220),
    (222, 223),
    (227, 232),
    (234, 242),
    (244, 255),
    (257, 260),
    (262, 264),
    (267, 271),
    (273, 274),
    (276, 279),
    (281, 283),
    (285, 285),
    (287, 287),
    (289, 292),
    (295, 295),
    (297, 306),
    (308, 310),
    (312, 317),
    (319, 320),
    (322, 325),
    (327, 328),
    (330, 330),
    (332, 335),
    (337, 343),
    (346, 347),
    (349, 352),
    (354, 355),
    (357, 357),
    (359, 364),
    (366, 368),
    (370, 372),
    (374, 374),
];
