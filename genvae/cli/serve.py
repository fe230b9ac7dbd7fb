"""`genvae serve`: the page on which one presses a genre and hears a new sound."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.completion import complete_runs
from genvae.cli.numbers import Whole
from genvae.cli.output import say
from genvae.cli.places import PLACE
from genvae.errors import GenvaeError, OptionError

if TYPE_CHECKING:
    from genvae.web.engine import Engine


@click.command()
@click.option(
    "--run",
    "run_paths",
    multiple=True,
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    help="Run to use instead of the pretrained one; may be repeated, to choose from on the page.",
)
@click.option(
    "--store",
    "store_path",
    type=PLACE,
    help="A store whose recordings for validation are the real ones of the listening test.",
)
@click.option(
    "--votes",
    "votes_path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the listening test's votes in this CSV file; without it they are gone when the server ends.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 is every one that this machine has. "
    "One that others can reach wants --token or --public.",
)
@click.option(
    "--port",
    type=Whole(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=Whole(1, 64),
    default=1,
    show_default=True,
    help="Processes that make sounds; with one, the server makes them itself. More than there are cores gain nothing.",
)
@click.option(
    "--allow-host",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="A name by which browsers may reach it, such as studio.local; may be repeated.",
)
@click.option(
    "--token",
    is_flag=False,
    flag_value="",
    metavar="[TEXT]",
    envvar="GENVAE_TOKEN",
    help="Answer only to those who have the token, which stands in the address that is said. Without a text, a new "
    "one is drawn.",
)
@click.option("--public", is_flag=True, help="Answer to whoever can reach the address, without a token.")
def serve(
    run_paths: tuple[Path, ...],
    store_path: Path | None,
    votes_path: Path | None,
    host: str,
    port: int,
    workers: int,
    allowed: tuple[str, ...],
    token: str | None,
    public: bool,
) -> None:
    """Serve a page that makes, shows, compares and explores sounds, and an API behind it.

    Its address is said on standard error; Ctrl-C ends it. Everything comes from this machine. It answers only to names
    and addresses of this machine, to --host, and to each --allow-host.

    \b
    genvae serve
    genvae serve --run run --run other-run --port 8080
    genvae serve --store store --votes votes.csv
    genvae serve --host 0.0.0.0 --allow-host studio.local --token
    genvae serve --workers 4
    """
    if token and public:
        raise OptionError("--token and --public exclude each other: take one of them.")
    if not _is_local(host) and token is None and not public:
        raise OptionError(
            f"Others can reach {host}, and there is no log-in. Add --token to let in only those who have the address "
            "with its token, or --public to let in anybody."
        )
    with _listening(host, port) as listener:
        import secrets

        from genvae.clips.store import ClipStore
        from genvae.web.admission import LOCAL
        from genvae.web.app import create_app
        from genvae.web.connections import server
        from genvae.web.listening import Listening
        from genvae.web.processes import Processes
        from genvae.web.votes import Votes
        from genvae.web.worker import ModelWorker

        if token == "":
            token = secrets.token_urlsafe(12)
        store, votes = None if store_path is None else ClipStore.open(store_path), Votes(votes_path)
        engines = _engines(run_paths)
        listening = Listening(engines, store, votes)
        processes = None if workers == 1 else Processes(engines, workers)
        worker = ModelWorker(processes=processes)
        with closing(worker):
            app = create_app(engines, listening=listening, hosts={*LOCAL, host, *allowed}, token=token, worker=worker)
            say(f"genvae is at {_address(host, listener.getsockname()[1], token)} (Ctrl-C ends it).")
            with suppress(KeyboardInterrupt):  # it has shut down by then
                server(app, worker).run(sockets=[listener])


def _engines(paths: tuple[Path, ...]) -> list[Engine]:
    """A run each, loaded; one that is named twice is loaded once."""
    from genvae.plugin.registry import installed
    from genvae.verbs import open_run
    from genvae.web.engine import Engine

    engines: dict[str, Engine] = {}
    for path in paths or (None,):
        run = open_run(path)
        if run.finished and run.digest() in engines:
            say(f"{path} is the same run as {engines[run.digest()].name}; it is offered once.")
            continue
        engine = Engine(run, installed())
        engines[engine.digest] = engine
        if not engine.default_is_own:
            own = installed().row("vocoder", run.config.vocoder.name).short_name
            say(f"The run's own vocoder, {own}, can't be used here; {engine.default} is used instead.")
    return list(engines.values())


def _is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _address(host: str, port: int, token: str | None) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    bracketed = f"[{name}]" if ":" in name else name
    return f"http://{bracketed}:{port}/{f'?token={token}' if token else ''}"


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens, so that a port in use is told before a model is loaded.

    Raises:
        GenvaeError: it can't.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # With its protocol said, asyncio sees that it is TCP, and sends the end of an answer without waiting 40 ms.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
        return listener
    except OSError as error:
        raise GenvaeError(
            f"{host}:{port} can't be listened on: {error.strerror}. "
            "Name another with --port or --host; --port 0 takes a free one."
        ) from error
