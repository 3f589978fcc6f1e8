// SPDX-License-Identifier: GPL-2.0
/*
 * A real 32-bit program on the bus (specification 2.6): the ioctl codes of
 * size 4, the header of 72 bytes, bind structs of 12. It speaks to the kernel
 * without any library, so that a compiler with -m32 is all that is needed to
 * build it; build.rs does, and puts it into the test program, which runs it
 * as a peer and gives its words on.
 *
 * compat32 MODE [NUMBER]; exit status 0 when all went well.
 */

typedef unsigned int u32;
typedef unsigned char u8;

struct id {
	u32 net, serial;
};

struct header {
	u32 start_guard;
	struct id id, in_reply_to;
	u32 to, from;
	u32 orig_from[2], final_to[2];
	u32 extra, flags, name_len, data_len;
	const char *name;
	const void *data;
	u32 end_guard;
};

_Static_assert(sizeof(void *) == 4, "32 bits");
_Static_assert(sizeof(struct header) == 72, "the header");
_Static_assert(__builtin_offsetof(struct header, name) == 60, "name");
_Static_assert(__builtin_offsetof(struct header, data) == 64, "data");
_Static_assert(__builtin_offsetof(struct header, end_guard) == 68, "end_guard");

struct bind {
	u32 role, name_len;
	const char *name;
};

_Static_assert(sizeof(struct bind) == 12, "bind request, bind query");

enum {
	BIND = 0x40046b02,
	UNBIND = 0x40046b03,
	DISCARD = 0x00006b09,
	RESET = 0x00006b01,
};
#define KSOCKID 0x80046b04u
#define REPLIER 0xc0046b05u
#define NEXTMSG 0x80046b06u
#define LENLEFT 0x80046b07u
#define SEND 0x80046b08u
#define LASTSENT 0x80046b0au
#define MAXMSGS 0xc0046b0bu
#define NUMMSGS 0x80046b0cu
#define UNREPLIEDTO 0x80046b0du
#define MSGONLYONCE 0xc0046b0eu
#define VERBOSE 0xc0046b0fu
#define NEWDEVICE 0x80046b10u
#define REPORT 0xc0046b11u
#define MAXMSGSIZE 0xc0046b12u

#define START_GUARD 0x7375624Bu
#define END_GUARD 0x4B627573u
#define WANT_A_REPLY 1u
#define MARKED 2u
#define SYNTHETIC 4u
#define ALL_OR_WAIT 0x100u
#define ASK 0xffffffffu

enum { EAGAIN = 11, EFAULT = 14, EINVAL = 22, ENOTTY = 25, ENOMSG = 42,
       EBADMSG = 74, EMSGSIZE = 90, EADDRINUSE = 98, EADDRNOTAVAIL = 99,
       ENAMETOOLONG = 36, EALREADY = 114 };

/* ---- the kernel --------------------------------------------------------- */

static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

static long sys_read(int fd, void *to, u32 n) { return call(3, fd, (long)to, (long)n); }
static long sys_write(int fd, const void *from, u32 n) { return call(4, fd, (long)from, (long)n); }
static int sys_open(const char *path, int flags) { return (int)call(5, (long)path, flags, 0); }
static int sys_close(int fd) { return (int)call(6, fd, 0, 0); }
static int sys_ioctl(int fd, u32 code, void *arg) { return (int)call(54, fd, (long)code, (long)arg); }

static int sys_poll(int fd, short events, int ms)
{
	struct { int fd; short events, revents; } p = { fd, events, 0 };

	return call(168, (long)&p, 1, ms) > 0 ? p.revents : 0;
}

__attribute__((noreturn)) static void leave(int status)
{
	for (;;)
		call(252, status, 0, 0);
}

/* The compiler may want these two. */
void *memcpy(void *to, const void *from, unsigned int n);
void *memset(void *to, int byte, unsigned int n);

