// SPDX-License-Identifier: GPL-2.0-only
//! The lines of a trace as what they tell: ksocks with their bindings and what
//! they got, and messages with what became of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::line::{Event, Head, Line, Pair, Role, ALL_OR_WAIT};

/// Not seen to end.
pub const NEVER: u64 = u64::MAX;

/// A time during which something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct During {
    pub start: u64,
    pub end: u64,
}

impl During {
    pub fn before(self, other: During) -> bool {
        self.end < other.start
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// SEND succeeded.
    Accepted,
    /// Its sender was killed too early to say, or only knows that it waits no
    /// more.
    Perhaps,
    Refused,
    /// KBUS's own, or of one whose doings are not recorded.
    Others,
}

pub struct Message {
    /// The ksock that sent it, if that is one of those recorded.
    pub sender: Option<usize>,
    pub bus: u32,
    pub id: Option<Pair>,
    pub head: Head,
    pub fate: Fate,
    /// It had to wait: its id is older than its place in the order.
    pub waited: bool,
    /// The sender says that KBUS took it, or gave an answer for it.
    pub went: bool,
    /// When it took its place in the order.
    pub during: During,
}

impl Message {
    pub fn say(&self) -> String {
        let id = self.id.map_or("without id".into(), |id| id.to_string());
        format!("{} {id} {}", self.head.kind(), self.head.name)
    }
}

pub struct Binding {
    pub role: Role,
    pub name: String,
    pub bound: During,
    pub unbound: Option<During>,
}

pub struct Got {
    pub message: usize,
    pub head: Head,
    pub during: During,
    /// How many times this ksock had found nothing before.
    pub empties: usize,
}

pub struct Ksock {
    pub name: Pair,
    pub bindings: Vec<Binding>,
    pub got: Vec<Got>,
    /// The messages of those that it was told to answer.
    pub told: HashSet<usize>,
    /// The answers among them that were for itself.
    pub answers: HashSet<usize>,
    /// When it found nothing.
    pub empty: Vec<During>,
    pub sent: Vec<usize>,
    /// The least that its limit ever was.
    pub limit: u32,
    pub once: bool,
    /// It took messages that nobody looked at.
    pub popped: bool,
    pub settled: bool,
    pub unrecorded: bool,
    pub close: Option<During>,
}

impl Ksock {
    /// Killed, or simply not closed.
    pub fn cut_short(&self) -> bool {
        self.close.is_none()
    }
}

#[derive(Default)]
pub struct Story {
    pub ksocks: Vec<Ksock>,
    pub messages: Vec<Message>,
    pub by_name: HashMap<Pair, usize>,
    /// By bus and id. What was refused has none.
    pub by_id: HashMap<(u32, Pair), usize>,
    pub problems: Vec<String>,
}

impl Story {
    pub fn new(lines: &[Line]) -> Story {
        let mut story = Story::default();
        let mut of: BTreeMap<Pair, Vec<&Line>> = BTreeMap::new();
        for line in lines {
            of.entry(line.ksock).or_default().push(line);
        }
        for lines in of.values_mut() {
            lines.sort_by_key(|l| l.n);
            story.whole(lines);
        }
        for (name, lines) in &of {
            let at = story.ksocks.len();
            story.by_name.insert(*name, at);
            story.ksocks.push(Ksock {
                name: *name,
                bindings: Vec::new(),
                got: Vec::new(),
                told: HashSet::new(),
                answers: HashSet::new(),
                empty: Vec::new(),
                sent: Vec::new(),
                limit: 100,
                once: false,
                popped: false,
                settled: false,
                unrecorded: false,
                close: None,
            });
            story.did(at, lines);
        }
        // Who got something can be told only when all is known that was sent.
        for (at, lines) in of.values().enumerate() {
            story.saw(at, lines);
        }
        story
    }

