"""The API: the command line's bytes, bounded inputs, and answers that say what was wrong."""

from __future__ import annotations

import io
import json
import re
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
from conftest import CLIP_SAMPLES, GENRES, SAMPLE_RATE, make_run
from jsonschema import Draft202012Validator
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae.cli import main
from genvae.latents import LatentMap
from genvae.pipeline import SECTIONS
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer
from genvae.verbs import load
from genvae.web import uploads
from genvae.web.app import create_app
from genvae.web.directions import WORDS
from genvae.web.engine import Engine
from genvae.web.worker import ModelWorker


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app([engine]), base_url="http://127.0.0.1:8000") as client:
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
    monkeypatch.setattr(uploads, "_DECODE_SECONDS", 0.01)
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


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"genre": "polka"}, "no genre 'polka'"),
        ({"genre": "rock", "seed": -1}, "seed"),
        ({"genre": "rock", "seed": 2**63}, "seed"),
        ({"genre": "rock", "temperature": "nan"}, "temperature"),
        ({"genre": "rock", "vocoder": "../../etc/passwd"}, "no vocoder"),
        ({}, "genre"),
    ],
)
def test_wrong_questions_are_answered_with_what_is_wrong(client, query, why):
    answer = client.get("/api/generate", params=query)
    assert answer.status_code in (400, 422)
    assert why in answer.json()["detail"]


@pytest.mark.parametrize(
    "source",
    [
        {"genre": "rock", "latent": [0.0]},
        {"genre": "rock", "latent": [0.0] * 4, "map": "pca", "point": [0, 0]},
        {"map": "pca"},
        {"map": "mds", "point": [0, 0]},
        {"seed": 1},
        {"genre": "rock", "shifts": [1.0] * 20},
        {"genre": "rock", "file": "/etc/passwd"},
    ],
)
def test_a_source_that_makes_no_sense_is_refused(client, source):
    answer = client.post("/api/decode", json={"source": source})
    assert answer.status_code in (400, 422)
    assert len(answer.json()["detail"]) > 10


@pytest.mark.parametrize("latent", [[0.0], [0.0] * 5, [1e300] * 4, [1e39, 0.0, 0.0, 0.0]])
@pytest.mark.parametrize("path", ["decode", "place"])
def test_a_latent_that_is_none_of_the_runs_is_refused(client, path, latent):
    answer = client.post(f"/api/{path}", json={"source": {"genre": "rock", "latent": latent}})
    assert answer.status_code in (400, 422)
    assert "latent" in answer.json()["detail"]


@pytest.mark.parametrize("source", [{"genre": "rock"}, {"map": "umap", "point": [0, 0]}])
def test_shifts_of_the_wrong_number_are_refused_wherever_they_are_given(client, source):
    for path in ("decode", "place"):
        answer = client.post(f"/api/{path}", json={"source": {**source, "shifts": [0.5] * 9}})
        assert answer.status_code == 400
        assert "directions" in answer.json()["detail"]
    sent = client.post("/api/reconstruct", params={"shifts": "1,2,x"}, content=wav_of(TONE))
    assert (sent.status_code, "commas" in sent.json()["detail"]) == (400, True)


def test_a_variation_is_near_its_source_and_a_variation_of_it_another(client):
    def latent(variations: list[int]) -> np.ndarray:
        return np.array(place(client, genre="rock", seed=3, variations=variations)["clips"][0]["latent"])

    origin, others = latent([]), [latent([number]) for number in range(20)]
    apart = [np.linalg.norm(other - origin) for other in others]
    strangers = [
        np.linalg.norm(latent([]) - np.array(place(client, genre="rock", seed=seed)["clips"][0]["latent"]))
        for seed in range(20, 40)
    ]
    assert min(apart) > 0
    assert np.mean(apart) < 0.7 * np.mean(strangers)
    assert np.array_equal(others[3], latent([3]))
    assert not np.array_equal(latent([3]), latent([3, 4]))


def test_a_mix_of_genres_leads_from_one_to_the_other(client):
    def samples(**source: object) -> np.ndarray:
        return heard(client.post("/api/decode", json={"source": {"seed": 5, **source}}))

    rock, techno = samples(genre="rock"), samples(genre="techno")
    assert np.array_equal(samples(mix={"rock": 1, "techno": 0}), rock)
    half = samples(mix={"rock": 0.5, "techno": 0.5, "drum & bass": 0.2})
    assert not np.array_equal(half, rock)
    assert not np.array_equal(half, techno)
    for mix in ({"rock": 0}, {"polka": 1}):
        assert client.post("/api/decode", json={"source": {"mix": mix}}).status_code in (400, 422)


