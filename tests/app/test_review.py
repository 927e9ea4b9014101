"""The page that photos are looked through on, in headless Chromium.  S2I_SCREENSHOTS keeps pictures of it."""

import os
from pathlib import Path

import pytest
from helpers.browser import NEEDED, browser, find, press, wait
from helpers.houses import house
from helpers.ports import free_port
from PIL import Image

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from s2i.app import review, server
from s2i.core import records
from s2i.core.params import Ingest, Workers
from s2i.dataset.ingest.photos import ingest
from s2i.dataset.review.items import items
from s2i.dataset.review.photos_table import PhotosTable

pytestmark = NEEDED


def ingested(folder):
    """Ingest the photos of a folder into data/ingested beside it, with captions as the caption stage writes them."""
    target = folder.parent / "data/ingested"
    target.mkdir(parents=True, exist_ok=True)
    found, _ = ingest(folder, target, 64, 0, Ingest(), Workers(count=1))
    captions = {record["id"]: record.get("given_caption", f"about {record['source']}") for record in found}
    records.write([record | {"caption": captions[record["id"]]} for record in found], target)
    return {record["source"]: record for record in found}


@pytest.fixture
def photos(tmp_path):
    """Twelve photos, and a near-duplicate that ingest refuses; photos.csv has their splits and a column of its own."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = ["file,split,windows"]
    for number in range(12):
        Image.fromarray(house(number)).save(folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{('train', 'val', 'test')[number % 3]},{number}")
    (folder / "twin.png").write_bytes((folder / "02.png").read_bytes() + b" ")
    (folder / "photos.csv").write_text("\n".join([*rows, "twin.png,train,2"]), encoding="utf-8")
    return folder


@pytest.fixture
def page(photos):
    assert "twin.png" not in ingested(photos)
    found, table = items(photos.parent / "data", photos), PhotosTable(photos)
    with server.hosted(lambda folder: review.build(found, table), server.ServerSettings(port=free_port())) as (_, url):
        driver = browser()
        driver.get(url)
        wait(driver, lambda: name(driver).startswith("1 of 12: 00.png"))
        yield driver
        driver.quit()


def name(driver):
    return " ".join(" ".join(element.text for element in driver.find_elements("css selector", "#name")).split())


def do(driver, button, said):
    press(driver, button)
    wait(driver, lambda: said in find(driver, "#said").text)


def write(driver, selector, text):
    field = find(driver, f"{selector} textarea, {selector} input")
    field.clear()
    field.send_keys(text)


def choose(driver, which):
    (radio,) = [label for label in driver.find_elements("css selector", "#which label") if label.text == which]
    driver.execute_script("arguments[0].click()", radio.find_element("css selector", "input"))


def test_captions_are_mended_photos_refused_and_near_duplicates_accepted(page, photos):
    before = {path: path.read_bytes() for path in photos.parent.rglob("*") if path.is_file()}
    wait(page, lambda: page.find_elements("css selector", "#images img"))
    assert find(page, "#caption textarea, #caption input").get_attribute("value") == "about 00.png"
    write(page, "#caption", "a red barn, seen from the left")
    do(page, "#save", "00.png: caption saved")
    press(page, "#next")
    wait(page, lambda: name(page).startswith("2 of 12: 01.png"))
    write(page, "#reason", "blurred")
    do(page, "#refuse", "01.png: refused")
    if folder := os.environ.get("S2I_SCREENSHOTS"):
        page.save_screenshot(str(Path(folder) / "review.png"))
    choose(page, "near-duplicates")
    wait(page, lambda: "refused as a near-duplicate of 02.png" in name(page))
    wait(page, lambda: len(page.find_elements("css selector", "#images img")) >= 2)
    do(page, "#accept", "twin.png: accepted as another motif")

    after = {path: path.read_bytes() for path in photos.parent.rglob("*") if path.is_file()}
    assert {path.name for path in after if before.get(path) != after[path]} == {"photos.csv"}
    lines = (photos / "photos.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [
        "file,split,windows,caption,refused,distinct",
        '00.png,train,0,"a red barn, seen from the left",,',
        "01.png,val,1,,blurred,",
    ]
    used = ingested(photos)
    assert "twin.png" in used and "01.png" not in used
    assert used["00.png"]["given_caption"] == "a red barn, seen from the left"

    choose(page, "refused by you")
    wait(page, lambda: name(page).startswith("1 of 1: 01.png"))
    do(page, "#take-back", "01.png: no longer refused")
    assert "01.png" in ingested(photos)


def test_a_table_that_would_lose_something_is_said_on_the_page(page, photos):
    with open(photos / "photos.csv", "a", encoding="utf-8") as file:
        file.write("\nlost.png\n")
    before = (photos / "photos.csv").read_bytes()
    press(page, "#save")
    wait(page, lambda: "Not written: " in find(page, "#said").text and "cannot be kept" in find(page, "#said").text)
    assert (photos / "photos.csv").read_bytes() == before
