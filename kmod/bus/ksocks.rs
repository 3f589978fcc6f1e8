// SPDX-License-Identifier: GPL-2.0-only

//! The Ksocks of one bus: found by their ids at a constant cost, and in the order of their
//! numbers.

use super::count::{decrease, expect};
use super::error::BusError;
use super::id::{At, KsockId};
use super::ksock::Ksock;
use super::pool::{self, Pool};
use super::reserve::node;
use kernel::prelude::*;
use kernel::rbtree::{CursorMut, RBTree, RBTreeNode, RBTreeNodeReservation};

/// So many Ksocks are found by one piece of memory of 1,024 bytes.
const IN_CHUNK: usize = 32;

/// Cells for Ksocks.
pub(crate) type Growth<N> = pool::Growth<Member<N>, IN_CHUNK>;

/// A Ksock, and whether it still is one.
pub(crate) struct Member<N> {
    /// Its number, or 0 when it is being closed: nothing comes to it any more, and its number is
    /// not given out.
    number: u32,
    ksock: KBox<Ksock<N>>,
}

/// The memory for one Ksock.
pub(crate) struct MemberReservation<N> {
    ksock: KBox<Ksock<N>>,
    number: RBTreeNodeReservation<KsockId, ()>,
}

impl<N> MemberReservation<N> {
    /// Gets it, for this Ksock.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(super) fn new(ksock: Ksock<N>) -> Result<Self, BusError> {
        let ksock = KBox::new(ksock, GFP_KERNEL_ACCOUNT);
        Ok(MemberReservation {
            ksock: ksock.map_err(|_| BusError::NoMemory)?,
            number: node()?,
        })
    }

    pub(super) fn ksock(&self) -> &Ksock<N> {
        &self.ksock
    }
}

/// What is left of a Ksock that was closed, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Closed<N> {
    ksock: KBox<Ksock<N>>,
    number: Option<RBTreeNode<KsockId, ()>>,
}

/// The Ksocks of one bus.
pub(crate) struct Ksocks<N> {
    numbers: RBTree<KsockId, ()>,
    pub(super) cells: Pool<Member<N>, IN_CHUNK>,
    /// How many are being closed.
    closing: u32,
}

impl<N> Ksocks<N> {
    pub(super) fn new() -> Self {
        Ksocks {
            numbers: RBTree::new(),
            cells: Pool::new(),
            closing: 0,
        }
    }

    /// Returns a Ksock, unless it is being closed or gone.
    #[inline]
    pub(crate) fn get(&self, id: KsockId) -> Option<&Ksock<N>> {
        let member = self.cells.get(id.at)?;
        (member.number == id.get()).then_some(&*member.ksock)
    }

    /// Returns a Ksock to be changed, unless it is being closed or gone.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: KsockId) -> Option<&mut Ksock<N>> {
        let member = self.cells.get_mut(id.at)?;
        (member.number == id.get()).then_some(&mut *member.ksock)
    }

    /// Returns a Ksock that was found under the same lock, and so is still there.
    #[inline]
    pub(super) fn present(&mut self, id: KsockId) -> Option<&mut Ksock<N>> {
        expect(self.get_mut(id))
    }

    /// Returns the id of the Ksock with this number, unless it is being closed or gone.
    pub(crate) fn find(&self, number: u32) -> Option<KsockId> {
        let id = self.numbered(number)?;
        self.get(id).map(|_| id)
    }

    fn numbered(&self, number: u32) -> Option<KsockId> {
        let lowest = KsockId::new(number, At(0))?;
        let (&id, ()) = self.numbers.cursor_lower_bound(&lowest)?.current();
        (id.get() == number).then_some(id)
    }

    /// Returns whether there is something with this number, and be it closing.
    pub(super) fn is_taken(&self, number: u32) -> bool {
        self.numbered(number).is_some()
    }

    /// Returns the first Ksock at or behind this one, in the order of their numbers; it may be
    /// closing.
    pub(super) fn at_or_behind(&self, id: KsockId) -> Option<KsockId> {
        Some(*self.numbers.cursor_lower_bound(&id)?.current().0)
    }

    /// Returns the first Ksock behind this one; it may be closing.
    pub(super) fn behind(&mut self, id: KsockId) -> Option<KsockId> {
        let here = self.numbers.cursor_lower_bound_mut(&id)?;
        let here = match *here.current().0 == id {
            true => here.move_next()?,
            false => here,
        };
        Some(*here.current().0)
    }

    /// Returns the last Ksock before this one, or of all; it may be closing.
    pub(super) fn before(&mut self, id: Option<KsockId>) -> Option<KsockId> {
        let last = match id {
            Some(id) => last_below(&mut self.numbers, &id),
            None => self.numbers.cursor_back_mut(),
        };
        Some(*last?.current().0)
    }

    /// Adds a Ksock under a number that is free, if there is a cell for it.
    ///
    /// # Errors
    ///
    /// What was given, if there is none.
    pub(super) fn insert(
        &mut self,
        number: u32,
        new: MemberReservation<N>,
    ) -> Result<KsockId, MemberReservation<N>> {
        let Some(slot) = self.cells.reserve() else {
            return Err(new);
        };
        let Some(id) = KsockId::new(number, slot.at()) else {
            self.cells.give_back(slot);
            return Err(new);
        };
        self.numbers.insert(new.number.into_node(id, ()));
        let ksock = new.ksock;
        self.cells.fill(slot, || Member { number, ksock });
        Ok(id)
    }

    /// Makes a Ksock one that is being closed. Returns it.
    pub(super) fn begin_to_close(&mut self, id: KsockId) -> Option<&mut Ksock<N>> {
        let member = self.cells.get_mut(id.at)?;
        if member.number != id.get() {
            return None;
        }
        member.number = 0;
        self.closing += 1;
        Some(&mut member.ksock)
    }

    /// Takes a Ksock away that was being closed. Its number is free.
    pub(super) fn end_closing(&mut self, id: KsockId) -> Option<Closed<N>> {
        let Member { ksock, .. } = expect(self.cells.remove(id.at))?;
        decrease(&mut self.closing, 1);
        Some(Closed {
            ksock,
            number: expect(self.numbers.remove_node(&id)),
        })
    }

    /// Returns whether some are being closed.
    pub(super) fn some_are_closing(&self) -> bool {
        self.closing > 0
    }

    /// Returns a Ksock that is being closed.
    pub(super) fn closing(&self, id: KsockId) -> Option<&Ksock<N>> {
        let member = self.cells.get(id.at)?;
        let is_closing = member.number == 0 && self.is_taken(id.get());
        is_closing.then_some(&*member.ksock)
    }
}

/// Returns a cursor at the last key below `key`.
fn last_below<'a, K: Ord, V>(tree: &'a mut RBTree<K, V>, key: &K) -> Option<CursorMut<'a, K, V>> {
    // The tree is asked twice, since a cursor that was found cannot be given up for another.
    if tree.cursor_lower_bound(key).is_none() {
        return tree.cursor_back_mut();
    }
    tree.cursor_lower_bound_mut(key)?.move_prev()
}
