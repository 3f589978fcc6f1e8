// SPDX-License-Identifier: GPL-2.0-only

//! The index: from a name to the bindings that cover it.
//!
//! Each pattern that is bound is one node of a tree, with a number and its replier. All of a
//! Ksock's bindings to one pattern as a listener are one node, a [`Subscription`], of a second tree,
//! where those of one pattern lie side by side: first those that can take a message, then those
//! that were found full (behind the [`Door`]), and of each the ones of one user together. A name of
//! d words is covered by d + 2 patterns, so that routing costs d + 2 descents of the first tree, a
//! descent of the second for each pattern that somebody listens to, and a step for each listener
//! that can take the message. How many others there are does not matter, nor how often each is
//! bound, nor how many are full: of those one is looked at, to know that there is one.

use super::binding::{Binding, Role};
use super::count::{decrease, expect};
use super::error::BusError;
use super::id::{At, KsockId, UserId};
use super::name::{self, Covering, Name, Pattern, Tail};
use super::reserve::node;
use core::cmp::{Ordering, Reverse};
use core::ops::Deref;
use kernel::prelude::*;
use kernel::rbtree::{Entry, RBTree, RBTreeNode, RBTreeNodeReservation};
use kernel::sync::Arc;

/// Whether messages come by. It is shut when its Ksock is found full, and opened by that Ksock
/// when it has room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    Open,
    Shut,
}

/// Where a pattern's text is: with one of its bindings, or (for looking up) in a buffer of the
/// index.
enum Text {
    Bound(Arc<Binding>),
    Sought(KVec<u8>),
}

/// A pattern's place in the index.
pub(crate) struct PatternKey {
    hash: u64,
    tail: Tail,
    stem: usize,
    text: Text,
}

impl PatternKey {
    fn of(binding: &Arc<Binding>) -> PatternKey {
        let Covering { hash, stem, tail } = binding.pattern.covering();
        PatternKey {
            hash,
            tail,
            stem,
            text: Text::Bound(binding.clone()),
        }
    }

    fn stem(&self) -> &[u8] {
        let text = match &self.text {
            Text::Bound(binding) => binding.pattern.text(),
            Text::Sought(name) => name,
        };
        text.get(..self.stem).unwrap_or(&[])
    }

    #[inline(never)]
    fn cmp_of_one_hash(&self, other: &PatternKey) -> Ordering {
        self.tail
            .cmp(&other.tail)
            .then_with(|| self.stem().cmp(other.stem()))
    }
}

impl Ord for PatternKey {
    #[inline]
    fn cmp(&self, other: &PatternKey) -> Ordering {
        // Nearly always decided here, in one comparison.
        match self.hash.cmp(&other.hash) {
            Ordering::Equal => self.cmp_of_one_hash(other),
            order => order,
        }
    }
}

