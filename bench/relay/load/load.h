/* What all parts of load share. */
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

enum { MOST = 65536, EVENTS = 256, PIECE = 262144 };

extern char piece[PIECE];

/* What is known of a descriptor. */
enum is { NONE, LISTENER, UDP, ASKED, SENDING, ECHOING, GREETED, CONNECTING, READING, PEER };
extern struct state {
  enum is is;
  /* When its last message went: what now_ms or now_ns said. */
  long sent_at;
} states[MOST];

/* An IPv4 or IPv6 address with a port. */
struct place {
  struct sockaddr_storage at;
  socklen_t length;
};

long now_ms(void);
long now_ns(void);
/* Ends the program, with what errno says, unless it is so. */
void must(int ok, const char *what);
void watch(int poll, int fd, unsigned events, enum is is);
struct place place(const char *host, int port);
/* A blocking connection that sends what it is given at once. */
int connected(struct place to);

/* The SOCKS5 proxy's answer to a command (RFC 1928, section 4) that names 127.0.0.1:PORT: the port that it names. */
enum { CONNECT = 1, ASSOCIATE = 3 };
int asked(int fd, int command, int port);

void target(int poll, const char *host, int tcp_port, int udp_port);

void clients(int poll, int port, int to, int count, long limit, char word);
void readers(int poll, struct place at, int count, long limit);
/* `to`: the port behind a SOCKS5 proxy at `at`, or 0. */
void talkers(int poll, struct place at, int to, int count, long limit);
void idle(struct place at, int count);

void echo(int poll, struct place at, int to, int count, long limit);
void burst(int poll, struct place at, int count, int each, int times);
