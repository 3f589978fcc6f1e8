// SPDX-License-Identifier: GPL-2.0-only
//! Who should have got a message, and how often: one copy for each binding of
//! a listener, one for the replier, one for the requester. None more; and none
//! less, where the reader lives and its queue cannot have been full.

use std::collections::HashMap;

use crate::line::{Role, ALL_OR_FAIL, ALL_OR_WAIT};
use crate::story::{Binding, Fate, Ksock, Message, Story, NEVER};

/// Does a binding's name match a message's?
pub fn matches(binding: &str, name: &str) -> bool {
    match binding.strip_suffix(['*', '%']) {
        None => binding == name,
        Some(prefix) => match name.strip_prefix(prefix) {
            Some(rest) => !rest.is_empty() && (binding.ends_with('*') || !rest.contains('.')),
            None => false,
        },
    }
}

#[derive(Default)]
struct Copies {
    marked: usize,
    other: usize,
    /// The end of the first reading.
    by: u64,
}

pub fn check(story: &Story, problems: &mut Vec<String>) {
    let mut marked: HashMap<usize, usize> = HashMap::new();
    for (at, k) in story.ksocks.iter().enumerate() {
        let mut copies: HashMap<usize, Copies> = HashMap::new();
        for g in &k.got {
            let c = copies.entry(g.message).or_insert_with(|| Copies {
                by: g.during.end,
                ..Copies::default()
            });
            match g.head.marked() {
                true => c.marked += 1,
                false => c.other += 1,
            }
        }
        let mut all: Vec<_> = copies.iter().collect();
        all.sort_by_key(|(m, _)| **m);
        for (m, c) in all {
            too_many(k, &story.messages[*m], c, problems);
            if c.marked > 0 {
                if let Some(first) = marked.insert(*m, at).filter(|first| *first != at) {
                    problems.push(format!(
                        "{} and {} were both told to answer {}",
                        story.ksocks[first].name,
                        k.name,
                        story.messages[*m].say()
                    ));
                }
            }
        }
        // What nobody looked at may have been anything.
        if k.popped || k.unrecorded || !k.bindings.iter().any(|b| b.role == Role::Listener) {
            continue;
        }
        for (m, message) in story.messages.iter().enumerate() {
            let sure = message.fate == Fate::Accepted && message.bus == k.name.0;
            if sure && lost(story, k, m, copies.get(&m)) {
                problems.push(format!("{} never got {}", k.name, message.say()));
            }
        }
    }
    for (at, m) in story.messages.iter().enumerate() {
        let request = m.head.is_request() && m.fate == Fate::Accepted;
        if request && !marked.contains_key(&at) && never_read(story, m) {
            problems.push(format!("no replier got {}", m.say()));
        }
    }
}

/// A request is queued at its replier, or it is refused: so if all who reply to
/// the name went on reading, one of them has read it. Who was killed may have
/// bound it and not have said so.
fn never_read(story: &Story, m: &Message) -> bool {
    let bus = || story.ksocks.iter().filter(|k| k.name.0 == m.bus);
    if bus().any(|k| k.cut_short() || k.unrecorded || k.popped) {
        return false;
    }
    bus().all(|k| {
        let repliers = k.bindings.iter().filter(|b| {
            b.role == Role::Replier && matches(&b.name, &m.head.name) && perhaps(b, m, NEVER)
        });
        let first = k.empty.partition_point(|e| e.start <= m.during.end);
        let empty = k.empty.get(first);
        repliers
            .into_iter()
            .all(|b| empty.is_some_and(|e| b.unbound.is_none_or(|u| u.start > e.end)))
    })
}

/// Bound at some time while the message may have taken its place.
fn perhaps(b: &Binding, m: &Message, by: u64) -> bool {
    let end = m.during.end.min(by);
    b.bound.start <= end && b.unbound.is_none_or(|u| u.end >= m.during.start)
}

fn too_many(k: &Ksock, m: &Message, c: &Copies, problems: &mut Vec<String>) {
    let bound = |role: Role| {
        k.bindings
            .iter()
            .filter(|b| b.role == role && matches(&b.name, &m.head.name) && perhaps(b, m, c.by))
            .count()
    };
    let to_me = m.head.is_reply() && m.head.to == k.name.1;
    // Whoever switches reports on gets one for each that is bound.
    if m.head.synthetic() && !m.head.is_reply() {
        return;
    }
    let most = match m.head.synthetic() {
        // Listeners never see what KBUS answers.
        true => to_me as usize,
        false => bound(Role::Listener) + to_me as usize,
    };
    if c.other > most {
        problems.push(format!(
            "{} got {} copies of {}, not {most}",
            k.name,
            c.other,
            m.say()
        ));
    }
    let replier = m.head.is_request() && bound(Role::Replier) > 0;
    if c.marked > replier as usize {
        problems.push(format!(
            "{} was told {} times to answer {}",
            k.name,
            c.marked,
            m.say()
        ));
    }
}

/// Was there a copy for this listener that it should have read and did not?
fn lost(story: &Story, k: &Ksock, at: usize, copies: Option<&Copies>) -> bool {
    let m = &story.messages[at];
    // By then it would have read it.
    let first = k.empty.partition_point(|e| e.start <= m.during.end);
    let Some(empty) = k.empty.get(first) else {
        return false;
    };
    let sure = |b: &&Binding| {
        b.role == Role::Listener
            && b.bound.end < m.during.start
            && b.unbound.is_none_or(|u| u.start > empty.end)
            && matches(&b.name, &m.head.name)
    };
    let bound = k.bindings.iter().filter(sure).count();
    if bound == 0 {
        return false;
    }
    let to_me = m.head.is_reply() && m.head.to == k.name.1;
    let (got, want) = match (copies, k.once) {
        (None, true) => (0, 1),
        (Some(c), true) => (c.marked + c.other, 1),
        (None, false) => (0, bound + to_me as usize),
        (Some(c), false) => (c.other, bound + to_me as usize),
    };
    if got >= want {
        return false;
    }
    // What went with another binding: the only copy of one who wants one, or
    // more of what may have filled the queue.
    let unbound = k.bindings.iter().any(|b| {
        b.unbound
            .is_some_and(|u| u.end >= m.during.start && u.start <= empty.end)
    });
    if m.head.flags & (ALL_OR_FAIL | ALL_OR_WAIT) != 0 {
        return !(k.once && unbound);
    }
    !unbound && most_in_queue(story, k, at) < k.limit as usize
}

/// The most that can have been in the queue, or had room kept for it, when the
/// message took its place.
fn most_in_queue(story: &Story, k: &Ksock, at: usize) -> usize {
    let m = &story.messages[at];
    let queued = k.got.iter().filter(|g| {
        let other = &story.messages[g.message];
        g.message != at && other.during.start <= m.during.end && g.during.end >= m.during.start
    });
    let asked = k.sent.iter().filter(|s| {
        let r = &story.messages[**s];
        if !r.head.is_request() || r.fate == Fate::Refused || r.during.start > m.during.end {
            return false;
        }
        let answered = k
            .got
            .iter()
            .find(|g| g.head.is_reply() && r.id == Some(g.head.re))
            .map_or(NEVER, |g| g.during.end);
        answered >= m.during.start
    });
    queued.count() + asked.count()
}
