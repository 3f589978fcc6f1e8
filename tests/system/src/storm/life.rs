// SPDX-License-Identifier: GPL-2.0-only
//! The life of one process in a storm: calls in the order that its seed
//! decides, for as long as it is given. One who comes to its own end waits for
//! what it is owed, and insists on exactly one answer to each of its requests;
//! most are killed before that.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::harness::{self, Dice};
use crate::raw::*;
use crate::traced::Traced;

/// The calls that one can die in, as `Slot::inside` says them.
pub const CALLS: [&str; 25] = [
    "outside",
    "open",
    "close",
    "read",
    "write",
    "poll",
    "proc",
    "RESET",
    "BIND",
    "UNBIND",
    "KSOCKID",
    "REPLIER",
    "NEXTMSG",
    "LENLEFT",
    "SEND",
    "DISCARD",
    "LASTSENT",
    "MAXMSGS",
    "NUMMSGS",
    "UNREPLIEDTO",
    "MSGONLYONCE",
    "VERBOSE",
    "NEWDEVICE",
    "REPORTREPLIERBINDS",
    "MAXMSGSIZE",
];
const OUTSIDE: u32 = 0;
const OPEN: u32 = 1;
const CLOSE: u32 = 2;
const READ: u32 = 3;
const WRITE: u32 = 4;
const POLL: u32 = 5;
const PROC: u32 = 6;

/// An ioctl as one of `CALLS`.
const fn nr(request: u32) -> u32 {
    PROC + (request & 0xff)
}

/// What one does when nothing else is asked for: this often each.
const HABITS: [(u32, u32); 9] = [
    (nr(SEND), 34),
    (nr(NEXTMSG), 24),
    (POLL, 10),
    (nr(BIND), 10),
    (nr(UNBIND), 4),
    (OPEN, 5),
    (CLOSE, 4),
    (WRITE, 3),
    (PROC, 1),
];
const HABITS_ALL: u32 = {
    let (mut sum, mut n) = (0, 0);
    while n < HABITS.len() {
        sum += HABITS[n].1;
        n += 1;
    }
    sum
};

/// What the storm binds, each as replier and as listener.
pub const NAMES: [&str; 9] = [
    "$.Storm.a",
    "$.Storm.b",
    "$.Storm.c",
    "$.Storm.d",
    "$.Storm.a.b",
    "$.Storm.*",
    "$.Storm.%",
    "$.*",
    "$.Storm.a.*",
];
/// The first so many can be sent to.
const PLAIN: u32 = 5;

const HEARERS: usize = 4;

/// What others see of a process: kept where they can, for it may be dead.
#[repr(C)]
pub struct Slot {
    /// The call it is in, one of `CALLS`.
    pub inside: AtomicU32,
}

/// What has happened: for everybody to count in.
#[repr(C)]
pub struct Tally {
    /// Turns to 1 when those who stay shall come to their end.
    pub stop: AtomicU32,
    /// Buses that were made.
    pub new_devices: AtomicU32,
    pub asked: AtomicU32,
    pub replied: AtomicU32,
    pub by_kbus: [AtomicU32; STATUS.len()],
    pub refused: AtomicU32,
    pub waited: AtomicU32,
    pub heard: AtomicU32,
    /// Requests of those who came to their own end: each was answered.
    pub survivors_asked: AtomicU32,
}

impl Tally {
    pub fn clear(&self) {
        for c in self.by_kbus.iter().chain([
            &self.stop,
            &self.new_devices,
            &self.asked,
            &self.replied,
            &self.refused,
            &self.waited,
            &self.heard,
            &self.survivors_asked,
        ]) {
            c.store(0, Ordering::Relaxed);
        }
    }
}

/// How KBUS answers for a replier.
pub const STATUS: [&str; 5] = [GONE_AWAY, IGNORED, UNBOUND, DISAPPEARED, ERROR_SENDING];

fn count(c: &AtomicU32) {
    c.fetch_add(1, Ordering::Relaxed);
}

/// How long somebody lives.
#[derive(Clone, Copy, PartialEq)]
pub enum Span {
    /// So many calls.
    Calls(u32),
    /// Until the storm stops.
    Stays,
    /// Until killed, with a call that it is fond of.
    Forever(Option<u32>),
}

