// SPDX-License-Identifier: GPL-2.0
//! Hostile input: an unprivileged user who throws random and half-valid
//! bytes, calls and pointers at several buses, from several processes; and
//! processes that get stuck in a page fault in the middle of a call. While
//! they try, others on the same bus must be served as ever.
//!
//! Each process draws its calls from its own generator: one seed, the same
//! calls again. How they interleave is up to the scheduler.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{bounded, fork, rmmod, shared, Child, Dice, Gate, HANG_MS, USUAL};
use crate::raw::*;
use crate::rules::{await_sleep, PageEnd, Pages, PAGE};
use crate::{eq, tests};

tests![
    fuzz_bounded_run.load(USUAL).limit(120),
    stuck_in_write,
    stuck_in_pointy_name,
    stuck_in_pointy_data,
    stuck_in_read,
    stuck_in_bind,
    stuck_in_bind_name,
    stuck_in_unbind_name,
    stuck_in_replier,
    stuck_in_send_result,
    stuck_in_nextmsg_result,
    stuck_in_newdevice_result.load(USUAL),
    stuck_threads_of_one_ksock,
];

// ---- stuck in a page fault -----------------------------------------------

/// A page that nobody will ever provide: touching it waits for ever, or
/// until the toucher is killed.
fn stuck_page() -> (Pages, i32) {
    let page = Pages::new(1, libc::PROT_READ | libc::PROT_WRITE);
    const UFFDIO_API: u64 = 0xc018_aa3f;
    const UFFDIO_REGISTER: u64 = 0xc020_aa00;
    const MISSING: u64 = 1;
    let mut api = [0xAAu64, 0, 0];
    let mut register = [page.start as u64, PAGE as u64, MISSING, 0];
    // SAFETY: the arguments are what userfaultfd(2) describes.
    unsafe {
        let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) as i32;
        check(fd as i64).unwrap_or_else(|e| panic!("userfaultfd: {e:?}"));
        check(libc::ioctl(fd, UFFDIO_API as _, api.as_mut_ptr()) as i64).unwrap();
        check(libc::ioctl(fd, UFFDIO_REGISTER as _, register.as_mut_ptr()) as i64).unwrap();
        (page, fd)
    }
}

/// Ordinary work on the bus, in a process of its own so that it can be seen
/// to hang.
fn others_are_served(stuck: u32, what: &str) {
    let done = Gate::new();
    let child = fork(|| {
        let (a, b) = (Ksock::new(), Ksock::new());
        a.serve("$.Ordinary").listen("$.News");
        for _ in 0..20 {
            let asked = b.ask("$.Ordinary");
            a.answer(&a.take());
            eq!(b.take().in_reply_to, asked);
            // The stuck one listens to this: it gets a copy as ever.
            b.say("$.News");
            a.take();
        }
        for path in ["/proc/kbus/stats", "/proc/kbus/bindings"] {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(&stuck.to_string()), "{path}: {text}");
        }
        done.open();
    });
    let mut p = libc::pollfd {
        fd: done.read,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd.
    let r = unsafe { libc::poll(&mut p, 1, HANG_MS) };
    assert!(
        r == 1 && p.revents & libc::POLLIN != 0,
        "while one is stuck in {what}, others hang"
    );
    child.join();
}

/// One process does `call` with a page it will never get; others must not
/// notice, and it can be killed, whereupon its ksock closes.
fn stuck(what: &str, call: fn(&Ksock, *mut u8)) {
    let told = Gate::new();
    let child = fork(|| {
        let (page, _fd) = stuck_page();
        let k = Ksock::new();
        k.serve("$.Stuck").listen("$.News").limit(1000);
        told.put(k.id());
        call(&k, page.start);
        panic!("{what} came back although its page never did");
    });
    let id = told.get();
    await_sleep(child.pid);
    // It sleeps in its page fault, not before: it has no other place to.
    others_are_served(id, what);
    let w = Ksock::new();
    let asked = w.ask("$.Stuck");
    child.kill();
    let got = w.await_msg();
    eq!(
        (got.text(), got.in_reply_to),
        (GONE_AWAY.to_string(), asked)
    );
    eq!(w.replier("$.Stuck"), Ok(None));
}

fn stuck_in_write() {
    stuck("write", |k, page| {
        let _ = write(k.fd, page, HEADER);
    });
}

fn pointing(at: usize, address: u64) -> Vec<u8> {
    let name = c"$.A";
    let mut bytes = Msg::new("$.A").data(b"12345678").entire();
    bytes.truncate(HEADER);
    bytes[64..72].copy_from_slice(&(name.as_ptr() as u64).to_ne_bytes());
    bytes[72..80].copy_from_slice(&(name.as_ptr() as u64).to_ne_bytes());
    bytes[at..at + 8].copy_from_slice(&address.to_ne_bytes());
    bytes
}

fn stuck_in_pointy_name() {
    stuck("SEND (name)", |k, page| {
        k.write(&pointing(64, page as u64)).unwrap();
        let _ = k.send();
    });
}

