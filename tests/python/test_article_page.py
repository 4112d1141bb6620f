"""The article's code shows what the committed notebook and page say that it shows."""
import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def notebook(root):
    return json.loads((root / "examples/article/article.ipynb").read_text(encoding="utf-8"))


def shown(notebook):
    return "".join("".join(output["text"]) for cell in notebook["cells"] for output in cell.get("outputs", []))


def test_running_it_again_shows_the_same(root):
    done = subprocess.run([sys.executable, root / "tools/make_article.py", "--check"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_the_articles_numbers(notebook):
    text = shown(notebook)
    for number in ("0.6480752", "-0.34015813", "1.4329923", "0.6484375", "-0.34033203", "1.4326172",
                   "[0.4998779296875, 0.5)", "FLOAT32", "float16, 39 bits of evidence"):
        assert number in text, number
    assert "/tmp/" not in text


def test_the_page_has_the_same_outputs(root, notebook):
    page = (root / "docs/article.md").read_text(encoding="utf-8")
    for line in shown(notebook).splitlines():
        assert line.strip() in page


def test_a_program_that_is_not_there_is_said_in_a_sentence(root):
    words = [sys.executable, root / "tools/article.py", "--assay", "/nope"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == ["article: /nope is no program; `make build` makes it, or name another with "
                                        "--assay"]
