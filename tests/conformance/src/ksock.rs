// SPDX-License-Identifier: GPL-2.0-only
//! What rules say: a bus that Ksocks are opened on, and the verbs of each in the words of tests.

use std::cell::RefCell;
use std::rc::Rc;

use crate::{Binding, Handle, Id, Msg, Need, Result, Subject, EAGAIN, ENOMSG};

pub const LISTENER: u32 = 0;
pub const REPLIER: u32 = 1;

type Shared = Rc<RefCell<Box<dyn Subject>>>;

pub struct Bus(Shared);

/// An open Ksock. Closed when dropped.
pub struct Ksock {
    bus: Shared,
    handle: Handle,
}

impl Bus {
    pub fn new(subject: impl Subject + 'static) -> Bus {
        Bus(Rc::new(RefCell::new(Box::new(subject))))
    }

    /// A new Ksock on it.
    #[track_caller]
    pub fn ksock(&self) -> Ksock {
        self.ksock_on(0)
    }

    /// A new Ksock on bus `n` of several.
    #[track_caller]
    pub fn ksock_on(&self, n: u32) -> Ksock {
        let handle = self.0.borrow_mut().open(n).expect("a bus to open");
        Ksock {
            bus: Rc::clone(&self.0),
            handle,
        }
    }

    /// The bindings there are, newest first.
    pub fn bindings(&self) -> Vec<Binding> {
        self.0.borrow_mut().bindings()
    }

    /// What the statistics say.
    pub fn stats(&self) -> String {
        self.0.borrow_mut().stats()
    }

    /// The first line of the statistics.
    pub fn stats_line(&self) -> String {
        self.stats().lines().next().unwrap_or_default().to_string()
    }

    /// All its Ksocks are closed; the subject looks what is left.
    pub(crate) fn end(self) {
        let Ok(subject) = Rc::try_unwrap(self.0) else {
            panic!("the rule has kept a Ksock");
        };
        subject.into_inner().end();
    }
}

impl Drop for Ksock {
    fn drop(&mut self) {
        // A subject that has failed need not be able to close.
        if !std::thread::panicking() {
            self.bus.borrow_mut().close(self.handle);
        }
    }
}

impl Ksock {
    fn with<T>(&self, verb: impl FnOnce(&mut dyn Subject, Handle) -> T) -> T {
        verb(self.bus.borrow_mut().as_mut(), self.handle)
    }

    pub fn id(&self) -> u32 {
        self.with(|bus, k| bus.id(k))
    }

    pub fn bind(&self, name: impl AsRef<[u8]>, role: u32) -> Result<()> {
        self.with(|bus, k| bus.bind(k, role, name.as_ref()))
    }

    pub fn unbind(&self, name: impl AsRef<[u8]>, role: u32) -> Result<()> {
        self.with(|bus, k| bus.unbind(k, role, name.as_ref()))
    }

    /// The replier that is bound to just this name.
    pub fn replier(&self, name: impl AsRef<[u8]>) -> Result<Option<u32>> {
        self.with(|bus, k| bus.replier(k, name.as_ref()))
    }

    pub fn post(&self, msg: &Msg) -> Result<Id> {
        self.with(|bus, k| bus.send(k, msg))
    }

    /// Sends what must wait; returns the id that it has.
    #[track_caller]
    pub fn post_pending(&self, msg: &Msg) -> Id {
        let sent = self.post(msg);
        assert!(sent == Err(EAGAIN), "expected Err(EAGAIN), got {sent:?}");
        self.last()
    }

    pub fn send_again(&self) -> Result<Id> {
        self.with(|bus, k| bus.send_again(k))
    }

    /// Expects that no message waits to be sent.
    #[track_caller]
    pub fn nothing_to_send(&self) {
        if self.with(|bus, _| bus.can(Need::SendAgain)) {
            eq!(self.send_again(), Err(ENOMSG));
        } else {
            assert!(self.writable(), "a message waits to be sent");
        }
    }

    pub fn discard(&self) {
        self.with(|bus, k| bus.discard(k));
    }

    /// The id of the last message sent.
    pub fn last(&self) -> Id {
        self.with(|bus, k| bus.last_sent(k))
    }

    pub fn max(&self, limit: u32) -> Result<u32> {
        self.with(|bus, k| bus.max_messages(k, limit))
    }

    pub fn only_once(&self, value: u32) -> Result<u32> {
        self.with(|bus, k| bus.only_once(k, value))
    }

    pub fn verbose(&self, value: u32) -> Result<u32> {
        self.with(|bus, k| bus.verbose(k, value))
    }

    pub fn report(&self, value: u32) -> Result<u32> {
        self.with(|bus, k| bus.report(k, value))
    }

    pub fn max_size(&self, value: u32) -> Result<u32> {
        self.with(|bus, k| bus.max_size(k, value))
    }

    /// How many messages are queued.
    pub fn count(&self) -> u32 {
        self.with(|bus, k| bus.count(k))
    }

    /// How many requests it has read and not answered.
    pub fn owed(&self) -> u32 {
        self.with(|bus, k| bus.owed(k))
    }

    /// Readable and writable, at once and after another try to send what waits.
    pub fn poll(&self) -> (bool, bool) {
        self.with(|bus, k| bus.poll(k))
    }

    pub fn readable(&self) -> bool {
        self.poll().0
    }

    pub fn writable(&self) -> bool {
        self.poll().1
    }

    /// Waits until it is readable; fails when that takes as long as a hang.
    pub fn wait_readable(&self) -> (bool, bool) {
        self.with(|bus, k| bus.wait(k, true))
    }

    /// Waits until it is writable; fails when that takes as long as a hang.
    pub fn wait_writable(&self) -> (bool, bool) {
        self.with(|bus, k| bus.wait(k, false))
    }

    /// Pops and reads the next message, if there is one.
    #[track_caller]
    pub fn get(&self) -> Option<Msg> {
        let next = self.with(|bus, k| bus.next(k));
        next.unwrap_or_else(|errno| panic!("NEXTMSG: {errno:?}"))
    }

    // ---- what tests say with them ----

    /// Sets the queue limit.
    #[track_caller]
    pub fn limit(&self, limit: u32) -> &Self {
        assert!(self.max(limit) == Ok(limit), "MAXMSGS({limit}) refused");
        self
    }

    /// An announcement, without data.
    #[track_caller]
    pub fn say(&self, name: &str) -> Id {
        self.post(&Msg::new(name)).unwrap()
    }

    /// A request, without data.
    #[track_caller]
    pub fn ask(&self, name: &str) -> Id {
        self.post(&Msg::ask(name)).unwrap()
    }

    #[track_caller]
    pub fn answer(&self, request: &Msg) -> Id {
        self.post(&Msg::reply_to(request)).unwrap()
    }

    #[track_caller]
    pub fn listen(&self, name: &str) -> &Self {
        self.bind(name, LISTENER).unwrap();
        self
    }

    #[track_caller]
    pub fn serve(&self, name: &str) -> &Self {
        self.bind(name, REPLIER).unwrap();
        self
    }

    #[track_caller]
    pub fn take(&self) -> Msg {
        self.get().expect("expected a message, got none")
    }

    /// Everything that is queued.
    #[track_caller]
    pub fn drain(&self) -> Vec<Msg> {
        std::iter::from_fn(|| self.get()).collect()
    }

    #[track_caller]
    pub fn nothing(&self) {
        if let Some(msg) = self.get() {
            panic!("expected no message, got {msg:?}");
        }
        let count = self.count();
        assert!(count == 0, "no message, but NUMMSGS {count}");
    }
}