/// What is known of a message that an answer may come for.
enum Asked {
    /// A request: one answer must come.
    Request { answers: u32 },
    /// A reply that had to wait: KBUS may say that its reader is gone.
    LateReply { answers: u32 },
}

/// A message that waits to be sent (section 7).
struct Pending {
    id: Id,
    request: bool,
    /// For a reply: the request, which is still owed its answer if the reply is
    /// taken back.
    answers: Option<Msg>,
}

/// An open bus. One that asks does not listen: so all that comes is an answer
/// or a request, and can be counted.
struct Post {
    k: Traced,
    asks: bool,
    bound: Vec<(&'static str, u32)>,
    /// Requests that were read and not answered.
    kept: Vec<Msg>,
    pending: Option<Pending>,
    asked: HashMap<Id, Asked>,
    /// Requests without an answer yet.
    open: u32,
    /// Who answered last.
    partner: u32,
}

/// Where a life takes place.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Makes ids that nobody else makes.
    pub number: u32,
    pub devices: u32,
    pub tally: &'a Tally,
    /// Where it writes down what happens to it.
    pub trace: Option<&'a Path>,
}

pub struct Life<'a> {
    dice: Dice,
    slot: &'a Slot,
    world: World<'a>,
    /// Ids that it made itself.
    made: u32,
    /// The first is the one that asks.
    posts: Vec<Post>,
}

impl<'a> Life<'a> {
    pub fn new(seed: u64, slot: &'a Slot, world: World<'a>) -> Self {
        Life {
            dice: Dice::new(seed),
            slot,
            world,
            made: 0,
            posts: Vec::new(),
        }
    }

    pub fn live(&mut self, span: Span) {
        self.open();
        let mut left = match span {
            Span::Calls(n) => n,
            _ => u32::MAX,
        };
        let fond = match span {
            Span::Forever(call) => call,
            _ => None,
        };
        while left > 0 {
            left -= 1;
            if span == Span::Stays && self.world.tally.stop.load(Ordering::Relaxed) != 0 {
                break;
            }
            let call = match fond {
                Some(call) if self.dice.one_in(2) => call,
                _ => self.habit(),
            };
            self.act(call);
        }
        self.settle();
    }

    fn habit(&mut self) -> u32 {
        // One in twelve is any call at all.
        if self.dice.one_in(12) {
            return 1 + self.dice.below(CALLS.len() as u32 - 1);
        }
        let mut at = self.dice.below(HABITS_ALL);
        for (call, weight) in HABITS {
            if at < weight {
                return call;
            }
            at -= weight;
        }
        OUTSIDE
    }

    /// Does something while everybody can see what.
    fn during<R>(&self, call: u32, what: impl FnOnce() -> R) -> R {
        self.slot.inside.store(call, Ordering::Relaxed);
        let result = what();
        self.slot.inside.store(OUTSIDE, Ordering::Relaxed);
        result
    }

    fn open(&mut self) {
        let asks = self.posts.is_empty();
        // Most of them meet on the first bus.
        let device = match self.dice.one_in(5) {
            true => self.dice.below(self.world.devices),
            false => 0,
        };
        let flags = match self.dice.below(if asks { 1 } else { 8 }) {
            7 => libc::O_RDONLY,
            _ => libc::O_RDWR,
        };
        let trace = self.world.trace;
        let k = self
            .during(OPEN, || Traced::open(device, flags, trace))
            .unwrap();
        let limit = 1 + self.dice.below(20);
        self.during(nr(MAXMSGS), || k.limit(limit).fd());
        self.posts.push(Post {
            k,
            asks,
            bound: Vec::new(),
            kept: Vec::new(),
            pending: None,
            asked: HashMap::new(),
            open: 0,
            partner: 0,
        });
    }

    fn close(&mut self, at: usize) {
        let post = self.posts.swap_remove(at);
        self.during(CLOSE, || drop(post));
    }

