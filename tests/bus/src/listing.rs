// SPDX-License-Identifier: GPL-2.0-only
//! Who is bound to what, read bit by bit while it changes (specification 8). That a listing of a
//! bus at rest is right, `world` sees after every verb; here are more bindings than a listing has
//! memory for.

use crate::bus::id::BindingId;
use crate::bus::verbs::report::Listing;
use crate::model::Caps;
use crate::world::World;
use kernel::testing;
use std::{collections::BTreeSet, vec::Vec};

/// More than a listing notes at a time, several times over.
const MANY: u32 = 3000;

/// A world in which the bindings of all Ksocks are mixed by age: one of every user.
fn crowded() -> (World, Vec<u32>) {
    let mut world = World::capped(Caps::NONE);
    let ksocks: Vec<u32> = (0..70)
        .map(|n| world.open_as(n % 3).expect("a ksock"))
        .collect();
    for n in 0..MANY {
        // The first has a third of them, all others the rest.
        let ksock = match n % 3 {
            0 => ksocks[0],
            _ => ksocks[(n * 31 % 70) as usize],
        };
        world.bind(ksock, 0, name(n).as_bytes()).expect("a binding");
    }
    (world, ksocks)
}

fn name(n: u32) -> String {
    format!("$.n{n}")
}

fn list(world: &mut World, listing: &mut Listing) -> Vec<(BindingId, u32)> {
    let mut listed = Vec::new();
    while let Some(binding) = world.next_binding(listing) {
        listed.push((binding.id, binding.ksock.get()));
        listing.pass();
    }
    listed
}

#[test]
fn all_are_listed_newest_first_with_memory_for_few() {
    let (mut world, _) = crowded();
    let before = testing::live_bytes();
    let mut listing = Listing::new(None);
    let listed = list(&mut world, &mut listing);
    assert_eq!(listed.len(), MANY as usize);
    assert!(listed.is_sorted_by(|(a, _), (b, _)| a > b));
    let held = testing::live_bytes() - before;
    assert!(held <= 32 << 10, "a listing holds {held} bytes");
}

#[test]
fn what_stays_is_listed_once_whatever_comes_and_goes() {
    let (mut world, ksocks) = crowded();
    let mut listing = Listing::new(None);
    let mut listed = Vec::new();
    let mut closed = BTreeSet::new();
    let mut n = 0;
    while let Some(binding) = world.next_binding(&mut listing) {
        listed.push(binding.id);
        drop(binding);
        listing.pass();
        // An old one goes and a new one comes, with each that is listed; now and then a Ksock.
        if n < MANY && n % 3 != 0 {
            let owner = ksocks[(n * 31 % 70) as usize];
            if !closed.contains(&owner) {
                world.unbind(owner, 0, name(n).as_bytes()).expect("bound");
                world.bind(ksocks[0], 0, b"$.new").expect("a binding");
            }
        }
        if n % 100 == 99 {
            let ksock = ksocks[(n / 100) as usize + 1];
            world.close(ksock);
            closed.insert(ksock);
        }
        n += 1;
    }
    assert!(listed.is_sorted_by(|a, b| a > b), "newest first");
    // Those of the first Ksock that were there before stayed all the time.
    let listed: BTreeSet<BindingId> = listed.into_iter().collect();
    let now = list(&mut world, &mut Listing::new(None));
    let mut stayed: Vec<BindingId> = now
        .into_iter()
        .filter(|&(_, ksock)| ksock == ksocks[0])
        .map(|(id, _)| id)
        .collect();
    stayed.reverse();
    let stayed = &stayed[..(MANY / 3) as usize];
    assert!(stayed.iter().all(|id| listed.contains(id)));
}

#[test]
fn a_user_sees_its_own() {
    let (mut world, ksocks) = crowded();
    for uid in 0..3 {
        let listed = list(&mut world, &mut Listing::new(Some(uid)));
        let own = |ksock: u32| ksocks.iter().position(|&k| k == ksock).unwrap() as u32 % 3 == uid;
        assert!(listed.iter().all(|&(_, ksock)| own(ksock)));
        assert!(listed.len() > (MANY / 5) as usize);
    }
    assert!(list(&mut world, &mut Listing::new(Some(77))).is_empty());
}
