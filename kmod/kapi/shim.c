// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the kernel that neither its Rust bindings
 * nor its Rust helpers have. One line each; the safe faces are in caller.rs,
 * chardev.rs and log.rs.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "shim.h"

bool kbus_in_compat_syscall(void)
{
	return in_compat_syscall();
}

bool kbus_access_ok(unsigned long address, unsigned long size)
{
	return access_ok((const void __user *)address, size);
}

unsigned int kbus_inode_minor(const struct inode *inode)
{
	return iminor(inode);
}

unsigned int kbus_user(void)
{
	return from_kuid(&init_user_ns, current_uid());
}

bool kbus_may_exceed_limits(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

bool kbus_may_warn(void)
{
	static DEFINE_RATELIMIT_STATE(state, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&state);
}
