/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trace points of a bus: tracepoint:kbus:kbus_bind and so on. What they
 * say and how they are used is in kbus-trace(7).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kbus

#if !defined(KBUS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KBUS_TRACE_H

#include <linux/tracepoint.h>

/* The name is not terminated. */
DECLARE_EVENT_CLASS(kbus_binding,
	TP_PROTO(unsigned int bus, unsigned int ksock, bool replier,
		 const char *name, unsigned int name_len),
	TP_ARGS(bus, ksock, replier, name, name_len),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
		__field(bool, replier)
		__string_len(name, name, name_len)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
		__entry->replier = replier;
		__assign_str(name);
	),
	TP_printk("bus=%u ksock=%u as=%s name=%s", __entry->bus, __entry->ksock,
		  __entry->replier ? "replier" : "listener", __get_str(name))
);

DEFINE_EVENT(kbus_binding, kbus_bind,
	TP_PROTO(unsigned int bus, unsigned int ksock, bool replier,
		 const char *name, unsigned int name_len),
	TP_ARGS(bus, ksock, replier, name, name_len)
);

DEFINE_EVENT(kbus_binding, kbus_unbind,
	TP_PROTO(unsigned int bus, unsigned int ksock, bool replier,
		 const char *name, unsigned int name_len),
	TP_ARGS(bus, ksock, replier, name, name_len)
);

TRACE_EVENT(kbus_close,
	TP_PROTO(unsigned int bus, unsigned int ksock),
	TP_ARGS(bus, ksock),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
	),
	TP_printk("bus=%u ksock=%u", __entry->bus, __entry->ksock)
);

/* What was decided about a message; the verdicts are those of trace.rs. */
TRACE_EVENT(kbus_route,
	TP_PROTO(unsigned int bus, unsigned int ksock, unsigned int network,
		 unsigned int serial, unsigned int flags, unsigned int to,
		 unsigned int verdict, const char *name, unsigned int name_len),
	TP_ARGS(bus, ksock, network, serial, flags, to, verdict, name, name_len),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
		__field(unsigned int, network)
		__field(unsigned int, serial)
		__field(unsigned int, flags)
		__field(unsigned int, to)
		__field(unsigned int, verdict)
		__string_len(name, name, name_len)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
		__entry->network = network;
		__entry->serial = serial;
		__entry->flags = flags;
		__entry->to = to;
		__entry->verdict = verdict;
		__assign_str(name);
	),
	TP_printk("bus=%u ksock=%u id=%u:%u flags=%#x to=%u verdict=%s name=%s",
		  __entry->bus, __entry->ksock, __entry->network, __entry->serial,
		  __entry->flags, __entry->to,
		  __print_symbolic(__entry->verdict, { 0, "sent" }, { 1, "waits" },
				   { 2, "refused" }),
		  __get_str(name))
);

/* A copy for one reader, of which so many wait now. */
TRACE_EVENT(kbus_queue,
	TP_PROTO(unsigned int bus, unsigned int ksock, unsigned int network,
		 unsigned int serial, unsigned int queued),
	TP_ARGS(bus, ksock, network, serial, queued),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
		__field(unsigned int, network)
		__field(unsigned int, serial)
		__field(unsigned int, queued)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
		__entry->network = network;
		__entry->serial = serial;
		__entry->queued = queued;
	),
	TP_printk("bus=%u ksock=%u id=%u:%u queued=%u", __entry->bus, __entry->ksock,
		  __entry->network, __entry->serial, __entry->queued)
);

/* A reader that a binding covers gets no copy. */
TRACE_EVENT(kbus_skip,
	TP_PROTO(unsigned int bus, unsigned int ksock, unsigned int why,
		 const char *name, unsigned int name_len),
	TP_ARGS(bus, ksock, why, name, name_len),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
		__field(unsigned int, why)
		__string_len(name, name, name_len)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
		__entry->why = why;
		__assign_str(name);
	),
	TP_printk("bus=%u ksock=%u why=%s name=%s", __entry->bus, __entry->ksock,
		  __print_symbolic(__entry->why, { 0, "full" }, { 1, "once" }),
		  __get_str(name))
);

/* A request gets its answer: of a Ksock, or of the bus instead of it. */
TRACE_EVENT(kbus_answer,
	TP_PROTO(unsigned int bus, unsigned int ksock, unsigned int requester,
		 unsigned int network, unsigned int serial, bool by_bus),
	TP_ARGS(bus, ksock, requester, network, serial, by_bus),
	TP_STRUCT__entry(
		__field(unsigned int, bus)
		__field(unsigned int, ksock)
		__field(unsigned int, requester)
		__field(unsigned int, network)
		__field(unsigned int, serial)
		__field(bool, by_bus)
	),
	TP_fast_assign(
		__entry->bus = bus;
		__entry->ksock = ksock;
		__entry->requester = requester;
		__entry->network = network;
		__entry->serial = serial;
		__entry->by_bus = by_bus;
	),
	TP_printk("bus=%u ksock=%u requester=%u about=%u:%u by=%s", __entry->bus,
		  __entry->ksock, __entry->requester, __entry->network, __entry->serial,
		  __entry->by_bus ? "bus" : "replier")
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
