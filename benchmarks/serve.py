"""Speed of `genvae serve`: of the page in a browser, and of the API under load.

    python benchmarks/serve.py [--run RUN] [--seconds 8] [--repeats 7] [--json]

Starts a server on a free port and measures, with the clients on the same machine:
first paint and first sound (from the press of a key to the start of the sound in the page) in headless chromium;
`/api/generate` with 1, 8 and 50 clients, each asking again as soon as it was answered; `/api/health` every 20 ms while
50 clients generate; and a redraw of the map with 20,000 points, panned a step a frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
POINTS = 20_000
FRAMES = 60
CLIENTS = (1, 8, 50)

# Notes when a key went down and when a sound was started.
WATCH = """
window.addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function () {
  window.sounded = performance.now();
  return start.apply(this, arguments);
};
"""
PAN = """async (frames) => {
  const canvas = document.querySelector("#points");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const move = (type, i) => canvas.dispatchEvent(new PointerEvent(type, {
    clientX: left + width / 2 + 2 * i, clientY: top + height / 2 + i, pointerId: 1, bubbles: true, shiftKey: true }));
  canvas.setPointerCapture = () => {};
  move("pointerdown", 0);
  for (let i = 4; i < 4 + frames; i++) {
    move("pointermove", i);
    if (i === 4) performance.clearMeasures("genvae:map");
    await new Promise(requestAnimationFrame);
  }
  move("pointerup", 4 + frames);
  return performance.getEntriesByName("genvae:map").map((entry) => entry.duration);
}"""


@contextmanager
def server(run: str | None) -> Iterator[str]:
    """The address of a server that is warm."""
    command = [sys.executable, "-m", "genvae", "serve", "--port", "0", *(["--run", run] if run else [])]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        address = re.search(r"http://\S+", process.stderr.readline())
        assert address, process.stderr.read()
        genre = httpx.get(address[0] + "api/info").json()["genres"][0]
        for seed in range(20):
            httpx.get(address[0] + "api/generate", params={"genre": genre, "seed": seed}).raise_for_status()
        yield address[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


async def load(address: str, clients: int, seconds: float) -> dict[str, float]:
    """Latencies in ms of so many clients, and those of health beside them."""
    latencies: list[float] = []
    health: list[float] = []
    refused = 0
    limits = httpx.Limits(max_connections=clients + 1, max_keepalive_connections=clients + 1)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=120) as client:
        genres = (await client.get("api/info")).json()["genres"]
        end = time.perf_counter() + seconds

        async def generate(number: int) -> None:
            nonlocal refused
            seed = 1000 * number
            while time.perf_counter() < end:
                began = time.perf_counter()
                asked = {"genre": genres[seed % len(genres)], "seed": seed}
                answer = await client.get("api/generate", params=asked)
                if answer.status_code == 503:
                    refused += 1
                    await asyncio.sleep(float(answer.headers["retry-after"]))
                    continue
                answer.raise_for_status()
                latencies.append(1000 * (time.perf_counter() - began))
                seed += 1

        async def ask_health() -> None:
            while time.perf_counter() < end:
                began = time.perf_counter()
                (await client.get("api/health")).raise_for_status()
                health.append(1000 * (time.perf_counter() - began))
                await asyncio.sleep(0.02)

        began = time.perf_counter()
        await asyncio.gather(ask_health(), *[generate(number) for number in range(clients)])
        took = time.perf_counter() - began
    return {
        "clients": clients,
        "p50_ms": float(np.percentile(latencies, 50)),
        "p95_ms": float(np.percentile(latencies, 95)),
        "clips_per_s": len(latencies) / took,
        "refused": refused,
        "health_p50_ms": float(np.percentile(health, 50)),
        "health_p99_ms": float(np.percentile(health, 99)),
    }


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 960}).new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_selector(".genre")
    page.wait_for_function("() => performance.getEntriesByType('paint').length > 0")
    return page


def first_moments(browser: Browser, address: str) -> tuple[float, float, float]:
    """First contentful paint, when a genre can be pressed, and from the press to the first sound, in ms."""
    page = opened(browser, address)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    ready = page.evaluate("performance.now()")
    page.keyboard.press("1")
    page.wait_for_function("() => window.sounded > 0")
    sound = page.evaluate("window.sounded - window.pressed")
    page.context.close()
    return paint, ready, sound


def redraws(browser: Browser, address: str) -> list[float]:
    """The times in ms that frames of a panned map of POINTS points take."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(POINTS, 2)).astype("<f4").tobytes()
    body = points + generator.integers(0, 3, POINTS).astype("<u2").tobytes()
    page = browser.new_context(viewport={"width": 1440, "height": 960}).new_page()
    page.route("**/api/map/*", lambda route: route.fulfill(body=body))
    with page.expect_response("**/api/map/*"):
        page.goto(address)
    page.wait_for_timeout(1000)  # until the points are drawn, and all is quiet
    times: list[float] = page.evaluate(PAN, FRAMES)
    page.context.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with server(options.run) as address:
        under_load = [asyncio.run(load(address, clients, options.seconds)) for clients in CLIENTS]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            moments = [first_moments(browser, address) for _ in range(options.repeats)]
            frames = redraws(browser, address)
            browser.close()
    with suppress(OSError):
        busy = os.getloadavg()[0]
    paint, ready, sound = (statistics.median(times) for times in zip(*moments, strict=True))
    told = {
        "machine": f"{platform.system()}, {os.cpu_count()} cores, load {busy:.1f} at the end",
        "first_paint_ms": paint,
        "genres_shown_ms": ready,
        "press_to_sound_ms": sound,
        "press_to_sound_worst_ms": max(times[2] for times in moments),
        "map_points": POINTS,
        "map_frame_p50_ms": float(np.percentile(frames, 50)),
        "map_frame_p95_ms": float(np.percentile(frames, 95)),
        "generate": under_load,
    }
    if options.json:
        print(json.dumps(told, indent=2))
        return
    print(told["machine"])
    print()
    print("| what | ms |\n|---|---|")
    print(f"| first contentful paint | {paint:.0f} |")
    print(f"| genres can be pressed | {ready:.0f} |")
    print(f"| from the press to the first sound, median (worst) of {options.repeats} | {sound:.0f} "
          f"({told['press_to_sound_worst_ms']:.0f}) |")  # fmt: skip
    print(f"| redraw of a map of {POINTS:,} points, median (95 %) of {len(frames)} frames | "
          f"{told['map_frame_p50_ms']:.1f} ({told['map_frame_p95_ms']:.1f}) |")  # fmt: skip
    print()
    print("| clients | p50 ms | p95 ms | clips/s | refused | health p50 ms | health p99 ms |")
    print("|---|---|---|---|---|---|---|")
    for row in under_load:
        print(f"| {row['clients']} | {row['p50_ms']:.0f} | {row['p95_ms']:.0f} | {row['clips_per_s']:.1f} | "
              f"{row['refused']} | {row['health_p50_ms']:.1f} | {row['health_p99_ms']:.1f} |")  # fmt: skip


if __name__ == "__main__":
    main()
