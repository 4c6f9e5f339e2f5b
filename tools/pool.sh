# Packages and sources from the pool of the Debian mirror that apt already uses, each only if its SHA-256 is the one that
# is asked for. No root is needed, and the system's packages and sources stay as they are. Sourced by others.

HELPER=/usr/lib/apt/apt-helper

# Until the script ends: two at once would fetch and unpack into the same files. Who waited looks again.
pool_lock() {
    mkdir -p .cache
    exec 9> .cache/pool.lock
    flock 9
}

pool_good() { [ -f "$1" ] && [ "$(sha256sum < "$1" | cut -d' ' -f1)" = "$2" ]; }

# Read from apt's sources themselves: what apt tells of them it knows only after an update, which needs root.
pool_mirrors() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2> /dev/null | grep -v '^ *#' |
        grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | sed 's,/* *$,,' | sort -u
}

# pool_fetch FOLDER NAME HASH: into .cache/
pool_fetch() {
    local mirror
    [ -x "$HELPER" ] || return 1
    for mirror in $(pool_mirrors); do
        (cd .cache && "$HELPER" download-file "$mirror/pool/$1/$2" "$2" "SHA256:$3") > /dev/null 2>&1 && return
    done
    return 1
}

# pool_get FOLDER 'NAME HASH ...': the first of these files that is in .cache/ or can be had; prints its path. Under
# pool_lock.
pool_get() {
    local name hash
    while read -r name hash; do
        [ -n "$name" ] || continue
        if pool_good ".cache/$name" "$hash" || { pool_fetch "$1" "$name" "$hash" && pool_good ".cache/$name" "$hash"; }
        then
            echo ".cache/$name"
            return
        fi
    done <<< "$2"
    return 1
}
