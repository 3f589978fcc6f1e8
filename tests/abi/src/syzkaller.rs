// SPDX-License-Identifier: GPL-2.0-only
//! Does the description for syzkaller say what the specification says? This
//! reads just as much of its language as the description needs, and fails on
//! anything else; whether syzkaller reads it likewise is not tested here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{source, spec, Facts};

fn text(name: &str) -> String {
    let path = source("../syzkaller").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
}

/// A type's size, for programs of 64 bit, and whether it is fixed.
struct Types {
    resources: BTreeSet<String>,
    structs: BTreeMap<String, Struct>,
}

#[derive(Default)]
struct Struct {
    fields: Vec<(String, String)>,
    packed: bool,
}

impl Types {
    fn read(text: &str) -> Types {
        let mut types = Types {
            resources: BTreeSet::new(),
            structs: BTreeMap::new(),
        };
        let mut open: Option<(String, Struct)> = None;
        for line in lines(text) {
            if let Some(resource) = line.strip_prefix("resource ") {
                let (name, rest) = resource.split_once('[').unwrap();
                assert!(rest.starts_with("int32]") || rest == "fd]", "{line}");
                types.resources.insert(name.to_owned());
            } else if let Some(name) = line.strip_suffix(" {") {
                assert!(open.is_none(), "{line}");
                open = Some((name.to_owned(), Struct::default()));
            } else if let Some(attributes) = line.strip_prefix('}') {
                let (name, mut done) = open.take().unwrap();
                done.packed = attributes.contains("packed");
                types.structs.insert(name, done);
            } else if let Some((_, open)) = &mut open {
                let (name, rest) = line.trim().split_once('\t').unwrap();
                let what = rest.trim().split('\t').next().unwrap();
                open.fields.push((name.to_owned(), what.to_owned()));
            }
        }
        types
    }

    /// Size and alignment; no size when it varies.
    fn measure(&self, what: &str) -> (Option<u64>, u64) {
        let (head, arguments) = match what.split_once('[') {
            Some((head, rest)) => (head, rest.strip_suffix(']').unwrap()),
            None => (what, ""),
        };
        let of_base = || {
            let base = arguments.rsplit(", ").next().unwrap();
            self.measure(base)
        };
        match head {
            "int8" => (Some(1), 1),
            "int16" => (Some(2), 2),
            "int32" => (Some(4), 4),
            "int64" | "ptr" => (Some(8), 8),
            "const" | "flags" | "bytesize" => of_base(),
            "array" | "stringnoz" => (None, 1),
            name if self.resources.contains(name) => (Some(4), 4),
            name => {
                let (offsets, size, align) = self.layout(name);
                assert!(!offsets.is_empty(), "no such type: {what}");
                (size, align)
            }
        }
    }

    /// Offsets of the fields, size and alignment of the whole.
    fn layout(&self, name: &str) -> (Vec<(String, u64)>, Option<u64>, u64) {
        let it = self
            .structs
            .get(name)
            .unwrap_or_else(|| panic!("no such type: {name}"));
        let (mut at, mut widest) = (Some(0u64), 1);
        let mut offsets = Vec::new();
        for (field, what) in &it.fields {
            let (size, align) = self.measure(what);
            let align = if it.packed { 1 } else { align };
            widest = widest.max(align);
            at = at.map(|at| at.next_multiple_of(align));
            offsets.push((field.clone(), at.unwrap_or(u64::MAX)));
            at = at.zip(size).map(|(at, size)| at + size);
        }
        (offsets, at.map(|at| at.next_multiple_of(widest)), widest)
    }
}

fn number(facts: &Facts, what: &str) -> u64 {
    facts
        .get(what)
        .unwrap_or_else(|| panic!("the specification has no {what}"))
        .parse()
        .unwrap()
}

/// The fields that have to be there, in their places. A field of the
/// description that the specification lacks is padding.
fn compare_layout(types: &Types, described: &str, specified: &str, facts: &Facts) {
    let (offsets, size, _) = types.layout(described);
    let prefix = format!("offset {specified}.");
    let mut expected: BTreeMap<&str, u64> = facts
        .keys()
        .filter_map(|what| what.strip_prefix(&prefix))
        .map(|field| (field, number(facts, &format!("{prefix}{field}"))))
        .collect();
    for (field, offset) in &offsets {
        match expected.remove(field.as_str()) {
            Some(expected) => assert_eq!(*offset, expected, "{described}.{field}"),
            None => assert!(
                ["pad", "tail", "rest"].contains(&field.as_str()),
                "{described}.{field} is not in the specification"
            ),
        }
    }
    assert_eq!(expected, BTreeMap::new(), "missing in {described}");
    if let Some(size) = size {
        assert_eq!(size, number(facts, &format!("size {specified}")));
    }
}

