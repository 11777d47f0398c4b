import pytest

from dramagen.errors import MissingExtra
from dramagen.media import extra


def test_a_missing_library_is_an_error_with_the_pip_line() -> None:
    with pytest.raises(MissingExtra, match=r"cutting needs .*pip install 'dramagen\[media\]'"):
        extra.require("no_such_library_anywhere", "cutting")


def test_a_library_that_is_there_is_no_error() -> None:
    extra.require("av", "cutting")
