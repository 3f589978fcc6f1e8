// SPDX-License-Identifier: GPL-2.0-only
//! `kernel::alloc::kvec`: a growable array whose growth may be refused.
//!
//! The capacity is the one the kernel's vector would have, not the one std's happens to have:
//! room that was not asked for is not there.

use super::{allocator, AllocError, Allocator, Flags};
use crate::{
    error::{code::EINVAL, Error},
    testing::Held,
};
use core::{
    borrow::{Borrow, BorrowMut},
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut, Index, IndexMut},
    slice::{self, SliceIndex},
};
use std::vec::Vec as StdVec;

/// A vector in memory got from `A`.
pub struct Vec<T, A: Allocator> {
    items: StdVec<T>,
    capacity: usize,
    held: Held,
    _p: PhantomData<A>,
}

pub type KVec<T> = Vec<T, allocator::Kmalloc>;
pub type VVec<T> = Vec<T, allocator::Vmalloc>;
pub type KVVec<T> = Vec<T, allocator::KVmalloc>;

impl<T, A: Allocator> Vec<T, A> {
    const ZERO_SIZED: bool = size_of::<T>() == 0;

    pub const fn new() -> Self {
        Vec {
            items: StdVec::new(),
            capacity: 0,
            held: Held::nothing(),
            _p: PhantomData,
        }
    }

    pub fn with_capacity(capacity: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut v = Vec::new();
        v.reserve(capacity, flags)?;
        Ok(v)
    }

    pub const fn capacity(&self) -> usize {
        if Self::ZERO_SIZED {
            usize::MAX
        } else {
            self.capacity
        }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn as_slice(&self) -> &[T] {
        self
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }

    pub fn reserve(&mut self, additional: usize, flags: Flags) -> Result<(), AllocError> {
        let (len, capacity) = (self.len(), self.capacity());
        if capacity - len >= additional {
            return Ok(());
        }
        if Self::ZERO_SIZED {
            return Err(AllocError);
        }
        let wanted = len.checked_add(additional).ok_or(AllocError)?;
        let capacity = wanted.max(capacity * 2);
        let bytes = capacity.checked_mul(size_of::<T>()).ok_or(AllocError)?;
        if bytes > A::LARGEST {
            return Err(AllocError);
        }
        self.held.resize(bytes, flags)?;
        self.items.reserve_exact(capacity - len);
        self.capacity = capacity;
        Ok(())
    }

    pub fn push(&mut self, v: T, flags: Flags) -> Result<(), AllocError> {
        self.reserve(1, flags)?;
        self.items.push(v);
        Ok(())
    }

    pub fn push_within_capacity(&mut self, v: T) -> Result<(), PushError<T>> {
        if self.len() == self.capacity() {
            return Err(PushError(v));
        }
        self.items.push(v);
        Ok(())
    }

    pub fn insert_within_capacity(
        &mut self,
        index: usize,
        element: T,
    ) -> Result<(), InsertError<T>> {
        if index > self.len() {
            return Err(InsertError::IndexOutOfBounds(element));
        }
        if self.len() == self.capacity() {
            return Err(InsertError::OutOfCapacity(element));
        }
        self.items.insert(index, element);
        Ok(())
    }

    pub fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    pub fn remove(&mut self, i: usize) -> Result<T, RemoveError> {
        if i >= self.len() {
            return Err(RemoveError);
        }
        Ok(self.items.remove(i))
    }

    pub fn clear(&mut self) {
        self.items.clear();
    }

    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }

    pub fn retain(&mut self, f: impl FnMut(&mut T) -> bool) {
        self.items.retain_mut(f);
    }

    pub fn drain_all(&mut self) -> DrainAll<'_, T> {
        DrainAll {
            items: self.items.drain(..),
        }
    }
}

impl<T: Clone, A: Allocator> Vec<T, A> {
    pub fn extend_with(&mut self, n: usize, value: T, flags: Flags) -> Result<(), AllocError> {
        if n == 0 {
            return Ok(());
        }
        self.reserve(n, flags)?;
        self.items.resize(self.items.len() + n, value);
        Ok(())
    }

    pub fn extend_from_slice(&mut self, other: &[T], flags: Flags) -> Result<(), AllocError> {
        self.reserve(other.len(), flags)?;
        self.items.extend_from_slice(other);
        Ok(())
    }

    pub fn from_elem(value: T, n: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut v = Self::with_capacity(n, flags)?;
        v.extend_with(n, value, flags)?;
        Ok(v)
    }

