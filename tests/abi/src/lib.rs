// SPDX-License-Identifier: GPL-2.0-only
//! Do the C header, its Rust mirror and the specification say the same, for
//! programs of 64 and of 32 bit? A program in C and one in Rust print what
//! they see of the contract, and that is compared with the tables of the
//! specification, which `spec` reads.
//!
//! The compilers must be able to make 32-bit programs: run this in the
//! toolchain root, `tools/build/in-toolchain cargo test -p kbus-test-abi`.
//!
//! This is about layouts and numbers. What the module does with them is
//! tested in `tests/system`.

#![cfg(test)]

mod spec;
mod syzkaller;
mod vectors;
// The module, too, takes its numbers from here.
#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is known about the contract: "offset kbus_msg_id.serial_num" is "4".
type Facts = BTreeMap<String, String>;

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a command, which must succeed, and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error} (run me in tools/build/in-toolchain)")
    });
    assert!(
        output.status.success(),
        "{command:?} ended with {} (are we in tools/build/in-toolchain?)\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A place for a program, which goes away with the value.
struct Program(PathBuf);

impl Program {
    fn new(name: &str) -> Program {
        Program(std::env::temp_dir().join(format!("kbus-abi-{}-{name}", std::process::id())))
    }

    /// A part of a program's source, which names all ioctls.
    fn about_ioctls(name: &str, source: impl Fn(&[String]) -> String) -> Program {
        let part = Program::new(name);
        let ioctls = kbus_vectors::ioctls().ioctls;
        let names: Vec<_> = ioctls
            .iter()
            .map(|of| format!("KBUS_IOC_{}", of.name))
            .collect();
        std::fs::write(&part.0, source(&names)).unwrap();
        part
    }

    fn facts(&self) -> Facts {
        let fact = |line: &str| {
            let (what, value) = line.split_once('\t').unwrap();
            (what.to_owned(), value.to_owned())
        };
        run(&mut Command::new(&self.0)).lines().map(fact).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is missing when it was not made: that has been told already.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a C or C++ program of that word size sees, compiled with all warnings.
/// It needs no C++ library, so cc will do for both.
fn header(name: &str, bits: u32, options: &[&str]) -> Facts {
    let program = Program::new(name);
    let ioctls = Program::about_ioctls(&format!("{name}.h"), |names| {
        format!("NUMBER({});", names.join(");\nNUMBER("))
    });
    run(Command::new("cc")
        .args([&format!("-m{bits}"), "-Wall", "-Wextra", "-Werror"])
        .args(options)
        .arg(format!("-DIOCTLS={:?}", ioctls.0))
        .arg("-I")
        .arg(source("../../kmod/uapi"))
        .arg("-o")
        .arg(&program.0)
        .arg(source("src/facts.c")));
    program.facts()
}

/// What a Rust program sees.
fn mirror(name: &str, target: &str) -> Facts {
    let program = Program::new(name);
    let ioctls = Program::about_ioctls(&format!("{name}.rs"), |names| {
        format!("{{ ioctls! {{ {} }} }}", names.join(" "))
    });
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    run(Command::new(rustc)
        .env("KBUS_IOCTLS", &ioctls.0)
        .args(["--edition", "2021", "--target", target, "-o"])
        .arg(&program.0)
        .arg(source("src/facts.rs")));
    program.facts()
}

/// Fails with the facts that differ, not with two hundred that do not.
#[track_caller]
fn compare(seen: &Facts, expected: &Facts) {
    let missing = "nothing".to_owned();
    let all: BTreeMap<_, _> = seen.iter().chain(expected).collect();
    let wrong: Vec<String> = all
        .into_keys()
        .filter(|what| seen.get(*what) != expected.get(*what))
        .map(|what| {
            let seen = seen.get(what).unwrap_or(&missing);
            let expected = expected.get(what).unwrap_or(&missing);
            format!("{what} is {seen}, the specification says {expected}")
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_header_in_c_64_bit() {
    compare(
        &header("c99-64", 64, &["-std=c99", "-pedantic"]),
        &spec::facts(64),
    );
}

#[test]
fn the_header_in_c_32_bit() {
    compare(
        &header("c99-32", 32, &["-std=c99", "-pedantic"]),
        &spec::facts(32),
    );
}

#[test]
fn the_header_in_cpp_64_bit() {
    compare(
        &header("cpp-64", 64, &["-xc++", "-std=c++17"]),
        &spec::facts(64),
    );
}

#[test]
fn the_header_in_cpp_32_bit() {
    compare(
        &header("cpp-32", 32, &["-xc++", "-std=c++17"]),
        &spec::facts(32),
    );
}

/// Without what only C has: the macros with arguments and the functions.
fn spec_for_rust(bits: u32) -> Facts {
    let mut facts = spec::facts(bits);
    facts.retain(|what, _| !what.starts_with("length ") && !what.starts_with("helper "));
    facts
}

#[test]
fn the_mirror_64_bit() {
    compare(
        &mirror("rust-64", "x86_64-unknown-linux-gnu"),
        &spec_for_rust(64),
    );
}

#[test]
fn the_mirror_32_bit() {
    compare(
        &mirror("rust-32", "i686-unknown-linux-gnu"),
        &spec_for_rust(32),
    );
}

/// What the module uses to understand 32-bit programs.
#[test]
fn what_a_64_bit_program_knows_of_32_bit_ones() {
    let spec = spec::facts(32);
    let number = |what: &str| spec[what].parse::<usize>().unwrap();
    assert_eq!(
        uapi::HEADER_32_NAME,
        number("offset kbus_message_header.name")
    );
    assert_eq!(
        uapi::HEADER_32_DATA,
        number("offset kbus_message_header.data")
    );
    assert_eq!(
        uapi::HEADER_32_END_GUARD,
        number("offset kbus_message_header.end_guard")
    );
    assert_eq!(uapi::HEADER_32_SIZE, number("size kbus_message_header"));
    assert_eq!(uapi::BIND_32_SIZE, number("size kbus_bind_request"));
    assert_eq!(uapi::BIND_32_SIZE, number("size kbus_bind_query"));
    let ioctls = spec::facts(64).into_iter().filter(|(what, _)| {
        what.starts_with("number KBUS_IOC_")
            && !what.ends_with("_MAGIC")
            && !what.ends_with("_MAXNR")
    });
    for (what, code) in ioctls {
        let code: u32 = code.parse().unwrap();
        assert_eq!(
            uapi::number_for_32_bit(code).to_string(),
            spec[&what],
            "{what}"
        );
        let back = uapi::number_of_32_bit(spec[&what].parse().unwrap());
        assert_eq!(back, Some(code), "{what}");
        if spec[&what] != code.to_string() {
            assert_eq!(uapi::number_of_32_bit(code), None, "{what}");
        }
    }
}

/// A macro that the tables do not know would not be compared with anything.
#[test]
fn the_header_defines_what_the_specification_lists_and_nothing_else() {
    let text = std::fs::read_to_string(source("../../kmod/uapi/kbus.h")).unwrap();
    let mut defined: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(|rest| rest.split([' ', '\t', '(']).next().unwrap())
        .filter(|name| *name != "KBUS_H")
        .collect();
    defined.sort_unstable();
    assert_eq!(defined, spec::macros());
}

#[test]
fn the_mirror_is_what_bindgen_makes_of_the_header() {
    run(Command::new(source("../../kmod/uapi/mirror.sh")).arg("--check"));
}

/// Not the contract: what the module's Rust calls of its C.
#[test]
fn the_shim_is_what_bindgen_makes_of_its_header() {
    run(Command::new(source("../../kmod/kapi/shim.sh")).arg("--check"));
}
