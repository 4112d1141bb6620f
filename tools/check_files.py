#!/usr/bin/env python3
"""Whitespace and size of the files named, or of all that git tracks: no trailing blanks, no tabs in code, one newline
at the end, nothing over 1 MB. Exit 1 and one line per finding.

usage: check_files.py [--size-only] [FILE...]
"""
import subprocess
import sys
from pathlib import Path

LARGEST = 1_000_000
CODE = {".cc", ".h", ".def", ".inc", ".py", ".cmake", ".toml", ".json", ".yaml"}
AS_IT_IS = {"LICENSE"}  # not our text


def findings(path, size_only):
    data = path.read_bytes()
    if len(data) > LARGEST:
        yield f"{path}: {len(data)} bytes, over {LARGEST}"
    if size_only or not data or b"\0" in data or path.name in AS_IT_IS:
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if line != line.rstrip():
            yield f"{path}:{number}: blanks at the end of the line"
        if path.suffix in CODE and b"\t" in line:
            yield f"{path}:{number}: tab"
    if not data.endswith(b"\n") or data.endswith(b"\n\n"):
        yield f"{path}: must end in one newline"


def main(args):
    size_only = "--size-only" in args
    names = [a for a in args if a != "--size-only"]
    if not names:
        names = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    wrong = [f for n in names if n and Path(n).is_file() for f in findings(Path(n), size_only)]
    print("\n".join(wrong) if wrong else "files: whitespace and sizes are fine")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
