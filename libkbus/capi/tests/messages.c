/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages without a bus: making them, looking at them, printing them, and
 * what every function says to NULL, to bad lengths and to what is no bus.
 * Runs anywhere, also under valgrind.
 */
#include <kbus/kbus.h>
#include <kbus/limpet.h>

#include "check.h"
#include "vectors.h"

#define NAME "$.Actor.Hamlet"
#define NAME_LEN 14

static void pointy_messages_borrow(void)
{
	const char *name = NAME;
	uint8_t data[] = {1, 2, 3};
	kbus_message_t *msg;

	MUST(kbus_msg_create(&msg, name, NAME_LEN, data, 3, KBUS_BIT_URGENT));
	CHECK(msg->start_guard == KBUS_MSG_START_GUARD && msg->end_guard == KBUS_MSG_END_GUARD);
	CHECK(msg->name == name && msg->data == data);
	CHECK(msg->name_len == NAME_LEN && msg->data_len == 3);
	CHECK(msg->flags == KBUS_BIT_URGENT);
	CHECK(!kbus_msg_is_entire(msg) && !kbus_msg_is_request(msg) && !kbus_msg_is_reply(msg));
	CHECK(kbus_msg_name_ptr(msg) == name && kbus_msg_data_ptr(msg) == data);
	CHECK_IS(kbus_msg_sizeof(msg), sizeof(kbus_message_t));
	kbus_msg_delete(&msg);
	CHECK(msg == NULL);
	MUST(kbus_msg_create_request(&msg, name, NAME_LEN, NULL, 0, 0));
	CHECK(kbus_msg_is_request(msg) && !kbus_msg_is_stateful_request(msg));
	CHECK(msg->data == NULL);
	kbus_msg_delete(&msg);
}

static void entire_messages_copy(void)
{
	char name[] = NAME;
	char data[] = "xyz";
	kbus_message_t *msg;

	MUST(kbus_msg_create_entire(&msg, name, NAME_LEN, data, 3, 0));
	memset(name, 'z', sizeof(name));
	memset(data, 'z', sizeof(data));
	CHECK(kbus_msg_is_entire(msg));
	CHECK(strcmp(kbus_msg_name_ptr(msg), NAME) == 0);
	CHECK(memcmp(kbus_msg_data_ptr(msg), "xyz\0", 4) == 0);
	CHECK(*kbus_msg_end_ptr((kbus_entire_message_t *)msg) == KBUS_MSG_END_GUARD);
	CHECK_IS(kbus_msg_sizeof(msg), KBUS_ENTIRE_MSG_LEN(NAME_LEN, 3));
	kbus_msg_delete(&msg);
	MUST(kbus_msg_create_entire_request(&msg, NAME, NAME_LEN, NULL, 0, KBUS_BIT_ALL_OR_WAIT));
	CHECK_IS(msg->flags, KBUS_BIT_ALL_OR_WAIT | KBUS_BIT_WANT_A_REPLY);
	kbus_msg_delete(&msg);
}

/* The original took one length for the other. */
static void sizeof_is_right_where_one_length_is_a_multiple_of_4(void)
{
	static const char text[] = "$.abcdefghijklmnop";
	uint32_t name_len, data_len;
	kbus_message_t *msg;

	for (name_len = 3; name_len < 12; name_len++)
		for (data_len = 0; data_len < 9; data_len++) {
			MUST(kbus_msg_create_entire(&msg, text, name_len, text, data_len, 0));
			CHECK_IS(kbus_msg_sizeof(msg), KBUS_ENTIRE_MSG_LEN(name_len, data_len));
			CHECK(*kbus_msg_end_ptr((kbus_entire_message_t *)msg) == KBUS_MSG_END_GUARD);
			kbus_msg_delete(&msg);
		}
}

