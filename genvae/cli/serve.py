"""`genvae serve`: the page on which one presses a genre and hears a new sound."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import click

from genvae.cli.output import say
from genvae.errors import GenvaeError


@click.command()
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run to use instead of the embedded one.")
@click.option("--host", default="127.0.0.1", show_default=True,
              help="Address to listen on; 0.0.0.0 is every one that this machine has.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="Port to listen on; 0 takes a free one.")  # fmt: skip
@click.option("--allow-host", "allowed", multiple=True, metavar="NAME",
              help="A name by which browsers may reach it, such as studio.local; may be repeated.")  # fmt: skip
def serve(run_path: Path | None, host: str, port: int, allowed: tuple[str, ...]) -> None:
    """Serve a page that makes, shows, compares and explores sounds, and an API behind it.

    Its address is said on standard error; Ctrl-C ends it. Everything comes from this machine. It has no log-in: on an
    address that others can reach, they can use it too. It answers only to names of this machine, to --host, and to
    each --allow-host.

    \b
    genvae serve
    genvae serve --run run --port 8080
    genvae serve --host 0.0.0.0 --allow-host studio.local
    """
    with _listening(host, port) as listener:
        import uvicorn

        from genvae.plugin.registry import installed
        from genvae.verbs import open_run
        from genvae.web.app import create_app
        from genvae.web.guard import LOCAL
        from genvae.web.studio import Studio

        run = open_run(run_path)
        studio = Studio(run, installed())
        own = run.config.vocoder.plugin
        if studio.default != own:
            say(f"The run's own vocoder, {own}, can't be used here; {studio.default} is used instead.")
        app = create_app(studio, hosts={*LOCAL, host, *allowed})
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=15)
        name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        bracketed = f"[{name}]" if ":" in name else name
        say(f"genvae is at http://{bracketed}:{listener.getsockname()[1]}/ (Ctrl-C ends it).")
        with suppress(KeyboardInterrupt):  # it has shut down by then
            uvicorn.Server(config).run(sockets=[listener])


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
        raise GenvaeError(f"{host}:{port} can't be listened on: {error.strerror}. "
                          "Name another with --port or --host; --port 0 takes a free one.") from error  # fmt: skip
