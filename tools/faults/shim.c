/*
 * Fails chosen calls of the C library on files. Preloaded into a process (LD_PRELOAD), it counts the calls that concern paths under
 * the folders that the control page names, or memory of more than its least size, and makes those fail that the page chooses: with an
 * error, by doing only a part, or by killing or stopping the process. The page is a file that the driver writes and both map, so one
 * process can be told of one fault after another.
 *
 * Programs that a process starts are under the shim too, whatever environment they are given, and count as the role "child".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* In this order in control.mjs too. */
enum kind {
  OPEN, CREATE, READ, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MAKE, LINK, MAP, CLOSE, LIST, STATUS, TIMES, SPACE, ALLOCATE, KINDS
};
enum mode { NOTHING, FAIL, SHORT, KILL_BEFORE, KILL_AFTER, STOP };
enum { MAIN, CHILD, ROLES };
#define TRACED 65536

/* Little-endian 32-bit numbers first, whose places control.mjs knows. */
struct page {
  int32_t mode, role, space, first, repeat, error, kinds, least_bytes;
  int32_t fired, fired_kind;
  int32_t counts[ROLES][2]; /* calls on files, allocations */
  char fired_path[256];
  char folders[2048]; /* one a line */
  uint8_t trace[ROLES][TRACED];
};

static struct page *page;
static int role = MAIN;
static char page_path[512], library_path[512];
static uint8_t watched[1 << 16];

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("RADIN_FAULTS_PAGE");
  const char *library = getenv("RADIN_FAULTS_LIBRARY");
  if (path == NULL || library == NULL) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *mapped = (void *)syscall(SYS_mmap, NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (mapped == MAP_FAILED) return;
  snprintf(page_path, sizeof page_path, "RADIN_FAULTS_PAGE=%s", path);
  snprintf(library_path, sizeof library_path, "RADIN_FAULTS_LIBRARY=%s", library);
  if (getenv("RADIN_FAULTS_CHILD") != NULL) role = CHILD;
  __atomic_store_n(&page, mapped, __ATOMIC_RELEASE);
}

/* Programs run in a folder that counts. Files that processes share by their descriptors have no path of their own. */
static int is_watched(const char *path) {
  if (page == NULL || path == NULL) return 0;
  if (path[0] != '/') return 1;
  if (strncmp(path, "/proc/", 6) == 0 && strstr(path, "/fd/") != NULL) return 1;
  for (const char *folder = page->folders; *folder != '\0';) {
    const char *end = strchrnul(folder, '\n');
    if (strncmp(path, folder, end - folder) == 0) return 1;
    folder = *end == '\0' ? end : end + 1;
  }
  return 0;
}

/* Not what took the number of a file that the C library has closed by itself, such as a pipe of libuv, which ends the process if that fails. */
static int is_watched_fd(int fd) {
  struct stat status;
  if (fd < 0 || fd >= (int)sizeof watched || !watched[fd]) return 0;
  return syscall(SYS_fstat, fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static void watch(int fd, int yes) {
  if (fd >= 0 && fd < (int)sizeof watched) watched[fd] = yes;
}

static void signal_self(int number) { syscall(SYS_kill, (int)syscall(SYS_getpid), number); }

/* Counts a call. @returns what is to become of it; an error is in errno */
static enum mode enter(enum kind kind, const char *path) {
  int space = kind == ALLOCATE;
  int place = __atomic_fetch_add(&page->counts[role][space], 1, __ATOMIC_RELAXED);
  if (!space && place < TRACED) page->trace[role][place] = kind;
  if (page->mode == NOTHING || page->role != role || page->space != space) return NOTHING;
  if (place < page->first || !(page->kinds & (1 << kind))) return NOTHING;
  if (__atomic_fetch_add(&page->fired, 1, __ATOMIC_RELAXED) >= page->repeat) return NOTHING;
  page->fired_kind = kind;
  if (path != NULL) strncpy(page->fired_path, path, sizeof page->fired_path - 1);
  if (page->mode == KILL_BEFORE) signal_self(SIGKILL);
  if (page->mode == STOP) signal_self(SIGSTOP);
  errno = page->error;
  return page->mode;
}

static void leave(enum mode mode) {
  if (mode == KILL_AFTER) signal_self(SIGKILL);
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* `made` is the call itself, whose result is kept while a process killed after it ends. */
#define ON_PATH(kind, path, made) \
  if (!is_watched(path)) return made; \
  enum mode mode = enter(kind, path); \
  if (mode == FAIL) return -1; \
  __typeof__(made) result = made; \
  leave(mode); \
  return result

#define ON_DESCRIPTOR(kind, fd, made) \
  if (page == NULL || !is_watched_fd(fd)) return made; \
  enum mode mode = enter(kind, NULL); \
  if (mode == FAIL) return -1; \
  __typeof__(made) result = made; \
  leave(mode); \
  return result

#define OPENING(name, parameters, arguments) \
  int name parameters { \
    mode_t permissions = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list rest; \
      va_start(rest, flags); \
      permissions = va_arg(rest, mode_t); \
      va_end(rest); \
    } \
    REAL(name); \
    int yes = is_watched(path) || (page != NULL && (flags & O_TMPFILE) == O_TMPFILE); /* ours alone */ \
    enum mode mode = NOTHING; \
    if (yes) mode = enter(flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? CREATE : OPEN, path); \
    if (mode == FAIL) return -1; \
    int fd = real arguments; \
    watch(fd, yes); \
    leave(mode); \
    return fd; \
  }

OPENING(open, (const char *path, int flags, ...), (path, flags, permissions))
OPENING(open64, (const char *path, int flags, ...), (path, flags, permissions))
OPENING(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, permissions))
OPENING(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, permissions))

