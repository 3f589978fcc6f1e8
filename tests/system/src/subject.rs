// SPDX-License-Identifier: GPL-2.0-only
//! /dev/kbusN as a subject of the rules of `tests/conformance`: each verb is its system calls.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use kbus_test_conformance::{
    proc_bindings, proc_stats, Binding, Handle, Need, Rule, Subject, RULES,
};
use libc::{POLLIN, POLLOUT};

use crate::harness::Test;
use crate::raw::*;

/// A test for each rule.
pub fn tests() -> &'static [Test] {
    static TESTS: OnceLock<Vec<Test>> = OnceLock::new();
    TESTS.get_or_init(|| RULES.iter().map(Test::rule).collect())
}

pub fn check(rule: &Rule) {
    rule.check(Device::default());
}

/// The rule of this name, for tests that have another name for it.
pub fn check_named(name: &str) {
    check(Rule::named(name).expect("a rule of the table"));
}

/// What is where an ioctl puts an id, until it does.
const NOT_STORED: Id = Id {
    net: 0x5afe_c0de,
    serial: 0x5afe_c0de,
};

#[derive(Default)]
struct Device {
    open: BTreeMap<Handle, Ksock>,
    opened: Handle,
}

impl Device {
    fn ksock(&self, handle: Handle) -> &Ksock {
        &self.open[&handle]
    }
}

fn ready(bits: i16) -> (bool, bool) {
    (bits & POLLIN != 0, bits & POLLOUT != 0)
}

impl Subject for Device {
    fn can(&self, need: Need) -> bool {
        match need {
            Need::OtherBus
            | Need::MaxSize
            | Need::Fields
            | Need::SendAgain
            | Need::Roles
            | Need::Speed => true,
        }
    }

    fn open(&mut self, bus: u32) -> Result<Handle> {
        let ksock = Ksock::open(bus, libc::O_RDWR)?;
        self.opened += 1;
        self.open.insert(self.opened, ksock);
        Ok(self.opened)
    }

    fn close(&mut self, ksock: Handle) {
        self.open.remove(&ksock);
    }

    fn id(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).id()
    }

    fn bind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        self.ksock(ksock).bind(name, role)
    }

    fn unbind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()> {
        self.ksock(ksock).unbind(name, role)
    }

    fn replier(&mut self, ksock: Handle, name: &[u8]) -> Result<Option<u32>> {
        self.ksock(ksock).replier(name)
    }

    fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id> {
        let ksock = self.ksock(ksock);
        ksock.put(msg)?;
        match id_out(ksock.fd, SEND) {
            // Where it must wait the id is stored all the same (7).
            (Err(EAGAIN), id) => {
                assert!(id == ksock.last(), "SEND stored {id:?}");
                Err(EAGAIN)
            }
            (Err(errno), id) => {
                assert!(id == NOT_STORED, "SEND stored {id:?} and gave {errno:?}");
                Err(errno)
            }
            (Ok(_), id) => Ok(id),
        }
    }

    fn send_again(&mut self, ksock: Handle) -> Result<Id> {
        self.ksock(ksock).send()
    }

    fn discard(&mut self, ksock: Handle) {
        assert!(self.ksock(ksock).discard() == Ok(0), "DISCARD");
    }

    fn next(&mut self, ksock: Handle) -> Result<Option<Msg>> {
        let ksock = self.ksock(ksock);
        Ok(ksock.next()?.map(|len| ksock.current(len)))
    }

    fn poll(&mut self, ksock: Handle) -> (bool, bool) {
        ready(self.ksock(ksock).ready(POLLIN | POLLOUT))
    }

    fn wait(&mut self, ksock: Handle, reading: bool) -> (bool, bool) {
        let events = if reading { POLLIN } else { POLLOUT };
        self.ksock(ksock).wait(events);
        self.poll(ksock)
    }

    fn count(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).count()
    }

    fn owed(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).owed()
    }

    fn last_sent(&mut self, ksock: Handle) -> Id {
        self.ksock(ksock).last()
    }

    fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32> {
        self.ksock(ksock).max(limit)
    }

    fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.ksock(ksock).only_once(value)
    }

    fn verbose(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.ksock(ksock).verbose(value)
    }

    fn report(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.ksock(ksock).report(value)
    }

    fn max_size(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        self.ksock(ksock).max_size(value)
    }

    fn bindings(&mut self) -> Vec<Binding> {
        proc_bindings()
    }

    fn stats(&mut self) -> String {
        proc_stats()
    }

    fn end(self: Box<Self>) {
        assert!(self.open.is_empty());
    }
}
