#!/usr/bin/env bash
# What `make lint` runs: format, whitespace, ruff, direction of includes, and clang-tidy over the sources that differ
# from BASE (default: the newest commit of origin/main or main that this branch has; ALL=1 takes every source).
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format-16 --dry-run -Werror
.venv/bin/python tools/check_files.py
.venv/bin/ruff check
.venv/bin/python tools/check_includes.py

if [ "${ALL:-}" = 1 ]; then
  changed=$(git ls-files '*.cc')
else
  base=${BASE:-$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || echo HEAD)}
  changed=$(git diff --name-only --diff-filter=d "$base" -- '*.cc')
fi
# GCC's precompiled headers are none of Clang's: each source is read with what it includes itself.
mkdir -p build/lint
sed -E 's# -Winvalid-pch##; s# -include [^ ]*cmake_pch\.hxx##' build/dev/compile_commands.json > build/lint/compile_commands.json
known=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/dev/compile_commands.json | sort -u)
for file in $changed; do
  if grep -qxF "$PWD/$file" <<<"$known"; then echo "$file"; fi
done | xargs -r -P "$(nproc)" -n 4 clang-tidy-16 -quiet -p build/lint 2> >(grep -v "warnings generated" >&2)
