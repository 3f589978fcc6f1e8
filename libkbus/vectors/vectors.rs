// SPDX-License-Identifier: GPL-2.0-only
//! The vectors for tests in Rust: the JSON files beside this one, parsed.
//! README.md says what is in them. Only for tests, so what cannot be parsed
//! is a panic.

use serde::{Deserialize, Deserializer};

/// Names, and what each is good for (specification 4.1 and 5.1).
#[derive(Deserialize)]
pub struct Names {
    /// Every letter and digit. All other bytes end or spoil a word.
    #[serde(deserialize_with = "latin1")]
    pub letters: Vec<u8>,
    /// Names and what the bus says to them.
    pub names: Vec<Name>,
    /// Texts that cannot be written in Latin-1.
    pub not_latin1: Vec<Text>,
    /// What is bound to in [`covered`](Names::covered).
    pub patterns: Vec<String>,
    /// Which of the patterns match a name, and no others.
    pub covered: Vec<Covered>,
}

/// One name.
#[derive(Deserialize)]
pub struct Name {
    /// The bytes that the bus uses.
    #[serde(deserialize_with = "latin1")]
    pub name: Vec<u8>,
    /// The errno of BIND and UNBIND; none when it may be bound to.
    pub bind: Option<Errno>,
    /// The errno of sending; none when a message may be called that.
    pub send: Option<Errno>,
    /// Why a message may not be called that, in the words of the libraries.
    pub why: Option<String>,
}

/// A text that is no name in any encoding.
#[derive(Deserialize)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Why, in the words of the libraries.
    pub why: String,
}

/// Which patterns match a name.
#[derive(Deserialize)]
pub struct Covered {
    /// The name.
    pub name: String,
    /// The patterns.
    pub by: Vec<String>,
}

/// Messages, and bytes that are none (specification 2.3 to 2.4, 6.4).
#[derive(Deserialize)]
pub struct Messages {
    /// The flags that have a meaning.
    pub flags: Vec<Flag>,
    /// Messages, as fields and as bytes.
    pub messages: Vec<Message>,
    /// What is no message.
    pub malformed: Vec<Malformed>,
    /// The data of bind events.
    pub bind_events: Vec<BindEvent>,
    /// What is no data of a bind event.
    pub malformed_bind_events: Vec<MalformedBindEvent>,
}

/// A flag.
#[derive(Deserialize)]
pub struct Flag {
    /// Its name, without `KBUS_BIT_`.
    pub name: String,
    /// Its bit.
    #[serde(deserialize_with = "number")]
    pub bit: u32,
    /// The word for it in a printed message.
    pub word: String,
}

/// A message, in the entire form.
#[derive(Deserialize)]
pub struct Message {
    /// What the Rust library calls its kind.
    pub kind: String,
    /// Its name.
    #[serde(deserialize_with = "latin1")]
    pub name: Vec<u8>,
    /// Its data.
    #[serde(deserialize_with = "hex")]
    pub data: Vec<u8>,
    /// Network and serial number.
    pub id: (u32, u32),
    /// Network and serial number.
    pub in_reply_to: (u32, u32),
    /// A Ksock, or 0.
    pub to: u32,
    /// A Ksock, or 0.
    pub from: u32,
    /// Network and Ksock.
    pub orig_from: (u32, u32),
    /// Network and Ksock.
    pub final_to: (u32, u32),
    /// Reserved.
    pub extra: u32,
    /// Its flags.
    pub flags: u32,
    /// The bytes in a 64-bit program, little endian.
    #[serde(deserialize_with = "hex")]
    pub bytes64: Vec<u8>,
    /// The bytes in a 32-bit program, little endian.
    #[serde(deserialize_with = "hex")]
    pub bytes32: Vec<u8>,
}

/// Bytes that are no message.
#[derive(Deserialize)]
pub struct Malformed {
    /// What is wrong.
    pub what: String,
    /// Where it is: `layout`, `name` or `flags`.
    pub wrong: String,
    /// The errno for bytes that were read; none when a message can be read
    /// that could not be written.
    pub read: Option<Errno>,
    /// The errno of writing them; none when more may follow.
    pub write: Option<Errno>,
    /// The bytes in a 64-bit program.
    #[serde(deserialize_with = "hex")]
    pub bytes64: Vec<u8>,
    /// The bytes in a 32-bit program.
    #[serde(deserialize_with = "hex")]
    pub bytes32: Vec<u8>,
}

/// The data of a bind event.
#[derive(Deserialize)]
pub struct BindEvent {
    /// 1 for a bind, 0 for an unbind.
    pub is_bind: u32,
    /// The Ksock.
    pub binder: u32,
    /// What it bound to.
    #[serde(deserialize_with = "latin1")]
    pub name: Vec<u8>,
    /// The bytes, little endian.
    #[serde(deserialize_with = "hex")]
    pub data: Vec<u8>,
}

/// Data that a bind event cannot have.
#[derive(Deserialize)]
pub struct MalformedBindEvent {
    /// What is wrong.
    pub what: String,
    /// The bytes, little endian.
    #[serde(deserialize_with = "hex")]
    pub data: Vec<u8>,
}

/// The calls, and the structures that go through them (specification 2.2,
/// 2.3, 2.5).
#[derive(Deserialize)]
pub struct Ioctls {
    /// Every ioctl.
    pub ioctls: Vec<Ioctl>,
    /// Every structure.
    pub structs: Vec<Struct>,
}

