/* LD_PRELOAD library: logs, in their order, all changes that a program makes below POWERCUT_ROOT to POWERCUT_LOG.

   A record: one byte of operation, then lengths and an offset, then path and data (see simulate.py). The lock is held
   over the real call and its record, so that the log's order is the order in which things happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define DESCRIPTORS 4096
static char *paths[DESCRIPTORS];
static const char *root;
static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

#define REAL(name) static __typeof__(&name) real_##name; if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    root = getenv("POWERCUT_ROOT");
    const char *name = getenv("POWERCUT_LOG");
    REAL(open);
    if (root && name) log_fd = real_open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void put(const void *data, size_t size) {
    REAL(write);
    const char *at = data;
    while (size) {
        ssize_t done = real_write(log_fd, at, size);
        if (done < 0) { if (errno == EINTR) continue; abort(); }
        at += done; size -= (size_t)done;
    }
}

static void record(char what, const char *path, uint64_t offset, const void *data, size_t size) {
    uint32_t path_size = (uint32_t)strlen(path), data_size = (uint32_t)size;
    put(&what, 1); put(&path_size, 4); put(&data_size, 4); put(&offset, 8);
    put(path, path_size); put(data, size);
}

/* The absolute path if it lies below the root, else NULL; the caller frees it. */
static char *ours(const char *path) {
    char full[PATH_MAX];
    if (log_fd < 0 || !path) return NULL;
    if (path[0] == '/') {
        if (strlen(path) >= sizeof full) return NULL;
        strcpy(full, path);
    } else {
        if (!getcwd(full, sizeof full) || strlen(full) + strlen(path) + 2 > sizeof full) return NULL;
        strcat(full, "/"); strcat(full, path);
    }
    size_t length = strlen(root);
    return strncmp(full, root, length) == 0 && (full[length] == '/' || !full[length]) ? strdup(full) : NULL;
}

static const char *path_of(int fd) { return fd >= 0 && fd < DESCRIPTORS ? paths[fd] : NULL; }

static int opened(int fd, const char *path, int flags, int existed) {
    char *mine = fd >= 0 && fd < DESCRIPTORS ? ours(path) : NULL;
    if (mine) {
        free(paths[fd]);
        paths[fd] = mine;
        if ((flags & O_CREAT) && !existed) record('C', mine, 0, "", 0);
        else if ((flags & O_TRUNC) && (flags & (O_WRONLY | O_RDWR))) record('T', mine, 0, "", 0);
    }
    return fd;
}

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        REAL(name);                                                                 \
        mode_t mode = 0;                                                            \
        if (flags & O_CREAT) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); } \
        pthread_mutex_lock(&lock);                                                  \
        int existed = access(path, F_OK) == 0;                                      \
        int fd = opened(real_##name(path, flags, mode), path, flags, existed);      \
        int error = errno; pthread_mutex_unlock(&lock); errno = error;              \
        return fd;                                                                  \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                \
    int name(int at, const char *path, int flags, ...) {                            \
        REAL(name);                                                                 \
        mode_t mode = 0;                                                            \
        if (flags & O_CREAT) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); } \
        pthread_mutex_lock(&lock);                                                  \
        int existed = faccessat(at, path, F_OK, 0) == 0;                            \
        int fd = real_##name(at, path, flags, mode);                                \
        if (at == AT_FDCWD || path[0] == '/') opened(fd, path, flags, existed);     \
        int error = errno; pthread_mutex_unlock(&lock); errno = error;              \
        return fd;                                                                  \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    REAL(close);
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < DESCRIPTORS) { free(paths[fd]); paths[fd] = NULL; }
    int result = real_close(fd), error = errno;
    pthread_mutex_unlock(&lock); errno = error;
    return result;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (!path_of(fd)) return real_write(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = real_write(fd, data, size); int error = errno;
    if (done > 0) record('W', path_of(fd), (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), data, (size_t)done);
    pthread_mutex_unlock(&lock); errno = error;
    return done;
}

#define PWRITE(name, type)                                                          \
    ssize_t name(int fd, const void *data, size_t size, type offset) {              \
        REAL(name);                                                                 \
        pthread_mutex_lock(&lock);                                                  \
        ssize_t done = real_##name(fd, data, size, offset); int error = errno;      \
        if (done > 0 && path_of(fd)) record('W', path_of(fd), (uint64_t)offset, data, (size_t)done); \
        pthread_mutex_unlock(&lock); errno = error;                                 \
        return done;                                                                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, type)                                                        \
    int name(int fd, type size) {                                                   \
        REAL(name);                                                                 \
        pthread_mutex_lock(&lock);                                                  \
        int result = real_##name(fd, size), error = errno;                          \
        if (!result && path_of(fd)) record('T', path_of(fd), (uint64_t)size, "", 0);\
        pthread_mutex_unlock(&lock); errno = error;                                 \
        return result;                                                              \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                                  \
    int name(int fd) {                                                              \
        REAL(name);                                                                 \
        pthread_mutex_lock(&lock);                                                  \
        int result = real_##name(fd), error = errno;                                \
        if (!result && path_of(fd)) record('S', path_of(fd), 0, "", 0);             \
        pthread_mutex_unlock(&lock); errno = error;                                 \
        return result;                                                              \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(rename);
    pthread_mutex_lock(&lock);
    char *source = ours(from), *target = ours(to);
    int result = real_rename(from, to), error = errno;
    if (!result && source && target) record('R', source, 0, target, strlen(target));
    free(source); free(target);
    pthread_mutex_unlock(&lock); errno = error;
    return result;
}

int unlink(const char *path) {
    REAL(unlink);
    pthread_mutex_lock(&lock);
    char *mine = ours(path);
    int result = real_unlink(path), error = errno;
    if (!result && mine) record('U', mine, 0, "", 0);
    free(mine);
    pthread_mutex_unlock(&lock); errno = error;
    return result;
}
