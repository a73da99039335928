"""predict_mask: find the bug (lesson 02_unet_from_scratch)."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from cellkit.inference import predict
from cellkit_course.comparing import Fault, difference
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON


def predict_mask(net, image):
    """Bool mask (H, W): probability above one half."""
    was_training = net.training
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(image)[None, None])
    net.train(was_training)
    return (torch.sigmoid(logits[0, 0]) > 0.5).numpy()


def _mask_colleague(net, image):
    net.train()
    logits = net(torch.tensor(image)[None, None])
    return (logits[0, 0] > 0.5).detach().numpy()


def _mask_still_training(net, image):
    net.train()
    logits = net(torch.tensor(image)[None, None])
    return (torch.sigmoid(logits[0, 0]) > 0.5).detach().numpy()


def _mask_mode_untouched(net, image):
    return (net(torch.tensor(image)[None, None])[0, 0] > 0).detach().numpy()


def _mask_logits_at_half(net, image):
    was_training = net.training
    logits = net.eval()(torch.tensor(image)[None, None])
    net.train(was_training)
    return (logits[0, 0] > 0.5).detach().numpy()


def _mask_mode_not_restored(net, image):
    net.eval()
    return (net(torch.tensor(image)[None, None])[0, 0] > 0).detach().numpy()


def _mask_always_training_after(net, image):
    mask = predict_mask(net, image)
    net.train()
    return mask


def _mask_probability_above_zero(net, image):
    was_training = net.training
    p = torch.sigmoid(net.eval()(torch.tensor(image)[None, None]))[0, 0]
    net.train(was_training)
    return (p > 0).detach().numpy()


def _mask_background(net, image):
    return ~predict_mask(net, image)


def _mask_probabilities(net, image):
    was_training = net.training
    p = torch.sigmoid(net.eval()(torch.tensor(image)[None, None]))[0, 0]
    net.train(was_training)
    return p.detach().numpy()


def _mask_as_numbers(net, image):
    return predict_mask(net, image).astype(np.float32)


def _mask_with_batch(net, image):
    return predict_mask(net, image)[None, None]


def _mask_standardised(net, image):
    return predict_mask(net, (image - image.mean()) / max(image.std(), 1e-6))


def _mask_as_tensor(net, image):
    return torch.from_numpy(predict_mask(net, image))


def _mask_mode_turned_over(net, image):
    was_training = net.training
    net.train()
    mask = predict_mask(net, image)
    net.train(not was_training)
    return mask


def _mask_softmax(net, image):
    was_training = net.training
    p = torch.softmax(net.eval()(torch.tensor(image)[None, None]), dim=0)[0, 0]
    net.train(was_training)
    return (p > 0.5).detach().numpy()


def _mask_from_half_on(net, image):
    mask = predict_mask(net, image)
    with torch.no_grad():
        logits = copy.deepcopy(net).eval()(torch.tensor(image)[None, None])[0, 0]
    return mask | (logits == 0).numpy()


def _mask_trained_then_restored(net, image):
    was_training = net.training
    mask = _mask_mode_untouched(net.train(), image)
    net.train(was_training)
    return mask


def _mask_one_flag(net, image):
    was_training = net.training
    mask = predict_mask(net.eval(), image)
    net.training = was_training
    return mask


def _mask_by_ck(net, image):
    return predict(net, image) > 0.5


def _mask_norms_only(net, image):
    norms = [(part, part.training) for part in net.modules() if isinstance(part, nn.BatchNorm2d)]
    for part, _ in norms:
        part.eval()
    mask = _mask_mode_untouched(net, image)
    for part, mode in norms:
        part.train(mode)
    return mask


def _mask_cases():
    def case(asks, about, between, image, training):
        net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), between, nn.ReLU(), nn.Conv2d(4, 1, 1))
        image, numbers = image.astype(np.float32), torch.Generator().manual_seed(2)
        for name, values in net.state_dict().items():
            if "running" in name:
                values.uniform_(0.3, 3, generator=numbers)  # batch norm that has seen pictures
            elif values.ndim:
                values.normal_(generator=numbers)
        with torch.no_grad():  # about half shall be cell, and no logit so near 0 that it may round
            logits = net.eval()(torch.tensor(image)[None, None]).flatten().sort().values
            third = logits[len(logits) // 3 : 2 * len(logits) // 3]
            widest = third.diff().argmax()
            net[-1].bias -= (third[widest] + third[widest + 1]) / 2
        return Case(asks, about, (net.train(training), image))

    plain = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        plain.weight.fill_(1)
        plain.bias.fill_(0)
    pixels = np.random.default_rng(8).normal(size=(9, 14))

    return [
        Case("half", "a network that returns the picture as logits",
             (nn.Sequential(plain).eval(), np.array([[-1, 0.2], [0.7, 3]], np.float32))),
        Case("half", "a logit of exactly 0, a probability of exactly one half",
             (nn.Sequential(plain).eval(), np.array([[-2, 0], [2, 0]], np.float32))),
        case("eval", "batch norm, the network ready to predict", nn.BatchNorm2d(4), pixels, False),
        case("eval", "batch norm, the network in training", nn.BatchNorm2d(4), pixels, True),
        case("eval", "dropout, the network in training", nn.Dropout(0.5), pixels[:, :7], True),
    ]


_MODE = ("give the network back in the mode it came in: remember net.training before, and set it "
         "again after")
_PARTS = ("the network says that it has its mode back, its layers have not: net.training = … sets "
          "one flag, net.train(…) sets all")


def _judge_mask(case, outcome, again):
    net, image = case.args
    wrong = difference(outcome.value, predict_mask(copy.deepcopy(net), image))
    if wrong:
        return wrong
    given = outcome.args[0]
    modes = [[part.training for part in one.modules()] for one in (given, net)]
    if modes[0][0] == modes[1][0] and modes[0] != modes[1]:
        return Fault("the right mask, and parts of the network left in another mode",
                     "every part of the network as it came", _PARTS)
    if given.training != net.training:
        words = {True: "training", False: "ready to predict"}
        return Fault(f"the right mask, and the network left {words[given.training]}",
                     f"the network left {words[net.training]}, as it came", _MODE)
    for now, before in zip(given.state_dict().values(), net.state_dict().values(), strict=True):
        if not torch.equal(now, before):
            return Fault("the right mask, but the network has changed", "the network as it came",
                         "batch norm goes on learning while the network is in training mode")
    return None


_LOGITS = ("the logits are compared with 0.5; it is the probability that must be above 0.5: take "
           "the sigmoid first")
_TRAINING = ("the network predicts in training mode: batch norm and dropout behave differently "
             "there; switch to net.eval()")

_EVERYTHING = ("everything became cell: every probability is above 0, so compare with 0.5; and a "
               "softmax over one channel or one picture is always 1, so take the sigmoid")

EXERCISE = Exercise(
    "predict_mask", LESSON, "bug", points=3, minutes=10,
    answer=predict_mask, cases=_mask_cases, judge=_judge_mask,
    asks={
        "half": "the mask is where the probability, not the logit, is above one half",
        "eval": "the network predicts, it does not train",
        "mode": "the network is left in the mode in which it came",
        "plain": "the network gets the picture as it is",
        "bool": "a bool mask (H, W) comes back, as a numpy array",
    },
    ladder=(
        "two questions. In which mode does a network predict? And which number is the "
        "probability: what the network returns, or its sigmoid?",
        "remember net.training, call net.eval(), let the network answer, set the old mode again. "
        "Then compare the sigmoid with 0.5, or the logit with 0, which is the same",
    ),
    blanks=("net.eval()", "net.train(was_training)", "torch.sigmoid(logits[0, 0]) > 0.5"),
    mistakes=(
        Mistake("half", _mask_colleague,
                "both mistakes are still there: look at the mode of the network, and at what is "
                "compared with 0.5"),
        Mistake("eval", _mask_still_training, _TRAINING),
        Mistake("eval", _mask_mode_untouched, _TRAINING),
        Mistake("half", _mask_logits_at_half, _LOGITS),
        Mistake("mode", _mask_mode_not_restored, _MODE),
        Mistake("mode", _mask_always_training_after, _MODE),
        Mistake("half", _mask_probability_above_zero,
                _EVERYTHING),
        Mistake("half", _mask_background, "cell and background are swapped"),
        Mistake("bool", _mask_probabilities,
                "these are probabilities; a mask only says yes or no: compare with 0.5"),
        Mistake("bool", _mask_as_numbers, "a mask is bool; leave the comparison as it is"),
        Mistake("bool", _mask_with_batch,
                "the axes for batch and channel are still there: take [0, 0] of the result"),
        Mistake("plain", _mask_standardised,
                "the picture was standardised first; this network gets it as it is"),
        Mistake("bool", _mask_as_tensor, "a numpy array is asked for: end with .numpy()"),
        Mistake("mode", _mask_mode_turned_over, _MODE),
        Mistake("half", _mask_softmax, _EVERYTHING),
        Mistake("half", _mask_from_half_on,
                "a probability of exactly one half is not above one half: >, not >="),
        Mistake("mode", _mask_one_flag, _PARTS),
        Mistake("plain", _mask_by_ck,
                "ck.predict standardises the picture, for networks trained that way; call this one "
                "directly"),
        Mistake("eval", _mask_trained_then_restored, _TRAINING),
        Mistake("eval", _mask_norms_only,
                "batch norm is switched over, dropout is not: net.eval() switches every layer"),
    ),
)  # fmt: skip
