// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::rbtree`: a sorted map whose nodes are got before they are put in.
//!
//! Here the nodes lie in a sorted vector, so that a cursor is a position in it. That is slow for
//! large trees and as good for tests.

use crate::{alloc::Flags, error::Result, testing::Held};
use std::{boxed::Box, vec::Vec};

struct Node<K, V> {
    key: K,
    value: V,
    held: Held,
}

/// The kernel's node has three links beside the key and the value.
const LINKS: usize = 3 * size_of::<usize>();

/// A map sorted by key.
pub struct RBTree<K, V> {
    nodes: Vec<Box<Node<K, V>>>,
}

impl<K, V> RBTree<K, V> {
    pub fn new() -> Self {
        RBTree { nodes: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.nodes.iter())
    }

    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.nodes.iter_mut())
    }

    pub fn keys(&self) -> impl Iterator<Item = &'_ K> {
        self.iter().map(|(k, _)| k)
    }

    pub fn values(&self) -> impl Iterator<Item = &'_ V> {
        self.iter().map(|(_, v)| v)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &'_ mut V> {
        self.iter_mut().map(|(_, v)| v)
    }

    pub fn cursor_front(&self) -> Option<Cursor<'_, K, V>> {
        Cursor::at(self, 0)
    }

    pub fn cursor_back(&self) -> Option<Cursor<'_, K, V>> {
        Cursor::at(self, self.nodes.len().checked_sub(1)?)
    }

    pub fn cursor_front_mut(&mut self) -> Option<CursorMut<'_, K, V>> {
        CursorMut::at(self, 0)
    }

    pub fn cursor_back_mut(&mut self) -> Option<CursorMut<'_, K, V>> {
        let last = self.nodes.len().checked_sub(1)?;
        CursorMut::at(self, last)
    }

    fn take(&mut self, at: usize) -> RBTreeNode<K, V> {
        RBTreeNode {
            node: self.nodes.remove(at),
        }
    }
}

impl<K: Ord, V> RBTree<K, V> {
    /// Where the key is, or where it would be.
    fn find(&self, key: &K) -> core::result::Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.key.cmp(key))
    }

    pub fn try_create_and_insert(
        &mut self,
        key: K,
        value: V,
        flags: Flags,
    ) -> Result<Option<RBTreeNode<K, V>>> {
        Ok(self.insert(RBTreeNode::new(key, value, flags)?))
    }

    /// Puts the node in, and hands out the one it replaces.
    pub fn insert(&mut self, node: RBTreeNode<K, V>) -> Option<RBTreeNode<K, V>> {
        match self.find(&node.node.key) {
            Ok(at) => Some(RBTreeNode {
                node: core::mem::replace(&mut self.nodes[at], node.node),
            }),
            Err(at) => {
                self.nodes.insert(at, node.node);
                None
            }
        }
    }

    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        match self.find(&key) {
            Ok(at) => Entry::Occupied(OccupiedEntry { tree: self, at }),
            Err(at) => Entry::Vacant(VacantEntry {
                tree: self,
                at,
                key,
            }),
        }
    }

    pub fn find_mut(&mut self, key: &K) -> Option<OccupiedEntry<'_, K, V>> {
        let at = self.find(key).ok()?;
        Some(OccupiedEntry { tree: self, at })
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.find(key).ok()?;
        Some(&self.nodes[at].value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.find_mut(key).map(OccupiedEntry::into_mut)
    }

    pub fn remove_node(&mut self, key: &K) -> Option<RBTreeNode<K, V>> {
        self.find_mut(key).map(OccupiedEntry::remove_node)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.find_mut(key).map(OccupiedEntry::remove)
    }

    /// A cursor at the key, or at the first one above it.
    pub fn cursor_lower_bound(&self, key: &K) -> Option<Cursor<'_, K, V>> {
        let (Ok(at) | Err(at)) = self.find(key);
        Cursor::at(self, at)
    }

    /// A cursor at the key, or at the first one above it.
    pub fn cursor_lower_bound_mut(&mut self, key: &K) -> Option<CursorMut<'_, K, V>> {
        let (Ok(at) | Err(at)) = self.find(key);
        CursorMut::at(self, at)
    }
}

impl<K, V> Default for RBTree<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, K, V> IntoIterator for &'a RBTree<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut RBTree<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> IterMut<'a, K, V> {
        self.iter_mut()
    }
}

/// The nodes in order.
pub struct Iter<'a, K, V>(core::slice::Iter<'a, Box<Node<K, V>>>);

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|node| (&node.key, &node.value))
    }
}

/// The nodes in order, their values to be changed.
pub struct IterMut<'a, K, V>(core::slice::IterMut<'a, Box<Node<K, V>>>);

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|node| {
            let Node { key, value, .. } = &mut **node;
            (&*key, value)
        })
    }
}

/// A place in the tree.
pub struct Cursor<'a, K, V> {
    tree: &'a RBTree<K, V>,
    at: usize,
}