    fn act(&mut self, call: u32) {
        let at = self.dice.below(self.posts.len() as u32) as usize;
        let k = &self.posts[at].k;
        match call {
            OUTSIDE => {}
            OPEN if self.posts.len() <= HEARERS => self.open(),
            OPEN | CLOSE if self.posts.len() == 1 => {}
            OPEN | CLOSE => {
                let at = 1 + self.dice.below(self.posts.len() as u32 - 1) as usize;
                self.close(at);
            }
            POLL => {
                let milliseconds = [0, 0, 1, 5][self.dice.below(4) as usize];
                self.poll(at, milliseconds);
            }
            PROC => {
                let file = ["/proc/kbus/bindings", "/proc/kbus/stats"][self.dice.below(2) as usize];
                self.during(PROC, || std::fs::read(file)).unwrap();
            }
            WRITE => self.half(at),
            READ => self.take(at, true),
            _ if call == nr(NEXTMSG) => self.take(at, false),
            _ if call == nr(LENLEFT) => {
                self.during(call, || k.left());
            }
            _ if call == nr(SEND) => self.send(at),
            _ if call == nr(DISCARD) => self.discard(at),
            _ if call == nr(BIND) => self.bind(at),
            _ if call == nr(UNBIND) => self.unbind(at),
            _ if call == nr(REPLIER_OF) => {
                let name = NAMES[self.dice.below(NAMES.len() as u32) as usize];
                self.during(call, || k.replier(name)).unwrap();
            }
            _ if call == nr(MAXMSGS) => {
                // Raising it is what those who wait may wait for.
                let limit = self.during(call, || k.max(0)).unwrap();
                if limit < 40 && self.dice.one_in(2) {
                    let k = &self.posts[at].k;
                    self.during(call, || k.max(limit + 1)).unwrap();
                }
            }
            _ if call == nr(REPORTREPLIERBINDS) => {
                let on = self.dice.one_in(3) as u32;
                let k = &self.posts[at].k;
                let r = self.during(call, || k.report(on));
                assert!(matches!(r, Ok(_) | Err(EBUSY)), "report: {r:?}");
            }
            _ if call == nr(MSGONLYONCE) => {
                let on = self.dice.below(2);
                let k = &self.posts[at].k;
                self.during(call, || k.only_once(on)).unwrap();
            }
            // For others these change the bus; and there are 256 buses at most.
            _ if call == nr(VERBOSE) => {
                self.during(call, || k.verbose(ASK)).unwrap();
            }
            _ if call == nr(MAXMSGSIZE) => {
                self.during(call, || k.max_size(0)).unwrap();
            }
            _ if call == nr(NEWDEVICE) => {
                if self.world.tally.new_devices.fetch_add(1, Ordering::Relaxed) > 12 {
                    return;
                }
                let k = &self.posts[at].k;
                let r = self.during(call, || k.new_device());
                assert!(matches!(r, Ok(_) | Err(EINVAL)), "new device: {r:?}");
            }
            _ if call == nr(RESET) => {
                self.during(call, || k.reset()).unwrap();
            }
            _ if call == nr(LASTSENT) => {
                self.during(call, || k.last());
            }
            _ if call == nr(NUMMSGS) => {
                self.during(call, || k.count());
            }
            _ if call == nr(UNREPLIEDTO) => {
                self.during(call, || k.owed());
            }
            _ => {
                self.during(call, || k.id());
            }
        }
    }

    fn bind(&mut self, at: usize) {
        let name = NAMES[self.dice.below(NAMES.len() as u32) as usize];
        let role = match self.posts[at].asks || self.dice.one_in(2) {
            true => REPLIER,
            false => LISTENER,
        };
        if self.posts[at].bound.len() > 4 {
            return self.unbind(at);
        }
        match self.during(nr(BIND), || self.posts[at].k.bind(name, role)) {
            Ok(()) => self.posts[at].bound.push((name, role)),
            // Somebody has it, or somebody who wants to know of it is full.
            Err(EADDRINUSE | EAGAIN) => {}
            Err(e) => panic!("bind {name}: {e:?}"),
        }
    }

    fn unbind(&mut self, at: usize) {
        if self.posts[at].bound.is_empty() {
            return;
        }
        let which = self.dice.below(self.posts[at].bound.len() as u32) as usize;
        let (name, role) = self.posts[at].bound[which];
        match self.during(nr(UNBIND), || self.posts[at].k.unbind(name, role)) {
            Ok(()) => {
                self.posts[at].bound.swap_remove(which);
            }
            Err(EAGAIN) => {}
            Err(e) => panic!("unbind {name}: {e:?}"),
        }
    }

