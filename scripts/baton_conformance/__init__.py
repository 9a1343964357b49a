"""Conformance: other people's test suites, straight and through Baton, compared test by test.

__main__        start here: arguments, exit code
run             each suite straight twice and through Baton once, side by side
suites          which ones, their versions, and what of them cannot be run, with the reason
ground          a suite's source and an environment of its own, from PyPI
ways            straight, through Baton, and through Baton while the primary is being moved
runners         a suite's own runner: pytest, or Redis's Tcl
plugin/         a pytest plugin for the suite's own interpreter: how each test ended, to whom it spoke
endings         how the tests of one run ended
compare         which of them differ
document        docs/conformance.md
"""
