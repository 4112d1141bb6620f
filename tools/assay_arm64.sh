#!/usr/bin/env bash
# The arm64 build's command line, under QEMU: what ASSAY names when tests run against it.
root=$(cd "$(dirname "$0")/.." && pwd)
exec qemu-aarch64 -L "$root/build/arm64-root" "$root/build/arm64/assay" "$@"
