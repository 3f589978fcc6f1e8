// SPDX-License-Identifier: GPL-2.0-only
//! How a message looks: on a line, and as a JSON object.

use std::fmt::Write as _;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use clap::ValueEnum;
use jiff::{Timestamp, Zoned};
use kbus::{BindEvent, Flags, Kind, KsockId, Message, MessageId};
use serde::Serialize;
use serde_json::Value;

use crate::gap::Gap;
use crate::output::{Output, Paint};

/// How data are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// As text where it is text, in hexadecimal (with --json: in base64) where it is not
    Auto,
    /// As text, with U+FFFD for what is none
    Text,
    /// In hexadecimal
    Hex,
    /// In base64
    Base64,
    /// As JSON where it is JSON, on one line; otherwise like auto
    Json,
    /// As it is, byte for byte
    Raw,
}

/// Returns the kind of a message in a word.
pub(crate) fn kind(message: &Message) -> &'static str {
    match message.kind() {
        Kind::Status => "status",
        Kind::Reply => "reply",
        Kind::StatefulRequest | Kind::Request => "request",
        Kind::BindEvent => "event",
        Kind::Announcement => "announcement",
    }
}

/// Returns a message on one line: kind, id, sender, recipient, name and data.
pub(crate) fn line(out: &Output, message: &Message, show: Show) -> String {
    let mut line = format!("{} {}", kind(message), message.id());
    // Writing to a String cannot fail.
    let _ = match message.from() {
        Some(from) => write!(line, " from {from}"),
        None => write!(line, " from the bus"),
    };
    if let Some(to) = message.to() {
        let _ = write!(line, " to {to}");
    }
    if let Some(request) = message.in_reply_to() {
        let _ = write!(line, " about {request}");
    }
    let mut line = out.paint(Paint::Quiet, &line);
    let _ = write!(
        line,
        " {}",
        out.paint(Paint::Name, &message.name().to_string())
    );
    if let Some(event) = message.bind_event() {
        let did = if event.bound { "binds" } else { "unbinds" };
        let _ = write!(line, " {} {did} {}", event.binder, event.name);
    } else if !message.data().is_empty() {
        let _ = write!(line, " {}", quoted(message.data(), show));
    }
    line
}

/// Returns the time of day, for people.
pub(crate) fn clock() -> String {
    Zoned::now().strftime("%H:%M:%S%.6f").to_string()
}

/// Returns the time, for programs.
pub(crate) fn time() -> String {
    format!("{:.6}", Timestamp::now())
}

/// Returns a gap on a line.
pub(crate) fn gap(out: &Output, gap: &Gap) -> String {
    let how_many = match gap.at_most {
        Some(1) => "up to 1 message may be missing".to_owned(),
        Some(at_most) => format!("up to {at_most} messages may be missing"),
        None => "messages may be missing".to_owned(),
    };
    let line = format!("missed {how_many} after {}", gap.after);
    out.paint(Paint::Bad, &line)
}

/// Returns a process, as in "pid 12 cat", or what is known of it.
pub(crate) fn process(pid: Option<u32>, command: Option<&String>) -> String {
    match (pid, command) {
        (None, _) => "(bound to nothing)".to_owned(),
        (Some(pid), None) => format!("pid {pid} (gone)"),
        (Some(pid), Some(command)) => format!("pid {pid} {command}"),
    }
}

/// Returns data as part of a line, which they must not end.
fn quoted(data: &[u8], show: Show) -> String {
    match show {
        Show::Auto => match std::str::from_utf8(data) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("0x{}", hex::encode(data)),
        },
        Show::Text => format!("{:?}", String::from_utf8_lossy(data)),
        Show::Hex => hex::encode(data),
        Show::Base64 => BASE64_STANDARD.encode(data),
        Show::Json => match serde_json::from_slice::<Value>(data) {
            Ok(value) => value.to_string(),
            Err(_) => quoted(data, Show::Auto),
        },
        Show::Raw => String::from_utf8_lossy(data).into_owned(),
    }
}

/// Returns data to print alone on a line.
pub(crate) fn bare(data: &[u8], show: Show) -> Vec<u8> {
    match show {
        Show::Raw => data.to_owned(),
        Show::Text => String::from_utf8_lossy(data).into_owned().into_bytes(),
        other => quoted(data, other).into_bytes(),
    }
}

