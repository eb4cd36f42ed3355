"""Hypothesis strategies for what the outside world may send."""

import copy
from typing import Any

from hypothesis import strategies as st

from wspubsub.testing import connect_event, disconnect_event, message_event

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _paths(inner, (*path, key))
    return found


@st.composite
def damaged_events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event of AWS's in which one member is gone or something else."""
    event: dict[str, Any] = draw(
        st.sampled_from([connect_event(), message_event("x"), disconnect_event()])
    )
    event = copy.deepcopy(event)
    *parents, last = draw(st.sampled_from(_paths(event)))
    holder: Any = event
    for key in parents:
        holder = holder[key]
    if draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = draw(json_values)
    return event