static void replies_are_to_requests_that_are_ours(void)
{
	kbus_message_t *request, *reply, *entire;

	MUST(kbus_msg_create_entire_request(&request, NAME, NAME_LEN, "?", 1, 0));
	request->id.serial_num = 17;
	request->from = 4;
	CHECK(!kbus_msg_wants_us_to_reply(request));
	CHECK_IS(kbus_msg_create_reply_to(&reply, request, NULL, 0, 0), -EBADMSG);
	CHECK(reply == NULL);
	CHECK_IS(kbus_msg_create_entire_reply_to(&reply, request, NULL, 0, 0), -EBADMSG);
	request->flags |= KBUS_BIT_WANT_YOU_TO_REPLY;
	CHECK(kbus_msg_wants_us_to_reply(request));
	MUST(kbus_msg_create_reply_to(&reply, request, "!", 1, KBUS_BIT_ALL_OR_FAIL));
	CHECK(reply->to == 4 && reply->flags == KBUS_BIT_ALL_OR_FAIL);
	CHECK(kbus_msg_compare_ids(&reply->in_reply_to, &request->id) == 0);
	CHECK(reply->name == kbus_msg_name_ptr(request));
	CHECK(kbus_msg_is_reply(reply) && !kbus_msg_is_request(reply));
	MUST(kbus_msg_create_entire_reply_to(&entire, request, "!", 1, 0));
	kbus_msg_delete(&request);
	CHECK(strcmp(kbus_msg_name_ptr(entire), NAME) == 0);
	CHECK(memcmp(kbus_msg_data_ptr(entire), "!", 1) == 0);
	kbus_msg_delete(&reply);
	kbus_msg_delete(&entire);
}

static void conversations_go_on(void)
{
	kbus_message_t *reply, *next, *third, *hello;

	MUST(kbus_msg_create(&reply, NAME, NAME_LEN, NULL, 0, 0));
	CHECK_IS(kbus_msg_create_stateful_request(&next, reply, NAME, NAME_LEN, NULL, 0, 0), -EBADMSG);
	reply->in_reply_to.serial_num = 3;
	reply->from = 8;
	reply->orig_from.network_id = 2;
	reply->orig_from.local_id = 9;
	MUST(kbus_msg_create_stateful_request(&next, reply, NAME, NAME_LEN, NULL, 0,
					      KBUS_BIT_WANT_A_REPLY));
	CHECK(next->to == 8 && next->final_to.network_id == 2 && next->final_to.local_id == 9);
	CHECK(kbus_msg_is_stateful_request(next));
	MUST(kbus_msg_create_entire_stateful_request(&third, next, "$.Other", 7, "abc", 3, 0));
	CHECK(third->to == 8 && third->final_to.local_id == 9);
	CHECK_IS(third->flags, 0);
	CHECK(strcmp(kbus_msg_name_ptr(third), "$.Other") == 0);
	MUST(kbus_msg_create_request(&hello, NAME, NAME_LEN, NULL, 0, 0));
	kbus_msg_delete(&next);
	CHECK_IS(kbus_msg_create_entire_stateful_request(&next, hello, NAME, NAME_LEN, NULL, 0, 0),
		 -EBADMSG);
	kbus_msg_delete(&hello);
	kbus_msg_delete(&reply);
	kbus_msg_delete(&third);
}

static void deleting_is_forgiving(void)
{
	kbus_message_t *msg = NULL;

	kbus_msg_delete(NULL);
	kbus_msg_delete(&msg);
	kbus_msg_delete_all(NULL);
	kbus_msg_delete_all(&msg);
	MUST(kbus_msg_create(&msg, strdup(NAME), NAME_LEN, strdup("data"), 4, 0));
	kbus_msg_delete_all(&msg);
	CHECK(msg == NULL);
	MUST(kbus_msg_create_entire(&msg, NAME, NAME_LEN, "data", 4, 0));
	kbus_msg_delete_all(&msg);
	CHECK(msg == NULL);
}

