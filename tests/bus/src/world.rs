// SPDX-License-Identifier: GPL-2.0-only
//! The bus and the model side by side: each verb is done on both, and after each the two are
//! compared in all that a user could see. Beside that, for every verb:
//!
//! * nobody asks for memory, or gives back a message's, while the bus is "locked";
//! * when there is no memory the answer is ENOMEM and nothing has changed;
//! * who got something was woken, and so was each waiting sender whose send can go on.

use crate::bus::binding::Binding;
use crate::bus::id::{KsockId, MsgId, OrigFrom};
use crate::bus::ksock::Sending;
use crate::bus::message::{Header, Message};
use crate::bus::name::{Name, Pattern};
use crate::bus::queue::Content;
use crate::bus::quota::{self, AccountKey, NewUser, Users};
use crate::bus::verbs::close::Closing;
use crate::bus::verbs::report::{self, Line, Listing, Step};
use crate::bus::{
    self, progress::Progress, Bus, BusError, NewBinding, NewKsock, Notify, Refusal, Replay, Sent,
    Wake,
};
use crate::model::{Caps, Errno, Id, Model, Msg, WANT_YOU_TO_REPLY};
use kernel::alloc::Flags;
use kernel::prelude::*;
use kernel::sync::{Arc, UniqueArc};
use kernel::testing;
use std::collections::{BTreeMap, BTreeSet};
use std::{cell::Cell, fmt::Debug, rc::Rc, vec::Vec};

/// What the files in /proc say.
#[derive(Default)]
struct Text(Vec<u8>);

impl core::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

impl Line for Text {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
}

/// A file that counts how often it is woken, for reading and for writing, and says it has got as
/// far as it was told. There is no memory at its expense while a test says so.
#[derive(Clone, Default)]
pub struct Ear(Rc<Cell<[u64; 3]>>, Rc<Cell<Progress>>, Rc<Cell<bool>>);

impl Notify for Ear {
    const ON_ACCOUNT: Flags = GFP_KERNEL_ACCOUNT;

    fn wake(&self, why: Wake) {
        let [all, mut readable, mut writable] = self.0.get();
        readable += u64::from(why != Wake::Writable);
        writable += u64::from(why != Wake::Readable);
        self.0.set([all + 1, readable, writable]);
    }

    /// Nobody sleeps here: each wake is counted.
    fn is_waited_for(&self) -> bool {
        true
    }

    fn on_account<R>(&self, allocate: impl FnOnce() -> R) -> R {
        testing::at_the_expense_of_another(!self.2.get(), allocate)
    }

    fn progress(&self) -> Progress {
        self.1.get()
    }
}

type Prealloc = bus::Prealloc<Ear>;

/// Which device number the reports are asked for.
const DEVICE: u32 = 7;

/// Messages of the tests are made larger than this, everything else that a verb may free while
/// the bus is locked is smaller.
const SMALL: usize = 2048;

pub struct World {
    bus: Bus<Ear>,
    users: Users,
    caps: Caps,
    pub model: Model,
    owners: BTreeMap<u32, AccountKey>,
    files: BTreeMap<u32, (Ear, Prealloc)>,
    /// The ids of all that were ever open.
    ids: BTreeMap<u32, KsockId>,
    /// The sends that wait, on the bus alone.
    went_on: WentOn,
    /// Who waits, perhaps although it need not: there was no memory for it, and it was woken, and
    /// has not tried again.
    left_behind: BTreeSet<u32>,
    /// The next verb finds no memory at its n-th attempt to get some.
    pub out_of_memory: Option<u64>,
    /// How often a verb found no memory.
    pub memory_failures: u64,
    verbose: bool,
    /// How many verbs there were.
    verbs: u64,
    /// Empties the rooms before each verb, so that all memory is asked for afresh.
    pub bare_preallocs: bool,
    held_at_start: i64,
    held_by_an_empty_bus: i64,
}

/// What the errno table of the module must say; here it is the tests' own.
fn errno(error: BusError) -> Errno {
    match error {
        BusError::BadName => Errno::EBADMSG,
        BusError::NameTooLong => Errno::ENAMETOOLONG,
        BusError::NameTaken => Errno::EADDRINUSE,
        BusError::NotBound => Errno::EINVAL,
        BusError::EventUndeliverable => Errno::EAGAIN,
        BusError::NobodyThere => Errno::EADDRNOTAVAIL,
        BusError::NotAsked => Errno::ECONNREFUSED,
        BusError::OtherReplier => Errno::EPIPE,
        BusError::RecipientFull | BusError::CallerFull => Errno::EBUSY,
        BusError::NoRoomForAnswer => Errno::ENOLCK,
        BusError::NothingWritten => Errno::ENOMSG,
        BusError::NoMemory => Errno::ENOMEM,
        BusError::TooManyBindings => Errno::EDQUOT,
        other => panic!("{other:?} is nothing the bus says"),
    }
}