void *memcpy(void *to, const void *from, unsigned int n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void *memset(void *to, int byte, unsigned int n)
{
	for (u32 i = 0; i < n; i++)
		((volatile u8 *)to)[i] = (u8)byte;
	return to;
}

static u32 length(const char *s)
{
	u32 n = 0;

	while (s[n])
		n++;
	return n;
}

static int same(const void *a, const void *b, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return 0;
	return 1;
}

/* ---- saying what is wrong ------------------------------------------------- */

static void say(const char *s) { sys_write(1, s, length(s)); }

static void say_number(long n)
{
	char digits[12];
	u32 at = sizeof(digits);
	unsigned long left = n < 0 ? -(unsigned long)n : (unsigned long)n;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		digits[--at] = '-';
	say(digits + at);
}

static void expect(long got, long want, const char *what, int line)
{
	if (got == want)
		return;
	say("compat32.c:");
	say_number(line);
	say(": ");
	say(what);
	say(": expected ");
	say_number(want);
	say(", got ");
	say_number(got);
	say("\n");
	leave(1);
}

#define EQ(got, want) expect((long)(got), (long)(want), #got, __LINE__)
#define OK(condition) expect(!!(condition), 1, #condition, __LINE__)

/* ---- the bus -------------------------------------------------------------- */

static u8 out[500000] __attribute__((aligned(8)));
static u8 in[500000] __attribute__((aligned(8)));
static u8 junk[500000];

static int bus(void)
{
	int fd = sys_open("/dev/kbus0", 2);

	OK(fd >= 0);
	return fd;
}

static int binding(int fd, u32 code, const char *name, u32 role)
{
	struct bind b = { role, length(name), name };

	return sys_ioctl(fd, code, &b);
}

/* A u32 out, and not a byte beside it. */
static u32 word(int fd, u32 code, u32 value, int want)
{
	u32 words[3] = { 0x5afec0de, value, 0x5afec0de };

	EQ(sys_ioctl(fd, code, &words[1]), want);
	EQ(words[0], 0x5afec0de);
	EQ(words[2], 0x5afec0de);
	return words[1];
}

static int send(int fd, struct id *id)
{
	u32 words[4] = { 0x5afec0de, 0, 0, 0x5afec0de };
	int result = sys_ioctl(fd, SEND, &words[1]);

	EQ(words[0], 0x5afec0de);
	EQ(words[3], 0x5afec0de);
	id->net = words[1];
	id->serial = words[2];
	return result;
}

static struct header blank(const char *name, u32 data_len)
{
	struct header h;

	memset(&h, 0, sizeof(h));
	h.start_guard = START_GUARD;
	h.end_guard = END_GUARD;
	h.name_len = length(name);
	h.data_len = data_len;
	return h;
}

static u32 entire(u32 name, u32 data) { return 72 + (name + 4) / 4 * 4 + (data + 3) / 4 * 4 + 4; }

/* Builds the entire form in `out`, gives its length. */
static u32 build(struct header h, const char *name, const void *data)
{
	u32 len = entire(h.name_len, h.data_len);
	u32 guard = END_GUARD;

	h.name = 0;
	h.data = 0;
	memset(out, 0, len);
	memcpy(out, &h, 72);
	memcpy(out + 72, name, h.name_len);
	memcpy(out + 72 + (h.name_len + 4) / 4 * 4, data, h.data_len);
	memcpy(out + len - 4, &guard, 4);
	return len;
}

static void put(int fd, struct header h, const char *name, const void *data, int pointy)
{
	if (pointy) {
		h.name = name;
		h.data = h.data_len ? data : 0;
		EQ(sys_write(fd, &h, 72), 72);
	} else {
		u32 len = build(h, name, data);

		EQ(sys_write(fd, out, len), len);
	}
}

/* Pops and reads what is next, and insists on its exact form. */
static struct header *take(int fd, const u8 **data)
{
	struct header *h = (struct header *)in;
	u32 len = word(fd, NEXTMSG, 99, 1);
	u32 end;

	EQ(word(fd, LENLEFT, 99, 0), len);
	memset(in, 0xEE, len + 8);
	EQ(sys_read(fd, in, len + 8), len);
	EQ(sys_read(fd, in + len, 8), 0);
	EQ(h->start_guard, START_GUARD);
	EQ(h->end_guard, END_GUARD);
	EQ(h->name, 0);
	EQ(h->data, 0);
	EQ(h->extra, 0);
	EQ(len, entire(h->name_len, h->data_len));
	memcpy(&end, in + len - 4, 4);
	EQ(end, END_GUARD);
	*data = in + 72 + (h->name_len + 4) / 4 * 4;
	for (const u8 *p = in + 72 + h->name_len; p < *data; p++)
		EQ(*p, 0);
	for (const u8 *p = *data + h->data_len; p < in + len - 4; p++)
		EQ(*p, 0);
	return h;
}

static struct header *await(int fd, const u8 **data)
{
	OK(sys_poll(fd, 1, 20000) & 1);
	return take(fd, data);
}

/* ---- modes ---------------------------------------------------------------- */

static void all_ioctls(void)
{
	int fd = bus(), other = bus();
	struct bind query = { 77, 3, "$.A" };
	struct id id, last;
	u32 me = word(fd, KSOCKID, 0, 0);

	EQ(word(other, KSOCKID, 0, 0), me + 1);
	EQ(sys_ioctl(fd, RESET, 0), 0);
	EQ(binding(fd, BIND, "$.A", 1), 0);
	EQ(binding(other, BIND, "$.A", 1), -EADDRINUSE);
	EQ(binding(fd, BIND, "$.A", 0), 0);
	EQ(binding(fd, BIND, "", 0), -EBADMSG);
	EQ(binding(fd, BIND, "$.#", 0), -EBADMSG);
	EQ(binding(fd, UNBIND, "$.B", 0), -EINVAL);
	EQ(sys_ioctl(other, REPLIER, &query), 1);
	EQ(query.role, me);
	EQ(query.name_len, 3);
	query.name = "$.B";
	EQ(sys_ioctl(other, REPLIER, &query), 0);
	EQ(query.role, 0);
	query.name_len = 1001;
	EQ(sys_ioctl(other, REPLIER, &query), -ENAMETOOLONG);
	EQ(word(fd, NEXTMSG, 99, 0), 0);
	EQ(word(fd, LENLEFT, 99, 0), 0);
	EQ(word(fd, NUMMSGS, 99, 0), 0);
	EQ(word(fd, UNREPLIEDTO, 99, 0), 0);
	EQ(word(fd, MAXMSGS, 0, 0), 100);
	EQ(word(fd, MAXMSGS, 7, 0), 7);
	EQ(word(fd, MSGONLYONCE, 1, 0), 0);
	EQ(word(fd, MSGONLYONCE, ASK, 0), 1);
	EQ(word(fd, MSGONLYONCE, 0, 0), 1);
	EQ(word(fd, VERBOSE, 1, 0), 0);
	EQ(word(fd, VERBOSE, 0, 0), 1);
	EQ(word(fd, REPORT, ASK, 0), 0);
	EQ(word(fd, MAXMSGSIZE, 1, 0), 409600);
	EQ(word(fd, MAXMSGSIZE, 99, -EINVAL), 99);
	EQ(send(fd, &id), -ENOMSG);
	EQ(sys_ioctl(fd, DISCARD, 0), 0);
	put(other, blank("$.A", 0), "$.A", "", 0);
	EQ(send(other, &id), 0);
	EQ(sys_ioctl(other, LASTSENT, &last), 0);
	EQ(last.net, id.net);
	EQ(last.serial, id.serial);
	EQ(word(fd, NUMMSGS, 0, 0), 1);
	EQ(word(fd, NEXTMSG, 0, 1), 80);
	EQ(binding(fd, UNBIND, "$.A", 0), 0);
	EQ(binding(fd, UNBIND, "$.A", 1), 0);
	/* Pointers nowhere, and above what 32 bits may have. */
	EQ(sys_ioctl(fd, KSOCKID, (void *)0x10), -EFAULT);
	EQ(sys_ioctl(fd, BIND, (void *)0x10), -EFAULT);
	EQ(sys_ioctl(fd, KSOCKID, (void *)0xfffffffd), -EFAULT);
	sys_close(fd);
	sys_close(other);
}

static void codes(void)
{
	static const u32 all[] = { BIND, UNBIND, KSOCKID, REPLIER, NEXTMSG, LENLEFT, SEND, LASTSENT,
				   MAXMSGS, NUMMSGS, UNREPLIEDTO, MSGONLYONCE, VERBOSE, NEWDEVICE,
				   REPORT, MAXMSGSIZE };
	int fd = bus();

	/* The codes of 64-bit programs, and other sizes, are not ours. */
	for (u32 i = 0; i < sizeof(all) / 4; i++) {
		EQ(sys_ioctl(fd, (all[i] & ~0x00ff0000u) | 0x00080000u, in), -ENOTTY);
		EQ(sys_ioctl(fd, (all[i] & ~0x00ff0000u) | 0x000c0000u, in), -ENOTTY);
		EQ(sys_ioctl(fd, all[i] & 0xffff, in), -ENOTTY);
		EQ(sys_ioctl(fd, (all[i] & ~0xff00u) | 0x6a00, in), -ENOTTY);
	}
	EQ(sys_ioctl(fd, 0x6b00, in), -ENOTTY);
	EQ(sys_ioctl(fd, 0x6bff, in), -ENOTTY);
	sys_close(fd);
}

static void messages(void)
{
	static const u32 sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 60, 4095, 4096, 4097, 65563 };
	static const char *const names[] = { "$.a", "$.ab", "$.abc", "$.abcd", "$.a.b.c.d" };
	int fd = bus();

	EQ(binding(fd, BIND, "$.*", 0), 0);
	for (u32 i = 0; i < sizeof(junk); i++)
		junk[i] = (u8)(i * 7 + i / 251);
	for (u32 s = 0; s < sizeof(sizes) / 4; s++) {
		for (u32 n = 0; n < sizeof(names) / sizeof(*names); n++) {
			for (int pointy = 0; pointy < 2; pointy++) {
				struct header h = blank(names[n], sizes[s]), *got;
				const u8 *data;
				struct id id;

				h.to = 4711;
				h.from = 1;
				h.extra = 2;
				h.orig_from[0] = 3;
				h.orig_from[1] = 4;
				h.final_to[0] = 5;
				h.final_to[1] = 6;
				h.flags = 0xabc00000u | SYNTHETIC | MARKED;
				put(fd, h, names[n], junk, pointy);
				EQ(send(fd, &id), 0);
				got = take(fd, &data);
				EQ(got->id.serial, id.serial);
				EQ(got->to, 4711);
				EQ(got->from, word(fd, KSOCKID, 0, 0));
				EQ(got->orig_from[0], 3);
				EQ(got->orig_from[1], 4);
				EQ(got->final_to[0], 5);
				EQ(got->final_to[1], 6);
				EQ(got->flags, 0xabc00000u);
				EQ(got->name_len, h.name_len);
				OK(same(in + 72, names[n], h.name_len));
				EQ(got->data_len, sizes[s]);
				OK(same(data, junk, sizes[s]));
			}
		}
	}
	sys_close(fd);
}

