//! KBUS for programs.
