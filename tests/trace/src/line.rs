// SPDX-License-Identifier: GPL-2.0-only
//! A line of a trace, written and read.

use std::fmt;
use std::str::FromStr;

pub const WANT_A_REPLY: u32 = 0x001;
pub const WANT_YOU_TO_REPLY: u32 = 0x002;
pub const SYNTHETIC: u32 = 0x004;
pub const URGENT: u32 = 0x008;
pub const ALL_OR_WAIT: u32 = 0x100;
pub const ALL_OR_FAIL: u32 = 0x200;

/// Two numbers with a colon between them: a message id, or a ksock's bus and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pair(pub u32, pub u32);

pub const NONE: Pair = Pair(0, 0);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

impl FromStr for Pair {
    type Err = String;
    fn from_str(s: &str) -> Result<Pair, String> {
        let (a, b) = s.split_once(':').ok_or_else(|| format!("{s} is no id"))?;
        Ok(Pair(number(a)?, number(b)?))
    }
}

fn number<N: FromStr>(s: &str) -> Result<N, String> {
    s.parse().map_err(|_| format!("{s} is no number"))
}

/// What matters of a message. `from` is 0 in one that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub name: String,
    pub flags: u32,
    pub from: u32,
    pub to: u32,
    pub re: Pair,
}

impl Head {
    pub fn kind(&self) -> &'static str {
        if self.re != NONE {
            match self.flags & SYNTHETIC {
                0 => "reply",
                _ => "status",
            }
        } else if self.flags & WANT_A_REPLY != 0 {
            "request"
        } else {
            "announcement"
        }
    }

    pub fn is_request(&self) -> bool {
        self.flags & WANT_A_REPLY != 0
    }

    pub fn is_reply(&self) -> bool {
        self.re != NONE
    }

    /// To be answered by whoever reads it.
    pub fn marked(&self) -> bool {
        self.flags & WANT_YOU_TO_REPLY != 0
    }

    pub fn synthetic(&self) -> bool {
        self.flags & SYNTHETIC != 0
    }

    pub fn urgent(&self) -> bool {
        self.flags & URGENT != 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Listener,
    Replier,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Open,
    Limit(u32),
    Once(bool),
    Bind(Role, String),
    Unbind(Role, String),
    Send(Head),
    Sent(Pair),
    Waits(Pair),
    Refused(String),
    Went,
    Dropped,
    Got(Pair, Head),
    Popped,
    Empty,
    Settled,
    Unrecorded,
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub ksock: Pair,
    pub n: u32,
    pub start: u64,
    pub end: u64,
    pub event: Event,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line {
            ksock,
            n,
            start,
            end,
            event,
        } = self;
        write!(f, "{ksock} {n} {start}-{end} {event}")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Listener => "listener",
            Role::Replier => "replier",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Open => f.write_str("open"),
            Event::Limit(n) => write!(f, "limit {n}"),
            Event::Once(on) => write!(f, "once {}", *on as u32),
            Event::Bind(role, name) => write!(f, "bind {role} {name}"),
            Event::Unbind(role, name) => write!(f, "unbind {role} {name}"),
            Event::Send(h) => write!(
                f,
                "send {} {} flags={:#x} to={} re={}",
                h.kind(),
                h.name,
                h.flags,
                h.to,
                h.re
            ),
            Event::Sent(id) => write!(f, "sent {id}"),
            Event::Waits(id) => write!(f, "waits {id}"),
            Event::Refused(why) => write!(f, "refused {why}"),
            Event::Went => f.write_str("went"),
            Event::Dropped => f.write_str("dropped"),
            Event::Got(id, h) => write!(
                f,
                "got {} {id} {} flags={:#x} from={} to={} re={}",
                h.kind(),
                h.name,
                h.flags,
                h.from,
                h.to,
                h.re
            ),
            Event::Popped => f.write_str("popped"),
            Event::Empty => f.write_str("empty"),
            Event::Settled => f.write_str("settled"),
            Event::Unrecorded => f.write_str("unrecorded"),
            Event::Close => f.write_str("close"),
        }
    }
}

