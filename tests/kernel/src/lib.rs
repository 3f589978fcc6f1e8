//! A stand-in for the kernel crate.