thread_local! {
    /// How often verbs of this thread asked for memory.
    pub(crate) static NEEDS: Cell<u64> = const { Cell::new(0) };
}

/// What happened to the sends that wait when a verb was done.
#[derive(Default)]
struct WentOn {
    /// Who could go on or was refused, in this order.
    senders: Vec<u32>,
    /// There was no memory for some.
    short: bool,
}

impl WentOn {
    /// Does what a verb has left to do as the module does.
    fn go_on(&mut self, bus: &mut Bus<Ear>, room: &mut Prealloc, ids: &BTreeMap<u32, KsockId>) {
        let waits = |bus: &Bus<Ear>, id| match bus.ksock(id) {
            Ok(ksock) => matches!(ksock.sending, Sending::Waits(_)),
            Err(_) => false,
        };
        let mut waiting: Vec<(u32, KsockId)> = ids.iter().map(|(&n, &id)| (n, id)).collect();
        waiting.retain(|&(_, id)| waits(bus, id));
        let mut is_short = false;
        while room.has_rest() {
            let outcome = {
                let _locked = (
                    testing::forbid_allocating(),
                    testing::forbid_freeing_above(SMALL),
                );
                if is_short {
                    bus.go_on_without(room);
                    Ok(())
                } else {
                    bus.stock(room);
                    bus.go_on(room)
                }
            };
            is_short = match outcome {
                Ok(()) => {
                    room.finish();
                    false
                }
                Err(Refusal::Need(need)) => room.supply(need).is_err(),
                Err(Refusal::No(_)) => true,
            };
            self.short |= is_short;
            waiting.retain(|&(number, id)| {
                let still = waits(bus, id);
                if !still {
                    self.senders.push(number);
                }
                still
            });
        }
    }
}

/// Calls a verb as the module does: until it has all the memory that it wants.
pub(crate) fn supplied<T>(
    bus: &mut Bus<Ear>,
    room: &mut Prealloc,
    verb: impl FnMut(&mut Bus<Ear>, &mut Prealloc) -> Result<T, Refusal>,
) -> Result<T, Errno> {
    let done = |bus: &mut Bus<Ear>, room: &mut Prealloc| {
        WentOn::default().go_on(bus, room, &BTreeMap::new());
    };
    supplied_then(bus, room, verb, done)
}

fn supplied_then<T>(
    bus: &mut Bus<Ear>,
    room: &mut Prealloc,
    mut verb: impl FnMut(&mut Bus<Ear>, &mut Prealloc) -> Result<T, Refusal>,
    go_on: impl FnOnce(&mut Bus<Ear>, &mut Prealloc),
) -> Result<T, Errno> {
    // Thousands of events are told in steps, each of which may want something.
    for _ in 0..1000 {
        let answer = {
            let _locked = (
                testing::forbid_allocating(),
                testing::forbid_freeing_above(SMALL),
            );
            bus.stock(room);
            verb(bus, room)
        };
        match answer {
            Ok(done) => {
                // There may be no memory to wake many at a time.
                room.finish();
                go_on(bus, room);
                return Ok(done);
            }
            Err(Refusal::No(error)) => return Err(errno(error)),
            Err(Refusal::Need(need)) => {
                NEEDS.set(NEEDS.get() + 1);
                room.supply(need).map_err(errno)?;
            }
        }
    }
    panic!("the verb is never satisfied with the memory that it gets");
}

fn bytes(text: &[u8]) -> Result<KVec<u8>, Errno> {
    let mut bytes = KVec::new();
    let copied = bytes.extend_from_slice(text, GFP_KERNEL_ACCOUNT);
    copied.map_err(|_| Errno::ENOMEM)?;
    Ok(bytes)
}

fn to_id((network, serial): Id) -> MsgId {
    MsgId { network, serial }
}

fn from_id(id: MsgId) -> Id {
    (id.network, id.serial)
}

