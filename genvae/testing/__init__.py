"""The conformance kit: what a plugin must do, checked, with failures that say what to mend.

    from genvae.testing import parametrize_checks

    @parametrize_checks("my-plugin")
    def test_conformance(check):
        check()

`check_plugin("my-plugin")` gives the same as a report, and `genvae plugins check my-plugin` prints it.
"""

from genvae.testing.kit import BoundCheck as BoundCheck
from genvae.testing.kit import CheckFailure as CheckFailure
from genvae.testing.kit import Outcome as Outcome
from genvae.testing.kit import Report as Report
from genvae.testing.kit import check_plugin as check_plugin
from genvae.testing.kit import parametrize_checks as parametrize_checks
from genvae.testing.kit import plugin_checks as plugin_checks

__all__ = [
    "BoundCheck",
    "CheckFailure",
    "Outcome",
    "Report",
    "check_plugin",
    "parametrize_checks",
    "plugin_checks",
]
