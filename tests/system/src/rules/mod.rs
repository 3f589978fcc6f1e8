// SPDX-License-Identifier: GPL-2.0-only
//! Sections 2 to 9 of the specification where neither section 11 nor the rules
//! of `tests/conformance` reach: bytes, descriptors, sleeping and waking.

mod ioctls;
mod names;
mod polling;
mod proc;
mod reading;
mod ring;
mod sending;
mod waiting;
mod writing;

pub use polling::{await_sleep, Epoll};
pub use reading::{
    read_efault_does_not_advance, read_efault_in_the_middle_delivers_what_fits,
    read_lenleft_is_true_at_every_byte,
};
pub use waiting::{waiting_epoll_added_while_idle, waiting_epoll_edge};

use crate::harness::Test;
use crate::raw::errno;

pub const ALL: &[&[Test]] = &[
    names::TESTS,
    writing::TESTS,
    reading::TESTS,
    ring::TESTS,
    polling::TESTS,
    ioctls::TESTS,
    sending::TESTS,
    waiting::TESTS,
    proc::TESTS,
];

pub const PAGE: usize = 4096;

/// Memory of whole pages, with any protection.
pub struct Pages {
    pub start: *mut u8,
    pages: usize,
}

impl Pages {
    pub fn new(pages: usize, protection: i32) -> Pages {
        // SAFETY: fresh memory wherever there is room.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                pages * PAGE,
                protection,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert!(p != libc::MAP_FAILED, "mmap: {:?}", errno());
        Pages {
            start: p.cast(),
            pages,
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped in new.
        unsafe { libc::munmap(self.start.cast(), self.pages * PAGE) };
    }
}

/// A page with nothing after it.
pub struct PageEnd(Pages);

impl PageEnd {
    pub fn new() -> PageEnd {
        let pages = Pages::new(2, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: the second page of our own two.
        let r = unsafe { libc::mprotect(pages.start.add(PAGE).cast(), PAGE, libc::PROT_NONE) };
        assert!(r == 0, "mprotect: {:?}", errno());
        PageEnd(pages)
    }

    /// These bytes, the last of them the last of the page.
    pub fn put(&self, bytes: &[u8]) -> *const u8 {
        // SAFETY: at most a page, ending where our page ends.
        unsafe {
            let p = self.0.start.add(PAGE - bytes.len());
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), p, bytes.len());
            p
        }
    }
}
