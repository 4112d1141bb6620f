"""The page of an audit in a browser: every tab and filter, the graph, the keyboard, dark, light and paper."""
import json
import re
import shutil
import subprocess

import numpy as np
import onnx
import pytest
from conftest import make_model
from onnx import helper

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: tools/setup.sh venv-test")
F = onnx.TensorProto.FLOAT
LIMIT = 3_000_000  # bytes


def deep(operations):
    """A model of images: a convolution, then so many small operations with skip connections, then a mean."""
    rng = np.random.default_rng(3)
    nodes = [helper.make_node("Conv", ["x", "w"], ["v0"], name="stem", pads=[1, 1, 1, 1])]
    weights = {"w": rng.normal(size=(4, 3, 3, 3)).astype(np.float32) / 5, "one": np.ones(1, np.float32)}
    for i in range(1, operations - 2):
        kind, other = ("Add", f"v{max(0, i - 7)}") if i % 7 == 0 else ("Mul", "one") if i % 2 else ("Sqrt", None)
        nodes.append(helper.make_node("Abs", [f"v{i - 1}"], [f"v{i}"], name=f"step{i}") if other is None else
                     helper.make_node(kind, [f"v{i - 1}", other], [f"v{i}"], name=f"step{i}"))
    nodes += [helper.make_node("GlobalAveragePool", [f"v{operations - 3}"], ["g"], name="pool"),
              helper.make_node("Flatten", ["g"], ["y"], name="flat")]
    return make_model(nodes, {"x": (F, ["N", 3, 12, 16])}, {"y": (F, ["N", 4])}, weights)


