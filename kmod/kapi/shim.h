/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rust calls that the kernel's bindings do not have. shim.rs beside this
 * file is generated from it (shim.sh); shim.c includes it behind the kernel's
 * own headers, so that the compiler compares the one with the other.
 */
#ifndef KBUS_SHIM_H
#define KBUS_SHIM_H

#include <linux/types.h>

struct inode;
struct proc_dir_entry;
struct seq_file;

/* Inline functions and macros of the kernel: shim.c has them. */
bool kbus_in_compat_syscall(void);
bool kbus_access_ok(unsigned long address, unsigned long size);
unsigned int kbus_inode_minor(const struct inode *inode);
unsigned int kbus_user(void);
bool kbus_may_exceed_limits(void);
bool kbus_may_warn(void);

/* <linux/proc_fs.h> */
struct proc_dir_entry *proc_mkdir(const char *name, struct proc_dir_entry *parent);
struct proc_dir_entry *proc_create_single_data(const char *name, unsigned short mode,
					       struct proc_dir_entry *parent,
					       int (*show)(struct seq_file *file, void *item),
					       void *data);
void proc_remove(struct proc_dir_entry *entry);

#endif
