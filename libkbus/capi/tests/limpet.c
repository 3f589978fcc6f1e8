/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two buses of our own and a pair of limpets between them, in one program:
 * what one is to forward goes over a wire of bytes to the other. Runs in the
 * VM.
 */
#include <kbus/kbus.h>
#include <kbus/limpet.h>

#include <time.h>

#include "check.h"

struct side {
	kbus_ksock_t ksock;
	kbus_limpet_context_t *limpet;
	uint32_t bus, network;
};

static struct side sides[2];

static kbus_ksock_t open_bus(int which)
{
	struct timespec nap = {0, 10000000};
	kbus_ksock_t ksock = -1;
	int tries;

	for (tries = 0; tries < 1000 && ksock < 0; tries++) {
		ksock = kbus_ksock_open(sides[which].bus, O_RDWR);
		if (ksock < 0)
			nanosleep(&nap, NULL);
	}
	return (kbus_ksock_t)MUST(ksock);
}

/* Gives a message to the limpet on the other side, as the peer would get it. */
static void carry(struct side *from, struct side *to, kbus_message_t *msg)
{
	uint32_t wire[KBUS_SERIALISED_HDR_LEN];
	kbus_message_t got, *error = NULL;
	kbus_msg_id_t id;
	int what, sent;

	kbus_serialise_message_header(msg, wire);
	kbus_unserialise_message_header(wire, &got);
	got.name = strdup(kbus_msg_name_ptr(msg));
	got.data = msg->data_len ? malloc(msg->data_len) : NULL;
	if (got.data)
		memcpy(got.data, kbus_msg_data_ptr(msg), msg->data_len);
	what = (int)MUST(kbus_limpet_amend_msg_to_kbus(to->limpet, &got, &error));
	if (what == 0) {
		sent = kbus_ksock_send_msg(to->ksock, &got, &id);
		if (sent < 0)
			what = kbus_limpet_could_not_send_to_kbus_msg(to->limpet, &got, sent, &error)
				       ? 1 : 2;
	}
	CHECK((what == 2) == (error != NULL));
	if (error) {
		carry(to, from, error);
		kbus_msg_delete(&error);
	}
	free(got.name);
	free(got.data);
}

/* Until neither has anything left. */
static void carry_all(void)
{
	int i, quiet = 0;

	for (i = 0; quiet < 2; i = !i) {
		kbus_message_t *msg;

		MUST(kbus_ksock_read_next_msg(sides[i].ksock, &msg));
		quiet = msg ? 0 : quiet + 1;
		if (!msg)
			continue;
		if (MUST(kbus_limpet_amend_msg_from_kbus(sides[i].limpet, msg)) == 0)
			carry(&sides[i], &sides[!i], msg);
		kbus_msg_delete(&msg);
	}
}

static kbus_message_t *read_one(kbus_ksock_t ksock)
{
	kbus_message_t *msg;

	carry_all();
	MUST(kbus_ksock_read_next_msg(ksock, &msg));
	if (!msg)
		MUST(-ENOMSG);
	return msg;
}

static void limpets_are_set_up(void)
{
	kbus_ksock_t first = (kbus_ksock_t)MUST(kbus_ksock_open(0, O_RDWR));
	char all[] = "$.*", bad[] = "$.a..b";
	kbus_limpet_context_t *none;
	kbus_ksock_t replier;
	uint32_t word;
	int i;

	for (i = 0; i < 2; i++) {
		MUST(kbus_ksock_new_device(first, &sides[i].bus));
		sides[i].network = (uint32_t)i + 1;
		sides[i].ksock = open_bus(i);
	}
	/* Somebody who was there before. */
	replier = open_bus(0);
	MUST(kbus_ksock_bind(replier, "$.Early", 1));

	CHECK_IS(kbus_limpet_new_context(sides[0].ksock, 1, 1, all, 0, &none), -EINVAL);
	CHECK_IS(kbus_limpet_new_context(sides[0].ksock, 0, 1, all, 0, &none), -EINVAL);
	CHECK_IS(kbus_limpet_new_context(sides[0].ksock, 1, 2, bad, 0, &none), -EBADMSG);
	CHECK(none == NULL);
	for (i = 0; i < 2; i++)
		MUST(kbus_limpet_new_context(sides[i].ksock, sides[i].network, sides[!i].network,
					     all, 0, &sides[i].limpet));
	all[2] = 'x';
	MUST(kbus_ksock_is_only_once(sides[0].ksock, &word));
	CHECK_IS(word, 1);
	carry_all();
	MUST(kbus_ksock_find_replier(sides[1].ksock, "$.Early", &word));
	CHECK(word != 0);
	MUST(kbus_ksock_close(replier));
	carry_all();
	MUST(kbus_ksock_find_replier(sides[1].ksock, "$.Early", &word));
	CHECK_IS(word, 0);
	kbus_ksock_close(first);
}

