// SPDX-License-Identifier: GPL-2.0-only
//! The rules of `tests/conformance` once more, by the calls of the libraries instead of system
//! calls, under names that begin with the library's: `rust_`, `c_`. Another program does them,
//! `tests/library`, so that this one shares no code with the libraries; here is what it has.

use std::path::PathBuf;
use std::process::Command;

use kbus_test_conformance::Rule;

use crate::harness::Test;
use crate::raw::POINTER;

/// The program, where there is one: beside this one.
pub fn program() -> Option<PathBuf> {
    crate::compat::beside("kbus-test-library")
}

/// What it can do, and the names of those that a library has no calls for.
#[derive(Default)]
pub struct Libraries {
    pub tests: Vec<Test>,
    pub left_out: Vec<&'static str>,
}

impl Libraries {
    pub fn new() -> Libraries {
        let mut all = Libraries::default();
        let Some(program) = program().filter(|_| POINTER == 8) else {
            return all;
        };
        let listed = Command::new(program).arg("--list").output();
        let listed = listed.expect("kbus-test-library to start").stdout;
        let listed: &str = String::from_utf8(listed).expect("names").leak();
        for name in listed.lines() {
            if let Some(name) = name.strip_prefix('-') {
                all.left_out.push(name);
                continue;
            }
            let rule = name.split_once('_').and_then(|(_, rule)| Rule::named(rule));
            let rule = rule.expect("a rule of the table");
            all.tests.push(Test::library(rule, name));
        }
        assert!(!all.tests.is_empty(), "kbus-test-library has no tests");
        all
    }
}
