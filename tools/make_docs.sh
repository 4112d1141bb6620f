#!/usr/bin/env bash
# The documentation as a site in build/site (or the folder named): pages by MkDocs, the C++ API by Doxygen. Warnings are
# errors; but a member variable whose name and type say it all needs no comment.
set -euo pipefail
cd "$(dirname "$0")/.."
site=${1:-build/site}

# Without --quiet, which would keep --strict from seeing the warnings.
said=$(NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict --site-dir "$site" 2>&1) || {
  printf '%s\n' "$said" >&2
  exit 1
}
complaints=$( (cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = $site") | doxygen - 2>&1 |
  grep -v 'Member .* (variable) of .* is not documented' || true)
if [ -n "$complaints" ]; then
  printf '%s\n' "$complaints" >&2
  exit 1
fi
