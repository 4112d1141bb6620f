"""Documents that are generated are current, and what the documents name exists."""
import re
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("document", "words"),
                         [("coreml-ops.md", ["ops", "--coreml", "--markdown"]),
                          ("codes.md", ["explain", "--markdown"])])
def test_generated_documents_are_current(assay, root, document, words):
    current = assay(*words, code=0).out
    assert (root / "docs" / document).read_text() == current, f"run assay {' '.join(words)} > docs/{document}"


def test_the_list_of_operators_is_current(assay_path, root):
    if not (root / "build/inputs/onnx-cases").is_dir():
        pytest.skip("the cases are not there: tools/setup.sh cases")
    done = subprocess.run([sys.executable, root / "tools/make_ops.py", "--stdout", "--assay", assay_path], check=True,
                          capture_output=True, text=True)
    assert (root / "docs/ops.md").read_text() == done.stdout, "run tools/make_ops.py"


def test_links_between_documents_lead_somewhere(root):
    for page in [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.relative_to(root)} links to {link}"


def test_every_operator_runs_or_is_upgraded(assay):
    rows = assay("ops", "--json", code=0).result
    names = [(r["domain"], r["name"]) for r in rows]
    assert names == sorted(names)
    assert sum(r["runs"] for r in rows) >= 75
    for row in rows:
        assert row["doc"].endswith("."), row["name"]