/// A message of the module, as a writer would have written it: with a start that is not 0 and
/// rubbish where only padding is.
pub(crate) fn draft(msg: &Msg) -> Result<UniqueArc<Message>, Errno> {
    let header = Header {
        id: to_id(msg.id),
        in_reply_to: to_id(msg.in_reply_to),
        to: msg.to,
        from: msg.from,
        orig_from: OrigFrom {
            network: msg.orig_from.0,
            local: msg.orig_from.1,
        },
        final_to: OrigFrom {
            network: msg.final_to.0,
            local: msg.final_to.1,
        },
        flags: msg.flags,
        name_len: msg.name.len() as u32,
        data_len: msg.data.len() as u32,
    };
    let mut written = vec![b'?'; 88];
    written.extend(&msg.name);
    written.resize(88 + (msg.name.len() + 4) / 4 * 4, b'?');
    written.extend(&msg.data);
    written.resize(written.len().div_ceil(4) * 4, b'?');
    written.extend(0x4B62_7573_u32.to_ne_bytes());

    let nothing_left = |_| Errno::ENOMEM;
    let capacity = written.len().max(SMALL + 1);
    let mut storage = KVVec::with_capacity(capacity, GFP_KERNEL_ACCOUNT).map_err(nothing_left)?;
    storage
        .extend_from_slice(&written, GFP_KERNEL_ACCOUNT)
        .map_err(nothing_left)?;
    let name = Name::new(&msg.name).map_err(errno)?.checked();
    let message = Message::new(header, name, storage, 88).map_err(errno)?;
    UniqueArc::new(message, GFP_KERNEL_ACCOUNT).map_err(nothing_left)
}

/// The message as its reader gets it.
pub(crate) fn read(content: &Content, yours: bool) -> Msg {
    let header = content.header();
    let (name, data) = match content {
        Content::Message(message) => {
            let body = message.body();
            let padded = (header.name_len as usize + 4) / 4 * 4;
            let (name, rest) = body.split_at(padded);
            let (data, rest) = rest.split_at(header.data_len as usize);
            let (padding, guard) = rest.split_at(rest.len() - 4);
            assert!(name[message.name().text().len()..].iter().all(|&b| b == 0));
            assert!(padding.len() < 4 && padding.iter().all(|&b| b == 0));
            assert_eq!(guard, 0x4B62_7573_u32.to_ne_bytes());
            assert_eq!(body.len() as u64, header.body_len());
            (message.name().text().to_vec(), data.to_vec())
        }
        Content::Synthetic(said) => (said.name().to_vec(), Vec::new()),
        Content::Event(event) => {
            let mut data: Vec<u8> = event.data_start().map(u32::to_ne_bytes).concat();
            data.extend(event.bound_name());
            data.resize(12 + (event.bound_name().len() + 4) / 4 * 4, 0);
            (bus::synthetic::BindEvent::name().text().to_vec(), data)
        }
    };
    assert_eq!(name.len(), header.name_len as usize);
    assert_eq!(data.len(), header.data_len as usize);
    Msg {
        id: from_id(header.id),
        in_reply_to: from_id(header.in_reply_to),
        to: header.to,
        from: header.from,
        orig_from: (header.orig_from.network, header.orig_from.local),
        final_to: (header.final_to.network, header.final_to.local),
        flags: header.flags & !WANT_YOU_TO_REPLY | if yours { WANT_YOU_TO_REPLY } else { 0 },
        name,
        data,
    }
}

/// A Ksock that is being closed.
struct Leaving {
    closing: Option<Closing<Ear>>,
    room: Prealloc,
}

impl Default for World {
    fn default() -> Self {
        World::new()
    }
}

impl World {
    pub fn new() -> Self {
        World::capped(Caps::NONE)
    }

    /// A world in which no user but 0 may have more than this.
    pub fn capped(caps: Caps) -> Self {
        testing::never_fail();
        let held_at_start = testing::live();
        let bus = Bus::new(DEVICE).unwrap_or_else(|_| panic!("no memory for a bus"));
        World {
            bus,
            users: Users::new(),
            caps,
            model: Model::led(caps),
            owners: BTreeMap::new(),
            files: BTreeMap::new(),
            ids: BTreeMap::new(),
            went_on: WentOn::default(),
            left_behind: BTreeSet::new(),
            out_of_memory: None,
            memory_failures: 0,
            verbose: false,
            verbs: 0,
            bare_preallocs: false,
            held_at_start,
            held_by_an_empty_bus: testing::live(),
        }
    }

    /// A world with `n` ksocks: 1, 2, …
    pub fn with(n: u32) -> Self {
        let mut world = World::new();
        for id in 1..=n {
            assert_eq!(world.open(), id);
        }
        world
    }

