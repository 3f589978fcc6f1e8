// SPDX-License-Identifier: GPL-2.0-only
//! What the module never asks of a bus, because files outlive their calls and a call that is done
//! is not done again: the bus says so, or does nothing.

use crate::bus::binding::Role;
use crate::bus::id::KsockId;
use crate::bus::name::Pattern;
use crate::bus::quota::{AccountKey, Limits, NewUser, Users};
use crate::bus::{Bus, BusError, NewBinding, NewKsock, Prealloc, Refusal, Replay};
use crate::world::{supplied, Ear};
use kernel::prelude::*;

fn bus_with_one_ksock() -> (Bus<Ear>, Prealloc<Ear>, KsockId) {
    let key = AccountKey {
        uid: 0,
        exempt: true,
    };
    let user = Users::new().join(NewUser::new(key, Limits::UNLIMITED).unwrap());
    let Ok(user) = user else {
        panic!("the limit is unlimited");
    };
    let mut bus = Bus::new(0).unwrap();
    let mut prealloc = Prealloc::new().unwrap();
    let mut new = Some(NewKsock::new(Ear::default(), user).unwrap());
    let me = supplied(&mut bus, &mut prealloc, |bus, _| bus.open(&mut new)).unwrap();
    (bus, prealloc, me)
}

fn listener(ksock: KsockId) -> Option<NewBinding> {
    let mut name = KVec::new();
    name.extend_from_slice(b"$.a", GFP_KERNEL).unwrap();
    Some(NewBinding::new(ksock, 1, 0, Pattern::new(name).unwrap()).unwrap())
}

#[test]
fn a_closed_ksock_says_that_it_is() {
    let (mut bus, mut prealloc, me) = bus_with_one_ksock();
    let mut closing = None;
    for _ in 0..2 {
        assert_eq!(bus.close(me, &mut closing, &mut prealloc), Ok(true));
    }

    const CLOSED: Refusal = Refusal::No(BusError::Closed);
    assert_eq!(bus.close(me, &mut None, &mut prealloc), Err(CLOSED));
    assert_eq!(bus.poll(me, true, &mut prealloc), Err(CLOSED));
    assert_eq!(bus.send(me, &mut None, &mut prealloc), Err(CLOSED));
    assert_eq!(
        bus.next(me, &mut prealloc).err().map(Refusal::from),
        Some(CLOSED)
    );
    assert_eq!(bus.limit(me, 1, &mut prealloc), Err(BusError::Closed));
    assert_eq!(
        bus.only_once(me, None, &mut prealloc),
        Err(BusError::Closed)
    );
    assert_eq!(
        bus.report_replier_binds(me, Some(true), &mut Replay::default(), &mut prealloc),
        Err(CLOSED)
    );
    assert_eq!(bus.bind(&mut listener(me), &mut prealloc), Err(CLOSED));
    let pattern = Pattern::new(&b"$.a"[..]).unwrap();
    let unbound = bus.unbind(me, 0, &pattern, &mut prealloc);
    assert_eq!(unbound.err(), Some(Refusal::No(BusError::NotBound)));
    bus.discard(me, &mut prealloc);
    assert!(bus.ksock(me).is_err());
}

#[test]
fn a_binding_that_is_made_is_not_made_again() {
    let (mut bus, mut prealloc, me) = bus_with_one_ksock();
    let mut new = listener(me);
    for _ in 0..2 {
        let bound = supplied(&mut bus, &mut prealloc, |bus, prealloc| {
            bus.bind(&mut new, prealloc)
        });
        assert_eq!(bound, Ok(()));
        assert!(new.is_none());
        let bindings = &bus.ksock(me).unwrap().bindings;
        let newest = bindings.newest().unwrap();
        assert_eq!(bindings.older(newest), None);
        let role = bindings.get(newest).unwrap().binding.role();
        assert_eq!(role, Role::Listener);
    }
}