/* The descriptor is closed whatever close says, as Linux does. */
int close(int fd) {
  REAL(close);
  if (page == NULL || !is_watched_fd(fd)) return real(fd);
  watch(fd, 0);
  enum mode mode = enter(CLOSE, NULL);
  int error = errno;
  int result = real(fd);
  leave(mode);
  if (mode != FAIL) return result;
  errno = error;
  return -1;
}

#define TRANSFER(name, kind, parameters, arguments, shorter) \
  ssize_t name parameters { \
    REAL(name); \
    if (page == NULL || !is_watched_fd(fd)) return real arguments; \
    enum mode mode = enter(kind, NULL); \
    if (mode == FAIL) return -1; \
    if (mode == SHORT) shorter; \
    ssize_t result = real arguments; \
    leave(mode); \
    return result; \
  }
#define HALF if (bytes > 1) bytes /= 2
#define ONE if (parts > 1) parts = 1

TRANSFER(read, READ, (int fd, void *to, size_t bytes), (fd, to, bytes), HALF)
TRANSFER(pread, READ, (int fd, void *to, size_t bytes, off_t at), (fd, to, bytes, at), HALF)
TRANSFER(pread64, READ, (int fd, void *to, size_t bytes, off64_t at), (fd, to, bytes, at), HALF)
TRANSFER(readv, READ, (int fd, const struct iovec *to, int parts), (fd, to, parts), ONE)
TRANSFER(preadv, READ, (int fd, const struct iovec *to, int parts, off_t at), (fd, to, parts, at), ONE)
TRANSFER(preadv64, READ, (int fd, const struct iovec *to, int parts, off64_t at), (fd, to, parts, at), ONE)
TRANSFER(write, WRITE, (int fd, const void *from, size_t bytes), (fd, from, bytes), HALF)
TRANSFER(pwrite, WRITE, (int fd, const void *from, size_t bytes, off_t at), (fd, from, bytes, at), HALF)
TRANSFER(pwrite64, WRITE, (int fd, const void *from, size_t bytes, off64_t at), (fd, from, bytes, at), HALF)
TRANSFER(writev, WRITE, (int fd, const struct iovec *from, int parts), (fd, from, parts), ONE)
TRANSFER(pwritev, WRITE, (int fd, const struct iovec *from, int parts, off_t at), (fd, from, parts, at), ONE)
TRANSFER(pwritev64, WRITE, (int fd, const struct iovec *from, int parts, off64_t at), (fd, from, parts, at), ONE)

int fsync(int fd) { REAL(fsync); ON_DESCRIPTOR(SYNC, fd, real(fd)); }
int fdatasync(int fd) { REAL(fdatasync); ON_DESCRIPTOR(SYNC, fd, real(fd)); }
int ftruncate(int fd, off_t bytes) { REAL(ftruncate); ON_DESCRIPTOR(TRUNCATE, fd, real(fd, bytes)); }
int ftruncate64(int fd, off64_t bytes) { REAL(ftruncate64); ON_DESCRIPTOR(TRUNCATE, fd, real(fd, bytes)); }
int futimens(int fd, const struct timespec times[2]) { REAL(futimens); ON_DESCRIPTOR(TIMES, fd, real(fd, times)); }
int fstat(int fd, struct stat *to) { REAL(fstat); ON_DESCRIPTOR(STATUS, fd, real(fd, to)); }
int fstat64(int fd, struct stat64 *to) { REAL(fstat64); ON_DESCRIPTOR(STATUS, fd, real(fd, to)); }

