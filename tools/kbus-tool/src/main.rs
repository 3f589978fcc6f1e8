// SPDX-License-Identifier: GPL-2.0-only
//! The program kbus-tool; all of it is in the library beside this file.

fn main() -> std::process::ExitCode {
    kbus_tool::main()
}
