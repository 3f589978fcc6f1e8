// SPDX-License-Identifier: GPL-2.0-only
//! The Rust library as a subject. Where its types make a call impossible that the bus would fail,
//! this fails in the same way, and says so.

use std::collections::BTreeMap;
use std::time::Duration;

use kbus::{Access, Deadline, Flags, Ksock, KsockId, Message, Name, Origin, Pattern, Role};
use kbus_test_conformance::{
    on_off, proc_bindings, proc_stats, Binding, Errno, Handle, Id, Msg, Need, Result, Subject,
    EBADMSG, EINVAL, LISTENER, NO_ID,
};

#[derive(Default)]
pub struct Rust {
    open: BTreeMap<Handle, Ksock>,
    opened: Handle,
}

/// The errno that an error says it is.
fn errno(error: impl Into<kbus::Error>) -> Errno {
    let error = error.into();
    match error.errno() {
        Some(errno) => Errno(errno.0),
        None => panic!("no call has failed: {error}"),
    }
}

fn id(id: kbus::MessageId) -> Id {
    let (net, serial) = id.into();
    Id { net, serial }
}

fn number(id: Option<KsockId>) -> u32 {
    id.map_or(0, KsockId::get)
}

/// There is no other: `Need::Roles`. Rules without that only bind in vain in others.
fn role(number: u32) -> Role {
    match number {
        LISTENER => Role::Listener,
        _ => Role::Replier,
    }
}

/// The library refuses earlier what is no pattern, with the errno of BIND.
fn pattern(name: &[u8]) -> Result<Pattern> {
    Pattern::from_bytes(name).map_err(errno)
}

fn message(msg: &Msg) -> Result<Message> {
    // It refuses earlier what is no name, too. Only for an empty one the bus has two errnos,
    // EBADMSG to bind it and EINVAL to send it, and the library has the first.
    let name = Name::from_bytes(&msg.name).map_err(errno);
    let name = match name {
        Err(EBADMSG) if msg.name.is_empty() => return Err(EINVAL),
        name => name?,
    };
    let mut message = Message::announcement(&name, &msg.data)
        .with_flags(Flags(msg.flags))
        .with_id((msg.id.net, msg.id.serial).into())
        .with_in_reply_to((msg.in_reply_to.net, msg.in_reply_to.serial).into())
        .with_orig_from(Origin::from(msg.orig_from))
        .with_final_to(Origin::from(msg.final_to));
    if let Some(to) = KsockId::new(msg.to) {
        message = message.with_to(to);
    }
    Ok(message)
}

impl Rust {
    fn ksock(&self, handle: Handle) -> &Ksock {
        &self.open[&handle]
    }
}

fn switch(
    value: u32,
    is_on: impl FnOnce() -> std::result::Result<bool, kbus::Error>,
    set: impl FnOnce(bool) -> std::result::Result<bool, kbus::Error>,
) -> Result<u32> {
    // A bool has no value that the bus would refuse.
    let was = match on_off(value)? {
        None => is_on(),
        Some(on) => set(on),
    };
    was.map(u32::from).map_err(errno)
}

impl Subject for Rust {
    fn can(&self, need: Need) -> bool {
        match need {
            Need::OtherBus | Need::MaxSize | Need::Speed => true,
            // `from` and `extra` are the bus's, SEND and writing are one call, and there are two
            // roles.
            Need::Fields | Need::SendAgain | Need::Roles => false,
        }
    }

    fn open(&mut self, bus: u32) -> Result<Handle> {
        let ksock = Ksock::open(bus, Access::ReadWrite).map_err(errno)?;
        self.opened += 1;
        self.open.insert(self.opened, ksock);
        Ok(self.opened)
    }

    fn close(&mut self, ksock: Handle) {
        self.open.remove(&ksock);
    }

