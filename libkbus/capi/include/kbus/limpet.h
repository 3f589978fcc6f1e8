/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * KBUS for daemons that join two buses: limpets. One has a Ksock on its bus
 * and a stream to its peer. These functions say what becomes of a message;
 * reading, writing and sending is the daemon's business.
 */
#ifndef KBUS_LIMPET_H
#define KBUS_LIMPET_H

#include "kbus.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a limpet tells its peer, beside what a bus says. */
#define KBUS_MSG_NOT_SAME_KSOCK "$.KBUS.Replier.NotSameKsock"
#define KBUS_MSG_REMOTE_ERROR_PREFIX "$.KBUS.RemoteError."

/* A message header on the wire: this many words. */
#define KBUS_SERIALISED_HDR_LEN 16

/* One at a time may use it. */
typedef struct kbus_limpet_context kbus_limpet_context_t;

/*
 * A header in network order, and back. The second turns `serial` into host
 * order, too, and leaves the name and data of msg NULL.
 */
void kbus_serialise_message_header(kbus_message_t *msg,
				   uint32_t result[KBUS_SERIALISED_HDR_LEN]);
void kbus_unserialise_message_header(uint32_t serial[KBUS_SERIALISED_HDR_LEN],
				     kbus_message_t *msg);

/*
 * Turns the numbers in the data of a KBUS_MSG_NAME_REPLIER_BIND_EVENT to
 * network order, and back. Leaves data alone that are too short.
 */
void kbus_limpet_ReplierBindEvent_hton(kbus_message_t *msg);
void kbus_limpet_ReplierBindEvent_ntoh(kbus_message_t *msg);

/*
 * A limpet for messages that match message_name ("$.*" for all). It binds the
 * Ksock, and asks the bus to report repliers, of which it also gets those
 * that are there already. -EBADMSG: no name. -EINVAL: networks have numbers
 * from 1 up, and different ones. -EBUSY: the queue of the Ksock is too short
 * for the repliers there are.
 */
int kbus_limpet_new_context(kbus_ksock_t ksock, uint32_t network_id,
			    uint32_t other_network_id, char *message_name,
			    uint32_t verbosity, kbus_limpet_context_t **context);

/* From 2 up, each decision is told on stdout. */
void kbus_limpet_set_verbosity(kbus_limpet_context_t *context, uint32_t verbosity);

/* Sets *context to NULL. Bindings stay until the Ksock is closed. */
void kbus_limpet_free_context(kbus_limpet_context_t **context);

/*
 * Makes a message from our bus fit for the peer. Returns 0: forward it;
 * 1: ignore it.
 */
int kbus_limpet_amend_msg_from_kbus(kbus_limpet_context_t *context,
				    kbus_message_t *msg);

/*
 * Makes a message from the peer fit for our bus; it must point to its name
 * and data, and the data of a bind event be in host order. Returns 0: send it;
 * 1: ignore it; 2: send *error to the peer, and kbus_msg_delete it.
 */
int kbus_limpet_amend_msg_to_kbus(kbus_limpet_context_t *context, kbus_message_t *msg,
				  kbus_message_t **error);

/*
 * Sending that message failed with errnum (negative). Returns 0: send *error
 * to the peer, and kbus_msg_delete it; 1: the peer need not know.
 */
int kbus_limpet_could_not_send_to_kbus_msg(kbus_limpet_context_t *context,
					   kbus_message_t *msg, int errnum,
					   kbus_message_t **error);

#ifdef __cplusplus
}
#endif

#endif /* KBUS_LIMPET_H */
