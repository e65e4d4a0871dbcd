/* What answers. */
#include "load.h"

enum { DATAGRAMS_AT_ONCE = 64, QUEUE = 4096 };

static void received(int poll, int fd) {
  ssize_t got = read(fd, piece, 1);
  if (got == 1 && piece[0] == 'b') watch(poll, fd, EPOLLOUT, SENDING);
  else if (got == 1 && piece[0] == 'e') watch(poll, fd, EPOLLIN, ECHOING);
  else if (got == 1 && piece[0] == 'q') got = write(fd, "answered", 8) == 8 ? 0 : -1;
  if (got <= 0) close(fd);
}

static void returned(int fd) {
  for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
    struct place from = {.length = sizeof from.at};
    ssize_t got = recvfrom(fd, piece, sizeof piece, 0, (void *)&from.at, &from.length);
    if (got < 0) break;
    (void)sendto(fd, piece, got, 0, (void *)&from.at, from.length);
  }
}

static void served(int poll, int fd) {
  ssize_t got;
  int one = 1;
  switch (states[fd].is) {
    case LISTENER:
      for (int next; (next = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(next, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(poll, next, EPOLLIN, ASKED);
      }
      return;
    case UDP:
      returned(fd);
      return;
    case ASKED:
      received(poll, fd);
      return;
    case ECHOING:
      got = read(fd, piece, sizeof piece);
      if (got <= 0 || write(fd, piece, got) != got) close(fd);
      return;
    default:
      if (write(fd, piece, sizeof piece) < 0 && errno != EAGAIN) close(fd);
  }
}

void target(int poll, const char *host, int tcp_port, int udp_port) {
  struct epoll_event events[EVENTS];
  struct place tcp_at = place(host, tcp_port), udp_at = place(host, udp_port);
  int one = 1, big = 4194304, tcp = socket(tcp_at.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int udp = socket(udp_at.at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
  must(bind(tcp, (void *)&tcp_at.at, tcp_at.length) == 0 && listen(tcp, QUEUE) == 0, "listen");
  must(bind(udp, (void *)&udp_at.at, udp_at.length) == 0, "bind");
  watch(poll, tcp, EPOLLIN, LISTENER);
  watch(poll, udp, EPOLLIN, UDP);
  for (;;) {
    int n = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) served(poll, events[i].data.fd);
  }
}
