#!/usr/bin/env python3
"""Runs examples/article/article.py cell by cell and writes what it shows: examples/article/article.ipynb and
docs/article.md, outputs included. With --check nothing is written: exit 1 when the outputs differ from the committed
ones, times (cells tagged "timing") aside.

usage: make_article.py [--check]
"""
import argparse
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "examples/article/article.py"
NOTEBOOK = SOURCE.with_suffix(".ipynb")
PAGE = ROOT / "docs/article.md"
HEAD = "<!-- Made from examples/article/article.py by tools/make_article.py: change it there. -->\n\n"


def executed():
    """The notebook with its outputs, free of what varies from run to run."""
    notebook = jupytext.read(SOURCE)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
    os.environ.setdefault("PYTHONPATH", str(ROOT / "build/dev/python"))
    os.environ.setdefault("VIRTUAL_ENV", sys.prefix)  # where the real ONNX Runtime is
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    return notebook


def joined(outputs):
    """Standard output as one text: how it is cut depends on timing. What libraries say on standard error goes."""
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    others = [o for o in outputs if o.output_type != "stream"]
    return ([nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []) + others


def free_of_times(text):
    """A table without its numbers, and without the row that only some processors have."""
    lines = [line for line in text.splitlines() if not line.startswith("float16 native")]
    return [" ".join(re.sub(r"[\d.,]+", "N", line).split()) for line in lines]


def timeless(notebook):
    """What must be the same in every run."""
    shown = []
    for cell in notebook.cells:
        timing = "timing" in cell.metadata.get("tags", [])
        outputs = [o.get("text", "") for o in cell.get("outputs", [])]
        shown.append((cell.source, [free_of_times(text) for text in outputs] if timing else outputs))
    return shown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    check = parser.parse_args().check
    notebook = executed()
    if check:
        committed = nbformat.read(NOTEBOOK, as_version=4)
        for new, old in zip(timeless(notebook), timeless(committed), strict=True):
            if new != old:
                sys.exit(f"make_article: this cell shows something else than the committed notebook:\n{new[0]}\n"
                         f"now: {new[1]}\nthen: {old[1]}")
        return
    nbformat.write(notebook, NOTEBOOK)
    page, _ = MarkdownExporter().from_notebook_node(notebook)
    page = re.sub(r"[ \t]+\n", "\n", page)
    PAGE.write_text(HEAD + re.sub(r"\n{3,}", "\n\n", page).strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
