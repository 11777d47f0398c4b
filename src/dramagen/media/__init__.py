"""Media files: what they are, whether they are what was ordered, and how they are cut, joined and drawn.

Everything here is synchronous and works on paths and bytes; call it from a worker thread. PyAV and Pillow
come with the ``media`` extra and are imported only inside the functions that need them.
"""
