// SPDX-License-Identifier: GPL-2.0-only
//! What chance decides, number by number: follows a script as far as there
//! is one, and throws dice from there on. All of it is written down, so that
//! what was done can be done again; and where other processes see it, so that
//! they can tell what was going on when the kernel complained.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{shared, Dice};

use super::sequence::Sequence;

/// Words for the record of one process. What does not fit is done but not
/// remembered, and such a sequence is not kept.
const RECORD: usize = 1 << 14;

/// Each step as the number of its choices and the choices; the first word
/// says how many words follow. Lasts longer than the process.
#[derive(Clone, Copy)]
pub struct Record(&'static [AtomicU32]);

impl Record {
    pub fn new() -> Record {
        Record(shared(RECORD))
    }

    /// What was done, the unfinished last step included.
    pub fn sequence(&self) -> Option<Sequence> {
        let len = self.0[0].load(Ordering::Acquire) as usize;
        let words: Vec<u32> = self.0[1..].iter().take(len).map(load).collect();
        Sequence::unpack(&words)
    }
}

fn load(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

pub struct Choices {
    dice: Dice,
    script: Vec<u32>,
    followed: usize,
    record: Record,
    /// Where in the record the present step began, and where it goes on.
    step: usize,
    end: usize,
    full: bool,
    /// Numbers that the kernel compared something with.
    hints: Vec<u32>,
}

impl Choices {
    pub fn new(seed: u64, record: Record) -> Choices {
        Choices {
            dice: Dice::new(seed),
            script: Vec::new(),
            followed: 0,
            record,
            step: 1,
            end: 2,
            full: false,
            hints: Vec::new(),
        }
    }

    /// The dice themselves: for what belongs to no sequence.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// A new sequence begins.
    pub fn begin(&mut self) {
        self.record.0[0].store(0, Ordering::Release);
        (self.end, self.full) = (1, false);
    }

    /// A step begins, which is to go like that, as far as that goes.
    pub fn follow(&mut self, script: &[u32]) {
        self.script.clear();
        self.script.extend_from_slice(script);
        self.followed = 0;
        self.step = self.end;
        self.push(0);
    }

    /// The sequence as it really went, if all of it was remembered.
    pub fn taken(&self) -> Option<Sequence> {
        (!self.full).then(|| self.record.sequence()).flatten()
    }

    fn push(&mut self, word: u32) {
        match self.record.0.get(self.end) {
            Some(at) => {
                at.store(word, Ordering::Relaxed);
                self.end += 1;
                let choices = (self.end - self.step - 1) as u32;
                self.record.0[self.step].store(choices, Ordering::Relaxed);
                self.record.0[0].store(self.end as u32 - 1, Ordering::Release);
            }
            None => self.full = true,
        }
    }

    fn choose(&mut self, fresh: impl FnOnce(&mut Dice, &[u32]) -> u32) -> u32 {
        let word = match self.script.get(self.followed) {
            Some(&word) => word,
            None => fresh(&mut self.dice, &self.hints),
        };
        self.followed += 1;
        self.push(word);
        word
    }

    pub fn below(&mut self, n: u32) -> u32 {
        // A script may come from a place where there was more to choose from.
        self.choose(|dice, _| dice.below(n)) % n
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Any number at all; with preference those that the kernel knows.
    pub fn word(&mut self) -> u32 {
        self.choose(|dice, hints| match hints.len() as u32 {
            n if n > 0 && dice.one_in(2) => hints[dice.below(n) as usize],
            _ => dice.roll() as u32,
        })
    }

    /// The kernel compared something with this.
    pub fn hint(&mut self, word: u32) {
        const MOST: usize = 256;
        if self.hints.contains(&word) {
        } else if self.hints.len() < MOST {
            self.hints.push(word);
        } else {
            let at = self.dice.below(MOST as u32) as usize;
            self.hints[at] = word;
        }
    }
}
