// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the header says, one fact a line: what it is about, a tab, the
 * value. The test compares it with the specification. Nothing but the header
 * and the C library is used, as in a program that somebody writes for KBUS.
 * Compiles as C99 and as C++17.
 */
#include "kbus.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FACT(what, value) printf("%s\t%lu\n", what, (unsigned long)(value))

#define STRUCT(s)						\
	do {							\
		struct padded { char c; struct s s; };		\
		FACT("size " #s, sizeof(struct s));		\
		FACT("align " #s, offsetof(struct padded, s));	\
	} while (0)
#define FIELD(s, f) FACT("offset " #s "." #f, offsetof(struct s, f))
#define NUMBER(n) FACT("number " #n, n)
#define NAME(n) printf("name " #n "\t%s\n", n)
#define LENGTH1(m, a) FACT("length " #m "(" #a ")", m(a))
#define LENGTH2(m, a, b) FACT("length " #m "(" #a "," #b ")", m(a, b))

/* A struct that ends in a flexible array cannot be a member of another one. */
#define FLEXIBLE(s, first)					\
	do {							\
		FACT("size " #s, sizeof(struct s));		\
		FACT("align " #s, offsetof(first, x));		\
	} while (0)

struct after_u32 { char c; __u32 x; };
struct after_header { char c; struct kbus_message_header x; };

static void structs(void)
{
	STRUCT(kbus_msg_id);
	FIELD(kbus_msg_id, network_id);
	FIELD(kbus_msg_id, serial_num);

	STRUCT(kbus_orig_from);
	FIELD(kbus_orig_from, network_id);
	FIELD(kbus_orig_from, local_id);

	STRUCT(kbus_bind_request);
	FIELD(kbus_bind_request, is_replier);
	FIELD(kbus_bind_request, name_len);
	FIELD(kbus_bind_request, name);

	STRUCT(kbus_bind_query);
	FIELD(kbus_bind_query, return_id);
	FIELD(kbus_bind_query, name_len);
	FIELD(kbus_bind_query, name);

	STRUCT(kbus_remove_device);
	FIELD(kbus_remove_device, device);
	FIELD(kbus_remove_device, options);

	FLEXIBLE(kbus_replier_bind_event_data, struct after_u32);
	FIELD(kbus_replier_bind_event_data, is_bind);
	FIELD(kbus_replier_bind_event_data, binder);
	FIELD(kbus_replier_bind_event_data, name_len);
	FIELD(kbus_replier_bind_event_data, rest);

	STRUCT(kbus_message_header);
	FIELD(kbus_message_header, start_guard);
	FIELD(kbus_message_header, id);
	FIELD(kbus_message_header, in_reply_to);
	FIELD(kbus_message_header, to);
	FIELD(kbus_message_header, from);
	FIELD(kbus_message_header, orig_from);
	FIELD(kbus_message_header, final_to);
	FIELD(kbus_message_header, extra);
	FIELD(kbus_message_header, flags);
	FIELD(kbus_message_header, name_len);
	FIELD(kbus_message_header, data_len);
	FIELD(kbus_message_header, name);
	FIELD(kbus_message_header, data);
	FIELD(kbus_message_header, end_guard);

	FLEXIBLE(kbus_entire_message, struct after_header);
	FIELD(kbus_entire_message, header);
	FIELD(kbus_entire_message, rest);
}

static void numbers(void)
{
	NUMBER(KBUS_MSG_START_GUARD);
	NUMBER(KBUS_MSG_END_GUARD);
	NUMBER(KBUS_MAX_NAME_LEN);

	NUMBER(KBUS_BIT_WANT_A_REPLY);
	NUMBER(KBUS_BIT_WANT_YOU_TO_REPLY);
	NUMBER(KBUS_BIT_SYNTHETIC);
	NUMBER(KBUS_BIT_URGENT);
	NUMBER(KBUS_BIT_ALL_OR_WAIT);
	NUMBER(KBUS_BIT_ALL_OR_FAIL);

	NUMBER(KBUS_IOC_MAGIC);
	NUMBER(KBUS_IOC_MAXNR);
	/* A line NUMBER(KBUS_IOC_...); for each, out of libkbus/vectors. */
#include IOCTLS
}

static void names(void)
{
	NAME(KBUS_MSG_NAME_REPLIER_GONEAWAY);
	NAME(KBUS_MSG_NAME_REPLIER_IGNORED);
	NAME(KBUS_MSG_NAME_REPLIER_UNBOUND);
	NAME(KBUS_MSG_NAME_REPLIER_DISAPPEARED);
	NAME(KBUS_MSG_NAME_ERROR_SENDING);
	NAME(KBUS_MSG_NAME_UNBIND_EVENTS_LOST);
	NAME(KBUS_MSG_NAME_REPLIER_BIND_EVENT);
}

static void lengths(void)
{
	LENGTH1(KBUS_PADDED_NAME_LEN, 3);
	LENGTH1(KBUS_PADDED_NAME_LEN, 4);
	LENGTH1(KBUS_PADDED_NAME_LEN, 7);
	LENGTH1(KBUS_PADDED_NAME_LEN, 1000);
	LENGTH1(KBUS_PADDED_DATA_LEN, 0);
	LENGTH1(KBUS_PADDED_DATA_LEN, 1);
	LENGTH1(KBUS_PADDED_DATA_LEN, 4);
	LENGTH1(KBUS_PADDED_DATA_LEN, 5);
	LENGTH2(KBUS_ENTIRE_MSG_LEN, 3, 0);
	LENGTH2(KBUS_ENTIRE_MSG_LEN, 6, 0);
	LENGTH2(KBUS_ENTIRE_MSG_LEN, 6, 7);
	LENGTH2(KBUS_ENTIRE_MSG_LEN, 3, 3);
	LENGTH2(KBUS_ENTIRE_MSG_LEN, 4, 3);
	LENGTH1(KBUS_ENTIRE_MSG_DATA_INDEX, 3);
	LENGTH1(KBUS_ENTIRE_MSG_DATA_INDEX, 4);
	LENGTH2(KBUS_ENTIRE_MSG_END_GUARD_INDEX, 4, 0);
	LENGTH2(KBUS_ENTIRE_MSG_END_GUARD_INDEX, 4, 3);
}

static void helpers(void)
{
	union {
		struct kbus_message_header header;
		char bytes[KBUS_ENTIRE_MSG_LEN(4, 3)];
	} message;
	/* Through void *, or the compiler takes the array for all there is. */
	void *start = &message;
	struct kbus_entire_message *entire = (struct kbus_entire_message *)start;
	char name[] = "$.ab", data[] = "xyz";

	memset(&message, 0, sizeof(message));
	message.header.name_len = 4;
	message.header.data_len = 3;
	FACT("helper kbus_msg_name_ptr(entire)",
	     kbus_msg_name_ptr(&message.header) - (char *)start);
	FACT("helper kbus_msg_data_ptr(entire)",
	     (char *)kbus_msg_data_ptr(&message.header) - (char *)start);
	FACT("helper kbus_msg_end_ptr(entire)",
	     (char *)kbus_msg_end_ptr(entire) - (char *)start);

	message.header.name = name;
	message.header.data = data;
	FACT("helper kbus_msg_name_ptr(pointy)",
	     kbus_msg_name_ptr(&message.header) == name);
	FACT("helper kbus_msg_data_ptr(pointy)",
	     kbus_msg_data_ptr(&message.header) == (void *)data);
}

int main(void)
{
	structs();
	numbers();
	names();
	lengths();
	helpers();
	return 0;
}