static void pieces(void)
{
	struct header h = blank("$.abc", 5), *got;
	u32 len = build(h, "$.abc", "12345");
	const u8 *data;
	struct id id;
	int fd = bus();

	EQ(binding(fd, BIND, "$.abc", 0), 0);
	for (u32 at = 0; at < len; at++)
		EQ(sys_write(fd, out + at, 1), 1);
	EQ(send(fd, &id), 0);
	EQ(word(fd, NEXTMSG, 0, 1), len);
	for (u32 at = 0; at < len; at++) {
		EQ(word(fd, LENLEFT, 0, 0), len - at);
		EQ(sys_read(fd, in + at, 1), 1);
	}
	EQ(word(fd, LENLEFT, 0, 0), 0);
	got = (struct header *)in;
	EQ(got->id.serial, id.serial);
	OK(same(in + 72, out + 72, len - 72));
	/* Every split in two. */
	for (u32 at = 0; at <= len; at++) {
		EQ(sys_write(fd, out, at), at);
		EQ(sys_write(fd, out + at, len - at), len - at);
		EQ(send(fd, &id), 0);
		got = take(fd, &data);
		OK(same(data, "12345", 5));
	}
	sys_close(fd);
}

static void refusals(void)
{
	struct header h = blank("$.A", 0);
	u32 len = build(h, "$.A", "");
	struct id id;
	int fd = bus();

	/* The 72nd byte completes the header. */
	out[0] ^= 1;
	EQ(sys_write(fd, out, 71), 71);
	EQ(sys_write(fd, out + 71, 1), -EINVAL);
	out[0] ^= 1;
	EQ(sys_write(fd, out, len - 1), len - 1);
	EQ(send(fd, &id), -EINVAL);
	out[len] = 0;
	EQ(sys_write(fd, out, len + 1), -EMSGSIZE);
	EQ(send(fd, &id), -ENOMSG);
	h.name = "$.A.*";
	h.name_len = 5;
	EQ(sys_write(fd, &h, 72), 72);
	EQ(send(fd, &id), -EBADMSG);
	h.name = (const char *)0x10;
	EQ(sys_write(fd, &h, 72), 72);
	EQ(send(fd, &id), -EFAULT);
	h.name = "$.A";
	h.name_len = 1001;
	EQ(sys_write(fd, &h, 72), -ENAMETOOLONG);
	h.name_len = 3;
	h.data_len = 4;
	EQ(sys_write(fd, &h, 72), -EINVAL);
	h.data = (const void *)0xfffffff0;
	EQ(sys_write(fd, &h, 72), 72);
	EQ(send(fd, &id), -EFAULT);
	for (u32 d = 0; d < 120; d++) {
		h.data_len = 0xffffffffu - d;
		EQ(sys_write(fd, &h, 72), -EMSGSIZE);
	}
	/* The maximum counts this program's own layout. */
	EQ(word(fd, MAXMSGSIZE, 100, 0), 100);
	h.data = junk;
	h.data_len = 20;
	EQ(entire(3, 20), 100);
	EQ(sys_write(fd, &h, 72), 72);
	EQ(send(fd, &id), 0);
	h.data_len = 21;
	EQ(sys_write(fd, &h, 72), -EMSGSIZE);
	EQ(word(fd, MAXMSGSIZE, 409600, 0), 409600);
	sys_close(fd);
}

