"""The gate of `gated-lines`, which `tests.support.gates` closes.

It stands here so that no service that has this app imports pytest: a third of its start.
"""

from typing import Final

#: The advisory lock that a test holds while its gate is closed.
LOCK: Final = 4711
