/*
 * <bareloom/disk.h> - the board's disk, and the files on it: the SD card of a Raspberry Pi, on virt a virtio disk.
 *
 * An application asks for both by APP_DISK := 1 in its app.mk. Its files are those below "/sd/", by fopen(), open(),
 * remove(), rename(), mkdir() and fsync(): a FAT12, FAT16 or FAT32 file system in the first partition, or on the
 * whole disk. Names are UTF-8, up to 255 letters, and without case for ASCII and Latin-1. There is no clock for dates: all
 * files are of the same day. What has been written is on the disk after fsync() or close() that said 0, not before: a board
 * that is switched off between may lose it, and a file that grew keeps its old size. A close() that failed has lost what
 * was not yet there; the file is closed all the same.
 *
 * Everything that is about the disk takes its turn behind one lock, and parks its G until the interrupt. errno is
 * ENODEV: no disk in this machine; EIO: it failed, three times in a row; ENXIO: no FAT on it; ENOSPC: full; EBUSY: open
 * elsewhere, and one of both for writing. rename() onto a name that is there first removes what has it, a file or an empty
 * folder: a board that is switched off between has it under its old name alone. Machine images only: on the host files
 * are the host's.
 */
#pragma once

#include <bareloom/base.h>

#define DISK_SECTOR_BYTES 512u

/* How many sectors it has. 0, -ENODEV, -EIO; -ENOMEM: no memory for its buffers. From a G; blocks. */
int disk_sectors(uint64_t *n);

/* n sectors from this one on, n * DISK_SECTOR_BYTES at buffer. The same; -EINVAL: beyond its end; -EBUSY: the program
 * has attached the disk's line itself. Whoever writes sectors below open files destroys them. From a G; blocks. */
int disk_read_sectors(uint64_t sector, void *buffer, size_t n);
int disk_write_sectors(uint64_t sector, const void *bytes, size_t n);

/* One name in a folder. */
struct disk_entry {
    const char *name; /* until the function returns */
    uint64_t size;
    bool folder;
};

/* Calls fn(entry, arg) for each name in the folder path, "/sd/" or "/sd/logs"; fn must not use files below "/sd/". 0 or
 * -errno. From a G; blocks. */
typedef void disk_list_fn(const struct disk_entry *entry, void *arg);
int disk_list(const char *path, disk_list_fn *fn, void *arg);