static void waiting(void)
{
	struct header h = blank("$.W", 4);
	int full = bus(), fd = bus();
	const u8 *data;
	struct id id, again;

	EQ(binding(full, BIND, "$.W", 0), 0);
	EQ(word(full, MAXMSGS, 1, 0), 1);
	put(fd, h, "$.W", "one ", 1);
	EQ(send(fd, &id), 0);
	h.flags = ALL_OR_WAIT;
	put(fd, h, "$.W", "two ", 1);
	EQ(send(fd, &id), -EAGAIN);
	OK(id.serial != 0);
	EQ(sys_write(fd, &h, 72), -EALREADY);
	EQ(sys_poll(fd, 4, 0), 0);
	EQ(send(fd, &again), -EAGAIN);
	EQ(again.serial, id.serial);
	take(full, &data);
	EQ(sys_poll(fd, 4, 20000), 4);
	EQ(take(full, &data)->id.serial, id.serial);
	OK(same(data, "two ", 4));
	sys_close(full);
	sys_close(fd);
}

static void goneaway(void)
{
	int r = bus(), fd = bus();
	struct header h = blank("$.G", 0), *got;
	const u8 *data;
	struct id id;

	EQ(binding(r, BIND, "$.G", 1), 0);
	h.flags = WANT_A_REPLY;
	put(fd, h, "$.G", "", 0);
	EQ(send(fd, &id), 0);
	sys_close(r);
	got = take(fd, &data);
	EQ(got->in_reply_to.serial, id.serial);
	EQ(got->flags, SYNTHETIC);
	OK(same(in + 72, "$.KBUS.Replier.GoneAway", got->name_len));
	put(fd, h, "$.G", "", 0);
	EQ(send(fd, &id), -EADDRNOTAVAIL);
	sys_close(fd);
}

