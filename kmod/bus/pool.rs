// SPDX-License-Identifier: GPL-2.0-only

//! Values in cells that have numbers: looked up, taken and put back at a constant cost.
//!
//! Cells come in chunks. A chunk is got where memory can be waited for and brought here later; it
//! goes by itself when all in it is gone and there is enough without it. Who will need a cell
//! takes a [`Slot`] beforehand, and can then not fail to fill it.

use super::count::{decrease, expect};
use super::id::At;
use core::mem::replace;
use kernel::alloc::{AllocError, Flags};
use kernel::prelude::*;
use kernel::warn_on;

/// A cell that is free, and kept for its owner. It belongs to one pool, and is filled or given
/// back there.
#[derive(Debug)]
pub(crate) struct Slot(At);

impl Slot {
    /// Returns the number that the cell will have.
    pub(super) fn at(&self) -> At {
        self.0
    }
}

/// No position in a chunk, and no number of a chunk.
const NONE: u32 = u32::MAX;

enum Cell<T> {
    /// Free, and which one in the chunk is the next free one.
    Free(u32),
    Reserved,
    Held(T),
}

/// `N` cells, in one piece of memory.
pub(crate) struct Chunk<T, const N: usize>(KBox<Cells<T, N>>);

struct Cells<T, const N: usize> {
    /// The first free one.
    free: u32,
    used: u32,
    /// The chunks before and behind it among those that have something free.
    before: u32,
    behind: u32,
    cells: [Cell<T>; N],
}

impl<T, const N: usize> Chunk<T, N> {
    /// How much memory one takes.
    pub(crate) const BYTES: usize = size_of::<Cells<T, N>>();

    /// Returns one in which all is free.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub(crate) fn new(flags: Flags) -> Result<Self, AllocError> {
        let cells = KBox::new(
            Cells {
                free: 0,
                used: 0,
                before: NONE,
                behind: NONE,
                cells: core::array::from_fn(|at| {
                    Cell::Free(if at + 1 < N { at as u32 + 1 } else { NONE })
                }),
            },
            flags,
        );
        Ok(Chunk(cells?))
    }
}

/// Where a chunk of a pool is.
enum Place<T, const N: usize> {
    Chunk(Chunk<T, N>),
    /// Nowhere, and which one is the next place without a chunk.
    Gap(u32),
}

/// How many chunks are found by one leaf.
const IN_LEAF: usize = 16;

/// Where some chunks are, in one piece of memory.
type Leaf<T, const N: usize> = KBox<[Place<T, N>; IN_LEAF]>;

/// What the next chunk needs to be found by. Two levels, so that growing never moves many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Want {
    leaf: bool,
    /// A list for so many leaves, if not for 0.
    leaves: usize,
}

/// A chunk for a pool, and what it is to be found by.
pub(crate) struct Growth<T, const N: usize> {
    chunk: Option<Chunk<T, N>>,
    leaf: Option<Leaf<T, N>>,
    leaves: Option<KVVec<Leaf<T, N>>>,
}

impl<T, const N: usize> Growth<T, N> {
    /// Gets it.
    ///
    /// # Errors
    ///
    /// There is no memory.
    pub(crate) fn new(want: Want, flags: Flags) -> Result<Self, AllocError> {
        let leaf = match want.leaf {
            false => None,
            true => {
                let gaps = core::array::from_fn(|_| Place::Gap(NONE));
                Some(KBox::new(gaps, flags)?)
            }
        };
        let leaves = match want.leaves {
            0 => None,
            leaves => Some(KVVec::with_capacity(leaves, flags)?),
        };
        Ok(Growth {
            chunk: Some(Chunk::new(flags)?),
            leaf,
            leaves,
        })
    }
}

/// Cells that have numbers.
pub(crate) struct Pool<T, const N: usize> {
    leaves: KVVec<Leaf<T, N>>,
    /// How many places for chunks were ever in use.
    places: u32,
    /// The first of them without a chunk, and how many there are.
    first_gap: u32,
    gaps: u32,
    /// The first chunk that has something free.
    first_free: u32,
    /// How many cells are free.
    free: u32,
}

impl<T, const N: usize> Pool<T, N> {
    /// The first numbers of two neighbouring chunks are so far apart, for whoever looks one up need
    /// not divide then.
    const STRIDE: u32 = N.next_power_of_two() as u32;

