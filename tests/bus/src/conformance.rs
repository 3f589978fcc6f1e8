// SPDX-License-Identifier: GPL-2.0-only
//! The rules of `tests/conformance`, for the model alone and for the bus with the model beside it:
//! there each verb of a rule is compared in all that a user could see.

use crate::model::{self, Caps, Model};
use crate::world::{draft, World};
use kbus_test_conformance as conformance;
use kbus_test_conformance::{Binding, Errno, Handle, Id, Msg, Need, Rule, Subject, EBADMSG};

/// The number of the device in what the two write for /proc.
const DEVICE: u32 = 7;

fn errno(errno: model::Errno) -> Errno {
    Errno::named(&format!("{errno:?}")).expect("the name of an error")
}

fn id((net, serial): model::Id) -> Id {
    conformance::id(net, serial)
}

fn sent(msg: &Msg) -> model::Msg {
    model::Msg {
        id: (msg.id.net, msg.id.serial),
        in_reply_to: (msg.in_reply_to.net, msg.in_reply_to.serial),
        to: msg.to,
        from: msg.from,
        orig_from: msg.orig_from,
        final_to: msg.final_to,
        flags: msg.flags,
        name: msg.name.clone(),
        data: msg.data.clone(),
    }
}

fn read(msg: model::Msg) -> Msg {
    Msg {
        id: id(msg.id),
        in_reply_to: id(msg.in_reply_to),
        to: msg.to,
        from: msg.from,
        orig_from: msg.orig_from,
        final_to: msg.final_to,
        extra: 0,
        flags: msg.flags,
        name: msg.name,
        data: msg.data,
    }
}

/// What a message of a bad name is refused with: the bus does not get to see it.
fn refused(msg: &Msg) -> Option<Errno> {
    (!model::may_send(&msg.name)).then_some(match msg.name.len() {
        1001.. => conformance::ENAMETOOLONG,
        0 => conformance::EINVAL,
        _ => EBADMSG,
    })
}

struct OnModel {
    bus: Model,
    verbose: bool,
}

impl OnModel {
    fn new() -> Self {
        OnModel {
            bus: Model::new(Caps::NONE),
            verbose: false,
        }
    }

    fn model(&self) -> &Model {
        &self.bus
    }

    fn open_one(&mut self) -> Result<u32, model::Errno> {
        self.bus.open(0)
    }

    fn send_one(&mut self, ksock: u32, msg: &Msg) -> Result<model::Id, model::Errno> {
        self.bus.send(ksock, sent(msg))
    }

    fn set_verbose(&mut self, on: Option<bool>) -> bool {
        let old = self.verbose;
        self.verbose = on.unwrap_or(old);
        old
    }

    fn statistics(&mut self) -> String {
        self.bus.stats(DEVICE)
    }

    fn finish(self) {}
}

struct OnWorld {
    bus: World,
}

impl OnWorld {
    fn new() -> Self {
        OnWorld { bus: World::new() }
    }

    fn model(&self) -> &Model {
        &self.bus.model
    }

    fn open_one(&mut self) -> Result<u32, model::Errno> {
        self.bus.open_as(0)
    }

    fn send_one(&mut self, ksock: u32, msg: &Msg) -> Result<model::Id, model::Errno> {
        self.bus.send(ksock, &sent(msg))
    }

    fn set_verbose(&mut self, on: Option<bool>) -> bool {
        self.bus.verbose(on)
    }

    fn statistics(&mut self) -> String {
        self.bus.stats()
    }

    fn finish(self) {
        self.bus.end();
    }
}

