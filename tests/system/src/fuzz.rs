// SPDX-License-Identifier: GPL-2.0-only
//! Hostile input: an unprivileged user who throws random and half-valid
//! bytes, calls and pointers at several buses, from several processes. While
//! they try, others on the same bus must be served as ever.
//!
//! Each process draws its calls from its own generator: one seed, the same
//! calls again. How they interleave is up to the scheduler.
//!
//! Where the kernel has KCOV, it says where in the module each sequence of
//! calls led. Those that led where none had been are kept, and new ones are
//! made of them. Then the seed decides less: what is kept depends on how far
//! a sequence came, and so on what the others did meanwhile.
//!
//! To do again what was done just before the kernel complained: the last
//! sequence of each attacker is printed then, and a file with such lines in
//! `corpus/` is replayed at the start of each run, with or without KCOV. They
//! are choices of the generator's: when it changes, take new ones from a run
//! with `--print-corpus`. The clock of kernels of our own counts ticks of the
//! timer, and is slow on a busy machine; `tests/vm/run --append
//! tsc_early_khz=...` tells it the frequency of the host's counter.

mod attacker;
mod choices;
mod corpus;
mod coverage;
mod sequence;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{
    become_user, bounded, die_with_parent, fork, nice, rmmod, shared, well, Child, USUAL,
};
use crate::raw::*;
use crate::{eq, tests};

use attacker::Attacker;
use choices::{Choices, Record};
use corpus::Corpus;
use coverage::Coverage;
use sequence::Sequence;

tests![
    fuzz_bounded_run.load(USUAL).limit(120),
    fuzz_what_was_done_is_done_again,
];

/// Sequences from earlier runs, one in a line of a file here.
const KEPT: &str = "/kbus/corpus";

fn kept() -> Vec<Sequence> {
    let Ok(files) = std::fs::read_dir(KEPT) else {
        return Vec::new();
    };
    let mut files: Vec<_> = files.filter_map(|f| Some(f.ok()?.path())).collect();
    files.sort();
    let lines = |file| -> Vec<Sequence> {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|l| !l.starts_with('#'));
        lines
            .map(|l| Sequence::parse(l).unwrap_or_else(|| panic!("in {KEPT}: {l}")))
            .collect()
    };
    files.iter().flat_map(lines).collect()
}

/// What the kernel has complained of so far, as bits.
fn taints() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/kernel/tainted").unwrap();
    text.trim().parse().unwrap()
}

/// What all processes of a run share.
struct Run {
    seed: u64,
    end: Instant,
    corpus: Corpus,
    before: Vec<Sequence>,
    records: Vec<Record>,
    calls: &'static [AtomicU32],
}

const PROCESSES: usize = 4;

