/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ksocks that write down what they do and see, for C programs that use libkbus.
 * The format is described in src/lib.rs. Each line is one write(), so that it is
 * there when the process is killed after it.
 */
#ifndef KBUS_TRACE_H
#define KBUS_TRACE_H

#include <kbus/kbus.h>

#include <stdarg.h>
#include <time.h>

struct kbus_trace {
	kbus_ksock_t ksock;
	int file;
	uint32_t bus, id;
	unsigned lines;
};

static inline uint64_t kbus_trace_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What began at `start` has happened now. A line that cannot be written is
 * missed when the trace is read. */
static inline void kbus_trace_line(struct kbus_trace *trace, uint64_t start, const char *format, ...)
{
	char line[1400];
	va_list values;
	int length = snprintf(line, sizeof(line), "%u:%u %u %llu-%llu ", trace->bus, trace->id,
			      ++trace->lines, (unsigned long long)start,
			      (unsigned long long)kbus_trace_now());

	va_start(values, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length, format, values);
	va_end(values);
	line[length++] = '\n';
	if (write(trace->file, line, (size_t)length) != length)
		trace->lines++;
}

/* KIND [ID] NAME flags=... of a message. */
static inline void kbus_trace_message(struct kbus_trace *trace, uint64_t start, int got,
				      const kbus_message_t *msg)
{
	int reply = msg->in_reply_to.network_id != 0 || msg->in_reply_to.serial_num != 0;
	const char *kind = reply ? (msg->flags & KBUS_BIT_SYNTHETIC ? "status" : "reply")
			   : msg->flags & KBUS_BIT_WANT_A_REPLY ? "request" : "announcement";
	char id[30] = "", from[20] = "";

	if (got) {
		snprintf(id, sizeof(id), "%u:%u ", msg->id.network_id, msg->id.serial_num);
		snprintf(from, sizeof(from), "from=%u ", msg->from);
	}
	kbus_trace_line(trace, start, "%s %s %s%.*s flags=0x%x %sto=%u re=%u:%u", got ? "got" : "send",
			kind, id, (int)msg->name_len, kbus_msg_name_ptr(msg), msg->flags, from,
			msg->to, msg->in_reply_to.network_id, msg->in_reply_to.serial_num);
}

/* As kbus_ksock_open; the trace is a file of its own in `directory`. */
static inline int kbus_trace_open(struct kbus_trace *trace, const char *directory, uint32_t bus)
{
	uint64_t start = kbus_trace_now();
	char path[200];
	int rc;

	trace->bus = bus;
	trace->lines = 0;
	trace->ksock = kbus_ksock_open(bus, O_RDWR);
	if (trace->ksock < 0)
		return trace->ksock;
	rc = kbus_ksock_id(trace->ksock, &trace->id);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/%u.%u", directory, bus, trace->id);
	trace->file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (trace->file < 0)
		return -errno;
	kbus_trace_line(trace, start, "open");
	return 0;
}

static inline int kbus_trace_close(struct kbus_trace *trace)
{
	uint64_t start = kbus_trace_now();
	int rc = kbus_ksock_close(trace->ksock);

	kbus_trace_line(trace, start, "close");
	close(trace->file);
	return rc;
}

static inline int kbus_trace_limit(struct kbus_trace *trace, uint32_t limit)
{
	uint64_t start = kbus_trace_now();
	int rc = kbus_ksock_max_messages(trace->ksock, &limit);

	if (rc >= 0)
		kbus_trace_line(trace, start, "limit %u", limit);
	return rc;
}

static inline int kbus_trace_bind(struct kbus_trace *trace, const char *name, uint32_t is_replier)
{
	uint64_t start = kbus_trace_now();
	int rc = kbus_ksock_bind(trace->ksock, name, is_replier);

	if (rc >= 0)
		kbus_trace_line(trace, start, "bind %s %s", is_replier ? "replier" : "listener", name);
	return rc;
}

/* Not with ALL_OR_WAIT, of which no program here makes use. */
static inline int kbus_trace_send(struct kbus_trace *trace, const kbus_message_t *msg, kbus_msg_id_t *id)
{
	uint64_t start = kbus_trace_now();
	int rc;

	kbus_trace_message(trace, start, 0, msg);
	start = kbus_trace_now();
	rc = kbus_ksock_send_msg(trace->ksock, msg, id);
	if (rc < 0)
		kbus_trace_line(trace, start, "refused %d", -rc);
	else
		kbus_trace_line(trace, start, "sent %u:%u", id->network_id, id->serial_num);
	return rc;
}

/* As kbus_ksock_read_next_msg: *msg is NULL when there is none. */
static inline int kbus_trace_next(struct kbus_trace *trace, kbus_message_t **msg)
{
	uint64_t start = kbus_trace_now();
	int rc = kbus_ksock_read_next_msg(trace->ksock, msg);

	if (rc >= 0 && *msg)
		kbus_trace_message(trace, start, 1, *msg);
	else if (rc >= 0)
		kbus_trace_line(trace, start, "empty");
	return rc;
}

/* All answers that it was owed have come. */
static inline void kbus_trace_settled(struct kbus_trace *trace)
{
	kbus_trace_line(trace, kbus_trace_now(), "settled");
}

#endif