static void announcements_cross_once(void)
{
	kbus_ksock_t here = open_bus(0), there = open_bus(1);
	kbus_message_t *msg, *got;
	kbus_msg_id_t id;
	uint32_t us, left;

	kbus_limpet_set_verbosity(sides[0].limpet, 2);
	MUST(kbus_ksock_bind(there, "$.Said", 0));
	MUST(kbus_ksock_id(here, &us));
	MUST(kbus_msg_create(&msg, "$.Said", 6, "xyz", 3, 0));
	MUST(kbus_ksock_send_msg(here, msg, &id));
	kbus_msg_delete(&msg);
	got = read_one(there);
	kbus_limpet_set_verbosity(sides[0].limpet, 0);
	CHECK(got->id.network_id == 1 && got->id.serial_num == id.serial_num);
	CHECK(got->orig_from.network_id == 1 && got->orig_from.local_id == us);
	CHECK(got->data_len == 3 && memcmp(kbus_msg_data_ptr(got), "xyz", 3) == 0);
	kbus_msg_delete(&got);
	carry_all();
	MUST(kbus_ksock_num_messages(there, &left));
	CHECK_IS(left, 0);
	MUST(kbus_ksock_close(here));
	MUST(kbus_ksock_close(there));
}

static void conversations_cross(void)
{
	kbus_ksock_t asker = open_bus(0), replier = open_bus(1);
	kbus_message_t *msg, *got, *reply;
	kbus_msg_id_t asked, id;
	uint32_t them;

	MUST(kbus_ksock_id(replier, &them));
	MUST(kbus_ksock_bind(replier, "$.Ask", 1));
	carry_all();
	MUST(kbus_msg_create_request(&msg, "$.Ask", 5, "?", 1, 0));
	MUST(kbus_ksock_send_msg(asker, msg, &asked));
	kbus_msg_delete(&msg);
	got = read_one(replier);
	CHECK(kbus_msg_wants_us_to_reply(got));
	MUST(kbus_msg_create_reply_to(&reply, got, "!", 1, 0));
	MUST(kbus_ksock_send_msg(replier, reply, &id));
	kbus_msg_delete(&reply);
	kbus_msg_delete(&got);
	got = read_one(asker);
	CHECK(kbus_msg_compare_ids(&got->in_reply_to, &asked) == 0);
	CHECK(got->orig_from.network_id == 2 && got->orig_from.local_id == them);

	/* To the same one again. */
	MUST(kbus_msg_create_stateful_request(&msg, got, "$.Ask", 5, "??", 2,
					      KBUS_BIT_WANT_A_REPLY));
	CHECK(msg->final_to.network_id == 2 && msg->final_to.local_id == them);
	kbus_msg_delete(&got);
	MUST(kbus_ksock_send_msg(asker, msg, &asked));
	got = read_one(replier);
	CHECK(kbus_msg_wants_us_to_reply(got) && got->to == them);
	MUST(kbus_msg_create_entire_reply_to(&reply, got, NULL, 0, 0));
	MUST(kbus_ksock_send_msg(replier, reply, &id));
	kbus_msg_delete(&reply);
	kbus_msg_delete(&got);
	got = read_one(asker);
	CHECK(kbus_msg_compare_ids(&got->in_reply_to, &asked) == 0);
	kbus_msg_delete(&got);

	/* It goes, another comes, and the limpet here has not heard of it. */
	MUST(kbus_ksock_send_msg(asker, msg, &asked));
	MUST(kbus_ksock_close(replier));
	replier = open_bus(1);
	MUST(kbus_ksock_bind(replier, "$.Ask", 1));
	got = read_one(asker);
	CHECK(strcmp(kbus_msg_name_ptr(got), KBUS_MSG_NOT_SAME_KSOCK) == 0);
	CHECK(kbus_msg_compare_ids(&got->in_reply_to, &asked) == 0);
	kbus_msg_delete(&got);
	kbus_msg_delete(&msg);
	MUST(kbus_ksock_close(asker));
	MUST(kbus_ksock_close(replier));
	carry_all();
}