def test_a_path_goes_by_way_of_what_lies_between(client):
    ends = {"start": {"genre": "rock", "seed": 1}, "end": {"genre": "techno", "seed": 2}}
    by_way = {**ends, "via": [{"genre": "drum & bass", "seed": 3}], "steps": 5}
    trail = client.post("/api/place", json=by_way).json()["clips"]
    middle = place(client, genre="drum & bass", seed=3)["clips"][0]["latent"]
    assert trail[2]["latent"] == pytest.approx(middle, abs=1e-5)
    assert len(heard(client.post("/api/interpolate", json=by_way))) > 2 * CLIP_SAMPLES


def test_an_uploaded_file_is_remembered_and_can_be_shifted(client):
    content = wav_of(TONE)
    told = client.post("/api/place", content=content).json()
    sent = client.post("/api/reconstruct", content=content)
    recalled = client.post("/api/reconstruct", params={"upload": told["upload"]})
    assert recalled.content == sent.content
    shifted = heard(client.post("/api/reconstruct", params={"upload": told["upload"], "shifts": "2,-1"}))
    assert len(shifted) == len(heard(sent))
    assert not np.array_equal(shifted, heard(sent))
    forgotten = client.post("/api/reconstruct", params={"upload": "00"})
    assert (forgotten.status_code, "send it again" in forgotten.json()["detail"]) == (400, True)


def test_several_runs_are_served_side_by_side(engine, tmp_path_factory):
    other = Engine(make_run(tmp_path_factory.mktemp("other") / "second", seed=1), installed())
    with TestClient(create_app([engine, other]), base_url="http://localhost") as client:
        told = client.get("/api/info").json()
        assert [(run["digest"], run["name"]) for run in told["runs"]] == [
            (engine.digest, "run"),
            (other.digest, "second"),
        ]
        asked = {"genre": "rock", "seed": 1}
        plain, first, second = (
            client.get("/api/generate", params={**asked, **more}).content
            for more in ({}, {"run": engine.digest}, {"run": other.digest})
        )
        assert plain == first != second
        assert client.get("/api/info", params={"run": other.digest}).json()["maps"] == []
        assert client.get("/api/generate", params={**asked, "run": "none"}).status_code == 400


def test_answers_are_what_the_description_declares(client):
    described = client.get("/api/openapi.json").json()
    for path, methods in described["paths"].items():
        for told in methods.values():
            if path != "/api/health":
                for status in ("400", "422"):
                    schema = told["responses"][status]["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Fault"}
    assert "application/octet-stream" in described["paths"]["/api/map/{method}"]["get"]["responses"]["200"]["content"]
    refused = client.get("/api/generate", params={"genre": "rock", "seed": "x"})
    assert (refused.status_code, list(refused.json())) == (422, ["detail"])
    assert isinstance(refused.json()["detail"], str)


def test_whatever_the_description_refers_to_is_described(client):
    described = client.get("/api/openapi.json").json()
    referred = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(described)))
    assert {"Fault", "Source"} <= referred <= set(described["components"]["schemas"])


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ({"genre": "rock"}, True),
        ({"genre": "rock", "latent": [0, 0, 0, 0]}, True),
        ({"map": "pca", "point": [0, 0.5]}, True),
        ({"map": "pca", "point": [0, 0], "genre": "rock"}, True),
        ({"mix": {"rock": 1, "techno": 0}}, True),
        ({}, False),
        ({"latent": [0, 0, 0, 0]}, False),
        ({"map": "pca"}, False),
        ({"genre": "rock", "point": [0, 0]}, False),
        ({"map": "pca", "point": [0, 0], "latent": [0, 0, 0, 0]}, False),
        ({"mix": {"rock": 1}, "genre": "rock"}, False),
        ({"mix": {"rock": 0, "techno": 0}}, False),
        ({"genre": "rock", "seed": 5.0, "index": 1.0, "variations": [2.0]}, True),
        ({"genre": "rock", "seed": 5.5}, False),
        ({"genre": "rock", "seed": "5"}, False),
        ({"genre": "rock", "seed": True}, False),
        ({"map": "pca", "point": ["0", 0]}, False),
    ],
)
def test_what_a_source_may_be_is_what_the_description_says(
    client: TestClient, source: dict[str, object], right: bool
) -> None:
    described = client.get("/api/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Source", "components": described["components"]}
    assert Draft202012Validator(schema).is_valid(source) is right
    assert (client.post("/api/decode", json={"source": source}).status_code == 200) is right