@pytest.fixture(scope="module")
def folder(assay_path, tmp_path_factory):
    """r.html and r.json of an audit with flips, images, a trace and blame; big.html of a model of 300 operations."""
    folder = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(4)
    images = rng.uniform(size=(40, 3, 12, 16)).astype(np.float32)
    images[1:6] = images[0] * np.float32(1.0001)  # nearly on the threshold that is chosen below
    np.savez(folder / "x.npz", x=images)
    np.savez(folder / "few.npz", x=images[-5:])  # no flip among them
    onnx.save(deep(24), folder / "m.onnx")
    onnx.save(deep(300), folder / "big.onnx")

    def run(*words, code):
        done = subprocess.run([assay_path, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in code, done.stderr
        return done.stdout

    run("run", "m.onnx", "--input", "x.npz", "--output", "y.npz", code=[0])
    score = np.load(folder / "y.npz")["y"][0, 0]
    words = ["--decision", f"threshold:{score}", "--score", "index(y, 0)", "--trace"]
    out = run("audit", "m.onnx", *words, "--data", "x.npz", "--candidate", "bf16-storage", "--candidate",
              "coreml-nn-gpu", "--blame", "--html", "r.html", "--json", code=[0, 1])
    (folder / "r.json").write_text(out)
    run("audit", "big.onnx", *words, "--data", "few.npz", "--trace-exact", "1", "--candidate", "f16-storage",
        "--candidate", "coreml-nn-gpu", "--candidate", "bf16-storage", "--html", "big.html", code=[0, 1])
    return folder


@pytest.fixture(scope="module")
def result(folder):
    return json.loads((folder / "r.json").read_text())["result"]


@pytest.fixture(scope="module")
def browser():
    path = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    if path is None:
        pytest.skip("chromium is missing: tools/setup.sh test installs it")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, folder):
    """open_page("r.html") -> the page; it must neither complain nor ask for anything."""
    contexts, said = [], []

    def open_page(name="r.html", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith("data:") else None)
        page.goto((folder / name).as_uri())
        assert said.pop(0) == (folder / name).as_uri()
        return page

    yield open_page
    assert not said
    for context in contexts:
        context.close()


def shown(page, what):
    return [e for e in page.locator(what).all() if e.is_visible()]


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel", name=name, exact=True)


def test_it_shows_what_was_found(open_page, result):
    page = open_page()
    assert result["candidates"][0]["verdict"]["flips"] > 0  # else this tests nothing
    assert "decide otherwise" in page.locator(".lead").inner_text()
    assert page.locator(".card").count() == 2


@pytest.mark.parametrize("name", ["r.html", "big.html"])
def test_every_tab_shows_its_panel_alone(open_page, name):
    page = open_page(name)
    tabs = page.get_by_role("tab").all()
    assert len(tabs) == (8 if name == "r.html" else 7)  # no blame was searched for the big one
    for one in tabs:
        one.click()
        assert one.get_attribute("aria-selected") == "true"
        (panel,) = shown(page, "[role=tabpanel]")
        assert panel.get_attribute("id") == one.get_attribute("aria-controls")
        assert len(panel.inner_text()) > len(one.inner_text())
    assert page.locator("[aria-selected=true]").count() == 1


def test_tabs_work_by_keyboard(open_page):
    page = open_page()
    focused = "document.activeElement.textContent"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "To the audits"  # past the header in one step
    page.keyboard.press("Tab")
    for key, name in (("", "Overview"), ("ArrowRight", "Decisions that change"), ("End", "Run it again"),
                      ("ArrowRight", "Overview"), ("ArrowLeft", "Run it again"), ("Home", "Overview")):
        if key:
            page.keyboard.press(key)
        assert page.evaluate(focused) == name
        assert page.get_by_role("tabpanel", name=name, exact=True).is_visible()
    page.keyboard.press("Tab")  # on to the panel, not to the other tabs
    assert page.evaluate("document.activeElement.id") == "audit-0-overview"


SEEN = """rows => rows.filter(r => r.offsetParent !== null && r.getBoundingClientRect().height > 0)
                       .map(r => ({data: {...r.dataset}, text: r.textContent.toLowerCase()}))"""


def test_every_filter_keeps_what_it_says(open_page):
    page = open_page()
    tried = 0
    for name in ("Decisions that change", "Operations", "Blame", "Evidence"):
        panel = tab(page, name)
        for box in shown(page, ".filters[data-of]"):
            of = box.get_attribute("data-of")
            root = box.locator("xpath=ancestor::*[contains(@class,'ops')]") if of == "optable" else panel
            rows = root.locator(f".{of} tbody tr")
            everything = rows.evaluate_all(SEEN)
            assert everything
            assert box.locator("output").inner_text() == f"{len(everything)} of {len(everything)}"
            for select in box.locator("select").all():
                key = select.get_attribute("data-key")
                for value in select.locator("option").all_inner_texts()[1:]:
                    select.select_option(value)
                    assert rows.evaluate_all(SEEN) == [row for row in everything if row["data"][key] == value]
                    tried += 1
                select.select_option("all")
            search = box.locator("input")
            word = everything[0]["text"].split()[0]
            search.fill(word.upper())
            assert rows.evaluate_all(SEEN) == [row for row in everything if word in row["text"]]
            search.fill("no row has this")
            assert box.locator("output").inner_text() == f"0 of {len(everything)}"
            search.fill("")
    assert tried >= 10


def test_the_graph_tells_of_each_operation(open_page, result):
    page = open_page()
    panel = tab(page, "Operations")
    ops = result["candidates"][0]["trace"]["ops"]
    block = panel.locator(".ops").first
    nodes = block.locator("g.n")
    assert nodes.count() == len(ops) == 24
    assert block.locator(".e path").count() == sum(len(op["reads"]) for op in ops)
    nodes.nth(3).click()
    detail = block.locator(".detail")
    assert detail.locator("h4").inner_text() == f"{ops[3]['type']} '{ops[3]['node']}'"
    assert "are all stored as" in detail.inner_text()
    assert detail.locator("svg").count() >= 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert detail.locator("h4").inner_text() == f"{ops[4]['type']} '{ops[4]['node']}'"
    block.locator("button.op").last.click()
    assert detail.locator("h4").inner_text() == "Flatten 'flat'"
    assert block.locator("g.n[tabindex='0']").count() == 1  # one stop for the keyboard, not one for each operation


def test_colours_change_with_the_error_that_is_asked_for(open_page):
    page = open_page()
    block = tab(page, "Operations").locator(".ops").first
    fills = "nodes => nodes.map(n => getComputedStyle(n).fill)"
    introduced = block.locator("g.n rect").evaluate_all(fills)
    block.locator("select.by").select_option("accumulated")
    accumulated = block.locator("g.n rect").evaluate_all(fills)
    assert introduced != accumulated
    assert len(set(introduced)) >= 2


def test_another_candidate_may_be_chosen(open_page):
    page = open_page()
    panel = tab(page, "Operations")
    panel.locator("select.which").select_option("coreml-nn-gpu")
    (block,) = shown(page, ".ops")
    assert block.get_attribute("data-candidate") == "coreml-nn-gpu"


def test_samples_that_are_images_are_shown(open_page, result):
    page = open_page()
    panel = tab(page, "Decisions that change")
    flips = result["candidates"][0]["flips"]
    images = panel.locator("tr[data-candidate=bf16-storage] img")
    assert images.count() == len(flips) + len(result["candidates"][0]["at_risk"])
    assert images.first.get_attribute("alt") == f"sample {flips[0]['sample']}"
    assert images.first.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [16, 12]


def luminance(colour):
    parts = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(open_page, scheme):
    page = open_page(color_scheme=scheme)
    card = luminance(page.locator("section").first.evaluate("e => getComputedStyle(e).backgroundColor"))
    assert (card > 0.5) == (scheme == "light")
    for what in ("h1", ".soft", ".card .big", ".lead", "footer", "[role=tab]"):
        ink = luminance(page.locator(what).first.evaluate("e => getComputedStyle(e).color"))
        contrast = (max(card, ink) + 0.05) / (min(card, ink) + 0.05)
        assert contrast >= 4.5, (what, contrast)  # WCAG 2.1 AA


def test_paper_has_everything(open_page):
    page = open_page()
    tab(page, "Evidence")
    page.emulate_media(media="print", color_scheme="dark")
    assert len(shown(page, "[role=tabpanel]")) == page.locator("[role=tabpanel]").count() == 8
    assert not shown(page, "[role=tab]")
    assert not shown(page, ".filters")
    assert len(shown(page, ".panel > h3")) == 8
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 20_000


def test_without_scripts_everything_is_there(open_page):
    page = open_page(java_script_enabled=False)
    assert len(shown(page, "[role=tabpanel]")) == 8
    assert not shown(page, "[role=tab]")
    assert not shown(page, ".filters")
    assert shown(page, "g.n")


@pytest.mark.parametrize("name", ["r.html", "big.html"])
def test_assistive_technology_is_told_what_is_what(open_page, name):
    page = open_page(name)
    ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    for attribute in ("aria-controls", "aria-labelledby"):
        named = page.locator(f"[{attribute}]").evaluate_all(f"all => all.map(e => e.getAttribute('{attribute}'))")
        assert set(named) <= set(ids)
    for what in ("img:not([alt])", "svg[role]:not([aria-label])", "g.n:not([aria-label])", "button:empty",
                 "label:not(:has(input, select))", "html:not([lang])"):
        assert page.locator(what).count() == 0, what


def test_a_model_of_300_operations_fits(open_page, folder):
    assert (folder / "big.html").stat().st_size < LIMIT
    page = open_page("big.html")
    panel = tab(page, "Operations")
    assert panel.locator(".ops").count() == 3
    assert panel.locator(".ops").first.locator("g.n").count() == 300


def test_the_policy_lets_no_other_script_run(folder, browser):
    text = (folder / "r.html").read_text()
    (folder / "evil.html").write_text(text.replace("<main", "<script>document.title = 'evil'</script><main", 1))
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto((folder / "evil.html").as_uri())
    assert page.title() == "Assay report"
    assert "Content Security Policy" in said[0]
    assert page.locator("html.js").count() == 1  # ours runs
    page.close()


def test_a_saved_result_gives_the_same_page(folder, assay_path):
    subprocess.run([assay_path, "report", "r.json", "-o", "again.html"], cwd=folder, check=True, capture_output=True)
    original, again = ((folder / name).read_text() for name in ("r.html", "again.html"))
    graph = re.compile(r"<div class=\"graph\">.*?</div>", re.S)
    assert graph.findall(original) == graph.findall(again)
    assert len(graph.findall(again)) == 2


def test_on_a_phone_long_names_wrap(assay_path, open_page, folder):
    """Nothing but tables and the graph scrolls sideways."""
    long = folder / ("a_folder_with_a_name_that_is_longer_than_a_phone_is_wide_" * 2)
    long.mkdir()
    shutil.copy(folder / "m.onnx", long)
    subprocess.run([assay_path, "audit", long / "m.onnx", "--data", folder / "few.npz", "--decision", "threshold:0.5",
                    "--score", "index(y, 0)", "--candidate", "bf16-storage", "--html", "phone.html"], cwd=folder,
                   capture_output=True, check=False)
    page = open_page("phone.html", viewport={"width": 375, "height": 800})
    for name in ("Overview", "Evidence", "Run it again"):
        tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
