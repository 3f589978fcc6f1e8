// SPDX-License-Identifier: GPL-2.0-only
//! Section 2 of the specification as data: the tables of `kmod/uapi/kbus-abi.md`, and what its
//! formulas make of some numbers. Nothing here comes from the header or its mirror, which are
//! compared with it.

use std::collections::BTreeMap;

use crate::Facts;

const TEXT: &str = include_str!("../../../kmod/uapi/kbus-abi.md");

/// Columns: 64-bit, 32-bit.
type Both = (u64, u64);

/// Section 2.3, the macros for lengths; the values of ENTIRE_MSG_LEN are those
/// that are worked out there.
const LENGTHS: &[(&str, Both)] = &[
    ("KBUS_PADDED_NAME_LEN(3)", (4, 4)),
    ("KBUS_PADDED_NAME_LEN(4)", (8, 8)),
    ("KBUS_PADDED_NAME_LEN(7)", (8, 8)),
    ("KBUS_PADDED_NAME_LEN(1000)", (1004, 1004)),
    ("KBUS_PADDED_DATA_LEN(0)", (0, 0)),
    ("KBUS_PADDED_DATA_LEN(1)", (4, 4)),
    ("KBUS_PADDED_DATA_LEN(4)", (4, 4)),
    ("KBUS_PADDED_DATA_LEN(5)", (8, 8)),
    ("KBUS_ENTIRE_MSG_LEN(3,0)", (96, 80)),
    ("KBUS_ENTIRE_MSG_LEN(6,0)", (100, 84)),
    ("KBUS_ENTIRE_MSG_LEN(6,7)", (108, 92)),
    ("KBUS_ENTIRE_MSG_LEN(3,3)", (100, 84)),
    ("KBUS_ENTIRE_MSG_LEN(4,3)", (104, 88)),
    ("KBUS_ENTIRE_MSG_DATA_INDEX(3)", (1, 1)),
    ("KBUS_ENTIRE_MSG_DATA_INDEX(4)", (2, 2)),
    ("KBUS_ENTIRE_MSG_END_GUARD_INDEX(4,0)", (2, 2)),
    ("KBUS_ENTIRE_MSG_END_GUARD_INDEX(4,3)", (3, 3)),
];

/// Section 2.3.1 and 2.3.2: where the helpers find the parts of the entire
/// message with name `$.ab` and data "xyz", and whether they find those of a
/// pointy one.
const HELPERS: &[(&str, Both)] = &[
    ("kbus_msg_name_ptr(entire)", (88, 72)),
    ("kbus_msg_data_ptr(entire)", (96, 80)),
    ("kbus_msg_end_ptr(entire)", (100, 84)),
    ("kbus_msg_name_ptr(pointy)", (1, 1)),
    ("kbus_msg_data_ptr(pointy)", (1, 1)),
];

/// The cells of all tables of a section.
fn rows(section: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, text) = TEXT
        .split_once(&format!("\n## {section} "))
        .unwrap_or_else(|| panic!("the specification has no section {section}"));
    let text = text.split("\n## ").next().unwrap_or(text);
    let row = |line: &'static str| line.strip_prefix('|')?.strip_suffix('|');
    text.lines()
        .filter_map(row)
        .map(|row| row.split('|').map(str::trim).collect())
}

