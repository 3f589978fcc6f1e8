// SPDX-License-Identifier: GPL-2.0-only
//! What the fuzz targets do with a fuzzer's bytes. Each module has a function `run` that takes
//! any bytes and panics when something that must hold does not. The same functions replay the
//! corpora in `cargo test`.
//!
//! * [`bus`]: plays on the bus, the model being the oracle, with memory running out.
//! * [`written`]: what the module makes of what programs write.
//! * [`message`]: what the Rust library makes of what it reads.
//! * [`capi`]: what the C library makes of what it reads, is given, and hears from a peer.
//! * [`tool`]: what kbus-tool reads: recordings, payloads, `/proc`, command lines.

pub mod bus;
pub mod capi;
pub mod message;
pub mod tool;
pub mod written;

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

/// Runs a target on the files that the command line names: for who has found something, and has
/// no fuzzer at hand.
pub fn replay_arguments(run: fn(&[u8])) {
    for path in std::env::args().skip(1) {
        match std::fs::read(&path) {
            Ok(bytes) => run(&bytes),
            Err(error) => eprintln!("{path}: {error}"),
        }
    }
}

#[cfg(test)]
mod corpora {
    use std::path::Path;

    /// Each file of a corpus, the names in order.
    fn replay(target: &str, run: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(target);
        let mut paths: Vec<_> = std::fs::read_dir(corpus)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        paths.sort();
        assert!(paths.len() >= 5, "there is next to nothing in it");
        for path in paths {
            println!("{}", path.display());
            run(&std::fs::read(path).unwrap());
        }
    }

    #[test]
    fn bus() {
        replay("bus", crate::bus::run);
    }

    #[test]
    fn written() {
        replay("written", crate::written::run);
    }

    #[test]
    fn message() {
        replay("message", crate::message::run);
    }

    #[test]
    fn capi() {
        replay("capi", crate::capi::run);
    }

    #[test]
    fn tool() {
        replay("tool", crate::tool::run);
    }
}
