// Starts a program, waits for its end, and says how long that took: once per line of standard input, in ns, on the wall
// and as the processor time of the child. Everything of LAUNCH_PRELOAD goes to the child as LD_PRELOAD.
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

extern char **environ;

static int64_t childrenNs(void) {
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * (int64_t)1000000000 +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * (int64_t)1000;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: launcher PROGRAM [ARGUMENT...]\n"), 2;
  const char *preload = getenv("LAUNCH_PRELOAD");
  if (preload && *preload) setenv("LD_PRELOAD", preload, 1);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  char line[16];
  while (fgets(line, sizeof line, stdin)) {
    int64_t usedBefore = childrenNs();
    struct Span start = spanStart();
    pid_t child;
    int status = 0;
    if (posix_spawnp(&child, argv[1], &actions, NULL, argv + 1, environ) != 0) return perror(argv[1]), 1;
    if (waitpid(child, &status, 0) < 0 || status != 0) return fprintf(stderr, "launcher: %s failed\n", argv[1]), 1;
    struct Span span = spanSince(start);
    span.thread = childrenNs() - usedBefore;
    answer(span);
  }
  return 0;
}
