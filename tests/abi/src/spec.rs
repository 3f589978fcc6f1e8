// SPDX-License-Identifier: GPL-2.0-only
//! Section 2 of the specification, as data. Nothing here is computed from the
//! header or its mirror: this is what they are compared with, copied from the
//! tables by hand.

use std::collections::BTreeMap;

use crate::Facts;

/// Columns: 64-bit, 32-bit.
type Both = (u64, u64);

/// Section 2.2 and 2.3: struct, size, alignment.
const STRUCTS: &[(&str, Both, Both)] = &[
    ("kbus_msg_id", (8, 8), (4, 4)),
    ("kbus_orig_from", (8, 8), (4, 4)),
    ("kbus_bind_request", (16, 12), (8, 4)),
    ("kbus_bind_query", (16, 12), (8, 4)),
    ("kbus_replier_bind_event_data", (12, 12), (4, 4)),
    ("kbus_message_header", (88, 72), (8, 4)),
    ("kbus_entire_message", (88, 72), (8, 4)),
];

/// The same: field, offset.
const FIELDS: &[(&str, Both)] = &[
    ("kbus_msg_id.network_id", (0, 0)),
    ("kbus_msg_id.serial_num", (4, 4)),
    ("kbus_orig_from.network_id", (0, 0)),
    ("kbus_orig_from.local_id", (4, 4)),
    ("kbus_bind_request.is_replier", (0, 0)),
    ("kbus_bind_request.name_len", (4, 4)),
    ("kbus_bind_request.name", (8, 8)),
    ("kbus_bind_query.return_id", (0, 0)),
    ("kbus_bind_query.name_len", (4, 4)),
    ("kbus_bind_query.name", (8, 8)),
    ("kbus_replier_bind_event_data.is_bind", (0, 0)),
    ("kbus_replier_bind_event_data.binder", (4, 4)),
    ("kbus_replier_bind_event_data.name_len", (8, 8)),
    ("kbus_replier_bind_event_data.rest", (12, 12)),
    ("kbus_message_header.start_guard", (0, 0)),
    ("kbus_message_header.id", (4, 4)),
    ("kbus_message_header.in_reply_to", (12, 12)),
    ("kbus_message_header.to", (20, 20)),
    ("kbus_message_header.from", (24, 24)),
    ("kbus_message_header.orig_from", (28, 28)),
    ("kbus_message_header.final_to", (36, 36)),
    ("kbus_message_header.extra", (44, 44)),
    ("kbus_message_header.flags", (48, 48)),
    ("kbus_message_header.name_len", (52, 52)),
    ("kbus_message_header.data_len", (56, 56)),
    ("kbus_message_header.name", (64, 60)),
    ("kbus_message_header.data", (72, 64)),
    ("kbus_message_header.end_guard", (80, 68)),
    ("kbus_entire_message.header", (0, 0)),
    ("kbus_entire_message.rest", (88, 72)),
];

