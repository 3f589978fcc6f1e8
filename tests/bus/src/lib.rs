//! The bus, on the host.
