#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# prototypes.sh: makes src/header.rs, the headers as Rust sees them, with which
# a test compares the library.
# prototypes.sh --check: fails, showing the difference, when src/header.rs is
# not what the headers say.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

case ${1-} in
--in-toolchain)
	shift
	;;
*)
	cd "$here"
	exec ../../tools/build/in-toolchain ./prototypes.sh --in-toolchain "$@"
	;;
esac

head='// SPDX-License-Identifier: GPL-2.0-only
//! What the C headers promise. Generated from include/kbus by prototypes.sh; do
//! not edit. The tests at the end of the file compare it with the library.

#![allow(unsafe_code, unused_imports, dead_code, non_camel_case_types, non_snake_case, improper_ctypes)]
#![allow(clippy::all)]

use crate::boundary::limpet::*;
use crate::boundary::{ksock::*, msg::*};
use crate::uapi::*;
use libc::FILE;
'

generate() {
	printf '%s\n' "$head"
	echo 'mod promised { use super::{kbus_bind_query, kbus_bind_request, kbus_limpet_context, kbus_message_header, kbus_msg_id, kbus_orig_from, kbus_replier_bind_event_data, FILE};'
	bindgen include/kbus/limpet.h \
		--no-layout-tests --rust-target 1.82 --rust-edition 2021 --formatter none \
		--disable-header-comment --no-doc-comments \
		--allowlist-function 'kbus_.*' \
		--allowlist-var 'KBUS_(KSOCK_|MSG_PRINT|SERIALISED|MSG_NOT_SAME|MSG_REMOTE).*' \
		--generate-cstr \
		--blocklist-type '(struct )?(_IO_)?FILE|_IO_.*' \
		--blocklist-type 'kbus_(msg_id|orig_from|bind_request|bind_query|message_header|entire_message|replier_bind_event_data|limpet_context)' \
		--blocklist-type '__.*' \
		-- -target x86_64-linux-gnu | sed -E 's/kbus_entire_message_t = kbus_entire_message\b/kbus_entire_message_t = ()/'
	echo '}'
	# shellcheck disable=SC2016 # that is Rust
	echo '/// Two functions go into one array only if they have the same type.
macro_rules! same { ($($name:ident)*) => { $( let _ = [promised::$name, $name]; )* } }
#[test] fn the_library_is_what_the_headers_say() { same! {'
	sed -nE 's/^[a-z].*\b(kbus_[A-Za-z0-9_]+)\(.*/\1/p' include/kbus/kbus.h include/kbus/limpet.h |
		grep -vFx "$(sed -nE 's/^static inline .*\b(kbus_[a-z_]+)\(.*/\1/p' include/kbus/kbus.h)"
	echo '}
		assert_eq!(promised::KBUS_KSOCK_READABLE as i32, READABLE);
		assert_eq!(promised::KBUS_KSOCK_WRITABLE as i32, WRITABLE);
		assert_eq!(promised::KBUS_MSG_PRINT_FLAGS_ABBREVIATE, ABBREVIATE);
		assert_eq!(promised::KBUS_SERIALISED_HDR_LEN as usize, crate::wire::LEN);
		assert_eq!(promised::KBUS_MSG_NOT_SAME_KSOCK.to_bytes(), crate::limpet::NOT_SAME_KSOCK);
		assert_eq!(promised::KBUS_MSG_REMOTE_ERROR_PREFIX.to_bytes(), crate::limpet::REMOTE_ERROR_PREFIX.as_bytes());
	}'
}

cd "$here"
new=$(mktemp)
trap 'rm -f "$new"' EXIT
generate | rustfmt --edition 2021 >"$new"
if [ "${1-}" = --check ]; then
	diff -u src/header.rs "$new" || {
		echo "src/header.rs is not what the headers say: run libkbus/capi/prototypes.sh" >&2
		exit 1
	}
else
	cat "$new" >src/header.rs
fi
