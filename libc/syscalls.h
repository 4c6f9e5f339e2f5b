/* libc/syscalls.h - what newlib calls the system by; its own headers declare these only to
 * itself. */
#pragma once

#include <stddef.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/types.h>

/* file.c */
int _open(const char *path, int flags, int mode);
int _close(int fd);
ssize_t _read(int fd, void *buffer, size_t n);
ssize_t _write(int fd, const void *bytes, size_t n);
off_t _lseek(int fd, off_t offset, int whence);
int _fstat(int fd, struct stat *st);
int _stat(const char *path, struct stat *st);
int _isatty(int fd);
int _unlink(const char *path);
int _link(const char *from, const char *to);

/* sys.c */
void *_sbrk(ptrdiff_t n);
int _gettimeofday(struct timeval *tv, void *zone);
clock_t _times(struct tms *t);
int _getpid(void);
int _kill(int pid, int sig);
void _init(void);
void _fini(void);
