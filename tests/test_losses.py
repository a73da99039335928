"""Losses against torch's own, torchvision's, and formulas in plain numpy."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from cellkit import annotations, losses, targets
from cellkit.heads import HEADS, loss_of


@pytest.fixture
def binary():
    generator = torch.Generator().manual_seed(0)
    output = 3 * torch.randn(3, 1, 9, 11, generator=generator)
    target = (torch.rand(3, 1, 9, 11, generator=generator) < 0.2).float()
    return output, target


@pytest.fixture
def classes():
    generator = torch.Generator().manual_seed(1)
    return (torch.randn(2, 3, 9, 11, generator=generator),
            torch.randint(0, 3, (2, 9, 11), generator=generator))


def test_bce_and_its_weighted_form(binary):
    output, target = binary
    close(losses.bce(output, target), nn.BCEWithLogitsLoss()(output, target))
    for weight in (0.5, 7.0):
        close(losses.weighted_bce(output, target, weight),
              nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight))(output, target))
    ratio = (target == 0).sum() / (target == 1).sum()
    close(losses.weighted_bce(output, target),
          nn.BCEWithLogitsLoss(pos_weight=ratio)(output, target))


def test_cross_entropy_and_mse(classes):
    output, target = classes
    close(losses.cross_entropy(output, target), nn.CrossEntropyLoss()(output, target))
    close(losses.mse(output, output + 2), torch.tensor(4.0))


def test_two_class_cross_entropy_is_bce_of_the_difference(binary):
    output, target = binary
    two = torch.cat([torch.zeros_like(output), output], 1)
    close(losses.cross_entropy(two, target[:, 0].long()), nn.BCEWithLogitsLoss()(output, target))


def test_dice_and_iou_per_image_by_hand(binary):
    output, target = binary
    p, t = 1 / (1 + np.exp(-output.numpy())), target.numpy()
    dice, iou = [], []
    for a, b in zip(p, t, strict=True):
        dice.append((2 * np.sum(a * b) + 1) / (np.sum(a) + np.sum(b) + 1))
        iou.append((np.sum(a * b) + 1) / (np.sum(a) + np.sum(b) - np.sum(a * b) + 1))
    close(losses.soft_dice(output, target), torch.tensor(1 - np.mean(dice)))
    close(losses.soft_iou(output, target), torch.tensor(1 - np.mean(iou)))


def test_hard_masks_give_the_metric():
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 10:40, 10:40] = 1
    pred = torch.zeros_like(truth)
    pred[..., 20:50, 10:40] = 1
    logits = 100 * pred - 50
    # 900 pixels each, 600 shared, and one added above and below
    assert losses.soft_dice(logits, truth).item() == pytest.approx(1 - 1201 / 1801, abs=1e-5)
    assert losses.soft_iou(logits, truth).item() == pytest.approx(1 - 601 / 1201, abs=1e-5)


@pytest.mark.parametrize("loss", [losses.soft_dice, losses.soft_iou])
def test_class_logits_count_everything_but_background(loss, classes):
    output, target = classes
    p = torch.softmax(output, 1)[:, 1:].sum(1, keepdim=True)
    close(loss(output, target), loss(torch.logit(p), (target > 0).float()[:, None]))


def test_distance_is_the_sum_of_its_parts(binary):
    output, target = binary
    far = torch.full_like(output, 0.5)
    got = losses.distance(torch.cat([output, far], 1), torch.cat([target, far - 0.25], 1))
    close(got, nn.BCEWithLogitsLoss()(output, target) + 0.25)


@pytest.mark.parametrize(("w0", "sigma"), [(10, 5), (4, 2), (0, 5)])
def test_gap_weighted_is_equation_2_of_the_u_net_paper(w0, sigma):
    cells = np.zeros((2, 20, 30), int)
    cells[0, 2:9, 2:14], cells[0, 2:9, 14:28], cells[0, 12:18, 5:25] = 1, 2, 3
    cells[1, 4:16, 3:12] = 1
    target = torch.from_numpy(np.stack([targets.border_map(one) for one in cells]).astype(int))
    output = torch.randn(2, 3, 20, 30, generator=torch.Generator().manual_seed(4))
    weights = []
    for k, insides in ((3, cells[0]), (1, cells[1])):
        insides = np.where(annotations.outline(insides), 0, insides)
        away = [ndimage.distance_transform_edt(insides != n) for n in range(1, k + 1)]
        d1, d2 = np.sort([*away, *[np.full(insides.shape, np.inf)] * 2], axis=0)[:2]
        weights.append(1 + w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2)))
    weights = torch.from_numpy(np.stack(weights))
    entropy = nn.CrossEntropyLoss(reduction="none")(output, target).double()
    got = losses.gap_weighted(output, target, w0, sigma)
    torch.testing.assert_close(got.double(), (weights * entropy).sum() / weights.sum(),
                               rtol=1e-4, atol=1e-5)
    plain = losses.cross_entropy(output, target)
    assert (w0 == 0) == bool(torch.isclose(got, plain, rtol=1e-4)), "the weights matter"


@pytest.mark.parametrize("head", [name for name, head in HEADS.items() if head.losses])
@pytest.mark.parametrize("full", [False, True])
def test_empty_and_full_masks_stay_finite_and_can_be_learned_from(head, full):
    channels = {"two_class": 2, "border": 3, "distance": 2, "flow": 3, "double": 2}.get(head, 1)
    for name in HEADS[head].losses:
        output = torch.randn(2, channels, 8, 8, generator=torch.Generator().manual_seed(2))
        output.requires_grad_()
        if head in ("two_class", "border"):
            target = torch.full((2, 8, 8), int(full))
        else:
            target = torch.full_like(output, float(full))
        loss = loss_of(HEADS[head], name)(output, target)
        loss.backward()
        assert loss.ndim == 0 and torch.isfinite(loss) and loss > 0, name
        assert torch.isfinite(output.grad).all() and output.grad.abs().sum() > 0, name


def test_a_perfect_answer_costs_nothing(binary):
    _, target = binary
    for name in HEADS["foreground"].losses:
        for truth in (target, torch.zeros_like(target)):
            assert HEADS["foreground"].losses[name](200 * truth - 100, truth) < 1e-6, name


def test_names(binary):
    output, target = binary
    close(loss_of(HEADS["foreground"], None)(output, target), losses.bce(output, target))
    close(loss_of(HEADS["foreground"], "bce+soft_dice")(output, target),
          losses.bce(output, target) + losses.soft_dice(output, target))
    assert loss_of(HEADS["foreground"], losses.mse) is losses.mse
    with pytest.raises(ValueError, match="loss 'mse' does not fit the head 'foreground'"):
        loss_of(HEADS["foreground"], "mse")


def close(ours, reference):
    torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-6, check_dtype=False)