impl<'a, K, V> Cursor<'a, K, V> {
    fn at(tree: &'a RBTree<K, V>, at: usize) -> Option<Self> {
        (at < tree.nodes.len()).then_some(Cursor { tree, at })
    }

    pub fn current(&self) -> (&K, &V) {
        let node = &self.tree.nodes[self.at];
        (&node.key, &node.value)
    }

    pub fn move_next(self) -> Option<Self> {
        Cursor::at(self.tree, self.at + 1)
    }

    pub fn move_prev(self) -> Option<Self> {
        Cursor::at(self.tree, self.at.checked_sub(1)?)
    }

    pub fn peek_next(&self) -> Option<(&K, &V)> {
        let node = self.tree.nodes.get(self.at + 1)?;
        Some((&node.key, &node.value))
    }

    pub fn peek_prev(&self) -> Option<(&K, &V)> {
        let node = self.tree.nodes.get(self.at.checked_sub(1)?)?;
        Some((&node.key, &node.value))
    }
}

/// A place in the tree, where it can be changed.
pub struct CursorMut<'a, K, V> {
    tree: &'a mut RBTree<K, V>,
    at: usize,
}

impl<'a, K, V> CursorMut<'a, K, V> {
    fn at(tree: &'a mut RBTree<K, V>, at: usize) -> Option<Self> {
        (at < tree.nodes.len()).then_some(CursorMut { tree, at })
    }

    pub fn current(&self) -> (&K, &V) {
        let node = &self.tree.nodes[self.at];
        (&node.key, &node.value)
    }

    pub fn current_mut(&mut self) -> (&K, &mut V) {
        let Node { key, value, .. } = &mut *self.tree.nodes[self.at];
        (key, value)
    }

    /// Takes the node out. The cursor then is at the next one, or else at the one before, or
    /// else there is none.
    pub fn remove_current(self) -> (Option<Self>, RBTreeNode<K, V>) {
        let node = self.tree.take(self.at);
        let left = self.tree.nodes.len();
        let cursor = left
            .checked_sub(1)
            .and_then(|last| CursorMut::at(self.tree, self.at.min(last)));
        (cursor, node)
    }

    pub fn move_next(self) -> Option<Self> {
        CursorMut::at(self.tree, self.at + 1)
    }

    pub fn move_prev(self) -> Option<Self> {
        CursorMut::at(self.tree, self.at.checked_sub(1)?)
    }

    pub fn peek_next(&self) -> Option<(&K, &V)> {
        let node = self.tree.nodes.get(self.at + 1)?;
        Some((&node.key, &node.value))
    }

    pub fn peek_prev(&self) -> Option<(&K, &V)> {
        let node = self.tree.nodes.get(self.at.checked_sub(1)?)?;
        Some((&node.key, &node.value))
    }
}

/// Memory for a node.
pub struct RBTreeNodeReservation<K, V> {
    held: Held,
    _p: core::marker::PhantomData<fn() -> (K, V)>,
}

impl<K, V> RBTreeNodeReservation<K, V> {
    pub fn new(flags: Flags) -> Result<RBTreeNodeReservation<K, V>> {
        let held = Held::get(LINKS + size_of::<K>() + size_of::<V>(), flags)?;
        Ok(Self::of(held))
    }

    fn of(held: Held) -> Self {
        RBTreeNodeReservation {
            held,
            _p: core::marker::PhantomData,
        }
    }

    pub fn into_node(self, key: K, value: V) -> RBTreeNode<K, V> {
        RBTreeNode {
            node: Box::new(Node {
                key,
                value,
                held: self.held,
            }),
        }
    }
}

/// A node outside of any tree.
pub struct RBTreeNode<K, V> {
    node: Box<Node<K, V>>,
}

impl<K, V> RBTreeNode<K, V> {
    pub fn new(key: K, value: V, flags: Flags) -> Result<RBTreeNode<K, V>> {
        Ok(RBTreeNodeReservation::new(flags)?.into_node(key, value))
    }

    #[allow(clippy::wrong_self_convention)]
    pub fn to_key_value(self) -> (K, V) {
        let node = *self.node;
        (node.key, node.value)
    }

    /// Drops key and value; the memory stays.
    pub fn into_reservation(self) -> RBTreeNodeReservation<K, V> {
        let Node { key, value, held } = *self.node;
        drop((key, value));
        RBTreeNodeReservation::of(held)
    }
}

/// What is, or could be, at a key.
pub enum Entry<'a, K, V> {
    Vacant(VacantEntry<'a, K, V>),
    Occupied(OccupiedEntry<'a, K, V>),
}

/// A key that is not in the tree.
pub struct VacantEntry<'a, K, V> {
    tree: &'a mut RBTree<K, V>,
    at: usize,
    key: K,
}

impl<'a, K, V> VacantEntry<'a, K, V> {
    pub fn insert(self, value: V, reservation: RBTreeNodeReservation<K, V>) -> &'a mut V {
        let node = reservation.into_node(self.key, value).node;
        self.tree.nodes.insert(self.at, node);
        &mut self.tree.nodes[self.at].value
    }
}