    /// How often a ksock was woken.
    pub fn wakes(&self, ksock: u32) -> u64 {
        self.files[&ksock].0 .0.get()[0]
    }

    /// Sets how far a file has got. The model does not know of it: reset it before the next verb.
    #[cfg(test)]
    pub(crate) fn progress(&mut self, ksock: u32, progress: Progress) {
        self.files[&ksock].0 .1.set(progress);
    }

    /// From now on there is no memory for a ksock at the expense of who opened it, or there is
    /// again.
    #[cfg(test)]
    pub(crate) fn starve(&mut self, ksock: u32, starved: bool) {
        self.files[&ksock].0 .2.set(starved);
    }

    /// Does one verb on both, and compares.
    fn both<T: PartialEq + Debug>(
        &mut self,
        what: &dyn Debug,
        on_bus: impl Fn(&mut Self) -> Result<T, Errno>,
        on_model: impl FnOnce(&mut Model) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if let Some(n) = self.out_of_memory.take() {
            let woken = self.woken();
            self.went_on = WentOn::default();
            testing::fail_once(n);
            let answer = on_bus(self);
            let refused = testing::refused() > 0;
            testing::never_fail();
            // Where a verb is done, and what has waited for it finds no memory, there is no error.
            if refused && !self.went_on.short {
                self.memory_failures += 1;
                assert_eq!(answer, Err(Errno::ENOMEM), "{what:?} without memory");
                self.compare(&format_args!("{what:?} found no memory"));
            } else {
                return self.settle(what, answer, on_model, woken);
            }
        }
        let woken = self.woken();
        self.went_on = WentOn::default();
        let answer = on_bus(self);
        self.settle(what, answer, on_model, woken)
    }

    fn woken(&self) -> BTreeMap<u32, [u64; 3]> {
        let count = |(&id, (ear, _)): (&u32, &(Ear, Prealloc))| (id, ear.0.get());
        self.files.iter().map(count).collect()
    }

    fn settle<T: PartialEq + Debug>(
        &mut self,
        what: &dyn Debug,
        answer: Result<T, Errno>,
        on_model: impl FnOnce(&mut Model) -> Result<T, Errno>,
        woken: BTreeMap<u32, [u64; 3]>,
    ) -> Result<T, Errno> {
        self.model.touched.clear();
        let expected = on_model(&mut self.model);
        assert_eq!(answer, expected, "left the bus, right the model: {what:?}");
        let went_on = std::mem::take(&mut self.went_on);
        for &sender in &went_on.senders {
            self.model.go_on(sender);
        }
        self.compare(what);

        for id in self.model.open_ksocks() {
            let [_, readable, writable] = self.files[&id].0 .0.get();
            let before = woken.get(&id).copied().unwrap_or_default();
            if self.model.touched.contains(&id) {
                assert!(
                    readable > before[1],
                    "{what:?} gave {id} something and did not wake it"
                );
            }
            let woken = writable > before[2];
            assert!(
                woken || !went_on.senders.contains(&id),
                "{what:?} let {id} go on and did not wake it"
            );
            // Until it has tried it does not wait for what it should.
            if !self.model.is_sending(id) {
                self.left_behind.remove(&id);
            } else if self.model.would_go_on(id) && self.left_behind.insert(id) {
                assert!(
                    went_on.short && woken,
                    "{what:?} let {id} go on, and it still waits"
                );
            }
        }
        answer
    }

    /// Compares all that can be seen without changing anything.
    fn compare(&mut self, what: &dyn Debug) {
        for id in self.model.open_ksocks() {
            let Ok(ksock) = self.bus.ksock(self.id_of(id)) else {
                panic!("after {what:?}: no ksock {id}");
            };
            assert_eq!(
                (
                    ksock.queue.len(),
                    ksock.is_readable(),
                    ksock.owed.len(),
                    from_id(ksock.last_sent),
                    matches!(ksock.sending, Sending::Waits(_)),
                    outcome(ksock.sending),
                    ksock.charge.bytes(),
                ),
                (
                    self.model.num_msgs(id),
                    self.model.num_msgs(id) > 0,
                    self.model.unreplied_to(id),
                    self.model.last_sent(id),
                    self.model.is_sending(id),
                    self.model.outcome(id).cloned().map(|o| (o.id, o.told)),
                    self.model.charged(id),
                ),
                "after {what:?}: left the bus's ksock {id}, right the model's"
            );
        }
        assert_eq!(self.stats(), self.model.stats(DEVICE), "after {what:?}");
        // Writing down many of them takes long: now and then will do.
        self.verbs += 1;
        if self.model.count_bindings() > 50 && self.verbs % 101 != 0 {
            return;
        }
        let (bindings, expected) = (self.bindings(), self.model.bindings(DEVICE));
        assert!(
            bindings == expected,
            "after {what:?}:\n{}but the model has\n{}",
            String::from_utf8_lossy(&bindings),
            String::from_utf8_lossy(&expected)
        );
    }

