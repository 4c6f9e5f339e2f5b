/*
 * libc/fat.c - files below /sd/: FatFs behind open(), read(), write() and the rest.
 *
 * FatFs knows no threads: one lock is held over each call of it. It parks its holder where the disk takes its time.
 */
#include <bareloom/disk.h>
#include <bareloom/file.h>
#include <bareloom/sync.h>
#include <errno.h>
#include <fcntl.h>
#include <ff.h>
#include <stdlib.h>
#include <string.h>

#define ROOT "/sd/"

/* guarded by lock */
static struct {
    struct mutex lock;
    bool mounted;
    FATFS volume;
} fat;

static int error(FRESULT r) {
    static const int of[] = {
        [FR_OK] = 0,
        [FR_DISK_ERR] = EIO,
        [FR_INT_ERR] = EIO,
        [FR_NOT_READY] = ENODEV,
        [FR_NO_FILE] = ENOENT,
        [FR_NO_PATH] = ENOENT,
        [FR_INVALID_NAME] = EINVAL,
        [FR_DENIED] = EACCES,
        [FR_EXIST] = EEXIST,
        [FR_INVALID_OBJECT] = EIO,
        [FR_WRITE_PROTECTED] = EROFS,
        [FR_INVALID_DRIVE] = ENODEV,
        [FR_NOT_ENABLED] = ENODEV,
        [FR_NO_FILESYSTEM] = ENXIO,
        [FR_MKFS_ABORTED] = EIO,
        [FR_TIMEOUT] = EIO,
        [FR_LOCKED] = EBUSY,
        [FR_NOT_ENOUGH_CORE] = ENOMEM,
        [FR_TOO_MANY_OPEN_FILES] = EMFILE,
        [FR_INVALID_PARAMETER] = EINVAL,
    };
    return -of[r];
}

/* Takes the lock. A disk that could not be mounted is tried again by the next call. */
static FRESULT begin(void) {
    mutex_lock(&fat.lock);
    FRESULT r = fat.mounted ? FR_OK : f_mount(&fat.volume, "", 1);
    if (r == FR_NOT_READY && (fat.volume.fs_type == 0)) {
        uint64_t n;
        r = disk_sectors(&n) == -ENODEV ? FR_NOT_READY : FR_DISK_ERR;
    }
    fat.mounted = r == FR_OK;
    return r;
}

