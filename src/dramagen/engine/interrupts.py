"""Ctrl-C and the library's own tasks."""

import sys
from collections.abc import Callable
from typing import TypeVar

Task = TypeVar("Task", bound=Callable[..., object])


def unbroken(task: Task) -> Task:
    """The same, in which no ``KeyboardInterrupt`` is raised: whoever waits in the program's own tasks gets it.

    Under trio, Ctrl-C is raised in whatever code runs at that moment, and a shield is none against it: a create would
    be torn off between its request and its outcome. asyncio gives it to the main task alone. (trio 0.35,
    ``trio.lowlevel.enable_ki_protection``, read 2026-11-23.)
    """
    trio = sys.modules.get("trio")  # a program that never loaded it does not run under it
    if trio is not None:
        trio.lowlevel.enable_ki_protection(task)
    return task