static void bad_lengths_and_null(void)
{
	kbus_message_t *msg = NULL, *other = NULL;
	uint32_t is_bind, binder, word;
	kbus_msg_id_t id;
	char *name;

	CHECK_IS(kbus_msg_create(NULL, NAME, NAME_LEN, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create(&msg, NULL, NAME_LEN, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create(&msg, NAME, 0, NULL, 0, 0), -EINVAL);
	CHECK_IS(kbus_msg_create(&msg, NAME, 1001, NULL, 0, 0), -ENAMETOOLONG);
	CHECK_IS(kbus_msg_create_entire(&msg, NAME, UINT32_MAX, NULL, 0, 0), -ENAMETOOLONG);
	CHECK_IS(kbus_msg_create_entire(&msg, NAME, NAME_LEN, NULL, 1, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_request(&msg, NAME, NAME_LEN, NULL, UINT32_MAX, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_entire_request(&msg, NULL, 3, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_reply_to(&msg, NULL, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_entire_reply_to(&msg, NULL, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_stateful_request(&msg, NULL, NAME, 3, NULL, 0, 0), -EFAULT);
	CHECK_IS(kbus_msg_create_entire_stateful_request(&msg, NULL, NAME, 3, NULL, 0, 0), -EFAULT);
	CHECK(msg == NULL);
	CHECK_IS(kbus_msg_sizeof(NULL), -EFAULT);
	CHECK_IS(kbus_msg_split_bind_event(NULL, &is_bind, &binder, &name), -EFAULT);

	CHECK_IS(kbus_ksock_open_by_name(NULL, O_RDWR), -EFAULT);
	CHECK_IS(kbus_ksock_bind(-1, NULL, 0), -EFAULT);
	CHECK_IS(kbus_ksock_unbind(-1, NULL, 0), -EFAULT);
	CHECK_IS(kbus_ksock_id(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_next_msg(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_len_left(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_last_msg_id(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_find_replier(-1, NULL, &word), -EFAULT);
	CHECK_IS(kbus_ksock_find_replier(-1, NAME, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_max_messages(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_num_messages(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_num_unreplied_to(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_send(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_max_message_size(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_new_device(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_read_msg(-1, NULL, 96), -EFAULT);
	CHECK_IS(kbus_ksock_read_next_msg(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_write_msg(-1, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_write_data(-1, NULL, 1), -EFAULT);
	CHECK_IS(kbus_ksock_write_data(-1, (uint8_t *)&word, SIZE_MAX), -EINVAL);
	CHECK_IS(kbus_ksock_send_msg(-1, NULL, &id), -EFAULT);
	MUST(kbus_msg_create(&other, NAME, NAME_LEN, NULL, 0, 0));
	CHECK_IS(kbus_ksock_send_msg(-1, other, NULL), -EFAULT);
	kbus_msg_delete(&other);
	kbus_msg_print(NULL, NULL);
	kbus_msg_print(stdout, NULL);
	kbus_msg_print2(NULL, NULL, 0);
	kbus_msg_dump(NULL, 1);
}

/* A closed file, and one that is not a bus. */
static void what_is_no_bus(void)
{
	kbus_message_t *msg, *read;
	kbus_limpet_context_t *context;
	uint32_t word = 0;
	kbus_msg_id_t id;
	char name[] = "$.*";
	int null;

	CHECK_IS(kbus_ksock_open(4000000000u, O_RDWR), -ENOENT);
	CHECK_IS(kbus_ksock_open_cloexec(4000000000u, O_RDWR), -ENOENT);
	CHECK_IS(kbus_ksock_open_by_name("/no/such/file", O_RDWR), -ENOENT);
	CHECK_IS(kbus_ksock_close(-1), -EBADF);
	CHECK_IS(kbus_ksock_discard(-1), -EBADF);
	CHECK_IS(kbus_wait_for_message(9999, KBUS_KSOCK_READABLE), -EBADF);
	CHECK_IS(kbus_wait_for_message(0, 0), -EINVAL);
	CHECK_IS(kbus_ksock_wait(0, 4, 0), -EINVAL);

	null = (int)MUST(kbus_ksock_open_by_name("/dev/null", O_RDWR | O_CLOEXEC));
	CHECK_IS(fcntl(null, F_GETFD), 0);
	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, NULL, 0, 0));
	CHECK_IS(kbus_ksock_bind(null, NAME, 1), -ENOTTY);
	CHECK_IS(kbus_ksock_unbind(null, NAME, 1), -ENOTTY);
	CHECK_IS(kbus_ksock_id(null, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_next_msg(null, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_find_replier(null, NAME, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_only_once(null, 1), -ENOTTY);
	CHECK_IS(kbus_ksock_report_replier_binds(null, 0), -ENOTTY);
	CHECK_IS(kbus_ksock_kernel_module_verbose(null, 0xFFFFFFFF), -ENOTTY);
	CHECK_IS(kbus_ksock_only_once(null, 2), -EINVAL);
	CHECK_IS(kbus_ksock_report_replier_binds(null, 7), -EINVAL);
	CHECK_IS(kbus_ksock_kernel_module_verbose(null, 0xFFFFFFFE), -EINVAL);
	CHECK_IS(kbus_ksock_is_only_once(null, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_is_reporting_replier_binds(null, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_is_verbose(null, &word), -ENOTTY);
	CHECK_IS(kbus_ksock_send_msg(null, msg, &id), -ENOTTY);
	CHECK_IS(kbus_ksock_write_msg(null, msg), 0);
	CHECK_IS(kbus_ksock_write_data(null, (uint8_t *)msg, sizeof(*msg)), 0);
	CHECK_IS(kbus_ksock_write_data(null, NULL, 0), 0);
	CHECK_IS(kbus_ksock_read_msg(null, &read, 96), -EBADMSG);
	CHECK(read == NULL);
	CHECK_IS(kbus_ksock_read_msg(null, &read, 0), -EINVAL);
	CHECK_IS(kbus_ksock_read_msg(null, &read, SIZE_MAX), -ENOMEM);
	CHECK_IS(kbus_ksock_read_next_msg(null, &read), -ENOTTY);
	CHECK(read == NULL);
	CHECK_IS(kbus_ksock_wait(null, KBUS_KSOCK_READABLE, 0), KBUS_KSOCK_READABLE);
	CHECK_IS(kbus_limpet_new_context(null, 1, 2, name, 0, &context), -ENOTTY);
	CHECK(context == NULL);
	CHECK_IS(kbus_limpet_new_context(null, 1, 2, NULL, 0, &context), -EBADMSG);
	name[2] = 0;
	CHECK_IS(kbus_limpet_new_context(null, 1, 2, name, 0, &context), -EBADMSG);
	kbus_msg_delete(&msg);
	CHECK_IS(kbus_ksock_close(null), 0);
}

/* Reads bytes through a pipe, as from a bus. */
static int64_t read_back(kbus_message_t **msg, struct vector_bytes bytes)
{
	int64_t result;
	int ends[2];

	CHECK_IS(pipe(ends), 0);
	CHECK_IS(write(ends[1], bytes.bytes, bytes.len), bytes.len);
	result = kbus_ksock_read_msg(ends[0], msg, bytes.len);
	close(ends[0]);
	close(ends[1]);
	return result;
}

static void messages_are_the_bytes_of_the_vectors(void)
{
	size_t i;

	for (i = 0; i < COUNT(vector_messages); i++) {
		struct vector_bytes bytes = HERE(vector_messages[i]);
		const char *kind = vector_messages[i].kind;
		kbus_message_t *msg, *read;

		MUST(kbus_msg_create_entire(&msg, vector_messages[i].name, vector_messages[i].name_len,
					    vector_messages[i].data, vector_messages[i].data_len,
					    vector_messages[i].flags));
		msg->id.network_id = vector_messages[i].id[0];
		msg->id.serial_num = vector_messages[i].id[1];
		msg->in_reply_to.network_id = vector_messages[i].in_reply_to[0];
		msg->in_reply_to.serial_num = vector_messages[i].in_reply_to[1];
		msg->to = vector_messages[i].to;
		msg->from = vector_messages[i].from;
		msg->orig_from.network_id = vector_messages[i].orig_from[0];
		msg->orig_from.local_id = vector_messages[i].orig_from[1];
		msg->final_to.network_id = vector_messages[i].final_to[0];
		msg->final_to.local_id = vector_messages[i].final_to[1];
		msg->extra = vector_messages[i].extra;
		CHECK_IS(kbus_msg_sizeof(msg), bytes.len);
		CHECK(memcmp(msg, bytes.bytes, bytes.len) == 0);
		CHECK(kbus_msg_is_reply(msg) == (!strcmp(kind, "Reply") || !strcmp(kind, "Status")));
		CHECK(kbus_msg_is_request(msg) ==
		      (!strcmp(kind, "Request") || !strcmp(kind, "StatefulRequest")));
		CHECK(kbus_msg_is_stateful_request(msg) == !strcmp(kind, "StatefulRequest"));
		MUST(read_back(&read, bytes));
		CHECK(read && memcmp(read, bytes.bytes, bytes.len) == 0);
		kbus_msg_delete(&read);
		kbus_msg_delete(&msg);
	}
}

/* A bus gives no message with a bad name: only layouts are checked. */
static void what_is_malformed_is_not_read(void)
{
	size_t i;

	for (i = 0; i < COUNT(vector_malformed); i++) {
		struct vector_bytes bytes = HERE(vector_malformed[i]);
		unsigned before = checks_failed;
		kbus_message_t *read;

		if (bytes.len < sizeof(*read)) {
			CHECK_IS(read_back(&read, bytes), -EINVAL);
		} else if (strcmp(vector_malformed[i].wrong, "layout") == 0) {
			CHECK_IS(read_back(&read, bytes), vector_malformed[i].read);
			CHECK(read == NULL);
		} else {
			CHECK_IS(read_back(&read, bytes), 0);
			kbus_msg_delete(&read);
		}
		which(before, vector_malformed[i].what);
	}
}

/* What is read is a message, or nothing: here a pipe says what it likes. */
static void what_is_read_is_a_message(void)
{
	kbus_message_t *msg, *read;
	int ends[2];
	size_t len;

	MUST(kbus_msg_create_entire(&msg, NAME, NAME_LEN, "xyz", 3, 0));
	len = (size_t)kbus_msg_sizeof(msg);
	CHECK_IS(pipe(ends), 0);
	MUST(kbus_ksock_write_msg(ends[1], msg));
	MUST(kbus_ksock_read_msg(ends[0], &read, len));
	CHECK(read && memcmp(read, msg, len) == 0);
	kbus_msg_delete(&read);
	/* A message that ends too early; and never, on a pipe that does not wait. */
	MUST(fcntl(ends[0], F_SETFL, O_NONBLOCK));
	MUST(kbus_ksock_write_data(ends[1], (uint8_t *)msg, len - 1));
	CHECK_IS(kbus_ksock_read_msg(ends[0], &read, len), -EAGAIN);
	MUST(kbus_ksock_write_data(ends[1], (uint8_t *)msg, len - 1));
	close(ends[1]);
	CHECK_IS(kbus_ksock_read_msg(ends[0], &read, len), -EBADMSG);
	CHECK(read == NULL);
	close(ends[0]);
	kbus_msg_delete(&msg);
}

static kbus_message_t *bind_event(uint32_t is_bind, uint32_t binder, uint32_t name_len,
				  const char *name, uint32_t data_len)
{
	uint32_t data[16] = {is_bind, binder, name_len};
	kbus_message_t *msg;

	memcpy(data + 3, name, strlen(name));
	MUST(kbus_msg_create_entire(&msg, KBUS_MSG_NAME_REPLIER_BIND_EVENT,
				    (uint32_t)strlen(KBUS_MSG_NAME_REPLIER_BIND_EVENT), data,
				    data_len, KBUS_BIT_SYNTHETIC | KBUS_BIT_ALL_OR_FAIL));
	return msg;
}

static void bind_events_are_taken_apart_within_their_bounds(void)
{
	static const char event[] = KBUS_MSG_NAME_REPLIER_BIND_EVENT;
	uint32_t is_bind = 7, binder;
	kbus_message_t *msg;
	char *name;
	size_t i;

	msg = bind_event(1, 23, 4, "Fred", 16);
	MUST(kbus_msg_split_bind_event(msg, &is_bind, &binder, &name));
	CHECK(is_bind == 1 && binder == 23 && strcmp(name, "Fred") == 0);
	free(name);
	CHECK_IS(kbus_msg_split_bind_event(msg, NULL, &binder, &name), -EFAULT);
	CHECK_IS(kbus_msg_split_bind_event(msg, &is_bind, NULL, &name), -EFAULT);
	CHECK_IS(kbus_msg_split_bind_event(msg, &is_bind, &binder, NULL), -EFAULT);
	kbus_msg_delete(&msg);
	msg = bind_event(0, 23, 4, "Fred", 20);
	MUST(kbus_msg_split_bind_event(msg, &is_bind, &binder, &name));
	CHECK(is_bind == 0 && strcmp(name, "Fred") == 0);
	free(name);
	kbus_msg_delete(&msg);
	for (i = 0; i < COUNT(vector_bind_events); i++) {
		MUST(kbus_msg_create_entire(&msg, event, sizeof(event) - 1,
					    vector_bind_events[i].data.bytes,
					    vector_bind_events[i].data.len, KBUS_BIT_SYNTHETIC));
		MUST(kbus_msg_split_bind_event(msg, &is_bind, &binder, &name));
		CHECK_IS(is_bind, vector_bind_events[i].is_bind);
		CHECK_IS(binder, vector_bind_events[i].binder);
		CHECK(strcmp(name, vector_bind_events[i].name) == 0);
		free(name);
		kbus_msg_delete(&msg);
	}
	for (i = 0; i < COUNT(vector_malformed_bind_events); i++) {
		unsigned before = checks_failed;

		MUST(kbus_msg_create_entire(&msg, event, sizeof(event) - 1,
					    vector_malformed_bind_events[i].data.bytes,
					    vector_malformed_bind_events[i].data.len, KBUS_BIT_SYNTHETIC));
		CHECK_IS(kbus_msg_split_bind_event(msg, &is_bind, &binder, &name), -EBADMSG);
		CHECK(name == NULL);
		kbus_msg_delete(&msg);
		which(before, vector_malformed_bind_events[i].what);
	}
}

static void ids_have_an_order(void)
{
	kbus_msg_id_t a = {1, 5}, b = {1, 6}, c = {2, 1};

	CHECK_IS(kbus_msg_compare_ids(&a, &a), 0);
	CHECK_IS(kbus_msg_compare_ids(&a, &b), -1);
	CHECK_IS(kbus_msg_compare_ids(&c, &b), 1);
}

/* Prints a message to a file and compares. */
static void prints_as(const kbus_message_t *msg, unsigned flags, int short_form, const char *should)
{
	char text[400] = "";
	FILE *file = tmpfile();

	if (short_form)
		kbus_msg_print(file, msg);
	else
		kbus_msg_print2(file, msg, flags);
	rewind(file);
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	if (strcmp(text, should) != 0) {
		checks_failed++;
		printf("printed: %s\ninstead: %s\n", text, should);
	}
}

static void messages_print(void)
{
	kbus_message_t *msg;

	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, "\xff\x80 text that is longer than twenty", 35, 0));
	prints_as(msg, 0, 1, "<Announcement '" NAME "' data=\\xff\\x80\\x20text\\x20that\\x20is\\x20long...>");
	msg->data_len = 3;
	prints_as(msg, 0, 0, "<Announcement '" NAME "' data=\\xff\\x80\\x20>");
	msg->data_len = 0;
	msg->id.serial_num = 2;
	msg->to = 3;
	msg->from = 4;
	msg->orig_from.local_id = 5;
	msg->final_to.network_id = 6;
	msg->flags = 0x30f;
	prints_as(msg, KBUS_MSG_PRINT_FLAGS_ABBREVIATE, 0,
		  "<Request '" NAME "' id=[0:2] to=3 from=4 orig_from=(0,5) final_to=(6,0)"
		  " flags=0x30f REQ YOU SYN URG aFL aWT>");
	msg->flags = 0;
	msg->in_reply_to.serial_num = 9;
	prints_as(msg, 0, 1, "<Reply '" NAME "' id=[0:2] to=3 from=4 orig_from=(0,5) final_to=(6,0)"
			     " in_reply_to=[0:9]>");
	kbus_msg_delete(&msg);
	MUST(kbus_msg_create(&msg, "$.KBUS.Replier.GoneAway", 23, NULL, 0, KBUS_BIT_SYNTHETIC));
	msg->in_reply_to.serial_num = 9;
	prints_as(msg, 0, 1, "<Status '$.KBUS.Replier.GoneAway' in_reply_to=[0:9] flags=0x4 SYN>");
	kbus_msg_delete(&msg);
	msg = bind_event(0, 21, 4, "$.r3", 20);
	prints_as(msg, 0, 1, "<ReplierBindEvent flags=0x204 SYN aFL data= [Unbind '$.r3' for 21]>");
	puts("a dump:");
	fflush(stdout);
	kbus_msg_dump(msg, 1);
	kbus_msg_delete(&msg);
}

static void headers_go_over_the_wire(void)
{
	uint32_t wire[KBUS_SERIALISED_HDR_LEN];
	kbus_message_t *msg, back;
	char name[] = "x";

	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, "data", 4, 0x80000003));
	msg->id.network_id = 1;
	msg->id.serial_num = 0x01020304;
	msg->in_reply_to.network_id = 3;
	msg->in_reply_to.serial_num = 4;
	msg->to = 5;
	msg->from = 6;
	msg->orig_from.network_id = 7;
	msg->orig_from.local_id = 8;
	msg->final_to.network_id = 9;
	msg->final_to.local_id = 10;
	msg->extra = 11;
	kbus_serialise_message_header(msg, wire);
	CHECK(memcmp(wire, "\x73\x75\x62\x4b\0\0\0\1\1\2\3\4", 12) == 0);
	CHECK(memcmp(wire + 11, "\0\0\0\x0b\x80\0\0\3\0\0\0\x0e\0\0\0\4\x4b\x62\x75\x73", 20) == 0);
	memset(&back, 0, sizeof(back));
	back.name = name;
	kbus_unserialise_message_header(wire, &back);
	CHECK(back.name == NULL && back.data == NULL);
	CHECK_IS(wire[13], NAME_LEN);
	back.name = msg->name;
	back.data = msg->data;
	CHECK(memcmp(&back, msg, offsetof(kbus_message_t, name)) == 0);
	CHECK(back.end_guard == msg->end_guard);
	kbus_msg_delete(&msg);
	kbus_serialise_message_header(NULL, wire);
	kbus_serialise_message_header(&back, NULL);
	kbus_unserialise_message_header(NULL, &back);
	kbus_unserialise_message_header(wire, NULL);

	msg = bind_event(1, 0x01020304, 4, "$.r3", 20);
	kbus_limpet_ReplierBindEvent_hton(msg);
	CHECK(memcmp(kbus_msg_data_ptr(msg), "\0\0\0\1\1\2\3\4\0\0\0\4$.r3", 16) == 0);
	kbus_limpet_ReplierBindEvent_ntoh(msg);
	CHECK_IS(((uint32_t *)kbus_msg_data_ptr(msg))[1], 0x01020304);
	kbus_msg_delete(&msg);
	/* Data that are too short stay as they are. */
	msg = bind_event(1, 2, 3, "$.r3", 11);
	kbus_limpet_ReplierBindEvent_hton(msg);
	CHECK_IS(((uint32_t *)kbus_msg_data_ptr(msg))[1], 2);
	kbus_msg_delete(&msg);
	kbus_limpet_ReplierBindEvent_hton(NULL);
	kbus_limpet_ReplierBindEvent_ntoh(NULL);
}

static void no_limpet_is_no_crash(void)
{
	kbus_limpet_context_t *none = NULL;
	kbus_message_t *msg, *error = NULL;

	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, NULL, 0, 0));
	kbus_limpet_free_context(NULL);
	kbus_limpet_free_context(&none);
	kbus_limpet_set_verbosity(NULL, 1);
	CHECK_IS(kbus_limpet_amend_msg_from_kbus(NULL, msg), -EFAULT);
	CHECK_IS(kbus_limpet_amend_msg_to_kbus(NULL, msg, &error), -EFAULT);
	CHECK_IS(kbus_limpet_could_not_send_to_kbus_msg(NULL, msg, -EBUSY, &error), -EFAULT);
	CHECK_IS(kbus_limpet_new_context(0, 1, 2, NULL, 0, NULL), -EFAULT);
	kbus_msg_delete(&msg);
}

int main(void)
{
	RUN(pointy_messages_borrow);
	RUN(entire_messages_copy);
	RUN(sizeof_is_right_where_one_length_is_a_multiple_of_4);
	RUN(replies_are_to_requests_that_are_ours);
	RUN(conversations_go_on);
	RUN(deleting_is_forgiving);
	RUN(bad_lengths_and_null);
	RUN(what_is_no_bus);
	RUN(messages_are_the_bytes_of_the_vectors);
	RUN(what_is_malformed_is_not_read);
	RUN(what_is_read_is_a_message);
	RUN(bind_events_are_taken_apart_within_their_bounds);
	RUN(ids_have_an_order);
	RUN(messages_print);
	RUN(headers_go_over_the_wire);
	RUN(no_limpet_is_no_crash);
	return result();
}