    /// Returns the number of the cell at this position of a chunk.
    #[inline(always)]
    fn join(chunk: u32, at: u32) -> At {
        At(chunk * Self::STRIDE + at)
    }

    /// Returns the chunk of a cell, and its position there.
    #[inline(always)]
    fn split(At(at): At) -> (u32, u32) {
        (at / Self::STRIDE, at % Self::STRIDE)
    }

    pub(crate) fn new() -> Self {
        Pool {
            leaves: KVVec::new(),
            places: 0,
            first_gap: NONE,
            gaps: 0,
            first_free: NONE,
            free: 0,
        }
    }

    /// Returns how many cells are free.
    pub(crate) fn free(&self) -> usize {
        self.free as usize
    }

    /// Returns what the next chunk needs.
    pub(crate) fn want(&self) -> Want {
        self.want_after(0)
    }

    /// Returns what a chunk needs that comes after so many others.
    pub(crate) fn want_after(&self, others: u32) -> Want {
        let Some(new_places) = others.checked_sub(self.gaps) else {
            return Want::default();
        };
        let place = (self.places + new_places) as usize;
        let leaf = place / IN_LEAF;
        if place % IN_LEAF > 0 || leaf < self.leaves.len() {
            return Want::default();
        }
        // The others have grown the list, where they had to.
        let mut capacity = self.leaves.capacity();
        while capacity < leaf {
            capacity = larger(capacity);
        }
        Want {
            leaf: true,
            leaves: if leaf == capacity { larger(leaf) } else { 0 },
        }
    }

    /// Brings a chunk. What is not used stays where it is, to be freed when nothing is locked: all
    /// of it, if by now more is wanted than was brought.
    pub(crate) fn add(&mut self, growth: &mut Growth<T, N>) {
        let want = self.want();
        if want.leaves > 0 {
            let leaves = growth.leaves.as_mut();
            let Some(leaves) = leaves.filter(|leaves| leaves.capacity() > self.leaves.len()) else {
                return;
            };
            for leaf in self.leaves.drain_all() {
                let _ = leaves.push_within_capacity(leaf);
            }
            core::mem::swap(&mut self.leaves, leaves);
        }
        if want.leaf {
            let Some(leaf) = growth.leaf.take() else {
                return;
            };
            let _ = self.leaves.push_within_capacity(leaf);
        }
        let Some(mut chunk) = growth.chunk.take() else {
            return;
        };
        chunk.0.behind = self.first_free;
        let at = match self.first_gap {
            NONE => {
                self.places += 1;
                self.places - 1
            }
            gap => {
                decrease(&mut self.gaps, 1);
                gap
            }
        };
        if let Some(place) = self.place_mut(at) {
            if let Place::Gap(next) = replace(place, Place::Chunk(chunk)) {
                // A place that was never in use has none behind it.
                self.first_gap = next;
            }
        }
        let behind = replace(&mut self.first_free, at);
        if let Some(behind) = self.cells_mut(behind) {
            behind.before = at;
        }
        self.free += N as u32;
    }

    #[inline(always)]
    fn place_mut(&mut self, chunk: u32) -> Option<&mut Place<T, N>> {
        let leaf = self.leaves.get_mut(chunk as usize / IN_LEAF)?;
        leaf.get_mut(chunk as usize % IN_LEAF)
    }

    #[inline(always)]
    fn cells(&self, chunk: u32) -> Option<&Cells<T, N>> {
        let leaf = self.leaves.get(chunk as usize / IN_LEAF)?;
        match leaf.get(chunk as usize % IN_LEAF) {
            Some(Place::Chunk(Chunk(cells))) => Some(cells),
            _ => None,
        }
    }

    #[inline(always)]
    fn cells_mut(&mut self, chunk: u32) -> Option<&mut Cells<T, N>> {
        match self.place_mut(chunk) {
            Some(Place::Chunk(Chunk(cells))) => Some(cells),
            _ => None,
        }
    }

