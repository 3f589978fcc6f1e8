// SPDX-License-Identifier: GPL-2.0-only
//! Each request has exactly one answer, or nobody who waits for it; nobody gets
//! one unasked.

use std::collections::{BTreeSet, HashMap};

use crate::line::{Pair, Role};
use crate::story::{Fate, Ksock, Message, Story};

pub fn check(story: &Story, problems: &mut Vec<String>) {
    // Answers that were taken, by what they answer.
    let mut replies: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for (at, m) in story.messages.iter().enumerate() {
        let sure = matches!(m.fate, Fate::Accepted | Fate::Others);
        if !m.head.is_reply() || !sure {
            continue;
        }
        match request(story, m) {
            Some(r) => {
                if m.fate == Fate::Accepted && !had_read(story, m, r) {
                    problems.push(format!(
                        "{} was sent by one who had not read the request",
                        m.say()
                    ));
                }
                replies.entry(r).or_default().insert(at);
            }
            // Others may have asked; or one who died while asking.
            None if m.fate == Fate::Accepted && known(story, m) => {
                problems.push(format!("{} was sent unasked", m.say()));
            }
            None => {}
        }
    }
    for k in &story.ksocks {
        for g in k.got.iter().filter(|g| g.head.to == k.name.1) {
            let m = &story.messages[g.message];
            if !m.head.is_reply() {
                continue;
            }
            match request(story, m) {
                Some(r) if story.messages[r].fate != Fate::Refused => {
                    replies.entry(r).or_default().insert(g.message);
                }
                _ => problems.push(format!("{} got {}, unasked", k.name, m.say())),
            }
            if m.head.synthetic() {
                status(story, k, g.during.end, m, problems);
            }
        }
    }
    for (at, r) in story.messages.iter().enumerate() {
        let Some(k) = r.sender.map(|k| &story.ksocks[k]) else {
            continue;
        };
        let answers = replies.remove(&at).unwrap_or_default();
        if answers.len() > 1 {
            let all: Vec<String> = answers.iter().map(|a| story.messages[*a].say()).collect();
            problems.push(format!(
                "{} of {} has several answers: {}",
                r.say(),
                k.name,
                all.join(", ")
            ));
        }
        if r.fate == Fate::Refused || !r.head.is_request() || k.unrecorded {
            continue;
        }
        let read = answers.iter().any(|a| k.answers.contains(a));
        if read || k.popped {
            continue;
        }
        if k.settled && (r.fate == Fate::Accepted || r.went) {
            problems.push(format!("{} of {} has no answer", r.say(), k.name));
        }
        // One that was sent, and would have been there.
        for a in &answers {
            let a = &story.messages[*a];
            if let Some(e) = k.empty.iter().find(|e| a.during.before(**e)) {
                problems.push(format!(
                    "{} was sent, but {} found nothing at {}",
                    a.say(),
                    k.name,
                    e.start
                ));
            }
        }
    }
}

/// What it answers, if that was sent by the one who gets the answer.
fn request(story: &Story, m: &Message) -> Option<usize> {
    let r = *story.by_id.get(&(m.bus, m.head.re))?;
    let sent = &story.messages[r];
    // Only what could not be sent at all is answered without having been asked.
    let late = sent.waited && m.head.synthetic() && m.head.from == 0;
    (sent.head.from == m.head.to && (sent.head.is_request() || late)).then_some(r)
}

/// Whoever answers has been told to. KBUS would let others do so, too; the
/// programs that are recorded do not.
fn had_read(story: &Story, m: &Message, request: usize) -> bool {
    m.sender.is_none_or(|k| {
        let k = &story.ksocks[k];
        k.popped || k.told.contains(&request)
    })
}

/// Whether we would know what `m` answers.
fn known(story: &Story, m: &Message) -> bool {
    story.by_name.get(&Pair(m.bus, m.head.to)).is_some_and(|k| {
        let k = &story.ksocks[*k];
        let open = k.sent.last().map(|s| &story.messages[*s]);
        !k.unrecorded && !open.is_some_and(|s| s.fate == Fate::Perhaps && s.id.is_none())
    })
}

/// Did what the status says happen?
fn status(story: &Story, k: &Ksock, by: u64, m: &Message, problems: &mut Vec<String>) {
    let mut wrong = |why: &str| {
        problems.push(format!(
            "{} got {} about {}, but {why}",
            k.name,
            m.say(),
            m.head.re
        ));
    };
    if m.head.from == 0 {
        let waited = story
            .by_id
            .get(&(m.bus, m.head.re))
            .is_some_and(|r| story.messages[*r].waited);
        if !waited {
            wrong("that did not have to wait");
        }
        return;
    }
    let Some(replier) = story.by_name.get(&Pair(m.bus, m.head.from)) else {
        // Whoever is killed at once has written nothing.
        return;
    };
    let replier = &story.ksocks[*replier];
    if replier.unrecorded || replier.popped {
        return;
    }
    let gone = replier.close.is_none_or(|c| c.start <= by);
    let had = story
        .by_id
        .get(&(m.bus, m.head.re))
        .is_some_and(|r| replier.told.contains(r));
    let unbound = replier
        .bindings
        .iter()
        .any(|b| b.role == Role::Replier && b.unbound.is_some_and(|u| u.start <= by));
    match m.head.name.rsplit('.').next() {
        Some("GoneAway") if !gone || had => wrong("the replier was there, or had read it"),
        Some("Ignored") if !gone || !(had || replier.cut_short()) => {
            wrong("the replier was there, or had not read it")
        }
        Some("Unbound") if had || !(unbound || replier.cut_short()) => {
            wrong("the replier had not unbound, or had read it")
        }
        _ => {}
    }
}