    fn id(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).id().expect("KSOCKID").get()
    }

    fn bind(&mut self, ksock: Handle, number: u32, name: &[u8]) -> Result<()> {
        let name = pattern(name)?;
        self.ksock(ksock).bind(role(number), name).map_err(errno)
    }

    fn unbind(&mut self, ksock: Handle, number: u32, name: &[u8]) -> Result<()> {
        let name = pattern(name)?;
        self.ksock(ksock).unbind(role(number), name).map_err(errno)
    }

    fn replier(&mut self, ksock: Handle, name: &[u8]) -> Result<Option<u32>> {
        // What is no pattern is not bound, says the bus; the library, that it is none.
        let Ok(name) = pattern(name) else {
            return Ok(None);
        };
        let replier = self.ksock(ksock).replier_of(name).map_err(errno)?;
        Ok(replier.map(KsockId::get))
    }

    fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id> {
        let message = message(msg)?;
        self.ksock(ksock).send(&message).map(id).map_err(errno)
    }

    fn send_again(&mut self, _: Handle) -> Result<Id> {
        unreachable!("Need::SendAgain")
    }

    fn discard(&mut self, ksock: Handle) {
        self.ksock(ksock).discard().expect("DISCARD");
    }

    fn next(&mut self, ksock: Handle) -> Result<Option<Msg>> {
        let message = self.ksock(ksock).next_message().map_err(errno)?;
        Ok(message.map(|message| Msg {
            id: id(message.id()),
            in_reply_to: message.in_reply_to().map_or(NO_ID, id),
            to: number(message.to()),
            from: number(message.from()),
            orig_from: message.orig_from().into(),
            final_to: message.final_to().into(),
            // It is reserved, and not shown.
            extra: 0,
            flags: message.flags().0,
            name: message.name().as_bytes().to_vec(),
            data: message.data().to_vec(),
        }))
    }

    fn poll(&mut self, ksock: Handle) -> (bool, bool) {
        let ksock = self.ksock(ksock);
        // Two calls. The second one may try to send, too: what that makes readable was there for
        // the first one.
        let readable = ksock.wait_readable(Duration::ZERO).expect("poll");
        let writable = ksock.wait_writable(Duration::ZERO).expect("poll");
        (readable, writable)
    }

    fn wait(&mut self, ksock: Handle, reading: bool) -> (bool, bool) {
        // The limit of the test ends it.
        let waited = if reading {
            self.ksock(ksock).wait_readable(Deadline::NEVER)
        } else {
            self.ksock(ksock).wait_writable(Deadline::NEVER)
        };
        assert!(waited.expect("poll"));
        self.poll(ksock)
    }

    fn count(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).num_messages().expect("NUMMSGS")
    }

    fn owed(&mut self, ksock: Handle) -> u32 {
        self.ksock(ksock).unreplied_to().expect("UNREPLIEDTO")
    }

    fn last_sent(&mut self, ksock: Handle) -> Id {
        id(self.ksock(ksock).last_sent().expect("LASTSENT"))
    }

    fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32> {
        let ksock = self.ksock(ksock);
        let set = match limit {
            0 => ksock.max_messages(),
            limit => ksock.set_max_messages(limit),
        };
        set.map_err(errno)
    }

    fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        let ksock = self.ksock(ksock);
        switch(value, || ksock.only_once(), |on| ksock.set_only_once(on))
    }

    fn verbose(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        let ksock = self.ksock(ksock);
        switch(value, || ksock.verbose(), |on| ksock.set_verbose(on))
    }

    fn report(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        let ksock = self.ksock(ksock);
        switch(
            value,
            || ksock.report_replier_binds(),
            |on| ksock.set_report_replier_binds(on),
        )
    }

    fn max_size(&mut self, ksock: Handle, value: u32) -> Result<u32> {
        let ksock = self.ksock(ksock);
        let size = match value {
            0 => ksock.max_message_size(),
            1 => ksock.absolute_max_message_size(),
            bytes => ksock.set_max_message_size(bytes),
        };
        size.map_err(errno)
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
