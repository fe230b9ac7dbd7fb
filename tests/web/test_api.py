"""The API: the command line's bytes, bounded inputs, and answers that say what was wrong."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from conftest import CLIP_SAMPLES, GENRES, MODEL, SAMPLE_RATE, make_run
from second_map import add_second_map
from starlette.testclient import TestClient

from genvae.cli import main
from genvae.latents import LatentMap
from genvae.latents.fit import make_map
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer
from genvae.tensor_files import save_tensors
from genvae.verbs import load
from genvae.web import upload
from genvae.web.app import create_app
from genvae.web.studio import Studio


@pytest.fixture(scope="module")
def mapped_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("web") / "run")
    generator = torch.Generator().manual_seed(1)
    genre = torch.arange(300) % 3
    mean = torch.randn(300, int(str(MODEL["latent_dim"])), generator=generator) + genre[:, None]
    save_tensors(run.latents_path, {"mean": mean, "genre": genre, "clip": torch.arange(1000, 1300)})
    make_map(run, "pca")
    add_second_map(run)
    return run


@pytest.fixture(scope="module")
def studio(mapped_run: Run) -> Studio:
    return Studio(mapped_run, installed())


@pytest.fixture(scope="module")
def client(studio: Studio) -> Iterator[TestClient]:
    with TestClient(create_app(studio), base_url="http://127.0.0.1:8000") as client:
        yield client


def heard(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert rate == SAMPLE_RATE
    return samples


def place(client: TestClient, **source: object) -> Any:
    answer = client.post("/api/place", json={"source": source})
    assert answer.status_code == 200, answer.text
    return answer.json()


def wav_of(samples: np.ndarray, rate: int = SAMPLE_RATE, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


TONE = 0.3 * np.sin(np.arange(3 * CLIP_SAMPLES // 2) * 0.2)


@pytest.mark.parametrize("options", [{}, {"temperature": 0.5, "index": 3}, {"vocoder": "spsi"}])
def test_generate_gives_the_bytes_of_the_command_line(client, mapped_run, options):
    vocoder = options.get("vocoder")
    synthesizer = load(mapped_run, vocoder=vocoder)
    expected = synthesizer.generate(
        "drum & bass", seed=42, index=options.get("index", 0), temperature=options.get("temperature", 1.0)
    )
    answer = client.get("/api/generate", params={"genre": "drum & bass", "seed": 42, **options})
    assert answer.content == expected.wav()


def test_without_a_seed_every_sound_is_another_that_says_its_seed(client):
    first, second = (client.get("/api/generate", params={"genre": "rock"}) for _ in range(2))
    assert first.content != second.content
    assert b'"seed":' in first.content


def test_a_seed_that_is_not_shifted_decodes_to_what_generate_gives(client):
    source = {"genre": "rock", "seed": 7, "shifts": [0, 0]}
    decoded = client.post("/api/decode", json={"source": source})
    assert decoded.content == client.get("/api/generate", params={"genre": "rock", "seed": 7}).content
    shifted = client.post("/api/decode", json={"source": {**source, "shifts": [1.5]}})
    assert not np.array_equal(heard(shifted), heard(decoded))


def test_a_point_of_the_map_is_decoded_as_the_genre_around_it(client, mapped_run):
    found = LatentMap.load(mapped_run, "pca")
    point = found.points[found.genre == 2].mean(dim=0).tolist()
    told = place(client, map="pca", point=point)
    assert told["genre"] in GENRES
    spot = told["clips"][0]["maps"]["pca"]
    assert spot["point"] == pytest.approx(point, abs=1e-4)
    nearest = spot["neighbours"][0]
    away = (found.points - torch.tensor(point)).norm(dim=1)
    assert nearest["clip"] == int(found.clip[away.argmin()])
    assert nearest["distance"] == pytest.approx(float(away.min()), abs=1e-4)
    named = client.post("/api/decode", json={"source": {"map": "pca", "point": point, "genre": told["genre"]}})
    left_out = client.post("/api/decode", json={"source": {"map": "pca", "point": point}})
    assert named.content == left_out.content
    assert heard(named).std() > 1e-4


def test_a_latent_that_place_gave_sounds_like_its_source(client):
    told = place(client, genre="techno", seed=9)
    latent = {"genre": "techno", "latent": told["clips"][0]["latent"], "seed": 9}
    decoded = heard(client.post("/api/decode", json={"source": latent}))
    assert np.array_equal(decoded, heard(client.get("/api/generate", params={"genre": "techno", "seed": 9})))


def test_a_far_point_is_brought_near_and_called_sparse(client, mapped_run):
    told = place(client, map="pca", point=[1e9, 0])["clips"][0]["maps"]["pca"]
    assert told["sparse"]
    assert told["point"][0] < 3 * float(LatentMap.load(mapped_run, "pca").points.abs().max())


def test_a_path_is_the_command_lines(client, mapped_run, tmp_path):
    ends = {"start": {"genre": "rock", "seed": 1}, "end": {"genre": "techno", "seed": 2}}
    made = client.post("/api/interpolate", json={**ends, "steps": 4})
    assert len(heard(made)) > 2 * CLIP_SAMPLES
    command = ["interpolate", "--run", str(mapped_run.path), "--from", "rock@1", "--to", "techno@2", "--steps", "4"]
    result = CliRunner().invoke(main, [*command, "-o", str(tmp_path / "path.wav")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert made.content == (tmp_path / "path.wav").read_bytes()


def test_the_trail_of_a_path_begins_at_one_end_and_ends_at_the_other(client):
    ends = {"start": {"genre": "rock", "seed": 1}, "end": {"genre": "techno", "seed": 2}}
    trail = client.post("/api/place", json={**ends, "steps": 4}).json()["clips"]
    assert len(trail) == 4
    first, last = (place(client, **ends[end])["clips"][0]["latent"] for end in ("start", "end"))
    assert trail[0]["latent"] == pytest.approx(first, abs=1e-5)
    assert trail[-1]["latent"] == pytest.approx(last, abs=1e-5)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_file_is_placed_clip_by_clip(client, kind):
    answer = client.post("/api/place", content=wav_of(TONE, kind=kind))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert len(told["clips"]) == 2
    assert told["genre"] in GENRES


def test_a_file_is_reconstructed_as_by_the_command_line(client, mapped_run):
    pcm = np.rint(TONE * 32768).astype(np.int16)
    made = Synthesizer(mapped_run, installed()).reconstruct(torch.from_numpy(pcm.astype(np.float32) / 32768))
    answer = client.post("/api/reconstruct", content=wav_of(pcm))
    assert answer.content == made.wav()


def test_only_the_first_seconds_of_a_long_file_are_taken(client):
    told = client.post("/api/place", content=wav_of(np.tile(TONE, 20))).json()
    assert told["note"] == "Only its first 10 s were taken."
    assert len(told["clips"]) == -(-10 * SAMPLE_RATE // CLIP_SAMPLES)


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF" + b"\xff" * 2000, wav_of(TONE)[:44]])
def test_what_is_no_sound_is_refused_in_a_sentence(client, content):
    answer = client.post("/api/place", content=content)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")
    assert "/" not in answer.json()["detail"]


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such limits")
def test_the_process_that_decodes_has_little_memory_and_may_not_write(tmp_path):
    made = str(tmp_path / "made")
    write = f"import os; os.write(os.open({made!r}, os.O_CREAT | os.O_WRONLY), b'x')"
    for greed, refusal in (("bytearray(2 << 30)", "MemoryError"), (write, "File too large")):
        script = f"from genvae.web import decoding; decoding._limit(); {greed}"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode != 0
        assert refusal in done.stderr


def test_a_file_that_takes_too_long_is_given_up(client, monkeypatch):
    monkeypatch.setattr(upload, "_DECODE_SECONDS", 0.01)
    answer = client.post("/api/place", content=wav_of(TONE * 0.5))
    assert answer.status_code == 400
    assert "could not be decoded within" in answer.json()["detail"]


def test_a_body_beyond_the_cap_is_refused(client):
    answer = client.post("/api/decode", content=b" " * (2 << 20), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    in_parts = client.post(
        "/api/decode", content=iter([b" " * (1 << 20)] * 3), headers={"content-type": "application/json"}
    )
    assert in_parts.status_code in (400, 413)


@pytest.mark.parametrize(("query", "why"), [
    ({"genre": "polka"}, "no genre 'polka'"),
    ({"genre": "rock", "seed": -1}, "seed"),
    ({"genre": "rock", "seed": 2**63}, "seed"),
    ({"genre": "rock", "temperature": "nan"}, "temperature"),
    ({"genre": "rock", "vocoder": "../../etc/passwd"}, "no vocoder"),
    ({}, "genre"),
])  # fmt: skip
def test_wrong_questions_are_answered_with_what_is_wrong(client, query, why):
    answer = client.get("/api/generate", params=query)
    assert answer.status_code in (400, 422)
    assert why in answer.json()["detail"]


@pytest.mark.parametrize("source", [
    {"genre": "rock", "latent": [0.0]},
    {"genre": "rock", "latent": [0.0] * 4, "map": "pca", "point": [0, 0]},
    {"map": "pca"},
    {"map": "mds", "point": [0, 0]},
    {"seed": 1},
    {"genre": "rock", "shifts": [1.0] * 20},
    {"genre": "rock", "file": "/etc/passwd"},
])  # fmt: skip
def test_a_source_that_makes_no_sense_is_refused(client, source):
    answer = client.post("/api/decode", json={"source": source})
    assert answer.status_code in (400, 422)
    assert len(answer.json()["detail"]) > 10


def test_numbers_beyond_their_range_are_clamped(client):
    def sound(temperature: float) -> bytes:
        return client.get("/api/generate", params={"genre": "rock", "seed": 1, "temperature": temperature}).content

    assert sound(50) == sound(3)
    way = {"start": {"genre": "rock"}, "end": {"genre": "rock", "seed": 1}, "steps": 10**6}
    assert len(client.post("/api/place", json=way).json()["clips"]) == 16


def test_the_map_is_points_and_genres(client, mapped_run):
    found = LatentMap.load(mapped_run, "umap")
    content = client.get("/api/map/umap").content
    count = len(found.points)
    assert len(content) == 10 * count
    assert np.array_equal(np.frombuffer(content, "<f4", 2 * count).reshape(-1, 2), found.points.numpy())
    assert np.array_equal(np.frombuffer(content, "<u2", offset=8 * count), found.genre.numpy())
    assert client.get("/api/map/..%2f..%2fpipeline.json").status_code == 404


def test_info_says_what_there_is(client, mapped_run):
    told = client.get("/api/info").json()
    assert told["run"] == mapped_run.digest()
    assert told["genres"] == list(GENRES)
    assert told["vocoders"][0]["name"] == "pghi-refined"
    assert {each["method"]: each["clips"] for each in told["maps"]} == {"pca": 300, "umap": 300}
    shares = [each["explained"] for each in told["directions"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.02)  # the model has four dimensions


def test_every_endpoint_is_described_on_a_page_from_here(client):
    described = client.get("/api/openapi.json").json()
    assert {"/api/generate", "/api/decode", "/api/place", "/api/interpolate", "/api/reconstruct", "/api/info",
            "/api/health", "/api/map/{method}"} == set(described["paths"])  # fmt: skip
    page = client.get("/api").text
    assert "http" not in page


@pytest.mark.parametrize("path", ["/", "/main.js", "/style.css", "/api/health", "/nothing", "/api/generate"])
def test_every_answer_has_a_strict_policy(client, path):
    policy = client.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(("headers", "status"), [
    ({"host": "localhost:8000"}, 200),
    ({"host": "[::1]:8000"}, 200),
    ({"host": "evil.example"}, 421),
    ({"host": "127.0.0.1.evil.example"}, 421),
    ({"host": ""}, 421),
    ({"origin": "http://127.0.0.1:8000"}, 200),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
])  # fmt: skip
def test_only_known_hosts_and_origins_are_answered(client, headers, status):
    assert client.get("/api/health", headers=headers).status_code == status


def test_a_host_can_be_allowed(studio):
    with TestClient(create_app(studio, hosts={"studio.local"}), base_url="http://studio.local") as client:
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/health", headers={"host": "localhost"}).status_code == 421


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/app.py", "/static/index.html", "/index.html", "/.git/config"]
)
def test_no_path_leads_to_a_file(client, path):
    assert client.get(path).status_code == 404


def test_a_full_queue_says_when_to_come_back_and_health_still_answers(studio, monkeypatch):
    gate, began = threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> bytes:
        began.set()
        assert gate.wait(30)
        return b""

    monkeypatch.setattr(studio, "generate", slow)
    with TestClient(create_app(studio, capacity=2), base_url="http://localhost") as client:
        asked = [threading.Thread(target=client.get, args=("/api/generate?genre=rock",)) for _ in range(2)]
        for each in asked:
            each.start()
        assert began.wait(10)
        deadline = time.monotonic() + 10
        while client.get("/api/health").json()["pending"] < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = client.get("/api/generate?genre=rock")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        gate.set()
        for each in asked:
            each.join()
        assert client.get("/api/generate?genre=rock").status_code == 200


def test_a_run_without_a_map_still_makes_sounds(tiny_run: Run):
    with TestClient(create_app(Studio(tiny_run, installed())), base_url="http://localhost") as client:
        assert client.get("/api/info").json()["maps"] == []
        assert heard(client.get("/api/generate?genre=rock&seed=1")).std() > 1e-4
        assert client.post("/api/place", json={"source": {"genre": "rock"}}).json()["clips"][0]["maps"] == {}
        refused = client.post("/api/decode", json={"source": {"map": "pca", "point": [0, 0]}})
        assert "genvae map" in refused.json()["detail"]


def test_the_server_never_imports_umap_or_numba(mapped_run: Run, tmp_path: Path):
    (tmp_path / "tone.wav").write_bytes(wav_of(TONE))
    script = f"""
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
from genvae.plugin.registry import installed
from genvae.run import Run, save_tensors
from genvae.web.app import create_app
from genvae.web.studio import Studio
studio = Studio(Run(Path({str(mapped_run.path)!r})), installed())
with TestClient(create_app(studio), base_url="http://localhost") as client:
    for vocoder in studio.synthesizers:
        assert client.get("/api/generate", params=dict(genre="rock", vocoder=vocoder)).status_code == 200
    for name in ("pca", "umap"):
        source = dict(map=name, point=[0, 0])
        assert client.post("/api/decode", json=dict(source=source)).status_code == 200
        assert client.post("/api/place", json=dict(source=source)).status_code == 200
    tone = Path({str(tmp_path / "tone.wav")!r}).read_bytes()
    assert client.post("/api/place", content=tone).status_code == 200
    assert client.post("/api/reconstruct", content=tone).status_code == 200
print(json.dumps([sorted(studio.synthesizers), sorted(set(sys.modules) & {{"numba", "umap", "sklearn"}})]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    vocoders, loaded = json.loads(done.stdout)
    assert loaded == []
    assert "pghi" not in vocoders  # it compiles
    assert "pghi-refined" in vocoders
