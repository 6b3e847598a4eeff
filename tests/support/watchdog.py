"""Ends a test process that no time limit could stop, and shows where every thread was.

pytest-timeout raises an error in the test. A test that catches this error, or that waits in C code,
goes on for ever, and the whole run with it. Some time later this plugin writes the stack of every
thread and ends the process; pytest-xdist then reports the test as failed and runs the others.
"""

import faulthandler
import os
import sys

import pytest

#: Seconds that a test has to end after its time limit.
PATIENCE = 120

_standard_error = pytest.StashKey[int]()


def pytest_configure(config):
    # the output of a test is captured, so that only a copy of standard error shows the stacks
    config.stash[_standard_error] = os.dup(sys.__stderr__.fileno())


def pytest_unconfigure(config):
    os.close(config.stash[_standard_error])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    marker = item.get_closest_marker("timeout")
    limit = marker.args[0] if marker else float(item.config.getini("timeout"))
    if limit:
        where = item.config.stash[_standard_error]
        faulthandler.dump_traceback_later(limit + PATIENCE, exit=True, file=where)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
