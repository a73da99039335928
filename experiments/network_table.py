"""The table of the bundled networks in docs/networks.md, from their cards and nothing else.

``make notebooks`` puts it there, and a test compares: a network trained again brings its figures.
"""

from __future__ import annotations

from cellkit import weights
from experiments.results_page import table

#: What each says, in the order of the table.
SAYS = {
    "livecell": "where cells are, phase contrast",
    "livecell-mixed": "the same, in coarse pictures too",
    "livecell-sr": "a sharper picture (squared error)",
    "livecell-sr-task": "a picture sharpened for `livecell`",
    "livecell-distance": "where cells are, and how deep inside",
    "livecell-objects": "where cells are, and which way to the middle of each",
    "dsb2018": "where nuclei are, in colour",
    "glas": "where glands are, in colour",
    "maskrcnn-light": "each nucleus, in colour",
}
REAL, DRAWN = "real images of held-out groups", "synthetic test images"
COARSE = {"1": "dice", "1/4": "dice, M = 0.25, bicubic", "1/8": "dice, M = 0.125, bicubic"}
AGAIN = "†"  # marks what another training of the same recipe reached
TOLD = "‡"  # and what somebody else has measured


def text(cards: dict[str, dict] | None = None) -> str:
    """The table, what its real figures are of, and their cell types; ``cards``: by name."""
    cards = cards or {name: weights.card(name) for name in SAYS}
    rows, notes, kinds = [], [], []
    for name, card in cards.items():
        real, sign, how = held_out(card)
        rows.append({
            "name": f"`{name}`", "what it says": SAYS[name], "minutes": f"{card['minutes']:.0f}",
            "real pictures, not trained on": f"{said(real)}{sign}" if real else "not measured",
            "drawn test pictures": said(card["metrics"]["these weights"][DRAWN])})
        if how:
            notes.append(f"- `{name}`{sign}: {how}")
        if real and (each := types(real)):
            kinds.append(f"- `{name}`: " + ", ".join(f"{kind} {dice:.3f}" for kind, dice
                                                     in each.items()))
    parts = [table(rows)]
    if any(AGAIN in row["real pictures, not trained on"] for row in rows):
        parts.append(f"{AGAIN} The network has seen all our real pictures. The figure is of the "
                     "same recipe, trained once more without the held-out ones.")
    if any(TOLD in row["real pictures, not trained on"] for row in rows):
        parts.append(f"{TOLD} These very weights, measured by somebody else on real pictures of "
                     "the same sets that we have never had, and reported to us. How many there "
                     "were we do not know, and we cannot repeat it.")
    if notes:
        parts.append("On what the real figures stand:\n\n" + "\n".join(notes))
    if kinds:
        parts.append("Dice on the held-out real pictures, by kind of cell:\n\n" + "\n".join(kinds))
    return "\n\n".join(parts)


def held_out(card: dict) -> tuple[dict | None, str, str]:
    """Scores on real pictures never trained on, a sign if not of these very weights, and how."""
    metrics = card["metrics"]
    if real := metrics["these weights"].get(REAL):
        return real, "", card.get("held out", "")
    again = metrics.get("their recipe") or {}
    if again.get(REAL):
        return again[REAL], AGAIN, again.get("how", "")
    return metrics.get("reported"), TOLD, ""


def said(scores: dict) -> str:
    """Scores in words, e.g. "17: Dice 0.918, AP50 0.504, mean AP 0.280"."""
    dice = {M: f"{scores[key]:.3f}" for M, key in COARSE.items() if key in scores}
    at = f", M = {', '.join(dice)}:" if len(dice) > 1 else ""
    words = [f"Dice{at} {', '.join(dice.values())}"] if dice else []
    words += [f"{name} {scores[key]:.3f}" for key, name in
              (("iou", "IoU"), ("AP50", "AP50"), ("mean AP", "mean AP"))
              if key in scores and (key != "iou" or not dice)]
    count = f"{scores['images']}: " if "images" in scores else ""
    return count + ", ".join(words)


def types(scores: dict) -> dict[str, float]:
    """Dice of each cell type."""
    measures = ("images", "dice", "iou", "AP50", "mean AP", "object")
    return {kind: value for kind, value in scores.items()
            if isinstance(value, float) and not kind.startswith(measures)}
