/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * KBUS for C and C++ programs.
 *
 *	#include <kbus/kbus.h>		and link with -lkbus
 *
 * A Ksock is an open file: one connection to a bus, /dev/kbusN. Unless it is
 * said otherwise, functions return 0, or a negative errno; what the numbers
 * mean on a bus is in libkbus(3). A null pointer gives -EFAULT where null has
 * no meaning of its own. Nothing here has state of its own: threads may use
 * different Ksocks and messages as they like.
 *
 * libkbus/capi compares this file with the library (prototypes.sh), which is
 * written in Rust.
 */
#ifndef KBUS_KBUS_H
#define KBUS_KBUS_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/kbus_defns.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types --------------------------------------------------------------- */

typedef struct kbus_msg_id kbus_msg_id_t;
typedef struct kbus_orig_from kbus_orig_from_t;
typedef struct kbus_bind_request kbus_bind_request_t;
typedef struct kbus_bind_query kbus_bind_query_t;
typedef struct kbus_message_header kbus_message_t;
typedef struct kbus_entire_message kbus_entire_message_t;
typedef struct kbus_replier_bind_event_data kbus_replier_bind_event_data_t;

/* A file descriptor: poll, select and epoll work, fcntl and dup as well. */
typedef int kbus_ksock_t;

/* What to wait for. */
#define KBUS_KSOCK_READABLE 1
#define KBUS_KSOCK_WRITABLE 2

/* How to print: not more than 20 bytes of data. */
#define KBUS_MSG_PRINT_FLAGS_ABBREVIATE 1

/* ---- Opening and closing ------------------------------------------------- */

/*
 * Opens /dev/kbus<device_number>. Of flags only O_RDONLY, O_WRONLY or O_RDWR
 * count. Returns the Ksock.
 */
kbus_ksock_t kbus_ksock_open(uint32_t device_number, int flags);
kbus_ksock_t kbus_ksock_open_by_name(const char *device_name, int flags);

/*
 * Opens /dev/kbus<device_number> as kbus_ksock_open does. The Ksock is closed
 * when the program executes another.
 */
kbus_ksock_t kbus_ksock_open_cloexec(uint32_t device_number, int flags);

int kbus_ksock_close(kbus_ksock_t ksock);

/* ---- Binding ------------------------------------------------------------- */

/*
 * Binds as replier, or (is_replier 0) as listener. -EADDRINUSE: there is a
 * replier for this name. -EAGAIN: the queue of a listener for bind events is
 * full.
 */
int kbus_ksock_bind(kbus_ksock_t ksock, const char *name, uint32_t is_replier);

/* Undoes one binding to this name in this role. -EINVAL: there is none. */
int kbus_ksock_unbind(kbus_ksock_t ksock, const char *name, uint32_t is_replier);

/*
 * Puts the Ksock that is bound as replier to exactly this name into
 * *replier_ksock_id; 0 when there is none.
 */
int kbus_ksock_find_replier(kbus_ksock_t ksock, const char *name,
			    uint32_t *replier_ksock_id);

/* ---- What the bus knows -------------------------------------------------- */

/* What others see as the sender. */
int kbus_ksock_id(kbus_ksock_t ksock, uint32_t *ksock_id);

/* The id of the last message sent, or tried to send. */
int kbus_ksock_last_msg_id(kbus_ksock_t ksock, kbus_msg_id_t *msg_id);

/* How many messages have arrived. */
int kbus_ksock_num_messages(kbus_ksock_t ksock, uint32_t *num_messages);

/* How many requests we have taken and not answered. */
int kbus_ksock_num_unreplied_to(kbus_ksock_t ksock, uint32_t *num_messages);

/* ---- Settings ------------------------------------------------------------ */

/* How many messages our queue holds. In: the new limit, 0 asks. Out: the limit. */
int kbus_ksock_max_messages(kbus_ksock_t ksock, uint32_t *max_messages);

/*
 * How long messages of this bus may be, in bytes. In: the new limit; 0 asks
 * for it, 1 for the largest possible. Out: the limit.
 */
int kbus_ksock_max_message_size(kbus_ksock_t ksock, uint32_t *max_bytes);