macro_rules! subject {
    ($subject:ident) => {
        impl Subject for $subject {
            fn can(&self, need: Need) -> bool {
                matches!(need, Need::Fields | Need::SendAgain | Need::Roles)
            }

            fn open(&mut self, bus: u32) -> Result<Handle, Errno> {
                assert_eq!(bus, 0, "there is one bus");
                self.open_one().map_err(errno)
            }

            fn close(&mut self, ksock: Handle) {
                self.bus.close(ksock);
            }

            fn id(&mut self, ksock: Handle) -> u32 {
                ksock
            }

            fn bind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<(), Errno> {
                self.bus.bind(ksock, role, name).map_err(errno)
            }

            fn unbind(&mut self, ksock: Handle, role: u32, name: &[u8]) -> Result<(), Errno> {
                self.bus.unbind(ksock, role, name).map_err(errno)
            }

            fn replier(&mut self, _: Handle, name: &[u8]) -> Result<Option<u32>, Errno> {
                Ok(Some(self.bus.replier(name)).filter(|&id| id != 0))
            }

            fn send(&mut self, ksock: Handle, msg: &Msg) -> Result<Id, Errno> {
                if let Some(refused) = refused(msg) {
                    if !msg.name.is_empty() {
                        let made = draft(&sent(msg));
                        assert_eq!(made.err().map(errno), Some(refused), "{msg:?}");
                    }
                    return Err(refused);
                }
                self.send_one(ksock, msg).map(id).map_err(errno)
            }

            fn send_again(&mut self, ksock: Handle) -> Result<Id, Errno> {
                self.bus.send_again(ksock).map(id).map_err(errno)
            }

            fn discard(&mut self, ksock: Handle) {
                self.bus.discard(ksock);
            }

            fn next(&mut self, ksock: Handle) -> Result<Option<Msg>, Errno> {
                Ok(self.bus.next(ksock).map(read))
            }

            fn poll(&mut self, ksock: Handle) -> (bool, bool) {
                self.bus.poll(ksock)
            }

            fn count(&mut self, ksock: Handle) -> u32 {
                self.model().num_msgs(ksock)
            }

            fn owed(&mut self, ksock: Handle) -> u32 {
                self.model().unreplied_to(ksock)
            }

            fn last_sent(&mut self, ksock: Handle) -> Id {
                id(self.model().last_sent(ksock))
            }

            fn max_messages(&mut self, ksock: Handle, limit: u32) -> Result<u32, Errno> {
                Ok(self.bus.max_msgs(ksock, limit))
            }

            fn only_once(&mut self, ksock: Handle, value: u32) -> Result<u32, Errno> {
                let value = conformance::on_off(value)?;
                Ok(self.bus.only_once(ksock, value).into())
            }

            fn verbose(&mut self, _: Handle, value: u32) -> Result<u32, Errno> {
                Ok(self.set_verbose(conformance::on_off(value)?).into())
            }

            fn report(&mut self, ksock: Handle, value: u32) -> Result<u32, Errno> {
                let value = conformance::on_off(value)?;
                self.bus.report(ksock, value).map(u32::from).map_err(errno)
            }

            fn bindings(&mut self) -> Vec<Binding> {
                conformance::parse_bindings(&self.model().bindings(DEVICE), DEVICE)
            }

            fn stats(&mut self) -> String {
                self.statistics()
            }

            fn end(self: Box<Self>) {
                self.finish();
            }
        }
    };
}

subject!(OnModel);
subject!(OnWorld);

fn check(rule: &str, subject: impl Subject + 'static) {
    let rule = Rule::named(rule).expect("a rule of the table");
    rule.check(subject);
}

/// A test for each rule of the table; ignored are those for which a bus that is alone, and not
/// asked in numbers, cannot do enough.
macro_rules! tests {
    ($($group:ident $section:literal $seconds:literal {
        $($rule:ident $(: $need:ident)?;)*
    })*) => {
        mod model_alone {
            $(mod $group {
                $(test!($rule OnModel $($need)?);)*
            })*
        }
        mod bus_and_model {
            $(mod $group {
                $(test!($rule OnWorld $($need)?);)*
            })*
        }
    };
}

macro_rules! test {
    ($rule:ident $subject:ident) => {
        #[test]
        fn $rule() {
            use crate::conformance::{check, $subject};
            check(stringify!($rule), $subject::new());
        }
    };
    ($rule:ident $subject:ident Fields) => {
        test!($rule $subject);
    };
    ($rule:ident $subject:ident SendAgain) => {
        test!($rule $subject);
    };
    ($rule:ident $subject:ident Roles) => {
        test!($rule $subject);
    };
    ($rule:ident $subject:ident $need:ident) => {
        #[test]
        #[ignore = stringify!(needs $need)]
        fn $rule() {}
    };
}

kbus_test_conformance::each_rule!(tests);
