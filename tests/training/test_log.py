"""metrics.jsonl after a crash: the lines of steps that will come again go, and so does what was torn."""

from genvae.progress import ignore
from genvae.training.log import TrainingLog


def test_resuming_drops_later_steps_and_torn_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"kind": "train", "step": 1}\n{"kind": "train", "step": 9}\n[]\n{}\n\xff\xff\n{"kind": "tra')
    with TrainingLog(path, step=5, silent=False, listener=ignore) as log:
        log.record("train", 6, {"loss": 1.0})
    lines = path.read_text().splitlines()
    assert lines == ['{"kind": "train", "step": 1}', '{"kind": "train", "step": 6, "loss": 1.0}']
