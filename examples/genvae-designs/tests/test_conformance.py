"""The checks of genvae's conformance kit."""

from genvae.testing import BoundCheck, parametrize_checks


@parametrize_checks("genvae-designs")
def test_conformance(check: BoundCheck) -> None:
    check()