#[test]
fn the_structures_are_laid_out_as_specified() {
    let types = Types::read(&text("dev_kbus.txt"));
    let facts = spec::facts(64);
    for name in [
        "kbus_msg_id",
        "kbus_orig_from",
        "kbus_bind_request",
        "kbus_bind_query",
        "kbus_remove_device",
        "kbus_message_header",
    ] {
        compare_layout(&types, name, name, &facts);
    }
    // The entire form has the header's fields, and more where the header ends.
    compare_layout(&types, "kbus_entire_message", "kbus_message_header", &facts);
    let (offsets, _, _) = types.layout("kbus_entire_message");
    let rest = (
        "rest".to_owned(),
        number(&facts, "offset kbus_entire_message.rest"),
    );
    assert_eq!(offsets.last(), Some(&rest));
    // What is read is as far as it goes the header, too.
    let (offsets, _, _) = types.layout("kbus_read_message");
    for (field, offset) in offsets.iter().filter(|(field, _)| field != "rest") {
        let what = format!("offset kbus_message_header.{field}");
        assert_eq!(*offset, number(&facts, &what), "kbus_read_message.{field}");
    }
}

/// Each ioctl once, its number by name, its argument in the right direction.
#[test]
fn the_ioctls_are_those_of_the_specification() {
    let text = text("dev_kbus.txt");
    let facts = spec::facts(64);
    let mut described = BTreeSet::new();
    for line in lines(&text).filter(|l| l.starts_with("ioctl$")) {
        let (name, arguments) = line["ioctl$".len()..].split_once('(').unwrap();
        let code = number(&facts, &format!("number {name}"));
        assert!(
            arguments.starts_with(&format!("fd fd_kbus, cmd const[{name}]")),
            "{line}"
        );
        let direction = match code >> 30 {
            0 => None,
            1 => Some("arg ptr[in, "),
            2 => Some("arg ptr[out, "),
            _ => Some("arg ptr[inout, "),
        };
        match direction {
            Some(direction) => assert!(arguments.contains(direction), "{line}: {direction}"),
            None => assert!(!arguments.contains("arg"), "{line}"),
        }
        assert!(described.insert(name.to_owned()), "{name} twice");
    }
    let specified: BTreeSet<String> = facts
        .keys()
        .filter_map(|what| what.strip_prefix("number "))
        .filter(|name| name.starts_with("KBUS_IOC_"))
        .filter(|name| !["KBUS_IOC_MAGIC", "KBUS_IOC_MAXNR"].contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(described, specified);
}

#[test]
fn the_constants_are_those_of_the_specification_and_all_that_is_used() {
    let text = text("dev_kbus.txt");
    let constants = self::text("dev_kbus.txt.const");
    let facts = spec::facts(64);
    let used: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with("KBUS_"))
        .collect();
    let mut given = BTreeSet::new();
    for line in lines(&constants) {
        let (name, value) = line.split_once(" = ").unwrap();
        if name == "arches" {
            continue;
        }
        let value: u64 = value.parse().unwrap();
        assert_eq!(value, number(&facts, &format!("number {name}")), "{name}");
        given.insert(name);
    }
    assert_eq!(used, given);
    let flags: BTreeSet<&str> = facts
        .keys()
        .filter_map(|what| what.strip_prefix("number "))
        .filter(|name| name.starts_with("KBUS_BIT_"))
        .collect();
    let list = |name: &str| {
        let list = lines(&text).find_map(|l| l.strip_prefix(&format!("{name} = ")));
        let list = list.unwrap_or_else(|| panic!("no list {name}"));
        list.split(", ").collect::<BTreeSet<&str>>()
    };
    assert_eq!(list("kbus_flags"), flags);
    let names = list("kbus_names");
    for (what, name) in facts.iter().filter(|(what, _)| what.starts_with("name ")) {
        assert!(names.contains(format!("\"{name}\"").as_str()), "{what}");
    }
}
