// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inline functions and macros of the kernel that neither its Rust bindings
 * nor its Rust helpers have. A few lines each, but for the files below /proc,
 * whose struct proc_ops is not in the bindings. The safe faces are in
 * caller.rs, chardev.rs, memcg.rs and procfs.rs.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "shim.h"

bool kbus_in_compat_syscall(void)
{
	/*
	 * What io_uring does for a 32-bit program later, or a worker for it, is
	 * in no system call of its.
	 */
#ifdef TIF_ADDR32
	if (test_thread_flag(TIF_ADDR32))
		return true;
#endif
	return in_compat_syscall();
}

bool kbus_access_ok(unsigned long address, unsigned long size)
{
	return access_ok((const void __user *)address, size);
}

void kbus_never_waits(struct file *file)
{
	file->f_mode |= FMODE_NOWAIT;
}

unsigned int kbus_inode_minor(const struct inode *inode)
{
	return iminor(inode);
}

unsigned int kbus_user(void)
{
	const struct user_namespace *ns;
	kuid_t user = current_uid();

	for (ns = current_user_ns(); ns != &init_user_ns; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			user = ns->owner;
	return from_kuid(&init_user_ns, user);
}

bool kbus_may_exceed_limits(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

bool kbus_is_killed(void)
{
	return fatal_signal_pending(current);
}

bool kbus_is_admin(void)
{
	return capable(CAP_SYS_ADMIN);
}

bool kbus_may_see_all(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_PTRACE);
}

bool kbus_owns(const struct file *file)
{
	return vfsuid_eq_kuid(i_uid_into_vfsuid(file_mnt_idmap(file), file_inode(file)),
			      current_fsuid());
}

struct mem_cgroup *kbus_memcg_of_caller(void)
{
	return get_mem_cgroup_from_mm(current->mm);
}

struct mem_cgroup *kbus_memcg_activate(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}

void kbus_memcg_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}

static int kbus_proc_open(struct inode *inode, struct file *file)
{
	const struct kbus_proc_file *this = pde_data(inode);

	return this->open(file, this->data);
}

static int kbus_proc_release(struct inode *inode, struct file *file)
{
	const struct kbus_proc_file *this = pde_data(inode);

	return this->release(inode, file);
}

static const struct proc_ops kbus_proc_ops = {
	.proc_open = kbus_proc_open,
	.proc_read_iter = seq_read_iter,
	.proc_lseek = seq_lseek,
	.proc_release = kbus_proc_release,
};

struct proc_dir_entry *kbus_proc_create(const char *name, struct proc_dir_entry *parent,
					const struct kbus_proc_file *file)
{
	return proc_create_data(name, 0444, parent, &kbus_proc_ops, (void *)file);
}