/// The text of a cell that is `code` and nothing else.
fn code(cell: &'static str) -> Option<&'static str> {
    let code = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!code.contains('`')).then_some(code)
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `16 / 12`, or one number for both.
fn both(text: &str) -> Option<Both> {
    let (wide, narrow) = text.split_once(" / ").unwrap_or((text, text));
    Some((number(wide)?, number(narrow)?))
}

/// Collects facts. Each is said once.
#[derive(Default)]
struct Columns {
    wide: Facts,
    narrow: Facts,
}

impl Columns {
    fn put(&mut self, what: &str, name: &str, (wide, narrow): Both) {
        for (facts, value) in [(&mut self.wide, wide), (&mut self.narrow, narrow)] {
            let before = facts.insert(format!("{what} {name}"), value.to_string());
            assert_eq!(before, None, "{what} {name} is in the specification twice");
        }
    }

    /// Structs by rows of struct, field, offset: the struct with its size stands beside its
    /// first field.
    fn structs(&mut self, section: &str) {
        let mut of = "";
        for row in rows(section) {
            let &[first, field, offset, ..] = row.as_slice() else {
                continue;
            };
            if let Some((name, size)) = first.split_once(" (size ") {
                let (size, align) = size.trim_end_matches(')').split_once(", align ").unwrap();
                of = code(name).unwrap();
                self.put("size", of, both(size).unwrap());
                self.put("align", of, both(align).unwrap());
            } else if !first.is_empty() {
                of = "";
            }
            if let (false, Some(field), Some(offset)) = (of.is_empty(), code(field), both(offset)) {
                self.put(
                    "offset",
                    &format!("{of}.{}", field.trim_end_matches("[]")),
                    offset,
                );
            }
        }
    }

    /// The message header has a table of its own: field, type, offset, offset.
    fn message_header(&mut self) {
        const NAME: &str = "kbus_message_header";
        for row in rows("2.3") {
            let &[field, _, wide, narrow] = row.as_slice() else {
                continue;
            };
            if field == "**sizeof**" {
                let size_and_align = |cell: &str| {
                    let (size, align) = cell.split_once(" (align ").unwrap();
                    let align = align.trim_end_matches(')');
                    (
                        number(size.trim_matches('*')).unwrap(),
                        number(align).unwrap(),
                    )
                };
                let (wide, narrow) = (size_and_align(wide), size_and_align(narrow));
                self.put("size", NAME, (wide.0, narrow.0));
                self.put("align", NAME, (wide.1, narrow.1));
            } else if let (Some(field), Some(wide), Some(narrow)) =
                (code(field), number(wide), number(narrow))
            {
                self.put("offset", &format!("{NAME}.{field}"), (wide, narrow));
            }
        }
    }

    /// Constants by rows of name and value.
    fn constants(&mut self, section: &str) {
        for row in rows(section) {
            if let (Some(name), Some(value)) = (code(row[0]), number(row[1])) {
                if name.starts_with("KBUS_") {
                    self.put("number", name, (value, value));
                }
            }
        }
    }

    /// Flags by rows of bit, value and name.
    fn flags(&mut self) {
        for row in rows("2.4") {
            if let (Some(bit), Some(name)) = (number(row[0]), code(row[2])) {
                let value = number(row[1]).unwrap();
                assert_eq!(value, 1 << bit, "{name}");
                self.put("number", name, (value, value));
            }
        }
    }

    /// ioctls by rows of number, name, direction, and what 64 and 32 bits make of that.
    fn ioctls(&mut self, section: &str) {
        for row in rows(section) {
            if let (Some(number_of_18), Some(name)) = (number(row[0]), code(row[1])) {
                let wide = number(row[3]).unwrap();
                let narrow = if row[4] == "same" {
                    wide
                } else {
                    number(row[4]).unwrap()
                };
                assert_eq!(wide & 0xff, number_of_18, "{name}");
                self.put("number", name, (wide, narrow));
            }
        }
    }
}

/// The message names by rows of macro and name, without those of limpet.h.
fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    rows("2.7").filter_map(|row| Some((code(row[0])?, code(row[1])?)))
}

/// All of it, as a program of that word size should see it.
pub(crate) fn facts(bits: u32) -> Facts {
    let mut columns = Columns::default();
    columns.structs("2.2");
    columns.structs("2.3");
    columns.message_header();
    columns.constants("2.3");
    columns.flags();
    columns.constants("2.5");
    columns.ioctls("2.5");
    columns.structs("12.2");
    columns.ioctls("12.2");
    for (what, table) in [("length", LENGTHS), ("helper", HELPERS)] {
        for &(name, value) in table {
            columns.put(what, name, value);
        }
    }
    let mut facts = if bits == 64 {
        columns.wide
    } else {
        columns.narrow
    };
    for (name, value) in names() {
        facts.insert(format!("name {name}"), value.to_string());
    }
    facts
}

/// The names of all macros that the header has to define, and of no others.
pub(crate) fn macros() -> Vec<String> {
    let macros = facts(64).into_keys().filter_map(|what| {
        let (kind, name) = what.split_once(' ')?;
        let name = name.split('(').next()?;
        matches!(kind, "number" | "name" | "length").then(|| name.to_owned())
    });
    let mut all: Vec<String> = macros.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A table that is not found would compare with nothing.
#[test]
fn the_tables_are_all_read() {
    let mut count = BTreeMap::new();
    for what in facts(64).into_keys() {
        let (kind, _) = what.split_once(' ').unwrap();
        *count.entry(kind.to_owned()).or_insert(0) += 1;
    }
    let expected = [
        ("align", 8),
        ("helper", 5),
        ("length", 17),
        ("name", 7),
        ("number", 30),
        ("offset", 32),
        ("size", 8),
    ];
    assert_eq!(count, expected.map(|(kind, n)| (kind.to_owned(), n)).into());
}
