// SPDX-License-Identifier: GPL-2.0
//! Compiles compat32.c into a 32-bit program, which the test program carries
//! inside and runs as a peer of 64-bit ones.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=compat32.c");
    println!("cargo::rerun-if-env-changed=CC");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let out = Path::new(&var("OUT_DIR")).join("compat32");
    if var("CARGO_CFG_TARGET_ARCH") != "x86_64" {
        // Nothing else has 32-bit programs of its own kind to compare with.
        std::fs::write(out, b"").expect("OUT_DIR can be written");
        return;
    }
    let cc = std::env::var("CC").unwrap_or_else(|_| "gcc".to_string());
    let done = Command::new(&cc)
        .args(["-m32", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
        // No library, start-up files or stack protector: it needs none, and
        // so no 32-bit C library has to be installed.
        .args([
            "-ffreestanding",
            "-fno-builtin",
            "-fno-stack-protector",
            "-nostdlib",
        ])
        .args(["-static", "-fno-pie", "-no-pie", "-mno-sse"])
        .arg("-o")
        .arg(out)
        .arg("compat32.c")
        .status();
    match done {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{cc} -m32 compat32.c: {status}"),
        Err(e) => panic!("{cc}, which compiles the 32-bit test program: {e}"),
    }
}
