#!/usr/bin/env python3
"""Checks that includes point only in the direction that HACKING.md draws. Exit 1 and one line per wrong arrow.

usage: check_includes.py [ROOT]
"""
import re
import sys
from pathlib import Path

# folder of src/ -> folders it may include besides itself. A folder not listed here is an error: give it a row.
MAY_INCLUDE = {
    "base": set(),
    "num": {"base"},
    "pb": {"base"},
    "ir": {"base", "num"},
    "mil": {"base", "num"},
    "profiles": {"base", "num", "ir"},
    "ops": {"base", "num", "ir", "mil"},
    "onnx": {"base", "num", "pb", "ir", "ops"},
    "coreml": {"base", "num", "pb", "ir", "mil", "ops"},
    "passes": {"base", "num", "ir", "ops", "profiles"},
    "exec": {"base", "num", "ir", "ops"},
}
MAY_INCLUDE["backends"] = set(MAY_INCLUDE)
MAY_INCLUDE["audit"] = set(MAY_INCLUDE)
MAY_INCLUDE["lint"] = {"base", "ir", "onnx", "coreml"}
MAY_INCLUDE["report"] = {"base", "audit"}
MAY_INCLUDE["api"] = set(MAY_INCLUDE)

# Public folders: the API sees only itself; the command line sees the API and two folders of the library; the Python
# package's module sees the API (and the command line).
PUBLIC = {"include": set(), "cli": {"base", "report", "api"}, "python": set()}

# Libraries that cost seconds to compile: never in a header of src/, where everybody would pay.
HEAVY = re.compile(r"^(CLI/|nlohmann/|toml\+\+/|fmt/|gtest/|tbb/)")

# Headers that only tests include may be heavy.
TEST_HEADER = re.compile(r"(_test|^testing)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SUFFIXES = {".h", ".cc", ".inc", ".def"}


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES) if folder.is_dir() else []


def includes(path):
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1] == '"', match[2]


def check_file(path, where, own, allowed):
    """Yields one message per include of `path` that its folder may not have."""
    for line, quoted, name in includes(path):
        if not quoted:
            if own in MAY_INCLUDE and path.suffix == ".h" and HEAVY.match(name) and not TEST_HEADER.search(path.name):
                yield f"{where}:{line}: <{name}> is too heavy for a header"
            continue
        target = name.split("/")[0]
        if target in MAY_INCLUDE and target not in allowed | {own}:
            yield f"{where}:{line}: {own} may not include {target} ({name})"
        elif own == "include" and target != "assay":
            yield f"{where}:{line}: the public API may not include {name}"


def check(root):
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if folder.name not in MAY_INCLUDE:
            yield f"src/{folder.name}: not in the table of tools/check_includes.py"
            continue
        for path in sources(folder):
            yield from check_file(path, path.relative_to(root), folder.name, MAY_INCLUDE[folder.name])
    for own, allowed in PUBLIC.items():
        for path in sources(root / own):
            yield from check_file(path, path.relative_to(root), own, allowed)


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    wrong = list(check(root))
    print("\n".join(wrong) if wrong else "includes: all arrows point the right way")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
