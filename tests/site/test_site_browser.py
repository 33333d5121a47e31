"""The site as a reader meets it: opened from the disk in a headless Chromium, on a wide screen and on a phone.

Needs chromium and chromium-driver (Debian's packages of these names) or Chrome with its driver on PATH.
"""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
)
IMAGES = """
const images = [...document.images];
images.forEach(image => image.loading = "eager");
await Promise.all(images.map(image => image.decode().catch(() => null)));
return images.map(image => [image.getAttribute("src"), image.naturalWidth, image.getAttribute("alt")]);
"""
LINKS = 'return [...document.querySelectorAll("a[href], link[href]")].map(link => link.href)'
FORMULAS = """
return [...document.querySelectorAll("article .math")].map(
  formula => formula.querySelector("svg path").getBoundingClientRect().width);
"""
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
# A part that lies outside the screen is well placed only where something around it, smaller than the page, scrolls.
CUT_OFF = """
const scrolls = part =>
  part.tagName !== "ARTICLE" && (scrolling(getComputedStyle(part)) || scrolls(part.parentElement));
const scrolling = style => ["auto", "scroll"].includes(style.overflowX) && style.display !== "inline";
return [...document.querySelectorAll("article *")]
  .filter(part => part.getBoundingClientRect().right > innerWidth + 1 && !scrolls(part))
  .map(part => part.outerHTML.slice(0, 200));
"""

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no chromium or chromedriver on PATH: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module", params=SIZES)
def browser(request: pytest.FixtureRequest) -> Iterator[webdriver.Chrome]:
    """A browser of one screen size that notes what it asks for and what goes wrong."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    width, height = SIZES[request.param]
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": request.param == "phone"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    yield driver
    driver.quit()


def pages_of(site: Path) -> list[Path]:
    """Every page, of which there are at least those that were asked for."""
    pages = sorted(site.rglob("*.html"))
    names = {str(page.relative_to(site)) for page in pages}
    assert {"index.html", "gallery.html", "runs.html", "environment.html", "notebooks/12_agm.html"} <= names
    return pages


def asked_for(browser: webdriver.Chrome) -> list[str]:
    """The addresses the browser asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def test_every_page_opens_without_an_error_and_without_a_network(browser, site):
    for page in pages_of(site):
        browser.get(page.as_uri())
        assert "mmlib" in browser.title and browser.find_element("css selector", "article").is_displayed(), page
        assert [entry["message"] for entry in browser.get_log("browser")] == [], page
        addresses = asked_for(browser)
        assert page.as_uri() in addresses
        assert [address for address in addresses if not address.startswith(("file:", "data:"))] == [], page


def test_every_image_loads_and_has_words(browser, site):
    seen = 0
    for page in pages_of(site):
        browser.get(page.as_uri())
        for source, width, words in browser.execute_script(f"return (async () => {{{IMAGES}}})()"):
            assert width > 0, (page, source)
            assert words and words.strip() and not words.endswith((".png", ".svg")), (page, source)
            seen += 1
    assert seen >= 5  # the opening one, two in the gallery, two in a notebook


def test_every_link_within_the_site_leads_somewhere(browser, site):
    for page in pages_of(site):
        browser.get(page.as_uri())
        for link in browser.execute_script(LINKS):
            address, anchor = urldefrag(link)
            if address.startswith("file:"):
                target = Path(unquote(urlsplit(address).path))
                assert target.is_file() and site in target.parents, (page, link)
                assert not anchor or unquote(anchor) in anchors_of(target), (page, link)


@cache
def anchors_of(page: Path) -> set[str]:
    """The ids of the page's elements."""
    found = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find_all(id=True)
    return {element["id"] for element in found}


def test_nothing_sticks_out_of_the_screen(browser, site):
    for page in pages_of(site):
        browser.get(page.as_uri())
        assert browser.execute_script(OVERFLOW) <= 0, page
        assert browser.execute_script(CUT_OFF) == [], page


def test_formulas_are_drawn(browser, site):
    browser.get((site / "notebooks" / "12_agm.html").as_uri())
    widths = browser.execute_script(FORMULAS)
    assert len(widths) == 3 and min(widths) > 0
    assert "$" not in browser.find_element("css selector", "article section p").text
