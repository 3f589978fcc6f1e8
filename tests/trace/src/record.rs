// SPDX-License-Identifier: GPL-2.0-only
//! Writes down what one ksock does. Each line is one write(2), so that it is
//! there when the process is killed after it, and whole.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

use crate::line::{Event, Line, Pair};

pub struct Recorder {
    file: File,
    ksock: Pair,
    n: u32,
}

/// CLOCK_MONOTONIC: the same clock for all processes.
pub fn now() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: room for one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

impl Recorder {
    /// For ksock `id` of `bus`, which was opened at `start`; into a new file
    /// in `directory`.
    pub fn open(directory: &Path, bus: u32, id: u32, start: u64) -> Result<Recorder> {
        let mut recorder = Recorder {
            file: File::create_new(directory.join(format!("{bus}.{id}")))?,
            ksock: Pair(bus, id),
            n: 0,
        };
        recorder.add(start, Event::Open);
        Ok(recorder)
    }

    /// What began at `start` has happened now. A line that cannot be written is
    /// missed when the trace is read.
    pub fn add(&mut self, start: u64, event: Event) {
        self.n += 1;
        let line = Line {
            ksock: self.ksock,
            n: self.n,
            start,
            end: now(),
            event,
        };
        let _ = self.file.write_all(format!("{line}\n").as_bytes());
    }
}
