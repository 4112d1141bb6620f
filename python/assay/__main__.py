"""The command line: `python -m assay` and the command `assay` are the same."""

from __future__ import annotations

import sys

from assay import _assay


def main() -> int:
    """Runs the command line on `sys.argv` and returns its exit code."""
    sys.stdout.flush()
    return _assay.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
