// SPDX-License-Identifier: GPL-2.0-only
//! Runs rules for another program, one after the other in one process: to start a process for
//! each would take longer than most of them do.
//!
//! Of its input each line is a name. For each there is a line of output: empty if all is as it
//! should be, else the place that is broken, and both values. After that the process is not to be
//! used any more, for Ksocks of the rule may be left.

use std::io::Write;
use std::panic::{AssertUnwindSafe, Location};
use std::sync::Mutex;

/// What the first panic since the last look said.
static WHY: Mutex<String> = Mutex::new(String::new());

/// Runs what is named on the input, by `run`, which panics if something is wrong.
///
/// # Errors
///
/// Those of writing to the output.
pub fn serve(run: impl Fn(&str)) -> std::io::Result<()> {
    note_panics();
    let mut out = std::io::stdout();
    for name in std::io::stdin().lines() {
        let name = name?;
        let result = caught(|| run(&name));
        writeln!(out, "{}", result.err().unwrap_or_default())?;
        out.flush()?;
    }
    Ok(())
}

/// From now on panics print nothing, and [`caught`] says what they said.
pub fn note_panics() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload();
        let said = what.downcast_ref::<&str>().copied();
        let said = said.or_else(|| what.downcast_ref::<String>().map(String::as_str));
        let at = info.location().map(place).unwrap_or_default();
        let line = format!("{at}: {}", said.unwrap_or("panic")).replace('\n', " ");
        if let Ok(mut why) = WHY.lock() {
            if why.is_empty() {
                *why = line.chars().take(1500).collect();
            }
        }
    }));
}

/// The place in a test, as short as it can be told from others.
pub fn place(at: &Location<'_>) -> String {
    let file = at.file();
    let file = file.rsplit("src/").next().unwrap_or(file);
    format!("{file}:{}", at.line())
}

/// Does it; if it panics, returns what it said in one line.
pub fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    let done = std::panic::catch_unwind(AssertUnwindSafe(f));
    let why = WHY.lock().map(|mut why| std::mem::take(&mut *why));
    done.map_err(|_| why.unwrap_or_default())
}
