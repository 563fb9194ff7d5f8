"""A real browser, headless, and what it makes of a page that a renderer wrote."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # which neither root nor most containers can have; the pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nothing is reached even if a page asks for it
    "--enable-logging=stderr",
)
DARK = "--blink-settings=preferredColorScheme=0"
PROBE = Path(__file__).parent / "probe.js"
_ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)
_SECONDS = 120  # a browser that hangs is ended; far more than it needs


def found() -> str | None:
    """The browser's program, by its usual names; null without one that starts."""
    return next(filter(_starts, filter(None, map(shutil.which, NAMES))), None)


def _starts(program: str) -> bool:
    """Whether it tells its version: an installation that was broken off leaves one that can't."""
    try:
        subprocess.run([program, "--version"], capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@dataclass(frozen=True)
class Browser:
    """Starts the program anew for each question, in a folder of its own."""

    program: str
    folder: Path

    def look(self, pages, *, dark):
        """What the probe finds in each page, by its name, at the width of a phone and a screen."""
        document = self.folder / f"probe-{dark}.html"
        # A page in a frame whose document is written into it is of the probe's own origin.
        listed = json.dumps(pages).replace("</", "<\\/").replace("<!--", "<\\!--")
        script = PROBE.read_text(encoding="utf-8")
        document.write_text(
            "<!DOCTYPE html><meta charset=utf-8><style>:root{color-scheme:light dark}</style>"
            f'<body><pre id="answer"></pre><script>const pages = {listed};\n{script}</script>',
            encoding="utf-8",
        )
        printed = self._run(document, "--dump-dom", "--virtual-time-budget=20000", dark=dark)
        return json.loads(unescape(_ANSWER.search(printed.stdout).group(1)))

    def shot(self, page, *, dark):
        """The page as a picture of a screen's first view, as PNG bytes."""
        document, picture = self._written(page), self.folder / f"shot-{dark}.png"
        self._run(document, f"--screenshot={picture}", "--window-size=1280,900", dark=dark)
        return picture.read_bytes()

    def printed(self, page):
        """The page as a PDF, as bytes."""
        document, paper = self._written(page), self.folder / "printed.pdf"
        self._run(document, f"--print-to-pdf={paper}", "--no-pdf-header-footer", dark=False)
        return paper.read_bytes()

    def _written(self, page):
        document = self.folder / "page.html"
        document.write_text(page, encoding="utf-8")
        return document

    def _run(self, document, *wanted, dark):
        """Run it on a document; a message on the page's console fails the test."""
        flags = [*FLAGS, *wanted, *([DARK] if dark else [])]
        profile = f"--user-data-dir={self.folder / 'profile'}"
        done = subprocess.run(
            [self.program, *flags, profile, document.as_uri()],
            capture_output=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=True,
        )
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert said == [], said
        return done
