/* SPDX-License-Identifier: GPL-2.0-only */
/* Every call that takes a Ksock, on a bus of its own. Runs in the VM. */
#include <kbus/kbus.h>

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"
#include "vectors.h"

#define NAME "$.C.Call"
#define NAME_LEN 8

static uint32_t bus;

static kbus_ksock_t open_bus(int flags)
{
	return (kbus_ksock_t)MUST(kbus_ksock_open(bus, flags));
}

static kbus_message_t *read_one(kbus_ksock_t ksock)
{
	kbus_message_t *msg;

	MUST(kbus_ksock_read_next_msg(ksock, &msg));
	if (!msg)
		MUST(-ENOMSG);
	return msg;
}

static uint32_t waiting(kbus_ksock_t ksock)
{
	uint32_t count;

	MUST(kbus_ksock_num_messages(ksock, &count));
	return count;
}

static void a_bus_is_made(void)
{
	kbus_ksock_t first = (kbus_ksock_t)MUST(kbus_ksock_open(0, O_RDWR));
	struct timespec nap = {0, 10000000};
	kbus_ksock_t ksock;
	int tries;

	MUST(kbus_ksock_new_device(first, &bus));
	CHECK(bus > 0);
	/* The node is made by the kernel in its own time. */
	for (tries = 0; tries < 1000; tries++) {
		ksock = kbus_ksock_open(bus, O_RDONLY);
		if (ksock >= 0)
			break;
		nanosleep(&nap, NULL);
	}
	MUST(ksock);
	CHECK_IS(kbus_ksock_close(ksock), 0);
	CHECK_IS(kbus_ksock_close(first), 0);
}

static void opening(void)
{
	char path[40];
	kbus_ksock_t a = open_bus(O_RDWR | O_CLOEXEC | O_NONBLOCK), b, c;
	uint32_t id, other;

	snprintf(path, sizeof(path), "/dev/kbus%u", bus);
	b = (kbus_ksock_t)MUST(kbus_ksock_open_by_name(path, O_RDWR));
	MUST(kbus_ksock_id(a, &id));
	MUST(kbus_ksock_id(b, &other));
	CHECK(id > 0 && other > id);
	/* Only the access mode counts, but for the call that says otherwise. */
	CHECK_IS(fcntl(a, F_GETFD), 0);
	CHECK_IS(fcntl(a, F_GETFL) & O_NONBLOCK, 0);
	c = (kbus_ksock_t)MUST(kbus_ksock_open_cloexec(bus, O_WRONLY));
	CHECK_IS(fcntl(c, F_GETFD), FD_CLOEXEC);
	CHECK_IS(fcntl(c, F_GETFL) & O_ACCMODE, O_WRONLY);
	MUST(kbus_ksock_close(a));
	MUST(kbus_ksock_close(b));
	MUST(kbus_ksock_close(c));
	CHECK_IS(kbus_ksock_close(c), -EBADF);
}

static void announcements(void)
{
	kbus_ksock_t us = open_bus(O_RDWR), them = open_bus(O_RDWR);
	kbus_message_t *msg, *got;
	kbus_msg_id_t id, last;
	uint32_t len, left, ours;
	char part[10];

	MUST(kbus_ksock_bind(them, "$.C.*", 0));
	MUST(kbus_ksock_id(us, &ours));
	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, "hello", 5, 0));
	CHECK_IS(kbus_ksock_send_msg(us, msg, &id), 0);
	MUST(kbus_ksock_last_msg_id(us, &last));
	CHECK_IS(kbus_msg_compare_ids(&id, &last), 0);
	kbus_msg_delete(&msg);
	CHECK_IS(waiting(them), 1);

	/* Step by step, and in one. */
	CHECK_IS(kbus_ksock_next_msg(them, &len), 1);
	CHECK_IS(len, KBUS_ENTIRE_MSG_LEN(NAME_LEN, 5));
	CHECK_IS(kbus_ksock_len_left(them, &left), 0);
	CHECK_IS(left, len);
	MUST(kbus_ksock_read_msg(them, &got, len));
	CHECK(kbus_msg_is_entire(got) && !kbus_msg_is_reply(got) && got->from == ours);
	CHECK(kbus_msg_compare_ids(&got->id, &id) == 0);
	CHECK(strcmp(kbus_msg_name_ptr(got), NAME) == 0);
	CHECK(got->data_len == 5 && memcmp(kbus_msg_data_ptr(got), "hello", 5) == 0);
	CHECK_IS(kbus_msg_sizeof(got), len);
	CHECK_IS(kbus_ksock_len_left(them, &left), 0);
	CHECK_IS(left, 0);
	CHECK_IS(kbus_ksock_read_msg(them, &msg, len), -EBADMSG);
	CHECK(msg == NULL);
	CHECK_IS(kbus_ksock_next_msg(them, &len), 0);
	CHECK_IS(len, 0);
	CHECK_IS(kbus_ksock_read_next_msg(them, &msg), 0);
	CHECK(msg == NULL);

	/* What was read can be sent again. */
	MUST(kbus_ksock_send_msg(us, got, &id));
	kbus_msg_delete(&got);
	got = read_one(them);
	kbus_msg_print(stdout, got);
	puts("");
	/* By bytes, odd ones. */
	MUST(kbus_ksock_write_data(us, (uint8_t *)got, 33));
	MUST(kbus_ksock_write_data(us, (uint8_t *)got + 33, (size_t)kbus_msg_sizeof(got) - 33));
	MUST(kbus_ksock_send(us, &id));
	CHECK_IS(waiting(them), 1);
	/* Half of it read, and a length that does not fit. */
	CHECK_IS(kbus_ksock_next_msg(them, &len), 1);
	CHECK_IS(read(them, part, sizeof(part)), 10);
	MUST(kbus_ksock_len_left(them, &left));
	CHECK_IS(left, len - 10);
	CHECK_IS(kbus_ksock_read_msg(them, &msg, left), -EBADMSG);
	/* Written and given up. */
	MUST(kbus_ksock_write_msg(us, got));
	MUST(kbus_ksock_discard(us));
	CHECK_IS(kbus_ksock_send(us, &id), -ENOMSG);
	kbus_msg_delete(&got);

	MUST(kbus_ksock_unbind(them, "$.C.*", 0));
	CHECK_IS(kbus_ksock_unbind(them, "$.C.*", 0), -EINVAL);
	MUST(kbus_ksock_close(us));
	MUST(kbus_ksock_close(them));
}

