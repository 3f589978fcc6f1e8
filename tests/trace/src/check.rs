// SPDX-License-Identifier: GPL-2.0-only
//! Can one bus that keeps its promises explain a trace?

use crate::line::Line;
use crate::story::{Fate, Story};
use crate::{answers, copies, order};

/// What a trace held, and what is wrong with it.
pub struct Verdict {
    pub ksocks: usize,
    /// Those of them that were killed, or did not close.
    pub cut_short: usize,
    pub events: usize,
    pub sent: usize,
    pub requests: usize,
    pub refused: usize,
    pub read: usize,
    pub problems: Vec<String>,
}

pub fn check(lines: &[Line]) -> Verdict {
    let mut story = Story::new(lines);
    let mut problems = std::mem::take(&mut story.problems);
    answers::check(&story, &mut problems);
    copies::check(&story, &mut problems);
    order::check(&story, &mut problems);
    let accepted = || story.messages.iter().filter(|m| m.fate == Fate::Accepted);
    Verdict {
        ksocks: story.ksocks.len(),
        cut_short: story.ksocks.iter().filter(|k| k.cut_short()).count(),
        events: lines.len(),
        sent: accepted().count(),
        requests: accepted().filter(|m| m.head.is_request()).count(),
        refused: story
            .messages
            .iter()
            .filter(|m| m.fate == Fate::Refused)
            .count(),
        read: story.ksocks.iter().map(|k| k.got.len()).sum(),
        problems,
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 20;
        for problem in self.problems.iter().take(SHOWN) {
            writeln!(f, "{problem}")?;
        }
        if self.problems.len() > SHOWN {
            writeln!(f, "and {} more", self.problems.len() - SHOWN)?;
        }
        write!(
            f,
            "{} events of {} ksocks, {} of them cut short: {} sent, {} of them requests, {} refused, {} read: {} problems",
            self.events,
            self.ksocks,
            self.cut_short,
            self.sent,
            self.requests,
            self.refused,
            self.read,
            self.problems.len()
        )
    }
}

/// All files of a trace; a directory stands for those in it.
pub fn read(paths: &[std::path::PathBuf]) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for path in paths {
        let told = |e: std::io::Error| format!("{}: {e}", path.display());
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in std::fs::read_dir(path).map_err(told)? {
                inside.push(entry.map_err(told)?.path());
            }
            lines.extend(read(&inside)?);
            continue;
        }
        let text = std::fs::read_to_string(path).map_err(told)?;
        lines.extend(crate::line::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?);
    }
    Ok(lines)
}
