#!/usr/bin/env python3
"""Makes docs/API.md from the comments in include/bareloom/*.h, so that nothing is written twice.

    apidoc.py            writes docs/API.md
    apidoc.py --check    says what is wrong and exits with 1: API.md is not what the headers say, or a
                         function is declared without a comment

What it reads: the comment at a header's head is the chapter's text; `/* ---- name ---- */` begins a
section; a comment and the declarations under it, up to an empty line, are one entry.
"""
import re
import sys
import textwrap
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
HEADERS = TOP / "include" / "bareloom"
TARGET = TOP / "docs" / "API.md"
SECTION = re.compile(r"^-{4} (.*?) -*$")
FUNCTION = re.compile(r"\b(\w+)\s*\([^;{]*\)[^;{]*;", re.S)
# In this order; what is new comes behind.
ORDER = ["base", "go", "task", "chan", "typed", "select", "limit", "sync", "event", "once", "time", "ctx", "group", "flight"]


def blocks(text):
    """Pairs of a comment's text and the code under it, up to the next comment or empty line."""
    at = 0
    out = []
    for m in re.finditer(r"^/\*(.*?)\*/[ \t]*\n?", text, re.S | re.M):
        code_end = text.find("\n\n", m.end())
        next_comment = text.find("\n/*", m.end() - 1)
        ends = [e for e in (code_end, next_comment) if e >= 0]
        code = text[m.end():min(ends) if ends else len(text)]
        if text[at:m.start()].strip():
            out.append((None, text[at:m.start()]))
        lines = [re.sub(r"^ ?\* ?", "", line) for line in m.group(1).split("\n")]
        out.append(("\n".join(lines).strip("\n"), code.strip("\n") if code.strip() else ""))
        at = m.end() + len(code)
    if text[at:].strip():
        out.append((None, text[at:]))
    return out


def prose(text):
    """Paragraphs wrapped at 120; what is indented stays, as code."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.split("\n")
        if all(line.startswith("    ") for line in lines if line.strip()):
            parts.append("```c\n" + textwrap.dedent(paragraph) + "\n```")
        else:
            words = " ".join(line.strip() for line in lines)
            words = re.sub(r"([*\\_])", r"\\\1", words)
            words = re.sub(r"(<[^ >]+>)", r"`\1`", words)
            parts.append(textwrap.fill(words, 120, break_long_words=False, break_on_hyphens=False))
    return "\n\n".join(parts)


def chapter(path):
    text = path.read_text().replace("#pragma once\n", "")
    text = re.sub(r"^#include .*\n", "", text, flags=re.M)
    entries = blocks(text)
    out, undocumented = [], []
    head = entries[0][0] if entries and entries[0][0] is not None else ""
    title, _, rest = head.strip().partition(" - ")
    out.append(f"## `{title}`\n")
    out.append(prose(rest[:1].upper() + rest[1:]) + "\n")
    if entries and entries[0][1]:
        out.append(f"```c\n{entries[0][1]}\n```\n")
    for comment, code in entries[1:]:
        section = SECTION.match(comment.strip()) if comment is not None else None
        if section:
            out.append(f"### {section.group(1).strip()[:1].upper()}{section.group(1).strip()[1:]}\n")
            comment = ""
        elif comment is None:
            undocumented += functions(code)
        if code:
            undocumented += functions(code) if section else []
            out.append(f"```c\n{textwrap.dedent(code).strip(chr(10))}\n```\n")
        if comment:
            out.append(prose(comment) + "\n")
    return "\n".join(out), [f"{path.relative_to(TOP)}: {name}" for name in undocumented]


def functions(code):
    """Names of the functions that code declares: not what stands in comments, types or macros."""
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    code = re.sub(r"^#define (?:.*\\\n)*.*$", "", code, flags=re.M)
    code = re.sub(r"^typedef .*?;", "", code, flags=re.M | re.S)
    code = re.sub(r"\{[^}]*\}", "", code)
    return [m.group(1) for m in FUNCTION.finditer(code)]


def rank(path):
    return (ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem)


def main():
    parts = ["# The public interface\n\nMade from the comments in [include/bareloom](../include/bareloom) by `make docs`: "
             "change those.\n\n`#include <bareloom.h>` has all of it.\n"]
    undocumented = []
    for path in sorted(set(HEADERS.glob("*.h")) - {HEADERS / "fast.h"}, key=rank):  # which declares nothing for programs
        text, missing = chapter(path)
        parts.append(text)
        undocumented += missing
    text = "\n".join(parts)
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text)
        return 0
    wrong = [f"{u} is declared without a comment of its own" for u in undocumented]
    if not TARGET.exists() or TARGET.read_text() != text:
        wrong.append("docs/API.md is not what the headers say; run `make docs`")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
