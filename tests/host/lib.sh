# What the scripts beside it share; sourced, not run. BOARD says for which board.
set -eEu -o pipefail
trap 'echo "FAIL line $LINENO of ${BASH_SOURCE[0]}: $BASH_COMMAND" >&2' ERR # or a script that -e ends says nothing
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
board=${BOARD:-virt}
work=$(mktemp -d)
mkdir "$work/images"
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# build NAME MAKE-ARGUMENT...: makes an image and keeps copies of it as $work/images/NAME, with its symbols as NAME.elf. One
# script at a time: the harness runs them side by side, and two could want the same application with another INPUT.
build() {
    local name=$1
    shift
    mkdir -p build
    (
        until flock -w 20 9; do
            echo "waits for another script's build"
        done
        make "BOARD=$board" "$@" # not silent: the harness takes long silence for a hang
        local image elf
        image=$(make -s "BOARD=$board" "$@" image-path)
        elf=$image
        [ "$board" = host ] || elf=$(dirname "$image")/app.elf
        cp "$image" "$work/images/$name"
        cp "$elf" "$work/images/$name.elf"
    ) 9> build/.lock
}

# run_image NAME ARGUMENT...: runs the copy; $status, and $output, a file with what the program printed: all
# that comes after the machine's first line, where there is one, without carriage returns.
run_image() {
    local name=$1
    shift
    output=$work/output
    status=0
    tools/run.py --board "$board" --image "$work/images/$name" --timeout 300 --args "$*" \
        < /dev/null > "$work/raw" || status=$?
    tr -d '\r' < "$work/raw" > "$output"
    if grep -q '^Bareloom on ' "$output"; then
        sed -i '0,/^Bareloom on /d' "$output"
    fi
    if [ "$status" = 77 ]; then
        exit 77
    fi
}

failures=0
# check WHAT COMMAND...: runs the command, says whether it succeeded.
check() {
    local what=$1
    shift
    if "$@"; then
        echo "ok   $what"
    else
        echo "FAIL $what"
        failures=$((failures + 1))
    fi
}
