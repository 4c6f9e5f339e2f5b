#!/usr/bin/env python3
# No public call that blocks, or may be made from a handler, is missing in tests/test_contexts.c.
# boards: host
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HEADERS = "chan select sync event time ctx".split()
# Of the program's G alone, but checked nowhere: they neither block nor touch what a handler may hold.
HARMLESS = {"timer_chan", "ticker_chan", "ctx_background"}

tables = (TOP / "tests/test_contexts.c").read_text()
missing = []
count = 0
for header in HEADERS:
    text = (TOP / f"include/bareloom/{header}.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for name in re.findall(r"^[a-z][\w ]*?[ *](\w+)\([^;{]*\);", text, re.M):
        count += 1
        if name not in HARMLESS | {"__attribute__"} and not re.search(rf"\b{name}\(", tables):
            missing.append(f"{header}.h: {name}()")
for name in missing:
    print(f"FAIL {name} is in no table of tests/test_contexts.c")
print(f"{count} functions of {len(HEADERS)} headers, {len(missing)} missing")
sys.exit(1 if missing or count < 75 else 0)
