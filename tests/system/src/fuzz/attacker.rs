// SPDX-License-Identifier: GPL-2.0-only
//! What one attacker does: calls as its choices decide, one sequence after the
//! other, and which of those are kept. What a choice means is how the code here
//! asks for it, and in which order: change that, and those that were kept in
//! earlier runs lead elsewhere.

use crate::harness::fork;
use crate::raw::*;
use crate::rules::{PageEnd, Pages};

use super::choices::{Choices, Record};
use super::corpus::Corpus;
use super::coverage::{Coverage, Trace};
use super::sequence::Sequence;

const NAMES: &[&str] = &[
    "$.A",
    "$.A.b",
    "$.A.*",
    "$.A.%",
    "$.*",
    "$.%",
    "$.B",
    BIND_EVENT,
    "$.KBUS.*",
    GONE_AWAY,
    "$.A.b.c.d.e.f.g",
    "$.#",
    "$",
    "",
    "$..",
    "$.A.",
    "nonsense",
    UNBIND_EVENTS_LOST,
];

/// System calls of the 32-bit kind, from this 64-bit process: the kernel
/// takes them for those of a 32-bit program.
#[cfg(target_arch = "x86_64")]
fn compat_call(number: u32, a: u32, b: u32, c: u32) -> i32 {
    let result: u64;
    // SAFETY: addresses are those of the arena, below 4 GiB, or bad ones,
    // which the kernel refuses; rbx is put back.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {b}",
            "int 0x80",
            "xchg rbx, {b}",
            b = inout(reg) a as u64 => _,
            inout("rax") number as u64 => result,
            in("rcx") b as u64,
            in("rdx") c as u64,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result as i32
}

#[cfg(not(target_arch = "x86_64"))]
fn compat_call(_: u32, _: u32, _: u32, _: u32) -> i32 {
    0
}

pub struct Attacker {
    pub choices: Choices,
    ksocks: Vec<i32>,
    arena: *mut u8,
    edge: PageEnd,
    locked: Pages,
    asked: Vec<Msg>,
    /// Made so far.
    pub calls: u32,
}

const ARENA: usize = 1 << 16;

