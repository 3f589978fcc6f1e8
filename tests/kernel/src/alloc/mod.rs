// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::alloc`: memory that has to be asked for, and may be refused.

pub mod kbox;
pub mod kvec;

pub use self::kbox::{Box, KBox, KVBox, VBox};
pub use self::kvec::{IntoIter, KVVec, KVec, VVec, Vec};

/// There is no memory.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct AllocError;

/// How memory is asked for.
#[derive(Clone, Copy, PartialEq)]
pub struct Flags(u32);

impl Flags {
    /// Whether all of `flags` are set.
    pub fn contains(self, flags: Flags) -> bool {
        (self & flags) == flags
    }
}

impl core::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, rhs: Self) -> Self {
        Flags(self.0 | rhs.0)
    }
}

impl core::ops::BitAnd for Flags {
    type Output = Self;
    fn bitand(self, rhs: Self) -> Self {
        Flags(self.0 & rhs.0)
    }
}

impl core::ops::Not for Flags {
    type Output = Self;
    fn not(self) -> Self {
        Flags(!self.0)
    }
}

/// The flags. The numbers are this crate's own; only what contains what is as in the kernel.
pub mod flags {
    use super::Flags;

    pub const __GFP_ZERO: Flags = Flags(0x100);
    pub const __GFP_NOWARN: Flags = Flags(0x200);
    pub const GFP_ATOMIC: Flags = Flags(0x01);
    pub const GFP_NOWAIT: Flags = Flags(0x02);
    pub const GFP_KERNEL: Flags = Flags(0x06);
    pub const GFP_KERNEL_ACCOUNT: Flags = Flags(0x0e);
}

/// Where memory comes from.
pub mod allocator {
    use super::Allocator;

    /// Memory in one piece, up to a few megabytes.
    pub struct Kmalloc;
    /// Memory in pages.
    pub struct Vmalloc;
    /// In one piece where possible, in pages otherwise.
    pub struct KVmalloc;

    impl Allocator for Kmalloc {
        const LARGEST: usize = 4 << 20;
    }
    impl Allocator for Vmalloc {}
    impl Allocator for KVmalloc {}
}

/// One of the kernel's allocators.
pub trait Allocator: 'static {
    /// The most bytes that one allocation may have.
    const LARGEST: usize = i32::MAX as usize;
}
