// SPDX-License-Identifier: GPL-2.0-only
//! Do `libkbus/vectors` say the same as the specification? Every language is
//! tested against them, so they are held against it once, here.

use std::collections::BTreeMap;

use kbus_vectors as vectors;

use crate::{compare, spec, Facts};

/// What the vectors say of ioctls and structures.
fn ioctls(bits: u32) -> Facts {
    let wide = bits == 64;
    let here = |of64: usize, of32: usize| if wide { of64 } else { of32 }.to_string();
    let mut facts = Facts::new();
    for ioctl in vectors::ioctls().ioctls {
        let code = if wide { ioctl.code64 } else { ioctl.code32 };
        assert_eq!(code & 0xff, ioctl.number);
        let direction = ["none", "in", "out", "inout"][(code >> 30) as usize];
        assert_eq!(direction, ioctl.direction, "{}", ioctl.name);
        assert_eq!(direction == "none", ioctl.argument.is_none());
        facts.insert(format!("number KBUS_IOC_{}", ioctl.name), code.to_string());
    }
    for of in vectors::ioctls().structs {
        facts.insert(format!("size {}", of.name), here(of.size64, of.size32));
        for field in of.fields {
            let what = format!("offset {}.{}", of.name, field.name);
            facts.insert(what, here(field.at64, field.at32));
        }
    }
    facts
}

#[test]
fn the_ioctls_and_structures_are_those_of_the_specification() {
    for bits in [64, 32] {
        let mut facts = spec::facts(bits);
        facts.retain(|what, _| match what.split_once(' ') {
            Some(("number", name)) => {
                name.starts_with("KBUS_IOC_")
                    && !name.ends_with("MAGIC")
                    && !name.ends_with("MAXNR")
            }
            // Where a structure goes on, and the header once more.
            Some(("size" | "offset", name)) => {
                !name.ends_with(".rest") && !name.starts_with("kbus_entire_message")
            }
            _ => false,
        });
        compare(&ioctls(bits), &facts);
    }
}

#[test]
fn the_flags_are_those_of_the_specification() {
    let seen: BTreeMap<_, _> = vectors::messages()
        .flags
        .into_iter()
        .map(|flag| {
            (
                format!("number KBUS_BIT_{}", flag.name),
                flag.bit.to_string(),
            )
        })
        .collect();
    let mut facts = spec::facts(64);
    facts.retain(|what, _| what.starts_with("number KBUS_BIT_"));
    compare(&seen, &facts);
}

/// Where a message's parts are, by the specification's offsets alone.
#[test]
fn the_bytes_of_messages_are_where_the_specification_has_them() {
    for message in vectors::messages().messages {
        for (bits, bytes) in [(64, &message.bytes64), (32, &message.bytes32)] {
            let facts = spec::facts(bits);
            let number = |what: &str| facts[what].parse::<usize>().unwrap();
            let word = |field: &str, more: usize| {
                let at = number(&format!("offset kbus_message_header.{field}")) + more;
                u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
            };
            let pair = |field| (word(field, 0), word(field, 4));
            let guard = |name: &str| number(&format!("number KBUS_MSG_{name}_GUARD")) as u32;
            assert_eq!(word("start_guard", 0), guard("START"));
            assert_eq!(word("end_guard", 0), guard("END"));
            assert_eq!(pair("id"), message.id);
            assert_eq!(pair("in_reply_to"), message.in_reply_to);
            assert_eq!((word("to", 0), word("from", 0)), (message.to, message.from));
            assert_eq!(pair("orig_from"), message.orig_from);
            assert_eq!(pair("final_to"), message.final_to);
            assert_eq!(word("extra", 0), message.extra);
            assert_eq!(word("flags", 0), message.flags);
            let (name, data) = (message.name.len(), message.data.len());
            assert_eq!(word("name_len", 0) as usize, name);
            assert_eq!(word("data_len", 0) as usize, data);
            assert_eq!((word("name", 0), word("data", 0)), (0, 0));
            // A name has a zero byte behind it, and both end where a word does.
            let rest = &bytes[number("size kbus_message_header")..];
            let data_at = name / 4 * 4 + 4;
            let end = data_at + data.next_multiple_of(4);
            assert_eq!(rest[..name], message.name);
            assert_eq!(rest[data_at..data_at + data], message.data);
            assert_eq!(rest[end..], guard("END").to_le_bytes());
            let padding = [&rest[name..data_at], &rest[data_at + data..end]].concat();
            assert!(padding.iter().all(|&byte| byte == 0));
        }
    }
}