    pub fn resize(&mut self, new_len: usize, value: T, flags: Flags) -> Result<(), AllocError> {
        match new_len.checked_sub(self.len()) {
            Some(n) => self.extend_with(n, value, flags),
            None => {
                self.truncate(new_len);
                Ok(())
            }
        }
    }
}

impl<T, A: Allocator> Default for Vec<T, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for Vec<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T, A: Allocator> Deref for Vec<T, A> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T, A: Allocator> DerefMut for Vec<T, A> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

impl<T, A: Allocator> Borrow<[T]> for Vec<T, A> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, A: Allocator> BorrowMut<[T]> for Vec<T, A> {
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, I: SliceIndex<[T]>, A: Allocator> Index<I> for Vec<T, A> {
    type Output = I::Output;

    fn index(&self, index: I) -> &I::Output {
        &(**self)[index]
    }
}

impl<T, I: SliceIndex<[T]>, A: Allocator> IndexMut<I> for Vec<T, A> {
    fn index_mut(&mut self, index: I) -> &mut I::Output {
        &mut (**self)[index]
    }
}

impl<T: Eq, A: Allocator> Eq for Vec<T, A> {}

macro_rules! equal_as_slices {
    ($([$($vars:tt)*] $left:ty, $right:ty;)*) => {
        $(
            impl<T: PartialEq<U>, U, $($vars)*> PartialEq<$right> for $left {
                fn eq(&self, other: &$right) -> bool {
                    self[..] == other[..]
                }
            }
        )*
    };
}

equal_as_slices! {
    [A: Allocator, B: Allocator] Vec<T, A>, Vec<U, B>;
    [A: Allocator] Vec<T, A>, &[U];
    [A: Allocator] Vec<T, A>, &mut [U];
    [A: Allocator] &[T], Vec<U, A>;
    [A: Allocator] &mut [T], Vec<U, A>;
    [A: Allocator] Vec<T, A>, [U];
    [A: Allocator] [T], Vec<U, A>;
    [A: Allocator, const N: usize] Vec<T, A>, [U; N];
    [A: Allocator, const N: usize] Vec<T, A>, &[U; N];
}

impl<'a, T, A: Allocator> IntoIterator for &'a Vec<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a mut Vec<T, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}

impl<T, A: Allocator> IntoIterator for Vec<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    fn into_iter(self) -> IntoIter<T, A> {
        IntoIter {
            items: self.items.into_iter(),
            _held: self.held,
            _p: PhantomData,
        }
    }
}

/// The items of a vector, one by one. The memory is given back at the end.
pub struct IntoIter<T, A: Allocator> {
    items: std::vec::IntoIter<T>,
    _held: Held,
    _p: PhantomData<A>,
}

impl<T, A: Allocator> Iterator for IntoIter<T, A> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// The items of a vector that keeps its memory.
pub struct DrainAll<'vec, T> {
    items: std::vec::Drain<'vec, T>,
}

impl<T> Iterator for DrainAll<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// The vector is full; the item comes back.
pub struct PushError<T>(pub T);

/// There is no such item.
pub struct RemoveError;

/// The item could not be put there, and comes back.
pub enum InsertError<T> {
    IndexOutOfBounds(T),
    OutOfCapacity(T),
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Not enough capacity")
    }
}

impl fmt::Debug for RemoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Index out of bounds")
    }
}

impl<T> fmt::Debug for InsertError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InsertError::IndexOutOfBounds(_) => "Index out of bounds",
            InsertError::OutOfCapacity(_) => "Not enough capacity",
        })
    }
}

impl<T> From<PushError<T>> for Error {
    fn from(_: PushError<T>) -> Error {
        EINVAL
    }
}

impl From<RemoveError> for Error {
    fn from(_: RemoveError) -> Error {
        EINVAL
    }
}