/// The words of a line, one after the other.
struct Words<'a>(std::str::SplitAsciiWhitespace<'a>);

impl<'a> Words<'a> {
    fn word(&mut self) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| "something is missing".into())
    }

    fn number<N: FromStr>(&mut self) -> Result<N, String> {
        number(self.word()?)
    }

    /// `KEY=value`
    fn value(&mut self, key: &str) -> Result<&'a str, String> {
        let word = self.word()?;
        word.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix('='))
            .ok_or_else(|| format!("{word}, where {key}= was expected"))
    }

    fn role(&mut self) -> Result<Role, String> {
        match self.word()? {
            "listener" => Ok(Role::Listener),
            "replier" => Ok(Role::Replier),
            other => Err(format!("{other} is no role")),
        }
    }

    fn flags(&mut self) -> Result<u32, String> {
        let text = self.value("flags")?;
        text.strip_prefix("0x")
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| format!("{text} are no flags"))
    }

    fn head(&mut self, got: bool) -> Result<(Pair, Head), String> {
        let kind = self.word()?;
        let id = if got { self.word()?.parse()? } else { NONE };
        let name = self.word()?.to_string();
        let flags = self.flags()?;
        let from = if got { number(self.value("from")?)? } else { 0 };
        let to = number(self.value("to")?)?;
        let re = self.value("re")?.parse()?;
        let head = Head {
            name,
            flags,
            from,
            to,
            re,
        };
        if head.kind() != kind {
            return Err(format!("this is no {kind} but a {}", head.kind()));
        }
        Ok((id, head))
    }

    fn event(&mut self) -> Result<Event, String> {
        Ok(match self.word()? {
            "open" => Event::Open,
            "limit" => Event::Limit(self.number()?),
            "once" => Event::Once(self.number::<u32>()? != 0),
            "bind" => Event::Bind(self.role()?, self.word()?.into()),
            "unbind" => Event::Unbind(self.role()?, self.word()?.into()),
            "send" => Event::Send(self.head(false)?.1),
            "sent" => Event::Sent(self.word()?.parse()?),
            "waits" => Event::Waits(self.word()?.parse()?),
            "refused" => Event::Refused(self.word()?.into()),
            "went" => Event::Went,
            "dropped" => Event::Dropped,
            "got" => {
                let (id, head) = self.head(true)?;
                Event::Got(id, head)
            }
            "popped" => Event::Popped,
            "empty" => Event::Empty,
            "settled" => Event::Settled,
            "unrecorded" => Event::Unrecorded,
            "close" => Event::Close,
            other => return Err(format!("{other} is no event")),
        })
    }
}

impl FromStr for Line {
    type Err = String;
    fn from_str(s: &str) -> Result<Line, String> {
        let mut words = Words(s.split_ascii_whitespace());
        let ksock = words.word()?.parse()?;
        let n = words.number()?;
        let time = words.word()?;
        let (start, end) = time
            .split_once('-')
            .ok_or_else(|| format!("{time} is no time"))?;
        let (start, end) = (number(start)?, number(end)?);
        if end < start {
            return Err(format!("{time} ends before it starts"));
        }
        let event = words.event()?;
        match words.0.next() {
            Some(more) => Err(format!("{more} is too much")),
            None => Ok(Line {
                ksock,
                n,
                start,
                end,
                event,
            }),
        }
    }
}

/// A whole text, without its comments.
pub fn parse(text: &str) -> Result<Vec<Line>, String> {
    text.lines()
        .enumerate()
        .filter(|(_, l)| !l.is_empty() && !l.starts_with('#'))
        .map(|(at, l)| {
            l.parse()
                .map_err(|why| format!("line {}: {why}: {l}", at + 1))
        })
        .collect()
}
