// SPDX-License-Identifier: GPL-2.0

//! Trace points, which C makes (trace.h). One that is off costs an instruction that does nothing.
//!
//! `kernel::tracepoint` knows only those that are in the kernel's own bindings. Unnecessary once
//! it knows those of a module.

use super::shim;
#[cfg(CONFIG_TRACEPOINTS)]
use kernel::bindings::tracepoint;

macro_rules! trace {
    ($point:ident($($argument:expr),* $(,)?)) => {{
        #[cfg(CONFIG_TRACEPOINTS)]
        kernel::macros::paste! {
            // SAFETY: The key is that of a trace point, which C has made.
            let is_on = unsafe {
                kernel::jump_label::static_branch_unlikely!(
                    shim::[<__tracepoint_ $point>],
                    tracepoint,
                    key
                )
            };
            if is_on {
                // SAFETY: It reads what it is given, and is given names with their lengths.
                unsafe { shim::[<rust_do_trace_ $point>]($($argument),*) };
            }
        }
        #[cfg(not(CONFIG_TRACEPOINTS))]
        let _ = ($($argument),*);
    }};
}

#[inline(always)]
pub(crate) fn bind(bus: u32, ksock: u32, replier: bool, name: &[u8]) {
    trace!(kbus_bind(
        bus,
        ksock,
        replier,
        name.as_ptr(),
        name.len() as u32
    ));
}

#[inline(always)]
pub(crate) fn unbind(bus: u32, ksock: u32, replier: bool, name: &[u8]) {
    trace!(kbus_unbind(
        bus,
        ksock,
        replier,
        name.as_ptr(),
        name.len() as u32
    ));
}

#[inline(always)]
pub(crate) fn close(bus: u32, ksock: u32) {
    trace!(kbus_close(bus, ksock));
}

#[inline(always)]
pub(crate) fn route(
    bus: u32,
    ksock: u32,
    (network, serial): (u32, u32),
    flags: u32,
    to: u32,
    verdict: u32,
    name: &[u8],
) {
    trace!(kbus_route(
        bus,
        ksock,
        network,
        serial,
        flags,
        to,
        verdict,
        name.as_ptr(),
        name.len() as u32
    ));
}

#[inline(always)]
pub(crate) fn queue(bus: u32, ksock: u32, (network, serial): (u32, u32), queued: u32) {
    trace!(kbus_queue(bus, ksock, network, serial, queued));
}

#[inline(always)]
pub(crate) fn skip(bus: u32, ksock: u32, why: u32, name: &[u8]) {
    trace!(kbus_skip(bus, ksock, why, name.as_ptr(), name.len() as u32));
}

#[inline(always)]
pub(crate) fn answer(
    bus: u32,
    ksock: u32,
    requester: u32,
    (network, serial): (u32, u32),
    by_bus: bool,
) {
    trace!(kbus_answer(bus, ksock, requester, network, serial, by_bus));
}