impl PartialOrd for PatternKey {
    fn partial_cmp(&self, other: &PatternKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PatternKey {
    fn eq(&self, other: &PatternKey) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PatternKey {}

/// A pattern that is bound.
pub(crate) struct Bound {
    /// No other has it, nor ever had.
    number: u64,
    replier: Option<Arc<Binding>>,
    /// How many subscriptions it has.
    subscriptions: u32,
}

/// A subscription's place in the index: its pattern's number; door and user; and its Ksock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pattern: u64,
    rank: u64,
    ksock: KsockId,
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Key) -> Ordering {
        if self.pattern != other.pattern {
            return self.pattern.cmp(&other.pattern);
        }
        if self.rank != other.rank {
            return self.rank.cmp(&other.rank);
        }
        self.ksock.get().cmp(&other.ksock.get())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Key {
    /// The bit that is set in the rank of those that are shut.
    const SHUT: u64 = 1 << 63;

    #[inline]
    fn new(pattern: u64, door: Door, user: UserId, ksock: KsockId) -> Key {
        let door = match door {
            Door::Open => 0,
            Door::Shut => Key::SHUT,
        };
        Key {
            pattern,
            rank: door | user.get(),
            ksock,
        }
    }

    fn of(first: &Binding, user: UserId, door: Door) -> Key {
        Key::new(first.pattern_number(), door, user, first.ksock)
    }

    #[inline]
    fn door(&self) -> Door {
        match self.rank & Key::SHUT {
            0 => Door::Open,
            _ => Door::Shut,
        }
    }

    #[inline]
    fn user(&self) -> UserId {
        UserId::of(self.rank & !Key::SHUT)
    }
}

/// The bindings of one Ksock to one pattern as a listener: a stack, since UNBIND takes the newest.
/// Each knows the one below it (`OwnBinding::below`).
pub(crate) struct Subscription {
    /// The oldest of its bindings, by which it is known.
    first: Arc<Binding>,
    newest: At,
    /// How many there are: each gets a copy.
    count: u32,
}

/// The memory for one binding in the index.
pub(crate) struct RouteReservation {
    pattern: RBTreeNodeReservation<PatternKey, Bound>,
    /// For a listener.
    subscription: Option<RBTreeNodeReservation<Key, Subscription>>,
}

impl RouteReservation {
    /// Gets it.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new(role: Role) -> Result<Self, BusError> {
        Ok(RouteReservation {
            pattern: node()?,
            subscription: match role {
                Role::Replier => None,
                Role::Listener => Some(node()?),
            },
        })
    }
}

/// What was taken out of the index, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Taken {
    pattern: Option<RBTreeNode<PatternKey, Bound>>,
    subscription: Option<RBTreeNode<Key, Subscription>>,
}

/// A subscription, or a replier, that was looked up.
pub(crate) struct Found {
    /// The oldest of its bindings, by which it is known.
    pub(crate) first: Arc<Binding>,
    pub(crate) newest: At,
}

/// A subscription, or a replier, as routing shows it.
pub(crate) struct Shown<'a> {
    pub(crate) role: Role,
    pub(crate) door: Door,
    pub(crate) user: UserId,
    /// The oldest of its bindings, by which it is known.
    pub(crate) first: &'a Arc<Binding>,
    pub(crate) newest: At,
    pub(crate) count: u32,
}

impl Shown<'_> {
    pub(crate) fn ksock(&self) -> KsockId {
        self.first.ksock
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
    patterns: RBTree<PatternKey, Bound>,
    subscriptions: RBTree<Key, Subscription>,
    /// The last number that was given to a pattern.
    last_number: u64,
    /// How many patterns end in each way: what is not in use need not be looked up.
    by_tail: [usize; 3],
    /// What is being looked up, with a buffer as long as a name can be.
    sought: PatternKey,
}

