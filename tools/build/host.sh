# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What can be said of this machine's kernel trees and compilers, for those
# who build the module for it without the toolchain root. Sourced, after
# lib.sh.

# tree_config TREE NAME: the value of CONFIG_NAME, nothing when unset.
tree_config() {
	sed -n "s/^CONFIG_$2=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" "$1/.config" 2>/dev/null
}

tree_release() { cat "$1/include/config/kernel.release" 2>/dev/null; }

has_metadata() { [ -e "$1/rust/libkernel.rmeta" ] && [ -e "$1/rust/libmacros.so" ]; }

# Where the metadata we made for a distribution's headers lies.
native_dir() { echo "$cache/native/$(tree_release "$1")"; }
native_done() { [ "$(cat "$(native_dir "$1")/complete" 2>/dev/null)" = "$(native_stamp "$1")" ]; }
# Headers of the same release can be replaced by a rebuilt package.
native_stamp() { cat "$1/.config" "$1/Module.symvers" 2>/dev/null | sha256sum | cut -c1-16; }

# The compiler the tree wants, if it is here: the one in the PATH, or else the
# distribution's behind a rustup that comes first. Prints the PATH to use.
path_with_rustc() {
	local want path
	want=$(tree_config "$1" RUSTC_VERSION_TEXT)
	for path in "$PATH" "/usr/bin:$PATH"; do
		if [ "$(PATH=$path rustc --version 2>/dev/null)" = "$want" ]; then
			echo "$path"
			return
		fi
	done
	return 1
}

# What builds the metadata, as Debian packages.
native_packages=(rustc rust-src bindgen gcc make flex bison bc libelf-dev
	libssl-dev clang-19 dwarves kmod cpio xz-utils python3-minimal perl)
missing_packages() {
	local package library
	command -v dpkg-query >/dev/null || return 0
	for package in "${native_packages[@]}"; do
		[ ! "$(installed "$package")" ] || continue
		# A kernel from backports brings newer libraries along, and apt does
		# not think of looking there for what belongs to them.
		case $package in
		libelf-dev) library=$(installed libelf1t64) ;;
		libssl-dev) library=$(installed libssl3t64) ;;
		*) library= ;;
		esac
		echo "$package${library:+=$library}"
	done
}

# installed PACKAGE: its version, nothing when it is not here.
installed() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}
