"""Samples: what one must look like, rows of them, and ways to divide a row."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cellkit as ck
from cellkit.samples import Entry, Sample, Samples, split

IMAGE = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
LABELS = np.arange(12, dtype=np.int32).reshape(3, 4)


def row(groups, kinds=None):
    """A row of one-pixel samples, sample i of brightness i/100."""
    kinds = kinds or ["A172"] * len(groups)
    return Samples.of(
        [
            Sample(np.full((1, 1), i / 100, np.float32), np.ones((1, 1), np.int32), f"s{i}",
                   "test", kind, group)
            for i, (group, kind) in enumerate(zip(groups, kinds, strict=True))
        ]
    )  # fmt: skip


class Counted:
    """Counts how often it is read."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return IMAGE, LABELS


# ---------------------------------------------------------------- one sample


def test_a_sample_holds_an_image_and_its_mask():
    sample = Sample(IMAGE, LABELS, "a", "livecell", "A172", "A172_Phase_A7")
    np.testing.assert_array_equal(sample.mask, LABELS > 0)
    assert sample.mask.dtype == bool
    assert Sample(np.dstack([IMAGE] * 3), LABELS, "colour").image.shape == (3, 4, 3)
    assert ck.Sample is Sample and ck.split is split


@pytest.mark.parametrize("shape", [(1, 1), (17, 31)])
def test_any_size_is_a_sample(shape):
    sample = Sample(np.zeros(shape, np.float32), np.zeros(shape, np.int32), "a")
    assert sample.mask.shape == shape and not sample.mask.any()


@pytest.mark.parametrize(
    ("image", "labels", "error", "message"),
    [
        (np.zeros((3, 4, 2), np.float32), None, ValueError, r"shape \(3, 4, 2\)"),
        (np.zeros((3, 4, 4), np.float32), None, ValueError, r"shape \(3, 4, 4\)"),
        (np.zeros(3, np.float32), None, ValueError, r"shape \(3,\)"),
        (np.zeros((3, 4), np.uint8), None, TypeError, "uint8"),
        (np.zeros((3, 4)), None, TypeError, "float64"),
        (np.zeros((0, 4), np.float32), None, ValueError, "empty"),
        (IMAGE * 2, None, ValueError, "from 0 to 2"),
        (IMAGE - 1, None, ValueError, "from -1 to 0"),
        (np.where(IMAGE > 0.9, np.nan, IMAGE).astype(np.float32), None, ValueError, "NaN"),
        (torch.from_numpy(IMAGE), None, TypeError, "image is Tensor, .*numpy"),
        (None, None, TypeError, "image is NoneType, expected an array of float32"),
        (IMAGE, torch.from_numpy(LABELS), TypeError, "labels is Tensor, .*numpy"),
        (IMAGE, LABELS.astype(np.int64), TypeError, "int64"),
        (IMAGE, LABELS > 0, TypeError, "bool"),
        (IMAGE, LABELS.T.copy(), ValueError, r"shape \(4, 3\)"),
        (IMAGE, LABELS - 1, ValueError, "-1"),
    ],
)
def test_a_wrong_sample_is_refused_by_name_in_one_sentence(image, labels, error, message):
    with pytest.raises(error, match=message) as caught:
        Sample(image, labels, "well 7")
    text = str(caught.value)
    assert "'well 7'" in text and text.endswith(".") and "\n" not in text


def test_a_sample_without_ground_truth_has_no_mask():
    with pytest.raises(ValueError, match="'a' has no ground truth"):
        _ = Sample(IMAGE, None, "a").mask


def test_samples_compare_by_identity_since_pixels_have_no_one_truth():
    a, b = Sample(IMAGE, LABELS, "a"), Sample(IMAGE, LABELS, "a")
    assert a == a and a != b and len({a, b}) == 2


# ---------------------------------------------------------------- a row


