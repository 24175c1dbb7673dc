// Starts a program again and again and kills it at a random point within some milliseconds.
//
//   killer TIMES MOST_MS FOLDER PROGRAM   runs `PROGRAM count FOLDER/N`, N from 1; prints "PID COMPLETED" for each
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned randomBelow(unsigned limit) {
  unsigned value;
  if (getrandom(&value, sizeof value, 0) != sizeof value) abort();
  return value % limit;
}

static uint64_t readCount(const char *path) {
  uint64_t count = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, &count, sizeof count) != sizeof count) count = 0;
  if (fd >= 0) close(fd);
  return count;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const char *preload = getenv("KILLER_PRELOAD");
  unsigned mostUs = (unsigned)atoi(argv[2]) * 1000;
  for (int i = 1; i <= atoi(argv[1]); i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d", argv[3], i);
    pid_t child = fork();
    if (child == 0) {
      if (preload) setenv("LD_PRELOAD", preload, 1);
      execl(argv[4], argv[4], "count", path, NULL);
      _exit(127);
    }
    // The time starts with the first call that returned, so that few are killed before they do anything.
    for (int wait = 0; wait < 5000 && readCount(path) == 0; wait++) usleep(1000);
    usleep(randomBelow(mostUs));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("%d %llu\n", child, (unsigned long long)readCount(path));
  }
  return 0;
}
