"""The app in a real browser, headless Chromium.  S2I_SCREENSHOTS names a folder that screenshots are kept in.

Without a browser the tests are skipped; with S2I_BROWSER=required they fail.
"""

import os
import threading
import time
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from helpers.browser import NEEDED, PATIENCE, browser, find, press, wait
from helpers.ports import free_port
from PIL import Image

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from s2i.app import server, suggestions
from s2i.app.worker import Worker
from s2i.generation import find_model
from s2i.generation.model import SketchToImage
from s2i.imaging import edges

pytestmark = NEEDED
PROJECT = Path(__file__).parents[2]
HOUSE = [
    [(0.25, 0.45), (0.75, 0.45), (0.75, 0.8), (0.25, 0.8), (0.25, 0.45)],
    [(0.2, 0.45), (0.5, 0.2), (0.8, 0.45)],
    [(0.33, 0.53), (0.45, 0.53), (0.45, 0.65), (0.33, 0.65), (0.33, 0.53)],
    [(0.55, 0.53), (0.67, 0.53), (0.67, 0.65), (0.55, 0.65), (0.55, 0.53)],
]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The app with the embedded base, and the ControlNet that was pretrained on edges, in few steps."""
    folder = tmp_path_factory.mktemp("project")
    values = yaml.safe_load((PROJECT / "params.yaml").read_text())
    values |= {"base": str(PROJECT / "data/base"), "generate": {"steps": 8, "guidance_scale": 3.0}}
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    Image.fromarray(drawn_house(128)).save(folder / "example.png")
    words = {"structure": ["house", "tower"], "color": ["red", "white"], "material": ["brick", "wood"]}
    suggested = suggestions.Suggestions(words, [(str(folder / "example.png"), "tower of white made of stone")])
    settings = server.ServerSettings(port=free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trained = find_model.find(PROJECT / "data/base")
    with server.running(lambda: SketchToImage(trained), trained.params, suggested, settings) as (_, address):
        yield address


@pytest.fixture(scope="module")
def desktop(url):
    driver = browser()
    open_page(driver, url)
    yield driver
    driver.quit()


def open_page(driver, url):
    driver.get(url)
    wait(driver, lambda: driver.execute_script("return typeof window.s2iSketch === 'function'"))


def status(driver):
    return find(driver, "#status").text


def drawn_house(side):
    sketch = np.full((side, side), 255, np.uint8)
    for stroke in HOUSE:
        cv2.polylines(sketch, [(np.array(stroke) * side).astype(np.int32)], False, 0, max(1, side // 100))
    return sketch


def draw_house(driver):
    canvas = find(driver, "#canvas canvas")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    side = canvas.size["width"]
    for stroke in HOUSE:
        points = [((x - 0.5) * side, (y - 0.5) * side) for x, y in stroke]
        actions = ActionChains(driver, duration=20).move_to_element_with_offset(canvas, *map(int, points[0]))
        actions.click_and_hold()
        for (x, y), (next_x, next_y) in pairwise(points):
            actions.move_by_offset(int(next_x) - int(x), int(next_y) - int(y))
        actions.release().perform()


def type_prompt(driver, text):
    prompt = find(driver, "#prompt textarea, #prompt input")
    prompt.clear()
    prompt.send_keys(text)


def image(driver):
    """The image that is shown, as the page has it."""
    links = wait(driver, lambda: driver.find_elements(By.CSS_SELECTOR, "#compare img"))
    read = (
        "const [url, done] = arguments; fetch(url).then(r => r.arrayBuffer()).then(b => done([...new Uint8Array(b)]))"
    )
    driver.set_script_timeout(PATIENCE)
    sources = list(dict.fromkeys(link.get_attribute("src") for link in links))
    images = [Image.open(BytesIO(bytes(driver.execute_async_script(read, source)))) for source in sources]
    (drawn,) = [one for one in images if "parameters" in one.text]
    return drawn


def keep(driver, name):
    """Keep a screenshot of the whole page."""
    if folder := os.environ.get("S2I_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = driver.execute_script("window.scrollTo(0, 0); return document.documentElement.scrollHeight")
        metrics = {"width": driver.execute_script("return innerWidth"), "height": height}
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", metrics | {"deviceScaleFactor": 1, "mobile": False}
        )
        time.sleep(1)
        driver.save_screenshot(str(Path(folder, f"{name}.png")))


def agreement(photo, sketch):
    """Share of the strokes near which the photo has an edge, beyond what strokes anywhere else would find."""
    near = cv2.dilate(edges.canny(cv2.GaussianBlur(photo, (0, 0), 1)), np.ones((5, 5), np.uint8)) > 0
    strokes = sketch < 128
    elsewhere = [near[np.roll(strokes, shift, (0, 1))].mean() for shift in ((0, 40), (40, 0), (30, 30))]
    return near[strokes].mean() - np.mean(elsewhere)


def test_strokes_become_an_image_that_follows_them(desktop, monkeypatch):
    monkeypatch.setattr("s2i.app.handlers.random_seed", lambda: 0)  # some seeds follow the strokes less well
    draw_house(desktop)
    type_prompt(desktop, "house of red made of brick")
    press(desktop, "#draw")
    wait(
        desktop,
        lambda: "Step" in status(desktop) or desktop.find_elements(By.CSS_SELECTOR, "#compare img"),
    )
    drawn = image(desktop)
    photo = np.asarray(drawn)
    keep(desktop, "desktop")
    assert photo.shape == (128, 128, 3) and '"prompt": "house of red made of brick"' in drawn.text["parameters"]
    coarse = cv2.resize(photo, (16, 16), interpolation=cv2.INTER_AREA).astype(float)
    noise = np.random.default_rng(0).integers(0, 256, photo.shape).astype(np.uint8)
    assert coarse.std() > 2 * cv2.resize(noise, (16, 16), interpolation=cv2.INTER_AREA).std(), "no noise: it has areas"
    assert agreement(photo, drawn_house(128)) > 0.2
    wall = photo[60:66, 36:90].reshape(-1, 3).mean(axis=0)
    assert wall[0] > wall[1] and wall[0] > wall[2], "and the wall is red"
    assert "Drawn in" in status(desktop) and find(desktop, "#download").is_displayed()
    assert len(desktop.find_elements(By.CSS_SELECTOR, "#gallery img")) >= 1


def test_without_strokes_the_page_says_so_and_goes_on(desktop):
    press(desktop, "#canvas [data-do=clear]")
    press(desktop, "#draw")
    wait(desktop, lambda: "There is no sketch: draw something first" in find(desktop, "body").text)
    wait(desktop, lambda: find(desktop, "#draw").is_enabled())


def test_an_example_is_laid_on_the_paper_with_its_prompt(desktop):
    press(desktop, "#examples button img, #examples .thumbnail-item")
    wait(desktop, lambda: "tower of white" in find(desktop, "#prompt textarea, #prompt input").get_property("value"))
    wait(desktop, lambda: desktop.execute_script("return window.s2iSketch() !== ''"))
    press(desktop, "#canvas [data-do=clear]")
    press(desktop, "#examples button img, #examples .thumbnail-item")
    wait(desktop, lambda: desktop.execute_script("return window.s2iSketch() !== ''"))


def test_who_waits_is_told_and_can_cancel(desktop, monkeypatch):
    free = threading.Event()
    generate = Worker.generate
    draw_house(desktop)
    monkeypatch.setattr(Worker, "generate", lambda *request: free.wait(PATIENCE) and generate(*request))
    press(desktop, "#draw")
    wait(desktop, lambda: "Waiting for its turn" in status(desktop))
    assert not find(desktop, "#draw").is_enabled()
    press(desktop, "#cancel")
    wait(desktop, lambda: "Not drawn" in status(desktop) and find(desktop, "#draw").is_enabled())
    free.set()
    press(desktop, "#draw")
    wait(desktop, lambda: "Drawn in" in status(desktop))


def test_the_keyboard_draws_too(desktop):
    press(desktop, "#canvas [data-do=clear]")
    assert desktop.execute_script("return window.s2iSketch()") == ""
    desktop.execute_script("arguments[0].focus()", find(desktop, "#canvas canvas"))
    keys = ActionChains(desktop).send_keys(" ")
    for _ in range(8):
        keys.send_keys("\ue014")  # right
    keys.send_keys(" ").perform()
    assert desktop.execute_script("return window.s2iSketch()").startswith("data:image/png")
    press(desktop, "#canvas [data-do=undo]")
    assert desktop.execute_script("return window.s2iSketch()") == ""


@pytest.mark.parametrize(("name", "mobile", "theme"), [("phone", True, "light"), ("dark", False, "dark")])
def test_the_page_fits_a_phone_and_a_dark_room(url, name, mobile, theme):
    driver = browser(mobile)
    try:
        open_page(driver, f"{url}?__theme={theme}")
        width, shown = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert width <= shown, "nothing is cut off at the side"
        wait(driver, lambda: (_lightness(driver) < 60) == (theme == "dark"))  # the scheme comes after the page
        draw_house(driver)
        keep(driver, name)
    finally:
        driver.quit()


def _lightness(driver):
    """Of the page in its upper left corner, 0 to 255."""
    with Image.open(BytesIO(driver.get_screenshot_as_png())) as shot:
        return shot.convert("L").getpixel((4, 4))
