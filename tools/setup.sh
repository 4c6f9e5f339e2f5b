#!/usr/bin/env bash
# Installs the packages Bareloom's build and tests need, and only what is missing.
#
#   tools/setup.sh          everything (this is what `make setup` runs)
#   tools/setup.sh qemu     QEMU alone
#   tools/setup.sh doctor   install nothing; show each tool, its version, and what is missing
#
# Debian 12 and 13, Ubuntu 24.04. Looks at commands before it touches apt, so a second run takes
# a fraction of a second. QEMU 10 is wanted (raspi4b came with 9, imx8mp-evk with 10); Debian 12 has
# it in its backports suite, whose address is derived from the system's own apt sources.
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

CROSS_COMPILE=${CROSS_COMPILE:-aarch64-linux-gnu-}
QEMU_WANTED=10
BACKPORTS_FILE=/etc/apt/sources.list.d/bareloom-backports
TRIED=$(dirname "$0")/../.cache/qemu-tried # a newer QEMU could not be had: ask again only by name
APT_INSTALL="apt-get install --no-install-recommends -y"

# command, the package that brings it, what for
TOOLS='
make                     make                    build
gcc                      gcc                     host board, newlib
aarch64-linux-gnu-gcc    gcc-aarch64-linux-gnu   boards
aarch64-linux-gnu-ld     binutils-aarch64-linux-gnu boards
clang                    clang                   LLVM=1
ld.lld                   lld                     LLVM=1
llvm-objcopy             llvm                    LLVM=1
python3                  python3                 tools
xz                       xz-utils                newlib
clang-format             clang-format            check
cppcheck                 cppcheck                check
spin                     spin                    verify
mcopy                    mtools                  sdcard
fsck.fat                 dosfstools              test
gdb-multiarch            gdb-multiarch           debug
openocd                  openocd                 jtag
'

say() { printf '%s\n' "setup: $*"; }
die() { printf '%s\n' "setup: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

qemu_version() { # "10.0.2", or nothing when there is none
    qemu-system-aarch64 --version 2>/dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p'
}

qemu_good() { # is QEMU $1 or newer installed?
    local v
    v=$(qemu_version)
    [ -n "$v" ] && [ "${v%%.*}" -ge "$1" ]
}

newlib_tarball() { # Debian 12 and 13 both put it here; older packages one folder higher
    ls /usr/src/newlib/newlib-*.tar.xz /usr/src/newlib-*.tar.xz 2>/dev/null | tail -n 1
}

missing_packages() {
    local cmd package
    while read -r cmd package _; do
        [ -z "$cmd" ] || has "$cmd" || echo "$package"
    done <<< "$TOOLS"
    [ -n "$(newlib_tarball)" ] || echo newlib-source
    # the tests read pprof's format by it; Debian's is for Debian's Python
    python3 -c 'import google.protobuf' 2>/dev/null || /usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || echo python3-protobuf
    # gcc only recommends it, and the host board needs its headers
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    # SAN= on the host; clang only recommends it
    ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a >/dev/null 2>&1 || echo libclang-rt-dev
}

os_release() { (. /etc/os-release 2>/dev/null && eval "printf '%s' \"\${$1:-}\""); }

# The system's own source for its own suite, with "-backports" behind the suite's name. Prints
# deb822 (first line "Types:") or a one-line "deb ..." source; nothing if no source names the suite.
backports_source() {
    local suite=$1 file
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -e "$file" ] || continue
        awk -v suite="$suite" '
            function flush() {
                if (deb && mine && !off) { printf "%s", text; found = 1; exit }
                text = ""; deb = mine = off = 0
            }
            /^#/ { next }
            /^[ \t]*$/ { flush(); next }
            /^Types:/ { deb = / deb( |$)/; text = text "Types: deb\n"; next }
            /^Suites:/ {
                for (i = 2; i <= NF; i++) { if ($i == suite) { mine = 1 } }
                text = text "Suites: " suite "-backports\n"; next
            }
            /^Enabled:/ { off = / no/; next }
            { text = text $0 "\n" }
            END { if (!found) flush() }' "$file" | grep . && return
    done
    sed -nE "s/^(deb +(\[[^]]*\] +)?[a-z+]+:[^ ]+ +)$suite( .*)/\1$suite-backports\3/p" \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -v cdrom: | head -n 1
}

# The suite that offers a new enough QEMU to apt right now, or nothing.
suite_with_qemu() {
    apt-cache madison qemu-system-arm 2>/dev/null | awk -F'|' -v want="$QEMU_WANTED" '
        { v = $2; gsub(/ /, "", v); sub(/^[0-9]*:/, "", v); split($3, from, " ")
          if (v + 0 >= want) { sub(/\/.*/, "", from[2]); print from[2]; exit } }'
}

