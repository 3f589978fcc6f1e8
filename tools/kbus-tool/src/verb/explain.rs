// SPDX-License-Identifier: GPL-2.0-only
//! `explain`: what an errno, or a message of the bus, means.

use std::collections::BTreeSet;

use clap::Args;
use kbus::{Call, Errno, Error, MessageId, Name, Pattern, Status};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::output::Paint;

/// Tell what an errno means on a bus, or a message of the bus, or a name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kbus-tool explain EBUSY
  kbus-tool explain '$.KBUS.Replier.GoneAway'")]
pub(crate) struct Explain {
    /// An errno (EBUSY, or 16), a message of the bus ($.KBUS.Replier.GoneAway), or any name
    what: String,
}

/// An errno means this when one of these things is tried.
#[derive(Serialize)]
struct Meaning {
    errno: String,
    number: i32,
    /// As in "cannot ask"; empty: whatever was tried.
    cannot: Vec<String>,
    meaning: String,
    todo: &'static str,
}

/// A name, or a message of the bus.
#[derive(Serialize)]
struct Words {
    name: String,
    meaning: String,
    todo: &'static str,
}

impl Explain {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut out = context.output();
        if self.what.starts_with('$') || self.what.is_empty() {
            let words = name(&self.what);
            out.either(&words, |out| {
                let todo = if words.todo.is_empty() { "" } else { "; " };
                format!(
                    "{}: {}{todo}{}",
                    out.paint(Paint::Name, &words.name),
                    words.meaning,
                    words.todo
                )
            })?;
            return out.flush();
        }
        let errno = errno(&self.what).ok_or_else(|| {
            Failure::Payload(format!(
                "{:?} is neither an errno nor a name; errnos are written as EBUSY or 16, names \
                 like $.Lamp.Kitchen",
                self.what
            ))
        })?;
        let meanings = meanings(errno);
        if !out.json {
            let title = format!("{errno} ({})", errno.0);
            let title = out.paint(Paint::Name, &title);
            out.line(title)?;
        }
        for meaning in &meanings {
            out.either(meaning, |_| {
                let cannot = match &meaning.cannot[..] {
                    [] => "whatever was tried".to_owned(),
                    calls => format!("cannot {}", calls.join(", ")),
                };
                let todo = if meaning.todo.is_empty() { "" } else { "; " };
                format!("  {cannot}: {}{todo}{}", meaning.meaning, meaning.todo)
            })?;
        }
        out.flush()
    }
}

/// Parses an errno, by name or number.
fn errno(text: &str) -> Option<Errno> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..4096).contains(&number).then_some(Errno(number));
    }
    let text = text.to_ascii_uppercase();
    let all = (1..256).map(Errno);
    all.into_iter()
        .find(|errno| errno.name().is_some_and(|name| name == text))
}

/// Returns what an errno means: a meaning with all the calls that have it.
fn meanings(errno: Errno) -> Vec<Meaning> {
    let meaning = |cannot, error: &Error| Meaning {
        errno: errno.to_string(),
        number: errno.0,
        cannot,
        meaning: error.meaning(),
        todo: error.advice(),
    };
    let mut groups: Vec<(Error, Vec<Call>)> = Vec::new();
    for call in Call::ALL {
        let error = Error::Os { call, errno };
        let alike = |(known, _): &&mut (Error, _)| {
            known.meaning() == error.meaning() && known.advice() == error.advice()
        };
        // Each meaning that the library knows has an advice.
        if error.advice().is_empty() {
            continue;
        }
        match groups.iter_mut().find(alike) {
            Some((_, calls)) => calls.push(call),
            None => groups.push((error, vec![call])),
        }
    }
    // What the library says of itself, when it waits for an answer.
    let request = MessageId::default();
    for error in [Error::TimedOut { request }, Error::Crowded { request }] {
        if error.errno() == Some(errno) {
            groups.push((error, vec![Call::Ask]));
        }
    }
    if groups.is_empty() {
        let words = std::io::Error::from_raw_os_error(errno.0);
        return vec![Meaning {
            errno: errno.to_string(),
            number: errno.0,
            cannot: Vec::new(),
            meaning: format!("{words} (nothing that a bus says)"),
            todo: "",
        }];
    }
    let meanings = groups.iter().map(|(error, calls)| {
        let mut cannot: Vec<String> = Vec::new();
        if calls.len() < Call::ALL.len() {
            cannot.extend(calls.iter().map(Call::to_string));
            // Two calls may do one thing, as write and SEND both send.
            let mut seen = BTreeSet::new();
            cannot.retain(|call| seen.insert(call.clone()));
        }
        meaning(cannot, error)
    });
    meanings.collect()
}

