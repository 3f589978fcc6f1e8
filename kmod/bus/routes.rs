// SPDX-License-Identifier: GPL-2.0-only

//! The index: from a name to the bindings that cover it.
//!
//! All of a Ksock's bindings to one pattern in one role are one node, a [`Subscription`]. All
//! subscriptions of a bus are in one tree, ordered so that those of one pattern lie side by side:
//! its replier first, then those who listen and can take a message, then those who were found full
//! (behind the [`Door`]), and of each the ones of one user together. A name of d words is covered
//! by d + 2 patterns, so that routing costs d + 2 descents of the tree and a step for each listener
//! that can take the message. How many others there are does not matter, nor how often each is
//! bound, nor how many are full: of those one is looked at, to know that there is one.

use super::binding::{Binding, Role};
use super::count::{decrease, expect};
use super::error::BusError;
use super::id::{BindingId, KsockId, UserId};
use super::name::{self, Covering, Name, Pattern, Tail};
use core::cmp::{Ordering, Reverse};
use core::ops::Deref;
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation};
use kernel::sync::Arc;

/// Whether messages come by. It is shut when its Ksock is found full, and opened by that Ksock
/// when it has room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    Open,
    Shut,
}

/// Where a key's text is: with the first binding of the subscription, or (for looking up) in a
/// buffer of the index.
enum Text {
    Bound(Arc<Binding>),
    Sought(KVec<u8>),
}

/// A place in the index.
pub(crate) struct Key {
    hash: u64,
    tail: Tail,
    role: Role,
    door: Door,
    ksock: KsockId,
    stem: usize,
    user: UserId,
    text: Text,
}

impl Key {
    fn of(first: &Arc<Binding>, user: UserId, door: Door) -> Key {
        let Covering { hash, stem, tail } = first.pattern.covering();
        Key {
            hash,
            tail,
            role: first.role(),
            door,
            ksock: first.ksock,
            stem,
            user,
            text: Text::Bound(first.clone()),
        }
    }

    fn stem(&self) -> &[u8] {
        let text = match &self.text {
            Text::Bound(binding) => binding.pattern.text(),
            Text::Sought(name) => name,
        };
        text.get(..self.stem).unwrap_or(&[])
    }

    fn pattern_cmp(&self, other: &Key) -> Ordering {
        self.hash
            .cmp(&other.hash)
            .then_with(|| self.tail.cmp(&other.tail))
            .then_with(|| self.stem().cmp(other.stem()))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        // Nearly always decided here, in one comparison.
        if self.hash != other.hash {
            return self.hash.cmp(&other.hash);
        }
        self.pattern_cmp(other)
            .then_with(|| self.role.cmp(&other.role))
            .then_with(|| self.door.cmp(&other.door))
            .then_with(|| self.user.cmp(&other.user))
            .then_with(|| self.ksock.cmp(&other.ksock))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// The bindings of one Ksock to one pattern in one role: a stack, since UNBIND takes the newest.
/// Each knows the one below it (`OwnBinding::older`).
#[derive(Clone, Copy)]
pub(crate) struct Subscription {
    pub(crate) newest: BindingId,
    /// How many there are: each gets a copy.
    pub(crate) count: u32,
}

/// The memory for one subscription in the index.
pub(crate) type RouteReservation = RBTreeNodeReservation<Key, Subscription>;

/// A subscription taken out of the index, to be freed when the bus is unlocked.
pub(crate) type Taken = RBTreeNode<Key, Subscription>;

/// A subscription that was looked up.
pub(crate) struct Found {
    /// The oldest of its bindings, by which it is known.
    pub(crate) first: Arc<Binding>,
    pub(crate) newest: BindingId,
}

/// A subscription, as routing shows it.
pub(crate) struct Shown<'a> {
    key: &'a Key,
    /// The oldest of its bindings, by which it is known.
    pub(crate) first: &'a Arc<Binding>,
    pub(crate) subscription: Subscription,
}

impl Shown<'_> {
    pub(crate) fn role(&self) -> Role {
        self.key.role
    }

    pub(crate) fn door(&self) -> Door {
        self.key.door
    }

    pub(crate) fn user(&self) -> UserId {
        self.key.user
    }

    pub(crate) fn ksock(&self) -> KsockId {
        self.key.ksock
    }
}

/// Where routing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    On,
    /// On, and this one does not count.
    Past,
    /// Behind all that this user has of this pattern, behind the same door.
    PastUser,
    /// Where the doors are shut.
    PastOpen,
    /// At the next pattern.
    PastPattern,
    Nowhere,
}

