// The libvirt programs of the soak tests. All work on libvirt's test driver, under a policy that refuses
// virDomainDestroy and records state-changing calls.
//
//   host calls COUNT             COUNT calls of every kind, resident memory now and then
//   host forks COUNT             forks COUNT children while other threads make calls; each child makes some and ends
//   host threads THREADS COUNT   COUNT state-changing calls in each of THREADS threads
//   host count FILE              state-changing calls without end; how many returned is kept in FILE, which is mapped
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void quiet(void *data, virErrorPtr error) { (void)data, (void)error; }

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "host: %s\n", what);
  _exit(1);
}

static virConnectPtr openTest(void) {
  virConnectPtr connection = virConnectOpen("test:///default");
  if (!connection) fail("virConnectOpen");
  return connection;
}

static virDomainPtr findTest(virConnectPtr connection) {
  virDomainPtr domain = virDomainLookupByName(connection, "test");
  if (!domain) fail("virDomainLookupByName");
  return domain;
}

static void expectRefusal(virDomainPtr domain) {
  if (virDomainDestroy(domain) != -1) fail("virDomainDestroy was not refused");
  virErrorPtr error = virGetLastError();
  if (!error || error->code != VIR_ERR_ACCESS_DENIED) fail("another error than a refusal");
}

static long residentKiB(void) {
  char line[256];
  long value = -1;
  FILE *status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "VmRSS: %ld", &value);
  if (status) fclose(status);
  return value;
}

// 1000 calls: mostly judged queries and look-ups, a few recorded ones and refusals, one connection.
static void makeThousandCalls(virConnectPtr connection) {
  virDomainInfo info;
  virConnectPtr other = openTest();
  virDomainPtr domain = findTest(connection);
  for (int i = 0; i < 140; i++) {
    virDomainPtr again = findTest(connection);
    if (virDomainGetInfo(again, &info) < 0) fail("virDomainGetInfo");
    if (virDomainIsActive(again) != 1) fail("virDomainIsActive");
    if (!virDomainGetName(again)) fail("virDomainGetName");
    if (virConnectNumOfDomains(connection) < 1) fail("virConnectNumOfDomains");
    if (virDomainLookupByName(connection, "there-is-none")) fail("a guest that is not there");
    virDomainFree(again);
  }
  for (int i = 0; i < 4; i++) {
    if (virDomainSuspend(domain) < 0 || virDomainResume(domain) < 0) fail("suspend or resume");
    expectRefusal(domain);
  }
  for (int i = 0; i < 5; i++) virGetLastError();
  virDomainFree(domain);
  virConnectClose(other);
}

static int makeCalls(long count) {
  enum { kReports = 20 };
  virConnectPtr connection = openTest();
  long half = 0, last = 0, most = 0;
  for (long done = 0, report = 0; done < count; done += 1000) {
    makeThousandCalls(connection);
    if ((done + 1000) * kReports / count == report) continue;
    report = (done + 1000) * kReports / count;
    last = residentKiB();
    if (report == kReports / 2) half = last;
    if (last > most) most = last;
    printf("%ld calls: %ld KiB\n", done + 1000, last);
  }
  virConnectClose(connection);
  printf("growth over the second half: %ld KiB\n", last - half);
  return last - half > 256;
}

static atomic_bool stop;

static void *callUntilStopped(void *unused) {
  (void)unused;
  virConnectPtr connection = openTest();
  virDomainPtr domain = findTest(connection);
  while (!stop) {
    virDomainIsActive(domain);
    virDomainSuspend(domain);
    virDomainResume(domain);
    usleep(200);
  }
  virDomainFree(domain);
  virConnectClose(connection);
  return NULL;
}

// libvirt itself is not made for use in the child of a threaded parent (its own locks may be held); a definite child of
// one thread is. The storm therefore forks from a process whose other threads are idle in libvirt's eyes half the time,
// and a child calls only what takes no lock of the driver: refused calls, which end in the shim.
static void childCalls(virDomainPtr domain) {
  for (int i = 0; i < 3; i++) {
    if (virDomainDestroy(domain) != -1) _exit(2);
  }
  _exit(0);
}

static int forkStorm(long count) {
  enum { kThreads = 3, kAtOnce = 16 };
  pthread_t threads[kThreads];
  virConnectPtr connection = openTest();
  virDomainPtr domain = findTest(connection);
  for (int i = 0; i < kThreads; i++) pthread_create(&threads[i], NULL, callUntilStopped, NULL);
  long failed = 0, running = 0;
  for (long i = 0; i < count || running > 0;) {
    if (i < count && running < kAtOnce) {
      pid_t child = fork();
      if (child == 0) childCalls(domain);
      if (child < 0) fail("fork");
      running++, i++;
      continue;
    }
    int status;
    if (wait(&status) > 0) running--, failed += status != 0;
  }
  stop = 1;
  for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  virDomainFree(domain);
  virConnectClose(connection);
  printf("%ld children, %ld failed\n", count, failed);
  return failed != 0;
}

static long callsPerThread;

// Some of the calls fail, because threads share the guest: they are recorded all the same.
static void *changeState(void *unused) {
  (void)unused;
  virConnectPtr connection = openTest();
  virDomainPtr domain = findTest(connection);
  for (long i = 0; i < callsPerThread; i++) i % 2 ? virDomainResume(domain) : virDomainSuspend(domain);
  virDomainFree(domain);
  virConnectClose(connection);
  return NULL;
}

static int changeInThreads(int count) {
  pthread_t threads[64];
  if (count > 64) fail("too many threads");
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, changeState, NULL);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  return 0;
}

static int countForever(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, 4096) != 0) fail(path);
  _Atomic uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (done == MAP_FAILED) fail("mmap");
  virConnectPtr connection = openTest();
  virDomainPtr domain = findTest(connection);
  while (1) {
    if (virDomainSuspend(domain) < 0) fail("virDomainSuspend");
    ++*done;
    if (virDomainResume(domain) < 0) fail("virDomainResume");
    ++*done;
  }
}

int main(int argc, char **argv) {
  virSetErrorFunc(NULL, quiet);
  const char *mode = argc > 2 ? argv[1] : "";
  if (strcmp(mode, "calls") == 0) return makeCalls(atol(argv[2]));
  if (strcmp(mode, "forks") == 0) return forkStorm(atol(argv[2]));
  if (strcmp(mode, "count") == 0) return countForever(argv[2]);
  if (strcmp(mode, "threads") == 0 && argc > 3) {
    callsPerThread = atol(argv[3]);
    return changeInThreads(atoi(argv[2]));
  }
  fprintf(stderr, "usage: host calls|forks COUNT | host threads THREADS COUNT | host count FILE\n");
  return 2;
}
