// SPDX-License-Identifier: GPL-2.0-only
//! Loads and unloads the module, and says whether it is there.

use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use nix::kmod::{delete_module, finit_module, DeleteModuleFlags, ModuleInitFlags};

use crate::raw::{self, Errno};

/// How most tests want the module.
pub const USUAL: &str = "kbus_num_devices=3 kbus_mode=0666";

static MODULE: OnceLock<String> = OnceLock::new();

pub fn module_file() -> &'static str {
    MODULE.get().map_or("/kbus.ko", String::as_str)
}

pub fn set_module_file(path: &str) {
    let _ = MODULE.set(path.to_string());
}

pub fn module_loaded() -> bool {
    Path::new("/sys/module/kbus").exists()
}

pub fn insmod(parameters: &str) -> raw::Result<()> {
    let file = File::open(module_file()).map_err(|e| Errno(e.raw_os_error().unwrap_or(0)))?;
    let parameters = std::ffi::CString::new(parameters).unwrap();
    raw::ours(finit_module(file, &parameters, ModuleInitFlags::empty()))
}

pub fn rmmod() -> raw::Result<()> {
    raw::ours(delete_module(c"kbus", DeleteModuleFlags::O_NONBLOCK))
}

/// The module with these parameters, fresh. Where there is no module file the
/// module that is loaded is taken as it is.
pub fn fresh(parameters: &str) -> Result<(), String> {
    let loaded = module_loaded();
    if !Path::new(module_file()).exists() {
        let missing = || format!("no module is loaded, and there is no {}", module_file());
        return loaded.then_some(()).ok_or_else(missing);
    }
    if loaded {
        unloaded()?;
    }
    insmod(parameters).map_err(|e| format!("insmod {parameters}: {e:?}"))
}

/// Unloads it.
pub fn unloaded() -> Result<(), String> {
    rmmod().map_err(|e| format!("the module does not unload: {e:?}"))
}
