/*
 * floor: the least that serving and downloading a file can cost in C, to hold our servers and clients against.
 *
 *   floor serve sendfile|splice|read-send|mmap-send PORT FILE [--lifeline-stdin]
 *       Serves FILE to every GET on 127.0.0.1:PORT (0: any free port), a thread per connection, keep-alive.
 *       Prints "ready floor-sendfile PORT" and ends on SIGTERM; with --lifeline-stdin also when stdin ends.
 *
 *   floor load HOST PORT PATH CONNECTIONS SECONDS
 *       Downloads PATH over and over, a thread per connection, and lets the kernel discard the bytes (MSG_TRUNC,
 *       tcp(7)). Prints one line of JSON. Exit code 1 and a message on a wrong status or a short body.
 *
 * Its rule: the same system calls as the servers under servers/ and nothing else, so that what they cost beyond this
 * is Python. It is not a web server: it answers any head with the file, and trusts its client.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "floor_paths.h"

enum { HEAD_BYTES = 16 << 10, DISCARD_BYTES = 1 << 30, MAX_CONNECTIONS = 4096 };

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr); /* for good: of two threads that fail, one says why */
    fputs("floor: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static long number(const char *text, const char *what, long least, long most) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || *text == '\0' || *end || value < least || value > most)
        fail("%s %s: give a number from %ld to %ld", what, text, least, most);
    return value;
}

/* Receives until the head's empty line; the bytes received (some may lie behind it), 0 at the end, -1 on an error. */
static ssize_t receive_head(int sock, char *head, char **after) {
    size_t got = 0;
    while (got < HEAD_BYTES - 1) {
        ssize_t n = recv(sock, head + got, HEAD_BYTES - 1 - got, 0);
        if (n <= 0)
            return n;
        got += (size_t)n;
        head[got] = '\0';
        char *end = strstr(head, "\r\n\r\n");
        if (end) {
            *after = end + 4;
            return (ssize_t)got;
        }
    }
    errno = EMSGSIZE;
    return -1;
}

/* ------------------------------------------------------------------------------------------------------- serve -- */

static const char *served_path;
static const struct path *served_by;

static bool answer(int sock, char *buffer) {
    int file = open(served_path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (file < 0 || fstat(file, &facts)) {
        fprintf(stderr, "floor: cannot open %s: %s\n", served_path, strerror(errno));
        if (file >= 0)
            close(file);
        return false;
    }
    char head[128];
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)facts.st_size);
    int on = 1, off = 0; /* as in servers/http/answers.py: full packets until the answer ends */
    bool done = setsockopt(sock, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0 &&
                send_all(sock, head, (size_t)length) && served_by->send(sock, file, facts.st_size, buffer) &&
                setsockopt(sock, IPPROTO_TCP, TCP_CORK, &off, sizeof off) == 0;
    close(file);
    return done;
}

static void *serve_connection(void *argument) {
    int sock = (int)(intptr_t)argument;
    char *head = malloc(HEAD_BYTES);
    /* An anonymous mapping starts on a page boundary; where malloc puts a large buffer, reading costs more than twice
     * as much on some CPUs (glibc bug 30994). */
    char *buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (head && buffer != MAP_FAILED) {
        char *after;
        /* One request at a time: a client that pipelines is not answered twice. */
        while (receive_head(sock, head, &after) > 0 && strncmp(head, "GET ", 4) == 0 && answer(sock, buffer))
            ;
    }
    if (buffer != MAP_FAILED)
        munmap(buffer, BUFFER_BYTES);
    free(head);
    close(sock);
    return NULL;
}

static int listen_on(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
        bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
        fail("cannot listen on 127.0.0.1 port %u: %s", port, strerror(errno));
    /* BBR would pace; reno where an unprivileged user may not choose cubic. Inherited by accepted sockets. */
    if (setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) &&
        setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "reno", 4))
        fail("neither cubic nor reno is permitted: %s", strerror(errno));
    return listener;
}

static int serve(const char *mode, long port, const char *path, bool lifeline) {
    served_by = find_path(mode);
    if (!served_by)
        fail("there is no mode %s: the modes are sendfile, splice, read-send and mmap-send", mode);
    served_path = path;
    if (access(path, R_OK))
        fail("cannot serve %s: %s", path, strerror(errno));
    int listener = listen_on((uint16_t)port);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &size))
        fail("getsockname: %s", strerror(errno));
    signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL. SIGTERM keeps its default: the process ends. */
    char congestion[16] = "";
    socklen_t length = sizeof congestion;
    getsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, congestion, &length);
    printf("ready floor-%s %u %.16s\n", mode, ntohs(address.sin_port), congestion);
    fflush(stdout);
    struct pollfd waits[2] = {{.fd = listener, .events = POLLIN}, {.fd = lifeline ? 0 : -1, .events = POLLIN}};
    for (;;) {
        if (poll(waits, 2, -1) < 0)
            fail("poll: %s", strerror(errno));
        char ignored[64];
        if (waits[1].revents && read(0, ignored, sizeof ignored) <= 0)
            return 0; /* whoever started us has gone */
        if (!waits[0].revents)
            continue;
        int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (sock < 0)
            fail("accept: %s", strerror(errno));
        if (pthread_create(&thread, NULL, serve_connection, (void *)(intptr_t)sock))
            fail("no thread to be had for a connection");
        pthread_detach(thread);
    }
}

