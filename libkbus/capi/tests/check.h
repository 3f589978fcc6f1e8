/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests of the C library are programs in the words that C99 and C++17
 * have in common, and are compiled as both. This is what they share.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned checks_failed, tests_passed, tests_failed;

#define CHECK(what) \
	((what) ? (void)0 : (void)(checks_failed++, \
		printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what)))

#define CHECK_IS(what, value) check_is(__FILE__, __LINE__, #what, (long)(what), (long)(value))

static inline void check_is(const char *file, int line, const char *what, long is, long should)
{
	if (is == should)
		return;
	checks_failed++;
	printf("%s:%d: %s is %ld, not %ld\n", file, line, what, is, should);
}

/* Of a vector's bytes, those for programs like this one. */
#define HERE(vector) (sizeof(void *) == 8 ? (vector).in64 : (vector).in32)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Says which of the vectors failed, if one has since `before`. */
static inline void which(unsigned before, const char *what)
{
	if (checks_failed != before)
		printf("\tthat was: %s\n", what);
}

/* What cannot be done without ends the program. */
#define MUST(what) must(__FILE__, __LINE__, #what, (long)(what))

static inline long must(const char *file, int line, const char *what, long is)
{
	if (is < 0) {
		printf("%s:%d: %s: %s\n", file, line, what, strerror((int)-is));
		exit(1);
	}
	return is;
}

#define RUN(test) run(#test, test)

static inline void run(const char *name, void (*test)(void))
{
	unsigned before = checks_failed;

	test();
	if (checks_failed == before)
		tests_passed++;
	else
		tests_failed++;
	printf("%s ... %s\n", name, checks_failed == before ? "ok" : "FAILED");
}

static inline int result(void)
{
	printf("%u passed, %u failed\n", tests_passed, tests_failed);
	return tests_failed != 0;
}

#endif
