// SPDX-License-Identifier: GPL-2.0-only

//! Memory for the bytes of messages, of which there may be as many as a user's account says: it
//! takes hardly more than they are long. `KVmalloc` would take, and clear, twice as much for what
//! is a little longer than a power of two.

use core::alloc::Layout;
use core::ptr::{copy_nonoverlapping, NonNull};
use kernel::alloc::allocator::{KVmalloc, Vmalloc};
use kernel::alloc::flags::__GFP_NOWARN;
use kernel::alloc::{AllocError, Allocator, Flags, NumaNode};
use kernel::prelude::*;

/// The bytes of a message.
pub(crate) type Bytes = Vec<u8, Exact>;

/// Up to here there are slabs for powers of two, and page by page is too dear.
pub(crate) const LONGEST_ROUNDED: usize = 8192;

/// Memory of which no more than an eighth is left over, if it is more than some pages: contiguous
/// where such a piece fits, and page by page where not.
pub(crate) struct Exact;

impl Exact {
    /// Returns whether a contiguous piece, whose length is a power of two, would be too long.
    fn is_odd(len: usize) -> bool {
        len > LONGEST_ROUNDED && len.next_power_of_two() - len > len / 8
    }
}

// SAFETY: All memory is from `Vmalloc` or `KVmalloc`, whose promises are those of the trait, and
// which `KVmalloc` both reallocates and frees.
unsafe impl Allocator for Exact {
    const MIN_ALIGN: usize = KVmalloc::MIN_ALIGN;

    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        if !Self::is_odd(layout.size()) {
            // SAFETY: The caller's promises are those that it wants, of memory that it knows.
            return unsafe { KVmalloc::realloc(ptr, layout, old_layout, flags, nid) };
        }
        // Who cannot have it is told so; the log need not hear of it.
        let new = Vmalloc::alloc(layout, flags | __GFP_NOWARN, nid)?;
        if let Some(old) = ptr.filter(|_| old_layout.size() > 0) {
            let len = old_layout.size().min(layout.size());
            // SAFETY: Both are so long, by the caller's promise and by their layout, and the new one
            // is nobody's yet.
            unsafe { copy_nonoverlapping(old.as_ptr(), new.cast().as_ptr(), len) };
            // SAFETY: As the caller promises, it is of this layout, and it is not used any more.
            unsafe { KVmalloc::free(old, old_layout) };
        }
        Ok(new)
    }
}
