/* What asks, over TCP. */
#include <fcntl.h>
#include "load.h"

enum { MESSAGE = 64 };

/* How long messages took: how many of each tenth of a microsecond, up to 100 ms; the last, also what took longer. */
enum { STEP_NS = 100, STEPS = 1000000 };
static long took[STEPS];

static void begin(int poll, int port) {
  struct place to = place("127.0.0.1", port);
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  must(fd >= 0, "socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  must(connect(fd, (void *)&to.at, to.length) == 0 || errno == EINPROGRESS, "connect");
  watch(poll, fd, EPOLLOUT, NONE);
}

/* One step of a client; what it reads counts only once it is through the handshake. -1: the connection is over. */
static ssize_t step(int poll, int fd, int to, char word) {
  unsigned char request[10] = {5, CONNECT, 0, 1, 127, 0, 0, 1, to >> 8, to & 255};
  ssize_t got;
  switch (states[fd].is) {
    case NONE:
      if (write(fd, "\5\1\0", 3) != 3) return -1;
      watch(poll, fd, EPOLLIN, GREETED);
      return 0;
    case GREETED:
      if (read(fd, piece, 2) != 2 || write(fd, request, sizeof request) != sizeof request) return -1;
      states[fd].is = CONNECTING;
      return 0;
    case CONNECTING:
      if (read(fd, piece, 10) != 10 || piece[1] != 0 || write(fd, &word, 1) != 1) return -1;
      states[fd].is = READING;
      return 0;
    default:
      got = read(fd, piece, sizeof piece);
      return got > 0 || (got < 0 && errno == EAGAIN) ? (got < 0 ? 0 : got) : -1;
  }
}

void clients(int poll, int port, int to, int count, long limit, char word) {
  struct epoll_event events[EVENTS];
  long began = now_ms(), done = 0, bytes = 0, failed = 0;
  for (int i = 0; i < count; i++) begin(poll, port);
  while (now_ms() - began < limit) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      ssize_t got = step(poll, fd, to, word);
      if (got >= 0) {
        bytes += got;
        continue;
      }
      if (states[fd].is == READING) done++;
      else failed++;
      close(fd);
      begin(poll, port);
    }
  }
  printf("done %ld bytes %ld failed %ld ms %ld\n", done, bytes, failed, now_ms() - began);
}

void readers(int poll, struct place at, int count, long limit) {
  struct epoll_event events[EVENTS];
  long began = now_ms(), bytes = 0;
  for (int i = 0; i < count; i++) {
    int fd = connected(at);
    must(write(fd, "b", 1) == 1, "write");
    watch(poll, fd, EPOLLIN, READING);
  }
  while (now_ms() - began < limit) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) {
      ssize_t got = read(events[i].data.fd, piece, sizeof piece);
      must(got > 0, "read");
      bytes += got;
    }
  }
  printf("done %d bytes %ld failed 0 ms %ld\n", count, bytes, now_ms() - began);
}

static double within_us(long done, double share) {
  long seen = 0;
  for (int i = 0; i < STEPS; i++)
    if ((seen += took[i]) >= done * share) return (i + 1) * (STEP_NS / 1e3);
  return STEPS * (STEP_NS / 1e3);
}

static void say(int fd) {
  states[fd].sent_at = now_ns();
  must(write(fd, piece, MESSAGE) == MESSAGE, "write");
}

void talkers(int poll, struct place at, int to, int count, long limit) {
  struct epoll_event events[EVENTS];
  long began, done = 0;
  int fds[count];
  for (int i = 0; i < count; i++) {
    fds[i] = connected(at);
    if (to != 0) asked(fds[i], CONNECT, to);
    must(write(fds[i], "e", 1) == 1 && fcntl(fds[i], F_SETFL, O_NONBLOCK) == 0, "write");
    watch(poll, fds[i], EPOLLIN, READING);
  }
  began = now_ms();
  for (int i = 0; i < count; i++) say(fds[i]);
  while (now_ms() - began < limit) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      long step;
      /* A message of 64 B is never cut on the ways that are measured. */
      must(read(fd, piece, sizeof piece) == MESSAGE, "a message");
      step = (now_ns() - states[fd].sent_at) / STEP_NS;
      took[step < STEPS ? step : STEPS - 1]++;
      done++;
      say(fd);
    }
  }
  printf("done %ld bytes %ld failed 0 ms %ld ", done, done * MESSAGE, now_ms() - began);
  printf("p50 %.1f p99 %.1f\n", within_us(done, 0.5), within_us(done, 0.99));
}

void idle(struct place at, int count) {
  for (int i = 0; i < count; i++) connected(at);
  printf("idle %d\n", count);
  fflush(stdout);
  pause();
}
