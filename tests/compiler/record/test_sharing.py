"""Whose memory arrays have: views, buffers, and what cannot change."""

import numpy as np
import pytest

from autodiff.compiler.record.sharing import can_change, share_memory

ARRAY = np.arange(4.0)
MEMORY = bytearray(ARRAY.tobytes())


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (ARRAY, True),
        (read_only(np.ones(2)), False),
        (read_only(ARRAY.view()), True),
        (read_only(np.ones(2))[1:], False),
        (np.broadcast_to(ARRAY, (2, 4)), True),
        (np.frombuffer(MEMORY), True),
        (np.frombuffer(bytes(MEMORY)), False),
        (np.frombuffer(memoryview(MEMORY).toreadonly()), True),
        (np.lib.stride_tricks.sliding_window_view(ARRAY, 2), True),
    ],
    ids=["own", "read-only", "a view", "a view of it", "broadcast", "buffer", "bytes", "a view of a buffer", "window"],
)
def test_whether_anybody_can_write_into_an_array(array, expected):
    assert can_change(array) is expected


def test_buffers_share_memory_by_their_addresses():
    assert share_memory(np.frombuffer(MEMORY), np.frombuffer(MEMORY, offset=8))
    assert not share_memory(np.frombuffer(MEMORY, count=1), np.frombuffer(MEMORY, offset=8))
    assert share_memory(ARRAY, ARRAY)
    assert not share_memory(ARRAY, ARRAY.copy())


def test_a_buffer_shares_the_memory_of_the_array_that_it_is_of():
    buffer = np.frombuffer(memoryview(ARRAY))
    assert share_memory(buffer, ARRAY)
    assert share_memory(ARRAY, buffer)