@pytest.mark.parametrize("path", ["/api/generate?genre=rock&vocoder=", "/api/info?run="])
def test_an_empty_name_is_the_name_of_nothing(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_an_empty_genre_and_the_run_of_an_address_are_no_less_looked_at(client: TestClient) -> None:
    source = {"map": "pca", "point": [0, 0]}
    assert client.post("/api/decode", json={"source": {**source, "genre": ""}}).status_code == 400
    assert client.post("/api/place?run=none", json={"source": source}).status_code == 400


def test_no_steps_along_directions_that_a_run_has_not_are_none(client: TestClient) -> None:
    source = {"genre": "rock", "seed": 7, "shifts": [1.5, 0, 0, 0]}
    more = {**source, "shifts": [1.5, *[0] * 9]}
    first, second = (client.post("/api/decode", json={"source": each}) for each in (source, more))
    assert first.content == second.content
    refused = client.post("/api/decode", json={"source": {**source, "shifts": [0] * 9 + [1]}})
    assert refused.status_code == 400


def test_what_is_wrong_with_a_path_is_said_of_the_path(client: TestClient) -> None:
    answer = client.post("/api/place", json={"start": {"genre": "rock", "seed": -1}, "end": {"genre": "rock"}})
    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (422, "start.seed")


def test_numbers_beyond_their_range_are_clamped(client):
    def sound(temperature: float) -> bytes:
        return client.get("/api/generate", params={"genre": "rock", "seed": 1, "temperature": temperature}).content

    assert sound(50) == sound(3)
    way = {"start": {"genre": "rock"}, "end": {"genre": "rock", "seed": 1}, "steps": 10**6}
    assert len(client.post("/api/place", json=way).json()["clips"]) == 16


def test_the_map_is_points_and_genres(client, mapped_run):
    found = LatentMap.load(mapped_run, "umap")
    [told] = [each for each in client.get("/api/info").json()["maps"] if each["method"] == "umap"]
    answer = client.get("/api/map/umap")
    parts = np.frombuffer(answer.content, "<u2").reshape(3, -1)
    low, high = np.array(told["low"]), np.array(told["high"])
    points = low + (high - low) * parts[:2].T / 65535
    assert points == pytest.approx(found.points.numpy(), abs=float((high - low).max()) / 65535)
    assert np.array_equal(parts[2], found.genre.numpy())
    again = client.get("/api/map/umap", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/map/..%2f..%2fpipeline.json").status_code == 404


def test_info_says_what_there_is(client, mapped_run):
    told = client.get("/api/info").json()
    assert told["run"] == mapped_run.digest()
    assert told["genres"] == list(GENRES)
    assert told["vocoders"][0]["name"] == "pghi-refined"
    assert {each["method"]: each["clips"] for each in told["maps"]} == {"pca": 300, "umap": 300}
    assert told["directions"] == 4  # as many as the model has dimensions


def test_the_directions_are_measured_while_nobody_waits(client):
    deadline = time.monotonic() + 30
    while (told := client.get("/api/directions").json())[0]["measured"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shares = [each["explained"] for each in told]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.02)  # the model has four dimensions
    assert all(set(each["does"]) <= {word for pair in WORDS for word in pair} for each in told)


def test_about_tells_the_parts_and_the_training(client, mapped_run):
    told = client.get("/api/about").json()
    assert told["parts"]["model"] == "conv-vae"
    assert (told["training"], told["data"], told["card"]) == (mapped_run.training, mapped_run.data, "")


def test_about_says_what_each_option_was_set_to_and_what_it_means(client, mapped_run):
    told = {each.pop("name"): each for each in client.get("/api/about").json()["options"]}
    config = mapped_run.config
    parts = {section: getattr(config, section).options for section in SECTIONS}
    assert set(told) == {f"{section}.{name}" for section, own in parts.items() for name in own}
    assert told["transform.n_fft"] == {
        "value": str(config.transform.options["n_fft"]),
        "meaning": "samples in a windowed frame, even",
        "takes": "a whole number from 4 to 65536",
    }
    assert all(each["meaning"] for each in told.values())


def test_every_endpoint_is_described_on_a_page_from_here(client):
    described = client.get("/api/openapi.json").json()
    assert {
        "/api/generate",
        "/api/decode",
        "/api/place",
        "/api/interpolate",
        "/api/reconstruct",
        "/api/info",
        "/api/about",
        "/api/directions",
        "/api/health",
        "/api/map/{method}",
        "/api/map/{method}/{quality}",
        "/api/lesson/sound",
        "/api/lesson/stage",
        "/api/lesson/guided",
        "/api/listen",
        "/api/listen/trial",
        "/api/listen/sound/{trial}/{slot}",
        "/api/listen/vote",
        "/api/listen/verdict",
    } == set(described["paths"])
    page = client.get("/api").text
    assert "http" not in page


@pytest.mark.parametrize("path", ["/", "/main.js", "/style.css", "/api/health", "/nothing", "/api/generate"])
def test_every_answer_has_a_strict_policy(client, path):
    policy = client.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://127.0.0.1:8000"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_only_known_hosts_and_origins_are_answered(client, headers, status):
    assert client.get("/api/health", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/generate?genre=rock", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ("/api/generate?genre=rock", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ("/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        ("/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 200),
        ("/api/health", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
        ("/api/health", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
    ],
)
def test_another_site_may_link_here_and_no_more(client, path, headers, status):
    assert client.get(path, headers=headers).status_code == status


def test_the_address_at_which_a_request_arrives_is_a_name_of_the_server(engine):
    with TestClient(create_app([engine]), base_url="http://192.0.2.7:8000") as client:
        assert client.get("/api/health").status_code == 200  # starlette takes the URL's host for the address
        assert client.get("/api/health", headers={"host": "192.0.2.8:8000"}).status_code == 421
        assert client.get("/api/health", headers={"origin": "http://192.0.2.7:8000"}).status_code == 200


def test_with_a_token_only_those_who_have_it_are_answered(engine):
    with TestClient(create_app([engine], token="secret"), base_url="http://localhost") as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "genvae-token=secre"}):
            assert client.get("/api/health", headers=headers).status_code == 401
        assert client.get("/").status_code == 401
        assert client.get("/api/health", headers={"authorization": "Bearer secret"}).status_code == 200
        entered = client.get("/?token=secret", follow_redirects=False)
        assert (entered.status_code, entered.headers["location"]) == (303, ".")
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert client.get("/").status_code == 200  # the cookie is kept
        assert client.get("/api/health").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--host", "0.0.0.0"], "--public"),
        (["--host", "0.0.0.0", "--public", "--token", "x"], "exclude each other"),
    ],
)
def test_an_address_that_others_can_reach_wants_a_decision(arguments, why):
    result = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
    assert result.exit_code != 0
    assert why in str(result.exception) + result.output


