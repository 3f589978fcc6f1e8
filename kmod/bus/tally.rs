// SPDX-License-Identifier: GPL-2.0-only

//! A tree that knows how many entries it has, and how many it ever had.

use super::count::decrease;
use kernel::rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation};

/// A counted tree.
pub(super) struct Tally<K, V> {
    pub(super) tree: RBTree<K, V>,
    pub(super) len: u32,
    pub(super) most: u32,
}

impl<K: Ord, V> Tally<K, V> {
    pub(super) fn new() -> Self {
        Tally {
            tree: RBTree::new(),
            len: 0,
            most: 0,
        }
    }

    pub(super) fn insert(&mut self, reservation: RBTreeNodeReservation<K, V>, key: K, value: V) {
        self.tree.insert(reservation.into_node(key, value));
        self.len += 1;
        self.most = self.most.max(self.len);
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<RBTreeNode<K, V>> {
        let node = self.tree.remove_node(key)?;
        decrease(&mut self.len, 1);
        Some(node)
    }
}
