// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::sync`: values shared by reference count, and numbers that several count on.

use crate::{
    alloc::{AllocError, Flags},
    testing::Held,
};
use core::{
    borrow::Borrow,
    fmt,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
};
use std::sync::Arc as StdArc;

struct Inner<T: ?Sized> {
    held: Held,
    value: T,
}

/// The kernel's count of references stands beside the value.
const COUNT: usize = size_of::<usize>();

/// A shared value.
pub struct Arc<T: ?Sized>(StdArc<Inner<T>>);

impl<T> Arc<T> {
    pub fn new(contents: T, flags: Flags) -> Result<Self, AllocError> {
        let held = Held::get(COUNT + size_of::<T>(), flags)?;
        Ok(Arc(StdArc::new(Inner {
            held,
            value: contents,
        })))
    }

    /// The value as its only owner's, or nothing (and one reference less) where there are others.
    pub fn into_unique_or_drop(this: Self) -> Option<core::pin::Pin<UniqueArc<T>>>
    where
        T: Unpin,
    {
        let inner = StdArc::into_inner(this.0)?;
        Some(core::pin::Pin::new(UniqueArc(Arc(StdArc::new(inner)))))
    }
}

impl<T: ?Sized> Arc<T> {
    pub fn as_ptr(this: &Self) -> *const T {
        &this.0.value
    }

    pub fn as_arc_borrow(&self) -> ArcBorrow<'_, T> {
        ArcBorrow(self)
    }

    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        StdArc::ptr_eq(&this.0, &other.0)
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: ?Sized> AsRef<T> for Arc<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> Borrow<T> for Arc<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        Arc(self.0.clone())
    }
}

impl<T: ?Sized> From<UniqueArc<T>> for Arc<T> {
    fn from(unique: UniqueArc<T>) -> Self {
        unique.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// A shared value, borrowed.
pub struct ArcBorrow<'a, T: ?Sized>(&'a Arc<T>);

impl<T: ?Sized> Clone for ArcBorrow<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for ArcBorrow<'_, T> {}

impl<T: ?Sized> Deref for ArcBorrow<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: ?Sized> From<ArcBorrow<'_, T>> for Arc<T> {
    fn from(b: ArcBorrow<'_, T>) -> Self {
        b.0.clone()
    }
}

/// A value that will be shared, and has one owner as yet.
pub struct UniqueArc<T: ?Sized>(Arc<T>);

impl<T> UniqueArc<T> {
    pub fn new(value: T, flags: Flags) -> Result<Self, AllocError> {
        Ok(UniqueArc(Arc::new(value, flags)?))
    }

    pub fn new_uninit(flags: Flags) -> Result<UniqueArc<MaybeUninit<T>>, AllocError> {
        UniqueArc::new(MaybeUninit::uninit(), flags)
    }
}

impl<T> UniqueArc<MaybeUninit<T>> {
    pub fn write(self, value: T) -> UniqueArc<T> {
        let Some(Inner { held, .. }) = StdArc::into_inner(self.0 .0) else {
            unreachable!("it has one owner");
        };
        UniqueArc(Arc(StdArc::new(Inner { held, value })))
    }
}

impl<T: ?Sized> Deref for UniqueArc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for UniqueArc<T> {
    fn deref_mut(&mut self) -> &mut T {
        match StdArc::get_mut(&mut self.0 .0) {
            Some(inner) => &mut inner.value,
            None => unreachable!("it has one owner"),
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for UniqueArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Numbers that are changed without a lock.
pub mod atomic {
    use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    /// No order with what else is read and written.
    pub struct Relaxed;

    /// A number, kept in `Repr`.
    pub trait AtomicType: Copy {
        type Repr: From<Self>;
    }

    /// A number that is changed in one piece.
    pub struct Atomic<T: AtomicType>(T::Repr);

    impl<T: AtomicType> Atomic<T> {
        pub fn new(value: T) -> Self {
            Atomic(value.into())
        }
    }

    macro_rules! atomic {
        ($($number:ty: $repr:ty),*) => {$(
            impl AtomicType for $number {
                type Repr = $repr;
            }

            impl Atomic<$number> {
                pub fn load(&self, _: Relaxed) -> $number {
                    self.0.load(Ordering::Relaxed)
                }

                pub fn store(&self, value: $number, _: Relaxed) {
                    self.0.store(value, Ordering::Relaxed)
                }

                pub fn xchg(&self, value: $number, _: Relaxed) -> $number {
                    self.0.swap(value, Ordering::Relaxed)
                }

                pub fn add(&self, value: $number, _: Relaxed) {
                    self.0.fetch_add(value, Ordering::Relaxed);
                }

                pub fn fetch_sub(&self, value: $number, _: Relaxed) -> $number {
                    self.0.fetch_sub(value, Ordering::Relaxed)
                }
            }
        )*};
    }
    atomic!(u32: AtomicU32, u64: AtomicU64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::flags::*;
    use crate::testing;

    #[test]
    fn shared_is_one_allocation_until_the_last_goes() {
        let a = Arc::new(5_u64, GFP_KERNEL).unwrap();
        let b = a.clone();
        assert_eq!((*a, testing::live(), testing::live_bytes()), (5, 1, 16));
        assert!(Arc::ptr_eq(&a, &b));
        let c = Arc::new(5_u64, GFP_KERNEL).unwrap();
        assert!(!Arc::ptr_eq(&a, &c));
        assert!(Arc::into_unique_or_drop(a).is_none());
        assert_eq!(testing::live(), 2);
        assert_eq!(**Arc::into_unique_or_drop(b).as_ref().unwrap(), 5);
        assert_eq!(testing::live(), 1);
        drop(c);
        assert_eq!(testing::live(), 0);
    }

    #[test]
    fn written_first_then_shared() {
        let mut u = UniqueArc::<u8>::new_uninit(GFP_KERNEL).unwrap().write(3);
        *u += 1;
        let made = testing::made();
        let a: Arc<u8> = u.into();
        let again: Arc<u8> = a.as_arc_borrow().into();
        assert_eq!((*a, *again), (4, 4));
        assert_eq!((testing::made(), made, testing::live()), (1, 1, 1));
    }

    #[test]
    fn no_memory_no_arc() {
        testing::fail_once(0);
        assert!(Arc::new((), GFP_KERNEL).is_err());
        assert_eq!(testing::live(), 0);
    }

    #[test]
    fn numbers_are_counted() {
        use super::atomic::{Atomic, Relaxed};
        let count = Atomic::new(7_u64);
        count.add(5, Relaxed);
        assert_eq!(count.fetch_sub(10, Relaxed), 12);
        assert_eq!(count.xchg(1, Relaxed), 2);
        assert_eq!(count.load(Relaxed), 1);
        count.store(9, Relaxed);
        assert_eq!(count.load(Relaxed), 9);
    }
}
