#!/usr/bin/env bash
# No operation takes more instructions than bench/baseline.json says, and a slack: `make bench BASELINE=1` renews it.
# boards: virt
cd "$(dirname "$0")/../.."
exec tools/bench.py --gate
