"""What the lesson shows of a run: sounds stage by stage, clouds, priors, neighbours, and the lines of genvae."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterator
from html import unescape

import numpy as np
import pytest
import soundfile
import torch
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae import losses
from genvae.plugin.registry import installed
from genvae.verbs import load, open_run
from genvae.web import figures
from genvae.web.app import create_app
from genvae.web.engine import Engine
from genvae.web.lesson import Lesson
from genvae.web.lesson_page import lines_of, render

GENRE = "drum & bass"


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app([engine]), base_url="http://127.0.0.1:8000") as client:
        yield client


def samples(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return soundfile.read(io.BytesIO(answer.content))[0]


def test_a_sound_is_told_with_its_cloud_and_what_that_costs(client, mapped_run):
    told = client.get("/api/lesson/sound", params={"genre": GENRE, "seed": 5}).json()
    synthesizer = load(mapped_run)
    clip = synthesizer.generate(GENRE, seed=5)
    assert torch.allclose(torch.tensor(told["latent"]), synthesizer.latent(GENRE, seed=5))
    assert torch.allclose(torch.tensor(told["mean"]), synthesizer.encode(clip, GENRE).latents[0], atol=1e-5)
    mean, deviation, nats = (torch.tensor(told[name]) for name in ("mean", "deviation", "nats"))
    cloud = torch.distributions.Normal(mean, deviation)
    expected = torch.distributions.kl_divergence(cloud, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(nats, expected, atol=1e-4)


def test_the_last_stage_is_the_sound_itself_and_the_first_draws_nothing(client, engine):
    asked = {"genre": GENRE, "seed": 5}
    made = samples(client.get("/api/generate", params=asked))
    stages = client.get("/api/lesson/sound", params=asked).json()["stages"]
    heard = [samples(client.get("/api/lesson/stage", params={**asked, "stage": stage})) for stage in stages]
    assert np.array_equal(heard[-1], made)
    assert not np.allclose(heard[0], made)
    assert client.get("/api/lesson/stage", params={**asked, "stage": "none"}).status_code == 400


def test_the_stages_of_the_pretrained_model_lead_to_the_sound_and_its_own_guidance_is_the_sound():
    run = open_run(None)
    synthesizer = load(run)
    lesson = Lesson(run, installed(), synthesizer, None)
    genre = lesson.genres[0]
    assert lesson.stages[0] == "mean"
    assert len(lesson.stages) > 2
    made = synthesizer.generate(genre, seed=5).wave
    own = run.config.model.options["guidance"]
    assert torch.equal(lesson.guided(genre, 5, own).wave, made)
    assert not torch.allclose(lesson.guided(genre, 5, 4.0).wave, made)
    assert lesson.priors() is None


def test_a_run_without_guidance_says_so(client):
    answer = client.get("/api/lesson/guided", params={"genre": GENRE, "seed": 5, "guidance": 2})
    assert answer.status_code == 400
    assert "guidance" in answer.json()["detail"]


def test_neighbours_are_counted_in_the_whole_space(engine):
    table = engine.lesson.overlap()
    assert all(sum(shares.values()) == pytest.approx(1) for shares in table.values())
    # The genres of this run's latents lie one after the other: the two at the ends have least to do with each other.
    first, _, last = table.values()
    assert first["drum & bass"] > first["techno"]
    assert last["techno"] > last["drum & bass"]


def test_the_page_is_complete_without_any_script_and_its_lines_are_those_of_the_source(engine):
    page = render(engine.lesson)
    assert "{{" not in page
    assert page.count("<math ") >= 9
    assert page.count('class="figure"') >= 8
    assert not re.search(r"\son\w+=|style=|<script(?! type=\"module\" src)", page)  # the policy forbids it
    shown = [unescape(code) for code in re.findall(r"<code>(def .*?)</code>", page, re.S)]
    assert len(shown) >= 8
    source = inspect.getsource(losses)
    for line in unescape(lines_of("genvae.losses:gaussian_kl").split("<code>")[1].split("</code>")[0]).splitlines():
        assert line in source
    assert '"""' not in "".join(shown)


def test_a_run_without_a_map_has_a_lesson_all_the_same(engine, mapped_run):
    lesson = Lesson(mapped_run, installed(), load(mapped_run), None)
    assert "has no map" in render(lesson)


def test_explain_is_served_under_the_policy_and_kept(client):
    first = client.get("/explain")
    assert first.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in first.headers["content-security-policy"]
    assert client.get("/explain", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_a_line_passes_through_its_values_and_dots_lie_on_it():
    path = figures.line([0.0, 1.0, 0.5], 0, 1, height=108)
    assert path == "M0.0 104.0L300.0 4.0L600.0 54.0"
    assert figures.dots([0.5], [1.0], (0, 1), (0, 1), 108) == "M300.0 4.0h0"


def test_a_tone_is_dark_in_its_row_of_the_spectrogram_alone():
    magnitudes = np.full((129, 10), 1e-6, np.float32)
    magnitudes[64] = 1.0  # 2 kHz of 4
    *softer, loudest = figures.levels(magnitudes, 8000)
    assert not any(softer)
    heights = {float(top) for top in re.findall(r"M0\.0 ([\d.]+)h", loudest)}
    part = np.log(2000 / 40) / np.log(4000 / 40)
    assert heights
    assert all(abs(top - 220 * (1 - part)) < 8 for top in heights)
