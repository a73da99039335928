"""A slice of the hunt with seeds that stay: right, or one sentence, and nothing left behind."""

import pytest

from hostile import hunt

#: How many cases of each kind; some index a data set, or start torch or stardist.
SLICE = {"weights": 12, "checkpoint": 12, "server": 12, "scores": 20, "network": 25,
         "coco": 30}  # fmt: skip


@pytest.mark.parametrize("name", hunt.KINDS)
def test_hostile_inputs_are_read_right_or_refused_in_a_sentence(name):
    table, bad = hunt.hunt([name], first=1, count=SLICE.get(name, 40))
    assert not bad, "\n".join(f"{seed} {how}: {told[-600:]}" for _, seed, how, told in bad)
    assert table[name]["right"] and table[name]["said"], "both happen"