impl<T> From<InsertError<T>> for Error {
    fn from(_: InsertError<T>) -> Error {
        EINVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::flags::*;
    use crate::testing;

    #[test]
    fn grows_as_the_kernel_does() {
        let mut v = KVec::new();
        let mut capacities = StdVec::new();
        for i in 0..6_u32 {
            v.push(i, GFP_KERNEL).unwrap();
            capacities.push(v.capacity());
        }
        assert_eq!(capacities, [1, 2, 4, 4, 8, 8]);
        assert_eq!(v, [0, 1, 2, 3, 4, 5]);
        assert_eq!((testing::made(), testing::live()), (4, 1));
        assert_eq!(testing::live_bytes(), 32);
        drop(v);
        assert_eq!((testing::live(), testing::live_bytes()), (0, 0));
    }

    #[test]
    fn room_that_was_not_asked_for_is_not_there() {
        let mut v = KVec::with_capacity(2, GFP_KERNEL).unwrap();
        assert!(v.push_within_capacity('a').is_ok());
        assert!(v.insert_within_capacity(0, 'b').is_ok());
        assert!(matches!(v.push_within_capacity('c'), Err(PushError('c'))));
        assert!(matches!(
            v.insert_within_capacity(0, 'c'),
            Err(InsertError::OutOfCapacity('c'))
        ));
        assert!(matches!(
            v.insert_within_capacity(3, 'c'),
            Err(InsertError::IndexOutOfBounds('c'))
        ));
        assert_eq!(v, ['b', 'a']);
        assert_eq!(v.pop(), Some('a'));
        assert!(v.push_within_capacity('c').is_ok());
    }

    #[test]
    fn a_refused_growth_changes_nothing() {
        let mut v = KVec::new();
        v.extend_from_slice(&[1, 2], GFP_KERNEL).unwrap();
        testing::fail_once(0);
        assert_eq!(v.push(3, GFP_KERNEL), Err(AllocError));
        assert_eq!((v.len(), v.capacity(), testing::refused()), (2, 2, 1));
        v.push(3, GFP_KERNEL).unwrap();
        assert_eq!(v, [1, 2, 3]);
    }

    #[test]
    fn emptying_keeps_the_memory() {
        let mut v = KVec::new();
        v.resize(4, 7, GFP_KERNEL).unwrap();
        assert_eq!(v.drain_all().count(), 4);
        assert_eq!((v.len(), v.capacity(), testing::live()), (0, 4, 1));
        v.resize(3, 7, GFP_KERNEL).unwrap();
        v.truncate(1);
        v.clear();
        assert_eq!((v.len(), v.capacity(), testing::made()), (0, 4, 1));
    }

    #[test]
    fn items_leave_one_by_one() {
        let v = KVec::from_elem(
            KVec::<u8>::from_elem(1, 3, GFP_KERNEL).unwrap(),
            0,
            GFP_KERNEL,
        );
        assert!(v.is_ok_and(|v| v.is_empty()));
        let mut v = KVec::new();
        for i in 0..3_u8 {
            v.push(KVec::from_elem(i, 2, GFP_KERNEL).unwrap(), GFP_KERNEL)
                .unwrap();
        }
        assert_eq!(testing::live(), 4);
        let mut left = v.into_iter();
        assert_eq!(left.next().unwrap(), [0, 0]);
        assert_eq!(testing::live(), 3);
        drop(left);
        assert_eq!(testing::live(), 0);
    }

    impl Clone for KVec<u8> {
        fn clone(&self) -> Self {
            unreachable!("only so that from_elem can be asked for none")
        }
    }

    #[test]
    fn zero_sized_items_need_no_memory() {
        let mut v = KVec::new();
        for _ in 0..100 {
            v.push((), GFP_KERNEL).unwrap();
        }
        assert_eq!(
            (v.len(), v.capacity(), testing::made()),
            (100, usize::MAX, 0)
        );
    }

    #[test]
    fn kmalloc_has_an_end_and_kvmalloc_has_not() {
        assert!(KVec::<u8>::with_capacity(5 << 20, GFP_KERNEL).is_err());
        assert!(KVVec::<u8>::with_capacity(5 << 20, GFP_KERNEL).is_ok());
        assert!(KVVec::<u64>::with_capacity(usize::MAX, GFP_KERNEL).is_err());
    }

    #[test]
    fn picking_and_choosing() {
        let mut v = KVVec::new();
        v.extend_from_slice(&[5, 6, 7, 8], GFP_KERNEL).unwrap();
        assert_eq!(v.remove(1).unwrap(), 6);
        assert!(v.remove(3).is_err());
        v.retain(|x| *x != 7);
        assert_eq!(v, [5, 8]);
        v[0] = 1;
        v.swap(0, 1);
        assert_eq!((&v).into_iter().copied().collect::<StdVec<_>>(), [8, 1]);
        for x in &mut v {
            *x += 1;
        }
        assert_eq!(v.as_slice(), [9, 2]);
    }
}