static void requests(void)
{
	kbus_ksock_t asker = open_bus(O_RDWR), replier = open_bus(O_RDWR);
	kbus_message_t *request, *got, *reply, *next;
	uint32_t id, ours, count;
	kbus_msg_id_t asked, answered;

	MUST(kbus_ksock_id(replier, &id));
	MUST(kbus_ksock_id(asker, &ours));
	MUST(kbus_msg_create_entire_request(&request, NAME, NAME_LEN, "?", 1, 0));
	CHECK_IS(kbus_ksock_send_msg(asker, request, &asked), -EADDRNOTAVAIL);
	count = 77;
	CHECK_IS(kbus_ksock_find_replier(asker, NAME, &count), 0);
	CHECK_IS(count, 0);
	MUST(kbus_ksock_bind(replier, NAME, 1));
	CHECK_IS(kbus_ksock_bind(asker, NAME, 1), -EADDRINUSE);
	CHECK_IS(kbus_ksock_find_replier(asker, NAME, &count), 0);
	CHECK_IS(count, id);
	MUST(kbus_ksock_send_msg(asker, request, &asked));
	kbus_msg_delete(&request);
	MUST(kbus_ksock_num_unreplied_to(replier, &count));
	CHECK_IS(count, 0);
	got = read_one(replier);
	CHECK(kbus_msg_wants_us_to_reply(got) && kbus_msg_is_request(got));
	MUST(kbus_ksock_num_unreplied_to(replier, &count));
	CHECK_IS(count, 1);
	MUST(kbus_msg_create_reply_to(&reply, got, "!", 1, 0));
	MUST(kbus_ksock_send_msg(replier, reply, &answered));
	CHECK_IS(kbus_ksock_send_msg(replier, reply, &answered), -ECONNREFUSED);
	kbus_msg_delete(&reply);
	kbus_msg_delete(&got);
	got = read_one(asker);
	CHECK(kbus_msg_is_reply(got) && got->from == id && got->to == ours);
	CHECK(kbus_msg_compare_ids(&got->in_reply_to, &asked) == 0);

	/* And on with the same one, whom we find gone. */
	MUST(kbus_msg_create_stateful_request(&next, got, NAME, NAME_LEN, NULL, 0,
					      KBUS_BIT_WANT_A_REPLY));
	CHECK_IS(next->to, id);
	MUST(kbus_ksock_send_msg(asker, next, &asked));
	kbus_msg_delete(&got);
	MUST(kbus_ksock_close(replier));
	got = read_one(asker);
	CHECK(strcmp(kbus_msg_name_ptr(got), KBUS_MSG_NAME_REPLIER_GONEAWAY) == 0);
	CHECK(got->flags & KBUS_BIT_SYNTHETIC);
	kbus_msg_delete(&got);
	replier = open_bus(O_RDWR);
	MUST(kbus_ksock_bind(replier, NAME, 1));
	CHECK_IS(kbus_ksock_send_msg(asker, next, &asked), -EPIPE);
	kbus_msg_delete(&next);
	MUST(kbus_ksock_close(asker));
	MUST(kbus_ksock_close(replier));
}