    /// A part of a message, and then no more.
    fn half(&mut self, at: usize) {
        if self.posts[at].pending.is_some() {
            return;
        }
        let msg = Msg::new("$.Storm.half").data([7; 50]).entire();
        let part = 1 + self.dice.below(msg.len() as u32 - 1) as usize;
        let k = &self.posts[at].k;
        match self.during(WRITE, || k.write(&msg[..part])) {
            Ok(n) if n == part => {}
            Err(EBADF) => return,
            other => panic!("write of a part: {other:?}"),
        }
        if self.dice.one_in(2) {
            let k = &self.posts[at].k;
            self.during(nr(DISCARD), || k.discard()).unwrap();
        } else {
            let k = &self.posts[at].k;
            let r = self.during(nr(SEND), || k.send());
            assert!(r == Err(EINVAL), "SEND of a part: {r:?}");
        }
    }

    fn poll(&mut self, at: usize, milliseconds: i32) {
        let events = libc::POLLIN | libc::POLLOUT;
        let events = match self.posts[at].pending {
            Some(_) => events,
            // Otherwise it would not wait.
            None => libc::POLLIN,
        };
        let got = self.during(POLL, || self.posts[at].k.poll(events, milliseconds));
        if got & libc::POLLOUT != 0 {
            // Sent, or given up: in that case KBUS says so.
            self.posts[at].pending = None;
        }
    }

    fn discard(&mut self, at: usize) {
        let k = &self.posts[at].k;
        self.during(nr(DISCARD), || k.discard()).unwrap();
        if k.was_too_late() {
            self.posts[at].pending = None;
        } else {
            self.posts[at].never_sent();
        }
    }

    /// Something new, or once more what waits.
    fn send(&mut self, at: usize) {
        if self.posts[at].pending.is_some() {
            // Whoever waits to be heard cannot answer; if all did, nobody
            // would get anywhere.
            if !self.posts[at].kept.is_empty() && self.dice.one_in(4) {
                return self.discard(at);
            }
            let k = &self.posts[at].k;
            match self.during(nr(SEND), || k.send_again()) {
                Ok(_) => self.posts[at].pending = None,
                Err(EAGAIN) => {}
                Err(EADDRNOTAVAIL | ECONNREFUSED | EPIPE | ENOLCK) => {
                    self.posts[at].never_sent();
                }
                // It was given up, and NEXTMSG has brought what there is to say of it.
                Err(ENOMSG) => self.posts[at].pending = None,
                Err(e) => panic!("SEND of what waits: {e:?}"),
            }
            return;
        }
        if !self.posts[at].kept.is_empty() && !self.dice.one_in(4) {
            return self.reply(at);
        }
        let name = NAMES[self.dice.below(PLAIN) as usize];
        let size = match self.dice.below(10) {
            0 => self.dice.below(30_000),
            1..4 => self.dice.below(1000),
            _ => 4,
        };
        let mut msg = Msg::new(name).data(vec![self.world.number as u8; size as usize]);
        if self.posts[at].asks {
            msg = msg.flags(WANT_A_REPLY);
            if self.dice.one_in(5) {
                msg = msg.to(self.posts[at].partner);
            }
        }
        match self.dice.below(6) {
            0 | 1 => msg = msg.flags(ALL_OR_WAIT),
            2 => msg = msg.flags(ALL_OR_FAIL),
            _ => {}
        }
        if self.dice.one_in(6) {
            msg = msg.flags(URGENT);
        }
        if self.dice.one_in(8) {
            self.made += 1;
            msg = msg.id(1000 + self.world.number, self.made);
        }
        match self.post(at, &msg, None) {
            Ok(_) | Err(EAGAIN | EADDRNOTAVAIL | EPIPE | EBUSY | ENOLCK | EBADF) => {}
            Err(e) => panic!("SEND of {msg:?}: {e:?}"),
        }
    }

