"""Samples as tensors: what each mode does to image and labels, and that seeds decide alone."""

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch.utils.data import DataLoader

from cellkit import Crops, Sample, augment
from cellkit.normalisation import normalisation_stats, standardise


def sample(height, width, channels=None, labelled=True, name="a"):
    rng = np.random.default_rng(height * width)
    shape = (height, width) if channels is None else (height, width, channels)
    labels = (np.arange(height * width, dtype=np.int32) % 3).reshape(height, width)
    return Sample(rng.random(shape).astype(np.float32), labels if labelled else None, name)


def test_a_crop_is_a_window_of_the_normalised_image_with_its_labels():
    s = sample(40, 50)
    # labels tell where each pixel came from
    s = Sample(s.image, np.arange(2000, dtype=np.int32).reshape(40, 50), "a")
    crops = Crops([s], size=(16, 24), head="two_class", repeats=20)
    normal = (s.image - s.image.mean()) / s.image.std()
    corners = set()
    for image, target in (crops[i] for i in range(20)):
        assert image.shape == (1, 16, 24) and image.dtype == torch.float32
        assert target.shape == (16, 24) and target.dtype == torch.int64
        match = np.argwhere(np.isclose(normal, image[0, 0, 0], atol=1e-6))
        assert any(np.allclose(normal[t:t + 16, x:x + 24], image[0], atol=1e-5)
                   and (target.numpy() == (s.labels[t:t + 16, x:x + 24] > 0)).all()
                   and not corners.add((t, x))
                   for t, x in match if t <= 24 and x <= 26)
    assert len(corners) > 10


def test_small_images_are_mirrored_up_to_the_crop():
    s = sample(6, 5)
    image, target = Crops([s], size=8)[0]
    expected = np.pad(s.image, ((1, 1), (1, 2)), "reflect")
    np.testing.assert_allclose(
        image[0], (expected - s.image.mean()) / s.image.std(), rtol=1e-4, atol=1e-5)
    assert (target[0].numpy() == np.pad(s.mask, ((1, 1), (1, 2)), "reflect")).all()
    tiny, _ = Crops([sample(1, 1)], size=8)[0]
    assert tiny.shape == (1, 8, 8) and (tiny == 0).all()


def test_resize_mixes_grey_values_but_never_labels():
    s = sample(17, 31)
    seen = {}

    def watch(image, labels, rng):
        seen.update(image=image, labels=labels)
        return image, labels

    image, _ = Crops([s], size=(34, 62), mode="resize", augment=watch)[0]
    assert image.shape == (1, 34, 62)
    np.testing.assert_allclose(seen["image"], resize(s.image, (34, 62), order=1, mode="edge"),
                               atol=1e-5)
    assert (seen["labels"] == np.repeat(np.repeat(s.labels, 2, 0), 2, 1)).all()
    assert set(np.unique(seen["labels"])) == set(np.unique(s.labels))


def test_pad_is_a_zero_border_to_a_square():
    s = sample(10, 16, 3)
    image, target = Crops([s], size=None, mode="pad", normalise="none")[0]
    assert image.shape == (3, 16, 16)
    np.testing.assert_array_equal(image[:, 3:13], np.moveaxis(s.image, 2, 0))
    assert (image[:, :3] == 0).all() and (image[:, 13:] == 0).all()
    assert (target[0, 3:13].numpy() == s.mask).all() and target.sum() == s.mask.sum()
    assert Crops([s], size=32, mode="pad")[0][0].shape == (3, 32, 32)


def test_whole_cuts_to_the_centre_only_what_is_larger():
    s = sample(40, 20)
    image, target = Crops([s], size=30, mode="whole", normalise="none")[0]
    np.testing.assert_array_equal(image[0], s.image[5:35])
    assert target.shape == (1, 30, 20)
    assert Crops([s], size=None, mode="whole")[0][0].shape == (1, 40, 20)


def test_seed_epoch_and_index_decide_and_workers_change_nothing():
    samples = [sample(60, 50, name="a"), sample(50, 60, name="b")]
    crops = Crops(samples, size=16, seed=3, repeats=3, augment=augment.default)
    first = [crops[i][0] for i in range(6)]
    assert [torch.equal(crops[i][0], first[i]) for i in (4, 1, 5)] == [True] * 3
    loaded = [x for x, _ in DataLoader(crops, batch_size=None, num_workers=2)]
    assert all(torch.equal(a, b) for a, b in zip(first, loaded, strict=True))
    crops.epoch = 1
    assert not any(torch.equal(crops[i][0], first[i]) for i in range(6))
    other = Crops(samples, size=16, seed=4, repeats=3, augment=augment.default)
    assert not any(torch.equal(other[i][0], first[i]) for i in range(6))


def test_targets_by_head():
    labels = np.zeros((20, 20), np.int32)
    labels[2:10, 2:18], labels[10:18, 2:18] = 1, 2
    s = Sample(np.random.default_rng(0).random((20, 20)).astype(np.float32), labels, "a")

    def get(head, **settings):
        return Crops([s], None, "whole", head, **settings)[0][1]

    assert (get("foreground")[0].numpy() == s.mask).all()
    border = get("border")
    assert border.dtype == torch.int64 and set(border.unique().tolist()) == {0, 1, 2}
    assert (border[9:11, 5:15] == 2).all() and border[5, 10] == 1 and border[0, 0] == 0
    distance = get("distance")
    assert distance.shape == (2, 20, 20) and (distance[0].numpy() == s.mask).all()
    assert 0 <= distance[1].min() and distance[1].max() <= 1 and (distance[1][~s.mask] == 0).all()
    np.testing.assert_allclose(get("image", normalise="none")[0], s.image)


