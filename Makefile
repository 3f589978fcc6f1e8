# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists the targets. The work is done by the scripts in
# tools/build; those in tests/vm run machines.

# The kernel series that the VM boots; one that Debian's backports have.
SERIES ?= 7.2
# What is built, and what the VM is: see tools/build/arch.sh.
ARCH ?= x86_64
export KBUS_ARCH := $(ARCH)
# The kernel tree for the module of this machine (all, check-kernel).
KDIR ?= /lib/modules/$(shell uname -r)/build

# How long, and from which seed, to fuzz; how many processes a storm has.
SECONDS ?= 600
SEED ?= 1
PROCESSES ?= 100000

.PHONY: all kmod check-kernel toolchain user capi lint test test-debug demo bench mutations fuzz fuzz-host storm \
	run shell install uninstall clean distclean help

all: ## build ./kbus.ko for this machine's kernel, or for KDIR=a prepared tree
	@tools/build/native "$(KDIR)"

kmod: ## build build/kbus.ko for the VM's stock kernel; SERIES=7.3 picks another
	@tools/build/kmod --series $(SERIES) $(need)

# A kernel without an image can be built for, but not run.
need := --build-only
test demo bench run shell: need :=

check-kernel: ## say what this machine's kernel (or KDIR=) lacks for kbus, and what to do
	@tools/build/check-kernel "$(KDIR)"

toolchain: ## get the toolchain: a Debian 13 root in ~/.cache/kbus
	@tools/build/toolchain

user: ## build library and tools as static programs, in build/bin
	@tools/build/user

capi: ## build the C library and its headers, in build/capi
	tools/build/capi

lint: ## rustfmt, clippy (module and programs), shellcheck, circles of imports
	@tools/build/lint --series $(SERIES)

test: ## all tests: on the host, and against the module in the VM
	@tests/run

test-debug: user ## the suite on kernels that look for races, leaks and wrong accesses
	@tests/debug/run

demo: kmod user ## a short play on /dev/kbus0, in the VM
	@tests/demo/run

bench: kmod user ## the benchmarks, in the VM, counting instructions
	@tests/bench/run

run: export CMD := $(CMD)
mutations: ## break the bus in many ways, and see which tests notice
	tools/build/in-toolchain tests/bus/mutations.sh

fuzz: kmod user ## SECONDS=600 SEED=1: hostile input for longer than in `make test`
	tests/system/run --timeout $$(($(SECONDS) + 120)) fuzz --seconds $(SECONDS) --seed $(SEED)

fuzz-host: ## SECONDS=600 SEED=1: bus, libraries and tool, each for so long, on the host
	@tests/fuzz/run --seconds $(SECONDS) --seed $(SEED)

storm: kmod user ## PROCESSES=100000 SEED=1: so many processes, killed at random moments
	tests/system/run --timeout 86400 storm --processes $(PROCESSES) --seed $(SEED)

run: kmod ## CMD='...' [FILES='...']: one command in the VM, with the module loaded
	@tests/vm/run $(foreach file,$(FILES),--file $(file)) -- "$$CMD"

shell: kmod user ## a shell in the VM, with the module loaded and kbus-tool
	@tests/vm/run --file build/bin/kbus-tool --shell

# Where it goes: see tools/build/install/run.
export PREFIX DESTDIR MODULE MODULEDIR

install: ## PREFIX=/usr/local, DESTDIR=: what `make` and `make user` have built
	@tools/build/install/run install

uninstall: ## take all of that away again
	@tools/build/install/run uninstall

clean: ## remove what was built
	@rm -rf build kbus.ko

distclean: clean ## remove the toolchain and the kernels, too
	@tools/build/distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