fn stuck_in_pointy_data() {
    stuck("SEND (data)", |k, page| {
        k.write(&pointing(72, page as u64)).unwrap();
        let _ = k.send();
    });
}

fn stuck_in_read() {
    stuck("read", |k, page| {
        let other = Ksock::new();
        other.say("$.News");
        k.next().unwrap();
        let _ = read(k.fd, page, 96);
    });
}

fn stuck_in_bind() {
    stuck("BIND", |k, page| {
        let _ = ioctl(k.fd, BIND, page.cast());
    });
}

fn name_in(k: &Ksock, request: u32, page: *mut u8) {
    let arg = BindRequest {
        is_replier: 0,
        name_len: 10,
        name: page,
    };
    let _ = ioctl(k.fd, request, (&raw const arg).cast_mut().cast());
}

fn stuck_in_bind_name() {
    stuck("BIND (name)", |k, page| name_in(k, BIND, page));
}

fn stuck_in_unbind_name() {
    stuck("UNBIND (name)", |k, page| name_in(k, UNBIND, page));
}

fn stuck_in_replier() {
    stuck("REPLIER", |k, page| name_in(k, REPLIER_OF, page));
}

fn stuck_in_send_result() {
    stuck("SEND (result)", |k, page| {
        k.put(&Msg::new("$.Mine")).unwrap();
        let _ = ioctl(k.fd, SEND, page.cast());
    });
}

fn stuck_in_nextmsg_result() {
    stuck("NEXTMSG (result)", |k, page| {
        let other = Ksock::new();
        other.say("$.News");
        let _ = ioctl(k.fd, NEXTMSG, page.cast());
    });
}

fn stuck_in_newdevice_result() {
    stuck("NEWDEVICE (result)", |k, page| {
        let _ = ioctl(k.fd, NEWDEVICE, page.cast());
    });
    // And the list of devices is not locked by it.
    let n = Ksock::new().new_device().unwrap();
    eq!(n, 4);
}

/// Several threads of one process, all stuck in one ksock: the process can
/// be killed, and nobody else waits.
fn stuck_threads_of_one_ksock() {
    stuck("several calls", |k, page| {
        let fd = k.fd;
        let page = page as usize;
        for n in 0..4 {
            std::thread::spawn(move || {
                let page = page as *mut u8;
                match n {
                    0 => drop(write(fd, page, 100)),
                    1 => drop(read(fd, page, 100)),
                    2 => drop(ioctl(fd, KSOCKID, page.cast())),
                    _ => drop(ioctl(fd, NUMMSGS, page.cast())),
                }
            });
        }
        let _ = ioctl(fd, BIND, page as *mut _);
    });
}

// ---- random --------------------------------------------------------------

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

struct Attacker {
    dice: Dice,
    ksocks: Vec<i32>,
    arena: *mut u8,
    edge: PageEnd,
    locked: Pages,
    asked: Vec<Msg>,
    calls: u32,
}

const ARENA: usize = 1 << 16;

