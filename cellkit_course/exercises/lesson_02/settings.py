"""settings: tune (lesson 02_unet_from_scratch)."""

from __future__ import annotations

from cellkit_course.comparing import Fault
from cellkit_course.exercise import Case, Exercise, Mistake
from cellkit_course.exercises.lesson_02 import LESSON
from cellkit_course.plans import BASELINE
from cellkit_course.presenting import family, present


def settings():
    """width, lr, loss and steps, within the budget."""
    return {"width": 6, "lr": 1e-2, "loss": "soft_dice", "steps": 106}


def _settings_baseline():
    return dict(BASELINE)


def _settings_too_timid():
    return {"width": 8, "lr": 1e-5, "loss": "soft_dice", "steps": 60}


def _settings_too_bold():
    return {"width": 8, "lr": 5.0, "loss": "bce", "steps": 60}


def _settings_too_wide():
    return {"width": 32, "lr": 3e-3, "loss": "bce", "steps": 3}


def _settings_cross_entropy():
    return {"width": 8, "lr": 1e-2, "loss": "bce", "steps": 60}


def _settings_hardly_spent():
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice", "steps": 5}


def _settings_too_narrow():
    return {"width": 2, "lr": 1e-2, "loss": "soft_dice", "steps": 900}


def _settings_part_of_a_step():
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice", "steps": 59.5}


def _settings_over_budget():
    return {"width": 16, "lr": 1e-2, "loss": "soft_dice", "steps": 60}


def _settings_other_loss():
    return {"width": 8, "lr": 1e-2, "loss": "dice", "steps": 60}


def _settings_forgotten():
    return {"width": 8, "lr": 1e-2, "loss": "soft_dice"}


def _settings_as_text():
    return {"width": 8, "lr": "1e-2", "loss": "soft_dice", "steps": 60}


def _settings_no_dictionary():
    return 8, 1e-2, "soft_dice", 60


_ITSELF = "that is the baseline itself; change what holds it back"
_TIMID = "the learning rate is so small that the weights move too little in so few steps"
_BOLD = "the learning rate is so large that each step jumps over the valley"
_WIDE = "a wide network has used up the budget after a few steps; a narrower one may learn longer"
_LOSS = "look at what each loss asks for, and which one is nearest to what is measured"
_FEW = "not all of the budget is spent: more steps, or a wider network, are left"
_FOUR = "all four settings must be there, and no other: width, lr, loss, steps"
_QUOTES = "a number stands in quotes: leave them out"
_DICTIONARY = "write a dictionary: {\"width\": …, \"lr\": …, …}"
_LEAST = {"width": 6, "steps": 1, "lr": 1e-12}


def _form_fault(value):
    """What keeps an answer from being a training that the budget allows."""
    wanted = "a dictionary with width, lr, loss and steps"
    if not isinstance(value, dict) or set(value) != set(BASELINE):
        return Fault(present(value), wanted,
                     _FOUR if isinstance(value, dict) else _DICTIONARY)
    for key, least in _LEAST.items():
        number, kind = value[key], "number" if key == "lr" else "whole number"
        if isinstance(number, (bool, str)) or family(number) != "number":
            return Fault(f"{key} = {present(number)}", f"{key} as a {kind}",
                         _QUOTES if isinstance(number, str) else f"{key} must be a {kind}")
        if key != "lr" and number != int(number):
            return Fault(f"{key} = {present(number)}", f"{key} as a whole number",
                         f"there is no part of a {'channel' if key == 'width' else 'step'}")
        if not least <= number < 1e6:
            return Fault(f"{key} = {present(number)}", f"{key} of at least {least:g}", (
                "narrower networks take minutes to check; 6 is the least here" if key == "width"
                else f"{key} must be above 0"))
    if value["loss"] not in tuning().LOSSES:
        return Fault(f"loss = {present(value['loss'])}", " or ".join(map(repr, tuning().LOSSES)),
                     "this loss has another name here: the names stand in the task")
    cost, limit = tuning().budget(value), tuning().budget(BASELINE)
    if cost > limit:
        return Fault(f"width² · steps = {cost:g}", f"at most {limit:g}",
                     "width counts twice: with half the width you may take four times the steps")
    return None


