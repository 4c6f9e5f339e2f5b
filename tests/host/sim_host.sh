#!/usr/bin/env bash
# Deterministic simulation natively (tools/sim.py): the suite on one core, where a seed gives the same run twice and two
# seeds do not, and on three.
# boards: host
cd "$(dirname "$0")/../.."
exec tools/sim.py --board host --seeds 8