/// Returns what a name means: a message of the bus, or any other.
fn name(text: &str) -> Words {
    let words = |meaning: String, todo| Words {
        name: text.to_owned(),
        meaning,
        todo,
    };
    match (Name::new(text), Pattern::new(text)) {
        (Ok(_), _) if text == "$.KBUS.ReplierBindEvent" => words(
            "an announcement of the bus: a replier has bound to a name, or has given it up"
                .to_owned(),
            "switch it on with kbus-tool limits --report-repliers on",
        ),
        (Ok(_), _) if text == "$.KBUS.UnbindEventsLost" => words(
            "an announcement of the bus: more repliers have gone than it could keep events of"
                .to_owned(),
            "look who is there now (kbus-tool list)",
        ),
        (Ok(_), _) if text == "$.KBUS.Replier.NotSameKsock" => words(
            "instead of a reply, from a daemon that joins buses: the replier is another one now"
                .to_owned(),
            "begin the conversation anew, with an ordinary request",
        ),
        (Ok(name), _) if text.starts_with("$.KBUS.") => {
            let status = Status::from(&name);
            if let Status::Other(_) = status {
                return words(
                    "a name of the bus's own kind, but not one that it uses".to_owned(),
                    "",
                );
            }
            let error = Error::Unanswered {
                request: MessageId::default(),
                status,
            };
            words(
                format!("instead of a reply, from the bus: {}", error.meaning()),
                error.advice(),
            )
        }
        (Ok(_), _) => words(
            "a name: messages may be called so, and it can be bound to".to_owned(),
            "see who is bound to it (kbus-tool who)",
        ),
        (Err(_), Ok(pattern)) => {
            let how_many = if pattern.as_bytes().ends_with(b"%") {
                "exactly one more word"
            } else {
                "one more word or several"
            };
            words(
                format!(
                    "a pattern: can be bound to, and matches names with {how_many} in place of \
                     the wildcard"
                ),
                "no message can be called so",
            )
        }
        (Err(_), Err(error)) => words(
            format!("not a name: {error}"),
            "names look like $.Lamp.Kitchen, patterns like $.Lamp.* or $.Lamp.%",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errnos_are_found_by_name_and_number() {
        assert_eq!(errno("EBUSY"), Some(Errno(16)));
        assert_eq!(errno("ebusy"), Some(Errno(16)));
        assert_eq!(errno("16"), Some(Errno(16)));
        assert_eq!(errno("0"), None);
        assert_eq!(errno("EWHAT"), None);
    }

    #[test]
    fn every_errno_of_the_library_has_a_meaning() {
        for number in 1..256 {
            let meanings = meanings(Errno(number));
            assert!(!meanings.is_empty(), "{number}");
        }
        let busy: Vec<_> = meanings(Errno(16));
        assert_eq!(busy.len(), 5);
        assert_eq!(busy[0].cannot, ["send"]);
        let memory = meanings(errno("ENOMEM").unwrap());
        assert_eq!(memory.len(), 1);
        assert!(memory[0].cannot.is_empty());
        let late = meanings(errno("ETIMEDOUT").unwrap());
        assert_eq!(late[0].meaning, "no answer came in time");
        let crowded = meanings(errno("ENOBUFS").unwrap());
        assert_eq!(
            (crowded.len(), &crowded[0].cannot[..]),
            (1, &["ask".to_owned()][..])
        );
    }
}
