// SPDX-License-Identifier: GPL-2.0-only

//! Error numbers that `kernel::error::code` of 7.2 lacks; that of 7.3 has them.

use kernel::bindings;
use kernel::error::Error;

macro_rules! errno {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`.")]
            #[allow(non_snake_case)]
            pub(crate) fn $name() -> Error {
                Error::from_errno(-(bindings::$name as i32))
            }
        )*
    };
}

errno! {
    EADDRINUSE EADDRNOTAVAIL EALREADY EBADMSG ECONNREFUSED EDQUOT ENAMETOOLONG ENOLCK ENOMSG
}