static void names_are_checked(void)
{
	kbus_ksock_t ksock = open_bus(O_RDWR);
	size_t i;

	for (i = 0; i < COUNT(vector_names); i++) {
		const char *name = vector_names[i].name;
		uint32_t len = vector_names[i].len, word;
		unsigned before = checks_failed;
		kbus_message_t *msg;
		kbus_msg_id_t id;
		int made;

		/* For bindings a name ends at its first NUL. */
		if (strlen(name) == len) {
			CHECK_IS(kbus_ksock_bind(ksock, name, 0), vector_names[i].bind);
			CHECK_IS(kbus_ksock_unbind(ksock, name, 0), vector_names[i].bind);
			if (vector_names[i].bind == -ENAMETOOLONG)
				CHECK_IS(kbus_ksock_find_replier(ksock, name, &word), -ENAMETOOLONG);
		}
		made = kbus_msg_create(&msg, name, len, NULL, 0, 0);
		if (made == 0)
			made = kbus_ksock_send_msg(ksock, msg, &id);
		CHECK_IS(made, vector_names[i].send);
		kbus_msg_delete(&msg);
		which(before, name);
	}
	MUST(kbus_ksock_close(ksock));
}

/* Straight to the bus, past what would not make such a message. */
static void what_is_written_is_checked(void)
{
	kbus_ksock_t ksock = open_bus(O_RDWR);
	size_t i;

	for (i = 0; i < COUNT(vector_malformed); i++) {
		struct vector_bytes bytes = HERE(vector_malformed[i]);
		unsigned before = checks_failed;
		ssize_t written = write(ksock, bytes.bytes, bytes.len);

		CHECK_IS(written < 0 ? -errno : 0, vector_malformed[i].write);
		MUST(kbus_ksock_discard(ksock));
		which(before, vector_malformed[i].what);
	}
	for (i = 0; i < COUNT(vector_messages); i++) {
		struct vector_bytes bytes = HERE(vector_messages[i]);

		CHECK_IS(write(ksock, bytes.bytes, bytes.len), bytes.len);
		MUST(kbus_ksock_discard(ksock));
	}
	MUST(kbus_ksock_close(ksock));
}

static void settings(void)
{
	kbus_ksock_t ksock = open_bus(O_RDWR);
	uint32_t word = 0;

	MUST(kbus_ksock_max_messages(ksock, &word));
	CHECK_IS(word, 100);
	word = 7;
	MUST(kbus_ksock_max_messages(ksock, &word));
	CHECK_IS(word, 7);
	word = 1;
	MUST(kbus_ksock_max_message_size(ksock, &word));
	CHECK(word >= 66000 && word % 4 == 0);
	word++;
	CHECK_IS(kbus_ksock_max_message_size(ksock, &word), -EINVAL);
	word = 4000;
	MUST(kbus_ksock_max_message_size(ksock, &word));
	word = 0;
	MUST(kbus_ksock_max_message_size(ksock, &word));
	CHECK_IS(word, 4000);

	/* 0, whatever they were before. */
	CHECK_IS(kbus_ksock_only_once(ksock, 1), 0);
	CHECK_IS(kbus_ksock_only_once(ksock, 1), 0);
	CHECK_IS(kbus_ksock_only_once(ksock, 0xFFFFFFFF), 0);
	MUST(kbus_ksock_is_only_once(ksock, &word));
	CHECK_IS(word, 1);
	CHECK_IS(kbus_ksock_kernel_module_verbose(ksock, 1), 0);
	MUST(kbus_ksock_is_verbose(ksock, &word));
	CHECK_IS(word, 1);
	CHECK_IS(kbus_ksock_kernel_module_verbose(ksock, 0), 0);
	MUST(kbus_ksock_is_verbose(ksock, &word));
	CHECK_IS(word, 0);
	CHECK_IS(kbus_ksock_is_only_once(ksock, NULL), -EFAULT);
	CHECK_IS(kbus_ksock_only_once(ksock, 2), -EINVAL);
	MUST(kbus_ksock_close(ksock));
}

