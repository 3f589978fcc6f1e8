// SPDX-License-Identifier: GPL-2.0-only
//! The conformance suite: drives /dev/kbusN from outside, through system
//! calls, and compares what it sees with the specification, line by line. It
//! shares no code with the module or the library, so it could be pointed at
//! any implementation. Runs as root, inside a virtual machine:
//!
//!     kbus-test-system [--module FILE] [--list] [--skip NAME]... [--first-failure]
//!                     [--patience N] [--effort N] [NAME...]
//!     kbus-test-system one-answer [--seed S] [--requests N]
//!     kbus-test-system order [--messages N]
//!     kbus-test-system faults [--seed S] [NAME...]
//!     kbus-test-system fuzz [--seed S] [--seconds N] [--print-corpus]
//!     kbus-test-system storm [--seed S] [--processes N] [--seconds N] [--trace]
//!
//! NAME selects the tests whose name contains it (^NAME: begins with it), --skip
//! leaves some out, and with --first-failure the first failure is the last test; --patience
//! makes all time limits N times as long, and --effort those and the rounds of
//! the tests of races. Each test prints `ok name`
//! or `FAILED name: where: expected ..., got ...`; then comes the table of
//! section 11's behaviours by number, and last the line `N passed, N failed`.

mod attackers;
mod behaviours;
mod compat;
mod defects;
mod descriptors;
mod errnos;
mod everybody;
mod faults;
mod fuzz;
mod harness;
mod libraries;
mod limits;
mod memory;
mod module;
mod namespaces;
mod races;
mod raw;
mod rules;
mod storm;
mod stress;
mod stuck;
mod subject;
mod traced;
mod users;
mod watching;

use std::process::ExitCode;

use harness::{Runner, Test};
use kbus_test_conformance::eq;
use libraries::Libraries;

fn all_tests(libraries: &Libraries) -> Vec<Test> {
    let seen_by_a_program = [
        &[subject::tests()],
        behaviours::ALL,
        rules::ALL,
        &[errnos::TESTS, defects::TESTS, descriptors::TESTS],
    ]
    .concat();
    let narrow = compat::narrow(&seen_by_a_program);
    seen_by_a_program
        .into_iter()
        .chain([
            compat::TESTS,
            &narrow,
            &libraries.tests,
            limits::TESTS,
            users::TESTS,
            namespaces::TESTS,
            everybody::TESTS,
            attackers::TESTS,
            watching::TESTS,
            stress::TESTS,
            races::TESTS,
            storm::TESTS,
            fuzz::TESTS,
            stuck::TESTS,
            module::TESTS,
            memory::TESTS,
        ])
        .flatten()
        .copied()
        .collect()
}

/// When one of its tests has started it anew, does that part and ends.
fn as_part_of_a_test(args: &[String]) -> Option<()> {
    let (first, rest) = args.split_first()?;
    if first == "--serve" {
        let run = |name: &str| subject::check_named(name);
        std::process::exit(kbus_test_conformance::serve(run).is_err() as i32);
    }
    let report = first.strip_prefix("--report-to=")?;
    harness::report_to(report.parse().ok()?);
    let (part, args) = rest.split_first()?;
    harness::leave(|| match part.as_str() {
        "--as-child" => assert!(descriptors::child_main(args)),
        "--as-peer" => compat::peer_main(args),
        _ => {
            let all = all_tests(&Libraries::default());
            let test = all.iter().find(|test| test.name == args[0]);
            test.expect("a test of this program").run();
        }
    })
}

