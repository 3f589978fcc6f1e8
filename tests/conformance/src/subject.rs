// SPDX-License-Identifier: GPL-2.0-only
//! What a bus is to a rule: the verbs of the specification, each one call.

use crate::{Errno, Id, Msg, Result, ENOTTY};

/// By which a rule names an open Ksock of its subject. It need not be the Ksock's id, which
/// another bus may have given as well.
pub type Handle = u32;

/// What not every subject can do. A rule that needs it is left out for the others, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A second bus, beside the one that Ksocks are opened on.
    OtherBus,
    /// The largest size of a message can be set.
    MaxSize,
    /// A message is sent with whatever is in its fields.
    Fields,
    /// SEND without having written anything.
    SendAgain,
    /// Binding in roles other than the two that have a name.
    Roles,
    /// Thousands of calls in a second: not where each is compared with what a model says.
    Speed,
}

/// Asks what a setting is, and leaves it as it is.
pub const ASK: u32 = 0xffff_ffff;

/// A line of `/proc/kbus/bindings` (8.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    pub ksock: u32,
    pub role: char,
    pub name: String,
}

/// A bus with its users. All verbs but `open` are those of an open Ksock.
pub trait Subject {
    /// Whether it can do this.
    fn can(&self, need: Need) -> bool;

    /// Opens a Ksock on a bus, for reading and writing (3.1). Bus 0 is the usual one.
    fn open(&mut self, bus: u32) -> Result<Handle>;
    /// Closes it (9.1).
    fn close(&mut self, ksock: Handle);
    /// KSOCKID.
    fn id(&mut self, ksock: Handle) -> u32;
    /// BIND.
    fn bind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()>;
    /// UNBIND.
    fn unbind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<()>;
    /// REPLIER.
    fn replier(&mut self, ksock: Handle, name: &[u8]) -> Result<Option<u32>>;
    /// Writes a message, whole, and SENDs it.
    fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id>;
    /// SEND without having written anything: goes on with the message that waits (7).
    fn send_again(&mut self, ksock: Handle) -> Result<Id>;
    /// DISCARD.
    fn discard(&mut self, ksock: Handle);
    /// NEXTMSG, and all of that message.
    fn next(&mut self, ksock: Handle) -> Result<Option<Msg>>;
    /// poll, which tries again what waits: readable, writable (3.5).
    fn poll(&mut self, ksock: Handle) -> (bool, bool);
    /// The same, but does not return before it is writable (or, with `reading`, readable).
    fn wait(&mut self, ksock: Handle, reading: bool) -> (bool, bool) {
        let now = self.poll(ksock);
        let ready = if reading { now.0 } else { now.1 };
        assert!(ready, "nothing came: readable, writable {now:?}");
        now
    }
    /// NUMMSGS.
    fn count(&mut self, ksock: Handle) -> u32;
    /// UNREPLIEDTO.
    fn owed(&mut self, ksock: Handle) -> u32;
    /// LASTSENT.
    fn last_sent(&mut self, ksock: Handle) -> Id;
    /// MAXMSGS.
    fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32>;
    /// MSGONLYONCE.
    fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32>;
    /// VERBOSE.
    fn verbose(&mut self, ksock: Handle, value: u32) -> Result<u32>;
    /// REPORTREPLIERBINDS.
    fn report(&mut self, ksock: Handle, value: u32) -> Result<u32>;
    /// MAXMSGSIZE.
    fn max_size(&mut self, _ksock: Handle, _value: u32) -> Result<u32> {
        Err(ENOTTY)
    }

    /// All bindings, on bus 0, in the order of the file, newest first.
    fn bindings(&mut self) -> Vec<Binding>;
    /// The lines of `/proc/kbus/stats` about bus 0.
    fn stats(&mut self) -> String;

    /// All Ksocks are closed: nothing may be left of them.
    fn end(self: Box<Self>) {}
}

/// Takes a number as the specification's on/off settings do (3.7).
pub fn on_off(value: u32) -> Result<Option<bool>> {
    match value {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        ASK => Ok(None),
        _ => Err(Errno(libc::EINVAL)),
    }
}
