"""The project's own scripts: set-up that does nothing twice, and the direction of includes."""
import subprocess
import sys

import pytest


def check_includes(root):
    return subprocess.run([sys.executable, "tools/check_includes.py", *([root] if root else [])], capture_output=True,
                          text=True, check=False)


@pytest.fixture
def tree(tmp_path, root, monkeypatch):
    """tree("src/num/a.h", text) makes a source tree to check."""
    monkeypatch.chdir(root)

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path

    return write


def test_includes_down_are_fine(tree):
    assert check_includes(tree("src/num/a.h", '#include <vector>\n\n#include "base/b.h"\n')).returncode == 0


@pytest.mark.parametrize(("path", "line", "says"), [
    ("src/base/a.cc", '#include "num/format.h"', "src/base/a.cc:1: base may not include num (num/format.h)"),
    ("src/exec/x/a.h", '# include "passes/p.h"', "exec may not include passes"),
    ("src/report/a.cc", '#include "exec/e.h"', "report may not include exec"),
    ("src/ir/a.h", "#include <nlohmann/json.hpp>", "too heavy for a header"),
    ("cli/main.cc", '#include "ops/table.h"', "cli may not include ops"),
    ("src/other/a.h", "", "src/other: not in the table"),
])
def test_wrong_arrows_are_named(tree, path, line, says):
    tree("src/base/ok.h", "")
    done = check_includes(tree(path, line + "\n"))
    assert done.returncode == 1
    assert says in done.stdout


def test_setup_is_quiet_when_all_is_there(root):
    done = subprocess.run(["tools/setup.sh", "build", "venv"], cwd=root, capture_output=True, text=True, check=False,
                          timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_setup_names_a_wrong_step(root):
    done = subprocess.run(["tools/setup.sh", "biuld"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unknown step: biuld" in done.stderr
