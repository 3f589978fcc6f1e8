// SPDX-License-Identifier: GPL-2.0-only
//! What is printed, and how a message looks on a line. A line goes out as soon
//! as it is complete, whoever reads it.

use std::fmt::Write as _;
use std::io::{self, Write};

use kbus::{Kind, Message};

use crate::exit::Failure;

/// Prints a line, of whatever bytes.
pub(crate) fn line(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}

/// Says something to the person at the terminal that is not output.
pub(crate) fn note(words: &str) {
    // Who has closed stderr does not want to know.
    let _ = writeln!(io::stderr(), "{words}");
}

/// Says what went wrong.
pub(crate) fn complain(words: &str) {
    note(&format!("kbus-tool: {words}"));
}

/// A message on one line: what it is, its id, who says it to whom, its name
/// and its data.
pub(crate) fn message(message: &Message) -> String {
    let what = match message.kind() {
        Kind::Status => "status",
        Kind::Reply => "reply",
        Kind::StatefulRequest | Kind::Request => "request",
        Kind::BindEvent => "event",
        Kind::Announcement => "announcement",
    };
    let mut line = format!("{what} {}", message.id());
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
    let _ = write!(line, " {}", message.name());
    if let Some(event) = message.bind_event() {
        let did = if event.bound { "binds" } else { "unbinds" };
        let _ = write!(line, " {} {did} {}", event.binder, event.name);
    } else if !message.data().is_empty() {
        let _ = write!(line, " {}", data(message.data()));
    }
    line
}

/// Data as text where it is text, in hexadecimal where it is not.
fn data(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => format!("{text:?}"),
        Err(_) => data.iter().fold(String::from("0x"), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbus::{KsockId, MessageId, Name};

    #[test]
    fn messages_read_well() {
        let name = Name::new("$.Actor.Hamlet").unwrap();
        let id = |serial| MessageId { network: 0, serial };
        let hello = Message::announcement(&name, "To be\n").with_id(id(3));
        assert_eq!(
            message(&hello),
            r#"announcement [0:3] from the bus $.Actor.Hamlet "To be\n""#
        );
        let reply = Message::announcement(&name, [0xff, 0])
            .with_id(id(4))
            .with_in_reply_to(id(3))
            .with_to(KsockId::new(7).unwrap());
        assert_eq!(
            message(&reply),
            "reply [0:4] from the bus to 7 about [0:3] $.Actor.Hamlet 0xff00"
        );
    }
}
