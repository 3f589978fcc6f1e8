// SPDX-License-Identifier: GPL-2.0-only
//! A sequence of steps, each of them as the choices that made it. The choices
//! mean nothing without the code that asks for them: when that changes, an old
//! sequence is still one, but another.

use std::fmt;

use crate::harness::Dice;

/// More than this is not kept together.
const MOST_STEPS: usize = 60;

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sequence {
    pub steps: Vec<Vec<u32>>,
}

/// One line: steps with semicolons between them, choices with blanks.
impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = |choices: &Vec<u32>| {
            let choices: Vec<String> = choices.iter().map(u32::to_string).collect();
            choices.join(" ")
        };
        let steps: Vec<String> = self.steps.iter().map(step).collect();
        f.write_str(&steps.join("; "))
    }
}

impl Sequence {
    pub fn parse(line: &str) -> Option<Sequence> {
        let step = |text: &str| text.split_whitespace().map(|w| w.parse().ok()).collect();
        let steps: Option<Vec<Vec<u32>>> = line.split(';').map(step).collect();
        Some(Sequence { steps: steps? })
    }

    /// That many steps about which nothing is decided.
    pub fn blank(steps: usize) -> Sequence {
        Sequence {
            steps: vec![Vec::new(); steps],
        }
    }

    pub fn pack(&self) -> Vec<u32> {
        let step = |step: &Vec<u32>| {
            let mut words = vec![step.len() as u32];
            words.extend(step);
            words
        };
        self.steps.iter().flat_map(step).collect()
    }

    pub fn unpack(mut words: &[u32]) -> Option<Sequence> {
        let mut steps = Vec::new();
        while let Some((&len, rest)) = words.split_first() {
            steps.push(rest.get(..len as usize)?.to_vec());
            words = &rest[len as usize..];
        }
        Some(Sequence { steps })
    }

    pub fn without(&self, step: usize) -> Sequence {
        let mut steps = self.steps.clone();
        steps.remove(step);
        Sequence { steps }
    }

    /// Something like it, and perhaps a little like the other.
    pub fn mutated(&self, other: &Sequence, dice: &mut Dice) -> Sequence {
        let mut steps = self.steps.clone();
        for _ in 0..1 + dice.below(4) {
            let at = dice.below(steps.len() as u32 + 1) as usize;
            match (dice.below(8), steps.get(at).is_some()) {
                (0, true) => drop(steps.remove(at)),
                (1, true) => {
                    let to = dice.below(steps.len() as u32) as usize;
                    steps.swap(at, to);
                }
                (2, true) => {
                    let step = steps[at].clone();
                    steps.insert(dice.below(steps.len() as u32 + 1) as usize, step);
                }
                (3, true) => {
                    let keep = dice.below(steps[at].len() as u32 + 1) as usize;
                    steps[at].truncate(keep);
                }
                (4 | 5, true) if !steps[at].is_empty() => {
                    let choice = dice.below(steps[at].len() as u32) as usize;
                    steps[at][choice] = dice.roll() as u32;
                }
                (6, _) if !other.steps.is_empty() => {
                    let from = dice.below(other.steps.len() as u32) as usize;
                    let to = from + 1 + dice.below((other.steps.len() - from) as u32) as usize;
                    steps.splice(at..at, other.steps[from..to].iter().cloned());
                }
                _ => steps.insert(at, Vec::new()),
            }
        }
        steps.truncate(MOST_STEPS);
        Sequence { steps }
    }
}
