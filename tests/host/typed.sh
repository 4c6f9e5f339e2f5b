#!/usr/bin/env bash
# What <bareloom/typed.h> must refuse, it refuses with each compiler, as an error and not as a warning; and the same
# lines with the one fault put right compile without a warning.
# boards: host
. "$(dirname "$0")/lib.sh"

compilers=0

# compiles FLAG... : the program of $line, as the last one of this compiler; its words go to $work/said.
compiles() {
    cat > "$work/snippet.c" << END
#include <bareloom.h>
struct point { int x, y; };
struct other { int x, y; };
typedef CHAN_OF(struct point) points;
typedef CHAN_OF(struct other) others;
typedef SEND_ONLY(struct point) points_out;
typedef RECV_ONLY(struct point) points_in;
typedef CHAN_OF(int) ints;
typedef SEND_ONLY(int) ints_out;
typedef CHAN_OF(const char *) texts;
void f(points c, points_out out, points_in in, ints n, texts s);
void f(points c, points_out out, points_in in, ints n, texts s) {
    struct point p = {1, 2};
    const struct point fixed = {3, 4};
    struct other o = {5, 6};
    int i = 7;
    unsigned u = 8;
    const int k = 9;
    double d = 10;
    long l = 11;
    void *v = &i;
    bool ok = false;
    const char *text = "";
    char *letters = (char *)v;
    others q = {.chan = c.chan};
    (void)p, (void)fixed, (void)o, (void)i, (void)u, (void)k, (void)d, (void)l, (void)v, (void)ok, (void)text;
    (void)letters, (void)q, (void)c, (void)out, (void)in, (void)n, (void)s;
    $line
}
END
    $compiler -std=c11 -ffreestanding -fsyntax-only -Iinclude "$@" "$work/snippet.c" > "$work/said" 2>&1
}

# refused WORDS BAD GOOD: BAD does not compile, though warnings are off, and the compiler says one of WORDS (a regular
# expression); GOOD compiles under all warnings.
refused() {
    local words=$1 bad=$2 good=$3
    line=$bad
    if compiles -w; then
        echo "FAIL $compiler takes: $bad"
        failures=$((failures + 1))
    elif ! grep 'error: ' "$work/said" | grep -Eq "$words"; then
        echo "FAIL $compiler refuses for another reason: $bad"
        sed 's/^/    /' "$work/said"
        failures=$((failures + 1))
    else
        echo "ok   $compiler refuses: $bad"
    fi
    line=$good
    if ! compiles -Wall -Wextra -Wconversion -Wshadow -pedantic -Werror; then
        echo "FAIL $compiler does not take: $good"
        sed 's/^/    /' "$work/said"
        failures=$((failures + 1))
    fi
}

type='invalid operands to binary|not pointers to compatible types'
const='read-only|const-qualified'
member="no member named"
for compiler in "${HOSTCC:-gcc}" "${CROSS_COMPILE:-aarch64-linux-gnu-}gcc" clang; do
    if ! command -v "$compiler" > /dev/null; then
        echo "skip $compiler is not there"
        continue
    fi
    compilers=$((compilers + 1))
    # the type of what is sent
    refused "$type" 'typed_send(n, &d);' 'typed_send(n, &i);'
    refused "$type" 'typed_send(n, &u);' 'typed_send(n, &k);'
    refused "$type" 'typed_send(n, &l);' 'typed_send(n, &(int){7});'
    refused "$type" 'typed_send(n, v);' 'typed_send(n, (int *)v);'
    refused "$type" 'typed_send(n, NULL);' 'typed_send(n, &(const int){7});'
    refused "$type" 'typed_send(c, &o);' 'typed_send(c, &fixed);'
    refused "$type" 'typed_send(c, &p.x);' 'typed_send(n, &p.x);'
    refused "$type" 'typed_send(s, &letters);' 'typed_send(s, &text);'
    refused "$type" 'typed_send(s, text);' 'typed_recv(s, &text);'
    refused "$type" 'typed_try_send(n, &d);' '(void)typed_try_send(n, &k);'
    refused "$type" 'typed_send_until(n, &d, AT(0));' '(void)typed_send_until(n, &k, AT(0));'
    # where it is received
    refused "$type" 'typed_recv(n, &d);' 'typed_recv(n, &i);'
    refused "$type" 'typed_recv(n, &u);' 'typed_drop(n);'
    refused "$type" 'typed_recv(c, &o);' 'typed_recv(c, &p);'
    refused "$type" 'typed_recv(q, &p);' 'typed_recv(q, &o);'
    refused "$const" 'typed_recv(n, &k);' 'typed_recv(n, &p.y);'
    refused "$const" 'typed_recv(c, &fixed);' 'typed_recv(in, &p);'
    refused "$type" 'typed_try_recv(n, &l);' '(void)typed_try_recv(n, &i);'
    refused "$const" 'typed_try_recv(n, &k);' '(void)typed_try_recv(n, &i);'
    refused "$type" 'typed_recv_until(n, &l, AT(0));' '(void)typed_recv_until(n, &i, AT(0));'
    refused "$const" 'typed_recv_until(n, &k, AT(0));' '(void)typed_recv_until(n, &i, UNLESS(ctx_background()));'
    # direction
    refused "$member" 'typed_recv(out, &p);' 'typed_send(out, &p);'
    refused "$member" 'typed_send(in, &p);' 'typed_recv(in, &p);'
    refused "$member" 'typed_drop(out);' 'typed_drop(in);'
    refused "$member" 'typed_close(in);' 'typed_close(out);'
    refused "$member|field designator" 'in = typed_recv_only(points_in, out);' 'in = typed_recv_only(points_in, c);'
    refused "$member|field designator" 'out = typed_send_only(points_out, in);' 'out = typed_send_only(points_out, c);'
    refused "$member|field designator" 'out = typed_send_only(points_in, c);' 'out = typed_send_only(points_out, c);'
    refused "$type" '(void)typed_send_only(ints_out, c);' '(void)typed_send_only(ints_out, n);'
    refused 'incompatible type' 'c = n;' 'n = typed_make(ints, 3);'
    refused 'incompatible type' 'c = out;' 'out = typed_send_only(points_out, out);'
    # cases of a select
    refused "$type" 'chan_select(0, TYPED_SEND(n, &d));' '(void)chan_select(0, TYPED_SEND(n, &k));'
    refused "$member" 'chan_select(0, TYPED_SEND(in, &p));' '(void)chan_select(0, TYPED_SEND(out, &fixed));'
    refused "$type" 'chan_select(0, TYPED_RECV(n, &d));' '(void)chan_select(0, TYPED_RECV(n, &i));'
    refused "$const" 'chan_select(0, TYPED_RECV(n, &k));' '(void)chan_select(0, TYPED_RECV(n, &i), TYPED_SEND(n, &k));'
    refused "$member" 'chan_select(0, TYPED_RECV(out, &p));' '(void)chan_select(0, TYPED_RECV_OK(in, &p, &ok));'
    refused "$const" 'chan_select(0, TYPED_RECV_OK(n, &k, &ok));' '(void)chan_select(0, TYPED_RECV_OK(n, &i, NULL));'
done

if [ "$compilers" = 0 ]; then
    echo 'no compiler is there'
    exit 77
fi
exit $((failures > 0))
