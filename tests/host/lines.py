#!/usr/bin/env python3
# Standard input on the UART, as somebody types it: echo, editing, end of file; and the command line's words.
# boards: virt rpi3 rpi4 zcu102 imx8mp
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import console  # noqa: E402
import run  # noqa: E402

BOARD = os.environ.get("BOARD", "virt")
ARGUMENTS = ["plain", "\"two words\"", "it's one'", "''", "-x=\"a'b\""]
WORDS = ["bareloom", "plain", "two words", "its one", "", "-x=a'b"]


def typed(s, keys, echo, lines):
    s.type(keys)
    s.expect(console.re.escape(echo))
    s.expect("^" + "".join(f"<{console.re.escape(line)}>\n" for line in lines))
    print(f"ok   {keys!r}")


def main():
    board = run.load_board(BOARD)
    if why := run.cannot_run(board):
        print(why)
        return run.SKIP
    with tempfile.TemporaryDirectory() as folder:
        image = console.build(folder, "tests/programs/lines")
        s = console.Session(image, ARGUMENTS)
        for i, word in enumerate(WORDS):
            s.expect(f"argument {i} <{word}>\n")
        print("ok   arguments")
        s.expect("your lines: ")
        typed(s, "hello\r", "hello\n", ["hello\\n"])
        typed(s, "one\r\ntwo\n", "one\n", ["one\\n"])
        s.expect("^two\n<two\\\\n>\n")
        typed(s, "abX\x7fc\x08d\r", "abX\b \bc\b \bd\n", ["abd\\n"])
        typed(s, "wrong\x15right\r", "wrong" + "\b \b" * 5 + "right\n", ["right\\n"])
        typed(s, "\x7f\x15\r", "\n", ["\\n"])
        typed(s, "\x01\x1btab\there\r", "tab\there\n", ["tab\there\\n"])
        typed(s, "caf\u00e9\x7fe\r", "caf\u00e9\b \be\n", ["cafe\\n"])
        # In two parts: nobody types faster than the console is read, and it keeps 256 bytes at most.
        s.type("y" * 200)
        s.expect("y" * 200)
        typed(s, "y" * 100 + "\r", "y" * 55 + "\a" * 45 + "\n", ["y" * 255 + "\\n"])
        s.type("no newline\x04")
        s.expect("no newline")
        s.type(" at its end\r")
        s.expect("^ at its end\n<no newline at its end\\\\n>\n")
        print("ok   Ctrl-D in a line")
        s.type("\x04")
        s.expect("^end of file 1\n")
        print("ok   Ctrl-D")
        s.type("42 ")
        s.type("answers\r")
        s.expect("number 42 word answers\n")
        s.ends_with(42)
    return 0


if __name__ == "__main__":
    sys.exit(main())
