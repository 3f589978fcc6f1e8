// SPDX-License-Identifier: GPL-2.0-only
//! What all fuzzing processes have found together: where in the module they
//! have been, and the sequences that first led there. It lives in memory that
//! they share, is only ever added to, and so needs no lock that somebody could
//! be killed with.

use std::sync::atomic::{AtomicU32, AtomicU8, Ordering};

use crate::harness::{shared, Dice};

use super::coverage::{EDGES, PLACES};
use super::sequence::Sequence;

const SEQUENCES: usize = 4096;
const WORDS: usize = 1024;

#[derive(Clone, Copy)]
pub struct Corpus {
    edges: &'static [AtomicU8],
    places: &'static [AtomicU8],
    count: &'static AtomicU32,
    /// WORDS for each sequence, the first of which says how many it has.
    slots: &'static [AtomicU32],
}

impl Corpus {
    pub fn new() -> Corpus {
        Corpus {
            edges: shared(EDGES),
            places: shared(PLACES),
            count: &shared(1)[0],
            slots: shared(SEQUENCES * WORDS),
        }
    }

    /// Takes note that the module went that way; true for the first time.
    pub fn note_edge(&self, edge: u32) -> bool {
        first(&self.edges[edge as usize])
    }

    pub fn note_place(&self, place: u32) {
        first(&self.places[place as usize]);
    }

    /// Program counters reached, and pairs of one after the other.
    pub fn covered(&self) -> (usize, usize) {
        let count = |seen: &[AtomicU8]| {
            let seen = seen.iter().filter(|s| s.load(Ordering::Relaxed) != 0);
            seen.count()
        };
        (count(self.places), count(self.edges))
    }

    pub fn len(&self) -> usize {
        SEQUENCES.min(self.count.load(Ordering::Acquire) as usize)
    }

    /// Keeps it, if there is room.
    pub fn add(&self, sequence: &Sequence) {
        let words = sequence.pack();
        if words.len() >= WORDS || self.len() == SEQUENCES {
            return;
        }
        let n = self.count.fetch_add(1, Ordering::AcqRel) as usize;
        if let Some(slot) = self.slots.chunks(WORDS).nth(n) {
            for (at, word) in slot[1..].iter().zip(&words) {
                at.store(*word, Ordering::Relaxed);
            }
            slot[0].store(words.len() as u32, Ordering::Release);
        }
    }

    /// None where there is none yet, or somebody is still writing it.
    pub fn get(&self, n: usize) -> Option<Sequence> {
        let slot = self.slots.chunks(WORDS).nth(n)?;
        let len = slot[0].load(Ordering::Acquire) as usize;
        let words: Vec<u32> = slot[1..=len]
            .iter()
            .map(|w| w.load(Ordering::Relaxed))
            .collect();
        Sequence::unpack(&words).filter(|s| !s.steps.is_empty())
    }

    pub fn any(&self, dice: &mut Dice) -> Option<Sequence> {
        match self.len() as u32 {
            0 => None,
            n => self.get(dice.below(n) as usize),
        }
    }
}

fn first(seen: &AtomicU8) -> bool {
    seen.load(Ordering::Relaxed) == 0 && seen.swap(1, Ordering::Relaxed) == 0
}
