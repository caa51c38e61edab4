"""Take pictures of the page: each document, light and dark, on a phone and a wide screen.

    python -m tests.pictures [ADDRESS] [FOLDER]

ADDRESS is that of a running system (http://localhost:8080), FOLDER where they go (.local/pictures).
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import find_chromium
from tests.running import ROOT

DOCUMENTS = {
    "home": "/",
    "stock": "/stocks/NVDA?range=1M&interval=1h&show=sma,vwap",
    "account": "/account",
    "developers": "/developers",
}
SCREENS = {"phone": (390, 844, 2), "desktop": (1280, 800, 1)}


def main(address: str = "http://localhost:8080", folder: str = str(ROOT / ".local" / "pictures")) -> None:
    """Take them all."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium())
        for screen, (width, height, density) in SCREENS.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    device_scale_factor=density,
                    color_scheme=scheme,
                    reduced_motion="reduce",
                )
                page = context.new_page()
                for name, path in DOCUMENTS.items():
                    page.goto(address + path)
                    page.wait_for_load_state("networkidle")
                    page.wait_for_timeout(500)  # the chart draws in the next frames
                    page.screenshot(path=f"{folder}/{name}-{scheme}-{screen}.png")
                context.close()
        browser.close()
    print(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
