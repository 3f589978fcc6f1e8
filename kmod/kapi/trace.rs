// SPDX-License-Identifier: GPL-2.0-only

//! Trace points, which C makes (trace.h). Each has a function that says whether it is on, which
//! costs an instruction that does nothing while it is off, and one that hits it.
//!
//! `kernel::tracepoint` knows only those that are in the kernel's own bindings. Unnecessary once
//! it knows those of a module.

use super::shim;

/// A name as C takes it.
type Name<'a> = &'a [u8];

macro_rules! points {
    ($($point:ident: $is_on:ident, $hit:ident(
        $($argument:ident: $type:ty),* $(; $name:ident)?
    );)*) => {$(
        /// Whether it is on.
        #[inline(always)]
        pub(crate) fn $is_on() -> bool {
            #[cfg(CONFIG_TRACEPOINTS)]
            kernel::macros::paste! {
                // SAFETY: The key is that of a trace point, which C has made.
                unsafe {
                    kernel::jump_label::static_branch_unlikely!(
                        shim::[<__tracepoint_ $point>],
                        kernel::bindings::tracepoint,
                        key
                    )
                }
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            false
        }

        /// Hits it.
        #[cold]
        #[allow(clippy::too_many_arguments, reason = "as many as are traced")]
        pub(crate) fn $hit($($argument: $type,)* $($name: Name<'_>)?) {
            #[cfg(CONFIG_TRACEPOINTS)]
            kernel::macros::paste! {
                // SAFETY: It reads what it is given, and is given names with their lengths.
                unsafe {
                    shim::[<rust_do_trace_ $point>](
                        $($argument,)* $($name.as_ptr(), $name.len() as u32)?
                    )
                }
            }
            #[cfg(not(CONFIG_TRACEPOINTS))]
            let _ = ($($argument,)* $($name)?);
        }
    )*};
}

points! {
    kbus_bind: bind_is_on, bind(bus: u32, ksock: u32, replier: bool; name);
    kbus_unbind: unbind_is_on, unbind(bus: u32, ksock: u32, replier: bool; name);
    kbus_close: close_is_on, close(bus: u32, ksock: u32);
    kbus_route: route_is_on, route(
        bus: u32, ksock: u32, network: u32, serial: u32, flags: u32, to: u32, verdict: u32; name
    );
    kbus_queue: queue_is_on, queue(
        bus: u32, ksock: u32, network: u32, serial: u32, queued: u32
    );
    kbus_skip: skip_is_on, skip(bus: u32, ksock: u32, why: u32; name);
    kbus_answer: answer_is_on, answer(
        bus: u32, ksock: u32, requester: u32, network: u32, serial: u32, by_bus: bool
    );
}
