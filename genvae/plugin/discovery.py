"""Loads what declares plugins, each behind a guard: a row for every declaration, or for what is wrong with it.

Two things declare plugins: an entry point of the group `genvae`, and a file that the user names with --plugin.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal, Self

import pluggy

import genvae
from genvae.errors import PluginError
from genvae.plugin import hookspecs
from genvae.plugin.declarations import API, KINDS, ModelPlugin, Plugin, VocoderPlugin
from genvae.plugin.guard import one_line, strict
from genvae.plugin.noise import Noise, kept_quiet

PluginState = Literal["ok", "slow", "noisy", "unavailable", "disabled", "clash", "broken"]

SLOW = 1.0
"""Seconds of import beyond which a plugin is called slow."""

_KIND_OF_HOOK = {f"genvae_{kind}s": kind for kind in KINDS}


@dataclass(frozen=True)
class PluginRow:
    """What is known of one plugin, or of something that should have brought one.

    Attributes:
        kind: of plugin: dataset, transform, model, prior or vocoder.
        name: of the plugin, or of what should have brought it.
        distribution: that it comes from.
        version: of that distribution.
        state: `ok`; `slow` (works, but its import takes long); `noisy` (works, but its import prints, warns, or sets up
            logging); `unavailable` (works, but not on this machine);
            `disabled` (by GENVAE_DISABLE); `clash` (two distributions use the name); `broken` (breaks the contract or
            can't be imported).
        reason: why it is not ok.
        plugin: its declaration; None when broken or disabled.
        module: what is imported to find it.
        origin: the file that declares it, else the module.
        import_seconds: what importing the declaration took.
    """

    kind: str
    name: str
    distribution: str
    version: str
    state: PluginState
    reason: str = ""
    plugin: Plugin | None = None
    module: str = ""
    origin: str = ""
    import_seconds: float = 0.0

    @property
    def full_name(self) -> str:
        """`distribution:name`, which finds it whatever else is installed."""
        return f"{self.distribution}:{self.name}"

    @property
    def short_name(self) -> str:
        """The shortest name that finds it."""
        return self.full_name if self.state == "clash" else self.name

    def usable(self) -> Plugin:
        """The declaration, for a row that `Registry.row` has given, as that refuses the others."""
        assert self.plugin is not None
        return self.plugin


@dataclass(frozen=True)
class PluginSource:
    """Something that declares plugins.

    Attributes:
        distribution: that it comes from.
        version: of that distribution.
        name: of the entry point, or of the file.
        value: what is imported.
        load: imports it.
        named: whether the user named it, and so knows what it costs.
    """

    distribution: str
    version: str
    name: str
    value: str
    load: Callable[[], Any]
    named: bool = False

    @classmethod
    def of_point(cls, point: EntryPoint) -> Self:
        """An entry point of an installed distribution."""
        name, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
        return cls(name, version, point.name, point.value, point.load)

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """A Python file, or the folder of a package; its version is a digest of its text.

        Raises:
            PluginError: there is no such file, or its name is none that Python can import.
        """
        path = path.absolute()
        module = path.name if path.is_dir() else path.stem
        text = path / "__init__.py" if path.is_dir() else path
        if not text.is_file():
            raise PluginError(f"{path} is no plugin: name a Python file, or the folder of a package.")
        if not module.isidentifier() or (path.is_file() and path.suffix != ".py"):
            what = f"{path} can't be imported: its name must be that of a Python module"
            raise PluginError(f"{what}, such as {re.sub('[^a-zA-Z0-9_]', '_', module)}.py.")
        digest = hashlib.blake2b(text.read_bytes(), digest_size=4).hexdigest()
        return cls(path.name, digest, module, module, lambda: _import_file(module, text, path.parent), named=True)


def normalised(distribution: str) -> str:
    """A distribution's name in the one form that all its spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def rows_of(source: PluginSource) -> Iterator[PluginRow]:
    """Load a source behind a guard and yield a row for each declaration, or one that says what is wrong.

    Raises:
        PluginError: under GENVAE_STRICT, for what would otherwise be a broken row; what an import raised is left as it
            is.
    """
    for row in _guarded_rows(source):
        if strict() and row.state == "broken":
            raise PluginError(f"The plugin {row.name!r} of {row.distribution} is broken: {row.reason}")
        yield row


def _guarded_rows(source: PluginSource) -> Iterator[PluginRow]:
    nothing = PluginRow(
        "?", source.name, source.distribution, source.version, "broken", module=source.value, origin=source.value
    )
    began = time.perf_counter()
    noise = Noise()
    try:
        with kept_quiet() as noise:
            module = source.load()
        nothing = replace(nothing, origin=str(getattr(module, "__file__", None) or source.value))
        hooks, unknown = _hooks(module)
    except PluginError as error:
        yield replace(nothing, reason=str(error))
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin can't break the tool, whatever it does when it is looked at
        _let_through_if_strict(error, f"importing {source.value} of {source.distribution} failed")
        yield replace(nothing, reason=f"importing {source.value} failed: {one_line(error)}")
        return
    for reason in unknown:
        yield replace(nothing, reason=reason)
    if not hooks and not unknown:
        yield replace(nothing, reason=f"{source.value} implements no hook; is @genvae.hookimpl missing on one?")
    rows: list[PluginRow] = []
    for hook, function in hooks:
        with kept_quiet() as more:
            rows += _declared(hook, function, nothing)
        noise = noise if noise.describe() else more
    seconds = time.perf_counter() - began
    for row in rows:
        row = replace(row, import_seconds=seconds)
        if row.state == "ok" and seconds > SLOW and not source.named:
            reason = f"importing {source.value} takes {seconds:.1f} s, which most commands wait for: keep heavy imports"
            row = replace(row, state="slow", reason=f"{reason} out of it, in the module that the factory names")
        if row.state == "ok" and (complaint := noise.describe()):
            row = replace(
                row, state="noisy", reason=f"importing {source.value} {complaint}: leave that to what is called"
            )
        yield row


def _declared(hook: str, function: Callable[[], Any], nothing: PluginRow) -> Iterator[PluginRow]:
    """A row for each thing that a hook yields."""
    kind = _KIND_OF_HOOK[hook]
    nothing = replace(nothing, kind=kind)
    try:
        returned = function()
        if isinstance(returned, Plugin) or not hasattr(returned, "__iter__"):
            what = f"{hook} returned {type(returned).__name__}, expected an iterable of declarations"
            yield replace(nothing, reason=f"{what}: use yield, not return")
            return
        declared = list(returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _let_through_if_strict(error, f"{hook} of {nothing.distribution} failed")
        yield replace(nothing, reason=f"{hook} failed: {one_line(error)}")
        return
    for plugin in declared:
        row = replace(nothing, name=str(getattr(plugin, "name", nothing.name)))
        problem = _problem(plugin, kind)
        yield replace(row, reason=f"{hook}: {problem}") if problem else replace(row, plugin=plugin, state="ok")


def _let_through_if_strict(error: BaseException, what: str) -> None:
    if strict() and isinstance(error, Exception):
        error.add_note(f"{what}; GENVAE_STRICT is set, so this ends the program.")
        raise error


def _hooks(module: Any) -> tuple[list[tuple[str, Any]], list[str]]:
    """The hook implementations of a module, checked by pluggy, and what is to say of those that genvae doesn't know.

    Raises:
        PluginError: a hook with arguments.
    """
    manager = pluggy.PluginManager("genvae")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(" ".join(str(error).split())) from error
    hooks, unknown = [], []
    for caller in manager.get_hookcallers(module) or []:
        for implementation in caller.get_hookimpls():
            if caller.name in _KIND_OF_HOOK:
                hooks.append((caller.name, implementation.function))
            elif not implementation.optionalhook:  # its author says that an older genvae may do without it
                unknown.append(_unknown(caller.name))
    return hooks, unknown


def _unknown(hook: str) -> str:
    close = difflib.get_close_matches(hook, _KIND_OF_HOOK, n=1, cutoff=0.8)  # all begin alike
    if close:
        return f"there is no hook {hook!r}. Did you mean {close[0]!r}?"
    names = ", ".join(_KIND_OF_HOOK)
    return f"there is no hook {hook!r} in genvae {genvae.__version__}; it may need a newer one. Known: {names}."


def _problem(plugin: object, kind: str) -> str | None:
    """What is wrong with a declaration, or None."""
    if not isinstance(plugin, KINDS[kind]):
        return f"yields {type(plugin).__name__}, expected {KINDS[kind].__name__}"
    if plugin.api > API:
        return f"needs version {plugin.api} of the plugin interface; this genvae has {API}: upgrade genvae"
    name: object = plugin.name  # what a stranger wrote, whatever the declaration's types say
    if not (isinstance(name, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)):
        return f"its name {name!r} is not lower-case letters and digits, with hyphens between"
    if not (inspect.isclass(plugin.options) and hasattr(plugin.options, "__dataclass_fields__")):
        return "its options are not a dataclass"
    factory: object = plugin.factory
    if not (isinstance(factory, str) and re.fullmatch(r"[\w.]+:\w+", factory)):
        return f"its factory {factory!r} is not of the form 'module:Class'"
    if isinstance(plugin, ModelPlugin | VocoderPlugin) and not _is_mapping(plugin.suggests):
        return "its suggests are no values by names, such as {'transform.n_fft': 512}"
    if isinstance(plugin, VocoderPlugin) and not _are_rates(plugin.sample_rates):
        return f"its sample_rates {plugin.sample_rates!r} are no tuple of whole numbers, such as (22050, 44100)"
    return None


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _are_rates(value: object) -> bool:
    return isinstance(value, tuple) and all(type(rate) is int and rate > 0 for rate in value)


def _import_file(name: str, text: Path, folder: Path) -> Any:
    """Import a module from a file whose folder is on no path yet; other processes then find it there as well.

    Raises:
        PluginError: Python knows another module of that name.
    """
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # at the end, so that nothing in the folder hides a library
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    origin = getattr(module, "__file__", None)
    if origin is None or Path(origin).resolve() != text.resolve():
        where = origin or "a part of Python"
        raise PluginError(f"{text} can't be imported, as another module is called {name!r} ({where}): rename it")
    return module
