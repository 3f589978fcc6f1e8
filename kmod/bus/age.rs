// SPDX-License-Identifier: GPL-2.0-only

//! Sorting by age.
//!
//! In place and without memory, so that it can be done under the lock of the bus: n log n in the
//! worst case too. `core`'s sorts would do, but the kernel's objtool does not know that the
//! function in which they give up never returns, and warns.

use super::id::BindingId;

/// Sorts so that the items with the newest `binding` come first.
pub(super) fn newest_first<T>(items: &mut [T], binding: impl Fn(&T) -> BindingId) {
    // A heap with the oldest item on top, from which the items are taken one by one to the end.
    for root in (0..items.len() / 2).rev() {
        sink(items, root, &binding);
    }
    let mut rest = items;
    while let Some(last) = rest.len().checked_sub(1) {
        rest.swap(0, last);
        let (heap, _) = rest.split_at_mut(last);
        sink(heap, 0, &binding);
        rest = heap;
    }
}

/// Lets the item at `root` sink below those that are older.
fn sink<T>(heap: &mut [T], mut root: usize, binding: &impl Fn(&T) -> BindingId) {
    loop {
        let age = |at: usize| heap.get(at).map(binding);
        let (left, right) = (2 * root + 1, 2 * root + 2);
        let Some(left_age) = age(left) else {
            return;
        };
        let (child, child_age) = match age(right) {
            Some(right_age) if right_age < left_age => (right, right_age),
            _ => (left, left_age),
        };
        if age(root).is_none_or(|root_age| root_age <= child_age) {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}
