/* load - both sides of a relay, for measuring it: what asks, and what answers.
 *
 *   load target TCP UDP      on 127.0.0.1; TCP: sends without end after a 'b', one word and a FIN after a 'q', and
 *                            otherwise waits; UDP: sends back
 *   load rate PORT TCP N MS  N clients of the SOCKS5 proxy on 127.0.0.1:PORT, each connecting, asking with 'q' and
 *                            reading to the end, again and again
 *   load bulk PORT TCP MS    one client of that proxy that reads
 *   load read HOST PORT N MS N connections to HOST (127.0.0.1 or ::1) that ask with 'b' and read
 *   load echo PORT N MS      N peers of [::1]:PORT with one datagram of 200 B on its way each; one that is not back
 *                            within 200 ms has failed
 *   load idle PORT N         N connections to [::1]:PORT that say nothing; prints "idle N", then waits
 *
 * All but the first and the last print what was done, how many bytes it was, what failed, and in how many ms.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, EVENTS = 256, PIECE = 262144, DATAGRAM = 200, LOST_AFTER_MS = 200 };

static char piece[PIECE];

/* What is known of a descriptor. */
static struct state {
  enum { NONE, LISTENER, UDP, ASKED, SENDING, GREETED, CONNECTING, READING, PEER } is;
  long sent_at;
} states[MOST];

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static void must(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void watch(int poll, int fd, unsigned events, int is) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  must(fd >= 0 && fd < MOST, "a socket");
  states[fd].is = is;
  if (epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) == 0) return;
  must(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static struct sockaddr_in v4(int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return at;
}

static struct sockaddr_in6 v6(int port) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  return at;
}

static void target(int poll, int tcp_port, int udp_port) {
  struct epoll_event events[EVENTS];
  struct sockaddr_in tcp_at = v4(tcp_port), udp_at = v4(udp_port);
  int one = 1, big = 4194304, tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
  must(bind(tcp, (void *)&tcp_at, sizeof tcp_at) == 0 && listen(tcp, 4096) == 0, "listen");
  must(bind(udp, (void *)&udp_at, sizeof udp_at) == 0, "bind");
  watch(poll, tcp, EPOLLIN, LISTENER);
  watch(poll, udp, EPOLLIN, UDP);
  for (;;) {
    int n = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      struct sockaddr_storage from;
      socklen_t length = sizeof from;
      ssize_t got;
      switch (states[fd].is) {
        case LISTENER:
          for (int next; (next = accept4(tcp, NULL, NULL, SOCK_NONBLOCK)) >= 0;) watch(poll, next, EPOLLIN, ASKED);
          break;
        case UDP:
          for (int j = 0; j < 64; j++, length = sizeof from) {
            got = recvfrom(fd, piece, sizeof piece, 0, (void *)&from, &length);
            if (got < 0) break;
            (void)sendto(fd, piece, got, 0, (void *)&from, length);
          }
          break;
        case ASKED:
          got = read(fd, piece, 1);
          if (got == 1 && piece[0] == 'b') watch(poll, fd, EPOLLOUT, SENDING);
          else if (got == 1 && piece[0] == 'q') got = write(fd, "answered", 8) == 8 ? 0 : -1;
          if (got <= 0) close(fd);
          break;
        default:
          if (write(fd, piece, sizeof piece) < 0 && errno != EAGAIN) close(fd);
      }
    }
  }
}

static void begin(int poll, int port) {
  struct sockaddr_in at = v4(port);
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  must(fd >= 0, "socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  must(connect(fd, (void *)&at, sizeof at) == 0 || errno == EINPROGRESS, "connect");
  watch(poll, fd, EPOLLOUT, NONE);
}

/* One step of a client; what it reads counts only once it is through the handshake. -1: the connection is over. */
static ssize_t step(int poll, int fd, int to, char word) {
  unsigned char request[10] = {5, 1, 0, 1, 127, 0, 0, 1, to >> 8, to & 255};
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

static void clients(int poll, int port, int to, int count, long limit, char word) {
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

static void readers(int poll, const char *host, int port, int count, long limit) {
  struct epoll_event events[EVENTS];
  struct sockaddr_in at4 = v4(port);
  struct sockaddr_in6 at6 = v6(port);
  int is_v6 = strchr(host, ':') != NULL;
  void *at = is_v6 ? (void *)&at6 : (void *)&at4;
  socklen_t length = is_v6 ? sizeof at6 : sizeof at4;
  long began = now_ms(), bytes = 0;
  for (int i = 0; i < count; i++) {
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && connect(fd, at, length) == 0 && write(fd, "b", 1) == 1, "connect");
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

static void echo(int poll, int port, int count, long limit) {
  struct epoll_event events[EVENTS];
  struct sockaddr_in6 at = v6(port);
  int first = 0, last = 0;
  long began = now_ms(), looked = began, back = 0, lost = 0;
  for (int i = 0; i < count; i++) {
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    must(fd >= 0 && connect(fd, (void *)&at, sizeof at) == 0, "a peer");
    watch(poll, fd, EPOLLIN, PEER);
    if (i == 0) first = fd;
    last = fd;
  }
  /* All at once, as new peers of a busy service come. */
  for (int fd = first; fd <= last; fd++) {
    states[fd].sent_at = now_ms();
    (void)send(fd, piece, DATAGRAM, 0);
  }
  while (now_ms() - began < limit) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    long now = now_ms();
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (recv(fd, piece, sizeof piece, 0) != DATAGRAM) continue;
      back++;
      states[fd].sent_at = now;
      (void)send(fd, piece, DATAGRAM, 0);
    }
    if (now - looked < LOST_AFTER_MS / 4) continue;
    looked = now;
    for (int fd = first; fd <= last; fd++) {
      if (states[fd].is != PEER || now - states[fd].sent_at < LOST_AFTER_MS) continue;
      lost++;
      states[fd].sent_at = now;
      (void)send(fd, piece, DATAGRAM, 0);
    }
  }
  printf("done %ld bytes %ld failed %ld ms %ld\n", back, back * DATAGRAM, lost, now_ms() - began);
}

static void idle(int port, int count) {
  struct sockaddr_in6 at = v6(port);
  for (int i = 0; i < count; i++) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    must(fd >= 0 && connect(fd, (void *)&at, sizeof at) == 0, "connect");
  }
  printf("idle %d\n", count);
  fflush(stdout);
  pause();
}

int main(int argc, char **argv) {
  int n[5] = {0}, poll = epoll_create1(0);
  const char *what = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc && i < 7; i++) n[i - 2] = atoi(argv[i]);
  must(poll >= 0, "epoll_create1");
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(what, "target") == 0) target(poll, n[0], n[1]);
  else if (strcmp(what, "rate") == 0) clients(poll, n[0], n[1], n[2], n[3], 'q');
  else if (strcmp(what, "bulk") == 0) clients(poll, n[0], n[1], 1, n[2], 'b');
  else if (strcmp(what, "read") == 0) readers(poll, argv[2], n[1], n[2], n[3]);
  else if (strcmp(what, "echo") == 0) echo(poll, n[0], n[1], n[2]);
  else if (strcmp(what, "idle") == 0) idle(n[0], n[1]);
  else return 2;
  return 0;
}
