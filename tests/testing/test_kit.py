"""The conformance kit against plugins that break their promises: the check whose work it is finds each mistake."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.errors import OptionError
from genvae.scaffold import write
from genvae.testing import CheckFailure, check_plugin, parametrize_checks, plugin_checks
from genvae.testing.failure import expect_shape
from genvae.testing.kit import BoundCheck, Outcome, outcome_of

COUNT = iter(range(1000))


def broken(folder: Path, kind: str, old: str, new: str, *, declaration: bool = False) -> Path:
    """The scaffold of a kind with one thing changed."""
    name = f"broken-{kind}-{next(COUNT)}"
    project = write(name, kind, folder / name)
    package = f"genvae_{name.replace('-', '_')}"
    path = project / package / ("__init__.py" if declaration else f"{kind}.py")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return project


def outcome(project: Path, check: str) -> Outcome:
    [bound] = [bound for bound in plugin_checks(project) if bound.name == check]
    return outcome_of(bound)


MISTAKES = {
    # kind, check, what is changed, what is said
    "a declaration that imports torch": (
        "vocoder",
        "imports-light",
        "import genvae\n",
        "import genvae\nimport torch\n",
        "imports numpy|imports torch",
    ),
    "an option without a default": (
        "vocoder",
        "options-round-trip",
        "most=10_000)] = 32",
        "most=10_000)]",
        "default for every option",
    ),
    "options that can be changed": (
        "vocoder",
        "options-round-trip",
        "(frozen=True, kw_only=True)",
        "(kw_only=True)",
        "frozen dataclass",
    ),
    "a factory of another kind": (
        "vocoder",
        "factory-is-of-its-kind",
        ".vocoder:Broken",
        ".vocoder:windows.Broken",
        None,
    ),
    "any spectrogram accepted": (
        "vocoder",
        "refuses-what-it-cannot-serve",
        "        spec.require(",
        "        (lambda *a, **k: None)(",
        "it was accepted",
    ),
    "a refusal that names no field": (
        "vocoder",
        "refuses-what-it-cannot-serve",
        "        spec.require(",
        "        if spec.kind != 'magnitude': raise genvae.errors.SpecMismatch('no')\n        spec.require(",
        "names the field",
    ),
    "a length of its own": (
        "vocoder",
        "length-is-as-asked",
        "(0, length - held)",
        "(0, 7 + length - held)",
        "shape \\[1, ",
    ),
    "another pitch": (
        "vocoder",
        "keeps-a-tone",
        "magnitude = spectrogram.exp()",
        "magnitude = spectrogram.exp().roll(3, 1)",
        "a peak at 440 Hz",
    ),
    "another level": (
        "vocoder",
        "keeps-the-level",
        "magnitude = spectrogram.exp()",
        "magnitude = 2 * spectrogram.exp()",
        "root mean square",
    ),
    "noise in silence": (
        "vocoder",
        "silence-stays-silent",
        "magnitude = spectrogram.exp()",
        "magnitude = spectrogram.exp() + 1",
        "below 0.001",
    ),
    "the batch's loudest clip sets the level": (
        "vocoder",
        "batch-equals-single",
        "magnitude = spectrogram.exp()",
        "magnitude = spectrogram.exp() / spectrogram.exp().max()",
        "alone and in a batch",
    ),
    "the global generator": (
        "vocoder",
        "draws-from-the-generator-alone",
        "torch.rand(magnitude.shape[1:], generator=fixed)",
        "torch.rand(magnitude.shape[1:])",
        "global generator",
    ),
    "an initial phase that is not used": (
        "vocoder",
        "starts-from-the-initial-phase",
        "    @torch.no_grad()\n    def forward(\n        self, spectrogram: Tensor, *,",
        "    takes_initial_phase = True\n\n    @torch.no_grad()\n    def forward(\n"
        "        self, spectrogram: Tensor, *, initial_phase: Tensor | None = None,",
        "the sound itself",
    ),
    "an input that is changed": (
        "vocoder",
        "leaves-its-input",
        "spectrogram.exp()",
        "spectrogram.exp_()",
        "changed in place",
    ),
    "a constructor that fails": (
        "vocoder",
        "keeps-a-tone",
        "self.options = options",
        "self.options = options.nothing",
        "AttributeError",
    ),
    "frames that start elsewhere": (
        "transform",
        "gives-the-frames-of-its-spec",
        'pad_mode="constant",',
        "center=False,",
        "waveforms of 1",
    ),
    "statistics of each clip": (
        "transform",
        "inverts-at-any-level",
        "(self._logarithm(wave) - self.mean)",
        "(self._logarithm(wave) - self._logarithm(wave).mean())",
        "not of each clip",
    ),
    "a logarithm of nothing": ("transform", "stays-finite", "FLOOR = 1e-4", "FLOOR = 0.0", "NaN or infinite"),
    "statistics that are no buffers": (
        "transform",
        "state-survives",
        'self.register_buffer("mean", torch.zeros(self.spec.bins, 1))',
        "self.mean = torch.zeros(self.spec.bins, 1)",
        "must be in buffers",
    ),
    "another scale than the spec's": (
        "transform",
        "gives-the-values-of-its-spec",
        "(spectrum.abs() + FLOOR).log()",
        "(spectrum.abs().square() + FLOOR).log()",
        "to 1 % of the largest",
    ),
    "features that are cut off from the waveform": (
        "transform",
        "is-differentiable-where-it-says-so",
        "wave.to(self.window)",
        "wave.detach().to(self.window)",
        "detached",
    ),
    "a parameter that nothing uses": (
        "model",
        "every-parameter-gets-a-gradient",
        "        width = options.width",
        "        width = options.width\n        self.spare = nn.Linear(3, 3)",
        "spare.weight, spare.bias",
    ),
    "a posterior that has collapsed": (
        "model",
        "overfits-one-batch",
        "self.options.beta * kl",
        "1e6 * kl",
        "too little",
    ),
    "a genre that changes nothing": (
        "model",
        "genre-changes-the-output-where-it-says-so",
        "torch.cat([z, self.genre(genre)], dim=1)",
        "torch.cat([z, 0 * self.genre(genre)], dim=1)",
        "conditional=False",
    ),
    "a generator that is not used": (
        "model",
        "draws-from-the-generator-alone",
        "posterior.sample(generator)",
        "posterior.sample(None)",
        "global generator",
    ),
    "half of the frames": (
        "model",
        "encodes-and-decodes",
        "return features\n",
        "return features[..., ::2]\n",
        "decoded features",
    ),
    "a state that is not saved": (
        "model",
        "reload-equals",
        "self.genre(genre)], dim=1))",
        "self.genre(genre)], dim=1) + vars(self).setdefault('offset', __import__('random').random()))",
        "after saving and loading",
    ),
    "a warm-up in a Python number": (
        "model",
        "resumes-to-the-same-weights",
        "self.options.beta * kl",
        "100 * vars(self).setdefault('steps', []).__len__() * (self.steps.append(1) or kl)",
        "use step.number and step.progress",
    ),
    "weights in float64": (
        "model",
        "computes-in-single-precision",
        "        width = options.width",
        "        width = options.width\n        self.scale = nn.Parameter(torch.ones(3).double())",
        "scale is torch.float64",
    ),
    "another default dtype": (
        "model",
        "encodes-and-decodes",
        "        width = options.width",
        "        width = options.width\n        torch.set_default_dtype(torch.float64)",
        "default dtype is torch.float64, was torch.float32",
    ),
    "gradients switched off for good": (
        "model",
        "overfits-one-batch",
        "squared_error = F.mse_loss(decoded, features)",
        "squared_error = F.mse_loss(decoded, features)\n        torch.set_grad_enabled(False)",
        "grad enabled is False, was True",
    ),
    "features that are changed": (
        "model",
        "leaves-its-input",
        "self.encoder(features)",
        "self.encoder(features.mul_(0.9))",
        "features changed in place",
    ),
    "a loss that is not a number": (
        "model",
        "overfits-one-batch",
        "self.options.beta * kl",
        "0 * kl.detach().mul(0).log()",
        "NaN at step 1: look for a logarithm",
    ),
    "a loss beyond all numbers": (
        "model",
        "overfits-one-batch",
        "self.options.beta * kl",
        "(1 + kl).mul(1e4).exp()",
        "infinite at step 1: look for an exponential",
    ),
    "a learning rate that is too high": (
        "model",
        "overfits-one-batch",
        "lr=self.options.learning_rate",
        "lr=1e30",
        "at step [2-9]",
    ),
    "a loss without a name": (
        "model",
        "overfits-one-batch",
        '{"loss": loss,',
        '{"total": loss,',
        "it gives 'total', 'squared_error', 'kl': name one 'loss'",
    ),
    "latents that are changed": (
        "prior",
        "leaves-its-input",
        "if not bool(z.isfinite().all()):",
        "z.mul_(0.5)\n        if not bool(z.isfinite().all()):",
        "changed in place",
    ),
    "NaN accepted": (
        "prior",
        "refuses-nan",
        "if not bool(z.isfinite().all()):",
        "z = z.nan_to_num(posinf=0)\n        if False:",
        "it was accepted",
    ),
    "a mean that is forgotten": (
        "prior",
        "recovers-a-gaussian",
        "return self.mean[genre] + ",
        "return ",
        "the mean of genre",
    ),
    "a temperature that is not used": (
        "prior",
        "temperature-scales-the-spread",
        "temperature * deviation",
        "deviation",
        "rises with temperatures",
    ),
    "draws from elsewhere": (
        "prior",
        "draws-from-the-generator-alone",
        "generator=generator, device=generator.device",
        "device=generator.device",
        "global generator",
    ),
    "one id for all": (
        "dataset",
        "lists-recordings",
        "id=path.relative_to(root).as_posix()",
        "id=path.suffix",
        "more than once",
    ),
    "a recording that can't be sent": (
        "dataset",
        "reads-in-other-processes",
        "open=partial(open_sound, path)",
        "open=lambda: open_sound(path)",
        "partial",
    ),
    "a network at reading": (
        "dataset",
        "reads-in-other-processes",
        "class ",
        "def fetch(path):\n    import socket\n    import sys\n    if 'pytest' not in sys.modules:\n"
        "        socket.create_connection(('127.0.0.1', 9))\n    return open_sound(path)\n\n\nclass ",
        None,
    ),
    "an order by hash": (
        "dataset",
        "is-the-same-every-time",
        'sorted(root.glob("*/**/*"))',
        'sorted(root.glob("*/**/*"), key=lambda p: hash(str(p)))',
        "in a new process",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_its_check_and_told(mistake: str, tmp_path: Path) -> None:
    kind, check, old, new, said = MISTAKES[mistake]
    declaration = kind == "vocoder" and check in ("imports-light", "options-round-trip", "factory-is-of-its-kind")
    project = broken(tmp_path, kind, old, new, declaration=declaration)
    if mistake == "a network at reading":
        path = next(project.glob("genvae_*/dataset.py"))
        path.write_text(path.read_text().replace("partial(open_sound, path)", "partial(fetch, path)"))
        said = "no network|socket.connect"
    if said is None:
        assert [b.name for b in plugin_checks(project)] == ["is-declared"]  # it is broken, and nothing else can be said
        said, check = "not of the form 'module:Class'", "is-declared"
    found = outcome(project, check)
    assert found.state == "failed"
    assert re.search(said, f"{found.expected}\n{found.actual}"), (found.expected, found.actual)
    assert found.read.startswith(f"docs/plugins/{kind}s.md")


def test_a_plugin_that_raises_is_told_with_the_place(tmp_path: Path) -> None:
    project = broken(tmp_path, "prior", "apart = own - own.mean(0)", "apart = own - nothing")
    found = outcome(project, "fits-and-samples")
    assert found.state == "failed"
    assert re.search(r"NameError: name 'nothing' is not defined \(.*prior\.py, line \d+\)", found.actual)


def test_a_suggestion_that_no_plugin_knows_is_found(tmp_path: Path) -> None:
    for suggested, said in {
        '{"transform.nfft": 512}': "no transform has it. Did you mean 'n_fft'?",
        '{"transform.n_fft": "wide"}': "transform.n_fft takes a whole number",
        '{"trian.ema": 0.9}': "'trian'",
    }.items():
        new = f'summary="S.",\n        suggests={suggested},'
        old = 'summary="A small convolutional VAE, conditional on genre.",'
        found = outcome(broken(tmp_path, "model", old, new, declaration=True), "suggests-what-exists")
        assert (found.state, said in found.actual) == ("failed", True), found.actual


def test_a_check_that_does_not_end_is_interrupted_and_told_with_the_place(tmp_path: Path) -> None:
    project = broken(tmp_path, "prior", "apart = own - own.mean(0)", "while True:\n                apart = own")
    [bound] = [bound for bound in plugin_checks(project) if bound.name == "fits-and-samples"]
    found = outcome_of(replace(bound, patience=1.0))
    assert (found.state, found.expected) == ("failed", "an end within 1 seconds")
    assert re.search(r"still at work \(.*prior\.py, line \d+\)", found.actual)


def test_what_is_expected_to_fail_must(tmp_path: Path) -> None:
    project = broken(tmp_path, "prior", "temperature * deviation", "deviation")
    reason = {"temperature-scales-the-spread": "it has none"}
    report = check_plugin(project, expected_failures=reason)
    assert report.passed
    assert [o.check for o in report.outcomes if o.state == "expected"] == ["temperature-scales-the-spread"]
    sound = {"refuses-nan": "it is said to take anything"}
    report = check_plugin(project, expected_failures={**reason, **sound})
    [failure] = report.failures()
    assert (failure.check, failure.state) == ("refuses-nan", "unexpected")
    with pytest.raises(OptionError, match=r"no check 'refuses-nam'\. Did you mean 'refuses-nan'"):
        check_plugin(project, expected_failures={"refuses-nam": ""})


def test_an_option_that_nobody_has_is_refused_before_anything_is_checked(tmp_path: Path) -> None:
    project = write("misspelt", "vocoder", tmp_path / "misspelt")
    with pytest.raises(OptionError, match=r"vocoder has no option 'iteration'\. Did you mean 'iterations'"):
        check_plugin(project, options={"vocoder.iteration": 3})


def test_options_of_a_distribution_go_to_those_of_its_plugins_that_have_them() -> None:
    project = Path(__file__).parents[1] / "authors" / "genvae-authors"
    bound = plugin_checks(project, kind="vocoder", options={"vocoder.width": 16})
    given = {each.subject.row.name: each.subject.options["vocoder"] for each in bound}
    assert given == {"adversary": {"width": 16}, "imdct": {}}


def test_pytest_gets_a_case_for_each_check_and_a_strict_xfail(tmp_path: Path) -> None:
    project = write("for-pytest", "prior", tmp_path / "for-pytest")
    mark = parametrize_checks(project, expected_failures={"refuses-nan": "it takes anything"})
    names, cases = mark.args
    assert names == "check"
    assert {case.values[0].name for case in cases} >= {"is-declared", "recovers-a-gaussian", "trains-and-generates"}
    assert all(isinstance(case.values[0], BoundCheck) for case in cases)
    [expected] = [case for case in cases if case.marks]
    assert expected.id == "prior-for-pytest-refuses-nan"
    assert expected.marks[0].kwargs == {"reason": "it takes anything", "strict": True, "raises": CheckFailure}


def test_the_command_prints_failures_with_their_cure_and_ends_with_6(genvae: Genvae, tmp_path: Path) -> None:
    project = broken(tmp_path, "prior", "temperature * deviation", "deviation")
    result = genvae("plugins", "check", project)
    assert result.exit_code == 6
    text = textwrap.dedent(result.stdout)
    assert re.search(r"temperature-scales-the-spread +failed", text)
    assert re.search(r"expected +a variance that rises.*\n +actual +.*\n +read +docs/plugins/priors.md", text)
    assert "1 of" in result.stderr
    expect = ["--expect", "temperature-scales-the-spread"]
    assert genvae("plugins", "check", project, *expect).exit_code == 0
    result = genvae("plugins", "check", project, *expect, "--expect", "refuses-nan")
    assert result.exit_code == 6
    assert re.search(r"refuses-nan +unexpected", result.stdout)
    told = json.loads(genvae("plugins", "check", project, "--json").stdout)
    assert told["passed"] is False
    assert [c["check"] for c in told["checks"] if c["state"] == "failed"] == ["temperature-scales-the-spread"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["griffin-limm"], 6, "Did you mean 'griffin-lim'?"),
        (["./nowhere"], 6, "./nowhere does not exist."),
        (["griffin-lim", "--kind", "prior"], 6, "There is no plugin and no distribution 'griffin-lim'"),
        (["griffin-lim", "--set", "vocoder.rounds=3"], 2, "no option 'rounds'"),
    ],
)
def test_a_wrong_target_or_option_is_answered(genvae: Genvae, arguments: list[str], code: int, said: str) -> None:
    result = genvae("plugins", "check", *arguments)
    assert result.exit_code == code
    assert said in result.stdout + result.stderr


def test_shapes_are_told_as_expected_and_actual() -> None:
    with pytest.raises(CheckFailure) as raised:
        expect_shape([1], (2, 3), "a thing")
    assert str(raised.value) == "expected a thing to be a tensor of shape [2, 3]\nactual   list"