    /// The bus's own account of itself.
    pub fn stats(&mut self) -> String {
        let mut text = Text::default();
        let _locked = testing::forbid_allocating();
        let bus = self.bus.stats();
        bus.write(DEVICE, &mut text).expect("it writes");
        let mut before = None;
        loop {
            match self.bus.ksock_stats(&mut before, None) {
                Step::Found(ksock) => {
                    before = Some(ksock.id);
                    ksock.write(&mut text).expect("it writes");
                }
                Step::On => (),
                Step::End => break,
            }
        }
        String::from_utf8(text.0).expect("text")
    }

    fn bindings(&mut self) -> Vec<u8> {
        let mut text = Text::default();
        report::write_heading(&mut text);
        let mut listing = Listing::new(None);
        while let Some(binding) = self.next_binding(&mut listing) {
            binding.write(DEVICE, &mut text).expect("it writes");
            listing.pass();
        }
        text.0
    }

    /// The next binding of a listing, which is not passed yet.
    pub(crate) fn next_binding(&mut self, listing: &mut Listing) -> Option<Arc<Binding>> {
        loop {
            listing.prepare().expect("memory");
            let _locked = testing::forbid_allocating();
            match self.bus.list(listing) {
                Step::Found(binding) => return Some(binding),
                Step::On => (),
                Step::End => return None,
            }
        }
    }

    fn id_of(&self, ksock: u32) -> KsockId {
        *self.ids.get(&ksock).expect("the id of a ksock")
    }

    /// One verb of an open ksock on the bus.
    fn verb<T>(
        &mut self,
        ksock: u32,
        mut verb: impl FnMut(&mut Bus<Ear>, KsockId, &mut Prealloc) -> Result<T, Refusal>,
    ) -> Result<T, Errno> {
        let me = self.id_of(ksock);
        let (_, room) = self.files.get_mut(&ksock).expect("an open ksock");
        if self.bare_preallocs {
            *room = Prealloc::new().map_err(errno)?;
        }
        let (ids, went_on) = (&self.ids, &mut self.went_on);
        let answer = supplied_then(
            &mut self.bus,
            room,
            |bus, room| verb(bus, me, room),
            |bus, room| went_on.go_on(bus, room, ids),
        );
        room.finish();
        answer
    }

    pub fn open(&mut self) -> u32 {
        self.open_as(0).expect("user 0 may have anything")
    }

    pub fn open_as(&mut self, uid: u32) -> Result<u32, Errno> {
        self.both(
            &("open", uid),
            |world| {
                let exempt = uid == 0;
                let (who, caps) = (AccountKey { uid, exempt }, world.caps_of(exempt));
                let new = NewUser::new(who, caps).map_err(errno)?;
                let ear = Ear::default();
                let room = Prealloc::new().map_err(errno)?;
                let user = world.users.join(new).map_err(|_| Errno::EDQUOT)?;
                let new = match NewKsock::new(ear.clone(), user) {
                    Ok(new) => new,
                    Err(error) => {
                        world.users.leave(who);
                        return Err(errno(error));
                    }
                };
                let (mut room, mut new) = (room, Some(new));
                let opened = supplied(&mut world.bus, &mut room, |bus, _| bus.open(&mut new));
                room.finish();
                match opened {
                    Ok(id) => {
                        world.ids.insert(id.get(), id);
                        world.files.insert(id.get(), (ear, room));
                        world.owners.insert(id.get(), who);
                        Ok(id.get())
                    }
                    Err(error) => {
                        world.users.leave(who);
                        Err(error)
                    }
                }
            },
            |model| model.open(uid),
        )
    }

    fn caps_of(&self, exempt: bool) -> quota::Limits {
        let less = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if exempt {
            return quota::Limits::UNLIMITED;
        }
        quota::Limits {
            ksocks: less(self.caps.ksocks),
            bindings: less(self.caps.bindings),
            bytes: self.caps.bytes,
            share: self.caps.share,
            copies: less(self.caps.copies),
            ..quota::Limits::UNLIMITED
        }
    }

