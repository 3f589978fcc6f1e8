// SPDX-License-Identifier: GPL-2.0-only
//! Messages in text: the line of section 10.1, as the C library prints it.

use std::fmt;

use crate::message::{Kind, Message};
use crate::wire::flags::Flags;
use crate::wire::id::{MessageId, Origin};

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Status => "Status",
            Kind::Reply => "Reply",
            Kind::StatefulRequest | Kind::Request => "Request",
            Kind::BindEvent => "ReplierBindEvent",
            Kind::Announcement => "Announcement",
        })
    }
}

/// The form of section 10.1, as the C library prints it. `{:#}` does not
/// shorten the data.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHORT: usize = 20;
        let (kind, data) = (self.kind(), self.data());
        write!(f, "<{kind}")?;
        if kind != Kind::BindEvent {
            write!(f, " '{}'", self.name())?;
        }
        if self.id() != MessageId::default() {
            write!(f, " id={}", self.id())?;
        }
        if let Some(to) = self.to() {
            write!(f, " to={to}")?;
        }
        if let Some(from) = self.from() {
            write!(f, " from={from}")?;
        }
        if self.orig_from() != Origin::default() {
            write!(f, " orig_from={}", self.orig_from())?;
        }
        if self.final_to() != Origin::default() {
            write!(f, " final_to={}", self.final_to())?;
        }
        if let Some(id) = self.in_reply_to() {
            write!(f, " in_reply_to={id}")?;
        }
        let flags = self.flags();
        if flags != Flags::NONE {
            write!(f, " flags={:#x}", flags.0)?;
            let words = flags.to_string();
            if !words.is_empty() {
                write!(f, " {words}")?;
            }
        }
        if let Some(event) = self.bind_event() {
            write!(f, " data= [{event}]")?;
        } else if !data.is_empty() {
            f.write_str(" data=")?;
            let shown = if f.alternate() {
                data.len()
            } else {
                data.len().min(SHORT)
            };
            for &byte in data.iter().take(shown) {
                match byte {
                    b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\x{byte:02x}")?,
                }
            }
            if shown < data.len() {
                f.write_str("...")?;
            }
        }
        f.write_str(">")
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
