// SPDX-License-Identifier: GPL-2.0-only

//! Module parameters that can be read below `/sys/module`.
//!
//! Those of the `module!` macro cannot (7.2). Unnecessary once they can.

use kernel::bindings;
use kernel::error::{from_result, to_result};
use kernel::ffi::{c_char, c_int};
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};

/// A number that is given when the module is loaded, and may change afterwards.
pub(crate) struct Number {
    value: Atomic<u32>,
    least: u32,
    most: u32,
    /// Shown, and meant, in octal.
    octal: bool,
}

impl Number {
    /// A number from `least` to `most`; loading with any other fails with EINVAL.
    pub(crate) const fn new(default: u32, least: u32, most: u32) -> Self {
        Number {
            value: Atomic::new(default),
            least,
            most,
            octal: false,
        }
    }

    /// Shown in octal, as permissions are.
    pub(crate) const fn octal(self) -> Self {
        Number {
            octal: true,
            ..self
        }
    }

    /// Returns the number.
    pub(crate) fn get(&self) -> u32 {
        self.value.load(Relaxed)
    }

    /// Changes the number, and what `/sys/module` shows.
    pub(crate) fn set(&self, value: u32) {
        self.value.store(value, Relaxed);
    }
}

/// A `kernel_param` where the loader finds it.
///
/// # Invariants
///
/// Its argument points to a static [`Number`], its operations are `OPERATIONS`.
#[repr(transparent)]
pub(crate) struct Declared(bindings::kernel_param);

// SAFETY: It is only read, by C.
unsafe impl Sync for Declared {}

impl Declared {
    /// Everybody may read it below `/sys/module`.
    pub(crate) const READABLE: u16 = 0o444;

    /// Root may change it there, too.
    #[cfg(kbus_probe)]
    pub(crate) const CHANGEABLE: u16 = 0o644;

    /// One with these permissions below `/sys/module`.
    pub(crate) const fn new(name: &'static CStr, number: &'static Number, perm: u16) -> Self {
        // INVARIANT: Both are set here.
        Declared(bindings::kernel_param {
            name: kernel::str::as_char_ptr_in_const_context(name),
            mod_: super::this_module(),
            ops: &OPERATIONS,
            perm,
            level: -1,
            flags: 0,
            __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                arg: core::ptr::from_ref(number).cast_mut().cast(),
            },
        })
    }
}

static OPERATIONS: bindings::kernel_param_ops = bindings::kernel_param_ops {
    flags: 0,
    set: Some(set),
    get: Some(get),
    free: None,
};

/// # Safety
///
/// `param` is one that [`Declared::new`] made.
unsafe fn number<'a>(param: *const bindings::kernel_param) -> &'a Number {
    // SAFETY: By the invariant of `Declared` it points to a static.
    unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Number>() }
}

/// The `set` of `OPERATIONS`.
///
/// # Safety
///
/// The module loader calls it, with a string or null, and a parameter of [`Declared`].
unsafe extern "C" fn set(value: *const c_char, param: *const bindings::kernel_param) -> c_int {
    from_result(|| {
        // SAFETY: The loader calls this for parameters that were declared above.
        let number = unsafe { number(param) };
        let mut given = 0;
        if value.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: The value is a string, `given` may be written. Base 0: 0x is hexadecimal, 0
        // octal.
        to_result(unsafe { bindings::kstrtouint(value, 0, &mut given) }).map_err(|_| EINVAL)?;
        if given < number.least || given > number.most {
            return Err(EINVAL);
        }
        number.set(given);
        Ok(0)
    })
}

/// The `get` of `OPERATIONS`.
///
/// # Safety
///
/// sysfs calls it, with a page to fill and a parameter of [`Declared`].
unsafe extern "C" fn get(buffer: *mut c_char, param: *const bindings::kernel_param) -> c_int {
    // SAFETY: sysfs calls this for parameters that were declared above.
    let number = unsafe { number(param) };
    let format = if number.octal { c"%#o\n" } else { c"%u\n" };
    // SAFETY: The buffer is sysfs's page; the format takes one unsigned number.
    unsafe { bindings::sysfs_emit(buffer, format.as_char_ptr(), number.get()) }
}

/// Declares a parameter: `parameter!(name, NUMBER, "name", "what it is");`. Behind it there may
/// be other permissions than [`Declared::READABLE`].
macro_rules! parameter {
    ($declared:ident, $number:expr, $name:literal, $description:literal) => {
        $crate::kapi::param::parameter!($declared, $number, $name, $description, READABLE);
    };
    ($declared:ident, $number:expr, $name:literal, $description:literal, $perm:ident) => {
        const _: () = {
            #[link_section = "__param"]
            #[used]
            static $declared: $crate::kapi::param::Declared = $crate::kapi::param::Declared::new(
                {
                    const NAME: &core::ffi::CStr =
                        match core::ffi::CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes())
                        {
                            Ok(name) => name,
                            Err(_) => c"",
                        };
                    NAME
                },
                &$number,
                $crate::kapi::param::Declared::$perm,
            );

            const PARM: &str = concat!("parm=", $name, ":", $description, "\0");
            #[link_section = ".modinfo"]
            #[used]
            static INFO: [u8; PARM.len()] = $crate::kapi::param::bytes(PARM);

            const TYPE: &str = concat!("parmtype=", $name, ":uint\0");
            #[link_section = ".modinfo"]
            #[used]
            static KIND: [u8; TYPE.len()] = $crate::kapi::param::bytes(TYPE);
        };
    };
}
pub(crate) use parameter;

/// A string's bytes as an array.
#[allow(
    clippy::indexing_slicing,
    reason = "computed by the compiler, which would say so"
)]
pub(crate) const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut i = 0;
    while i < N {
        bytes[i] = text.as_bytes()[i];
        i += 1;
    }
    bytes
}
