// SPDX-License-Identifier: GPL-2.0-only
//! Messages as text, for people who debug: the line and the dump of section
//! 10.1. Names and data are bytes, and go out as they are where they can be
//! printed.

use std::io::{self, Write};

use crate::message::{is_id, is_reply, is_request, View};
use crate::uapi::{self, kbus_msg_id, kbus_orig_from};

/// How many bytes of data an abbreviated line shows.
const SHORT: usize = 20;

fn is_event(view: &View<'_>) -> bool {
    crate::event::is_event(view.name)
}

fn kind(view: &View<'_>) -> &'static str {
    if is_reply(&view.header) {
        if view.name.len() > 7 && view.name.starts_with(b"$.KBUS.") {
            "Status"
        } else {
            "Reply"
        }
    } else if is_request(&view.header) {
        "Request"
    } else if is_event(view) {
        "ReplierBindEvent"
    } else {
        "Announcement"
    }
}

const WORDS: [(u32, &str); 6] = [
    (uapi::KBUS_BIT_WANT_A_REPLY, "REQ"),
    (uapi::KBUS_BIT_WANT_YOU_TO_REPLY, "YOU"),
    (uapi::KBUS_BIT_SYNTHETIC, "SYN"),
    (uapi::KBUS_BIT_URGENT, "URG"),
    (uapi::KBUS_BIT_ALL_OR_FAIL, "aFL"),
    (uapi::KBUS_BIT_ALL_OR_WAIT, "aWT"),
];

fn flag_words(out: &mut impl Write, flags: u32) -> io::Result<()> {
    for (flag, word) in WORDS {
        if flags & flag != 0 {
            write!(out, " {word}")?;
        }
    }
    Ok(())
}

fn id(out: &mut impl Write, what: &str, id: kbus_msg_id) -> io::Result<()> {
    if is_id(id) {
        write!(out, " {what}=[{}:{}]", id.network_id, id.serial_num)?;
    }
    Ok(())
}

fn origin(out: &mut impl Write, what: &str, origin: kbus_orig_from) -> io::Result<()> {
    if (origin.network_id, origin.local_id) != (0, 0) {
        write!(out, " {what}=({},{})", origin.network_id, origin.local_id)?;
    }
    Ok(())
}

/// One line, without its end.
pub(crate) fn line(out: &mut impl Write, view: &View<'_>, abbreviate: bool) -> io::Result<()> {
    let header = &view.header;
    let kind = kind(view);
    write!(out, "<{kind}")?;
    let is_event = kind == "ReplierBindEvent";
    if !is_event {
        out.write_all(b" '")?;
        out.write_all(view.name)?;
        out.write_all(b"'")?;
    }
    id(out, "id", header.id)?;
    if header.to != 0 {
        write!(out, " to={}", header.to)?;
    }
    if header.from != 0 {
        write!(out, " from={}", header.from)?;
    }
    origin(out, "orig_from", header.orig_from)?;
    origin(out, "final_to", header.final_to)?;
    id(out, "in_reply_to", header.in_reply_to)?;
    if header.flags != 0 {
        write!(out, " flags={:#x}", header.flags)?;
        flag_words(out, header.flags)?;
    }
    match view.event() {
        Some(event) if is_event => {
            let what = if event.is_bind != 0 { "Bind" } else { "Unbind" };
            write!(out, " data= [{what} '")?;
            out.write_all(event.name)?;
            write!(out, "' for {}]", event.binder)?;
        }
        _ if !view.data.is_empty() => {
            out.write_all(b" data=")?;
            let shown = if abbreviate { SHORT } else { usize::MAX };
            for &byte in view.data.iter().take(shown) {
                match byte {
                    b'!'..=b'~' => out.write_all(&[byte])?,
                    _ => write!(out, "\\x{byte:02x}")?,
                }
            }
            if view.data.len() > shown {
                out.write_all(b"...")?;
            }
        }
        _ => {}
    }
    out.write_all(b">")
}

fn hex(out: &mut impl Write, bytes: &[u8], per_line: usize) -> io::Result<()> {
    for line in bytes.chunks(per_line) {
        out.write_all(b"   ")?;
        for byte in line {
            write!(out, " {byte:02x}")?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// All there is, in several lines.
pub(crate) fn dump(out: &mut impl Write, view: &View<'_>) -> io::Result<()> {
    let header = &view.header;
    let form = if header.name.is_null() {
        "entire"
    } else {
        "pointy"
    };
    let pair = |a: u32, b: u32| format_args!("{a}:{b}").to_string();
    writeln!(out, "{} ({form}):", kind(view))?;
    writeln!(out, "  start_guard: {:#010x}", header.start_guard)?;
    for (what, id) in [("id", header.id), ("in_reply_to", header.in_reply_to)] {
        writeln!(out, "  {what}: [{}]", pair(id.network_id, id.serial_num))?;
    }
    writeln!(out, "  to: {}", header.to)?;
    writeln!(out, "  from: {}", header.from)?;
    for (what, origin) in [
        ("orig_from", header.orig_from),
        ("final_to", header.final_to),
    ] {
        writeln!(out, "  {what}: ({},{})", origin.network_id, origin.local_id)?;
    }
    writeln!(out, "  extra: {}", header.extra)?;
    write!(out, "  flags: {:#010x}", header.flags)?;
    flag_words(out, header.flags)?;
    writeln!(out, "\n  name_len: {}", header.name_len)?;
    writeln!(out, "  data_len: {}", header.data_len)?;
    writeln!(out, "  name: {:p}", header.name)?;
    writeln!(out, "  data: {:p}", header.data)?;
    writeln!(out, "  end_guard: {:#010x}", header.end_guard)?;
    out.write_all(b"  the name: '")?;
    out.write_all(view.name)?;
    out.write_all(b"'\n")?;
    if !view.data.is_empty() {
        out.write_all(b"  the data: '")?;
        for &byte in view.data {
            let byte = if matches!(byte, b' '..=b'~') {
                byte
            } else {
                b'?'
            };
            out.write_all(&[byte])?;
        }
        out.write_all(b"'\n")?;
        hex(out, view.data, 16)?;
    }
    writeln!(out, "  the message, {} bytes:", view.bytes.len())?;
    hex(out, view.bytes, 26)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message;

    fn text(view: &View<'_>, abbreviate: bool) -> String {
        let mut out = Vec::new();
        line(&mut out, view, abbreviate).unwrap();
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn each_item_only_if_there_is_something_in_it() {
        let mut view = View {
            header: message::header(3, 0, 0).unwrap(),
            name: b"$.A",
            data: b"",
            bytes: b"",
        };
        assert_eq!(text(&view, true), "<Announcement '$.A'>");
        view.header.id.serial_num = 5;
        view.header.to = 2;
        view.header.from = 3;
        view.header.orig_from.network_id = 1;
        view.header.final_to.local_id = 4;
        view.header.in_reply_to.network_id = 9;
        view.header.flags = 0x30f;
        view.data = b"a \xff012345678901234567";
        assert_eq!(
            text(&view, true),
            "<Reply '$.A' id=[0:5] to=2 from=3 orig_from=(1,0) final_to=(0,4) \
             in_reply_to=[9:0] flags=0x30f REQ YOU SYN URG aFL aWT \
             data=a\\x20\\xff01234567890123456...>"
        );
        assert!(text(&view, false).ends_with("01234567>") || text(&view, false).ends_with("67>"));
        view.name = b"$.KBUS.x";
        assert!(text(&view, true).starts_with("<Status '$.KBUS.x'"));
        view.name = b"$.KBUS.";
        assert!(text(&view, true).starts_with("<Reply '$.KBUS.'"));
    }

    #[test]
    fn bind_events_are_told() {
        let mut view = View {
            header: message::header(23, 0, 0x204).unwrap(),
            name: b"$.KBUS.ReplierBindEvent",
            data: &[
                &[0; 4][..],
                &7u32.to_ne_bytes(),
                &3u32.to_ne_bytes(),
                b"$.B",
            ]
            .concat(),
            bytes: b"",
        };
        assert_eq!(
            text(&view, true),
            "<ReplierBindEvent flags=0x204 SYN aFL data= [Unbind '$.B' for 7]>"
        );
        view.data = b"nonsense";
        assert!(text(&view, true).ends_with(" data=nonsense>"));
    }
}
