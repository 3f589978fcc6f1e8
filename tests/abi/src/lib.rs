//! Header, mirror and specification agree.