/*
 * Switches: 1 on, 0 off, 0xFFFFFFFF neither. Return 0 and not what it was
 * before; the functions below tell what it is.
 *
 * only_once: get a message once although several of our bindings match.
 * report_replier_binds: messages when repliers come and go, on this bus.
 * kernel_module_verbose: the kernel logs what this bus does.
 */
int kbus_ksock_only_once(kbus_ksock_t ksock, uint32_t request);
int kbus_ksock_report_replier_binds(kbus_ksock_t ksock, uint32_t request);
int kbus_ksock_kernel_module_verbose(kbus_ksock_t ksock, uint32_t request);

/* 1 or 0 in *is_on. */
int kbus_ksock_is_only_once(kbus_ksock_t ksock, uint32_t *is_on);
int kbus_ksock_is_reporting_replier_binds(kbus_ksock_t ksock, uint32_t *is_on);
int kbus_ksock_is_verbose(kbus_ksock_t ksock, uint32_t *is_on);

/* Makes another bus; its device appears a little later. */
int kbus_ksock_new_device(kbus_ksock_t ksock, uint32_t *device_number);

/* ---- Receiving ----------------------------------------------------------- */

/*
 * Waits for any of KBUS_KSOCK_READABLE | KBUS_KSOCK_WRITABLE, and returns
 * which. A signal ends it with -EINTR.
 */
int kbus_wait_for_message(kbus_ksock_t ksock, int wait_for);

/*
 * Waits as kbus_wait_for_message does, and returns 0 after that many
 * milliseconds (negative: waits for ever). Signals do not end it.
 */
int kbus_ksock_wait(kbus_ksock_t ksock, int wait_for, int milliseconds);

/*
 * Takes the next message, to be read: returns 1 and its length, or 0 when
 * there is none.
 */
int kbus_ksock_next_msg(kbus_ksock_t ksock, uint32_t *message_length);

/* How much of it has not been read. */
int kbus_ksock_len_left(kbus_ksock_t ksock, uint32_t *len_left);

/*
 * Reads the message that was taken; msg_len is its length. *msg is an entire
 * message, for kbus_msg_delete; NULL after an error. -EBADMSG: there is no
 * message of this length to read.
 */
int kbus_ksock_read_msg(kbus_ksock_t ksock, kbus_message_t **msg, size_t msg_len);

/* Takes the next message and reads it. *msg is NULL when there is none. */
int kbus_ksock_read_next_msg(kbus_ksock_t ksock, kbus_message_t **msg);

/* ---- Sending ------------------------------------------------------------- */

/* Writes a message of either form, without sending it. */
int kbus_ksock_write_msg(kbus_ksock_t ksock, const kbus_message_t *msg);

/* Writes a part of one. */
int kbus_ksock_write_data(kbus_ksock_t ksock, uint8_t *data, size_t data_len);

/*
 * Sends what was written. *msg_id is the id that the bus gave it, also on
 * -EAGAIN (KBUS_BIT_ALL_OR_WAIT: it is not sent yet).
 */
int kbus_ksock_send(kbus_ksock_t ksock, kbus_msg_id_t *msg_id);

/* Both. */
int kbus_ksock_send_msg(kbus_ksock_t ksock, const kbus_message_t *msg,
			kbus_msg_id_t *msg_id);

/* Gives up what was written, or waits to be sent. */
int kbus_ksock_discard(kbus_ksock_t ksock);

/* ---- Making messages ----------------------------------------------------- */

/*
 * A message that borrows name and data (which must live as long as it), or
 * (..._entire...) that has copies of them. name_len is without the NUL.
 * *msg is for kbus_msg_delete; NULL after an error. -EINVAL, -ENAMETOOLONG:
 * a name has 1 to KBUS_MAX_NAME_LEN bytes; its letters the kernel checks.
 */
int kbus_msg_create(kbus_message_t **msg, const char *name, uint32_t name_len,
		    const void *data, uint32_t data_len, uint32_t flags);
int kbus_msg_create_entire(kbus_message_t **msg, const char *name, uint32_t name_len,
			   const void *data, uint32_t data_len, uint32_t flags);