    /// No line is missing, and time does not run backwards.
    fn whole(&mut self, lines: &[&Line]) {
        let ksock = lines[0].ksock;
        for (want, line) in (1..).zip(lines) {
            if line.n != want {
                let what = format!(
                    "the trace of {ksock} has line {} where {want} should be",
                    line.n
                );
                self.problems.push(what);
                break;
            }
        }
        if lines[0].event != Event::Open {
            self.problems
                .push(format!("the trace of {ksock} does not begin with open"));
        }
        for pair in lines.windows(2) {
            if pair[1].start < pair[0].end {
                let what = format!(
                    "{ksock}: line {} begins before the one before it ends",
                    pair[1].n
                );
                self.problems.push(what);
            }
            if matches!(pair[0].event, Event::Close | Event::Unrecorded) {
                self.problems
                    .push(format!("{ksock}: line {} comes after the end", pair[1].n));
            }
        }
    }

    /// All but what it read.
    fn did(&mut self, at: usize, lines: &[&Line]) {
        // What was begun to be sent, and what waits.
        let (mut trying, mut waiting) = (None::<usize>, None::<usize>);
        for line in lines {
            let during = During {
                start: line.start,
                end: line.end,
            };
            let nothing = || format!("{}: line {}: nothing was being sent", line.ksock, line.n);
            match &line.event {
                Event::Send(head) => {
                    if trying.is_some() || waiting.is_some() {
                        self.problems.push(format!(
                            "{}: line {}: sends while sending",
                            line.ksock, line.n
                        ));
                    }
                    let mut head = head.clone();
                    head.from = line.ksock.1;
                    let m = self.messages.len();
                    self.messages.push(Message {
                        sender: Some(at),
                        bus: line.ksock.0,
                        id: None,
                        head,
                        fate: Fate::Perhaps,
                        waited: false,
                        went: false,
                        during: During {
                            start: line.start,
                            end: NEVER,
                        },
                    });
                    self.ksocks[at].sent.push(m);
                    trying = Some(m);
                }
                Event::Sent(id) => match trying.take().or(waiting.take()) {
                    Some(m) => {
                        self.name(m, *id);
                        self.messages[m].fate = Fate::Accepted;
                        self.messages[m].during.end = line.end;
                    }
                    None => self.problems.push(nothing()),
                },
                Event::Waits(id) => match trying.take().or(waiting) {
                    Some(m) => {
                        self.name(m, *id);
                        self.messages[m].waited = true;
                        waiting = Some(m);
                    }
                    None => self.problems.push(nothing()),
                },
                Event::Refused(_) | Event::Dropped => match trying.take().or(waiting.take()) {
                    Some(m) => self.messages[m].fate = Fate::Refused,
                    None => self.problems.push(nothing()),
                },
                Event::Went => match waiting.take() {
                    Some(m) => {
                        self.messages[m].went = true;
                        self.messages[m].during.end = line.end;
                    }
                    None => self.problems.push(nothing()),
                },
                Event::Bind(role, name) => self.ksocks[at].bindings.push(Binding {
                    role: *role,
                    name: name.clone(),
                    bound: during,
                    unbound: None,
                }),
                Event::Unbind(role, name) => {
                    // The newest of those that are alike.
                    let mut all = self.ksocks[at].bindings.iter_mut().rev();
                    match all.find(|b| b.role == *role && b.name == *name && b.unbound.is_none()) {
                        Some(b) => b.unbound = Some(during),
                        None => {
                            let what = format!("{}: line {}: was not bound", line.ksock, line.n);
                            self.problems.push(what);
                        }
                    }
                }
                Event::Limit(n) => {
                    let k = &mut self.ksocks[at];
                    // Before that it had not been able to get anything.
                    let first = k.bindings.is_empty() && k.sent.is_empty();
                    k.limit = if first { *n } else { k.limit.min(*n) };
                }
                Event::Once(on) => self.ksocks[at].once |= on,
                Event::Popped => self.ksocks[at].popped = true,
                Event::Empty => self.ksocks[at].empty.push(during),
                Event::Settled => self.ksocks[at].settled = true,
                Event::Unrecorded => self.ksocks[at].unrecorded = true,
                Event::Close => self.ksocks[at].close = Some(during),
                Event::Open | Event::Got(..) => {}
            }
        }
        // Killed before it could say so: the bus sends what waits as long as it is not closed.
        if let Some(m) = trying {
            self.messages[m].waited = self.messages[m].head.flags & ALL_OR_WAIT != 0;
        }
    }

