from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from genvae.errors import GenvaeError, RunError
from genvae.latents import METHODS, LatentMap, directions, fit, map_methods, near
from genvae.latents.fit import make_map
from genvae.progress import Listener, Message, Progress
from genvae.run import Run
from genvae.tensor_files import save_tensors

CLIPS, DIM = 400, 6


def clusters() -> tuple[Tensor, Tensor]:
    """Latents of three genres in groups that lie apart."""
    generator = torch.Generator().manual_seed(0)
    genre = torch.arange(CLIPS) % 3
    centres = 6 * torch.randn(3, DIM, generator=generator)
    return centres[genre] + torch.randn(CLIPS, DIM, generator=generator), genre


def fake_umap(latents: Tensor, seed: int, listener: Listener) -> Tensor:
    """In place of the process, which takes a minute to compile: another plane, bent."""
    return torch.stack([latents[:, 2], latents[:, 3].pow(3) / 10], dim=1)


@pytest.fixture
def mapped(tiny_run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    latents, genre = clusters()
    save_tensors(tiny_run.latents_path, {"mean": latents, "genre": genre, "clip": 7 * torch.arange(CLIPS)})
    monkeypatch.setattr(fit, "_umap", fake_umap)
    for method in METHODS:
        make_map(tiny_run, method)
    return tiny_run


def test_a_pca_map_is_the_plane_of_the_most_variance(mapped: Run) -> None:
    held = LatentMap.load(mapped, "pca")
    latents, genre = clusters()
    centred = (latents - latents.mean(0)).double().numpy()
    _, singular, rows = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ rows[:2].T
    turned = np.sign((expected * held.points.numpy()).sum(axis=0))
    np.testing.assert_allclose(held.points, turned * expected, atol=1e-4)
    assert held.explained == pytest.approx(tuple((singular**2 / (singular**2).sum())[:2]))
    assert torch.equal(held.genre, genre)
    assert held.clip.tolist() == list(range(0, 7 * CLIPS, 7))


def test_latents_are_kept_to_a_hundredth_of_their_spread(mapped: Run) -> None:
    latents, _ = clusters()
    off = LatentMap.load(mapped, "pca").latents - latents
    assert float(off.square().mean().sqrt() / latents.std()) < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_a_training_clip_is_placed_on_its_point_and_its_point_leads_back(mapped: Run, method: str) -> None:
    held = LatentMap.load(mapped, method)
    latents, _ = clusters()
    spread = held.points.std()
    assert float((held.place(latents) - held.points).abs().max() / spread) < (1e-5 if method == "pca" else 0.02)
    torch.testing.assert_close(held.invert(held.points), latents, atol=0.1, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_no_answer_depends_on_the_rest_of_the_batch(mapped: Run, method: str) -> None:
    held = LatentMap.load(mapped, method)
    z = torch.randn(9, DIM, generator=torch.Generator().manual_seed(3))
    points = held.place(z)
    assert torch.equal(torch.cat([held.place(each[None]) for each in z]), points)
    assert torch.equal(torch.cat([held.invert(each[None]) for each in points]), held.invert(points))


def test_a_place_between_the_clips_leads_to_a_latent_that_lies_there(mapped: Run) -> None:
    held = LatentMap.load(mapped, "pca")
    points = held.points[:20] + 0.5
    torch.testing.assert_close(held.place(held.invert(points)), points, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_inverting_shrinks_nothing(mapped: Run, method: str) -> None:
    """A plain mean of neighbours that differ in other directions would be shorter than any of them."""
    held = LatentMap.load(mapped, method)
    points = held.points[:100] + 0.1
    indices, _ = held.neighbours(points, 8)
    lengths = held.latents[indices].norm(dim=2)
    made = held.invert(points).norm(dim=1)
    assert bool((made > lengths.min(dim=1).values - 0.5).all())
    assert bool((made < lengths.max(dim=1).values + 0.5).all())


def test_neighbours_are_those_of_scikit_learn(mapped: Run) -> None:
    held = LatentMap.load(mapped, "umap")
    points = held.points[:30] + 0.01
    indices, distances = held.neighbours(points, 5)
    expected = NearestNeighbors(n_neighbors=5).fit(held.points.numpy()).kneighbors(points.numpy())
    np.testing.assert_allclose(distances, expected[0], atol=1e-5)
    assert indices.tolist() == expected[1].tolist()
    assert held.neighbours(points[:0], 5)[0].shape == (0, 5)


def test_far_from_all_clips_is_sparse_and_among_them_is_not(mapped: Run) -> None:
    held = LatentMap.load(mapped, "pca")
    assert held.sparse(torch.tensor([[1e3, 1e3]])).tolist() == [True]
    assert float(held.sparse(held.points).float().mean()) < 0.02


@given(st.lists(st.floats(0, 1e4, width=32), min_size=1, max_size=9))
@example([0.0, 1.4e-45])  # distances too small to divide by
def test_weights_of_neighbours_sum_to_one_and_fall_with_distance(distances: list[float]) -> None:
    shares = near.weights(torch.tensor(sorted(distances)))
    assert float(shares.sum()) == pytest.approx(1, abs=1e-4)
    assert bool((shares[1:] <= shares[:-1] + 1e-6).all())


def test_directions_are_the_axes_of_the_most_variance(mapped: Run) -> None:
    axes, deviation = directions(mapped, 3)
    latents, _ = clusters()
    torch.testing.assert_close(axes @ axes.T, torch.eye(3), atol=1e-5, rtol=0)
    torch.testing.assert_close((latents @ axes.T).std(dim=0), deviation, rtol=1e-3, atol=0)


def test_one_method_is_kept_when_the_other_is_made_and_dropped_with_other_latents(mapped: Run) -> None:
    assert map_methods(mapped) == ["pca", "umap"]
    latents, genre = clusters()
    save_tensors(mapped.latents_path, {"mean": latents + 1.0 * genre[:, None], "genre": genre, "clip": genre})
    make_map(mapped, "pca")
    assert map_methods(mapped) == ["pca"]


def test_a_map_that_was_never_made_names_the_command(tiny_run: Run) -> None:
    assert map_methods(tiny_run) == []
    with pytest.raises(RunError, match=r"no umap map. Try: genvae\.make_map\(run=.*, method='umap'\)"):
        LatentMap.load(tiny_run, "umap")
    with pytest.raises(RunError, match="has no map"):
        directions(tiny_run, 2)
    with pytest.raises(GenvaeError, match=r"no map method 'tsne'.*pca and umap"):
        make_map(tiny_run, "tsne")


def test_without_latents_the_message_says_how_to_come_by_them(tiny_run: Run) -> None:
    tiny_run.latents_path.unlink()
    with pytest.raises(RunError, match=r"holds no latents.*store=STORE"):
        make_map(tiny_run)


@pytest.mark.parametrize("change", ["cut", "type", "shape", "range", "nan", "gone"])
def test_a_damaged_map_is_an_error_that_names_the_file(mapped: Run, change: str) -> None:
    from safetensors.torch import load_file

    held = load_file(mapped.map_path)
    if change == "cut":
        mapped.map_path.write_bytes(mapped.map_path.read_bytes()[:-9])
    else:
        held["clip"] = held["clip"].float() if change == "type" else held["clip"]
        held["pca.points"] = held["pca.points"][1:] if change == "shape" else held["pca.points"]
        held["genre"] = held["genre"] + (9 if change == "range" else 0)
        held["mean"] = held["mean"] / (0 if change == "nan" else 1)
        if change == "gone":
            del held["step"]
        save_tensors(mapped.map_path, held)
    with pytest.raises(RunError, match=r"map.safetensors is damaged"):
        LatentMap.load(mapped, "pca")


def test_of_too_many_clips_some_are_chosen_the_same_each_time(tiny_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "MOST", 100)
    latents, genre = clusters()
    save_tensors(tiny_run.latents_path, {"mean": latents, "genre": genre, "clip": torch.arange(CLIPS)})
    first, again, other = make_map(tiny_run), make_map(tiny_run), make_map(tiny_run, seed=1)
    assert len(first.points) == 100
    assert torch.equal(first.clip, again.clip)
    assert not torch.equal(first.clip, other.clip)
    torch.testing.assert_close(first.latents, latents[first.clip], atol=0.1, rtol=0)


def test_using_a_map_imports_neither_umap_nor_numba_nor_scikit_learn(mapped: Run) -> None:
    script = f"""
import sys, torch
from pathlib import Path
from genvae.latents import LatentMap, directions, map_methods
from genvae.run import Run
run = Run(Path({str(mapped.path)!r}))
for method in map_methods(run):
    held = LatentMap.load(run, method)
    points = held.place(torch.zeros(1, {DIM}))
    held.invert(points), held.sparse(points), held.neighbours(points, 2), directions(run, 2)
print([name for name in ("umap", "numba", "sklearn", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_umap_keeps_groups_apart_and_gives_the_same_map_again(tiny_run: Run) -> None:
    latents, genre = clusters()
    save_tensors(tiny_run.latents_path, {"mean": latents, "genre": genre, "clip": torch.arange(CLIPS)})
    events: list[Progress | Message] = []
    held = make_map(tiny_run, "umap", seed=5, listener=events.append)
    assert {event.stage for event in events if isinstance(event, Progress)} <= {
        "finding neighbours for UMAP",
        "projecting by UMAP",
    }
    indices, _ = held.neighbours(held.points, 6)
    assert float((held.genre[indices] == held.genre[:, None]).float().mean()) > 0.95
    assert torch.equal(make_map(tiny_run, "umap", seed=5).points, held.points)


@pytest.mark.parametrize(
    ("told", "stage", "total"),
    [("", "finding neighbours for UMAP", None), ("\r0/200\r13/200", "projecting by UMAP", 200)],
)
def test_umaps_epochs_are_counted_as_soon_as_it_has_any(
    tmp_path: Path, told: str, stage: str, total: int | None
) -> None:
    (tmp_path / "told").write_bytes(told.encode())
    events: list[Progress | Message] = []
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:

        def listen(event: Progress | Message) -> None:
            events.append(event)
            process.communicate(b"\n")

        fit._wait(process, tmp_path / "told", listen)
    [event] = events
    assert isinstance(event, Progress)
    assert (event.stage, event.total) == (stage, total)
    assert event.done == 13 or total is None


def test_umap_of_a_handful_of_clips_says_what_to_do_instead(tiny_run: Run) -> None:
    with pytest.raises(GenvaeError, match=r"needs 16 clips.*`method` pca"):
        make_map(tiny_run, "umap")


def test_a_failing_umap_is_one_line(tiny_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    latents, genre = clusters()
    save_tensors(tiny_run.latents_path, {"mean": latents, "genre": genre, "clip": torch.arange(CLIPS)})
    monkeypatch.setattr(sys, "executable", str(Path("/bin/false")))
    with pytest.raises(GenvaeError, match="UMAP failed: it ended with status 1"):
        make_map(tiny_run, "umap")


@pytest.mark.parametrize("value", [1e38, -1e38, float("inf"), float("nan")])
def test_latents_that_no_model_gives_are_damage(tiny_run: Run, value: float) -> None:
    latents, genre = clusters()
    latents[3, 2] = value
    save_tensors(tiny_run.latents_path, {"mean": latents, "genre": genre, "clip": torch.arange(CLIPS)})
    with pytest.raises(RunError, match=r"latents\.safetensors is damaged: it has values that no latent has"):
        make_map(tiny_run, "pca")