/* As kbus_msg_create and kbus_msg_create_entire, with KBUS_BIT_WANT_A_REPLY. */
int kbus_msg_create_request(kbus_message_t **msg, const char *name, uint32_t name_len,
			    const void *data, uint32_t data_len, uint32_t flags);
int kbus_msg_create_entire_request(kbus_message_t **msg, const char *name,
				   uint32_t name_len, const void *data,
				   uint32_t data_len, uint32_t flags);

/*
 * The reply to a request that is ours to answer, or else -EBADMSG. The first
 * form borrows the name of the request.
 */
int kbus_msg_create_reply_to(kbus_message_t **msg, const kbus_message_t *in_reply_to,
			     const void *data, uint32_t data_len, uint32_t flags);
int kbus_msg_create_entire_reply_to(kbus_message_t **msg,
				    const kbus_message_t *in_reply_to,
				    const void *data, uint32_t data_len,
				    uint32_t flags);

/*
 * A request to whom a reply came from, or an earlier stateful request went
 * to; else -EBADMSG. flags must have KBUS_BIT_WANT_A_REPLY.
 */
int kbus_msg_create_stateful_request(kbus_message_t **msg,
				     const kbus_message_t *earlier_msg,
				     const char *name, uint32_t name_len,
				     const void *data, uint32_t data_len,
				     uint32_t flags);
int kbus_msg_create_entire_stateful_request(kbus_message_t **msg,
					    const kbus_message_t *earlier_msg,
					    const char *name, uint32_t name_len,
					    const void *data, uint32_t data_len,
					    uint32_t flags);

/* Frees a message and sets *msg_p to NULL. */
void kbus_msg_delete(kbus_message_t **msg_p);

/* Frees the name and the data that a message points to as well. */
void kbus_msg_delete_all(kbus_message_t **msg_p);

/* ---- Looking at messages ------------------------------------------------- */

/* How long it is, in bytes: the header alone when it points to name and data. */
int kbus_msg_sizeof(const kbus_message_t *msg);

/*
 * Takes the data of a KBUS_MSG_NAME_REPLIER_BIND_EVENT apart. *name is for
 * free(); NULL after an error. -EBADMSG: the data are none, or nonsense. The
 * bus says it only in messages with KBUS_BIT_SYNTHETIC and from 0.
 */
int kbus_msg_split_bind_event(const kbus_message_t *msg, uint32_t *is_bind,
			      uint32_t *binder, char **name);

/* One line, without its end; the first form abbreviates. */
void kbus_msg_print(FILE *stream, const kbus_message_t *msg);
void kbus_msg_print2(FILE *stream, const kbus_message_t *msg, unsigned int flags);

/* Everything, in several lines, on stdout. dump_data has no effect. */
void kbus_msg_dump(const kbus_message_t *msg, int dump_data);

/* Is name and data in one piece with it? */
static inline int kbus_msg_is_entire(const kbus_message_t *msg)
{
	return msg->name == NULL;
}

static inline int kbus_msg_is_reply(const kbus_message_t *msg)
{
	return msg->in_reply_to.network_id != 0 || msg->in_reply_to.serial_num != 0;
}

static inline int kbus_msg_is_request(const kbus_message_t *msg)
{
	return (msg->flags & KBUS_BIT_WANT_A_REPLY) != 0;
}

/* A request to one Ksock and no other? */
static inline int kbus_msg_is_stateful_request(const kbus_message_t *msg)
{
	return kbus_msg_is_request(msg) && msg->to != 0;
}

/* A request that is ours to answer? */
static inline int kbus_msg_wants_us_to_reply(const kbus_message_t *msg)
{
	return (msg->flags & KBUS_BIT_WANT_A_REPLY) != 0 &&
	       (msg->flags & KBUS_BIT_WANT_YOU_TO_REPLY) != 0;
}

/* -1, 0 or 1: the order of ids, by network first. */
static inline int kbus_msg_compare_ids(const kbus_msg_id_t *id1, const kbus_msg_id_t *id2)
{
	if (id1->network_id != id2->network_id)
		return id1->network_id < id2->network_id ? -1 : 1;
	if (id1->serial_num != id2->serial_num)
		return id1->serial_num < id2->serial_num ? -1 : 1;
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* KBUS_KBUS_H */