impl Attacker {
    pub fn new(choices: Choices) -> Attacker {
        // SAFETY: fresh memory, below 4 GiB for the 32-bit calls.
        let arena = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                ARENA,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
                -1,
                0,
            )
        };
        assert!(arena != libc::MAP_FAILED);
        Attacker {
            choices,
            ksocks: Vec::new(),
            arena: arena.cast(),
            edge: PageEnd::new(),
            locked: Pages::new(1, libc::PROT_READ),
            asked: Vec::new(),
            calls: 0,
        }
    }

    fn below(&mut self, n: u32) -> u32 {
        self.choices.below(n)
    }

    /// Whatever came back must be an error number that programs can know.
    fn sane<T>(&mut self, r: Result<T>) -> Option<T> {
        self.calls += 1;
        match r {
            Ok(v) => Some(v),
            Err(e) => {
                assert!(
                    (1..134).contains(&e.0),
                    "an error number that is none: {e:?}"
                );
                None
            }
        }
    }

    /// An address: mostly in the arena, else somewhere it hurts.
    fn address(&mut self) -> *mut u8 {
        match self.below(12) {
            0 => std::ptr::null_mut(),
            1 => self.below(4096) as usize as *mut u8,
            2 => usize::MAX as *mut u8,
            3 => (0xffff_8000_0000_0000_u64 as usize + self.below(1 << 20) as usize) as *mut u8,
            4 => 0x7fff_ffff_f000_u64 as usize as *mut u8,
            5 => self.locked.start,
            6 => {
                let n = self.below(100) as usize;
                self.edge.put(&vec![0x4B; n]).cast_mut()
            }
            _ => {
                let at = self.below(ARENA as u32 - 9000) as usize;
                // SAFETY: inside the arena.
                unsafe { self.arena.add(at) }
            }
        }
    }

    fn ksock(&mut self) -> i32 {
        if self.ksocks.is_empty() {
            self.open();
        }
        match self.ksocks.len() as u32 {
            0 => -1,
            n => self.ksocks[self.choices.below(n) as usize],
        }
    }

    fn open(&mut self) {
        self.open_device(0, 3);
    }

    /// Opens one of so many, from that one on.
    fn open_device(&mut self, from: u32, count: u32) {
        let device = from + self.below(count);
        let mode = [
            libc::O_RDWR,
            libc::O_RDWR,
            libc::O_RDWR,
            libc::O_RDONLY,
            libc::O_WRONLY,
        ];
        let mode = mode[self.below(5) as usize];
        let r = open_path(&format!("/dev/kbus{device}"), mode | libc::O_CLOEXEC);
        if let Some(fd) = self.sane(r) {
            self.ksocks.push(fd);
        }
    }

    fn name(&mut self) -> Vec<u8> {
        match self.below(20) {
            0 => (0..self.below(30))
                .map(|_| self.choices.below(256) as u8)
                .collect(),
            1 => vec![b'a'; self.choices.below(1100) as usize],
            2 => {
                let mut name = b"$.".to_vec();
                name.resize(2 + self.choices.below(999) as usize, b'z');
                name
            }
            _ => NAMES[self.below(NAMES.len() as u32) as usize]
                .as_bytes()
                .to_vec(),
        }
    }

    /// A message that could be one.
    fn message(&mut self) -> Msg {
        let mut msg = Msg::new(self.name());
        let size = match self.below(40) {
            0 => 120_000,
            1..=4 => 9_000,
            _ => 60,
        };
        let size = self.below(size) as usize;
        msg.data = vec![self.below(256) as u8; size];
        if self.choices.one_in(2) {
            msg.flags |= WANT_A_REPLY;
        }
        for flag in [
            URGENT,
            ALL_OR_WAIT,
            ALL_OR_FAIL,
            SYNTHETIC,
            WANT_YOU_TO_REPLY,
        ] {
            if self.choices.one_in(5) {
                msg.flags |= flag;
            }
        }
        if self.choices.one_in(4) {
            msg.to = self.below(40);
        }
        if self.choices.one_in(6) {
            msg.in_reply_to = id(self.below(2), self.serial());
        }
        if self.choices.one_in(8) {
            msg.id = id(self.below(3), self.below(5));
        }
        if self.choices.one_in(10) {
            msg.flags |= self.choices.word();
        }
        msg
    }

    /// One that a message has had, perhaps.
    fn serial(&mut self) -> u32 {
        match self.below(2) {
            0 => self.below(2000),
            _ => self.choices.word(),
        }
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(3) {
            match self.below(4) {
                0 => {
                    let at = self.below(bytes.len() as u32) as usize;
                    bytes[at] ^= 1 << self.below(8);
                }
                1 => bytes.truncate(self.choices.below(bytes.len() as u32 + 1).max(1) as usize),
                2 => bytes.push(0),
                _ => {
                    let at = (self.below(22) * 4) as usize;
                    if at + 4 <= bytes.len() {
                        let word = self.choices.word();
                        poke(bytes, at, word);
                    }
                }
            }
        }
    }

    fn write(&mut self) {
        let fd = self.ksock();
        match self.below(10) {
            0 => {
                let n = self.below(300) as usize;
                let bytes: Vec<u8> = (0..n).map(|_| self.choices.below(256) as u8).collect();
                let r = write(fd, bytes.as_ptr(), n);
                self.sane(r);
            }
            1 => {
                let (p, n) = (self.address(), self.below(9000) as usize);
                let r = write(fd, p, n);
                self.sane(r);
            }
            2 => {
                // Pointy, with addresses of all kinds.
                let msg = self.message();
                let mut pointy = msg.pointy();
                for at in [NAME_AT, DATA_AT] {
                    if self.choices.one_in(3) {
                        let p = self.address() as usize;
                        point(&mut pointy.bytes, at, p);
                    }
                }
                let r = write(fd, pointy.bytes.as_ptr(), HEADER);
                self.sane(r);
                self.send(fd);
            }
            _ => {
                let msg = self.message();
                let mut bytes = msg.entire();
                if self.choices.one_in(4) {
                    self.spoil(&mut bytes);
                }
                let mut at = 0;
                while at < bytes.len() {
                    let n = match self.below(3) {
                        0 => self.below(50) as usize,
                        _ => bytes.len(),
                    };
                    let n = n.min(bytes.len() - at);
                    let r = write(fd, bytes[at..].as_ptr(), n);
                    if self.sane(r).is_none() || self.choices.one_in(30) {
                        break;
                    }
                    at += n.max(1);
                }
                self.send(fd);
            }
        }
    }

    fn send(&mut self, fd: i32) {
        let p = if self.choices.one_in(20) {
            self.address()
        } else {
            self.arena
        };
        let r = ioctl(fd, SEND, p.cast());
        self.sane(r);
    }

    fn bind(&mut self) {
        let fd = self.ksock();
        let name = self.name();
        let role = [0, 1, 1, 2][self.below(4) as usize];
        let address = match self.below(15) {
            0 => self.address().cast_const(),
            _ => name.as_ptr(),
        };
        let arg = BindRequest {
            is_replier: role,
            // Where the address is an odd one, so may be the length.
            name_len: name.len() as u32,
            name: address,
        };
        let request = [BIND, BIND, UNBIND, REPLIER_OF][self.below(4) as usize];
        let r = ioctl(fd, request, (&raw const arg).cast_mut().cast());
        self.sane(r);
    }

    fn known_ioctl(&mut self) {
        let fd = self.ksock();
        let request = ALL_IOCTLS[self.below(18) as usize];
        if request == NEWDEVICE && !self.choices.one_in(40) {
            return self.remove_device(fd);
        }
        let value = match (request, self.below(6)) {
            // Not all the memory there is.
            (MAXMSGS, _) => self.below(60),
            (MAXMSGSIZE, 0) => self.choices.word(),
            (MAXMSGSIZE, _) => 20_000 + self.below(390_000),
            (_, 0) => self.choices.word(),
            (_, n) => n % 3,
        };
        let p = self.address();
        // SAFETY: the arena is ours.
        unsafe { self.arena.cast::<u32>().write(value) };
        let p = if self.choices.one_in(8) {
            p
        } else {
            self.arena
        };
        let r = ioctl(fd, request, p.cast());
        self.sane(r);
    }

    /// REMOVEDEVICE, mostly of what NEWDEVICE may have made; and now and then such a bus is open.
    fn remove_device(&mut self, fd: i32) {
        let device = match self.below(8) {
            0 => self.choices.word(),
            1..=4 => 3 + self.below(3),
            _ if self.ksocks.len() < 10 => return self.open_device(3, 3),
            _ => return,
        };
        let options = if self.choices.one_in(10) {
            self.choices.word()
        } else {
            0
        };
        let size = match self.below(8) {
            0 => self.below(24),
            _ => 8,
        };
        let p = if self.choices.one_in(8) {
            self.address()
        } else {
            // SAFETY: the arena is ours.
            unsafe { self.arena.cast::<[u32; 2]>().write([device, options]) };
            self.arena
        };
        let r = ioctl(fd, added(size, 27), p.cast());
        self.sane(r);
    }

    fn odd_ioctl(&mut self) {
        let fd = self.ksock();
        let request = match self.below(3) {
            0 => self.choices.word(),
            1 => 0x6b00 | self.below(40) | (self.below(4) << 30) | (self.below(20) << 16),
            _ => ALL_IOCTLS[self.below(18) as usize] ^ (1 << self.below(32)),
        };
        // Only KBUS's own letter: the rest is for the kernel's core.
        // And no limit by which a queue could grow for ever.
        if (request >> 8) & 0xff != 0x6b || request == MAXMSGS {
            return;
        }
        let p = self.address();
        let r = ioctl(fd, request, p.cast());
        self.sane(r);
    }

    fn receive(&mut self) {
        let fd = self.ksock();
        let r = ioctl(fd, NEXTMSG, self.arena.cast());
        if self.sane(r) != Some(1) {
            return;
        }
        // SAFETY: the arena is ours.
        let len = unsafe { self.arena.cast::<u32>().read() } as usize;
        let mut bytes = vec![0u8; len.min(1 << 20)];
        let mut at = 0;
        while at < bytes.len() {
            let n = if self.choices.one_in(3) {
                self.below(100) as usize
            } else {
                bytes.len()
            };
            let n = n.min(bytes.len() - at);
            let r = read(fd, bytes[at..].as_mut_ptr(), n);
            match self.sane(r) {
                Some(0) if n > 0 => return,
                None => return,
                Some(n) => at += n,
            }
            if self.choices.one_in(20) {
                let p = self.address();
                let r = read(fd, p, 50);
                if self.sane(r).is_some() {
                    return; // some of it is elsewhere now
                }
            }
        }
        // A child of ours may read the same ksock meanwhile, so what we have
        // need not be whole; where it is, it must be well-formed.
        if let Ok(msg) = Msg::parse(&bytes) {
            if msg.marked() && self.asked.len() < 50 {
                self.asked.push(msg);
            }
        }
    }

    fn reply(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let at = self.below(self.asked.len() as u32) as usize;
        let msg = if self.choices.one_in(3) {
            self.asked[at].clone()
        } else {
            self.asked.swap_remove(at)
        };
        let fd = self.ksock();
        let bytes = Msg::reply_to(&msg).entire();
        let r = write(fd, bytes.as_ptr(), bytes.len());
        if self.sane(r).is_some() {
            self.send(fd);
        }
    }

    /// The same calls as a 32-bit program would make them.
    fn compat(&mut self) {
        let fd = self.ksock() as u32;
        let arena = self.arena as usize as u32;
        let p = match self.below(5) {
            0 => self.choices.word(),
            _ => arena + self.below(1000) * 4,
        };
        let value = self.below(300);
        // SAFETY: the arena is ours.
        unsafe {
            self.arena
                .add(self.choices.below(4000) as usize)
                .cast::<u32>()
                .write_unaligned(value)
        };
        let n = self.below(9000);
        let r = match self.below(3) {
            0 => compat_call(3, fd, p, n),
            1 => compat_call(4, fd, p, n),
            _ => {
                let request = ALL_IOCTLS[self.below(18) as usize];
                if request == NEWDEVICE {
                    let r = compat_call(54, fd, REMOVEDEVICE, p);
                    assert!(r > -134, "an error number that is none: {r}");
                    return;
                }
                let size = if request >> 30 == 0 { 0 } else { 0x0004_0000 };
                // A huge limit would let a queue grow for ever.
                if request == MAXMSGS {
                    return;
                }
                compat_call(54, fd, request & !0x3fff_0000 | size, p)
            }
        };
        assert!(r > -134, "an error number that is none: {r}");
        self.calls += 1;
    }

    fn step(&mut self) {
        match self.below(100) {
            0..=3 => {
                if self.ksocks.len() < 10 {
                    self.open();
                }
            }
            4..=5 => {
                if !self.ksocks.is_empty() {
                    let at = self.below(self.ksocks.len() as u32) as usize;
                    let _ = nix::unistd::close(self.ksocks.swap_remove(at));
                }
            }
            6..=34 => self.write(),
            35..=50 => self.bind(),
            51..=60 => self.known_ioctl(),
            61..=65 => self.odd_ioctl(),
            66..=84 => self.receive(),
            85..=89 => self.reply(),
            90..=94 => {
                let k = std::mem::ManuallyDrop::new(Ksock { fd: self.ksock() });
                let events = self.choices.word() as i16;
                k.poll(events, 0);
            }
            95..=97 => self.compat(),
            98 => {
                let fd = self.ksock();
                let p = self.address();
                let n = self.below(300) as usize;
                let r = read(fd, p, n);
                self.sane(r);
            }
            _ => {
                let path = ["/proc/kbus/stats", "/proc/kbus/bindings"][self.below(2) as usize];
                let _ = std::fs::read(path);
            }
        }
    }

    /// Steps of which nothing is decided.
    pub fn wander(&mut self, steps: u32) {
        self.choices.begin();
        for _ in 0..steps {
            self.choices.follow(&[]);
            self.step();
        }
    }

    /// Begins without ksocks, and does this sequence.
    pub fn play(&mut self, script: &Sequence, mut each: impl FnMut(&mut Choices, usize)) {
        for fd in self.ksocks.drain(..) {
            let _ = nix::unistd::close(fd);
        }
        self.asked.clear();
        self.choices.begin();
        for (n, step) in script.steps.iter().enumerate() {
            self.choices.follow(step);
            self.step();
            each(&mut self.choices, n);
        }
    }

    /// Does it to see where it leads; it is kept when it leads where none was.
    pub fn explore(&mut self, script: &Sequence, coverage: &mut Coverage, corpus: &Corpus) {
        self.trace(script, coverage, corpus);
        let new = |&&(edge, _): &&(u32, usize)| corpus.note_edge(edge);
        let mut new: Vec<(u32, usize)> = coverage.edges.iter().filter(new).copied().collect();
        let Some(mut kept) = self.choices.taken().filter(|_| !new.is_empty()) else {
            return;
        };
        // What led there by chance, or by what others did, is no use.
        let last = new.iter().map(|&(_, step)| step).max().unwrap_or(0);
        kept.steps.truncate(last + 1);
        self.trace(&kept, coverage, corpus);
        new.retain(|&(edge, _)| coverage.hit(edge));
        if new.is_empty() {
            return;
        }
        for step in (0..kept.steps.len()).rev() {
            let less = kept.without(step);
            self.trace(&less, coverage, corpus);
            if new.iter().all(|&(edge, _)| coverage.hit(edge)) {
                kept = less;
            }
        }
        corpus.add(&kept);
    }

    fn trace(&mut self, script: &Sequence, coverage: &mut Coverage, corpus: &Corpus) {
        coverage.begin(Trace::Places);
        self.play(script, |_, n| coverage.step(n, |p| corpus.note_place(p)));
    }

    /// What the kernel compares with, for the next sequences.
    fn compare(&mut self, script: &Sequence, coverage: &mut Coverage) {
        coverage.begin(Trace::Comparisons);
        self.play(script, |choices, _| {
            coverage.comparisons(|word| choices.hint(word))
        });
    }

    /// One more sequence: a new one, or made of those that are kept.
    pub fn advance(&mut self, coverage: &mut Coverage, corpus: &Corpus) {
        let dice = self.choices.dice();
        let script = match (corpus.any(dice), corpus.any(dice)) {
            (Some(one), Some(other)) if !dice.one_in(8) => one.mutated(&other, dice),
            _ => Sequence::blank(1 + dice.below(40) as usize),
        };
        if self.choices.dice().one_in(40) {
            self.compare(&script, coverage);
        } else {
            self.explore(&script, coverage, corpus);
        }
    }

    /// A child shares all ksocks for a while and is killed in the middle.
    pub fn breed(&mut self) {
        let (seed, steps) = (self.choices.dice().roll(), self.choices.dice().below(60));
        let child = fork(|| {
            self.choices = Choices::new(seed, Record::new());
            loop {
                self.wander(100);
            }
        });
        self.wander(steps);
        child.kill();
    }
}
