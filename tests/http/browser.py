"""A headless Chromium, driven by WebDriver (the W3C's protocol: JSON over HTTP) through its chromedriver."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import attrs
import httpx

from tests.servers import free_port
from tests.waiting import wait_until

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name under which WebDriver hands out elements."""


def binaries() -> tuple[str, str] | None:
    """Chromium and its driver, where both are on the PATH."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@attrs.define(eq=False)
class Browser:
    """One browser with one page."""

    driver: subprocess.Popen[bytes]
    http: httpx.Client
    session: str = ""

    @classmethod
    def start(cls, profile: Path) -> Self:
        found = binaries()
        assert found is not None
        port = free_port()
        driver = subprocess.Popen(
            [found[1], f"--port={port}", "--log-level=OFF"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        browser = cls(driver, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=40))
        try:
            wait_until(browser._driver_answers, "chromedriver is up", 20)
            options = {
                "binary": found[0],
                "args": [*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,1000"],
            }
            capabilities = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            answer = browser.http.post("/session", json={"capabilities": {"alwaysMatch": capabilities}})
            browser.session = answer.json()["value"]["sessionId"]
        except BaseException:
            browser.end()
            raise
        return browser

    def end(self) -> None:
        if self.session:
            self.http.delete(f"/session/{self.session}")
        self.http.close()
        self.driver.terminate()
        self.driver.wait(10)

    def open(self, url: str) -> None:
        self._ask("url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page; what it returns, as JSON can hold it."""
        return self._ask("execute/sync", {"script": script, "args": list(arguments)})

    def text(self, css: str) -> str:
        """The visible text of the first match; empty where there is none."""
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css)
        return str(found)

    def texts(self, css: str) -> list[str]:
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText)", css
        )
        return found

    def click(self, css: str) -> None:
        """As a person would: it fails where something covers it."""
        self._ask(f"element/{self._element(css)}/click", {})

    def type(self, css: str, text: str) -> None:
        self._ask(f"element/{self._element(css)}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def wait(self, condition: Callable[[], object], what: str, limit: float = 10) -> None:
        wait_until(condition, lambda: f"{what}; the page says:\n{self.text('body')}", limit)

    def emulate(self, command: str, **parameters: Any) -> Any:
        """One command of the DevTools protocol."""
        return self._ask("goog/cdp/execute", {"cmd": command, "params": parameters})

    def looks(self, scheme: str) -> None:
        """Light or dark, as the system of the visitor is set."""
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        self.emulate("Emulation.setEmulatedMedia", features=media)

    def measures(self, width: int, height: int, mobile: bool = False) -> None:
        self.emulate(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )

    def shoot(self, file: Path) -> None:
        """A picture of the whole page, as PNG."""
        shot = self.emulate("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """What its console has said since this was asked last."""
        return [entry["message"] for entry in self._log("browser")]

    def requested(self) -> list[str]:
        """The addresses that were asked for since this was asked last, whatever became of it."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("se/log", {"type": kind})
        return found

    def _element(self, css: str) -> str:
        found = self._ask("element", {"using": "css selector", "value": css})
        return str(found[ELEMENT])

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.http.post(f"/session/{self.session}/{path}", json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{path}: {answer['error']}: {answer['message'].splitlines()[0]}")
        return answer

    def _driver_answers(self) -> bool:
        try:
            return bool(self.http.get("/status").json()["value"]["ready"])
        except httpx.TransportError:
            return False
