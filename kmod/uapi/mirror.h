/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What bindgen reads to make kbus.rs: the contract, and the ioctl numbers as
 * constants, since bindgen cannot evaluate macros with casts in them.
 */
#include "kbus.h"

#define NUMBER(name) const __u32 MIRROR_##name = KBUS_IOC_##name

NUMBER(RESET);
NUMBER(BIND);
NUMBER(UNBIND);
NUMBER(KSOCKID);
NUMBER(REPLIER);
NUMBER(NEXTMSG);
NUMBER(LENLEFT);
NUMBER(SEND);
NUMBER(DISCARD);
NUMBER(LASTSENT);
NUMBER(MAXMSGS);
NUMBER(NUMMSGS);
NUMBER(UNREPLIEDTO);
NUMBER(MSGONLYONCE);
NUMBER(VERBOSE);
NUMBER(NEWDEVICE);
NUMBER(REPORTREPLIERBINDS);
NUMBER(MAXMSGSIZE);
