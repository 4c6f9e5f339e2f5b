#!/usr/bin/env bash
# The idle protocol under a model checker (tests/model): no wake-up is lost, whatever C11 lets the cores see.
# boards: host
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/model
gcc -O2 -std=gnu11 -Wall -Wextra -Werror -Itests/model -I. -Iinclude -DHAL_HOST \
    -o build/model/idle tests/model/idle_model.c tests/model/checker.c
build/model/idle