static void reported(void)
{
	static const u8 want[] = { 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, '$', '.', 'r', '3', 0, 0, 0, 0 };
	int w = bus(), k = bus();
	u8 expected[sizeof(want)];
	struct header *got;
	const u8 *data;
	u32 binder = word(k, KSOCKID, 0, 0);

	EQ(binding(w, BIND, "$.KBUS.ReplierBindEvent", 0), 0);
	EQ(word(w, REPORT, 1, 0), 0);
	EQ(binding(k, BIND, "$.r3", 1), 0);
	got = take(w, &data);
	EQ(got->flags, 0x204);
	EQ(got->data_len, 20);
	memcpy(expected, want, sizeof(want));
	memcpy(expected + 4, &binder, 4);
	OK(same(data, expected, 20));
	EQ(word(w, REPORT, 0, 0), 1);
	sys_close(w);
	sys_close(k);
}

/* Answers `count` requests for $.Compat with what they brought. */
static void serve(u32 count)
{
	int fd = bus();
	struct id id;

	EQ(binding(fd, BIND, "$.Compat", 1), 0);
	EQ(word(fd, MAXMSGS, 1000, 0), 1000);
	say("ready\n");
	for (u32 n = 0; n < count; n++) {
		const u8 *data;
		struct header *got = await(fd, &data);
		struct header h = blank("$.Compat", got->data_len);

		EQ(got->flags & (WANT_A_REPLY | MARKED), WANT_A_REPLY | MARKED);
		EQ(word(fd, UNREPLIEDTO, 0, 0), 1);
		h.to = got->from;
		h.in_reply_to = got->id;
		h.orig_from[0] = sizeof(void *);
		put(fd, h, "$.Compat", data, n % 2);
		EQ(send(fd, &id), 0);
		EQ(word(fd, UNREPLIEDTO, 0, 0), 0);
	}
	sys_close(fd);
}

