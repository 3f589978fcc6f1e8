// SPDX-License-Identifier: GPL-2.0-only
//! The rules of `tests/conformance` on a device, by the calls of a library instead of system
//! calls: `rust_b24_...` and `c_b24_...` are the rule `b24_...` by the crate `kbus` and by the
//! functions of `kbus/kbus.h`. What no rule is about (calls that wait for an answer, declines,
//! text) is tested with the libraries.
//!
//! `kbus-test-system`, which shares no code with the libraries, runs this program as tests of its
//! own: with a limit of time, on a bus that is as after loading.
//!
//!     kbus-test-library --list
//!     kbus-test-library --serve
//!
//! The list has a line for each test, with `-` before those that the library's calls cannot do.
//! With --serve it runs the tests that its input names, as `kbus_test_conformance::serve` says.

mod c;
mod rust;

use std::process::ExitCode;

use kbus_test_conformance::{serve, Rule, Subject, RULES};

use crate::c::C;
use crate::rust::Rust;

/// Whether the subject of these tests can do what a rule needs, and the rule on it.
struct Library {
    prefix: &'static str,
    suits: fn(&Rule) -> bool,
    check: fn(&Rule),
}

const fn library<S: Subject + Default + 'static>(prefix: &'static str) -> Library {
    Library {
        prefix,
        suits: |rule| rule.suits(&S::default()),
        check: |rule| rule.check(S::default()),
    }
}

const LIBRARIES: [Library; 2] = [library::<Rust>("rust_"), library::<C>("c_")];

fn list() {
    for library in &LIBRARIES {
        for rule in RULES {
            let mark = if (library.suits)(rule) { "" } else { "-" };
            println!("{mark}{}{}", library.prefix, rule.name);
        }
    }
}

fn run(name: &str) {
    let library = LIBRARIES.iter().find(|l| name.starts_with(l.prefix));
    let library = library.expect("a library");
    let rule = Rule::named(name.strip_prefix(library.prefix).unwrap_or_default());
    (library.check)(rule.expect("a rule of the table"));
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["--list"] => {
            list();
            true
        }
        ["--serve"] => serve(run).is_ok(),
        _ => {
            eprintln!("kbus-test-library: --list or --serve");
            return ExitCode::from(2);
        }
    };
    ExitCode::from(u8::from(!done))
}
