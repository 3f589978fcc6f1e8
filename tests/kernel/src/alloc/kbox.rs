// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::alloc::kbox`: one value in memory of its own.

use super::{allocator, AllocError, Allocator, Flags};
use crate::testing::Held;
use core::{
    borrow::{Borrow, BorrowMut},
    fmt,
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    pin::Pin,
};
use std::boxed::Box as StdBox;

/// A value in memory got from `A`.
pub struct Box<T, A: Allocator> {
    value: StdBox<T>,
    held: Held,
    _p: PhantomData<A>,
}

pub type KBox<T> = Box<T, allocator::Kmalloc>;
pub type VBox<T> = Box<T, allocator::Vmalloc>;
pub type KVBox<T> = Box<T, allocator::KVmalloc>;

impl<T, A: Allocator> Box<T, A> {
    pub fn new(x: T, flags: Flags) -> Result<Self, AllocError> {
        Ok(Box::write(Self::new_uninit(flags)?, x))
    }

    pub fn new_uninit(flags: Flags) -> Result<Box<MaybeUninit<T>, A>, AllocError> {
        if size_of::<T>() > A::LARGEST {
            return Err(AllocError);
        }
        Ok(Box {
            held: Held::get(size_of::<T>(), flags)?,
            value: StdBox::new(MaybeUninit::uninit()),
            _p: PhantomData,
        })
    }

    pub fn pin(x: T, flags: Flags) -> Result<Pin<Box<T, A>>, AllocError>
    where
        T: Unpin,
    {
        Ok(Pin::new(Self::new(x, flags)?))
    }

    /// Drops the value; the memory stays.
    pub fn drop_contents(this: Self) -> Box<MaybeUninit<T>, A> {
        let Box { value, held, _p } = this;
        drop(value);
        Box {
            value: StdBox::new(MaybeUninit::uninit()),
            held,
            _p,
        }
    }

    pub fn into_inner(b: Self) -> T {
        *b.value
    }
}

impl<T, A: Allocator> Box<MaybeUninit<T>, A> {
    pub fn write(self, value: T) -> Box<T, A> {
        Box {
            value: StdBox::new(value),
            held: self.held,
            _p: PhantomData,
        }
    }
}

impl<T, A: Allocator> Deref for Box<T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T, A: Allocator> DerefMut for Box<T, A> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T, A: Allocator> Borrow<T> for Box<T, A> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T, A: Allocator> BorrowMut<T> for Box<T, A> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: fmt::Display, A: Allocator> fmt::Display for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::flags::*;
    use crate::testing;

    #[test]
    fn a_box_is_one_allocation() {
        let mut b = KBox::new(24_u64, GFP_KERNEL).unwrap();
        *b += 1;
        assert_eq!(*b, 25);
        assert_eq!((testing::live(), testing::live_bytes()), (1, 8));
        assert_eq!(KBox::into_inner(b), 25);
        assert_eq!((testing::live(), testing::live_bytes()), (0, 0));
    }

    #[test]
    fn nothing_costs_nothing() {
        let b = KBox::new((), GFP_KERNEL).unwrap();
        assert_eq!((testing::live(), testing::made()), (0, 0));
        drop(b);
        assert_eq!(testing::live(), 0);
    }

    #[test]
    fn contents_go_and_the_memory_stays() {
        let inner = KBox::new(1_u8, GFP_KERNEL).unwrap();
        let outer = KBox::new(inner, GFP_KERNEL).unwrap();
        assert_eq!(testing::live(), 2);
        let empty = KBox::drop_contents(outer);
        assert_eq!(testing::live(), 1);
        let made = testing::made();
        let _again = KBox::write(empty, KBox::new(2_u8, GFP_KERNEL).unwrap());
        assert_eq!(testing::made(), made + 1);
    }
}
