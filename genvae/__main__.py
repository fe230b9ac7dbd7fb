"""`python -m genvae` is `genvae`."""

from genvae.cli import main

main(prog_name="genvae")