def test_a_row_is_read_only_where_it_is_asked():
    reads = [Counted() for _ in range(4)]
    samples = Samples([Entry(f"s{i}", read, "d", "BV2", f"g{i}") for i, read in enumerate(reads)])
    assert samples.names == ["s0", "s1", "s2", "s3"]
    assert samples.groups == ["g0", "g1", "g2", "g3"] and samples.cell_types == ["BV2"] * 4
    part = samples[1:][[0, 2]].where(lambda entry: entry.name != "s1") + samples[:1]
    assert part.names == ["s3", "s0"] and repr(part) == "<2 x d: BV2>"
    assert [read.times for read in reads] == [0, 0, 0, 0]
    sample = part[0]
    assert (sample.name, sample.dataset, sample.group) == ("s3", "d", "g3")
    assert [read.times for read in reads] == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (slice(None, None, -2), ["s4", "s2", "s0"]),
        ([4, 1], ["s4", "s1"]),
        ((-1,), ["s4"]),
        (np.array([0, 0]), ["s0", "s0"]),
        (np.array([True, False, False, True, False]), ["s0", "s3"]),
        ([True, False, False, False, False], ["s0"]),
        ([], []),
        (np.array([]), []),
    ],
)
def test_a_row_is_indexed_like_an_array(index, names):
    part = row("abcde")[index]
    assert isinstance(part, Samples) and part.names == names


def test_single_indices_reach_from_both_ends_and_no_further():
    samples = row("abc")
    assert samples[-1].name == samples[np.int64(2)].name == "s2"
    with pytest.raises(IndexError, match="3 samples"):
        samples[3]
    with pytest.raises(IndexError):
        samples[[3]]
    assert [s.name for s in samples] == [s.name for s in reversed(list(samples))][::-1]


@pytest.mark.parametrize(("index", "error", "message"), [
    ("s1", TypeError, "index is 's1', expected a whole number.*by name: samples.where"),
    (1.0, TypeError, "index is 1.0, expected a whole number"),
    (None, TypeError, "index is None"),
    ([True, False], IndexError, "no indices of 3 samples.*3 times True or False"),
    ([0.5], IndexError, "no indices of 3 samples"),
    (["s1"], IndexError, "no indices of 3 samples"),
])  # fmt: skip
def test_what_is_no_index_is_named(index, error, message):
    with pytest.raises(error, match=message):
        row("abc")[index]


SAMPLE = Sample(IMAGE, LABELS, "a", group="a")


@pytest.mark.parametrize(("samples", "message"), [
    (SAMPLE, r"found Sample, expected a row of Sample; .* in brackets, \[sample\]"),
    ("livecell", "found str, .* cellkit.read"), (None, "found NoneType"),
    ([IMAGE], "found ndarray"), (IMAGE, "found ndarray"), (5, "found int"),
    ([SAMPLE, None], "found NoneType"),
])  # fmt: skip
def test_what_is_no_row_of_samples_is_named(samples, message):
    for use in (Samples.of, split, ck.Crops, lambda s: ck.fit(ck.UNet(width=2, depth=1), s)):
        with pytest.raises(TypeError, match=message):
            use(samples)


def test_a_row_stays_the_row_it_is():
    samples = row("ab")
    assert Samples.of(samples) is samples
    unlabelled = Samples.of([Sample(IMAGE, None, "a")])
    assert not unlabelled.entries[0].annotated and samples.entries[0].annotated


def test_cached_samples_are_read_once():
    read = Counted()
    entry = Entry("a", read, "d", "BV2", "g", path="somewhere")
    cached = Samples([entry]).cached()
    for _ in range(3):
        np.testing.assert_array_equal(cached[0].image, IMAGE)
    assert cached[:1][0].name == "a" and read.times == 1
    kept = cached.entries[0]
    assert (kept.dataset, kept.cell_type, kept.group, kept.path) == ("d", "BV2", "g", "somewhere")


