// SPDX-License-Identifier: GPL-2.0-only
//! KCOV: where this thread has been in the module, and what was compared
//! there. Our own kernel for it instruments nothing but the module. See
//! Documentation/dev-tools/kcov.rst.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::raw::{ioctl, open_path};

const INIT_TRACE: u32 = 0x8008_6301;
const ENABLE: u32 = 0x0000_6364;
const DISABLE: u32 = 0x0000_6365;

/// Words of the buffer that the kernel fills. What does not fit in one step
/// is not seen.
const WORDS: usize = 1 << 16;

/// Program counters are told apart by their low bits: the module is smaller.
pub const PLACES: usize = 1 << 22;

/// Pairs of program counters, by a hash. There are a few thousand, so that few
/// are taken for each other.
pub const EDGES: usize = 1 << 17;

/// What the kernel is asked for.
#[derive(Clone, Copy, PartialEq)]
pub enum Trace {
    Places = 0,
    Comparisons = 1,
}

pub struct Coverage {
    fd: i32,
    words: &'static [AtomicU64],
    trace: Trace,
    /// The run in which each edge was last seen, so that each is told once.
    seen_in: Vec<u32>,
    run: u32,
    /// The edges of this run, and the step of each.
    pub edges: Vec<(u32, usize)>,
}

impl Coverage {
    /// None where the kernel has no KCOV. For root; works on when no longer.
    pub fn open() -> Option<Coverage> {
        let fd = open_path("/sys/kernel/debug/kcov", libc::O_RDWR | libc::O_CLOEXEC).ok()?;
        ioctl(fd, INIT_TRACE, WORDS as *mut _).ok()?;
        // SAFETY: the kernel's buffer, of the size just asked for, which is
        // never unmapped; it writes to it as atomics would.
        let words = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let p = libc::mmap(
                std::ptr::null_mut(),
                WORDS * 8,
                protection,
                libc::MAP_SHARED,
                fd,
                0,
            );
            if p == libc::MAP_FAILED {
                return None;
            }
            std::slice::from_raw_parts(p.cast::<AtomicU64>(), WORDS)
        };
        let coverage = Coverage {
            fd,
            words,
            trace: Trace::Places,
            seen_in: vec![0; EDGES],
            run: 0,
            edges: Vec::new(),
        };
        coverage.enable().then_some(coverage)
    }

    fn enable(&self) -> bool {
        // The argument is a number here, not an address.
        ioctl(self.fd, ENABLE, self.trace as usize as *mut _).is_ok()
    }

    /// A new run begins.
    pub fn begin(&mut self, trace: Trace) {
        if trace != self.trace {
            self.trace = trace;
            let disabled = ioctl(self.fd, DISABLE, std::ptr::null_mut());
            assert!(disabled.is_ok() && self.enable(), "KCOV: {disabled:?}");
        }
        self.run += 1;
        self.edges.clear();
        self.words[0].store(0, Ordering::Relaxed);
    }

    fn take(&self) -> &'static [AtomicU64] {
        let len = self.words[0].swap(0, Ordering::Relaxed) as usize;
        let per_entry = match self.trace {
            Trace::Places => 1,
            Trace::Comparisons => 4,
        };
        &self.words[1..(1 + len * per_entry).min(WORDS)]
    }

    /// Where the module was in this step. Each step is looked at by itself:
    /// from one to the next there is no way in the module.
    pub fn step(&mut self, step: usize, mut place: impl FnMut(u32)) {
        let mut before = 0u32;
        for pc in self.take() {
            let pc = pc.load(Ordering::Relaxed) as u32;
            let mixed = (before.rotate_left(13) ^ pc).wrapping_mul(0x9E37_79B1);
            let edge = mixed >> (32 - EDGES.trailing_zeros());
            before = pc;
            if self.seen_in[edge as usize] != self.run {
                self.seen_in[edge as usize] = self.run;
                self.edges.push((edge, step));
                place(pc % PLACES as u32);
            }
        }
    }

    pub fn hit(&self, edge: u32) -> bool {
        self.seen_in[edge as usize] == self.run
    }

    /// The numbers compared in this step, those that fit in 32 bits.
    pub fn comparisons(&self, mut operand: impl FnMut(u32)) {
        for entry in self.take().chunks_exact(4) {
            for word in &entry[1..3] {
                if let Ok(word) = u32::try_from(word.load(Ordering::Relaxed)) {
                    operand(word);
                }
            }
        }
    }
}

impl Drop for Coverage {
    fn drop(&mut self) {
        let _ = nix::unistd::close(self.fd);
    }
}