fn main() -> ExitCode {
    harness::install_hook();
    let all: Vec<String> = std::env::args().skip(1).collect();
    as_part_of_a_test(&all);
    let mut args = std::env::args().skip(1);
    let (mut names, mut skip, mut verb) = (Vec::new(), Vec::new(), None);
    let (mut list, mut first_failure) = (false, false);
    let (mut print_corpus, mut trace) = (false, false);
    let (mut seed, mut amount, mut processes) = (1u64, None, 100_000);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_default();
        match arg.as_str() {
            "--list" => list = true,
            "--print-corpus" => print_corpus = true,
            "--first-failure" => first_failure = true,
            "--skip" => skip.push(value()),
            "--module" => harness::set_module_file(&value()),
            "--patience" => harness::set_patience(value().parse().unwrap_or(1)),
            "--effort" => harness::set_effort(value().parse().unwrap_or(1)),
            "--seed" => seed = value().parse().unwrap_or(1),
            "--requests" | "--messages" | "--seconds" => amount = value().parse().ok(),
            "--trace" => trace = true,
            "--processes" => processes = value().parse().unwrap_or(processes),
            "faults" | "fuzz" | "order" | "one-answer" | "storm" => verb = Some(arg),
            option if option.starts_with("--") => {
                eprintln!("kbus-test-system: unknown option {option}");
                return ExitCode::from(2);
            }
            _ => names.push(arg),
        }
    }
    if verb.as_deref() == Some("storm") {
        let _ = Runner::new();
        let (passed, failed) = storm::run(seed, processes, amount, trace);
        println!("{passed} passed, {failed} failed");
        return ExitCode::from((failed > 0) as u8);
    }
    if let Some(verb) = verb {
        return alone(&verb, seed, amount, &names, print_corpus);
    }
    let mut libraries = Libraries::new();
    let mut tests = all_tests(&libraries);
    let selected = |name: &str| {
        (names.is_empty() || names.iter().any(|part| is_meant(name, part)))
            && !skip.iter().any(|part| is_meant(name, part))
    };
    tests.retain(|t| selected(t.name));
    libraries.left_out.retain(|name| selected(name));
    if list {
        for test in &tests {
            println!("{}", test.name);
        }
        return ExitCode::SUCCESS;
    }
    memory::enter();
    let mut runner = Runner::new();
    let mut results = Vec::new();
    for test in &tests {
        let passed = runner.run(test);
        results.push((test.number(), passed));
        if first_failure && !passed {
            break;
        }
    }
    table(&results, names.is_empty() && skip.is_empty());
    if !libraries.left_out.is_empty() {
        println!("left out, for the library has no call for them:");
        for name in &libraries.left_out {
            println!("  {name}");
        }
        println!("  {} in all", libraries.left_out.len());
    }
    let passed = results.iter().filter(|(_, passed)| *passed).count();
    let failed = results.len() - passed;
    println!("{passed} passed, {failed} failed");
    ExitCode::from((failed > 0 || tests.is_empty()) as u8)
}

/// Whether a test of this name is meant by a part of it, or with ^ by its beginning.
fn is_meant(name: &str, part: &str) -> bool {
    match part.strip_prefix('^') {
        Some(beginning) => name.starts_with(beginning),
        None => name.contains(part),
    }
}

/// The behaviours of section 11 by number, with their result.
fn table(results: &[(Option<u32>, bool)], whole: bool) {
    println!("behaviours of section 11 by number:");
    let those = |wanted: bool| {
        let mut all: Vec<u32> = results
            .iter()
            .filter_map(|(number, passed)| number.filter(|_| *passed == wanted))
            .collect();
        all.sort_unstable();
        all
    };
    let (passed, bad) = (those(true), those(false));
    lines("passed", &passed);
    lines("FAILED", &bad);
    for (numbers, why) in behaviours::ELSEWHERE.iter().filter(|_| whole) {
        lines(&format!("not the kernel's ({why})"), numbers);
    }
}

fn lines(what: &str, numbers: &[u32]) {
    if numbers.is_empty() {
        return;
    }
    println!("  {what}, {}:", numbers.len());
    for row in numbers.chunks(20) {
        let row: Vec<String> = row.iter().map(u32::to_string).collect();
        println!("    {}", row.join(" "));
    }
}

/// One of the long runs, with its size from the command line. The module is
/// taken as it is loaded, or loaded as usual.
fn alone(
    verb: &str,
    seed: u64,
    amount: Option<u32>,
    names: &[String],
    print_corpus: bool,
) -> ExitCode {
    if !harness::module_loaded() {
        if let Err(e) = harness::insmod(harness::USUAL) {
            eprintln!("kbus-test-system: insmod {}: {e:?}", harness::module_file());
            return ExitCode::from(2);
        }
    }
    let _ = Runner::new();
    if verb == "faults" {
        let (passed, failed) = faults::run(seed, names);
        println!("{passed} passed, {failed} failed");
        return ExitCode::from((failed > 0) as u8);
    }
    let result = std::panic::catch_unwind(|| match verb {
        "fuzz" => fuzz::run(seed, amount.unwrap_or(60), print_corpus),
        "order" => stress::order(amount.unwrap_or(20_000)),
        _ => stress::one_answer(seed, amount.unwrap_or(200_000)),
    });
    match result {
        Ok(()) => {
            println!("ok {verb}");
            ExitCode::SUCCESS
        }
        Err(_) => {
            println!("FAILED {verb} (seed {seed})");
            ExitCode::FAILURE
        }
    }
}
