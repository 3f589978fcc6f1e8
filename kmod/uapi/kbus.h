/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The KBUS contract for C programs: what goes through /dev/kbusN.
 *
 * Layouts, numbers and names are those of the KBUS of 2009-2021 and never
 * change; an addition gets a new ioctl number. The Rust mirror beside this
 * file, kbus.rs, is generated from it (mirror.sh), and tests/abi compares
 * both with the tables of the specification.
 */
#ifndef KBUS_H
#define KBUS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Messages ---------------------------------------------------------- */

/*
 * A message's identity. network_id 0: the serial number was given by this
 * bus. Anything else was written by the sender and is kept as it is.
 * {0,0} is no message.
 */
struct kbus_msg_id {
	__u32 network_id;
	__u32 serial_num;
};

/* A Ksock on another bus: for daemons that join buses. Carried, never read. */
struct kbus_orig_from {
	__u32 network_id;
	__u32 local_id;
};

/*
 * The start of every message. A "pointy" message is this alone: name (not
 * NULL) and data point into the writer's memory. An "entire" message has
 * both NULL and is followed by the name, its padding, the data, its padding
 * and the end guard. Reading always gives the entire form.
 */
struct kbus_message_header {
	__u32 start_guard;
	struct kbus_msg_id id;
	struct kbus_msg_id in_reply_to;	/* a reply: to which request */
	__u32 to;			/* the one Ksock meant, or 0 */
	__u32 from;			/* the sending Ksock; set by the bus */
	struct kbus_orig_from orig_from;
	struct kbus_orig_from final_to;
	__u32 extra;			/* reserved: 0 when read */
	__u32 flags;			/* KBUS_BIT_... */
	__u32 name_len;			/* bytes, terminator not counted */
	__u32 data_len;			/* bytes */
	char *name;
	void *data;
	__u32 end_guard;
};

struct kbus_entire_message {
	struct kbus_message_header header;
	__u32 rest[];
};

#define KBUS_MSG_START_GUARD	0x7375624B	/* "Kbus" in memory, little endian */
#define KBUS_MSG_END_GUARD	0x4B627573	/* "subK" */

#define KBUS_MAX_NAME_LEN	1000	/* bytes */

/* Lengths in bytes; a padded name has room for at least one zero byte. */
#define KBUS_PADDED_NAME_LEN(name_len)	(4 * (((name_len) + 4) / 4))
#define KBUS_PADDED_DATA_LEN(data_len)	(4 * (((data_len) + 3) / 4))
#define KBUS_ENTIRE_MSG_LEN(name_len, data_len)		\
	(sizeof(struct kbus_entire_message) +		\
	 KBUS_PADDED_NAME_LEN(name_len) +		\
	 KBUS_PADDED_DATA_LEN(data_len) + 4)

/* Where data and end guard are, counted in words of rest[]. */
#define KBUS_ENTIRE_MSG_DATA_INDEX(name_len)	(((name_len) + 4) / 4)
#define KBUS_ENTIRE_MSG_END_GUARD_INDEX(name_len, data_len)	\
	((((name_len) + 4) / 4) + (((data_len) + 3) / 4))

/* Flags. Bits 4-7 and 10-15 are reserved, 16-31 the user's: both are carried. */
#define KBUS_BIT_WANT_A_REPLY		0x001	/* a request */
#define KBUS_BIT_WANT_YOU_TO_REPLY	0x002	/* set by the bus: this copy is yours to answer */
#define KBUS_BIT_SYNTHETIC		0x004	/* set by the bus: the bus says this itself */
#define KBUS_BIT_URGENT			0x008	/* goes to the front of queues */
#define KBUS_BIT_ALL_OR_WAIT		0x100	/* a full recipient: EAGAIN, wait with poll */
#define KBUS_BIT_ALL_OR_FAIL		0x200	/* a full recipient: EBUSY, nobody gets it */

/* What the bus itself says. */
#define KBUS_MSG_NAME_REPLIER_GONEAWAY		"$.KBUS.Replier.GoneAway"
#define KBUS_MSG_NAME_REPLIER_IGNORED		"$.KBUS.Replier.Ignored"
#define KBUS_MSG_NAME_REPLIER_UNBOUND		"$.KBUS.Replier.Unbound"
#define KBUS_MSG_NAME_REPLIER_DISAPPEARED	"$.KBUS.Replier.Disappeared"
#define KBUS_MSG_NAME_ERROR_SENDING		"$.KBUS.ErrorSending"
#define KBUS_MSG_NAME_UNBIND_EVENTS_LOST	"$.KBUS.UnbindEventsLost"
#define KBUS_MSG_NAME_REPLIER_BIND_EVENT	"$.KBUS.ReplierBindEvent"

