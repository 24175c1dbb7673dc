// Clocks and one-line answers, shared by the benchmark's programs.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline int64_t clockNs(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// What a piece of work took: on the wall, and in the calling thread alone. The second is what other work on the
// machine disturbs least; the first includes waiting for locks and for the kernel.
struct Span {
  int64_t wall, thread;
};

static inline struct Span spanStart(void) {
  struct Span span;
  span.wall = clockNs(CLOCK_MONOTONIC);
  span.thread = clockNs(CLOCK_THREAD_CPUTIME_ID);
  return span;
}

static inline struct Span spanSince(struct Span start) {
  struct Span span;
  span.thread = clockNs(CLOCK_THREAD_CPUTIME_ID) - start.thread;
  span.wall = clockNs(CLOCK_MONOTONIC) - start.wall;
  return span;
}

static inline void answer(struct Span span) {
  printf("%lld %lld\n", (long long)span.wall, (long long)span.thread);
  fflush(stdout);
}