    pub fn bind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.both(
            &("bind", ksock, is_replier, name.escape_ascii().to_string()),
            |world| {
                let pid = ksock as i32 + 1000;
                let pattern = Pattern::new(bytes(name)?).map_err(errno)?;
                let new =
                    NewBinding::new(world.id_of(ksock), pid, is_replier, pattern).map_err(errno)?;
                let mut new = Some(new);
                let answer = world.verb(ksock, |bus, _, room| bus.bind(&mut new, room));
                assert_eq!(new.is_none(), answer.is_ok());
                answer
            },
            |model| model.bind(ksock, is_replier, name),
        )
    }

    pub fn unbind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.both(
            &("unbind", ksock, is_replier, name.escape_ascii().to_string()),
            |world| {
                let pattern = Pattern::new(name).map_err(errno)?;
                world
                    .verb(ksock, |bus, me, room| {
                        bus.unbind(me, is_replier, &pattern, room)
                    })
                    .map(drop)
            },
            |model| model.unbind(ksock, is_replier, name),
        )
    }

    pub fn replier(&mut self, name: &[u8]) -> u32 {
        let answer = self.both(
            &("replier", name.escape_ascii().to_string()),
            |world| {
                let _locked = testing::forbid_allocating();
                let pattern = Pattern::new(name).ok();
                let found = pattern.and_then(|pattern| world.bus.replier(&pattern));
                Ok(found.map_or(0, KsockId::get))
            },
            |model| Ok(model.replier(name)),
        );
        answer.expect("nothing to refuse")
    }

    /// What the module asks before something is written: whether it may be.
    pub fn write(&mut self, ksock: u32) -> bool {
        let answer = self.both(
            &("write", ksock),
            |world| world.verb(ksock, |bus, me, room| bus.may_write(me, room)),
            |model| Ok(model.write(ksock)),
        );
        answer.expect("it cannot be refused")
    }

    pub fn send(&mut self, ksock: u32, msg: &Msg) -> Result<Id, Errno> {
        if self.model.outcome(ksock).is_some() {
            self.write(ksock);
        }
        self.both(
            &("send", ksock, msg),
            |world| {
                let mut message = Some(draft(msg)?);
                let answer = world.verb(ksock, |bus, me, room| bus.send(me, &mut message, room));
                assert_eq!(message.is_none(), answer.is_ok());
                sent(answer)
            },
            |model| model.send(ksock, msg.clone()),
        )
    }

    pub fn send_again(&mut self, ksock: u32) -> Result<Id, Errno> {
        self.left_behind.remove(&ksock);
        self.both(
            &("send again", ksock),
            |world| {
                let answer = world.verb(ksock, |bus, me, room| bus.send(me, &mut None, room));
                sent(answer)
            },
            |model| model.send_again(ksock),
        )
    }

    /// Readable, writable.
    pub fn poll(&mut self, ksock: u32) -> (bool, bool) {
        self.left_behind.remove(&ksock);
        let answer = self.both(
            &("poll", ksock),
            |world| {
                let ready = world.verb(ksock, |bus, me, room| bus.poll(me, true, room))?;
                Ok((ready.readable, ready.writable))
            },
            |model| Ok(model.poll(ksock)),
        );
        answer.expect("poll cannot be refused")
    }

    /// poll of a file that is not open for writing: never writable, never tries again.
    pub fn poll_for_reading(&mut self, ksock: u32) -> bool {
        let answer = self.both(
            &("poll for reading", ksock),
            |world| {
                let ready = world.verb(ksock, |bus, me, room| bus.poll(me, false, room))?;
                assert!(!ready.writable);
                Ok(ready.readable)
            },
            |model| Ok(model.num_msgs(ksock) > 0),
        );
        answer.expect("poll cannot be refused")
    }

    pub fn discard(&mut self, ksock: u32) {
        let answer = self.both(
            &("discard", ksock),
            |world| {
                world.verb(ksock, |bus, me, room| {
                    bus.discard(me, room);
                    Ok(())
                })
            },
            |model| {
                model.discard(ksock);
                Ok(())
            },
        );
        answer.expect("discard cannot be refused");
    }

    pub fn next(&mut self, ksock: u32) -> Option<Msg> {
        if self.model.outcome(ksock).is_some() {
            let told = self.both(
                &("told", ksock),
                |world| world.verb(ksock, |bus, me, room| bus.tell_refusal(me, room)),
                |model| {
                    model.tell_refusal(ksock);
                    Ok(())
                },
            );
            told.expect("it cannot be refused");
        }
        let answer = self.both(
            &("next", ksock),
            |world| {
                let next = world.verb(ksock, |bus, me, room| Ok(bus.next(me, room)?))?;
                Ok(next.map(|next| read(&next.content, next.yours)))
            },
            |model| Ok(model.next(ksock)),
        );
        answer.expect("NEXTMSG cannot be refused")
    }

    /// All there is to read.
    pub fn drain(&mut self, ksock: u32) -> Vec<Msg> {
        std::iter::from_fn(|| self.next(ksock)).collect()
    }

    pub fn max_msgs(&mut self, ksock: u32, limit: u32) -> u32 {
        let answer = self.both(
            &("limit", ksock, limit),
            |world| world.verb(ksock, |bus, me, room| Ok(bus.limit(me, limit, room)?)),
            |model| Ok(model.max_msgs(ksock, limit)),
        );
        answer.expect("MAXMSGS cannot be refused")
    }

    pub fn only_once(&mut self, ksock: u32, set: Option<bool>) -> bool {
        let answer = self.both(
            &("only once", ksock, set),
            |world| world.verb(ksock, |bus, me, room| Ok(bus.only_once(me, set, room)?)),
            |model| Ok(model.only_once(ksock, set)),
        );
        answer.expect("MSGONLYONCE cannot be refused")
    }

    pub fn report(&mut self, ksock: u32, set: Option<bool>) -> Result<bool, Errno> {
        self.both(
            &("report", ksock, set),
            |world| {
                let mut replay = Replay::default();
                world.verb(ksock, |bus, me, room| {
                    bus.report_replier_binds(me, set, &mut replay, room)
                })
            },
            |model| model.report(ksock, set),
        )
    }

    pub fn verbose(&mut self, set: Option<bool>) -> bool {
        // The bus does not know of it.
        let was = self.verbose;
        self.verbose = set.unwrap_or(was);
        was
    }

    /// Closes. A step that finds no memory is done again.
    pub fn close(&mut self, ksock: u32) {
        let fail = self.out_of_memory.take();
        let answer = self.both(
            &("close", ksock),
            |world| {
                world.close_in_steps(ksock, fail, |_| ());
                Ok(())
            },
            |model| {
                model.close(ksock);
                Ok(())
            },
        );
        answer.expect("close cannot be refused");
    }

    /// Closes on the bus alone, and does something after each step. The `fail`-th attempt to get
    /// memory fails.
    pub(crate) fn close_in_steps(
        &mut self,
        ksock: u32,
        fail: Option<u64>,
        mut between: impl FnMut(&mut Self),
    ) {
        let me = self.id_of(ksock);
        let mut leaving = self.begin_to_close(ksock);
        fail.into_iter().for_each(testing::fail_once);
        loop {
            let Leaving { closing, room } = &mut leaving;
            let (ids, went_on) = (&self.ids, &mut self.went_on);
            let done = supplied_then(
                &mut self.bus,
                room,
                |bus, room| bus.close(me, closing, room),
                |bus, room| went_on.go_on(bus, room, ids),
            );
            room.finish();
            match done {
                Ok(true) => break,
                Ok(false) => between(self),
                Err(error) => assert_eq!(error, Errno::ENOMEM),
            }
        }
        testing::never_fail();
        self.leave(ksock);
    }

    /// Takes away what the module has of an open file.
    fn begin_to_close(&mut self, ksock: u32) -> Leaving {
        let (_, mut room) = self.files.remove(&ksock).expect("an open ksock");
        if self.bare_preallocs {
            room = Prealloc::new().expect("memory");
        }
        Leaving {
            closing: None,
            room,
        }
    }

    /// The user of a closed Ksock has one less.
    fn leave(&mut self, ksock: u32) {
        if let Some(who) = self.owners.remove(&ksock) {
            self.users.leave(who);
        }
    }

    /// Closes as the module does, when from the `n`-th attempt on there is no memory, and says
    /// whether there was any such attempt. Bind events may then be lost, nothing else may. The
    /// model is not asked, and must not be used any more.
    pub fn close_short_of_memory(&mut self, ksock: u32, n: u64) -> bool {
        self.bare_preallocs = true;
        let me = self.id_of(ksock);
        let Leaving {
            mut closing,
            mut room,
        } = self.begin_to_close(ksock);
        testing::fail_from(n);
        loop {
            let done = supplied(&mut self.bus, &mut room, |bus, room| {
                bus.close(me, &mut closing, room)
            });
            room.finish();
            match done {
                Ok(true) => break,
                Ok(false) => (),
                Err(error) => {
                    let closing = closing.as_mut().expect("its first step needs nothing");
                    assert!(!closing.short && error == Errno::ENOMEM, "{error:?}");
                    closing.short = true;
                }
            }
        }
        let short_of_memory = testing::refused() > 0;
        testing::never_fail();
        self.bare_preallocs = false;
        self.leave(ksock);
        short_of_memory
    }

    /// REPLIER of the bus alone.
    #[cfg(test)]
    pub(crate) fn replier_on_bus(&mut self, name: &str) -> u32 {
        let pattern = Pattern::new(name.as_bytes()).expect("a name");
        self.bus.replier(&pattern).map_or(0, KsockId::get)
    }

    /// BIND of the bus alone.
    #[cfg(test)]
    pub(crate) fn bind_on_bus(&mut self, ksock: u32, role: u32, name: &str) -> Result<(), Errno> {
        let pattern = Pattern::new(bytes(name.as_bytes())?).map_err(errno)?;
        let mut new = Some(NewBinding::new(self.id_of(ksock), 0, role, pattern).map_err(errno)?);
        self.verb(ksock, |bus, _, room| bus.bind(&mut new, room))
    }

    /// SEND of the bus alone.
    #[cfg(test)]
    pub(crate) fn send_on_bus(&mut self, ksock: u32, msg: &Msg) -> Result<Id, Errno> {
        let mut message = Some(draft(msg)?);
        let answer = self.verb(ksock, |bus, me, room| bus.send(me, &mut message, room));
        sent(answer)
    }

    /// Reads so many messages, on the bus alone.
    #[cfg(test)]
    pub(crate) fn read_on_bus(&mut self, ksock: u32, count: usize) {
        for _ in 0..count {
            assert!(
                self.next_on_bus(ksock).is_some(),
                "there is nothing to read"
            );
        }
    }

    /// Closes on the bus alone.
    #[cfg(test)]
    pub(crate) fn leave_bus(&mut self, ksock: u32) {
        self.close_in_steps(ksock, None, |_| ());
    }

    /// NUMMSGS of the bus alone.
    #[cfg(test)]
    pub(crate) fn count_on_bus(&self, ksock: u32) -> u32 {
        let ksock = self.bus.ksock(self.id_of(ksock));
        ksock.expect("an open ksock").queue.len()
    }

    /// All that there is to read, on the bus alone.
    pub fn drain_bus(&mut self, ksock: u32) -> Vec<Msg> {
        std::iter::from_fn(|| self.next_on_bus(ksock)).collect()
    }

    /// NEXTMSG of the bus alone.
    fn next_on_bus(&mut self, ksock: u32) -> Option<Msg> {
        let next = self.verb(ksock, |bus, me, room| Ok(bus.next(me, room)?));
        let next = next.expect("NEXTMSG cannot be refused")?;
        Some(read(&next.content, next.yours))
    }

    /// Closes whatever is open; then nothing may be left of it.
    pub fn end(mut self) {
        for id in self.model.open_ksocks() {
            self.close(id);
        }
        self.end_of_bus();
    }

    /// The same after the model was left behind.
    pub fn end_of_bus(mut self) {
        for id in self.files.keys().copied().collect::<Vec<_>>() {
            self.close_in_steps(id, None, |_| ());
        }
        let World {
            bus,
            files,
            ids,
            held_at_start,
            held_by_an_empty_bus,
            ..
        } = self;
        drop(files);
        // Where Ksocks were, there will be some again: one chunk, its leaf, and the list of leaves.
        let cells = if ids.is_empty() { 0 } else { 3 };
        assert_eq!(
            testing::live(),
            held_by_an_empty_bus + cells,
            "something is left on the bus"
        );
        drop(bus);
        assert_eq!(testing::live(), held_at_start, "memory was not given back");
    }
}

/// What became of a send that waited.
fn outcome(sending: Sending) -> Option<(Id, Result<(), Errno>)> {
    match sending {
        Sending::Idle | Sending::Waits(_) => None,
        Sending::Delivered(id) => Some((from_id(id), Ok(()))),
        Sending::Refused(refused) => Some((from_id(refused.id), Err(errno(refused.why)))),
    }
}

fn sent(answer: Result<Sent, Errno>) -> Result<Id, Errno> {
    match answer? {
        Sent::Delivered(id) => Ok(from_id(id)),
        // The id is what LASTSENT says: that is compared.
        Sent::Waiting(_) => Err(Errno::EAGAIN),
    }
}