/// A key that is in the tree.
pub struct OccupiedEntry<'a, K, V> {
    tree: &'a mut RBTree<K, V>,
    at: usize,
}

impl<'a, K, V> OccupiedEntry<'a, K, V> {
    pub fn get(&self) -> &V {
        &self.tree.nodes[self.at].value
    }

    pub fn get_mut(&mut self) -> &mut V {
        &mut self.tree.nodes[self.at].value
    }

    pub fn into_mut(self) -> &'a mut V {
        &mut self.tree.nodes[self.at].value
    }

    pub fn remove_node(self) -> RBTreeNode<K, V> {
        self.tree.take(self.at)
    }

    pub fn remove(self) -> V {
        self.remove_node().to_key_value().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::flags::*;
    use crate::testing;

    fn tree(keys: &[u32]) -> RBTree<u32, u32> {
        let mut tree = RBTree::new();
        for key in keys {
            let old = tree.try_create_and_insert(*key, key * 10, GFP_KERNEL);
            assert!(matches!(old, Ok(None)));
        }
        tree
    }

    #[test]
    fn sorted_whatever_the_order_of_coming() {
        let mut t = tree(&[30, 10, 20]);
        assert_eq!(t.keys().copied().collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!(t.get(&20), Some(&200));
        *t.get_mut(&20).unwrap() += 1;
        for v in t.values_mut() {
            *v += 1;
        }
        assert_eq!(t.values().copied().collect::<Vec<_>>(), [101, 202, 301]);
        assert_eq!(t.remove(&20), Some(202));
        assert_eq!(t.remove(&20), None);
        assert_eq!((t.iter().count(), testing::live()), (2, 2));
        drop(t);
        assert_eq!(testing::live(), 0);
    }

    #[test]
    fn a_node_is_got_before_it_is_put_in() {
        let mut t = tree(&[1, 3]);
        let room = RBTreeNodeReservation::new(GFP_KERNEL).unwrap();
        let made = testing::made();
        let _quiet = testing::forbid_allocating();
        assert!(t.insert(room.into_node(2, 2)).is_none());
        let node = t.remove_node(&3).unwrap();
        let room = node.into_reservation();
        let old = t.insert(room.into_node(1, 7)).unwrap();
        assert_eq!(old.to_key_value(), (1, 10));
        assert_eq!(t.iter().collect::<Vec<_>>(), [(&1, &7), (&2, &2)]);
        assert_eq!((testing::made(), testing::live()), (made, 2));
    }

    #[test]
    fn entries() {
        let mut t = tree(&[1]);
        let room = RBTreeNodeReservation::new(GFP_KERNEL).unwrap();
        match t.entry(2) {
            Entry::Vacant(vacant) => *vacant.insert(5, room) += 1,
            Entry::Occupied(_) => unreachable!(),
        }
        let mut e = t.find_mut(&2).unwrap();
        *e.get_mut() += 1;
        assert_eq!(*e.get(), 7);
        assert_eq!(e.remove(), 7);
        assert!(t.find_mut(&2).is_none());
        assert!(matches!(t.entry(1), Entry::Occupied(_)));
    }

    #[test]
    fn cursors_walk_both_ways() {
        let t = tree(&[10, 20, 30]);
        assert!(t.cursor_lower_bound(&31).is_none());
        let c = t.cursor_lower_bound(&11).unwrap();
        assert_eq!(c.current(), (&20, &200));
        assert_eq!(c.peek_prev(), Some((&10, &100)));
        assert_eq!(c.peek_next(), Some((&30, &300)));
        let c = c.move_next().unwrap();
        assert_eq!((c.current().0, c.peek_next()), (&30, None));
        let c = c.move_prev().and_then(Cursor::move_prev).unwrap();
        assert_eq!((c.current().0, c.peek_prev()), (&10, None));
        assert!(c.move_prev().is_none());
        assert_eq!(t.cursor_back().unwrap().current().0, &30);
        assert_eq!(t.cursor_front().unwrap().current().0, &10);
        assert!(tree(&[]).cursor_back().is_none());
    }

    #[test]
    fn cursors_take_nodes_out() {
        let mut t = tree(&[10, 20, 30]);
        let c = t.cursor_lower_bound_mut(&20).unwrap();
        let (c, node) = c.remove_current();
        assert_eq!(node.to_key_value(), (20, 200));
        let mut c = c.unwrap();
        *c.current_mut().1 = 3;
        assert_eq!(c.current(), (&30, &3));
        let (c, _) = c.remove_current();
        let c = c.unwrap();
        assert_eq!(c.current().0, &10);
        let (c, _) = c.remove_current();
        assert!(c.is_none());
        assert!(t.is_empty());
    }

    #[test]
    fn no_memory_no_node() {
        let mut t = tree(&[1]);
        testing::fail_once(0);
        assert!(t.try_create_and_insert(2, 2, GFP_KERNEL).is_err());
        assert_eq!((t.iter().count(), testing::live()), (1, 1));
    }
}
