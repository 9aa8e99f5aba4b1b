"""pytest plugin: Python's garbage collector looks through what the tests make, and through nothing that stays anyway.

Modules and collected tests live to the end. To look through them again and again takes a twelfth of the processor time
of pytest.
"""

import gc

gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
