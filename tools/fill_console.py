#!/usr/bin/env python3
"""Runs the commands that pages show and writes what they print beneath them; a test expects no change.

usage: fill_console.py [--assay build/dev/assay] PAGE...

In a block fenced as `console` a line starting with `$ ` is a command, lines starting with `> ` go on with it, all
others are output. The commands of a page run one after the other in one folder that holds the article's model and
input; `python` is the one that runs this.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("examples/article/mlp.onnx", "examples/article/input.npz")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ .*\n(?:^> .*\n)*", re.MULTILINE)


def run(command: str, folder: Path, assay: Path) -> str:
    """What a command prints on both streams, without blanks at line ends; where it fails, its exit code too."""
    lines = [line[2:] for line in command.splitlines()]
    programs = f"{assay.resolve().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=folder, text=True, check=False, timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PATH": programs, "NO_COLOR": "1"})
    said = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
    return f"{said}[exit {done.returncode}]\n" if done.returncode else said


def fill(page: str, assay: Path) -> str:
    """The page with the outputs that its commands have now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in FILES:
            shutil.copy(ROOT / file, folder)

        def filled(block: re.Match[str]) -> str:
            commands = COMMAND.findall(block[1])
            return "```console\n" + "".join(c + run(c, folder, assay) for c in commands) + "```"

        return BLOCK.sub(filled, page)


def main() -> None:
    parser = argparse.ArgumentParser(description="writes the output of the commands that pages show")
    parser.add_argument("--assay", type=Path, default=ROOT / "build/dev/assay")
    parser.add_argument("pages", nargs="+", type=Path)
    args = parser.parse_args()
    for page in args.pages:
        page.write_text(fill(page.read_text(), args.assay))


if __name__ == "__main__":
    main()
