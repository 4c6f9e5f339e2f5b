#!/usr/bin/env bash
# Brings herd7, which Debian 12 does not have, from Debian's unstable suite. Nothing is installed: the few files that it
# needs, its own C library among them, are unpacked beside the system into .cache/verify.
#
#   tools/verify-tools.sh           fetch what is missing; the second run takes no time
#   tools/verify-tools.sh --path    print the path of herd7: the system's own or the unpacked one; status 1: there is none
#
# The mirror is the one that apt uses already. Needs no root. The expectations of tests/litmus were made with the
# version below; when the suite has moved on, its newer one is taken, and a line says so.
set -eu
export LC_ALL=C

HERD_VERSION=7.58-2
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
cd "$(dirname "$0")/.."
DIR=$PWD/.cache/verify
HERD=$DIR/herd7

die() { printf 'verify-tools: %s\n' "$*" >&2; exit 1; }

if [ "${1:-}" = --path ]; then
    command -v herd7 || { [ -x "$HERD" ] && echo "$HERD"; }
    exit
fi
[ $# = 0 ] || die "unknown word '$1': use nothing or --path"
if command -v herd7 > /dev/null || [ -x "$HERD" ]; then
    exit 0
fi

command -v apt-get > /dev/null || die "no apt-get here, so no herd7: put one on PATH"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 'Origin: Debian' |
    sed -n 's/ Debian$//p' | head -n 1)
[ -n "$mirror" ] || die "apt knows no source of Debian's own (run apt-get update?), so no herd7: put one on PATH"
[ -e $KEYRING ] || die "no $KEYRING, so no herd7: put one on PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/new"
echo "deb [signed-by=$KEYRING] $mirror sid main" > "$work/sid.list"
# Its own lists and cache: what the system knows of its packages stays as it is.
cat > "$work/apt.conf" << END
Dir::Etc::sourcelist "$work/sid.list";
Dir::Etc::sourceparts "-";
Dir::State::Lists "$work/lists";
Dir::Cache "$work";
APT::Sandbox::User "";
Acquire::Languages "none";
END
export APT_CONFIG=$work/apt.conf
apt-get update -qq || die "the unstable suite does not answer, so no herd7"
cd "$work"
if ! apt-get download -qq "herdtools7=$HERD_VERSION" 2> /dev/null; then
    apt-get download -qq herdtools7 || die "the unstable suite has no herdtools7"
    echo "verify-tools: herd7 $HERD_VERSION is no longer there; taken instead: $(echo herdtools7_*.deb)"
fi
apt-get download -qq libc6 libgmp10 || die "the unstable suite has no libc6 or libgmp10"

dpkg --fsys-tarfile herdtools7_*.deb | tar -x -C new ./usr/bin/herd7 ./usr/share/herdtools7/herd
for package in libc6 libgmp10; do
    dpkg --fsys-tarfile "$package"_*.deb | tar -x -C new --wildcards './usr/lib/*-linux-gnu*/lib[cm].so.6' \
        './usr/lib/*-linux-gnu*/ld-linux-*' './usr/lib/*-linux-gnu*/libgmp.so.10*' 2> /dev/null || true
done
loader=$(find new -type f -name 'ld-linux-*' | head -n 1)
[ -n "$loader" ] || die "no loader in the unstable suite's libc6: it has moved"
cat > new/herd7 << END
#!/bin/sh
# Written by tools/verify-tools.sh: herd7 with the C library that it was built for.
here=\$(dirname "\$0")
exec "\$here/${loader#new/}" --library-path "\$here/$(dirname "${loader#new/}")" \\
    "\$here/usr/bin/herd7" -set-libdir "\$here/usr/share/herdtools7/herd" "\$@"
END
chmod +x new/herd7
new/herd7 -version > /dev/null || die "the unpacked herd7 does not start"
rm -rf "$DIR"
mkdir -p "$(dirname "$DIR")"
mv new "$DIR"
echo "verify-tools: $("$HERD" -version | head -n 1) unpacked to .cache/verify"
