"""`assay bench matmul`: what really ran is told from numbers; times are positive and nothing more."""
import platform
import subprocess
from pathlib import Path

import pytest

WAYS = {
    "float32": ("float32", "float32"),
    "float16 storage": ("float16", "wider than float16"),
    "float16 throughout": ("float16", "float16"),
    "float16 native": ("float16", "float16"),
}


@pytest.mark.parametrize("size", [96, 131])
def test_every_way_is_what_it_says(assay, size):
    result = assay("bench", "matmul", "--size", size, "--repeat", 2, "--json", code=0).result
    assert result["size"] == size
    names = [way["name"] for way in result["ways"]]
    assert names[:3] == list(WAYS)[:3]
    if platform.machine() == "x86_64":
        assert ("float16 native" in names) == ("avx512_fp16" in Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    for way in result["ways"]:
        assert (way["format"], way["accumulator"]) == WAYS[way["name"]]
        assert len(way["wall_ms"]) == 2
        assert way["gflops"] > 0
        assert way["emulated"] == (way["name"] in ("float16 storage", "float16 throughout"))


def test_the_table(assay):
    out = assay("bench", "matmul", "--size", 64, "--repeat", 1, code=0).out
    assert "results lie on" in out
    assert "(emulated)" in out


@pytest.mark.parametrize("words", [["--size", 0], ["--size", 16385], ["--size", "big"], ["--size", 8, "--repeat", 0]])
def test_wrong_words(assay, words):
    done = assay("bench", "matmul", *words, code=2)
    assert "A001" in done.err


def test_what_memory_does_not_hold(assay_path):
    words = ["bench", "matmul", "--repeat", "1", "--size"]
    limited = ["sh", "-c", 'ulimit -v 2000000 && exec "$@"', "sh", assay_path, *words]  # KiB
    done = subprocess.run([*limited, "16384"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--size 16384 needs 6.4 GB" in done.stderr
    assert "--size 9237 fits" in done.stderr
    assert subprocess.run([*limited, "64"], capture_output=True, check=False).returncode == 0