impl Run {
    fn new(seed: u64, seconds: u32) -> Run {
        Run {
            seed,
            end: Instant::now() + Duration::from_secs(seconds as u64),
            corpus: Corpus::new(),
            before: kept(),
            records: (0..PROCESSES).map(|_| Record::new()).collect(),
            calls: shared(PROCESSES),
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// What process number `n` does: what is known, and then what is not.
    fn attack(&self, n: usize) {
        crate::harness::keep_only(&[]);
        let mut coverage = Coverage::open();
        become_user(65534);
        // Whom root cannot see dying would be a mystery.
        die_with_parent();
        let seed = self.seed * PROCESSES as u64 + n as u64;
        let mut attacker = Attacker::new(Choices::new(seed, self.records[n]));
        for script in self.before.iter().skip(n).step_by(PROCESSES) {
            match &mut coverage {
                Some(coverage) => attacker.explore(script, coverage, &self.corpus),
                None => attacker.play(script, |_, _| ()),
            }
        }
        loop {
            self.calls[n].store(attacker.calls, Ordering::Relaxed);
            if self.is_over() {
                return;
            }
            match &mut coverage {
                Some(coverage) => {
                    for _ in 0..5 {
                        attacker.advance(coverage, &self.corpus);
                    }
                }
                None => attacker.wander(100),
            }
            if attacker.choices.dice().one_in(20) {
                attacker.breed();
            }
        }
    }

    /// What was going on, when something was wrong.
    fn blame(&self) {
        for (n, record) in self.records.iter().enumerate() {
            let done = record.sequence().unwrap_or_default();
            println!("   attacker {n} was doing: {done}");
        }
    }

    fn report(&self) -> u32 {
        let calls = self.calls.iter().map(|c| c.load(Ordering::Relaxed)).sum();
        let (places, edges) = self.corpus.covered();
        println!(
            "   seed {}: {calls} hostile calls; {} sequences kept, \
             {places} program counters and {edges} edges covered",
            self.seed,
            self.corpus.len()
        );
        calls
    }
}

/// A request and its answer, on the bus that is attacked; true if somebody
/// else answered.
fn honest_round(a: &Ksock, b: &Ksock) -> bool {
    // 100 bytes: fits whatever maximum they set. They may answer in our
    // place, or fill us with bind events by switching reporting on; but
    // one request has one answer.
    let asked = b.post(&Msg::ask("$.Hon")).unwrap();
    let request = a.take();
    eq!(request.id, asked);
    let guessed = match a.post(&Msg::reply_to(&request)) {
        Ok(_) => false,
        Err(ECONNREFUSED) => true,
        Err(e) => panic!("the honest reply: {e:?}"),
    };
    eq!(b.take().in_reply_to, asked);
    b.nothing();
    guessed
}

/// Fuzzes for that long, and sees to it that an honest pair on the same bus
/// is served all the time. Prints what was kept if that is wanted.
pub fn run(seed: u64, seconds: u32, print: bool) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Hon");
    let run = Run::new(seed, seconds);
    let attackers: Vec<Child> = (0..PROCESSES).map(|n| fork(|| run.attack(n))).collect();
    // They only have to be served.
    nice(10);
    let taints_before = taints();
    let (mut told, mut printed) = (Instant::now(), 0);
    let mut report = || {
        // Now and then, so that a run that is cut short is not for nothing.
        while let Some(sequence) = run.corpus.get(printed).filter(|_| print) {
            println!("corpus: {sequence}");
            printed += 1;
        }
        run.report()
    };
    let (mut rounds, mut guessed) = (0, 0);
    while !run.is_over() {
        guessed += honest_round(&a, &b) as u32;
        rounds += 1;
        if rounds % 64 == 0 && taints() != taints_before {
            run.blame();
            panic!("the kernel complained");
        }
        if told.elapsed().as_secs() >= 60 {
            told = Instant::now();
            report();
        }
    }
    let ends: Vec<_> = attackers.into_iter().map(Child::wait).collect();
    if !ends.iter().all(|&status| well(status)) {
        run.blame();
        panic!("the attackers ended with {ends:?}");
    }
    let calls = report();
    println!("   {rounds} honest round trips, {guessed} answered by others");
    assert!(calls > 0 && rounds > 0);
    drop((a, b));
    eq!(crate::harness::bindings().len(), 0, "bindings of the dead");
}

/// What was done can be done again, also when it was written down in between.
fn fuzz_what_was_done_is_done_again() {
    let record = Record::new();
    let mut attacker = Attacker::new(Choices::new(3, record));
    attacker.play(&Sequence::blank(30), |_, _| ());
    let done = attacker.choices.taken().unwrap();
    assert!(done.steps.len() == 30 && done.steps.iter().all(|s| !s.is_empty()));
    let read = Sequence::parse(&done.to_string()).unwrap();
    eq!(read, done);
    // Other dice would do something else, were they asked.
    let mut other = Attacker::new(Choices::new(4, Record::new()));
    other.play(&read, |_, _| ());
    let again = other.choices.taken().unwrap();
    for (n, (again, done)) in again.steps.iter().zip(&done.steps).enumerate() {
        // Where the bus answered otherwise, it is another number of choices.
        let same = again.len().min(done.len());
        eq!(again[..same], done[..same], "step {n}");
    }
}

fn fuzz_bounded_run() {
    run(20261120, 6, false);
    // Whatever they did, it can be put away.
    assert!(
        bounded(|| rmmod().is_ok()),
        "the module does not unload any more"
    );
}