add_backports() {
    local suite text kind
    [ "$(os_release ID)" = debian ] || return 1
    suite=$(os_release VERSION_CODENAME)
    text=$(backports_source "$suite")
    [ -n "$text" ] || return 1
    case $text in Types:*) kind=sources ;; *) kind=list ;; esac
    say "adding the $suite-backports suite ($BACKPORTS_FILE.$kind)"
    printf '# Written by Bareloom for QEMU %s; made from this system'\''s own source.\n%s\n' \
        "$QEMU_WANTED" "$text" > "$BACKPORTS_FILE.$kind" || return 1
    if ! apt-get update -qq -o Dir::Etc::sourcelist="$BACKPORTS_FILE.$kind" \
            -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 ||
            [ -z "$(suite_with_qemu)" ]; then
        rm -f "$BACKPORTS_FILE.$kind" # a source that does not answer would break every update
        return 1
    fi
}

need_qemu() { # could a newer QEMU than what is here be had? (asked without touching the network)
    qemu_good $QEMU_WANTED && return 1
    has qemu-system-aarch64 || return 0
    [ ! -e "$TRIED" ] || return 1
    [ -n "$(suite_with_qemu)" ] && return 0
    [ "$(os_release ID)" = debian ] && [ -n "$(backports_source "$(os_release VERSION_CODENAME)")" ]
}

install_qemu() {
    local suite
    suite=$(suite_with_qemu)
    [ -n "$suite" ] || { add_backports && suite=$(suite_with_qemu); }
    if [ -n "$suite" ]; then
        $APT_INSTALL -t "$suite" qemu-system-arm || say "QEMU from $suite could not be installed"
    fi
    has qemu-system-aarch64 || $APT_INSTALL qemu-system-arm || die "no QEMU could be installed"
    qemu_good $QEMU_WANTED || { mkdir -p "$(dirname "$TRIED")" && touch "$TRIED"; }
}

old_qemu_note() {
    qemu_good $QEMU_WANTED && return
    qemu_good 9 || say "QEMU $(qemu_version) has no raspi4b: board rpi4 will be skipped"
    say "QEMU $(qemu_version) has no imx8mp-evk: board imx8mp will be skipped"
    say "to mend it put QEMU $QEMU_WANTED or newer on PATH: Debian 13 has it, and Debian 12's backports"
    say "(tools/setup.sh qemu looks there again)"
}

doctor() {
    local cmd package use bad=0 v
    {
        printf '%s\n' "$TOOLS"
        echo "qemu-system-aarch64 qemu-system-arm run, test"
        [ "$CROSS_COMPILE" = aarch64-linux-gnu- ] || echo "${CROSS_COMPILE}gcc - CROSS_COMPILE"
    } | while read -r cmd package use; do
        [ -n "$cmd" ] || continue
        if has "$cmd"; then
            v=$("$cmd" --version 2>&1 | grep -oE '[0-9]+\.[0-9][0-9.]*' | head -n 1)
            printf '  %-24s %-12s %s\n' "$cmd" "${v:-?}" "$use"
        else
            printf '  %-24s %-12s %s: apt-get install %s\n' "$cmd" MISSING "$use" "$package"
        fi
    done
    v=$(newlib_tarball)
    printf '  %-24s %-12s %s\n' newlib-source "$(basename "${v:-MISSING}" .tar.xz | sed 's/newlib-//')" \
        'C library'
    [ -z "$(missing_packages)" ] && has qemu-system-aarch64 || bad=1
    if has qemu-system-aarch64; then old_qemu_note; fi
    [ $bad = 0 ] || say 'something is missing: `make setup` installs it'
    return $bad
}

main() {
    local packages='' command=''
    case ${1:-all} in
        doctor) doctor; return ;;
        qemu) rm -f "$TRIED" ;;
        all) packages=$(missing_packages | sort -u | xargs) ;;
        *) die "unknown word '$1': use nothing, 'qemu' or 'doctor'" ;;
    esac
    if [ -z "$packages" ] && ! need_qemu; then
        has qemu-system-aarch64 && old_qemu_note
        return 0
    fi
    has apt-get || die "no apt-get here; install these yourself: $packages qemu-system-arm (>= $QEMU_WANTED)"
    if [ "$(id -u)" != 0 ]; then
        [ -z "$packages" ] || command="sudo apt-get update && sudo $APT_INSTALL $packages"
        if need_qemu; then command="${command:+$command && }sudo tools/setup.sh qemu"; fi
        say "not root, so nothing was installed; run this one line, then make setup again:" >&2
        printf '%s\n' "$command" >&2
        return 1
    fi
    apt-get update -qq || say "apt-get update failed; going on with what it knows"
    if [ -n "$packages" ]; then
        say "installing $packages"
        # shellcheck disable=SC2086
        $APT_INSTALL $packages || die "apt-get could not install: $packages"
    fi
    if need_qemu; then install_qemu; fi
    old_qemu_note
}

main "$@"