def test_rows_travel_to_other_processes():
    """Loader workers are spawned on Windows: what they work on is pickled."""
    samples = row("ab")
    for one in (samples, samples.cached(), samples[1:], samples.where(lambda e: True)):
        copy = pickle.loads(pickle.dumps(one))
        assert copy.names == one.names
        np.testing.assert_array_equal(copy[0].image, one[0].image)
        np.testing.assert_array_equal(copy[0].labels, one[0].labels)


# ---------------------------------------------------------------- dividing


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40).filter(lambda g: len({*g}) > 1),
    st.floats(0.01, 0.99),
    st.integers(0, 9),
)
def test_a_split_divides_everything_and_no_group(groups, fraction, seed):
    samples = row(groups)
    first, second = split(samples, fraction, seed)
    assert len(first) and len(second)
    assert sorted(first.names + second.names) == sorted(samples.names)
    assert not {*first.groups} & {*second.groups}
    for part in (first, second):
        assert part.names == sorted(part.names, key=lambda name: int(name[1:])), "in order"
    again = split(samples, fraction, seed)
    assert (again[0].names, again[1].names) == (first.names, second.names)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.85])
def test_equal_groups_give_the_share_asked_for(seed, fraction):
    first, _ = split(row([f"g{i // 2}" for i in range(40)]), fraction, seed)
    assert len(first) == fraction * 40
    first, _ = split(row([None] * 40), fraction, seed, by="image")
    assert len(first) == fraction * 40


def test_the_share_is_missed_by_at_most_half_the_largest_group():
    rng = np.random.default_rng(0)
    for seed in range(30):
        sizes = rng.integers(1, 9, size=12)
        samples = row(np.repeat([f"g{i}" for i in range(12)], sizes).tolist())
        first, _ = split(samples, 0.7, seed)
        assert abs(len(first) - 0.7 * len(samples)) <= sizes.max() / 2


def test_another_seed_divides_otherwise():
    samples = row([f"g{i}" for i in range(20)])
    assert len({tuple(split(samples, 0.5, seed)[0].names) for seed in range(5)}) == 5


def test_a_split_does_not_depend_on_the_order_of_groups_in_the_row():
    groups = [f"g{i}" for i in range(20)]
    first = split(row(groups), 0.5, 3)[0].groups
    assert {*split(row(groups[::-1]), 0.5, 3)[0].groups} == {*first}


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_two_groups_part_even_at_extreme_shares(fraction):
    first, second = split(row("aaab"), fraction)
    assert sorted([len(first), len(second)]) == [1, 3]
    assert len(first) == (1 if fraction < 0.5 else 3)


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        ("ab", {"fraction": 0}, "fraction is 0"),
        ("ab", {"fraction": 1}, "fraction is 1"),
        ("ab", {"fraction": float("nan")}, "fraction is nan"),
        ("ab", {"by": "well"}, "by is 'well'"),
        (["a", None], {}, "'s1' has no group"),
        ("aaa", {}, r"3 sample\(s\) in 1 group"),
        ("a", {"by": "image"}, r"1 sample\(s\) in 1 image"),
        ("", {}, r"0 sample\(s\)"),
    ],
)
def test_an_impossible_split_is_explained(groups, options, message):
    with pytest.raises(ValueError, match=message):
        split(row(groups), **options)


def test_rounding_beyond_the_range_passes_and_is_cut_off():
    image = np.array([[1.0000001, -1e-7], [0.5, 1]], np.float32)
    sample = Sample(image, None, "a")
    assert sample.image.min() == 0 and sample.image.max() == 1
    with pytest.raises(ValueError, match="values from 0 to 1.01"):
        Sample(np.array([[0, 1.01]], np.float32), None, "a")


def test_a_sample_says_what_it_is_in_a_line():
    labels = np.zeros((4, 6), np.int32)
    labels[0, :2], labels[2, 3] = 7, 2
    image = np.zeros((4, 6), np.float32)
    assert repr(ck.Sample(image, labels, "a", "d", "BV2", "w1")) == (
        "<Sample a: d, BV2, group w1, image (4, 6), 2 cells>")
    assert repr(ck.Sample(image, None, "a")) == "<Sample a: image (4, 6), no labels>"