    fn name(&mut self, m: usize, id: Pair) {
        if self.messages[m].id == Some(id) {
            return;
        }
        let bus = self.messages[m].bus;
        self.messages[m].id = Some(id);
        if self.by_id.insert((bus, id), m).is_some() {
            self.problems.push(format!("two messages have the id {id}"));
        }
    }

    /// What it read.
    fn saw(&mut self, at: usize, lines: &[&Line]) {
        let mut empties = 0;
        for line in lines {
            if line.event == Event::Empty {
                empties += 1;
            }
            let Event::Got(id, head) = &line.event else {
                continue;
            };
            match self.origin(line.ksock.0, *id, head, line.end) {
                Ok(message) => {
                    // What has been read has been sent, whoever could say so.
                    let m = &mut self.messages[message];
                    m.during.end = m.during.end.min(line.end);
                    if m.fate == Fate::Perhaps {
                        m.fate = Fate::Accepted;
                    }
                    let k = &mut self.ksocks[at];
                    if head.marked() {
                        k.told.insert(message);
                    }
                    if head.is_reply() && head.to == k.name.1 {
                        k.answers.insert(message);
                    }
                    k.got.push(Got {
                        message,
                        head: head.clone(),
                        during: During {
                            start: line.start,
                            end: line.end,
                        },
                        empties,
                    });
                }
                Err(why) => {
                    let what = format!(
                        "{} got {} {id} {}, {why}",
                        line.ksock,
                        head.kind(),
                        head.name
                    );
                    self.problems.push(what);
                }
            }
        }
    }

    /// The message that was read; what was never sent has none.
    fn origin(&mut self, bus: u32, id: Pair, head: &Head, by: u64) -> Result<usize, String> {
        let m = match self.by_id.get(&(bus, id)) {
            Some(m) => *m,
            None => {
                let m = self.unnamed(bus, head)?;
                self.name(m, id);
                m
            }
        };
        let sent = &self.messages[m];
        if sent.fate == Fate::Refused {
            return Err("which was refused".into());
        }
        if by < sent.during.start {
            return Err("before it was sent".into());
        }
        let same = |h: &Head| {
            let flags = h.flags & !crate::line::WANT_YOU_TO_REPLY;
            (h.name.clone(), flags, h.from, h.to, h.re)
        };
        if same(&sent.head) != same(head) {
            return Err(format!(
                "and was sent as {} from {}",
                sent.say(),
                sent.head.from
            ));
        }
        Ok(m)
    }

    /// One whose id its sender could not tell us.
    fn unnamed(&mut self, bus: u32, head: &Head) -> Result<usize, String> {
        let others = head.synthetic();
        match self.by_name.get(&Pair(bus, head.from)) {
            _ if others => {}
            Some(k) if self.ksocks[*k].unrecorded => {}
            Some(k) => {
                let last = self.ksocks[*k].sent.last().copied();
                let open = last.filter(|m| {
                    let m = &self.messages[*m];
                    m.fate == Fate::Perhaps && m.id.is_none()
                });
                return open.ok_or_else(|| "which nobody sent".into());
            }
            None => return Err("from one who is not in the trace".into()),
        }
        self.messages.push(Message {
            sender: None,
            bus,
            id: None,
            head: head.clone(),
            fate: Fate::Others,
            waited: false,
            went: false,
            during: During {
                start: 0,
                end: NEVER,
            },
        });
        Ok(self.messages.len() - 1)
    }
}