def test_degrading_acts_on_the_input_and_the_input_is_what_gets_normalised():
    s = sample(64, 64, labelled=False)

    def dim(image, rng):
        return image * np.float32(rng.uniform(0.1, 0.5))

    image, target = Crops([s], 64, head="image", degrade=dim)[0]
    mean, std = normalisation_stats(s.image)
    np.testing.assert_allclose(image[0], (s.image - mean) / std, atol=1e-4)  # the factor cancels
    assert target.std() > 1.9  # at most half the spread is left: the sharp one is twice as wide


def test_light_keeps_the_range_and_turns_keep_the_pixels():
    s = sample(32, 32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image, labels = augment.turn_and_flip(s.image, s.labels, rng)
        assert labels.shape == (32, 32) and np.isclose(np.sort(image.ravel()),
                                                       np.sort(s.image.ravel())).all()
        assert {(a, b) for a, b in zip(image.ravel(), labels.ravel(), strict=True)} == \
               {(a, b) for a, b in zip(s.image.ravel(), s.labels.ravel(), strict=True)}
        lit = augment.light(s.image, rng)
        assert lit.dtype == np.float32 and lit.min() >= 0 and lit.max() <= 1
    wide, _ = augment.turn_and_flip(np.zeros((3, 5), np.float32), None, rng)
    assert wide.shape == (3, 5)


def test_moments():
    image = sample(9, 9).image
    np.testing.assert_allclose(standardise(image), (image - image.mean()) / image.std(), atol=1e-6)
    assert normalisation_stats(np.full((3, 3), 0.5, np.float32)) == (0.5, 1e-3)
    assert normalisation_stats(np.eye(3, dtype=np.float32), "none") == (0, 1)


@pytest.mark.parametrize("settings, words", [
    (dict(mode="stretch"), "mode is 'stretch'"),
    (dict(head="edges"), "head is 'edges'"),
    (dict(size=None), "size .* for mode 'crop'. is None"),
    (dict(size=0), "size .*is 0"),
    (dict(size=(1, 2, 3)), "size is"),
    (dict(size="a"), "size .a side or .height, width.*is 'a', expected a whole number"),
    (dict(size=[]), "size is "),
    (dict(size=2.7), "size .*is 2.7"),
    (dict(size=np.nan), "size .*is nan"),
    (dict(normalise="minmax"), "normalise is 'minmax', expected one of standard, none"),
    (dict(seed=-1), "seed is -1, expected a whole number of at least 0"),
    (dict(seed=None), "seed is None"),
    (dict(repeats=1.5), "repeats is 1.5"),
    (dict(repeats=-1), "repeats is -1"),
    (dict(augment="a"), "augment is 'a', expected a function"),
    (dict(degrade=0.5), "degrade is 0.5, expected a function"),
    (dict(samples=[]), "no samples"),
])
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        Crops(**{"samples": [sample(4, 4)], **settings})


def test_what_a_sample_or_an_augmentation_lacks_is_named():
    with pytest.raises(ValueError, match="no ground truth"):
        Crops([sample(4, 4, labelled=False)], 4)[0]
    with pytest.raises(ValueError, match="'a': the augmentation returned NaN"):
        Crops([sample(4, 4)], 4, augment=lambda i, m, rng: (i * np.nan, m))[0]
    with pytest.raises(ValueError, match="move both"):
        Crops([sample(4, 4)], 4, augment=lambda i, m, rng: (i, m[1:]))[0]
    for made in (lambda i, m, rng: None, lambda i, m, rng: i, lambda i, m, rng: (i, None)):
        with pytest.raises(ValueError, match=r"'a': the augmentation returned .* expected two"):
            Crops([sample(4, 4)], 4, augment=made)[0]
    for made, words in ((lambda i, rng: i[1:], r"shape \(3, 4\)"),
                        (lambda i, rng: None, "NoneType"),
                        (lambda i, rng: i * np.nan, "NaN or infinite pixels")):
        with pytest.raises(ValueError, match=f"'a': the degradation returned .*{words}"):
            Crops([sample(4, 4)], 4, degrade=made)[0]
    with pytest.raises(IndexError):
        Crops([sample(4, 4)], 4)[1]


@pytest.mark.parametrize("mode", ["crop", "resize", "pad", "whole"])
def test_what_works_in_place_leaves_samples_and_targets_as_they_were(mode):
    s = sample(8, 8)
    image, labels = s.image.copy(), s.labels.copy()

    def augmented(image, labels, rng):
        image *= 0.5
        labels[:] = 0
        return image, labels

    def degraded(image, rng):
        image *= 0.5
        return image

    both = dict(size=8, mode=mode, head="image", normalise="none")
    blank = Crops([s], 8, mode, augment=augmented)[0][1]
    assert not blank.any()
    seen, sharp = Crops([s], **both, augment=augmented, degrade=degraded)[0]
    np.testing.assert_array_equal(sharp[0], image / 2)
    np.testing.assert_array_equal(seen[0], image / 4)
    assert (s.image == image).all() and (s.labels == labels).all()


def test_moments_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="normalise is 'minmax'"):
        normalisation_stats(sample(4, 4).image, "minmax")
