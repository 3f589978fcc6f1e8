// SPDX-License-Identifier: GPL-2.0-only
//! kbus-test-trace check FILE...: decides whether one bus that keeps its
//! promises explains these traces; a directory stands for the files in it.
//! Prints what is wrong; exit status 1 when something is, 2 when a file cannot
//! be read.

use std::process::ExitCode;

use kbus_test_trace::check;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next().unwrap_or_default();
    let paths: Vec<std::path::PathBuf> = args.map(Into::into).collect();
    if verb != "check" || paths.is_empty() {
        eprintln!("usage: kbus-test-trace check FILE...");
        return ExitCode::from(2);
    }
    match check::read(&paths) {
        Ok(lines) => {
            let verdict = check::check(&lines);
            println!("{verdict}");
            ExitCode::from(!verdict.problems.is_empty() as u8)
        }
        Err(why) => {
            eprintln!("kbus-test-trace: {why}");
            ExitCode::from(2)
        }
    }
}
