// SPDX-License-Identifier: GPL-2.0-only
//! The format of recordings, written by `record` and read by `replay`.
//!
//! A recording is text: JSON objects, one a line. The first line says what it
//! is. Each other line is a message, or says that some may be missing there.
//! Lines are in the order of the bus. Readers ignore fields that they do not
//! know; a change that they could not ignore would raise the version.

use base64::prelude::{Engine as _, BASE64_STANDARD};
use kbus::{Message, Name};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::gap::Gap;
use crate::render;

/// The version of the format.
const VERSION: u32 = 1;

/// The format for people, in the help of `record`, and so in the manual.
pub(crate) const FORMAT: &str = "\
Format:
  A recording is text, one JSON object a line. The first line is
    {\"kbus-recording\":1,\"time\":...,\"bus\":...,\"names\":[...]}
  with the version of the format, when it began (UTC), the number of the bus,
  and what was listened to. Each message is a line:
    at           seconds since then, by the clock of the recorder
    kind         announcement, request, reply, status or event
    id           [network:serial]
    from         the Ksock that sent it; 0 is the bus itself
    to           the Ksock it is for; left out if there is none
    in_reply_to  the id of the request; left out if there is none
    name         of the message
    flags        a number, as in kbus(4)
    data         in base64
  A line {\"at\":...,\"missed\":{...}} says that messages may be missing there,
  because the recorder's queue was full: after and before which id, and how
  many at most. Lines are in the order of the bus.";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    #[serde(rename = "kbus-recording")]
    version: u32,
    time: String,
    bus: u32,
    names: Vec<String>,
}

/// Any other line.
#[derive(Debug)]
pub(crate) enum Line {
    Message(RecordedMessage),
    /// Messages are missing here. There is nothing to do about it.
    Gap,
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordedMessage {
    pub(crate) at: f64,
    pub(crate) kind: String,
    id: String,
    from: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
    name: String,
    pub(crate) flags: u32,
    data: String,
}

/// A line about a gap.
#[derive(Debug, Serialize)]
pub(crate) struct RecordedGap {
    pub(crate) at: f64,
    pub(crate) missed: Gap,
}

impl Header {
    pub(crate) fn new(bus: u32, names: &[impl ToString]) -> Header {
        Header {
            version: VERSION,
            time: render::time(),
            bus,
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn parse(line: &str) -> Result<Header, String> {
        let head: Header = serde_json::from_str(line)
            .map_err(|_| "this is no recording of kbus-tool record".to_owned())?;
        if head.version == VERSION {
            return Ok(head);
        }
        Err(format!(
            "the recording has version {} of the format; this program knows version {VERSION}",
            head.version
        ))
    }
}

impl Line {
    pub(crate) fn parse(line: &str) -> Result<Line, String> {
        #[derive(Deserialize)]
        struct Missing {
            #[serde(rename = "missed")]
            _missed: IgnoredAny,
        }
        match serde_json::from_str(line) {
            Ok(record) => Ok(Line::Message(record)),
            Err(_) if serde_json::from_str::<Missing>(line).is_ok() => Ok(Line::Gap),
            Err(error) => Err(format!("this is no line of a recording: {error}")),
        }
    }
}

impl RecordedMessage {
    pub(crate) fn new(message: &Message, at: f64) -> RecordedMessage {
        RecordedMessage {
            at,
            kind: render::kind(message).to_owned(),
            id: message.id().to_string(),
            from: message.from().map_or(0, kbus::KsockId::get),
            to: message.to().map(kbus::KsockId::get),
            in_reply_to: message.in_reply_to().map(|id| id.to_string()),
            name: message.name().to_string(),
            flags: message.flags().0,
            data: BASE64_STANDARD.encode(message.data()),
        }
    }

    pub(crate) fn name(&self) -> Result<Name, String> {
        Name::new(&self.name).map_err(|error| format!("{:?} is no name: {error}", self.name))
    }

    pub(crate) fn data(&self) -> Result<Vec<u8>, String> {
        BASE64_STANDARD
            .decode(&self.data)
            .map_err(|error| format!("the data are not base64: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbus::MessageId;

    #[test]
    fn what_is_written_can_be_read() {
        let name = Name::new("$.Lamp.\u{e9}").unwrap();
        let message = Message::request(&name, [0, 255]).with_id(MessageId {
            network: 0,
            serial: 7,
        });
        let line = serde_json::to_string(&RecordedMessage::new(&message, 0.25)).unwrap();
        assert_eq!(
            line,
            "{\"at\":0.25,\"kind\":\"request\",\"id\":\"[0:7]\",\"from\":0,\
             \"name\":\"$.Lamp.\u{e9}\",\"flags\":1,\"data\":\"AP8=\"}"
        );
        let Ok(Line::Message(read)) = Line::parse(&line) else {
            panic!("{line}")
        };
        assert_eq!((read.name(), read.data()), (Ok(name), Ok(vec![0, 255])));

        let missed = Gap {
            after: message.id(),
            before: None,
            at_most: Some(3),
        };
        let gap = RecordedGap { at: 1.0, missed };
        let line = serde_json::to_string(&gap).unwrap();
        assert_eq!(line, r#"{"at":1.0,"missed":{"after":"[0:7]","at_most":3}}"#);
        assert!(matches!(Line::parse(&line), Ok(Line::Gap)));
        assert!(Line::parse("{\"at\":1").is_err());
    }

    #[test]
    fn other_files_are_told_from_recordings() {
        let head = serde_json::to_string(&Header::new(0, &["$.*"])).unwrap();
        assert!(Header::parse(&head).is_ok());
        assert!(Header::parse("{}").is_err());
        let later = head.replace(":1,", ":2,");
        assert!(Header::parse(&later).unwrap_err().contains("version 2"));
    }
}
