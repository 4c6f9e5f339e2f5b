/* libc/fat/ffconf.h - our settings of FatFs R0.14a (tools/fatfs.sh); its documentation says what each means. */
#define FFCONF_DEF 80196 /* the release that these are for */

#define FF_FS_READONLY  0
#define FF_FS_MINIMIZE  0
#define FF_USE_FIND     0
#define FF_USE_MKFS     0
#define FF_USE_FASTSEEK 0
#define FF_USE_EXPAND   0
#define FF_USE_CHMOD    0
#define FF_USE_LABEL    0
#define FF_USE_FORWARD  0
#define FF_USE_STRFUNC  0
#define FF_PRINT_LLI    0
#define FF_PRINT_FLOAT  0
#define FF_STRF_ENCODE  3

/* Long names in UTF-8; the short ones beside them are ASCII, since libc/fat_port.c knows no code page. */
#define FF_CODE_PAGE   437
#define FF_USE_LFN     2
#define FF_MAX_LFN     255
#define FF_LFN_UNICODE 2
#define FF_LFN_BUF     255
#define FF_SFN_BUF     12
#define FF_FS_RPATH    0

/* One volume: the first partition, or the whole disk. */
#define FF_VOLUMES         1
#define FF_STR_VOLUME_ID   0
#define FF_MULTI_PARTITION 0
#define FF_MIN_SS          512
#define FF_MAX_SS          512
#define FF_LBA64           0
#define FF_MIN_GPT         0x10000000
#define FF_USE_TRIM        0

#define FF_FS_TINY      0
#define FF_FS_EXFAT     0
#define FF_FS_NORTC     1 /* no clock: every file is of this day */
#define FF_NORTC_MON    1
#define FF_NORTC_MDAY   1
#define FF_NORTC_YEAR   2026
#define FF_FS_NOFSINFO  0
#define FF_FS_LOCK      64 /* files open at once, as many as descriptors */
#define FF_FS_REENTRANT 0  /* libc/fat.c has a lock */
