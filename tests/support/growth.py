"""How much memory something keeps."""

import gc
import tracemalloc
from collections.abc import Callable


def bytes_kept(act: Callable[[int], object], times: int) -> int:
    """Return by how many bytes memory grows when something is done many times.

    The argument is a number that is another one each time.
    """
    for number in range(2):
        act(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(2, times):
            act(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