def test_a_host_can_be_allowed(engine):
    with TestClient(create_app([engine], hosts={"engine.local"}), base_url="http://engine.local") as client:
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/health", headers={"host": "localhost"}).status_code == 421


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/app.py", "/static/index.html", "/index.html", "/.git/config"]
)
def test_no_path_leads_to_a_file(client, path):
    assert client.get(path).status_code == 404


def test_a_full_queue_says_when_to_come_back_and_health_still_answers(engine, monkeypatch):
    gate, began = threading.Event(), threading.Event()

    def slow(draws: list[object], **_: object) -> list[bytes]:
        began.set()
        assert gate.wait(30)
        return [b""] * len(draws)

    monkeypatch.setattr(engine, "generate_each", slow)
    with TestClient(create_app([engine], worker=ModelWorker(2)), base_url="http://localhost") as client:
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
    with TestClient(create_app([Engine(tiny_run, installed())]), base_url="http://localhost") as client:
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
from genvae.run import Run
from genvae.web.app import create_app
from genvae.web.engine import Engine
engine = Engine(Run(Path({str(mapped_run.path)!r})), installed())
with TestClient(create_app([engine]), base_url="http://localhost") as client:
    for vocoder in engine.synthesizers:
        assert client.get("/api/generate", params=dict(genre="rock", vocoder=vocoder)).status_code == 200
    for name in ("pca", "umap"):
        source = dict(map=name, point=[0, 0])
        assert client.post("/api/decode", json=dict(source=source)).status_code == 200
        assert client.post("/api/place", json=dict(source=source)).status_code == 200
    tone = Path({str(tmp_path / "tone.wav")!r}).read_bytes()
    assert client.post("/api/place", content=tone).status_code == 200
    assert client.post("/api/reconstruct", content=tone).status_code == 200
print(json.dumps([sorted(engine.synthesizers), sorted(set(sys.modules) & {{"numba", "umap", "sklearn"}})]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    vocoders, loaded = json.loads(done.stdout)
    assert loaded == []
    assert "pghi" not in vocoders  # it compiles
    assert "pghi-refined" in vocoders