    /// Returns what is in a cell.
    #[inline(always)]
    pub(crate) fn get(&self, at: At) -> Option<&T> {
        let (chunk, at) = Self::split(at);
        match self.cells(chunk)?.cells.get(at as usize) {
            Some(Cell::Held(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns what is in a cell, to be changed.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, at: At) -> Option<&mut T> {
        let (chunk, at) = Self::split(at);
        match self.cells_mut(chunk)?.cells.get_mut(at as usize) {
            Some(Cell::Held(value)) => Some(value),
            _ => None,
        }
    }

    /// Returns which cell will be taken next, if one is free.
    pub(crate) fn next(&self) -> Option<At> {
        let cells = self.cells(self.first_free)?;
        Some(Self::join(self.first_free, cells.free))
    }

    /// Takes a cell, if one is free.
    #[inline(always)]
    pub(crate) fn reserve(&mut self) -> Option<Slot> {
        let chunk = self.first_free;
        let cells = self.cells_mut(chunk)?;
        let at = cells.free;
        let cell = cells.cells.get_mut(at as usize)?;
        let &mut Cell::Free(next) = cell else {
            return None;
        };
        *cell = Cell::Reserved;
        cells.free = next;
        cells.used += 1;
        if next == NONE {
            self.first_free = replace(&mut cells.behind, NONE);
            if let Some(first) = self.cells_mut(self.first_free) {
                first.before = NONE;
            }
        }
        self.free -= 1;
        Some(Slot(Self::join(chunk, at)))
    }

    /// Fills the cell that was taken, with what is made there and then, so that it need not be
    /// moved.
    #[inline(always)]
    pub(crate) fn fill(&mut self, Slot(at): Slot, make: impl FnOnce() -> T) {
        let (chunk, at) = Self::split(at);
        let cells = self.cells_mut(chunk);
        let cell = cells.and_then(|cells| cells.cells.get_mut(at as usize));
        if let Some(cell) = expect(cell.filter(|cell| matches!(cell, Cell::Reserved))) {
            *cell = Cell::Held(make());
        }
    }

    /// Gives a cell back that was taken and is not needed. Its chunk stays: whoever took it will
    /// want as many again.
    pub(crate) fn give_back(&mut self, Slot(at): Slot) {
        let was = self.empty(at);
        warn_on!(!matches!(was, Some((Cell::Reserved, _))));
    }

    /// Takes what is in a cell. The cell is free.
    #[inline(always)]
    pub(crate) fn remove(&mut self, at: At) -> Option<T> {
        let (was, unused) = self.empty(at)?;
        if unused && self.free as usize >= 2 * N {
            self.drop_chunk(Self::split(at).0);
        }
        match was {
            Cell::Held(value) => Some(value),
            _ => None,
        }
    }

    /// Makes a cell a free one. Returns what it was, and whether all of its chunk is free.
    #[inline(always)]
    fn empty(&mut self, at: At) -> Option<(Cell<T>, bool)> {
        let (chunk, at) = Self::split(at);
        let first = self.first_free;
        let cells = self.cells_mut(chunk)?;
        let free = cells.free;
        let cell = cells.cells.get_mut(at as usize)?;
        if let Cell::Free(_) = cell {
            return None;
        }
        let was = replace(cell, Cell::Free(free));
        cells.free = at;
        cells.used -= 1;
        let unused = cells.used == 0;
        if free == NONE {
            cells.behind = first;
            self.first_free = chunk;
            if let Some(first) = self.cells_mut(first) {
                first.before = chunk;
            }
        }
        self.free += 1;
        Some((was, unused))
    }

    /// Frees a chunk in which all is free.
    #[cold]
    fn drop_chunk(&mut self, chunk: u32) {
        let gap = Place::Gap(self.first_gap);
        let Some(place) = self.place_mut(chunk) else {
            return;
        };
        let Place::Chunk(Chunk(cells)) = replace(place, gap) else {
            return;
        };
        self.first_gap = chunk;
        self.gaps += 1;
        match self.cells_mut(cells.before) {
            Some(before) => before.behind = cells.behind,
            None => self.first_free = cells.behind,
        }
        if let Some(behind) = self.cells_mut(cells.behind) {
            behind.before = cells.before;
        }
        decrease(&mut self.free, N as u32);
    }
}

/// Returns for how many leaves the next list is.
fn larger(leaves: usize) -> usize {
    (2 * leaves).max(2)
}
