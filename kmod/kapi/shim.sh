#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shim.sh: makes shim.rs, the declarations for Rust, out of shim.h.
# shim.sh --check: fails, showing the difference, when shim.rs is not what
# shim.h says.
#
# The toolchain's bindgen is the one that counts, so the script goes there
# unless it is there already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

case ${1-} in
--in-toolchain)
	shift
	;;
*)
	cd "$here"
	exec ../../tools/build/in-toolchain ./shim.sh --in-toolchain "$@"
	;;
esac

# Written by us rather than taken from bindgen, whose version is Debian's affair.
head='// SPDX-License-Identifier: GPL-2.0-only
//! What shim.h declares, for Rust. Generated from it by shim.sh in this
//! directory; do not edit.
'

# The types that shim.h only names are those of the kernel'"'"'s own bindings.
generate() {
	local types
	types=$(sed -nE 's/^struct (\w+);$/\1/p' shim.h | paste -sd, -)
	printf '%s\nuse kernel::bindings::{%s};\nuse kernel::ffi;\n\n' "$head" "$types"
	bindgen shim.h \
		--use-core --ctypes-prefix ffi --no-layout-tests \
		--rust-target 1.82 --rust-edition 2021 --formatter none \
		--disable-header-comment --no-doc-comments \
		--allowlist-file '.*shim\.h' --blocklist-type "(${types//,/|})" \
		-- -target x86_64-linux-gnu -Dbool=_Bool -I .
}

cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new=$work/shim.rs
generate | rustfmt --edition 2021 >"$new"
if [ "${1-}" = --check ]; then
	diff -u shim.rs "$new" || {
		echo "kmod/kapi/shim.rs is not what shim.h says: run kmod/kapi/shim.sh" >&2
		exit 1
	}
else
	# Through cat: a file of the usual mode, whatever mktemp gave.
	cat "$new" >shim.rs
fi
