// SPDX-License-Identifier: GPL-2.0-only
/* Makes the trace points of trace.h; trace.rs uses them. */
#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "trace.h"
#include "shim.h"
