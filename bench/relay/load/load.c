/* load - both sides of a relay, for measuring it: what asks, and what answers.
 *
 *   load target HOST TCP UDP           TCP: sends without end after a 'b', one word and a FIN after a 'q', and after an
 *                                      'e' all that comes; otherwise waits; UDP: sends back
 *   load read HOST PORT N MS           N connections that ask with 'b' and read
 *   load talk HOST PORT N MS           N connections with one message of 64 B on its way each, which comes back
 *   load idle HOST PORT N              N connections that say nothing; prints "idle N", then waits
 *   load echo HOST PORT N MS           N peers with one datagram of 200 B on its way each; one that is not back within
 *                                      200 ms has failed
 *   load burst HOST PORT N EACH TIMES  N new peers that send EACH datagrams of 200 B at once, TIMES times: each when
 *                                      the one before is back or nothing came for 200 ms; what never came has failed
 *
 * The same through the SOCKS5 proxy on 127.0.0.1:PORT, to 127.0.0.1:TO:
 *
 *   load socks-rate PORT TO N MS       N clients that connect, ask with 'q' and read to the end, again and again
 *   load socks-read PORT TO MS         one client that reads
 *   load socks-talk PORT TO N MS
 *   load socks-echo PORT TO N MS       each peer with an association of its own
 *
 * All but target and idle print what was done, how many bytes it was, what failed, and in how many ms; talk, also how
 * long half of the messages took at most, and 99 of 100, in µs. HOST is an address.
 */
#include "load.h"

char piece[PIECE];
struct state states[MOST];

long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

long now_ms(void) { return now_ns() / 1000000L; }

void must(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

void watch(int poll, int fd, unsigned events, enum is is) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  must(fd >= 0 && fd < MOST, "a socket");
  states[fd].is = is;
  if (epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) == 0) return;
  must(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

struct place place(const char *host, int port) {
  struct place to = {0};
  struct sockaddr_in *v4 = (void *)&to.at;
  struct sockaddr_in6 *v6 = (void *)&to.at;
  int is_v6 = strchr(host, ':') != NULL;
  errno = EINVAL;
  must(inet_pton(is_v6 ? AF_INET6 : AF_INET, host, is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr) == 1, host);
  to.at.ss_family = is_v6 ? AF_INET6 : AF_INET;
  to.length = is_v6 ? sizeof *v6 : sizeof *v4;
  *(is_v6 ? &v6->sin6_port : &v4->sin_port) = htons(port);
  return to;
}

int connected(struct place to) {
  int one = 1, fd = socket(to.at.ss_family, SOCK_STREAM, 0);
  must(fd >= 0, "socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  must(connect(fd, (void *)&to.at, to.length) == 0, "connect");
  return fd;
}

int asked(int fd, int command, int port) {
  unsigned char request[10] = {5, command, 0, 1, 127, 0, 0, 1, port >> 8, port & 255}, answer[10];
  must(write(fd, "\5\1\0", 3) == 3 && recv(fd, answer, 2, MSG_WAITALL) == 2 && answer[1] == 0, "the proxy's greeting");
  must(write(fd, request, 10) == 10 && recv(fd, answer, 10, MSG_WAITALL) == 10 && answer[1] == 0, "the proxy's answer");
  return answer[8] << 8 | answer[9];
}

int main(int argc, char **argv) {
  int n[7] = {0}, poll = epoll_create1(0);
  const char *what = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc && i < 7; i++) n[i] = atoi(argv[i]);
  must(poll >= 0, "epoll_create1");
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(what, "socks-rate") == 0) clients(poll, n[2], n[3], n[4], n[5], 'q');
  else if (strcmp(what, "socks-read") == 0) clients(poll, n[2], n[3], 1, n[4], 'b');
  else if (strcmp(what, "socks-talk") == 0) talkers(poll, place("127.0.0.1", n[2]), n[3], n[4], n[5]);
  else if (strcmp(what, "socks-echo") == 0) echo(poll, place("127.0.0.1", n[2]), n[3], n[4], n[5]);
  else if (argc < 5) return 2;
  else if (strcmp(what, "target") == 0) target(poll, argv[2], n[3], n[4]);
  else if (strcmp(what, "read") == 0) readers(poll, place(argv[2], n[3]), n[4], n[5]);
  else if (strcmp(what, "talk") == 0) talkers(poll, place(argv[2], n[3]), 0, n[4], n[5]);
  else if (strcmp(what, "idle") == 0) idle(place(argv[2], n[3]), n[4]);
  else if (strcmp(what, "echo") == 0) echo(poll, place(argv[2], n[3]), 0, n[4], n[5]);
  else if (strcmp(what, "burst") == 0) burst(poll, place(argv[2], n[3]), n[4], n[5], n[6]);
  else return 2;
  return 0;
}