/* -------------------------------------------------------------------------------------------------------- load -- */

static struct sockaddr_storage target;
static socklen_t target_size;
static char request[HEAD_BYTES];
static atomic_bool stopping;
static atomic_llong received_bytes, downloads;

struct connection {
    pthread_t thread;
    int sock;
};

/* The body's length, of which `early` bytes came with the head. Ends the program when this is no 200 with a length. */
static long long read_response_head(int sock, long long *early) {
    char head[HEAD_BYTES], *body = head;
    ssize_t got = receive_head(sock, head, &body);
    if (got <= 0 && stopping)
        return -1;
    if (got <= 0)
        fail("no response head: %s", got ? strerror(errno) : "the server closed the connection");
    *early = got - (body - head);
    int status = 0;
    if (sscanf(head, "HTTP/1.1 %d", &status) != 1 || status != 200)
        fail("status %d instead of 200: %.*s", status, (int)strcspn(head, "\r\n"), head);
    char *field = strcasestr(head, "\r\ncontent-length:");
    if (!field || field > body)
        fail("the response has no Content-Length");
    return atoll(field + strlen("\r\ncontent-length:"));
}

/* Downloads once; false when the end of the test cut it short. */
static bool download(int sock) {
    if (!send_all(sock, request, strlen(request))) {
        if (stopping)
            return false;
        fail("cannot send a request: %s", strerror(errno));
    }
    long long early = 0, left = read_response_head(sock, &early);
    if (left < 0)
        return false;
    for (left -= early, received_bytes += early; left > 0;) {
        /* MSG_TRUNC on a stream: the kernel drops the bytes without touching the buffer. */
        ssize_t n = recv(sock, NULL, left < DISCARD_BYTES ? (size_t)left : DISCARD_BYTES, MSG_TRUNC);
        if (n <= 0 && stopping)
            return false;
        if (n <= 0)
            fail("short body, %lld bytes are missing: %s", left, n ? strerror(errno) : "the server closed");
        received_bytes += n;
        left -= n;
    }
    downloads++;
    return true;
}

static void *load_connection(void *argument) {
    const struct connection *mine = argument;
    while (!stopping && download(mine->sock))
        ;
    return NULL;
}

static int connect_to_target(void) {
    int sock = socket(target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || connect(sock, (struct sockaddr *)&target, target_size))
        fail("cannot connect: %s", strerror(errno));
    return sock;
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void resolve(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error)
        fail("%s port %s: %s", host, port, gai_strerror(error));
    memcpy(&target, found->ai_addr, found->ai_addrlen);
    target_size = found->ai_addrlen;
    freeaddrinfo(found);
}

static int load(const char *host, const char *port, const char *path, long connections, long wanted_ms) {
    static struct connection all[MAX_CONNECTIONS];
    resolve(host, port);
    if (snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", path, host, port) >= HEAD_BYTES)
        fail("the path is too long");
    for (long i = 0; i < connections; i++)
        all[i].sock = connect_to_target();
    double started_s = now_s();
    for (long i = 0; i < connections; i++)
        if (pthread_create(&all[i].thread, NULL, load_connection, &all[i]))
            fail("no thread to be had for connection %ld", i);
    struct timespec window = {.tv_sec = wanted_ms / 1000, .tv_nsec = wanted_ms % 1000 * 1000000};
    nanosleep(&window, NULL);
    stopping = true;
    for (long i = 0; i < connections; i++)
        shutdown(all[i].sock, SHUT_RDWR); /* wakes the thread from recv() */
    for (long i = 0; i < connections; i++)
        pthread_join(all[i].thread, NULL);
    double wall_s = now_s() - started_s;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"received_bytes\": %lld, \"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f, "
           "\"voluntary_switches\": %ld, \"involuntary_switches\": %ld, \"downloads\": %lld}\n",
           (long long)received_bytes, wall_s, seconds(used.ru_utime), seconds(used.ru_stime), used.ru_nvcsw,
           used.ru_nivcsw, (long long)downloads);
    return 0;
}

int main(int count, char **arguments) {
    if ((count == 5 || count == 6) && strcmp(arguments[1], "serve") == 0) {
        bool lifeline = count == 6 && strcmp(arguments[5], "--lifeline-stdin") == 0;
        if (count == 5 || lifeline)
            return serve(arguments[2], number(arguments[3], "PORT", 0, 65535), arguments[4], lifeline);
    }
    if (count == 7 && strcmp(arguments[1], "load") == 0) {
        char *end;
        double window_s = strtod(arguments[6], &end);
        if (*end || !(window_s > 0 && window_s < 1e6))
            fail("SECONDS %s: give a number above 0", arguments[6]);
        number(arguments[3], "PORT", 1, 65535);
        return load(arguments[2], arguments[3], arguments[4],
                    number(arguments[5], "CONNECTIONS", 1, MAX_CONNECTIONS), (long)(window_s * 1000));
    }
    fputs("usage: floor serve sendfile|splice|read-send|mmap-send PORT FILE [--lifeline-stdin]\n"
          "       floor load HOST PORT PATH CONNECTIONS SECONDS\n",
          stderr);
    return 2;
}