/* The data of a KBUS_MSG_NAME_REPLIER_BIND_EVENT. */
struct kbus_replier_bind_event_data {
	__u32 is_bind;		/* 1 bound, 0 unbound */
	__u32 binder;		/* the Ksock whose binding it is */
	__u32 name_len;
	__u32 rest[];		/* the name, padded as a message's name is */
};

/* ---- Calls ------------------------------------------------------------- */

struct kbus_bind_request {
	__u32 is_replier;	/* 0 listener; else replier: unbind with the same value */
	__u32 name_len;
	char *name;
};

struct kbus_bind_query {
	__u32 return_id;	/* out: the replier's Ksock id, or 0 */
	__u32 name_len;
	char *name;
};

/*
 * The numbers encode the size of a pointer, whatever is really transferred
 * (named behind each): a __u32 is four bytes although the number says eight.
 */
#define KBUS_IOC_MAGIC	'k'

#define KBUS_IOC_RESET		_IO(KBUS_IOC_MAGIC, 1)
#define KBUS_IOC_BIND		_IOW(KBUS_IOC_MAGIC, 2, char *)	/* kbus_bind_request */
#define KBUS_IOC_UNBIND		_IOW(KBUS_IOC_MAGIC, 3, char *)	/* kbus_bind_request */
#define KBUS_IOC_KSOCKID	_IOR(KBUS_IOC_MAGIC, 4, char *)	/* __u32 */
#define KBUS_IOC_REPLIER	_IOWR(KBUS_IOC_MAGIC, 5, char *) /* kbus_bind_query; 1 found, 0 not */
#define KBUS_IOC_NEXTMSG	_IOR(KBUS_IOC_MAGIC, 6, char *)	/* __u32 length; 1 message, 0 none */
#define KBUS_IOC_LENLEFT	_IOR(KBUS_IOC_MAGIC, 7, char *)	/* __u32 */
#define KBUS_IOC_SEND		_IOR(KBUS_IOC_MAGIC, 8, char *)	/* kbus_msg_id */
#define KBUS_IOC_DISCARD	_IO(KBUS_IOC_MAGIC, 9)
#define KBUS_IOC_LASTSENT	_IOR(KBUS_IOC_MAGIC, 10, char *) /* kbus_msg_id */
#define KBUS_IOC_MAXMSGS	_IOWR(KBUS_IOC_MAGIC, 11, char *) /* __u32; 0 asks */
#define KBUS_IOC_NUMMSGS	_IOR(KBUS_IOC_MAGIC, 12, char *) /* __u32 */
#define KBUS_IOC_UNREPLIEDTO	_IOR(KBUS_IOC_MAGIC, 13, char *) /* __u32 */
#define KBUS_IOC_MSGONLYONCE	_IOWR(KBUS_IOC_MAGIC, 14, char *) /* __u32 0, 1, ~0 asks */
#define KBUS_IOC_VERBOSE	_IOWR(KBUS_IOC_MAGIC, 15, char *) /* __u32 0, 1, ~0 asks */
#define KBUS_IOC_NEWDEVICE	_IOR(KBUS_IOC_MAGIC, 16, char *) /* __u32 */
#define KBUS_IOC_REPORTREPLIERBINDS _IOWR(KBUS_IOC_MAGIC, 17, char *) /* __u32 0, 1, ~0 asks */
#define KBUS_IOC_MAXMSGSIZE	_IOWR(KBUS_IOC_MAGIC, 18, char *) /* __u32 bytes; 0, 1 ask */
#define KBUS_IOC_MAXNR		18

/*
 * Additions: not of the KBUS of 2009-2021, and so with numbers of their own,
 * which have the size of the structure. One layout for programs of 32 and of
 * 64 bits; what a structure may be given in future must be 0.
 */
struct kbus_remove_device {
	__u32 device;		/* its number */
	__u32 options;		/* none yet: 0 */
};

#define KBUS_IOC_REMOVEDEVICE	_IOW(KBUS_IOC_MAGIC, 27, struct kbus_remove_device)

/* ---- Helpers ----------------------------------------------------------- */

/* The name of a message of either form. */
static inline char *kbus_msg_name_ptr(const struct kbus_message_header *hdr)
{
	if (hdr->name)
		return hdr->name;
	return (char *)&((struct kbus_entire_message *)hdr)->rest[0];
}

/* The data of a message of either form; meaningless when data_len is 0. */
static inline void *kbus_msg_data_ptr(const struct kbus_message_header *hdr)
{
	if (hdr->data)
		return hdr->data;
	return (void *)&((struct kbus_entire_message *)hdr)
		->rest[KBUS_ENTIRE_MSG_DATA_INDEX(hdr->name_len)];
}

/* The end guard that closes an entire message. */
static inline __u32 *kbus_msg_end_ptr(struct kbus_entire_message *msg)
{
	return &msg->rest[KBUS_ENTIRE_MSG_END_GUARD_INDEX(msg->header.name_len,
							  msg->header.data_len)];
}

#ifdef __cplusplus
}
#endif

#endif /* KBUS_H */