    /// To one that was kept.
    fn reply(&mut self, at: usize) {
        let which = self.dice.below(self.posts[at].kept.len() as u32) as usize;
        let request = self.posts[at].kept.swap_remove(which);
        let mut msg = Msg::reply_to(&request).data([1; 20]);
        if self.dice.one_in(6) {
            msg = msg.flags(ALL_OR_WAIT);
        }
        match self.post(at, &msg, Some(&request)) {
            Ok(_) => {
                if self.dice.one_in(8) {
                    // Twice: the second must find no one waiting.
                    let again = self.post(at, &Msg::reply_to(&request), None);
                    assert!(
                        matches!(again, Err(ECONNREFUSED | EADDRNOTAVAIL)),
                        "second reply: {again:?}"
                    );
                }
            }
            // Full: later.
            Err(EBUSY) => self.posts[at].kept.push(request),
            Err(EAGAIN | EADDRNOTAVAIL | EBADF) => {}
            Err(e) => panic!("reply to {request:?}: {e:?}"),
        }
    }

    /// Writes, sends, and keeps book of what may come of it.
    fn post(&mut self, at: usize, msg: &Msg, answers: Option<&Msg>) -> Result<Id> {
        let request = msg.flags & WANT_A_REPLY != 0;
        let r = if self.dice.one_in(3) {
            let pointy = msg.pointy();
            let k = &self.posts[at].k;
            self.during(WRITE, || k.put_pointy(&pointy))?;
            self.during(nr(SEND), || k.send_it(msg))
        } else {
            let k = &self.posts[at].k;
            self.during(WRITE, || k.put(msg))?;
            self.during(nr(SEND), || k.send_it(msg))
        };
        let id = match r {
            Ok(id) => id,
            Err(EAGAIN) => {
                count(&self.world.tally.waited);
                let k = &self.posts[at].k;
                let id = self.during(nr(LASTSENT), || k.last());
                self.posts[at].pending = Some(Pending {
                    id,
                    request,
                    answers: answers.cloned(),
                });
                if msg.in_reply_to != NO_ID {
                    let late = Asked::LateReply { answers: 0 };
                    self.posts[at].asked.insert(id, late);
                }
                id
            }
            Err(e) => {
                count(&self.world.tally.refused);
                return Err(e);
            }
        };
        if request {
            count(&self.world.tally.asked);
            let old = self.posts[at]
                .asked
                .insert(id, Asked::Request { answers: 0 });
            assert!(old.is_none(), "{id:?} was given twice");
            self.posts[at].open += 1;
        }
        r
    }

    /// The next message, if there is one. Only one that need not know what
    /// was in it may leave some of it unread.
    fn take(&mut self, at: usize, partly: bool) {
        let k = &self.posts[at].k;
        let Some(len) = self.during(nr(NEXTMSG), || k.next()).unwrap() else {
            return;
        };
        if partly && !self.posts[at].asks {
            let part = self.dice.below(len) as usize;
            let k = &self.posts[at].k;
            self.during(READ, || k.part(part));
            return;
        }
        let msg = self.during(READ, || k.current(len));
        if !self.posts[at].asks {
            count(&self.world.tally.heard);
            if msg.marked() {
                self.posts[at].kept.push(msg);
            }
            return;
        }
        if msg.in_reply_to != NO_ID {
            let pending = self.posts[at].pending.as_ref();
            if pending.is_some_and(|p| p.id == msg.in_reply_to) {
                // So it was sent, or given up.
                self.poll(at, 0);
            }
            self.posts[at].answered(&msg, self.world.tally);
        } else if msg.marked() {
            self.posts[at].kept.push(msg);
        } else {
            // Who asks for reports gets those of all who are bound.
            assert!(
                msg.flags & SYNTHETIC != 0 && msg.text() == BIND_EVENT,
                "one who does not listen heard {msg:?}"
            );
        }
    }