/// The index: from a name to the bindings that cover it.
pub(crate) struct Routes {
    tree: RBTree<Key, Subscription>,
    /// How many bindings end in each way: what is not in use need not be looked up.
    by_tail: [usize; 3],
    /// What is being looked up, with a buffer as long as a name can be.
    sought: Key,
}

impl Routes {
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut buffer = KVec::new();
        buffer.resize(name::MAX_LEN, 0, GFP_KERNEL)?;
        Ok(Routes {
            tree: RBTree::new(),
            by_tail: [0; 3],
            sought: Key {
                hash: 0,
                tail: Tail::Exact,
                role: Role::Replier,
                door: Door::Open,
                ksock: KsockId::FIRST,
                stem: 0,
                user: UserId::FIRST,
                text: Text::Sought(buffer),
            },
        })
    }

    fn seek(&mut self, text: &[u8]) {
        if let Text::Sought(buffer) = &mut self.sought.text {
            if let Some(buffer) = buffer.as_mut_slice().get_mut(..text.len()) {
                buffer.copy_from_slice(text);
            }
        }
    }

    /// Aims at the first subscription with this pattern and role.
    fn aim(&mut self, pattern: Covering, role: Role) {
        self.sought.hash = pattern.hash;
        self.sought.tail = pattern.tail;
        self.sought.stem = pattern.stem;
        self.sought.role = role;
        self.sought.door = Door::Open;
        self.sought.user = UserId::FIRST;
        self.sought.ksock = KsockId::FIRST;
    }

    /// Returns the first subscription at or behind what is aimed at, if it has the pattern aimed
    /// at.
    fn found(&self, wanted: impl FnOnce(&Key) -> bool) -> Option<Found> {
        let cursor = self.tree.cursor_lower_bound(&self.sought)?;
        let (key, subscription) = cursor.current();
        let first = same_pattern(&self.sought, key).filter(|_| wanted(key))?;
        Some(Found {
            first: first.clone(),
            newest: subscription.newest,
        })
    }

    /// Returns the replier bound to exactly this text; wildcards are not expanded.
    pub(crate) fn replier<T>(&mut self, pattern: &Pattern<T>) -> Option<Arc<Binding>>
    where
        T: Deref<Target = [u8]>,
    {
        self.seek(pattern.text());
        self.aim(pattern.covering(), Role::Replier);
        let found = self.found(|key| key.role == Role::Replier)?;
        Some(found.first)
    }

    /// Returns the subscription of this Ksock with exactly this text in this role.
    pub(crate) fn subscription(
        &mut self,
        pattern: &Pattern<impl Deref<Target = [u8]>>,
        role: Role,
        user: UserId,
        ksock: KsockId,
    ) -> Option<Found> {
        self.seek(pattern.text());
        self.aim(pattern.covering(), role);
        self.sought.user = user;
        self.sought.ksock = ksock;
        let is_it = |key: &Key| (key.role, key.ksock) == (role, ksock);
        let open = self.found(|key| key.door == Door::Open && is_it(key));
        open.or_else(|| {
            self.sought.door = Door::Shut;
            self.found(is_it)
        })
    }

    /// Adds a binding. `shut` says that subscriptions of its Ksock may be shut. Returns the one
    /// below it in its subscription, if it is not the first.
    pub(crate) fn insert(
        &mut self,
        binding: &Arc<Binding>,
        user: UserId,
        shut: bool,
        reservation: RouteReservation,
    ) -> Option<BindingId> {
        self.count(binding, |n| *n += 1);
        if shut {
            let subscription = self.tree.get_mut(&Key::of(binding, user, Door::Shut));
            if let Some(subscription) = subscription {
                return Some(subscription.push(binding.id));
            }
        }
        let subscription = Subscription {
            newest: binding.id,
            count: 1,
        };
        let key = Key::of(binding, user, Door::Open);
        let before = self.tree.insert(reservation.into_node(key, subscription))?;
        // There was such a subscription already, which is rare: it comes back, with one binding
        // more.
        let (key, mut subscription) = before.to_key_value();
        let older = subscription.push(binding.id);
        if let Some(node) = expect(self.tree.remove_node(&key)) {
            let memory = node.into_reservation();
            self.tree.insert(memory.into_node(key, subscription));
        }
        Some(older)
    }

    /// Takes the newest binding of a subscription away, below which there is `older`. With the last
    /// the subscription goes.
    pub(crate) fn remove(
        &mut self,
        first: &Arc<Binding>,
        user: UserId,
        door: Door,
        older: Option<BindingId>,
    ) -> Option<Taken> {
        self.count(first, |n| decrease(n, 1));
        let key = Key::of(first, user, door);
        let Some(older) = older else {
            return expect(self.tree.remove_node(&key));
        };
        if let Some(subscription) = expect(self.tree.get_mut(&key)) {
            subscription.newest = older;
            decrease(&mut subscription.count, 1);
        }
        None
    }

    /// Counts a binding no more that its Ksock, which is being closed, takes away.
    pub(crate) fn discount(&mut self, binding: &Binding) {
        self.count(binding, |n| decrease(n, 1));
    }

    /// Takes a whole subscription away, if it is still there.
    pub(crate) fn take_subscription(
        &mut self,
        first: &Arc<Binding>,
        user: UserId,
    ) -> Option<Taken> {
        let mut key = Key::of(first, user, Door::Open);
        if let Some(taken) = self.tree.remove_node(&key) {
            return Some(taken);
        }
        key.door = Door::Shut;
        self.tree.remove_node(&key)
    }

    /// Moves a subscription to the other side of its door.
    pub(crate) fn turn(&mut self, first: &Arc<Binding>, user: UserId, to: Door) {
        let from = match to {
            Door::Open => Door::Shut,
            Door::Shut => Door::Open,
        };
        let Some(subscription) = expect(self.tree.find_mut(&Key::of(first, user, from))) else {
            return;
        };
        let value = *subscription.get();
        let memory = subscription.remove_node().into_reservation();
        self.tree
            .insert(memory.into_node(Key::of(first, user, to), value));
    }

    fn count(&mut self, binding: &Binding, change: impl FnOnce(&mut usize)) {
        if let Some(n) = self.by_tail.get_mut(binding.pattern.tail() as usize) {
            change(n);
        }
    }

    /// Shows `visit` the subscriptions whose patterns cover `name`, as far as it wants to go on;
    /// those of repliers only if it is to say whether they count. Returns the replier of the name
    /// (5.2): an exact one before `%` before `*`, and of several `*` the newest.
    pub(crate) fn route(
        &mut self,
        name: Name<'_>,
        are_repliers_shown: bool,
        mut visit: impl FnMut(Shown<'_>) -> Go,
    ) -> Option<Target> {
        self.seek(name.text());
        let mut best: Option<(Tail, Target)> = None;
        let mut ended = false;
        name::for_each_covering(name, |covering| {
            if ended || self.by_tail.get(covering.tail as usize) == Some(&0) {
                return;
            }
            self.aim(covering, Role::Replier);
            let mut cursor = self.tree.cursor_lower_bound_mut(&self.sought);
            while let Some(here) = cursor {
                let (key, &subscription) = here.current();
                let Some(first) = same_pattern(&self.sought, key) else {
                    break;
                };
                let (role, user, door) = (key.role, key.user, key.door);
                let go = match role {
                    Role::Replier if !are_repliers_shown => Go::On,
                    _ => visit(Shown {
                        key,
                        first,
                        subscription,
                    }),
                };
                if role == Role::Replier && go == Go::On {
                    let target = Target {
                        ksock: key.ksock,
                        binding: subscription.newest,
                    };
                    let closer = match best {
                        None => true,
                        Some((tail, than)) => {
                            (covering.tail, Reverse(target.binding)) < (tail, Reverse(than.binding))
                        }
                    };
                    if closer {
                        best = Some((covering.tail, target));
                    }
                }
                cursor = match go {
                    Go::On | Go::Past => here.move_next(),
                    Go::PastUser => {
                        self.sought.role = role;
                        self.sought.door = door;
                        self.sought.user = user.next();
                        self.tree.cursor_lower_bound_mut(&self.sought)
                    }
                    Go::PastOpen => {
                        self.sought.role = Role::Listener;
                        self.sought.door = Door::Shut;
                        self.sought.user = UserId::FIRST;
                        self.tree.cursor_lower_bound_mut(&self.sought)
                    }
                    Go::PastPattern => None,
                    Go::Nowhere => {
                        ended = true;
                        None
                    }
                };
            }
        });
        best.map(|(_, target)| target)
    }
}

impl Subscription {
    /// Puts a binding on top. Returns what was there.
    fn push(&mut self, binding: BindingId) -> BindingId {
        self.count += 1;
        core::mem::replace(&mut self.newest, binding)
    }
}

/// The replier that routing chose, and by which binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) ksock: KsockId,
    pub(crate) binding: BindingId,
}

/// Returns the binding at `key`, if it has the pattern that is looked up.
fn same_pattern<'a>(sought: &Key, key: &'a Key) -> Option<&'a Arc<Binding>> {
    match &key.text {
        Text::Bound(binding) if key.pattern_cmp(sought).is_eq() => Some(binding),
        _ => None,
    }
}
