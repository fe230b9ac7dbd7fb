"""The harness behind `genvae bench`: suites of cases in which contenders take turns, and the measurements they give."""
