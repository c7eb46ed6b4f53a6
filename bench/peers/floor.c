/*
 * The least that a server does for a request: its system calls, and no more thought
 * than finding the end of a head. No limits, no deadlines, no errors told; nobody
 * should serve with it.
 *
 *     floor epoll PORT SITE   recv, send; or recv, open, fstat, sendfile, close
 *     floor fork PORT SITE    accept, fork, and the child does that until its client leaves
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO "Hello, world!\n"
#define FDS_MAX 60000

struct connection {
  int file;
  off_t at, size;
  int pending, last;
};

static struct connection connections[FDS_MAX];
static const char *site;
static char answer[512], last_answer[512];
static size_t answer_length, last_answer_length;

static void end(int fd) {
  if (connections[fd].file > 0) close(connections[fd].file);
  memset(&connections[fd], 0, sizeof connections[fd]);
  close(fd);
}

/* 0: the socket is full, and the rest is sent when there is room. */
static int send_file(int fd) {
  struct connection *c = &connections[fd];
  while (c->at < c->size) {
    ssize_t sent = sendfile(fd, c->file, &c->at, c->size - c->at);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
  }
  close(c->file);
  c->file = 0;
  return 1;
}

static int answer_file(int fd, const char *path, size_t length) {
  char name[512];
  struct stat found;
  struct connection *c = &connections[fd];
  snprintf(name, sizeof name, "%s%.*s", site, (int)length, path);
  c->file = open(name, O_RDONLY | O_CLOEXEC);
  if (c->file < 0 || fstat(c->file, &found) < 0) return -1;
  char head[256];
  int head_length = snprintf(head, sizeof head,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %lld\r\n\r\n",
                             (long long)found.st_size);
  c->at = 0;
  c->size = found.st_size;
  if (send(fd, head, head_length, MSG_MORE | MSG_NOSIGNAL) < 0) return -1;
  return send_file(fd);
}

/* Less than 0: the connection is to be ended. */
static int serve(int fd) {
  static char buffer[65536];
  ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return got < 0 && errno == EAGAIN ? 0 : -1;
  int requests = 0;
  for (char *at = buffer; (at = memmem(at, buffer + got - at, "\r\n\r\n", 4)) != NULL; at += 4) requests++;
  if (requests == 0) return 0;
  connections[fd].last = memmem(buffer, got, "Connection: close", 17) != NULL;
  if (memcmp(buffer, "GET /hello", 10) != 0) {
    char *path = buffer + 4;
    int told = answer_file(fd, path, strcspn(path, " ?"));
    if (told == 0) connections[fd].pending = 1;
    return told < 0 ? -1 : 0;
  }
  if (connections[fd].last) {
    send(fd, last_answer, last_answer_length, MSG_NOSIGNAL);
    return -1;
  }
  static char answers[512 * 64];
  if (requests > 64) return -1;
  for (int i = 0; i < requests; i++) memcpy(answers + i * answer_length, answer, answer_length);
  if (send(fd, answers, requests * answer_length, MSG_NOSIGNAL) < 0) return -1;
  return 0;
}

static void by_epoll(int listener) {
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int one = 1;
        for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
          if (client >= FDS_MAX) {
            close(client);
            continue;
          }
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = client};
          epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
        }
        continue;
      }
      if (connections[fd].pending) {
        int told = send_file(fd);
        if (told == 0) continue;
        connections[fd].pending = 0;
        if (told < 0) {
          end(fd);
          continue;
        }
      }
      if ((events[i].events & EPOLLIN) && serve(fd) < 0) end(fd);
    }
  }
}

static void by_fork(int listener) {
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    if (fork() == 0) {
      close(listener);
      while (serve(client) == 0) {
      }
      _exit(0);
    }
    close(client);
  }
}

static size_t answer_with(char *into, size_t size, const char *field) {
  return snprintf(into, size, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n%s",
                  strlen(HELLO), field, HELLO);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  site = argv[3];
  answer_length = answer_with(answer, sizeof answer, "");
  last_answer_length = answer_with(last_answer, sizeof last_answer, "Connection: close\r\n");
  int is_fork = strcmp(argv[1], "fork") == 0, one = 1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (is_fork ? 0 : SOCK_NONBLOCK), 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) return 1;
  signal(SIGPIPE, SIG_IGN);
  if (is_fork) by_fork(listener);
  by_epoll(listener);
}