impl Attacker {
    fn new(seed: u64) -> Attacker {
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
            dice: Dice::new(seed),
            ksocks: Vec::new(),
            arena: arena.cast(),
            edge: PageEnd::new(),
            locked: Pages::new(1, libc::PROT_READ),
            asked: Vec::new(),
            calls: 0,
        }
    }

    fn below(&mut self, n: u32) -> u32 {
        self.dice.below(n)
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
            3 => (0xffff_8000_0000_0000 + self.below(1 << 20) as usize) as *mut u8,
            4 => 0x7fff_ffff_f000 as *mut u8,
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
            n => self.ksocks[self.dice.below(n) as usize],
        }
    }

    fn open(&mut self) {
        let device = self.below(3);
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
                .map(|_| self.dice.below(256) as u8)
                .collect(),
            1 => vec![b'a'; self.dice.below(1100) as usize],
            2 => {
                let mut name = b"$.".to_vec();
                name.resize(2 + self.dice.below(999) as usize, b'z');
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
        if self.dice.one_in(2) {
            msg.flags |= WANT_A_REPLY;
        }
        for flag in [
            URGENT,
            ALL_OR_WAIT,
            ALL_OR_FAIL,
            SYNTHETIC,
            WANT_YOU_TO_REPLY,
        ] {
            if self.dice.one_in(5) {
                msg.flags |= flag;
            }
        }
        if self.dice.one_in(4) {
            msg.to = self.below(40);
        }
        if self.dice.one_in(6) {
            msg.in_reply_to = id(self.below(2), self.below(2000));
        }
        if self.dice.one_in(8) {
            msg.id = id(self.below(3), self.below(5));
        }
        if self.dice.one_in(10) {
            msg.flags |= self.dice.roll() as u32;
        }
        msg
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(3) {
            match self.below(4) {
                0 => {
                    let at = self.below(bytes.len() as u32) as usize;
                    bytes[at] ^= 1 << self.below(8);
                }
                1 => bytes.truncate(self.dice.below(bytes.len() as u32 + 1).max(1) as usize),
                2 => bytes.push(0),
                _ => {
                    let at = (self.below(22) * 4) as usize;
                    if at + 4 <= bytes.len() {
                        let word = self.dice.roll() as u32;
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
                let bytes: Vec<u8> = (0..n).map(|_| self.dice.below(256) as u8).collect();
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
                for at in [64, 72] {
                    if self.dice.one_in(3) {
                        let p = self.address() as u64;
                        pointy.bytes[at..at + 8].copy_from_slice(&p.to_ne_bytes());
                    }
                }
                let r = write(fd, pointy.bytes.as_ptr(), HEADER);
                self.sane(r);
                self.send(fd);
            }
            _ => {
                let msg = self.message();
                let mut bytes = msg.entire();
                if self.dice.one_in(4) {
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
                    if self.sane(r).is_none() || self.dice.one_in(30) {
                        break;
                    }
                    at += n.max(1);
                }
                self.send(fd);
            }
        }
    }

    fn send(&mut self, fd: i32) {
        let p = if self.dice.one_in(20) {
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
        if request == NEWDEVICE && !self.dice.one_in(40) {
            return;
        }
        let value = match (request, self.below(6)) {
            // Not all the memory there is.
            (MAXMSGS, _) => self.below(60),
            (MAXMSGSIZE, 0) => self.dice.roll() as u32,
            (MAXMSGSIZE, _) => 20_000 + self.below(390_000),
            (_, 0) => self.dice.roll() as u32,
            (_, n) => n % 3,
        };
        let p = self.address();
        // SAFETY: the arena is ours.
        unsafe { self.arena.cast::<u32>().write(value) };
        let p = if self.dice.one_in(8) { p } else { self.arena };
        let r = ioctl(fd, request, p.cast());
        self.sane(r);
    }

    fn odd_ioctl(&mut self) {
        let fd = self.ksock();
        let request = match self.below(3) {
            0 => self.dice.roll() as u32,
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
            let n = if self.dice.one_in(3) {
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
            if self.dice.one_in(20) {
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
        let msg = if self.dice.one_in(3) {
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
            0 => self.dice.roll() as u32,
            _ => arena + self.below(1000) * 4,
        };
        let value = self.below(300);
        // SAFETY: the arena is ours.
        unsafe {
            self.arena
                .add(self.dice.below(4000) as usize)
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
                    // SAFETY: our own descriptor.
                    unsafe { libc::close(self.ksocks.swap_remove(at)) };
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
                let events = self.dice.roll() as i16;
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

    /// A child shares all ksocks for a while and is killed in the middle.
    fn breed(&mut self) {
        let seed = self.dice.roll();
        let child = fork(|| {
            self.dice = Dice::new(seed);
            loop {
                self.step();
            }
        });
        for _ in 0..self.below(60) {
            self.step();
        }
        child.kill();
    }
}

/// Fuzzes for that long, and sees to it that an honest pair on the same bus
/// is served all the time.
pub fn run(seed: u64, seconds: u32) {
    const PROCESSES: u64 = 4;
    let counters: &'static [AtomicU32] = shared(PROCESSES as usize);
    let end = Instant::now() + Duration::from_secs(seconds as u64);
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.Hon");
    let attackers: Vec<Child> = (0..PROCESSES)
        .map(|n| {
            fork(move || {
                crate::harness::keep_only(&[]);
                // SAFETY: this process only.
                unsafe {
                    libc::setgroups(0, std::ptr::null());
                    assert!(libc::setgid(65534) == 0 && libc::setuid(65534) == 0);
                    // Whom root cannot see dying would be a mystery.
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
                }
                let mut attacker = Attacker::new(seed * PROCESSES + n);
                while Instant::now() < end {
                    for _ in 0..100 {
                        attacker.step();
                    }
                    if attacker.dice.one_in(20) {
                        attacker.breed();
                    }
                    counters[n as usize].store(attacker.calls, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut rounds = 0;
    let mut outcomes = 0;
    while Instant::now() < end {
        // 100 bytes: fits whatever maximum they set. They may answer in our
        // place, or fill us with bind events by switching reporting on; but
        // one request has one answer.
        let asked = b.post(&Msg::ask("$.Hon")).unwrap();
        let request = a.take();
        eq!(request.id, asked);
        match a.post(&Msg::reply_to(&request)) {
            Ok(_) => {}
            // Somebody guessed it.
            Err(ECONNREFUSED) => outcomes += 1,
            Err(e) => panic!("the honest reply: {e:?}"),
        }
        eq!(b.take().in_reply_to, asked);
        b.nothing();
        rounds += 1;
    }
    for child in attackers {
        child.join();
    }
    let calls: u32 = counters.iter().map(|c| c.load(Ordering::Relaxed)).sum();
    println!(
        "   seed {seed}: {calls} hostile calls; {rounds} honest round trips, {outcomes} answered by others"
    );
    assert!(calls > 0 && rounds > 0);
    drop((a, b));
    eq!(crate::harness::bindings().len(), 0, "bindings of the dead");
}

fn fuzz_bounded_run() {
    run(20261120, 6);
    // Whatever they did, it can be put away.
    assert!(
        bounded(|| rmmod().is_ok()),
        "the module does not unload any more"
    );
}