static void repliers_come_and_go(void)
{
	kbus_ksock_t watcher = open_bus(O_RDWR), replier = open_bus(O_RDWR);
	uint32_t word, is_bind, binder, id;
	kbus_message_t *msg;
	char *name;

	MUST(kbus_ksock_id(replier, &id));
	MUST(kbus_ksock_bind(watcher, KBUS_MSG_NAME_REPLIER_BIND_EVENT, 0));
	CHECK_IS(kbus_ksock_report_replier_binds(watcher, 1), 0);
	MUST(kbus_ksock_is_reporting_replier_binds(watcher, &word));
	CHECK_IS(word, 1);
	MUST(kbus_ksock_bind(replier, NAME, 1));
	MUST(kbus_ksock_unbind(replier, NAME, 1));
	for (word = 2; word-- > 0;) {
		msg = read_one(watcher);
		MUST(kbus_msg_split_bind_event(msg, &is_bind, &binder, &name));
		CHECK(is_bind == word && binder == id && strcmp(name, NAME) == 0);
		free(name);
		kbus_msg_delete(&msg);
	}
	CHECK_IS(kbus_ksock_report_replier_binds(watcher, 0), 0);
	MUST(kbus_ksock_close(replier));
	MUST(kbus_ksock_close(watcher));
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void wait_for_a_signal(long milliseconds)
{
	struct itimerval timer;

	memset(&timer, 0, sizeof(timer));
	timer.it_value.tv_usec = milliseconds * 1000;
	/* Again and again: one that comes too early is not the last. */
	timer.it_interval.tv_usec = timer.it_value.tv_usec;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void waiting_for_messages(void)
{
	kbus_ksock_t us = open_bus(O_RDWR), them = open_bus(O_RDWR);
	struct sigaction action;
	uint32_t limit = 1;
	kbus_message_t *msg, *got;
	kbus_msg_id_t id, last;
	int both = KBUS_KSOCK_READABLE | KBUS_KSOCK_WRITABLE;

	CHECK_IS(kbus_ksock_wait(them, KBUS_KSOCK_READABLE, 0), 0);
	CHECK_IS(kbus_ksock_wait(them, KBUS_KSOCK_READABLE, 20), 0);
	CHECK_IS(kbus_wait_for_message(them, both), KBUS_KSOCK_WRITABLE);
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	wait_for_a_signal(10);
	CHECK_IS(kbus_wait_for_message(them, KBUS_KSOCK_READABLE), -EINTR);
	CHECK_IS(kbus_ksock_wait(them, KBUS_KSOCK_READABLE, 50), 0);
	wait_for_a_signal(0);

	/* A message that waits for room: the id is known all the same. */
	MUST(kbus_ksock_max_messages(them, &limit));
	MUST(kbus_ksock_bind(them, NAME, 0));
	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, NULL, 0, KBUS_BIT_ALL_OR_WAIT));
	MUST(kbus_ksock_send_msg(us, msg, &id));
	id.serial_num = 0;
	CHECK_IS(kbus_ksock_send_msg(us, msg, &id), -EAGAIN);
	MUST(kbus_ksock_last_msg_id(us, &last));
	CHECK(id.serial_num != 0 && kbus_msg_compare_ids(&id, &last) == 0);
	CHECK_IS(kbus_ksock_write_msg(us, msg), -EALREADY);
	CHECK_IS(kbus_ksock_wait(us, KBUS_KSOCK_WRITABLE, 0), 0);
	CHECK_IS(kbus_wait_for_message(them, both), both);
	got = read_one(them);
	kbus_msg_delete(&got);
	CHECK_IS(kbus_wait_for_message(us, KBUS_KSOCK_WRITABLE), KBUS_KSOCK_WRITABLE);
	got = read_one(them);
	CHECK_IS(kbus_msg_compare_ids(&got->id, &id), 0);
	kbus_msg_delete(&got);
	kbus_msg_delete(&msg);
	MUST(kbus_ksock_close(us));
	MUST(kbus_ksock_close(them));
}

static void the_way_in_and_the_way_out(void)
{
	kbus_ksock_t reader = open_bus(O_RDONLY), writer = open_bus(O_WRONLY);
	kbus_message_t *msg, *got;
	kbus_msg_id_t id;

	MUST(kbus_msg_create(&msg, NAME, NAME_LEN, NULL, 0, 0));
	CHECK_IS(kbus_ksock_send_msg(reader, msg, &id), -EBADF);
	MUST(kbus_ksock_bind(writer, NAME, 0));
	MUST(kbus_ksock_send_msg(writer, msg, &id));
	CHECK_IS(kbus_ksock_read_next_msg(writer, &got), -EBADF);
	CHECK(got == NULL);
	kbus_msg_delete(&msg);
	MUST(kbus_ksock_close(reader));
	MUST(kbus_ksock_close(writer));
}

int main(void)
{
	RUN(a_bus_is_made);
	RUN(opening);
	RUN(announcements);
	RUN(requests);
	RUN(names_are_checked);
	RUN(what_is_written_is_checked);
	RUN(settings);
	RUN(repliers_come_and_go);
	RUN(waiting_for_messages);
	RUN(the_way_in_and_the_way_out);
	return result();
}
