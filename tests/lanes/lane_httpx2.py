"""The second lane: the same tests on httpx2, the maintained fork of httpx.

Given as ``pytest -p lane_httpx2``, so that it is imported before any other plugin imports httpx; in a
conftest it would be too late.
"""

import httpx2

httpx2.alias_httpx()
