/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stress DIRECTORY: sixteen processes announce, listen, ask and answer, and
 * repliers are killed while they do. All write down what they see, into
 * DIRECTORY; whether that can be is for kbus-test-trace to say.
 */
#include "kbus_trace.h"

#include <signal.h>
#include <sys/wait.h>

#include "check.h"

#define REPLIERS 4
#define REQUESTERS 8
#define LISTENERS 4
#define REQUESTS 40
#define KILLS 16
#define END "$.C.End"

static const char *directory;
/* A byte for each request that was answered. */
static int ticks[2];

static const char *const heard[LISTENERS] = {"$.*", "$.C.*", "$.C.Say.%", "$.C.Ask.*"};

/* A child that ends as `life` does. */
static pid_t start(void (*life)(struct kbus_trace *, int), int number)
{
	pid_t pid = fork();
	struct kbus_trace trace;

	if (pid != 0)
		return (pid_t)MUST(pid);
	MUST(kbus_trace_open(&trace, directory, 0));
	MUST(kbus_trace_limit(&trace, 20000));
	life(&trace, number);
	CHECK_IS(kbus_trace_close(&trace), 0);
	_exit(checks_failed != 0);
}

static kbus_message_t *await(struct kbus_trace *trace)
{
	kbus_message_t *msg;

	for (;;) {
		MUST(kbus_trace_next(trace, &msg));
		if (msg)
			return msg;
		MUST(kbus_wait_for_message(trace->ksock, KBUS_KSOCK_READABLE));
	}
}

static int is_end(const kbus_message_t *msg)
{
	return msg->name_len == strlen(END) && !memcmp(kbus_msg_name_ptr(msg), END, strlen(END));
}

static void listener(struct kbus_trace *trace, int number)
{
	kbus_message_t *msg;
	int end = 0;

	MUST(kbus_trace_bind(trace, heard[number], 0));
	if (number > 1)
		MUST(kbus_trace_bind(trace, END, 0));
	MUST(write(ticks[1], "", 1));
	while (!end) {
		msg = await(trace);
		end = is_end(msg);
		kbus_msg_delete(&msg);
	}
	MUST(kbus_trace_next(trace, &msg));
	CHECK(!msg);
}

static void replier(struct kbus_trace *trace, int number)
{
	kbus_message_t *msg, *reply;
	kbus_msg_id_t id;
	char name[20];
	int rc, end = 0;

	snprintf(name, sizeof(name), "$.C.Ask.n%d", number);
	MUST(kbus_trace_bind(trace, END, 0));
	MUST(kbus_trace_bind(trace, name, 1));
	while (!end) {
		msg = await(trace);
		end = is_end(msg);
		if (kbus_msg_wants_us_to_reply(msg)) {
			MUST(kbus_msg_create_reply_to(&reply, msg, NULL, 0, 0));
			rc = kbus_trace_send(trace, reply, &id);
			CHECK_IS(rc, 0);
			kbus_msg_delete(&reply);
		}
		kbus_msg_delete(&msg);
	}
}

static void requester(struct kbus_trace *trace, int number)
{
	kbus_message_t *msg, *answer;
	kbus_msg_id_t id;
	char name[20];
	int n = 0, rc;

	while (n < REQUESTS) {
		snprintf(name, sizeof(name), "$.C.Say.n%d", (n + number) % 3);
		MUST(kbus_msg_create(&msg, name, (uint32_t)strlen(name), NULL, 0, n % 8 ? 0 : KBUS_BIT_URGENT));
		CHECK_IS(kbus_trace_send(trace, msg, &id), 0);
		kbus_msg_delete(&msg);

		snprintf(name, sizeof(name), "$.C.Ask.n%d", (n * 7 + number) % REPLIERS);
		MUST(kbus_msg_create_request(&msg, name, (uint32_t)strlen(name), NULL, 0, 0));
		rc = kbus_trace_send(trace, msg, &id);
		kbus_msg_delete(&msg);
		if (rc == -EADDRNOTAVAIL) {
			/* Killed, and its successor is not there yet. */
			kbus_ksock_wait(trace->ksock, KBUS_KSOCK_READABLE, 1);
			continue;
		}
		CHECK_IS(rc, 0);
		if (rc < 0)
			return;
		answer = await(trace);
		CHECK_IS(kbus_msg_compare_ids(&answer->in_reply_to, &id), 0);
		kbus_msg_delete(&answer);
		n++;
		MUST(write(ticks[1], "", 1));
	}
	kbus_trace_settled(trace);
}

static void tick(int times)
{
	char byte;

	while (times-- > 0)
		MUST(read(ticks[0], &byte, 1) == 1 ? 0 : -EPIPE);
}

static void ended(pid_t pid, int by_signal)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	if (by_signal)
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == by_signal);
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void sixteen_processes(void)
{
	pid_t repliers[REPLIERS], requesters[REQUESTERS], listeners[LISTENERS];
	struct kbus_trace trace;
	kbus_message_t *msg;
	kbus_msg_id_t id;
	int i, left;

	MUST(pipe(ticks));
	for (i = 0; i < LISTENERS; i++)
		listeners[i] = start(listener, i);
	for (i = 0; i < REPLIERS; i++)
		repliers[i] = start(replier, i);
	tick(LISTENERS);
	for (i = 0; i < REQUESTERS; i++)
		requesters[i] = start(requester, i);
	left = REQUESTERS * REQUESTS;
	for (i = 0; i < KILLS; i++) {
		/* Now and then, as their work goes on. */
		tick(5 + i);
		left -= 5 + i;
		MUST(kill(repliers[i % REPLIERS], SIGKILL));
		ended(repliers[i % REPLIERS], SIGKILL);
		repliers[i % REPLIERS] = start(replier, i % REPLIERS);
	}
	tick(left);
	for (i = 0; i < REQUESTERS; i++)
		ended(requesters[i], 0);
	/* A successor may not have bound yet: then it would not hear the end. */
	for (i = 0; i < REPLIERS; i++) {
		char name[20];
		uint32_t who = 0;

		snprintf(name, sizeof(name), "$.C.Ask.n%d", i);
		MUST(kbus_trace_open(&trace, directory, 0));
		while (!who) {
			MUST(kbus_ksock_find_replier(trace.ksock, name, &who));
			if (!who)
				kbus_ksock_wait(trace.ksock, KBUS_KSOCK_READABLE, 1);
		}
		MUST(kbus_trace_close(&trace));
	}
	MUST(kbus_trace_open(&trace, directory, 0));
	MUST(kbus_msg_create(&msg, END, (uint32_t)strlen(END), NULL, 0, 0));
	CHECK_IS(kbus_trace_send(&trace, msg, &id), 0);
	kbus_msg_delete(&msg);
	CHECK_IS(kbus_trace_close(&trace), 0);
	for (i = 0; i < REPLIERS; i++)
		ended(repliers[i], 0);
	for (i = 0; i < LISTENERS; i++)
		ended(listeners[i], 0);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: stress DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	/* Children take along what has not been printed. */
	setvbuf(stdout, NULL, _IONBF, 0);
	RUN(sixteen_processes);
	return result();
}
