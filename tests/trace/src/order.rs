// SPDX-License-Identifier: GPL-2.0-only
//! Is there one order of all messages that explains what everybody saw?
//!
//! Each message is a node, and each moment of the trace's clock. An edge says
//! "before": what a ksock reads came in the order in which it reads it; a
//! message took its place after its SEND began and before that returned, or
//! somebody had read it; a reply comes after its request; what is read after a
//! queue was found empty came after that. If these have no circle there is such
//! an order.
//!
//! Urgent messages are put before those that wait. So one that is read after
//! an ordinary message came after it; of one that is read before others nothing
//! follows. Bind events may be set aside, and count for nothing here.
//!
//! Besides, the ids are serials of the bus, given when a message takes its
//! place, unless it waited or brought its own: where they can be compared they
//! must rise.

use std::collections::HashMap;

use crate::line::SYNTHETIC;
use crate::story::{Fate, Message, Story, NEVER};

const BIND_EVENT: &str = "$.KBUS.ReplierBindEvent";
const EVENTS_LOST: &str = "$.KBUS.UnbindEventsLost";

fn out_of_order(m: &Message) -> bool {
    m.head.flags & SYNTHETIC != 0 && (m.head.name == BIND_EVENT || m.head.name == EVENTS_LOST)
}

/// An id tells the place in the order.
fn has_serial(m: &Message) -> bool {
    !m.waited && !out_of_order(m) && m.id.is_some_and(|id| id.0 == 0)
}

struct Graph {
    after: Vec<Vec<u32>>,
    messages: usize,
    times: HashMap<u64, usize>,
}

impl Graph {
    fn edge(&mut self, a: usize, b: usize) {
        self.after[a].push(b as u32);
    }

    /// Things that end when others begin may have been at once: then the
    /// beginning counts as earlier.
    fn begin(&self, t: u64) -> usize {
        self.times[&(2 * t)]
    }

    fn end(&self, t: u64) -> usize {
        self.times[&(2 * t + 1)]
    }

    /// Those that are left when all that can have a place has one.
    fn circle(&self) -> Vec<usize> {
        let mut before = vec![0u32; self.after.len()];
        for b in self.after.iter().flatten() {
            before[*b as usize] += 1;
        }
        let mut ready: Vec<usize> = (0..before.len()).filter(|n| before[*n] == 0).collect();
        while let Some(a) = ready.pop() {
            for b in &self.after[a] {
                let b = *b as usize;
                before[b] -= 1;
                if before[b] == 0 {
                    ready.push(b);
                }
            }
        }
        // From any of those one can go back for ever, and so comes round.
        let Some(mut at) = before.iter().position(|n| *n > 0) else {
            return Vec::new();
        };
        let mut from = vec![None; before.len()];
        for (a, after) in self
            .after
            .iter()
            .enumerate()
            .filter(|(a, _)| before[*a] > 0)
        {
            for b in after {
                from[*b as usize] = Some(a);
            }
        }
        let mut seen = vec![false; before.len()];
        while !seen[at] {
            seen[at] = true;
            at = from[at].unwrap_or(at);
        }
        let start = at;
        let mut circle = vec![start];
        loop {
            at = from[at].unwrap_or(start);
            if at == start {
                break;
            }
            circle.push(at);
        }
        circle.reverse();
        circle
    }
}

pub fn check(story: &Story, problems: &mut Vec<String>) {
    for bus in story
        .messages
        .iter()
        .map(|m| m.bus)
        .collect::<std::collections::BTreeSet<_>>()
    {
        total(story, bus, problems);
        serials(story, bus, problems);
    }
}

fn total(story: &Story, bus: u32, problems: &mut Vec<String>) {
    let mine = || story.ksocks.iter().filter(move |k| k.name.0 == bus);
    // Every moment that matters.
    let mut times = Vec::new();
    for m in story.messages.iter().filter(|m| m.bus == bus) {
        times.push(2 * m.during.start);
        if m.during.end != NEVER {
            times.push(2 * m.during.end + 1);
        }
    }
    for k in mine() {
        times.extend(k.got.iter().map(|g| 2 * g.during.end + 1));
        times.extend(k.empty.iter().map(|e| 2 * e.start));
    }
    times.sort_unstable();
    times.dedup();
    let n = story.messages.len();
    let mut graph = Graph {
        after: vec![Vec::new(); n + times.len()],
        messages: n,
        times: times.iter().enumerate().map(|(i, t)| (*t, n + i)).collect(),
    };
    for i in 1..times.len() {
        graph.edge(n + i - 1, n + i);
    }
    for (at, m) in story.messages.iter().enumerate() {
        if m.bus != bus || m.fate == Fate::Refused {
            continue;
        }
        graph.edge(graph.begin(m.during.start), at);
        if m.during.end != NEVER {
            graph.edge(at, graph.end(m.during.end));
        }
        if let (true, Some(request)) = (m.head.is_reply(), story.by_id.get(&(bus, m.head.re))) {
            // KBUS may say of one that waits that it does not come at all.
            let never_was = m.head.from == 0 && m.head.synthetic();
            if !never_was && *request != at {
                graph.edge(*request, at);
            }
        }
    }
    for k in mine() {
        let mut last: Option<usize> = None;
        for g in &k.got {
            let m = &story.messages[g.message];
            if out_of_order(m) {
                continue;
            }
            graph.edge(g.message, graph.end(g.during.end));
            if let Some(e) = g.empties.checked_sub(1).and_then(|e| k.empty.get(e)) {
                graph.edge(graph.begin(e.start), g.message);
            }
            if let Some(last) = last.filter(|l| *l != g.message) {
                graph.edge(last, g.message);
            }
            if !m.head.urgent() {
                last = Some(g.message);
            }
        }
    }
    let circle: Vec<String> = graph
        .circle()
        .into_iter()
        .filter(|at| *at < graph.messages)
        .map(|at| story.messages[at].say())
        .collect();
    if !circle.is_empty() {
        let shown = &circle[..circle.len().min(6)];
        problems.push(format!(
            "no total order: each of these came before the next, and the last before the first: {}",
            shown.join(", ")
        ));
    }
}

fn serials(story: &Story, bus: u32, problems: &mut Vec<String>) {
    for k in story.ksocks.iter().filter(|k| k.name.0 == bus) {
        let mut last: Option<&Message> = None;
        for g in &k.got {
            let m = &story.messages[g.message];
            if !has_serial(m) {
                continue;
            }
            if let Some(l) = last.filter(|l| l.id > m.id) {
                problems.push(format!("{} read {} before {}", k.name, l.say(), m.say()));
            }
            if !m.head.urgent() {
                last = Some(m);
            }
        }
    }
    // Whoever was sent later has a higher one.
    let mut sent: Vec<&Message> = story
        .messages
        .iter()
        .filter(|m| m.bus == bus && m.fate == Fate::Accepted && has_serial(m))
        .collect();
    sent.sort_by_key(|m| m.during.start);
    let mut ended = sent.clone();
    ended.sort_by_key(|m| m.during.end);
    let mut ended = ended.into_iter().peekable();
    let mut highest: Option<&Message> = None;
    for m in sent {
        while let Some(e) = ended.next_if(|e| e.during.end < m.during.start) {
            if highest.is_none_or(|h| h.id < e.id) {
                highest = Some(e);
            }
        }
        if let Some(h) = highest.filter(|h| h.id > m.id) {
            problems.push(format!("{} was sent after {}", m.say(), h.say()));
        }
    }
}