static int end(FRESULT r) {
    mutex_unlock(&fat.lock);
    return error(r);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static BYTE mode(int flags) {
    BYTE m = (flags & O_ACCMODE) == O_RDONLY   ? FA_READ
             : (flags & O_ACCMODE) == O_WRONLY ? FA_WRITE
                                               : FA_READ | FA_WRITE;
    if ((flags & O_CREAT) != 0) {
        m |= (flags & O_EXCL) != 0    ? FA_CREATE_NEW
             : (flags & O_TRUNC) != 0 ? FA_CREATE_ALWAYS
                                      : FA_OPEN_ALWAYS;
    }
    return m;
}

/* What could not be written back is lost, but not the file's name: FatFs would keep it locked for ever. */
static FRESULT close_file(FIL *file) {
    FRESULT r = f_close(file);
    if (r != FR_OK) {
        file->flag = 0; /* there is nothing to write */
        (void)f_close(file);
    }
    return r;
}

static int fat_open(struct file *f, const char *rest) {
    FIL *file = malloc(sizeof *file);
    if (file == NULL) {
        return -ENOMEM;
    }
    FRESULT r = begin();
    if (r == FR_OK && (r = f_open(file, rest, mode(f->flags))) == FR_OK &&
        (f->flags & (O_TRUNC | O_CREAT)) == O_TRUNC && (r = f_truncate(file)) != FR_OK) {
        (void)close_file(file);
    }
    f->data = file;
    if (r != FR_OK) {
        free(file);
    }
    return end(r);
}

static int64_t fat_read(struct file *f, void *buffer, size_t n) {
    FIL *file = f->data;
    UINT done = 0;
    mutex_lock(&fat.lock);
    FRESULT r = FR_OK;
    if (f->at < (int64_t)f_size(file) && (r = f_lseek(file, (FSIZE_t)f->at)) == FR_OK) {
        r = f_read(file, buffer, (UINT)n, &done);
    }
    int status = end(r);
    return status != 0 ? status : (int64_t)done;
}

/* What lies between a file's end and where the next write begins reads as zeros. */
static FRESULT fill(FIL *file, FSIZE_t until) {
    static const uint8_t zeros[512];
    FRESULT r = f_lseek(file, f_size(file));
    while (r == FR_OK && f_tell(file) < until) {
        FSIZE_t gap = until - f_tell(file);
        UINT n = gap < sizeof zeros ? (UINT)gap : sizeof zeros, done;
        r = f_write(file, zeros, n, &done);
        if (r == FR_OK && done < n) {
            return FR_DENIED; /* full */
        }
    }
    return r;
}

static int64_t fat_write(struct file *f, const void *bytes, size_t n) {
    FIL *file = f->data;
    UINT done = 0;
    if (f->at > UINT32_MAX) {
        return -EFBIG;
    }
    mutex_lock(&fat.lock);
    FRESULT r =
        (FSIZE_t)f->at > f_size(file) ? fill(file, (FSIZE_t)f->at) : f_lseek(file, (FSIZE_t)f->at);
    bool full = r == FR_DENIED;
    if (r == FR_OK) {
        r = f_write(file, bytes, (UINT)n, &done);
        full = r == FR_OK && done == 0;
    }
    int status = end(r);
    return full ? -ENOSPC : status != 0 ? status : (int64_t)done;
}

static int64_t fat_size(struct file *f) {
    mutex_lock(&fat.lock);
    int64_t size = (int64_t)f_size((FIL *)f->data);
    mutex_unlock(&fat.lock);
    return size;
}

static int fat_sync(struct file *f) {
    mutex_lock(&fat.lock);
    return end(f_sync(f->data));
}

static int fat_close(struct file *f) {
    mutex_lock(&fat.lock);
    int status = end(close_file(f->data));
    free(f->data);
    return status;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int fat_unlink(const char *rest) {
    FRESULT r = begin();
    return end(r != FR_OK ? r : f_unlink(rest));
}

static int fat_rename(const char *from, const char *to) {
    FRESULT r = begin();
    if (r == FR_OK && (r = f_rename(from, to)) == FR_EXIST) {
        r = f_unlink(to);
        r = r != FR_OK ? r : f_rename(from, to);
    }
    return end(r);
}

static int fat_mkdir(const char *rest) {
    FRESULT r = begin();
    return end(r != FR_OK ? r : f_mkdir(rest));
}

static FRESULT list(DIR *folder, disk_list_fn *fn, void *arg) {
    FILINFO info;
    FRESULT r;
    while ((r = f_readdir(folder, &info)) == FR_OK && info.fname[0] != '\0') {
        const struct disk_entry entry = {info.fname, info.fsize, (info.fattrib & AM_DIR) != 0};
        fn(&entry, arg);
    }
    f_closedir(folder);
    return r;
}

int disk_list(const char *path, disk_list_fn *fn, void *arg) {
    size_t n = strlen(ROOT) - 1;
    if (strncmp(path, ROOT, n) != 0 || (path[n] != '/' && path[n] != '\0')) {
        return -ENOENT;
    }
    DIR folder;
    FRESULT r = begin();
    r = r != FR_OK ? r : f_opendir(&folder, path + n);
    return end(r != FR_OK ? r : list(&folder, fn, arg));
}

static const struct file_ops fat_ops = {
    .open = fat_open,
    .read = fat_read,
    .write = fat_write,
    .size = fat_size,
    .sync = fat_sync,
    .close = fat_close,
    .unlink = fat_unlink,
    .rename = fat_rename,
    .mkdir = fat_mkdir,
};

__attribute__((constructor)) static void fat_register(void) {
    file_register(ROOT, &fat_ops, NULL);
}
