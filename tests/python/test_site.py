"""The documentation as a site: built without a warning, every link leads somewhere, nothing is loaded from elsewhere;
and the commands that pages show print what is shown."""
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import fill_console  # noqa: E402

PAGES_WITH_COMMANDS = sorted(p for p in (ROOT / "docs").rglob("*.md") if "```console" in p.read_text())
NEEDED = [shutil.which("doxygen"), (ROOT / ".venv/bin/mkdocs").is_file()]


LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Page(HTMLParser):
    """The links of a page, what it loads, and the places in it that links can name."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.places = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if (tag, name) in LOADS and value:
                self.loaded.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.places.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """{path: Page} of the site as `make docs` builds it; 404.html, whose links start at a server's root, left out."""
    if not all(NEEDED):
        pytest.skip("needs doxygen and mkdocs: tools/setup.sh test venv-test")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([ROOT / "tools/make_docs.sh", folder], capture_output=True, text=True, check=False,
                          timeout=300)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return {p: Page(p.read_text()) for p in folder.rglob("*.html") if p.name != "404.html"}


def test_links_lead_somewhere(site):
    wrong = []
    for path, page in site.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists() or (place and target in site and place not in {*site[target].places, "__top"}):
                wrong.append(f"{path.name}: {link}")
    assert not wrong
    (namespace,) = (path for path in site if path.name == "namespaceassay.html")
    assert "code_table" in namespace.read_text()  # functions too, not only classes
    names = {path.parent.name + "/" + path.name for path in site}
    assert {"cpp/classassay_1_1Program.html", "cpp/structassay_1_1commands_1_1AuditRequest.html"} <= names


def test_nothing_is_loaded_from_elsewhere(site):
    assert [(p.name, u) for p, page in site.items() for u in page.loaded if urlsplit(u).netloc] == []
    folders = {path.parent for path in site}
    styles = {style for folder in folders for style in folder.rglob("*.css")}
    assert styles
    for style in styles:
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text()), style


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda p: p.name)
def test_pages_show_what_commands_print(page, assay_path):
    text = page.read_text()
    assert fill_console.fill(text, Path(assay_path)) == text, f"run tools/fill_console.py {page.relative_to(ROOT)}"
