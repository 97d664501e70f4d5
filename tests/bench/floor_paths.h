/*
 * The floor's data paths: how bytes get from a file into a socket. Included by floor.c alone.
 *
 * Their rule: each makes the same system calls, with the same sizes, as the file of its name under servers/modes/.
 * Each sends `count` bytes from the start of `file`, and says whether it could.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 << 10, PIPE_BYTES = 1 << 20, WINDOW_BYTES = 16 << 20 };

static bool send_all(int sock, const char *data, size_t count) {
    while (count) {
        ssize_t n = send(sock, data, count, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        data += n;
        count -= (size_t)n;
    }
    return true;
}

static size_t at_most(off_t left, size_t most) {
    return left < (off_t)most ? (size_t)left : most;
}

static bool send_by_sendfile(int sock, int file, off_t count, char *buffer) {
    (void)buffer;
    off_t offset = 0;
    while (offset < count) /* one call moves at most 0x7ffff000 bytes, sendfile(2) */
        if (sendfile(sock, file, &offset, (size_t)(count - offset)) <= 0)
            return false;
    return true;
}

static bool send_by_reading(int sock, int file, off_t count, char *buffer) {
    off_t offset = 0;
    while (offset < count) {
        ssize_t got = pread(file, buffer, at_most(count - offset, BUFFER_BYTES), offset);
        if (got <= 0 || !send_all(sock, buffer, (size_t)got))
            return false;
        offset += got;
    }
    return true;
}

static bool splice_through(int sock, int file, off_t count, const int *ends, size_t size) {
    off_t offset = 0;
    while (offset < count) {
        ssize_t filled = splice(file, &offset, ends[1], NULL, at_most(count - offset, size), 0);
        if (filled <= 0)
            return false;
        while (filled) { /* drained before it is filled again */
            ssize_t n = splice(ends[0], NULL, sock, NULL, (size_t)filled, offset < count ? SPLICE_F_MORE : 0);
            if (n <= 0)
                return false;
            filled -= n;
        }
    }
    return true;
}

static bool send_by_splicing(int sock, int file, off_t count, char *buffer) {
    (void)buffer;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    int size = fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    if (size < 0) /* EPERM past the user's share of pipe pages, pipe(7): smaller pieces then */
        size = fcntl(ends[1], F_GETPIPE_SZ);
    bool done = size > 0 && splice_through(sock, file, count, ends, (size_t)size);
    close(ends[0]);
    close(ends[1]);
    return done;
}

static bool send_by_mapping(int sock, int file, off_t count, char *buffer) {
    (void)buffer;
    for (off_t offset = 0; offset < count; offset += WINDOW_BYTES) {
        size_t size = at_most(count - offset, WINDOW_BYTES);
        char *area = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, offset);
        if (area == MAP_FAILED)
            return false;
        bool sent = send_all(sock, area, size);
        munmap(area, size);
        if (!sent)
            return false;
    }
    return true;
}

struct path {
    const char *name;
    bool (*send)(int sock, int file, off_t count, char *buffer); /* buffer: BUFFER_BYTES, page-aligned, to use freely */
};

static const struct path paths[] = {
    {"sendfile", send_by_sendfile},
    {"splice", send_by_splicing},
    {"read-send", send_by_reading},
    {"mmap-send", send_by_mapping},
};

static const struct path *find_path(const char *name) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(paths[i].name, name) == 0)
            return &paths[i];
    return NULL;
}
