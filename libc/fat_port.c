/* libc/fat_port.c - what FatFs asks of its system: sectors, and letters. */
#include <bareloom/disk.h>
#include <errno.h>
#include <ff.h>

#include <diskio.h>

DSTATUS disk_initialize(BYTE drive) {
    (void)drive;
    uint64_t n;
    int status = disk_sectors(&n);
    return status == 0 ? 0 : status == -ENODEV ? STA_NOINIT | STA_NODISK : STA_NOINIT;
}

DSTATUS disk_status(BYTE drive) {
    (void)drive;
    return 0;
}

static DRESULT result(int status) {
    return status == 0 ? RES_OK : status == -EINVAL ? RES_PARERR : RES_ERROR;
}

DRESULT disk_read(BYTE drive, BYTE *buffer, LBA_t sector, UINT n) {
    (void)drive;
    return result(disk_read_sectors(sector, buffer, n));
}

DRESULT disk_write(BYTE drive, const BYTE *bytes, LBA_t sector, UINT n) {
    (void)drive;
    return result(disk_write_sectors(sector, bytes, n));
}

DRESULT disk_ioctl(BYTE drive, BYTE what, void *argument) {
    (void)drive;
    (void)argument;
    return what == CTRL_SYNC ? RES_OK : RES_PARERR; /* a sector that is written is on the disk */
}

/* ---- letters --------------------------------------------------------------------------------- */

/* The code page that short names are in: ASCII. 0: it has no such letter, and the name gets a long one. */
WCHAR ff_uni2oem(DWORD letter, WORD page) {
    (void)page;
    return letter < 0x80 ? (WCHAR)letter : 0;
}

WCHAR ff_oem2uni(WCHAR letter, WORD page) {
    (void)page;
    return letter < 0x80 ? letter : 0;
}

DWORD ff_wtoupper(DWORD letter) {
    bool ascii = letter >= 'a' && letter <= 'z';
    bool latin = letter >= 0xe0 && letter <= 0xfe &&
                 letter != 0xf7; /* a with grave accent to thorn, no division sign */
    return ascii || latin ? letter - 0x20 : letter;
}