/* Asks $.Wide `count` times, and compares what comes back. */
static void ask(u32 count)
{
	int fd = bus();
	struct id id;

	for (u32 i = 0; i < sizeof(junk); i++)
		junk[i] = (u8)(i * 13 + i / 77);
	for (u32 n = 0; n < count; n++) {
		u32 size = n * n * 3 % 70000;
		struct header h = blank("$.Wide", size), *got;
		const u8 *data;

		h.flags = WANT_A_REPLY;
		put(fd, h, "$.Wide", junk, n % 2);
		EQ(send(fd, &id), 0);
		got = await(fd, &data);
		EQ(got->in_reply_to.net, id.net);
		EQ(got->in_reply_to.serial, id.serial);
		EQ(got->data_len, size);
		OK(same(data, junk, size));
	}
	EQ(word(fd, NUMMSGS, 9, 0), 0);
	sys_close(fd);
}

static u32 number(const char *s)
{
	u32 n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (u32)(*s++ - '0');
	return n;
}

static void run(const char *mode, u32 count)
{
	static const struct {
		const char *name;
		void (*plain)(void);
		void (*counted)(u32);
	} modes[] = {
		{ "ioctls", all_ioctls, 0 }, { "codes", codes, 0 },	{ "messages", messages, 0 },
		{ "pieces", pieces, 0 },     { "refusals", refusals, 0 }, { "waiting", waiting, 0 },
		{ "goneaway", goneaway, 0 }, { "reported", reported, 0 }, { "serve", 0, serve },
		{ "ask", 0, ask },
	};

	for (u32 i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (length(mode) != length(modes[i].name) || !same(mode, modes[i].name, length(mode)))
			continue;
		if (modes[i].plain)
			modes[i].plain();
		else
			modes[i].counted(count);
		leave(0);
	}
	say("compat32: no such mode\n");
	leave(2);
}

__attribute__((used, noreturn)) void begin(long *stack);

void begin(long *stack)
{
	char **argv = (char **)(stack + 1);

	if (stack[0] < 2)
		leave(2);
	run(argv[1], stack[0] > 2 ? number(argv[2]) : 0);
	leave(2);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movl %esp, %eax\n"
	"	andl $-16, %esp\n"
	"	subl $12, %esp\n"
	"	pushl %eax\n"
	"	call begin\n"
	"	hlt\n");
