#!/usr/bin/env bash
# Brings FatFs, ChaN's FAT file system, which stays out of this repository: release R0.14a, as Debian has it in the
# source of its package swupdate.
#
#   tools/fatfs.sh          fetches it if it is not there, and prints its folder
#
# The source is taken from the pool of the Debian mirror that apt already uses, and only with the hashes below. Where
# apt knows no Debian mirror, put one of the tar files into .cache/ yourself. Its licence (BSD with one clause) is
# the head of each file. Its settings are ours: libc/fat/ffconf.h.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

# What Debian 12 and 13 have. The files in them are the same.
SOURCES='
swupdate_2022.12+dfsg.orig.tar.xz    94584c998f171d3c46c1e3d6a35737417a28983282d90b223b30ac3f88daeae8
swupdate_2024.12.1+dfsg.orig.tar.xz  1cc49ad1f0c15e0f70c9f04c201aea1b83a69fd9e5621e7602522b0dbe1a50b7
'
FILES='
ff.c  3ec267049ad7790776a82287decefbeea39ed2d197448cfd87277af7dfa77e79
ff.h  457c35806317ae79729cdfaff645ae760a3d89cfab992bd0955ac104b882dd13
'
FOLDER=.cache/fatfs

. tools/pool.sh

die() { printf '%s\n' "fatfs: $*" >&2; exit 1; }

here() {
    if [ -f "$FOLDER/ff.c" ]; then
        echo "$FOLDER"
        exit 0
    fi
}

here
pool_lock
here
tarball=$(pool_get main/s/swupdate "$SOURCES") ||
    die "Debian's source of swupdate could not be had: put $(echo $SOURCES | cut -d' ' -f1) from Debian's pool into .cache/"
new=$FOLDER.new
rm -rf "$new"
mkdir -p "$new"
tar -xf "$tarball" -C "$new" --strip-components=2 --wildcards '*/fs/ff.[ch]' '*/fs/diskio.h'
while read -r name hash; do
    [ -z "$name" ] || pool_good "$new/$name" "$hash" || die "$name in $tarball is not the release that is wanted"
done <<< "$FILES"
rm -rf "$FOLDER"
mv "$new" "$FOLDER"
rm -f "$tarball"
echo "$FOLDER"
