// SPDX-License-Identifier: GPL-2.0

//! The index: from a name to the bindings that cover it.
//!
//! All bindings of a bus are in one tree, ordered so that the bindings to one pattern lie side
//! by side: its replier first, then its listeners by Ksock, the newest of a Ksock first. A name
//! of d words is covered by d + 2 patterns, so that routing costs d + 2 descents of the tree and
//! a step for each binding found, however many others there are.

use super::binding::{Binding, Role};
use super::count::{decrease, expect};
use super::error::BusError;
use super::id::{BindingId, KsockId};
use super::name::{self, Covering, Name, Pattern, Tail};
use core::cmp::{Ordering, Reverse};
use core::ops::Deref;
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation};
use kernel::sync::Arc;

/// Where a key's text is: with the binding, or (for looking up) in a buffer of the index.
enum Text {
    Bound(Arc<Binding>),
    Sought(KVec<u8>),
}

/// A place in the index.
pub(crate) struct Key {
    hash: u64,
    tail: Tail,
    stem: usize,
    role: Role,
    ksock: KsockId,
    age: Reverse<BindingId>,
    text: Text,
}

impl Key {
    fn of(binding: &Arc<Binding>) -> Key {
        let Covering { hash, stem, tail } = binding.pattern.covering();
        Key {
            hash,
            tail,
            stem,
            role: binding.role(),
            ksock: binding.ksock,
            age: Reverse(binding.id),
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
            .then_with(|| self.ksock.cmp(&other.ksock))
            .then_with(|| self.age.cmp(&other.age))
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

/// The memory for one binding in the index.
pub(crate) type RouteReservation = RBTreeNodeReservation<Key, ()>;

/// A binding taken out of the index, to be freed when the bus is unlocked.
pub(crate) type Taken = RBTreeNode<Key, ()>;

/// The index: from a name to the bindings that cover it.
pub(crate) struct Routes {
    tree: RBTree<Key, ()>,
    /// How many bindings end in each way: what is not in use need not be looked up.
    by_tail: [usize; 3],
    /// What is being looked up, with a buffer as long as a name can be.
    sought: Key,
    repliers: usize,
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
                stem: 0,
                role: Role::Replier,
                ksock: KsockId::FIRST,
                age: Reverse(BindingId::NEWEST),
                text: Text::Sought(buffer),
            },
            repliers: 0,
        })
    }

    /// Returns how many replier bindings there are on the bus.
    pub(crate) fn repliers(&self) -> usize {
        self.repliers
    }

    fn seek(&mut self, text: &[u8]) {
        if let Text::Sought(buffer) = &mut self.sought.text {
            if let Some(buffer) = buffer.as_mut_slice().get_mut(..text.len()) {
                buffer.copy_from_slice(text);
            }
        }
    }

    /// Aims at the first binding with this pattern and role of a Ksock numbered `ksock` or more.
    fn aim(&mut self, pattern: Covering, role: Role, ksock: KsockId) {
        self.sought.hash = pattern.hash;
        self.sought.tail = pattern.tail;
        self.sought.stem = pattern.stem;
        self.sought.role = role;
        self.sought.ksock = ksock;
    }

    /// Returns the first binding at or behind what is aimed at, if it has the pattern aimed at.
    fn found(&self) -> Option<Arc<Binding>> {
        let cursor = self.tree.cursor_lower_bound(&self.sought)?;
        same_pattern(&self.sought, cursor.current().0).cloned()
    }

    /// Returns the replier bound to exactly this text; wildcards are not expanded.
    pub(crate) fn replier<T>(&mut self, pattern: &Pattern<T>) -> Option<Arc<Binding>>
    where
        T: Deref<Target = [u8]>,
    {
        self.seek(pattern.text());
        self.aim(pattern.covering(), Role::Replier, KsockId::FIRST);
        self.found().filter(|b| b.role() == Role::Replier)
    }

    /// Returns the newest binding of this Ksock to exactly this text in this role.
    pub(crate) fn newest(
        &mut self,
        pattern: &Pattern<impl Deref<Target = [u8]>>,
        role: Role,
        ksock: KsockId,
    ) -> Option<Arc<Binding>> {
        self.seek(pattern.text());
        self.aim(pattern.covering(), role, ksock);
        self.found()
            .filter(|b| b.role() == role && b.ksock == ksock)
    }

    /// Adds a binding.
    pub(crate) fn insert(&mut self, binding: &Arc<Binding>, reservation: RouteReservation) {
        self.count(binding, |n| *n += 1);
        self.tree
            .insert(reservation.into_node(Key::of(binding), ()));
    }

    /// Takes a binding away that is in the index.
    pub(crate) fn remove(&mut self, binding: &Arc<Binding>) -> Option<Taken> {
        let taken = expect(self.tree.remove_node(&Key::of(binding)))?;
        self.count(binding, |n| decrease(n, 1));
        Some(taken)
    }

    fn count(&mut self, binding: &Binding, change: impl Fn(&mut usize)) {
        if let Some(n) = self.by_tail.get_mut(binding.pattern.tail() as usize) {
            change(n);
        }
        if binding.role() == Role::Replier {
            change(&mut self.repliers);
        }
    }

    /// Shows `listener` every listener binding that covers `name`, those of one Ksock to one
    /// pattern newest first. Returns the replier of the name (5.2): an exact one before `%` before
    /// `*`, and of several `*` the newest.
    pub(crate) fn route(
        &mut self,
        name: Name<'_>,
        mut listener: impl FnMut(&Arc<Binding>),
    ) -> Route {
        self.seek(name.text());
        let mut best: Option<(Tail, Target)> = None;
        let mut patterns = 0_usize;
        name::for_each_covering(name, |covering| {
            if self.by_tail.get(covering.tail as usize) == Some(&0) {
                return;
            }
            self.aim(covering, Role::Replier, KsockId::FIRST);
            let mut cursor = self.tree.cursor_lower_bound_mut(&self.sought);
            let mut has_listeners = false;
            while let Some(here) = cursor {
                let Some(binding) = same_pattern(&self.sought, here.current().0) else {
                    break;
                };
                match binding.role() {
                    Role::Listener => {
                        has_listeners = true;
                        listener(binding);
                    }
                    Role::Replier => {
                        let target = Target {
                            ksock: binding.ksock,
                            binding: binding.id,
                        };
                        let closer = match best {
                            None => true,
                            Some((tail, than)) => {
                                (covering.tail, Reverse(target.binding))
                                    < (tail, Reverse(than.binding))
                            }
                        };
                        if closer {
                            best = Some((covering.tail, target));
                        }
                    }
                }
                cursor = here.move_next();
            }
            patterns += usize::from(has_listeners);
        });
        Route {
            replier: best.map(|(_, target)| target),
            mixed: patterns > 1,
        }
    }
}

/// The replier that routing chose, and by which binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) ksock: KsockId,
    pub(crate) binding: BindingId,
}

/// What [`Routes::route`] found beside listeners.
pub(crate) struct Route {
    pub(crate) replier: Option<Target>,
    /// Listeners of more than one pattern were shown, so that they may not be newest first.
    pub(crate) mixed: bool,
}

/// Returns the binding at `key`, if it has the pattern that is looked up.
fn same_pattern<'a>(sought: &Key, key: &'a Key) -> Option<&'a Arc<Binding>> {
    match &key.text {
        Text::Bound(binding) if key.pattern_cmp(sought).is_eq() => Some(binding),
        _ => None,
    }
}
