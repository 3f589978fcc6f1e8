// SPDX-License-Identifier: GPL-2.0-only
//! What stands for the module's trace points on the host: they are off. What they say is tested in
//! `tests/system`.

macro_rules! points {
    ($($is_on:ident, $hit:ident($($type:ty),*);)*) => {$(
        pub(crate) fn $is_on() -> bool {
            false
        }

        #[allow(clippy::too_many_arguments)]
        pub(crate) fn $hit($(_: $type),*) {}
    )*};
}

points! {
    bind_is_on, bind(u32, u32, bool, &[u8]);
    unbind_is_on, unbind(u32, u32, bool, &[u8]);
    close_is_on, close(u32, u32);
    route_is_on, route(u32, u32, u32, u32, u32, u32, u32, &[u8]);
    queue_is_on, queue(u32, u32, u32, u32, u32);
    skip_is_on, skip(u32, u32, u32, &[u8]);
    answer_is_on, answer(u32, u32, u32, u32, u32, bool);
}