/// An ioctl.
#[derive(Deserialize)]
pub struct Ioctl {
    /// Its name, without `KBUS_IOC_`.
    pub name: String,
    /// Its number, from 1.
    pub number: u32,
    /// `none`, `in`, `out` or `inout`, as the program sees it.
    pub direction: String,
    /// What is transferred: a structure, or `u32`.
    pub argument: Option<String>,
    /// What a 64-bit program calls.
    #[serde(deserialize_with = "number")]
    pub code64: u32,
    /// What a 32-bit program calls.
    #[serde(deserialize_with = "number")]
    pub code32: u32,
}

/// A structure. Its size is in bytes, as are the places of its fields.
#[derive(Deserialize)]
pub struct Struct {
    /// Its name.
    pub name: String,
    /// In a 64-bit program.
    pub size64: usize,
    /// In a 32-bit program.
    pub size32: usize,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a structure.
#[derive(Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it is in a 64-bit program.
    pub at64: usize,
    /// Where it is in a 32-bit program.
    pub at32: usize,
}

/// The sentences for what goes wrong.
#[derive(Deserialize)]
pub struct Errnos {
    /// What was being done, for each call.
    pub calls: Vec<Call>,
    /// The errnos of each call.
    pub errnos: Vec<Words>,
    /// The errnos that mean the same whatever the call.
    pub any_call: Vec<Words>,
    /// The answers that the bus gives to requests.
    pub statuses: Vec<Status>,
}

/// A call.
#[derive(Deserialize, PartialEq, Debug)]
pub struct Call {
    /// What the Rust library calls it.
    pub call: String,
    /// As in "cannot …".
    pub doing: String,
}

/// What an errno of a call means.
#[derive(Deserialize, PartialEq, Debug)]
pub struct Words {
    /// The calls; empty for any.
    #[serde(default)]
    pub calls: Vec<String>,
    /// The errno.
    pub errno: Errno,
    /// What is the matter.
    pub meaning: String,
    /// What to do about it.
    pub advice: String,
}

/// What an answer of the bus means.
#[derive(Deserialize, PartialEq, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// What became of the request.
    pub meaning: String,
    /// What to do about it.
    pub advice: String,
}

/// An errno, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// The errnos that a bus gives, and those that libraries add.
pub const ERRNOS: &[(&str, i32)] = &[
    ("EACCES", libc::EACCES),
    ("EADDRINUSE", libc::EADDRINUSE),
    ("EADDRNOTAVAIL", libc::EADDRNOTAVAIL),
    ("EAGAIN", libc::EAGAIN),
    ("EALREADY", libc::EALREADY),
    ("EBADF", libc::EBADF),
    ("EBADMSG", libc::EBADMSG),
    ("EBUSY", libc::EBUSY),
    ("ECONNREFUSED", libc::ECONNREFUSED),
    ("EDQUOT", libc::EDQUOT),
    ("EFAULT", libc::EFAULT),
    ("EINTR", libc::EINTR),
    ("EINVAL", libc::EINVAL),
    ("EIO", libc::EIO),
    ("EISDIR", libc::EISDIR),
    ("EMFILE", libc::EMFILE),
    ("EMSGSIZE", libc::EMSGSIZE),
    ("ENAMETOOLONG", libc::ENAMETOOLONG),
    ("ENFILE", libc::ENFILE),
    ("ENOBUFS", libc::ENOBUFS),
    ("ENODEV", libc::ENODEV),
    ("ENOENT", libc::ENOENT),
    ("ENOLCK", libc::ENOLCK),
    ("ENOMEM", libc::ENOMEM),
    ("ENOMSG", libc::ENOMSG),
    ("ENOTTY", libc::ENOTTY),
    ("ENXIO", libc::ENXIO),
    ("EPERM", libc::EPERM),
    ("EPIPE", libc::EPIPE),
    ("ESPIPE", libc::ESPIPE),
    ("ETIMEDOUT", libc::ETIMEDOUT),
];

impl<'de> Deserialize<'de> for Errno {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Errno, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = ERRNOS.iter().find(|(name, _)| *name == text);
        let found = found.ok_or_else(|| serde::de::Error::custom(format!("no errno: {text}")));
        found.map(|(_, number)| Errno(*number))
    }
}

/// A name: text, or text with a part that repeats. Characters are bytes.
fn latin1<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Whole(String),
        Repeated {
            before: String,
            repeat: String,
            times: usize,
            after: String,
        },
    }
    let text = match Text::deserialize(deserializer)? {
        Text::Whole(text) => text,
        Text::Repeated {
            before,
            repeat,
            times,
            after,
        } => [before, repeat.repeat(times), after].concat(),
    };
    let byte = |char| u8::try_from(char).map_err(serde::de::Error::custom);
    text.chars().map(byte).collect()
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|char| char.to_digit(16).and_then(|digit| digit.try_into().ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.ok_or_else(|| serde::de::Error::custom(format!("no hex: {text}")))?;
    Ok(digits.chunks(2).map(|two| (two[0] << 4) | two[1]).collect())
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u32::from_str_radix(digits, 16).map_err(serde::de::Error::custom)
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("libkbus/vectors/{file}: {error}"))
}

/// What is in `names.json`.
pub fn names() -> Names {
    parse("names.json", include_str!("names.json"))
}

/// What is in `messages.json`.
pub fn messages() -> Messages {
    parse("messages.json", include_str!("messages.json"))
}

/// What is in `ioctls.json`.
pub fn ioctls() -> Ioctls {
    parse("ioctls.json", include_str!("ioctls.json"))
}

/// What is in `errnos.json`.
pub fn errnos() -> Errnos {
    parse("errnos.json", include_str!("errnos.json"))
}
