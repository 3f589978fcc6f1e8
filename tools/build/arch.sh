# shellcheck shell=bash disable=SC2034 # they are for others
# SPDX-License-Identifier: GPL-2.0-only
# All that differs between the architectures that kbus is built for and run on:
# KBUS_ARCH, which is ARCH= for make. Sourced. The toolchain root itself is
# always of the machine's own architecture.

arch=${KBUS_ARCH:-x86_64}
case $arch in
x86_64)
	deb_arch=amd64
	triple=x86_64-linux-gnu                # Debian's, of libraries and compilers
	rust_target=x86_64-unknown-linux-gnu
	loader=/lib64/ld-linux-x86-64.so.2
	cc=(gcc)
	# programs of 32 bits, which the same kernel runs
	rust_target32=i686-unknown-linux-gnu
	cc32=(gcc -m32)
	# for the kernel's make
	kernel_arch=()
	qemu=qemu-system-x86_64
	console=ttyS0
	machine=()
	# A kernel of our own is a plain ELF file, which QEMU starts without a boot
	# loader. Without ACPI it is up three times faster; each processor must then
	# have a socket of its own to be found.
	own_machine=(-machine 'pc,acpi=off')
	own_smp() { echo "$1,sockets=$1,cores=1"; }
	own_append='tsc=reliable'
	# Where instructions are counted: erms would make a copy of any size count as
	# few instructions as QEMU happens to cut it into, and one that copies or
	# clears many bytes counts as one for each byte. Without these flags (fsrm;
	# fzrm and fsrs, which have no names) the kernel does not use such
	# instructions where it would not elsewhere.
	counting_cpu=max,-erms,-fsrm,-fsrs,-fzrm
	counting_append=clearcpuid=fsrm,394,395
	;;
arm64)
	deb_arch=arm64
	triple=aarch64-linux-gnu
	rust_target=aarch64-unknown-linux-gnu
	loader=/lib/ld-linux-aarch64.so.1
	cc=(aarch64-linux-gnu-gcc)
	rust_target32=armv7-unknown-linux-gnueabihf
	cc32=(arm-linux-gnueabihf-gcc)
	kernel_arch=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
	qemu=qemu-system-aarch64
	console=ttyAMA0
	machine=(-machine virt)
	own_machine=()
	own_smp() { echo "$1"; }
	own_append=
	counting_cpu=max
	counting_append=
	;;
*)
	echo "kbus: error: there is no architecture $arch here, but x86_64 and arm64" >&2
	exit 1
	;;
esac

# How cargo is told to build static programs, which run in the VM and anywhere
# else. The target is named even where it is the host's own: flags for a named
# target do not apply to build scripts and procedural macros, which cannot be
# static.
static_programs() {
	local target
	for target in "$rust_target" "$rust_target32"; do
		target=${target//-/_}
		export "CARGO_TARGET_${target^^}_RUSTFLAGS=-C target-feature=+crt-static"
	done
}