/// Returns data as part of an object, and how they are written there.
fn value(data: &[u8], show: Show) -> (Value, &'static str) {
    let base64 = || (BASE64_STANDARD.encode(data).into(), "base64");
    match show {
        Show::Auto | Show::Raw => match std::str::from_utf8(data) {
            Ok(text) => (text.into(), "text"),
            Err(_) => base64(),
        },
        Show::Text => (String::from_utf8_lossy(data).into(), "text"),
        Show::Hex => (hex::encode(data).into(), "hex"),
        Show::Base64 => base64(),
        Show::Json => match serde_json::from_slice(data) {
            Ok(json) => (json, "json"),
            Err(_) => value(data, Show::Auto),
        },
    }
}

/// A message as an object.
#[derive(Debug, Serialize)]
pub(crate) struct Object {
    time: String,
    kind: &'static str,
    id: MessageId,
    /// None: the bus itself.
    from: Option<KsockId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<KsockId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<MessageId>,
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<&'static str>,
    data: Value,
    /// How `data` is written: text, hex, base64, or json for a value.
    encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<BindEvent>,
}

/// A gap as an object.
#[derive(Debug, Serialize)]
pub(crate) struct GapObject<'a> {
    kind: &'static str,
    #[serde(flatten)]
    gap: &'a Gap,
}

pub(crate) fn gap_object(gap: &Gap) -> GapObject<'_> {
    let kind = "missed";
    GapObject { kind, gap }
}

/// Returns a message that was taken just now as an object.
pub(crate) fn object(message: &Message, show: Show) -> Object {
    let (data, encoding) = value(message.data(), show);
    Object {
        time: time(),
        kind: kind(message),
        id: message.id(),
        from: message.from(),
        to: message.to(),
        in_reply_to: message.in_reply_to(),
        name: message.name().to_string(),
        flags: flags(message.flags()),
        data,
        encoding,
        event: message.bind_event(),
    }
}

/// Returns the names of the flags that have one.
fn flags(flags: Flags) -> Vec<&'static str> {
    let words = [
        (Flags::WANT_A_REPLY, "want_a_reply"),
        (Flags::WANT_YOU_TO_REPLY, "want_you_to_reply"),
        (Flags::SYNTHETIC, "synthetic"),
        (Flags::URGENT, "urgent"),
        (Flags::ALL_OR_WAIT, "all_or_wait"),
        (Flags::ALL_OR_FAIL, "all_or_fail"),
    ];
    let words = words.iter().filter(|(flag, _)| flags.contains(*flag));
    words.map(|(_, word)| *word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbus::Name;

    fn id(serial: u32) -> MessageId {
        MessageId { network: 0, serial }
    }

    #[test]
    fn messages_read_well() {
        let out = Output::new(false);
        let name = Name::new("$.Actor.Hamlet").unwrap();
        let hello = Message::announcement(&name, "To be\n").with_id(id(3));
        assert_eq!(
            line(&out, &hello, Show::Auto),
            r#"announcement [0:3] from the bus $.Actor.Hamlet "To be\n""#
        );
        let reply = Message::announcement(&name, [0xff, 0])
            .with_id(id(4))
            .with_in_reply_to(id(3))
            .with_to(KsockId::new(7).unwrap());
        assert_eq!(
            line(&out, &reply, Show::Auto),
            "reply [0:4] from the bus to 7 about [0:3] $.Actor.Hamlet 0xff00"
        );
    }

    #[test]
    fn data_are_shown_in_many_ways() {
        let ways = |show| quoted(b"{\"a\": 1}", show);
        assert_eq!(ways(Show::Text), r#""{\"a\": 1}""#);
        assert_eq!(ways(Show::Hex), "7b2261223a20317d");
        assert_eq!(ways(Show::Base64), "eyJhIjogMX0=");
        assert_eq!(ways(Show::Json), r#"{"a":1}"#);
        assert_eq!(quoted(b"\xff", Show::Json), "0xff");
        assert_eq!(quoted(b"\xff", Show::Text), "\"\u{fffd}\"");
        assert_eq!(value(b"\xff", Show::Auto), ("/w==".into(), "base64"));
        assert_eq!(bare(b"\xff\n", Show::Raw), b"\xff\n");
    }
}
