// SPDX-License-Identifier: GPL-2.0-only

//! Walking through a tree in steps, between which the tree may change: where it goes on is told by
//! a key.

use kernel::rbtree::RBTree;

/// Goes on to the entry behind `at`, or to the first if `at` is nothing. Returns what `read` makes
/// of it.
pub(super) fn on<K: Ord + Copy, V, R>(
    tree: &mut RBTree<K, V>,
    at: &mut Option<K>,
    read: impl FnOnce(&V) -> R,
) -> Option<R> {
    let mut cursor = match at {
        None => tree.cursor_front_mut()?,
        Some(key) => tree.cursor_lower_bound_mut(key)?,
    };
    if at.as_ref() == Some(cursor.current().0) {
        cursor = cursor.move_next()?;
    }
    let (key, value) = cursor.current();
    *at = Some(*key);
    Some(read(value))
}