impl Routes {
    pub(crate) fn new() -> Result<Self, BusError> {
        let mut buffer = KVec::new();
        buffer.resize(name::MAX_LEN, 0, GFP_KERNEL)?;
        Ok(Routes {
            patterns: RBTree::new(),
            subscriptions: RBTree::new(),
            last_number: 0,
            by_tail: [0; 3],
            sought: PatternKey {
                hash: 0,
                tail: Tail::Exact,
                stem: 0,
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

    /// Returns what is bound to exactly this text; wildcards are not expanded.
    fn bound<T>(&mut self, pattern: &Pattern<T>) -> Option<&Bound>
    where
        T: Deref<Target = [u8]>,
    {
        self.seek(pattern.text());
        self.sought.aim(pattern.covering());
        self.patterns.get(&self.sought)
    }

    /// Returns the replier bound to exactly this text; wildcards are not expanded.
    pub(crate) fn replier<T>(&mut self, pattern: &Pattern<T>) -> Option<Arc<Binding>>
    where
        T: Deref<Target = [u8]>,
    {
        self.bound(pattern)?.replier.clone()
    }

    /// Returns the subscription of this Ksock with exactly this text, or the Ksock as its replier.
    pub(crate) fn subscription(
        &mut self,
        pattern: &Pattern<impl Deref<Target = [u8]>>,
        role: Role,
        user: UserId,
        ksock: KsockId,
    ) -> Option<Found> {
        let bound = self.bound(pattern)?;
        if role == Role::Replier {
            let first = bound.replier.clone()?;
            let newest = first.at;
            return (first.ksock == ksock).then_some(Found { first, newest });
        }
        let mut key = Key::new(bound.number, Door::Open, user, ksock);
        let found = match self.subscriptions.get(&key) {
            Some(open) => open,
            None => {
                key.rank |= Key::SHUT;
                self.subscriptions.get(&key)?
            }
        };
        Some(Found {
            first: found.first.clone(),
            newest: found.newest,
        })
    }

    /// Adds a binding, for which its pattern has a place. `shut` says that subscriptions of its
    /// Ksock may be shut. Returns the one below it in its subscription, if it is not the first.
    pub(crate) fn insert(
        &mut self,
        binding: &Arc<Binding>,
        user: UserId,
        shut: bool,
        reservation: RouteReservation,
    ) -> Option<At> {
        let RouteReservation {
            pattern,
            subscription,
        } = reservation;
        let key = PatternKey::of(binding);
        let tail = key.tail;
        let bound = match self.patterns.entry(key) {
            Entry::Occupied(bound) => bound.into_mut(),
            Entry::Vacant(place) => {
                self.last_number += 1;
                if let Some(n) = self.by_tail.get_mut(tail as usize) {
                    *n += 1;
                }
                let bound = Bound {
                    number: self.last_number,
                    replier: None,
                    subscriptions: 0,
                };
                place.insert(bound, pattern)
            }
        };
        binding.set_pattern_number(bound.number);
        let Some(subscription) = subscription else {
            bound.replier = Some(binding.clone());
            return None;
        };
        if shut {
            let key = Key::of(binding, user, Door::Shut);
            if let Some(shut) = self.subscriptions.get_mut(&key) {
                return Some(shut.push(binding.at));
            }
        }
        let key = Key::new(bound.number, Door::Open, user, binding.ksock);
        match self.subscriptions.entry(key) {
            Entry::Occupied(mut open) => Some(open.get_mut().push(binding.at)),
            Entry::Vacant(place) => {
                bound.subscriptions += 1;
                let first = Subscription {
                    first: binding.clone(),
                    newest: binding.at,
                    count: 1,
                };
                place.insert(first, subscription);
                None
            }
        }
    }

    /// Takes the newest binding of a subscription away, below which there is `below`, or a replier.
    /// With the last binding the subscription goes.
    pub(crate) fn remove(
        &mut self,
        first: &Arc<Binding>,
        user: UserId,
        door: Door,
        below: Option<At>,
    ) -> Option<Taken> {
        let Some(below) = below else {
            let key = Key::of(first, user, door);
            let subscription = match first.role() {
                Role::Replier => None,
                Role::Listener => Some(expect(self.subscriptions.remove_node(&key))?),
            };
            return Some(self.forget(first, subscription));
        };
        let key = Key::of(first, user, door);
        if let Some(subscription) = expect(self.subscriptions.get_mut(&key)) {
            subscription.newest = below;
            decrease(&mut subscription.count, 1);
        }
        None
    }

    /// Takes a whole subscription, or a replier, away, if it is still there.
    pub(crate) fn take_subscription(
        &mut self,
        first: &Arc<Binding>,
        user: UserId,
    ) -> Option<Taken> {
        if first.role() == Role::Replier {
            let bound = self.patterns.get(&PatternKey::of(first))?;
            let is_it = bound.replier.as_ref().is_some_and(|r| r.id == first.id);
            return is_it.then(|| self.forget(first, None));
        }
        let mut key = Key::of(first, user, Door::Open);
        let subscription = match self.subscriptions.remove_node(&key) {
            Some(open) => open,
            None => {
                key.rank |= Key::SHUT;
                self.subscriptions.remove_node(&key)?
            }
        };
        Some(self.forget(first, Some(subscription)))
    }

    /// A pattern has a subscription less, or no replier any more. With the last the pattern goes.
    fn forget(
        &mut self,
        first: &Arc<Binding>,
        subscription: Option<RBTreeNode<Key, Subscription>>,
    ) -> Taken {
        let key = PatternKey::of(first);
        let mut pattern = None;
        if let Some(mut found) = expect(self.patterns.find_mut(&key)) {
            let bound = found.get_mut();
            match subscription {
                Some(_) => decrease(&mut bound.subscriptions, 1),
                None => bound.replier = None,
            }
            if bound.replier.is_none() && bound.subscriptions == 0 {
                pattern = Some(found.remove_node());
                if let Some(n) = self.by_tail.get_mut(key.tail as usize) {
                    decrease(n, 1);
                }
            }
        }
        Taken {
            pattern,
            subscription,
        }
    }

    /// Moves a subscription to the other side of its door.
    pub(crate) fn turn(&mut self, first: &Arc<Binding>, user: UserId, to: Door) {
        let from = match to {
            Door::Open => Door::Shut,
            Door::Shut => Door::Open,
        };
        let Some(found) = expect(self.subscriptions.find_mut(&Key::of(first, user, from))) else {
            return;
        };
        let Subscription {
            first,
            newest,
            count,
        } = found.get();
        let turned = Subscription {
            first: first.clone(),
            newest: *newest,
            count: *count,
        };
        let key = Key::of(first, user, to);
        let memory = found.remove_node().into_reservation();
        self.subscriptions.insert(memory.into_node(key, turned));
    }

    /// Shows `visit` the subscriptions whose patterns cover `name`, as far as it wants to go on;
    /// repliers only if it is to say whether they count. Returns the replier of the name (5.2): an
    /// exact one before `%` before `*`, and of several `*` the newest.
    #[inline]
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
            self.sought.aim(covering);
            let Some(bound) = self.patterns.get(&self.sought) else {
                return;
            };
            if let Some(replier) = &bound.replier {
                let counts = !are_repliers_shown
                    || visit(Shown {
                        role: Role::Replier,
                        door: Door::Open,
                        user: UserId::FIRST,
                        first: replier,
                        newest: replier.at,
                        count: 1,
                    }) == Go::On;
                let closer = match &best {
                    None => true,
                    Some((tail, than)) => {
                        (covering.tail, Reverse(replier.id)) < (*tail, Reverse(than.binding.id))
                    }
                };
                if counts && closer {
                    let target = Target {
                        ksock: replier.ksock,
                        binding: replier.clone(),
                    };
                    best = Some((covering.tail, target));
                }
            }
            if bound.subscriptions == 0 {
                return;
            }
            let number = bound.number;
            let key = Key::new(number, Door::Open, UserId::FIRST, KsockId::FIRST);
            let mut cursor = self.subscriptions.cursor_lower_bound_mut(&key);
            while let Some(here) = cursor {
                let (key, subscription) = here.current();
                if key.pattern != number {
                    break;
                }
                let (user, door) = (key.user(), key.door());
                let go = visit(Shown {
                    role: Role::Listener,
                    door,
                    user,
                    first: &subscription.first,
                    newest: subscription.newest,
                    count: subscription.count,
                });
                cursor = match go {
                    Go::On | Go::Past => here.move_next(),
                    Go::PastUser => {
                        let key = Key::new(number, door, user.next(), KsockId::FIRST);
                        self.subscriptions.cursor_lower_bound_mut(&key)
                    }
                    Go::PastOpen => {
                        let key = Key::new(number, Door::Shut, UserId::FIRST, KsockId::FIRST);
                        self.subscriptions.cursor_lower_bound_mut(&key)
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

impl PatternKey {
    /// Makes it the key of this pattern, whose text is in the buffer.
    #[inline]
    fn aim(&mut self, pattern: Covering) {
        self.hash = pattern.hash;
        self.tail = pattern.tail;
        self.stem = pattern.stem;
    }
}

impl Subscription {
    /// Puts a binding on top. Returns what was there.
    fn push(&mut self, binding: At) -> At {
        self.count += 1;
        core::mem::replace(&mut self.newest, binding)
    }
}

/// The replier that routing chose, and by which binding. A pattern has one at the most.
pub(crate) struct Target {
    pub(crate) ksock: KsockId,
    pub(crate) binding: Arc<Binding>,
}
