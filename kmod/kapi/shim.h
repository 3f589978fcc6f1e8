/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Rust calls that the kernel's bindings do not have. shim.rs beside this
 * file is generated from it (shim.sh); shim.c includes it behind the kernel's
 * own headers, so that the compiler compares the one with the other.
 */
#ifndef KBUS_SHIM_H
#define KBUS_SHIM_H

#include <linux/types.h>

struct file;
struct inode;
struct mem_cgroup;
struct proc_dir_entry;
struct tracepoint;

/* Inline functions and macros of the kernel: shim.c has them. */
bool kbus_in_compat_syscall(void);
bool kbus_access_ok(unsigned long address, unsigned long size);
void kbus_never_waits(struct file *file);
unsigned int kbus_inode_minor(const struct inode *inode);
unsigned int kbus_user(void);
bool kbus_may_exceed_limits(void);
bool kbus_is_killed(void);
bool kbus_is_admin(void);
bool kbus_may_see_all(void);
bool kbus_owns(const struct file *file);
struct mem_cgroup *kbus_memcg_of_caller(void);
struct mem_cgroup *kbus_memcg_activate(struct mem_cgroup *memcg);
void kbus_memcg_put(struct mem_cgroup *memcg);

/* <linux/proc_fs.h> */
struct proc_dir_entry *proc_mkdir(const char *name, struct proc_dir_entry *parent);
void proc_remove(struct proc_dir_entry *entry);

/* A file below /proc that is a seq_file from open to release. */
struct kbus_proc_file {
	int (*open)(struct file *file, void *data);
	int (*release)(struct inode *inode, struct file *file);
	void *data;
};

/* Everybody may read it. What it is made of must stay as long as it does. */
struct proc_dir_entry *kbus_proc_create(const char *name, struct proc_dir_entry *parent,
					const struct kbus_proc_file *file);

/* The trace points of trace.h: their keys, and what to call where one is on. */
extern struct tracepoint __tracepoint_kbus_bind;
extern struct tracepoint __tracepoint_kbus_unbind;
extern struct tracepoint __tracepoint_kbus_close;
extern struct tracepoint __tracepoint_kbus_route;
extern struct tracepoint __tracepoint_kbus_queue;
extern struct tracepoint __tracepoint_kbus_skip;
extern struct tracepoint __tracepoint_kbus_answer;
void rust_do_trace_kbus_bind(unsigned int bus, unsigned int ksock, bool replier,
			     const char *name, unsigned int name_len);
void rust_do_trace_kbus_unbind(unsigned int bus, unsigned int ksock, bool replier,
			       const char *name, unsigned int name_len);
void rust_do_trace_kbus_close(unsigned int bus, unsigned int ksock);
void rust_do_trace_kbus_route(unsigned int bus, unsigned int ksock, unsigned int network,
			      unsigned int serial, unsigned int flags, unsigned int to,
			      unsigned int verdict, const char *name, unsigned int name_len);
void rust_do_trace_kbus_queue(unsigned int bus, unsigned int ksock, unsigned int network,
			      unsigned int serial, unsigned int queued);
void rust_do_trace_kbus_skip(unsigned int bus, unsigned int ksock, unsigned int why,
			     const char *name, unsigned int name_len);
void rust_do_trace_kbus_answer(unsigned int bus, unsigned int ksock, unsigned int requester,
			       unsigned int network, unsigned int serial, bool by_bus);

#endif
