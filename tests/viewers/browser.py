"""Debian's Chromium without a screen, and OHIF in it: what a user does with mouse and keys, and what is seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
"""Debian's own driver: always of the version of its browser."""

# A wait that takes this long has failed; drawing without a graphics card is slow on a busy machine.
PATIENCE_SECONDS = 120.0
AGAIN_SECONDS = 10.0
RELOAD_SECONDS = 45.0

_FLAGS = (
    "--headless=new",
    # Root, as which tests often run in containers, may not use it; only pages of this machine are shown.
    "--no-sandbox",
    # Containers give little shared memory.
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    # Nothing is asked of other machines.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # WebGL in software.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # So wide that the texts in the corners stand beside the images.
    "--window-size=1500,900",
)

_TOUR_SEEN = "localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))"
# The last one is OHIF's own: now and then it loads ONNX Runtime for its marking by prompts, packed for Node.js.
# Nothing of a study is read by it.
_HARMLESS = ("favicon", "ResizeObserver loop", "ReferenceError: __filename is not defined")

Seen = TypeVar("Seen")


class Viewer:
    """OHIF at an address, in one browser that all tests of a session use one after the other."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self._driver = driver
        self._address = address
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _TOUR_SEEN})

    def open_study(self, study_instance_uid: str) -> None:
        """Open a study and wait until its first image stands."""
        self._driver.get_log("browser")

        def opened() -> bool:
            self._driver.get(f"{self._address}/viewer?StudyInstanceUIDs={study_instance_uid}")
            # On a busy machine the page stays empty now and then, without an error: whoever sits there loads it again.
            self.until(lambda: self._driver.find_elements(By.CSS_SELECTOR, ".cornerstone-canvas"), RELOAD_SECONDS)
            return True

        self.until(opened)

    def series(self) -> dict[str, str]:
        """Modality of each series in the list at the left, by description."""
        script = """
            const text = (thumbnail, what) => thumbnail.querySelector(`[data-cy=series-${what}-label]`).innerText;
            return [...document.querySelectorAll('[data-cy^=study-browser-thumbnail]')].map(
                thumbnail => [text(thumbnail, 'description'), text(thumbnail, 'modality')]);
        """
        return dict(self._driver.execute_script(script))

    def open_series(self, series_number: int) -> None:
        """Double-click a series in the list, and wait until the viewport is its."""

        def opened() -> bool:
            thumbnail = self._driver.find_element(By.CSS_SELECTOR, f'[data-series="{series_number}"]')
            ActionChains(self._driver).double_click(thumbnail).perform()
            # The list may move under the pointer while pictures come in: then it was another's click, or nobody's.
            return self.until(lambda: series_number in [item["number"] for item in self.shown()], AGAIN_SECONDS)

        self.until(opened)

    def load_segmentation(self, series_number: int) -> None:
        """Open a Segmentation over its images: double-click it, and say Yes when the viewer asks."""
        self.open_series(series_number)

        def agreed() -> bool:
            self._driver.find_element(By.CSS_SELECTOR, "[data-cy=yes-hydrate-btn]").click()
            return True

        self.until(agreed)

    def shown(self) -> list[dict[str, Any]]:
        """What the viewport shows: number, modality and whether it is loaded of each series, the images first."""
        script = """
            const grid = services.viewportGridService;
            const shown = grid.getDisplaySetsUIDsForViewport(grid.getActiveViewportId());
            return shown.map(uid => services.displaySetService.getDisplaySetByUID(uid)).map(
                found => ({number: Number(found.SeriesNumber), modality: found.Modality, loaded: found.isLoaded}));
        """
        return list(self._driver.execute_script(script))

    def press(self, key: str) -> None:
        """Press a key over the image."""

        def pressed() -> bool:
            pane = self._element(".cornerstone-viewport-element")
            ActionChains(self._driver).move_to_element(pane).send_keys(key).perform()
            return True

        self.until(pressed)

    def screenshot(self) -> NDArray[np.uint8]:
        """What is seen of the viewport, controls and texts over it included: (y, x, 3) of sRGB."""
        # The page may exchange the element between finding and drawing it.
        picture = self.until(lambda: self._element(".cornerstone-viewport-element").screenshot_as_png)
        return np.array(Image.open(BytesIO(picture)).convert("RGB"))

    def until(self, condition: Callable[[], Seen | None], seconds: float = PATIENCE_SECONDS) -> Seen:
        """Return what a condition gives once it is true; the page may change under it meanwhile.

        Raises :class:`selenium.common.exceptions.TimeoutException`.
        """
        wait = WebDriverWait(self._driver, seconds, 0.2, ignored_exceptions=[WebDriverException])
        found = wait.until(lambda _: condition())
        assert found is not None
        return found

    def segmentations(self) -> list[str]:
        """Names of the Segmentations that are loaded."""
        script = "return services.segmentationService.getSegmentations().map(segmentation => segmentation.label);"
        return list(self._driver.execute_script(script))

    def voxel_counts(self) -> dict[int, int]:
        """Voxels of each segment of the one Segmentation that is loaded, as the viewer counts them."""
        script = """
            const [segmentation] = services.segmentationService.getSegmentations();
            const counts = Object.values(segmentation.segments).map(
                segment => [segment.segmentIndex, segment.cachedStats.namedStats.count.value]);
            return counts;
        """
        return {int(number): int(count) for number, count in self.until(lambda: self._driver.execute_script(script))}

    def errors(self) -> list[str]:
        """What the page has written to its console as errors since the study was opened or this was asked last."""
        return [
            entry["message"]
            for entry in self._driver.get_log("browser")
            # What the viewer catches itself and shows as "Something went wrong" is at a lower level.
            if (entry["level"] == "SEVERE" or "Error Boundary" in entry["message"])
            and not any(word in entry["message"] for word in _HARMLESS)
        ]

    def text(self) -> str:
        """All text on the page."""
        return self._element("body").text

    def _element(self, selector: str) -> WebElement:
        return self.until(lambda: self._driver.find_element(By.CSS_SELECTOR, selector))


NEXT_IMAGE, LAST_IMAGE = Keys.ARROW_DOWN, Keys.END
"""OHIF's keys."""


@contextmanager
def running_browser(folder: Path) -> Iterator[Chrome]:
    """Start Chromium with its profile and all its temporary files in ``folder``, and end it."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    environment = {**os.environ, "TMPDIR": str(folder), "HOME": str(folder)}
    # Calls to this machine must not go through a proxy that the environment names.
    environment["NO_PROXY"] = environment["no_proxy"] = "localhost,127.0.0.1"
    driver = Chrome(options=options, service=Service(str(CHROMEDRIVER), env=environment))
    try:
        yield driver
    finally:
        driver.quit()
