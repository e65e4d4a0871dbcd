/* What asks, over UDP. */
#include "load.h"

enum { DATAGRAM = 200, LOST_AFTER_MS = 200, HEADER = 10 };

/* What is sent: behind the header of a SOCKS5 association (RFC 1928, section 7) where there is one. */
static unsigned char datagram[HEADER + DATAGRAM];
static ssize_t size = DATAGRAM;

static void addressed(int port) {
  unsigned char header[HEADER] = {0, 0, 0, 1, 127, 0, 0, 1, port >> 8, port & 255};
  memcpy(datagram, header, HEADER);
  size = HEADER + DATAGRAM;
}

static int peer(int poll, struct place at) {
  int fd = socket(at.at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  must(fd >= 0 && connect(fd, (void *)&at.at, at.length) == 0, "a peer");
  watch(poll, fd, EPOLLIN, PEER);
  return fd;
}

/* Where the proxy takes an association's datagrams. Its connection stays open: it ends with it. */
static struct place association(struct place proxy) {
  return place("127.0.0.1", asked(connected(proxy), ASSOCIATE, 0));
}

static void send_one(int fd, long now) {
  states[fd].sent_at = now;
  (void)send(fd, datagram, size, 0);
}

void echo(int poll, struct place at, int to, int count, long limit) {
  struct epoll_event events[EVENTS];
  int fds[count];
  long began, looked, back = 0, lost = 0;
  if (to != 0) addressed(to);
  for (int i = 0; i < count; i++) fds[i] = peer(poll, to == 0 ? at : association(at));
  began = looked = now_ms();
  /* All at once, as new peers of a busy service come. */
  for (int i = 0; i < count; i++) send_one(fds[i], began);
  while (now_ms() - began < limit) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    long now = now_ms();
    for (int i = 0; i < n; i++) {
      if (recv(events[i].data.fd, piece, sizeof piece, 0) != size) continue;
      back++;
      send_one(events[i].data.fd, now);
    }
    if (now - looked < LOST_AFTER_MS / 4) continue;
    looked = now;
    for (int i = 0; i < count; i++) {
      if (now - states[fds[i]].sent_at < LOST_AFTER_MS) continue;
      lost++;
      send_one(fds[i], now);
    }
  }
  printf("done %ld bytes %ld failed %ld ms %ld\n", back, back * DATAGRAM, lost, now_ms() - began);
}

void burst(int poll, struct place at, int count, int each, int times) {
  struct epoll_event events[EVENTS];
  long began = now_ms(), done = 0, lost = 0;
  for (int turn = 0; turn < times; turn++) {
    int fds[count];
    long heard, missing = (long)count * each;
    for (int i = 0; i < count; i++) fds[i] = peer(poll, at);
    for (int j = 0; j < each; j++)
      for (int i = 0; i < count; i++) send_one(fds[i], 0);
    heard = now_ms();
    while (missing > 0 && now_ms() - heard < LOST_AFTER_MS) {
      int n = epoll_wait(poll, events, EVENTS, 10);
      for (int i = 0; i < n; i++)
        while (recv(events[i].data.fd, piece, sizeof piece, 0) == size) done++, missing--, heard = now_ms();
    }
    lost += missing;
    for (int i = 0; i < count; i++) close(fds[i]);
  }
  printf("done %ld bytes %ld failed %ld ms %ld\n", done, done * DATAGRAM, lost, now_ms() - began);
}
