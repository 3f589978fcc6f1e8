// SPDX-License-Identifier: GPL-2.0-only
//! A Ksock that writes down what it does and sees, where it is told to, for
//! `tests/trace` to judge.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use kbus_test_trace::check;
use kbus_test_trace::line::{Event, Head, Pair, Role};
use kbus_test_trace::record::{now, Recorder};

use crate::raw::*;

pub struct Traced {
    k: Ksock,
    recorder: RefCell<Option<Recorder>>,
    /// What was sent last waits.
    waits: Cell<bool>,
    /// What was discarded last had been sent.
    too_late: Cell<bool>,
    /// When the current message was popped.
    popped: Cell<u64>,
}

impl Drop for Traced {
    fn drop(&mut self) {
        let start = now();
        drop(std::mem::replace(&mut self.k, Ksock { fd: -1 }));
        self.note(start, || Event::Close);
    }
}

fn role(role: u32) -> Role {
    match role {
        LISTENER => Role::Listener,
        _ => Role::Replier,
    }
}

fn pair(id: Id) -> Pair {
    Pair(id.net, id.serial)
}

fn head(msg: &Msg) -> Head {
    Head {
        name: msg.text(),
        flags: msg.flags,
        from: msg.from,
        to: msg.to,
        re: pair(msg.in_reply_to),
    }
}

impl Traced {
    /// `into` is the directory of the trace, if there shall be one.
    pub fn open(device: u32, flags: i32, into: Option<&Path>) -> Result<Traced> {
        let start = now();
        let k = Ksock::open(device, flags)?;
        let recorder = into.map(|into| {
            Recorder::open(into, device, k.id(), start).unwrap_or_else(|e| panic!("trace: {e}"))
        });
        Ok(Traced {
            k,
            recorder: RefCell::new(recorder),
            waits: Cell::new(false),
            too_late: Cell::new(false),
            popped: Cell::new(0),
        })
    }

    fn note(&self, start: u64, event: impl FnOnce() -> Event) {
        if let Some(recorder) = &mut *self.recorder.borrow_mut() {
            recorder.add(start, event());
        }
    }

    /// What comes is of no interest.
    pub fn unrecorded(&self) {
        self.note(now(), || Event::Unrecorded);
        self.recorder.replace(None);
    }

    /// All answers that it was owed have come.
    pub fn settled(&self) {
        self.note(now(), || Event::Settled);
    }

    /// Did the last DISCARD come too late? It says so once.
    pub fn was_too_late(&self) -> bool {
        self.too_late.take()
    }

    /// SEND of what waits.
    pub fn send_again(&self) -> Result<Id> {
        let start = now();
        let r = self.k.send();
        let waited = self.waits.replace(r == Err(EAGAIN));
        if waited && r == Err(ENOMSG) {
            // As with poll: sent or given up, and told.
            self.note(start, || Event::Went);
            return r;
        }
        match r {
            Ok(id) => self.note(start, || Event::Sent(pair(id))),
            Err(EAGAIN) => self.note(start, || Event::Waits(pair(self.k.last()))),
            Err(e) => self.note(start, || Event::Refused(format!("{e:?}").replace(' ', "-"))),
        }
        r
    }

    /// A part of the current message: too little to know what it was.
    #[track_caller]
    pub fn part(&self, count: usize) -> Vec<u8> {
        let bytes = self.k.bytes(count);
        self.note(self.popped.get(), || Event::Popped);
        bytes
    }
}

fn text(name: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(name.as_ref()).into_owned()
}

/// Those calls that are written down.
impl Calls for Traced {
    fn fd(&self) -> RawFd {
        self.k.fd
    }

    fn max(&self, limit: u32) -> Result<u32> {
        let start = now();
        let r = self.k.max(limit);
        if r.is_ok() && limit != 0 {
            self.note(start, || Event::Limit(limit));
        }
        r
    }

    fn only_once(&self, value: u32) -> Result<u32> {
        let start = now();
        let r = self.k.only_once(value);
        if r.is_ok() && value != ASK {
            self.note(start, || Event::Once(value != 0));
        }
        r
    }

    fn bind(&self, name: impl AsRef<[u8]>, as_what: u32) -> Result<()> {
        let start = now();
        let r = self.k.bind(&name, as_what);
        if r.is_ok() {
            self.note(start, || Event::Bind(role(as_what), text(name)));
        }
        r
    }

    fn unbind(&self, name: impl AsRef<[u8]>, as_what: u32) -> Result<()> {
        let start = now();
        let r = self.k.unbind(&name, as_what);
        if r.is_ok() {
            self.note(start, || Event::Unbind(role(as_what), text(name)));
        }
        r
    }

    fn send_it(&self, msg: &Msg) -> Result<Id> {
        self.note(now(), || Event::Send(head(msg)));
        self.send_again()
    }

    fn discard(&self) -> Result<i32> {
        let start = now();
        // If it was given up, NEXTMSG may have queued what there is to say of that.
        let told = self.waits.get() && self.k.poll(libc::POLLOUT, 0) & libc::POLLOUT != 0;
        let r = self.k.discard();
        if self.waits.replace(false) {
            // It may have come too late, which SEND tells.
            let went = self.k.send().is_ok() || told;
            self.too_late.set(went);
            self.note(start, || if went { Event::Went } else { Event::Dropped });
        }
        r
    }

    fn poll(&self, events: i16, milliseconds: i32) -> i16 {
        let start = now();
        let got = self.k.poll(events, milliseconds);
        if got & libc::POLLOUT != 0 && self.waits.replace(false) {
            self.note(start, || Event::Went);
        }
        got
    }

    fn next(&self) -> Result<Option<u32>> {
        let start = now();
        let r = self.k.next();
        match r {
            Ok(None) => self.note(start, || Event::Empty),
            _ => self.popped.set(start),
        }
        r
    }

    #[track_caller]
    fn current(&self, len: u32) -> Msg {
        let msg = self.k.current(len);
        let got = || Event::Got(pair(msg.id), head(&msg));
        self.note(self.popped.get(), got);
        msg
    }
}

/// The directory of a trace: empty at first, and judged in the end.
pub struct Trace(PathBuf);

impl Trace {
    pub fn new(name: &str) -> Trace {
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Trace(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// One bus that keeps its promises explains it. If none does, the lines of
    /// the ksocks that the first problem names are printed.
    #[track_caller]
    pub fn judge(self) {
        let lines = check::read(std::slice::from_ref(&self.0)).unwrap_or_else(|e| panic!("{e}"));
        let _ = std::fs::remove_dir_all(&self.0);
        let verdict = check::check(&lines);
        if let Some(problem) = verdict.problems.first() {
            println!("   trace: {problem}");
            let words: Vec<&str> = problem.split([' ', ',', ':']).collect();
            let named = |pair: &Pair| {
                let (bus, id) = (pair.0.to_string(), pair.1.to_string());
                words.windows(2).any(|w| w[0] == bus && w[1] == id)
            };
            let about = |e: &Event| match e {
                Event::Got(id, _) | Event::Sent(id) | Event::Waits(id) => named(id),
                _ => false,
            };
            let shown = lines.iter().filter(|l| named(&l.ksock) || about(&l.event));
            for line in shown.take(400) {
                println!("   {line}");
            }
        }
        assert!(verdict.problems.is_empty(), "{verdict}");
        println!("   trace: {verdict}");
    }
}