def tuning():
    """The training, which needs torch; no other check of a lesson waits for it."""
    from cellkit_course import tuning

    return tuning


def plain(value) -> dict:
    """The settings with Python's own numbers."""
    kinds = (("width", int), ("lr", float), ("loss", str), ("steps", int))
    return {key: kind(value[key]) for key, kind in kinds}


def _judge_settings(case, outcome, again):
    fault = _form_fault(outcome.value)
    if fault:
        return fault
    chosen, needed = plain(outcome.value), f"Dice of at least {tuning().target():.3f}"
    if chosen == BASELINE:  # whatever it reaches on this machine
        return Fault("the baseline's own settings", needed, _ITSELF)
    try:
        score = tuning().score(chosen)
    except ValueError as problem:  # the loss became infinite
        return Fault(str(problem), needed, _BOLD)
    if score >= tuning().target():
        return None
    return Fault(f"Dice {score:.3f}", needed, _suspicion(chosen))


def _suspicion(chosen) -> str:
    """What holds the training back: each suspicion is tried, by a training without it."""
    left = tuning().budget(BASELINE) / tuning().budget(chosen)
    suspects = [
        (chosen["lr"] < 4e-3, {"lr": 1e-2}, _TIMID),
        (chosen["lr"] > 2.5e-2, {"lr": 1e-2}, _BOLD),
        (left > 1.3, {"steps": int(chosen["steps"] * left)}, _FEW),
        (chosen["width"] > 12, {"width": 6, "steps": 106}, _WIDE),
        (chosen["loss"] != "soft_dice", {"loss": "soft_dice"}, _LOSS),
    ]
    before = tuning().trial(chosen)
    for suspected, cure, hint in suspects:
        if suspected and tuning().trial(chosen | cure) > before + 0.01:
            return hint
    return ""


def _praise_settings(outcome, again):
    measured = tuning().measured()
    return (f"Dice {tuning().score(plain(outcome.value)):.3f}; the baseline reaches "
            f"{measured['mean']:.3f} ± {measured['spread']:.3f} over {len(measured['dice'])} seeds "
            "(measured earlier).")


EXERCISE = Exercise(
    "settings", LESSON, "tune", points=5, minutes=25,
    answer=settings,
    cases=lambda: [
        Case("better", "a training on eight small synthetic pictures, from three seeds"),
    ],
    judge=_judge_settings, remark=_praise_settings,
    seconds=90,  # ten times that for the trainings, which a busy machine needs
    asks={
        "better": "the mean Dice over three seeds is clearly better than the baseline's",
        "budget": "width² · steps is at most the baseline's",
        "form": "a dictionary with width, lr, loss and steps comes back",
    },
    ladder=(
        "three of the four settings of the baseline hold it back: one by one, ask of each what it "
        "costs",
        "half the width allows four times the steps. More and larger steps go further. And what "
        "is measured is Dice, so which loss is nearest to it?",
    ),
    blanks=("\"lr\": 1e-2", "\"loss\": \"soft_dice\""),
    mistakes=(
        Mistake("better", _settings_baseline, _ITSELF),
        Mistake("better", _settings_too_timid, _TIMID),
        Mistake("better", _settings_too_bold, _BOLD),
        Mistake("better", _settings_too_wide, _WIDE),
        Mistake("better", _settings_cross_entropy, _LOSS),
        Mistake("better", _settings_hardly_spent, _FEW),
        Mistake("budget", _settings_over_budget,
                "width counts twice: with half the width you may take four times the steps"),
        Mistake("form", _settings_other_loss,
                "this loss has another name here: the names stand in the task"),
        Mistake("form", _settings_forgotten, _FOUR),
        Mistake("better", _settings_too_narrow,
                "narrower networks take minutes to check; 6 is the least here"),
        Mistake("form", _settings_part_of_a_step, "there is no part of a step"),
        Mistake("form", _settings_as_text, _QUOTES),
        Mistake("form", _settings_no_dictionary, _DICTIONARY),
    ),
)  # fmt: skip
