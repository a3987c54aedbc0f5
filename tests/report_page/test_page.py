"""The page in a browser: it sorts, searches, zooms, chooses and judges, without a request."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiolabels import expand, read_labels, sample_path
from audiolabels.report_page import page_content, write_page

pytestmark = pytest.mark.slow
HOSTILE = (
    "</script><script>document.title='owned'</script>]]><img src=x onerror=alert(1)>\u202e\u2028"
)


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens the page of a content, and at the end fails on any message or request."""
    wrong: list[str] = []
    contexts = []

    def opened(content: dict[str, Any], **options: Any) -> Any:
        path = tmp_path / "report.html"
        assert write_page(content, path) == path.stat().st_size < 6_000_000
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda r: wrong.append(r.url) if r.url != path.as_uri() and not
                r.url.startswith(("data:", "blob:")) else None)  # fmt: skip
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return page_content([sample_path()])


def first_cells(page: Any, count: int) -> list[str]:
    return page.locator("#table tbody tr td:first-child").all_inner_texts()[:count]


def test_the_table_sorts_and_searches(visit: Any, sample: dict[str, Any]) -> None:
    page = visit(sample)
    table = expand(read_labels(sample_path()), "pe-cml").summary()
    by_count = table.sort_values("positive", ascending=False, kind="stable")["name"].tolist()
    assert first_cells(page, 5) == by_count[:5]
    page.get_by_role("button", name="class", exact=True).press("Enter")
    assert first_cells(page, 2) == sorted(table["name"], key=str.lower)[:2]
    page.get_by_role("button", name="positive", exact=True).click()
    page.get_by_role("button", name="positive", exact=True).click()
    assert page.locator("th[aria-sort=ascending]").inner_text() == "positive"
    page.fill("#search", "guitar")
    assert page.locator("#shown").inner_text() == "6 of 527 classes"
    assert all("guitar" in name.lower() for name in first_cells(page, 9))


def test_the_tree_zooms_and_is_coloured(visit: Any, sample: dict[str, Any]) -> None:
    page = visit(sample)
    assert page.locator("#tree .slice").count() > 20
    page.locator("#tree .slice", has_text="Animal").first.click()
    page.wait_for_function("document.querySelector('#class').selectedOptions[0].text === 'Animal'")
    page.wait_for_function(
        "[...document.querySelectorAll('#tree text')].some(t => t.textContent.includes('Dog'))"
    )
    for colour in ("given", "gain", "unknown", "prior"):
        page.select_option("#colour", colour)
    page.select_option("#shape", "sunburst")
    page.wait_for_selector("#tree .sunburstlayer")


def test_clips_of_a_class_and_state(visit: Any, sample: dict[str, Any]) -> None:
    page = visit(sample)
    page.select_option("#class", label="Guitar")
    page.select_option("#state", "unknown")
    guitar = sample["names"].index("Guitar")
    ids = [sample["clips"][n]["id"] for n in sample["examples"]["unknown"][guitar]]
    assert page.locator("#examples strong").all_inner_texts() == ids


def test_it_fits_a_phone(visit: Any, sample: dict[str, Any]) -> None:
    page = visit(sample, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_verdicts_are_kept_and_handed_out(
    visit: Any, sample: dict[str, Any], tmp_path: Path
) -> None:
    ids = [clip["id"] for clip in sample["clips"][:3]]
    audit = [
        {"clip_id": id_, "id": "/m/0342h", "name": "Guitar", "kind": "missing", "evidence": "sure",
         "suspicion": "0.9", "clip": number}
        for number, id_ in enumerate(ids)
    ]  # fmt: skip
    page = visit({**sample, "audit": audit})
    page.keyboard.press("p")
    page.get_by_role("button", name="absent (A)").click()
    page.keyboard.press("k")
    assert page.locator("#progress").inner_text() == "2 of 3, 2 judged"
    page.reload()
    page.wait_for_selector("body[data-ready]")
    assert page.locator("#progress").inner_text() == "1 of 3, 2 judged"
    with page.expect_download() as waiting:
        page.click("#download")
    waiting.value.save_as(tmp_path / "verdicts.csv")
    rows = [*csv.DictReader((tmp_path / "verdicts.csv").read_text("utf-8").splitlines())]
    assert rows == [
        {"clip_id": ids[0], "id": "/m/0342h", "verdict": "present"},
        {"clip_id": ids[1], "id": "/m/0342h", "verdict": "absent"},
    ]


def hostile(sample: dict[str, Any]) -> dict[str, Any]:
    names = [HOSTILE + name for name in sample["names"]]
    clips = [{**clip, "id": HOSTILE} for clip in sample["clips"]]
    nodes = [(HOSTILE + name, parent, column) for name, parent, column in sample["nodes"]]
    finding = {
        "kind": HOSTILE,
        "fate": HOSTILE,
        "reason": HOSTILE,
        "count": 1,
        "examples": [HOSTILE],
    }
    audit = [{"clip_id": HOSTILE, "id": HOSTILE, "name": HOSTILE, "kind": HOSTILE,
              "evidence": HOSTILE, "suspicion": HOSTILE, "clip": 0}]  # fmt: skip
    return {**sample, "title": HOSTILE, "names": names, "clips": clips, "nodes": nodes,
            "facts": [(HOSTILE, HOSTILE)], "findings": [finding], "audit": audit}  # fmt: skip


def test_hostile_texts_change_nothing(visit: Any, sample: dict[str, Any]) -> None:
    page = visit(hostile(sample))
    assert page.title().startswith("</script>")
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 4  # data, plotly packed, ours, plotly unpacked
    assert page.locator("#title").inner_text().startswith("</script><script>")
    page.click("#download")


def test_the_data_in_the_file_are_the_content(sample: dict[str, Any], tmp_path: Path) -> None:
    content = hostile(sample)
    write_page(content, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert json.loads(data) == json.loads(json.dumps(content))


def test_the_command(tmp_path: Path) -> None:
    made = [sys.executable, "-m", "audiolabels", "report", str(sample_path()), "-o", "r.html"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 clips, 527 classes, ")
    assert (tmp_path / "r.html").stat().st_size < 6_000_000
    again = subprocess.run([*made[:-1], str(sample_path())], cwd=tmp_path, capture_output=True,
                           text=True, check=False)  # fmt: skip
    assert "is an input" in again.stderr
