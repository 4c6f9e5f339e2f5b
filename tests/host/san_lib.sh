# What the san_*.sh beside it share; sourced, not run.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The sanitizers of the host are clang's, in a package of their own.
need_sanitizer() {
    if [ "$board" = host ] && ! echo 'int main(void) { return 0; }' |
        clang "-fsanitize=$1" -x c - -o "$work/probe" 2> "$work/why"; then
        echo "no clang with the sanitizers' library here: run \`make setup\` (libclang-rt-dev)"
        exit 77
    fi
}

# look IMAGE ARGUMENT...: runs it; $output then has its standard error as well, where clang's sanitizers report.
look() {
    run_image "$@" 2> "$work/errors"
    cat "$work/errors" >> "$output"
}

# reports CASE STATUS TEXT...: the image `san` run with the word CASE ends with STATUS, and says each TEXT.
reports() {
    local what=$1 wanted=$2 text
    shift 2
    for ((try = 1; try <= ${tries:-1}; try++)); do
        look san "$what"
        if [ "$status" = "$wanted" ]; then
            break
        fi
    done
    check "$what: exit status" test "$status" = "$wanted"
    for text in "$@"; do
        check "$what: says $text" grep -q -- "$text" "$output"
    done
    if [ "$failures" != 0 ]; then
        head -n 60 "$output"
    fi
}

# quiet CASE: it ends well and nothing is reported.
quiet() {
    look san "$1"
    check "$1: exit status" test "$status" = 0
    check "$1: no report" test "$(grep -cE 'Sanitizer|runtime error|sanitizer: ' "$output")" = 0
}