int rename(const char *from, const char *to) { REAL(rename); ON_PATH(RENAME, to, real(from, to)); }
int unlink(const char *path) { REAL(unlink); ON_PATH(UNLINK, path, real(path)); }
int rmdir(const char *path) { REAL(rmdir); ON_PATH(UNLINK, path, real(path)); }
int mkdir(const char *path, mode_t permissions) { REAL(mkdir); ON_PATH(MAKE, path, real(path, permissions)); }
int link(const char *from, const char *to) { REAL(link); ON_PATH(LINK, to, real(from, to)); }
int symlink(const char *from, const char *to) { REAL(symlink); ON_PATH(LINK, to, real(from, to)); }
int access(const char *path, int how) { REAL(access); ON_PATH(STATUS, path, real(path, how)); }
int statfs(const char *path, struct statfs *to) { REAL(statfs); ON_PATH(SPACE, path, real(path, to)); }
int statfs64(const char *path, struct statfs64 *to) { REAL(statfs64); ON_PATH(SPACE, path, real(path, to)); }
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
  REAL(utimensat);
  ON_PATH(TIMES, path, real(folder, path, times, flags));
}
int scandir64(const char *path, struct dirent64 ***names, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  REAL(scandir64);
  ON_PATH(LIST, path, real(path, names, filter, compare));
}

#define GIVING_POINTER(kind, path, made, none) \
  if (!is_watched(path)) return made; \
  enum mode mode = enter(kind, path); \
  if (mode == FAIL) return none; \
  __typeof__(made) result = made; \
  leave(mode); \
  return result

char *mkdtemp(char *name) { REAL(mkdtemp); GIVING_POINTER(MAKE, name, real(name), NULL); }
char *realpath(const char *path, char *to) { REAL(realpath); GIVING_POINTER(STATUS, path, real(path, to), NULL); }
DIR *opendir(const char *path) { REAL(opendir); GIVING_POINTER(LIST, path, real(path), NULL); }
void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t from) {
  REAL(mmap64);
  if (page == NULL || !is_watched_fd(fd)) return real(at, bytes, protection, flags, fd, from);
  enum mode mode = enter(MAP, NULL);
  if (mode == FAIL) return MAP_FAILED;
  void *result = real(at, bytes, protection, flags, fd, from);
  leave(mode);
  return result;
}

/* libuv asks for a file's status, and copies files, by number. */
long syscall(long number, ...) {
  long given[6];
  va_list rest;
  va_start(rest, number);
  for (int at = 0; at < 6; at++) given[at] = va_arg(rest, long);
  va_end(rest);
  REAL(syscall);
  enum mode mode = NOTHING;
  if (page != NULL && number == SYS_statx) {
    const char *path = (const char *)given[1];
    if (path != NULL && path[0] != '\0' ? is_watched(path) : is_watched_fd((int)given[0])) mode = enter(STATUS, path);
  } else if (page != NULL && number == SYS_copy_file_range && is_watched_fd((int)given[2])) {
    mode = enter(WRITE, NULL);
  } else if (page != NULL && number == SYS_memfd_create) {
    mode = enter(CREATE, (const char *)given[0]);
  }
  if (mode == FAIL) return -1;
  long result = real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  leave(mode);
  return result;
}
int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict to) {
  REAL(statx);
  if (page == NULL || !(path[0] != '\0' ? is_watched(path) : is_watched_fd(folder)))
    return real(folder, path, flags, mask, to);
  enum mode mode = enter(STATUS, path);
  if (mode == FAIL) return -1;
  int result = real(folder, path, flags, mask, to);
  leave(mode);
  return result;
}

/* Memory of at least so many bytes: the C library's own names, since dlsym allocates. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int refuses(size_t bytes) {
  if (page == NULL || page->least_bytes == 0 || bytes < (size_t)page->least_bytes) return 0;
  return enter(ALLOCATE, NULL) == FAIL;
}
void *malloc(size_t bytes) { return refuses(bytes) ? NULL : __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return refuses(count * bytes) ? NULL : __libc_calloc(count, bytes); }
void *realloc(void *old, size_t bytes) { return refuses(bytes) ? NULL : __libc_realloc(old, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) {
  return refuses(bytes) ? NULL : __libc_memalign(alignment, bytes);
}
int posix_memalign(void **to, size_t alignment, size_t bytes) {
  if (refuses(bytes)) return ENOMEM;
  *to = __libc_memalign(alignment, bytes);
  return *to == NULL ? ENOMEM : 0;
}

/* Programs keep the environment that they are given, and the shim. Runs between fork and exec: no memory is allocated. */
static char *environment[4096];
static char preload[600];

static char *const *with_shim(char *const given[]) {
  if (page == NULL) return given;
  int count = 0;
  for (; given[count] != NULL && count < 4090; count++) environment[count] = given[count];
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", strchr(library_path, '=') + 1);
  char *const own[] = {preload, page_path, library_path, "RADIN_FAULTS_CHILD=1", NULL};
  for (int at = 0; at < 5; at++) environment[count + at] = own[at];
  return environment;
}

extern char **environ;
int execvp(const char *file, char *const arguments[]) {
  static int (*real)(const char *, char *const[], char *const[]);
  if (real == NULL) real = (int (*)(const char *, char *const[], char *const[]))dlsym(RTLD_NEXT, "execvpe");
  return real(file, arguments, (char **)with_shim(environ));
}