    /// Answers all that is asked of it, and waits for what it is owed.
    fn settle(&mut self) {
        while self.posts.len() > 1 {
            self.close(self.posts.len() - 1);
        }
        let began = Instant::now();
        loop {
            let me = &mut self.posts[0];
            if me.open == 0 && me.kept.is_empty() && me.pending.is_none() {
                break;
            }
            if began.elapsed().as_millis() > harness::hang_ms() as u128 {
                let missing: Vec<&Id> = me
                    .asked
                    .iter()
                    .filter(|(_, a)| matches!(a, Asked::Request { answers: 0 }))
                    .map(|(id, _)| id)
                    .collect();
                panic!("no answer to {missing:?}, and no end");
            }
            // Whoever waits to be heard cannot answer; if all did, nobody
            // would get anywhere.
            if me.pending.as_ref().is_some_and(|p| !p.request) || !me.kept.is_empty() {
                self.discard(0);
            }
            let mut later = Vec::new();
            while !self.posts[0].kept.is_empty() {
                let request = self.posts[0].kept.remove(0);
                match self.post(0, &Msg::reply_to(&request), None) {
                    Ok(_) | Err(EADDRNOTAVAIL) => {}
                    Err(EBUSY) => later.push(request),
                    Err(e) => panic!("reply to {request:?}: {e:?}"),
                }
            }
            self.posts[0].kept = later;
            if self.posts[0].k.count() == 0 && self.posts[0].open > 0 {
                self.poll(0, 50);
            } else if self.posts[0].pending.is_some() {
                self.poll(0, 0);
            }
            self.take(0, false);
        }
        let me = &self.posts[0];
        me.k.settled();
        let mut asked = 0;
        for (id, a) in &me.asked {
            if let Asked::Request { answers } = a {
                assert!(
                    *answers == 1,
                    "expected one answer to {id:?}, got {answers}"
                );
                asked += 1;
            }
        }
        self.world
            .tally
            .survivors_asked
            .fetch_add(asked, Ordering::Relaxed);
    }
}

impl Post {
    /// What waited was taken back, or refused.
    fn never_sent(&mut self) {
        if let Some(p) = self.pending.take() {
            self.asked.remove(&p.id);
            self.open -= p.request as u32;
            self.kept.extend(p.answers);
        }
    }

    fn answered(&mut self, msg: &Msg, tally: &Tally) {
        let asked = self
            .asked
            .get_mut(&msg.in_reply_to)
            .unwrap_or_else(|| panic!("an answer to nothing we asked: {msg:?}"));
        let n = match asked {
            Asked::Request { answers } => {
                *answers += 1;
                self.open = self.open.saturating_sub(1);
                *answers
            }
            Asked::LateReply { answers } => {
                assert!(msg.text() == DISAPPEARED, "an answer to a reply: {msg:?}");
                *answers += 1;
                *answers
            }
        };
        assert!(
            n == 1,
            "expected one answer to {:?}, got {n}: {msg:?}",
            msg.in_reply_to
        );
        if msg.flags & SYNTHETIC == 0 {
            count(&tally.replied);
            self.partner = msg.from;
        } else {
            let which = STATUS.iter().position(|s| *s == msg.text());
            let which = which.unwrap_or_else(|| panic!("no answer: {msg:?}"));
            count(&tally.by_kbus[which]);
        }
    }
}

/// One that fills the bus from inside a memory cgroup until it is killed for
/// it, owing answers and owed some. Says whether it outlived that.
pub fn hog(seed: u64, slot: &Slot, world: World) {
    // Its trace would be memory of its group, too.
    let mut life = Life::new(
        seed,
        slot,
        World {
            devices: 1,
            ..world
        },
    );
    life.open();
    life.posts[0].k.unrecorded();
    for _ in 0..4 {
        life.open();
        let hears = &life.posts[life.posts.len() - 1].k;
        hears.unrecorded();
        hears.limit(1_000_000);
        hears.listen("$.Hog");
        life.bind(0);
    }
    for n in 0..20_000u32 {
        // What there is no memory for is refused, and that is no fault.
        let msg = Msg::new("$.Hog").data(vec![1; 8000]);
        let k = &life.posts[0].k;
        let r = life.during(nr(SEND), || k.post(&msg));
        assert!(matches!(r, Ok(_) | Err(ENOMEM)), "SEND of a hog: {r:?}");
        if n % 8 == 0 && life.posts[0].pending.is_none() {
            let ask = Msg::ask(NAMES[(n / 8 % PLAIN) as usize]);
            let _ = life.post(0, &ask, None);
            let k = &life.posts[0].k;
            let _ = life.during(nr(NEXTMSG), || k.next());
        }
    }
}
