"""A normal run tries the same examples every time, whatever ran before it in the same process."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

Example = tuple[str, int, float]


def test_a_module_more_changes_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if settings.default is None or not settings.default.derandomize:
        pytest.skip("a complete run searches for new examples")
    tried: list[Example] = []

    @given(strategies.text(), strategies.integers(), strategies.floats(allow_nan=False))
    def trying(text: str, integer: int, number: float) -> None:
        tried.append((text, integer, number))

    trying()
    first, tried[:] = list(tried), []
    (tmp_path / "of_no_use.py").write_text("WORDS = 'rain', 'night', 20261123, 0.123456789\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("of_no_use")
    trying()
    assert first
    assert tried == first
