// SPDX-License-Identifier: GPL-2.0-only

//! A device class: what makes `/dev` nodes and `/sys/class` entries of device numbers.
//!
//! Unnecessary once `kernel::device` has classes.

use super::chardev::Numbers;
use core::ptr::{null_mut, NonNull};
use kernel::bindings;
use kernel::error::from_err_ptr;
use kernel::ffi::c_char;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::Arc;

/// The permissions of all nodes. One for the module: a class has no room for data of its own.
static MODE: Atomic<u32> = Atomic::new(0o600);

/// A class, and the numbers of its devices.
///
/// # Invariants
///
/// `class` is registered, and ours.
pub(crate) struct Class {
    class: NonNull<bindings::class>,
    numbers: Arc<Numbers>,
}

// SAFETY: A class is registered with the driver core, which may be called from any thread.
unsafe impl Send for Class {}
// SAFETY: As above.
unsafe impl Sync for Class {}

impl Class {
    /// Registers the class for devices with these numbers, whose nodes get the permissions
    /// `mode`.
    ///
    /// # Errors
    ///
    /// EEXIST when there is such a class, ENOMEM.
    pub(crate) fn new(name: &'static CStr, numbers: Arc<Numbers>, mode: u32) -> Result<Arc<Self>> {
        MODE.store(mode, Relaxed);
        // SAFETY: The name is static.
        let class = from_err_ptr(unsafe { bindings::class_create(name.as_char_ptr()) })?;
        let class = NonNull::new(class).ok_or(ENOMEM)?;
        // SAFETY: The class is ours and has no devices yet, so that nobody reads the field.
        unsafe { (*class.as_ptr()).devnode = Some(devnode) };
        // INVARIANT: It has just been registered.
        Ok(Arc::new(Class { class, numbers }, GFP_KERNEL)?)
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        // SAFETY: It is ours by the invariant. It has no nodes: each holds the class.
        unsafe { bindings::class_destroy(self.class.as_ptr()) };
    }
}

/// A device of a class: `/dev/<prefix><minor>`, until this is dropped.
///
/// # Invariants
///
/// There is a device of the class with this number, and it is ours.
pub(crate) struct Node {
    class: Arc<Class>,
    device: bindings::dev_t,
}

impl Node {
    /// Makes the device `minor` known.
    ///
    /// # Errors
    ///
    /// EEXIST when there is such a device, ENOMEM.
    pub(crate) fn new(class: &Arc<Class>, prefix: &'static CStr, minor: u32) -> Result<Self> {
        let device = class.numbers.device(minor);
        // SAFETY: The class is valid by its invariant; the format takes a string and an unsigned
        // number, and so it is given.
        from_err_ptr(unsafe {
            bindings::device_create(
                class.class.as_ptr(),
                null_mut(),
                device,
                null_mut(),
                c"%s%u".as_char_ptr(),
                prefix.as_char_ptr(),
                minor,
            )
        })?;
        // INVARIANT: It has just been made.
        Ok(Node {
            class: class.clone(),
            device,
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: The class is valid by its invariant, the device there by ours.
        unsafe { bindings::device_destroy(self.class.class.as_ptr(), self.device) };
    }
}

/// Says with which permissions devtmpfs makes a node; the name stays the device's.
///
/// # Safety
///
/// The driver core calls it, with a device of the class, and null or where to put the mode.
unsafe extern "C" fn devnode(
    _device: *const bindings::device,
    mode: *mut bindings::umode_t,
) -> *mut c_char {
    if !mode.is_null() {
        // SAFETY: It is not null, and then points to where the mode is wanted.
        unsafe { *mode = MODE.load(Relaxed) as bindings::umode_t };
    }
    null_mut()
}