/// Sections 2.3, 2.4 and 2.5.
const NUMBERS: &[(&str, Both)] = &[
    ("KBUS_MSG_START_GUARD", (0x7375_624B, 0x7375_624B)),
    ("KBUS_MSG_END_GUARD", (0x4B62_7573, 0x4B62_7573)),
    ("KBUS_MAX_NAME_LEN", (1000, 1000)),
    ("KBUS_BIT_WANT_A_REPLY", (0x001, 0x001)),
    ("KBUS_BIT_WANT_YOU_TO_REPLY", (0x002, 0x002)),
    ("KBUS_BIT_SYNTHETIC", (0x004, 0x004)),
    ("KBUS_BIT_URGENT", (0x008, 0x008)),
    ("KBUS_BIT_ALL_OR_WAIT", (0x100, 0x100)),
    ("KBUS_BIT_ALL_OR_FAIL", (0x200, 0x200)),
    ("KBUS_IOC_MAGIC", (0x6B, 0x6B)),
    ("KBUS_IOC_MAXNR", (18, 18)),
    ("KBUS_IOC_RESET", (0x0000_6b01, 0x0000_6b01)),
    ("KBUS_IOC_BIND", (0x4008_6b02, 0x4004_6b02)),
    ("KBUS_IOC_UNBIND", (0x4008_6b03, 0x4004_6b03)),
    ("KBUS_IOC_KSOCKID", (0x8008_6b04, 0x8004_6b04)),
    ("KBUS_IOC_REPLIER", (0xc008_6b05, 0xc004_6b05)),
    ("KBUS_IOC_NEXTMSG", (0x8008_6b06, 0x8004_6b06)),
    ("KBUS_IOC_LENLEFT", (0x8008_6b07, 0x8004_6b07)),
    ("KBUS_IOC_SEND", (0x8008_6b08, 0x8004_6b08)),
    ("KBUS_IOC_DISCARD", (0x0000_6b09, 0x0000_6b09)),
    ("KBUS_IOC_LASTSENT", (0x8008_6b0a, 0x8004_6b0a)),
    ("KBUS_IOC_MAXMSGS", (0xc008_6b0b, 0xc004_6b0b)),
    ("KBUS_IOC_NUMMSGS", (0x8008_6b0c, 0x8004_6b0c)),
    ("KBUS_IOC_UNREPLIEDTO", (0x8008_6b0d, 0x8004_6b0d)),
    ("KBUS_IOC_MSGONLYONCE", (0xc008_6b0e, 0xc004_6b0e)),
    ("KBUS_IOC_VERBOSE", (0xc008_6b0f, 0xc004_6b0f)),
    ("KBUS_IOC_NEWDEVICE", (0x8008_6b10, 0x8004_6b10)),
    ("KBUS_IOC_REPORTREPLIERBINDS", (0xc008_6b11, 0xc004_6b11)),
    ("KBUS_IOC_MAXMSGSIZE", (0xc008_6b12, 0xc004_6b12)),
];

/// Section 2.7, without those of limpet.h.
const NAMES: &[(&str, &str)] = &[
    ("KBUS_MSG_NAME_REPLIER_GONEAWAY", "$.KBUS.Replier.GoneAway"),
    ("KBUS_MSG_NAME_REPLIER_IGNORED", "$.KBUS.Replier.Ignored"),
    ("KBUS_MSG_NAME_REPLIER_UNBOUND", "$.KBUS.Replier.Unbound"),
    (
        "KBUS_MSG_NAME_REPLIER_DISAPPEARED",
        "$.KBUS.Replier.Disappeared",
    ),
    ("KBUS_MSG_NAME_ERROR_SENDING", "$.KBUS.ErrorSending"),
    (
        "KBUS_MSG_NAME_UNBIND_EVENTS_LOST",
        "$.KBUS.UnbindEventsLost",
    ),
    (
        "KBUS_MSG_NAME_REPLIER_BIND_EVENT",
        "$.KBUS.ReplierBindEvent",
    ),
];

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

/// All of it, as a program of that word size should see it.
pub(crate) fn facts(bits: u32) -> Facts {
    let column = |both: Both| if bits == 64 { both.0 } else { both.1 };
    let mut facts = BTreeMap::new();
    for &(name, size, align) in STRUCTS {
        facts.insert(format!("size {name}"), column(size).to_string());
        facts.insert(format!("align {name}"), column(align).to_string());
    }
    for (what, table) in [
        ("offset", FIELDS),
        ("number", NUMBERS),
        ("length", LENGTHS),
        ("helper", HELPERS),
    ] {
        for &(name, value) in table {
            facts.insert(format!("{what} {name}"), column(value).to_string());
        }
    }
    for &(name, value) in NAMES {
        facts.insert(format!("name {name}"), value.to_string());
    }
    facts
}

/// The names of all macros that the header has to define, and of no others.
pub(crate) fn macros() -> Vec<&'static str> {
    let numbers = NUMBERS.iter().map(|(name, _)| *name);
    let names = NAMES.iter().map(|(name, _)| *name);
    let lengths = LENGTHS
        .iter()
        .map(|(name, _)| name.split('(').next().unwrap());
    let mut all: Vec<&str> = numbers.chain(names).chain(lengths).collect();
    all.sort_unstable();
    all.dedup();
    all
}
