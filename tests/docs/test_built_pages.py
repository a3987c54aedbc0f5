"""The built documentation: every link leads somewhere, and no page is wider than a phone."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 844}
LINKS = {"a": "href", "link": "href", "img": "src", "script": "src"}

# How far the text reaches, in pixels from the left of the window. The theme's column around the
# article scrolls, so the width of the document alone would say nothing.
REACH = """() => {
  const article = document.querySelector('article');
  const text = article.getBoundingClientRect().left + article.scrollWidth;
  return Math.max(text, document.documentElement.scrollWidth);
}"""


class Page(HTMLParser):
    """Ids of a page, and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {found[name] or "" for name in ("id", "name") if name in found}
        if link := found.get(LINKS.get(tag, "")):
            self.links.append(link)


def broken_links(folder: Path) -> list[str]:
    """`page: link` for each link within the folder to a file or id that is not there."""
    pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            known = target.is_file() and (
                not anchor or target not in pages or anchor in pages[target].ids
            )
            if not known:
                broken.append(f"{path.relative_to(folder.resolve())}: {link}")
    return broken


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, ROOT / "docs", folder]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) > 60
    assert broken_links(site) == []


@pytest.mark.parametrize(
    ("link", "works"),
    [
        ('<a href="other.html#there">', True),
        ('<a href="#here">', True),
        ('<img src="picture.png?v=1">', True),
        ('<a href="https://example.org/nothing">', True),
        ('<a href="nothing.html">', False),
        ('<a href="other.html#nothing">', False),
        ('<a href="#nothing">', False),
        ('<img src="nothing.png">', False),
    ],
)
def test_the_check_finds_broken_links(tmp_path: Path, link: str, works: bool) -> None:
    (tmp_path / "page.html").write_text(f'<h1 id="here">{link}', "utf-8")
    (tmp_path / "other.html").write_text('<h2 id="there">', "utf-8")
    (tmp_path / "picture.png").touch()
    assert bool(broken_links(tmp_path)) != works


def test_both_notebooks_are_pages_with_their_outputs(site: Path) -> None:
    for notebook in (ROOT / "examples").glob("*.ipynb"):
        page = (site / "notebooks" / notebook.name).with_suffix(".html").read_text("utf-8")
        assert 'class="cell_output' in page
        assert "<img" in page


def test_no_page_is_wider_than_a_phone(site: Path, browser: Any) -> None:
    page = browser.new_context(viewport=PHONE).new_page()
    reach = {}
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        reach[str(path.relative_to(site))] = page.evaluate(REACH)
    assert {name: pixels for name, pixels in reach.items() if pixels > PHONE["width"]} == {}


@pytest.mark.parametrize(("style", "fits"), [("overflow: auto", True), ("", False)])
def test_the_check_finds_what_is_too_wide(browser: Any, style: str, fits: bool) -> None:
    page = browser.new_context(viewport=PHONE).new_page()
    page.set_content(f"<article><pre style='{style}'>{'wide ' * 99}</pre></article>")
    assert (page.evaluate(REACH) <= PHONE["width"]) is fits
