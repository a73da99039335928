"""What happened in a training, one value an epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass
class History:
    """What happened, one value an epoch.

    Attributes
    ----------
    train_loss, valid_loss : list of float
        Training: mean over the epoch's crops, while the weights move.  Validation: mean over
        whole images; empty without validation samples.
    train_metric, valid_metric : list of float
        "dice": of foreground > 0.5, mean over images (crops while training; Mask R-CNN is not
        asked then, so its train_metric is NaN).  Head "image": "psnr" in dB, relative to the
        range of each image's own grey values.
    metric : str
        "dice" or "psnr".
    lr, seconds : list of float
        The learning rate of the epoch's last batch; how long it took, validation included.
    best_epoch : int
        Counted from 1; its weights are the ones the network has now.  0: none was finished.
    ended : str
        "finished", "no progress" (patience), "out of time" or "interrupted".
    settings : dict
        What :func:`cellkit.fit` was asked for.
    seen : dict
        What the pictures are like that it trained on, see :func:`cellkit.scale.seen_in`.
    """

    metric: str = "dice"
    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    train_metric: list[float] = field(default_factory=list)
    valid_metric: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int = 0
    ended: str = ""
    settings: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.train_loss)

    def to_dict(self) -> dict:
        return asdict(self)

    def __repr__(self) -> str:
        if not self.best_epoch:
            return f"<History: {self.ended or 'started'} before an epoch was over>"
        i, seen = self.best_epoch - 1, "valid" if self.valid_loss else "train"
        loss, metric = getattr(self, f"{seen}_loss")[i], getattr(self, f"{seen}_metric")[i]
        metric = "" if math.isnan(metric) else f", {self.metric} {metric:.4f}"
        s = "s" * (len(self) != 1)
        return (f"<History: {len(self)} epoch{s} in {sum(self.seconds) / 60:.1f} min, "
                f"{self.ended}; kept epoch {self.best_epoch}: {seen} loss {loss:.4f}{metric}>")

    def record(self, train, valid, lr: float, seconds: float, monitor: str) -> bool:
        """Add an epoch, (loss, metric) of each batch and each validation image; is it the best?"""
        for name, values in (("train", train), ("valid", valid)):
            if values:
                loss, metric = np.mean(values, 0)
                getattr(self, f"{name}_loss").append(float(loss))
                getattr(self, f"{name}_metric").append(float(metric))
        self.lr.append(lr)
        self.seconds.append(seconds)
        better = self._last_is_best(monitor)
        if better:
            self.best_epoch = len(self)
        return better

    def _last_is_best(self, monitor) -> bool:
        if not self.valid_loss or not self.best_epoch:
            return True
        values = [-v for v in self.valid_loss] if monitor == "loss" else self.valid_metric
        best, now = values[self.best_epoch - 1], values[-1]
        return now > best or math.isnan(best) and not math.isnan(now)

    def card(self, before: dict, train, valid=None) -> dict:
        """The card of weights that were loaded and trained further on samples.

        What it said of scores and of how to repeat it no longer holds; the images it was trained
        on are its own and these.  A training that goes on before anything is stored adds to the
        one before: the parent stays the file that was loaded.
        """
        own = {"name": train.dataset or "own pictures", "licence": "not stated",
               "images": train.names}
        stored, asked = "sha256" in before, {
            key: value for key, value in self.settings.items()
            if value is not None and key not in ("train", "steps", "amp")}
        asked |= {"steps_per_epoch": self.settings.get("steps")}
        parent = {key: before.get(key) for key in ("sha256", "version", "command")} if stored else \
            before.get("parent")
        how = ", ".join(f"{key}={value!r}" for key, value in asked.items())
        command = f"cellkit.fit(net, samples, {how})"
        return {
            **{key: before[key] for key in ("network", "config") if key in before},
            "parent": parent, "data": [*before.get("data", ()), own], "metrics": {},
            "minutes": round((0 if stored else before.get("minutes", 0))
                             + sum(self.seconds) / 60, 1),
            "command": command if stored else f"{before.get('command')}; {command}",
            "training": self.settings, "chosen on": [] if valid is None else valid.names,
        }

    def says(self, epoch: int, epochs: int, seen) -> str:
        """The running epoch in a few words, for the progress bar."""
        loss, metric = np.mean(seen, 0)
        text = f"epoch {epoch + 1}/{epochs}, loss {loss:.3f}"
        if not math.isnan(metric):
            text += f", {self.metric} {metric:.3f}"
        if self.valid_metric:
            text += f", valid {self.valid_loss[-1]:.3f}, {self.valid_metric[-1]:.3f}"
        return text
