#!/usr/bin/env bash
# Builds newlib for bare-metal AArch64 from Debian's newlib-source package, once.
#
#   tools/newlib.sh            build it if it is not in the cache, print its prefix
#   tools/newlib.sh --prefix   print the prefix only (its sysroot part: PREFIX/aarch64-none-elf)
#
# The cache is .cache/newlib/KEY in the repository; KEY is a hash of newlib's version, of the flags
# below and of the compiler's version, so a change of any of them builds anew beside the old one.
# One build serves all boards and both compilers: A53 code runs on the A72, and clang links it too.
#
# Flags that are a contract with libc/ (all must match what libc/ and every application use):
#   -D__DYNAMIC_REENT__       _REENT is __getreent(), which libc/ defines: one reent per green thread
#   multithread, retargetable-locking   every lock goes through __retarget_lock_*, defined by libc/
#   reent-check-verify        a failed allocation of a reent's parts is reported, not dereferenced
#   global-stdio-streams      3.3 alone: stdin, stdout and stderr shared by all; 4.x has only that
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

CROSS_COMPILE=${CROSS_COMPILE:-aarch64-linux-gnu-}
CFLAGS="-O2 -g -mcpu=cortex-a53 -mno-outline-atomics -fno-pic -fno-pie -fno-stack-protector
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -D__DYNAMIC_REENT__"
CONFIGURE="--target=aarch64-none-elf --disable-multilib --disable-libgloss --disable-nls
    --disable-shared --disable-newlib-supplied-syscalls --enable-newlib-multithread
    --enable-newlib-retargetable-locking --enable-newlib-reent-check-verify
    --enable-newlib-io-c99-formats --enable-newlib-io-long-long --enable-newlib-io-long-double"
# A linux-targeted gcc pretends to be on Linux; newlib's headers must not believe it.
NOT_LINUX="-U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix"

die() { printf '%s\n' "newlib: $*" >&2; exit 1; }

command -v "${CROSS_COMPILE}gcc" >/dev/null ||
    die "${CROSS_COMPILE}gcc is missing: run 'make setup', or set CROSS_COMPILE"
tarball=$(ls /usr/src/newlib/newlib-*.tar.xz /usr/src/newlib-*.tar.xz 2>/dev/null | tail -n 1)
[ -n "$tarball" ] || die "no newlib-*.tar.xz under /usr/src: run 'make setup' (package newlib-source)"
version=$(basename "$tarball" .tar.xz | sed 's/^newlib-//')
case $version in [0-3].*) CONFIGURE="$CONFIGURE --enable-newlib-global-stdio-streams" ;; esac

gcc_version=$("${CROSS_COMPILE}gcc" -dumpfullversion)
key=$(printf '%s|' "$version" "$CFLAGS" "$CONFIGURE" "$CROSS_COMPILE" "$gcc_version" | sha256sum |
    cut -c1-12)
name=$version-gcc$gcc_version-$key
prefix=.cache/newlib/$name

if [ "${1:-}" = --prefix ]; then
    echo "$prefix"
    exit 0
fi
[ $# = 0 ] || die "unknown word '$1': use nothing or --prefix"

mkdir -p .cache/newlib
exec 9> .cache/newlib/lock
flock 9 # two builds at once wait for each other; the second then finds the cache filled
if [ -e "$prefix/done" ]; then
    echo "$prefix"
    exit 0
fi

work=$PWD/.cache/newlib/work
log=$PWD/.cache/newlib/build.log
rm -rf "$work" "$prefix"
mkdir -p "$work/src" "$work/build"
echo "newlib: building $version with gcc $gcc_version (once; about a minute)" >&2

tar -xJf "$tarball" -C "$work/src" --strip-components=1
# clang's assembler refuses 3.3's spelling of a vector lane; gas takes both.
sed -i 's/\.2d\[0\]/.d[0]/' "$work"/src/newlib/libc/machine/aarch64/*.S

for tool in as ar ranlib ld nm strip readelf objdump; do
    export "${tool^^}_FOR_TARGET=$CROSS_COMPILE$tool"
done
gcc_include=$("${CROSS_COMPILE}gcc" -print-file-name=include)
export CC_FOR_TARGET="${CROSS_COMPILE}gcc -nostdinc -isystem $gcc_include $NOT_LINUX"
CFLAGS_FOR_TARGET="$(echo $CFLAGS) -ffile-prefix-map=$work=newlib"
export CFLAGS_FOR_TARGET
# make's own flags and variables (V=1, -j, the jobserver) are not for newlib's makefiles
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

(
    cd "$work/build"
    # shellcheck disable=SC2086
    ../src/configure --prefix="$work/install" $CONFIGURE MAKEINFO=: &&
        make -j"$(nproc)" MAKEINFO=: all-target-newlib &&
        make MAKEINFO=: install-target-newlib
) > "$log" 2>&1 9>&- || { tail -n 20 "$log" >&2; die "build failed; the whole log is .cache/newlib/build.log"; }

rm -f "$work/install/aarch64-none-elf/lib/libg.a" # the same as libc.a
# The compilers bring their own; clang would prefer this one, which lacks its <stdint.h>.
rm -f "$work/install/aarch64-none-elf/include/stdatomic.h"
mv "$work/install" "$prefix"
touch "$prefix/done"
rm -rf "$work"
echo "newlib: built $prefix" >&2
echo "$prefix"
