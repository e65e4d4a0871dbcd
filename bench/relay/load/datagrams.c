/* What asks, over UDP. */
#include "load.h"

/* A relay that has said nothing yet may be waiting for its processor: others use it, too. */
enum { DATAGRAM = 200, LOST_AFTER_MS = 200, STALLED_MS = 2000, HEADER = 10 };

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

/* Takes what comes until `left` of that burst (-1: of any) are there, or nothing comes for a while; how many. */
static long answers(int poll, int turn, long left, int is_first) {
  struct epoll_event events[EVENTS];
  long heard = now_ms(), done = 0;
  while (left > 0 && now_ms() - heard < (is_first ? STALLED_MS : LOST_AFTER_MS)) {
    int n = epoll_wait(poll, events, EVENTS, 10);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      while (recv(fd, piece, sizeof piece, 0) == size) {
        done++;
        is_first = 0;
        heard = now_ms();
        if (turn < 0 || states[fd].sent_at == turn) left--;
      }
    }
  }
  return done;
}

void burst(int poll, struct place at, int count, int each, int times) {
  int fds[count];
  long began = now_ms(), done = 0, all = (long)count * each;
  for (int turn = 0; turn < times; turn++) {
    for (int i = 0; i < count; i++) fds[i] = peer(poll, at);
    for (int j = 0; j < each; j++)
      for (int i = 0; i < count; i++) send_one(fds[i], turn);
    done += answers(poll, turn, all, 1);
  }
  if (done < times * all) done += answers(poll, -1, times * all - done, 0);
  printf("done %ld bytes %ld failed %ld ms %ld\n", done, done * DATAGRAM, times * all - done, now_ms() - began);
}
