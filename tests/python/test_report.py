"""The page of an audit, read as a browser shows it."""
import base64
import hashlib
import html
import json
import os
import re
import shlex
import shutil
import subprocess

import numpy as np
import onnx
import pytest

F = onnx.TensorProto.FLOAT


@pytest.fixture
def dom(tmp_path):
    """dom(page) -> the document after Chromium has laid it out, as text without tags."""
    browser = next((p for p in ("chromium", "chromium-browser", "google-chrome") if shutil.which(p)), None)
    if browser is None:
        pytest.skip("chromium is missing: tools/setup.sh test installs it")

    def read(page):
        done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                               f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()], capture_output=True,
                              text=True, timeout=120, check=False, env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        text = re.sub(r"<(style|script).*?</\1>", "", done.stdout, flags=re.S)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))

    return read


@pytest.fixture
def audited(assay, save_model, save_npz, tmp_path):
    """An audit of y = x with a score inside float16's rounding interval of 0.5; its page and its JSON."""
    model = save_model("m.onnx", [onnx.helper.make_node("Identity", ["x"], ["<score>"])], {"x": (F, ["N", 1])},
                       {"<score>": (F, ["N", 1])})
    data = save_npz("x.npz", x=np.array([[0.1], [0.49995], [0.9]], np.float32))
    np.save(tmp_path / "y.npy", np.array([0, 0, 1]))
    done = assay("audit", model, "--data", data, "--labels", tmp_path / "y.npy", "--decision", "threshold:0.5",
                 "--candidate", "f16-storage", "--candidate", "bf16-storage", "--html", tmp_path / "r.html", "--json",
                 code=1)
    return tmp_path / "r.html", done.result


def test_page_shows_the_numbers_behind_the_verdict(audited, dom):
    page, result = audited
    assert result["candidates"][0]["verdict"] == {"safe": 2, "at_risk": 0, "flips": 1}
    text = dom(page)
    for part in ("2 of 2 candidates decide otherwise", "1 flip", "0.49995", "negative → positive",
                 "output rounding alone", "[0.4998779296875, 0.5)", "Confusion matrices", "emulated", "strict-f32",
                 "&lt;score&gt;"):
        assert part in text, part


def test_page_needs_no_network_and_runs_its_own_script_alone(audited):
    html = audited[0].read_text()
    named = html.replace("http://www.w3.org/2000/svg", "")  # a vocabulary, which nothing is loaded from
    assert not re.search(r"https?://|<link|<img|url\(|@import", named)
    (policy,) = re.findall(r"script-src 'sha256-([^']+)'", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == policy


def test_several_audits_in_one_page(audited, assay, dom, tmp_path):
    page, result = audited
    for name in ("first", "second"):
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    assay("report", tmp_path / "first.json", tmp_path / "second.json", "--html", page, code=0)
    text = dom(page)
    assert text.count("Differences of outputs") == 4  # a tab and a heading each
    assert "first" in text
    assert "second" in text


def test_commands_of_the_page_are_commands(audited, assay):
    page = html.unescape(audited[0].read_text(encoding="utf-8"))
    commands = re.findall(r"<code>assay (profiles [^<]*)</code>", page)
    assert len(commands) == 2
    for command in commands:
        assay(*shlex.split(command), code=0)