static void who_asks_is_told_what_went_wrong(void)
{
	kbus_ksock_t asker = open_bus(0), replier = open_bus(1);
	kbus_message_t *msg, *got, *error;
	kbus_msg_id_t asked;
	char expected[60];

	MUST(kbus_ksock_bind(replier, "$.Gone", 1));
	carry_all();
	MUST(kbus_msg_create_request(&msg, "$.Gone", 6, NULL, 0, 0));
	MUST(kbus_ksock_send_msg(asker, msg, &asked));
	MUST(kbus_ksock_close(replier));
	got = read_one(asker);
	snprintf(expected, sizeof(expected), "%s%d", KBUS_MSG_REMOTE_ERROR_PREFIX, EADDRNOTAVAIL);
	CHECK(strcmp(kbus_msg_name_ptr(got), expected) == 0);
	CHECK(kbus_msg_compare_ids(&got->in_reply_to, &asked) == 0);
	kbus_msg_delete(&got);
	/* Nobody waits for an announcement. */
	msg->flags = 0;
	CHECK_IS(kbus_limpet_could_not_send_to_kbus_msg(sides[0].limpet, msg, -EBUSY, &error), 1);
	CHECK(error == NULL);
	kbus_msg_delete(&msg);
	MUST(kbus_ksock_close(asker));
}

/* Only the bus says who binds: what users say under that name is nothing. */
static void false_events_are_nothing(void)
{
	uint32_t data[] = {1, 9, 4, 0, 0}, word;
	kbus_ksock_t us = open_bus(0);
	kbus_message_t *msg, *error;
	kbus_msg_id_t id;

	memcpy(data + 3, "$.Ha", 4);
	MUST(kbus_msg_create(&msg, KBUS_MSG_NAME_REPLIER_BIND_EVENT,
			     (uint32_t)strlen(KBUS_MSG_NAME_REPLIER_BIND_EVENT), data,
			     sizeof(data), KBUS_BIT_SYNTHETIC));
	MUST(kbus_ksock_send_msg(us, msg, &id));
	carry_all();
	MUST(kbus_ksock_find_replier(sides[1].ksock, "$.Ha", &word));
	CHECK_IS(word, 0);
	/* And a peer that sends nonsense under it. */
	msg->data_len = 11;
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(sides[0].limpet, msg, &error), -EBADMSG);
	msg->data_len = 16;
	data[2] = 1000;
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(sides[0].limpet, msg, &error), -EBADMSG);
	kbus_msg_delete(&msg);
	MUST(kbus_msg_create_entire(&msg, "$.A", 3, NULL, 0, 0));
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(sides[0].limpet, msg, &error), -EBADMSG);
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(sides[0].limpet, msg, NULL), -EFAULT);
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(sides[0].limpet, NULL, &error), -EFAULT);
	CHECK_IS(kbus_limpet_amend_msg_from_kbus(sides[0].limpet, NULL), -EFAULT);
	kbus_msg_delete(&msg);
	MUST(kbus_ksock_close(us));
}

static void limpets_end(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		kbus_limpet_free_context(&sides[i].limpet);
		CHECK(sides[i].limpet == NULL);
		MUST(kbus_ksock_report_replier_binds(sides[i].ksock, 0));
		MUST(kbus_ksock_close(sides[i].ksock));
	}
}

int main(void)
{
	RUN(limpets_are_set_up);
	RUN(announcements_cross_once);
	RUN(conversations_cross);
	RUN(who_asks_is_told_what_went_wrong);
	RUN(false_events_are_nothing);
	RUN(limpets_end);
	return result();
}
