"""The explorer itself: controls, and a function that says what there is to see."""

from __future__ import annotations

import asyncio
import html
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import ipywidgets as widgets

from cellkit.checks import one_of
from cellkit.explore import every, page
from cellkit.explore.controls import described, move, place, steps
from cellkit.explore.pictures import Parcel
from cellkit.explore.views import View, drawn, encoded
from cellkit.files import replacing
from cellkit.show.output import send

WORKER = ThreadPoolExecutor(1, "explorer")
#: Seconds without a question, to whichever explorer, after which one may look ahead.
PAUSE = 0.3
#: Seconds of a look above which its first pictures are shown before.
QUICK = 0.08


class _Hand:
    """When a hand last moved a control of any explorer, and whether one is looking ahead."""

    moved, ahead = 0.0, False


class Explorer(widgets.VBox):
    """Controls, pictures that follow them, and what they show in a sentence and in numbers.

    Parameters
    ----------
    look : callable(**values) -> View
        Given each control's value by its name; must depend on nothing else, for what it returns
        is kept.
    controls : dict of str → widget
        Everything that has a ``value`` which can be hashed; the first slider is the main one.
    settle : callable(controls) -> str, optional
        Called before each look: changes what one control offers where another one asks for it,
        and says so in a sentence.
    preview : callable(**values) -> View, optional
        The first pictures of the same look, where they can be had much sooner.
    remember : int
        How many looks are kept.
    title, lead : str
        The heading, and the question below it.
    ways : str, optional
        The control whose choices are shown side by side.
    curve : sequence of str
        Which numbers are drawn against the main control: the first one for every way.
    span : (float, float), optional
        The curve's lowest and highest value; by default those of its numbers.
    ahead : bool
        Look at the other values, too, while nothing else is asked.
    own : callable(bytes) -> (str, value), optional
        Takes a file that the reader uploads: what the control "image" calls it, and its value.

    Attributes
    ----------
    controls : dict
        Set a value from code as a hand would: ``explorer.controls["M"].value = 0.5``.
    name, about, note
        What its page is called, what it says besides its views, and what was remarked last.
    pictures, numbers, words
        What stands there now; pictures by title, as JPEG.
    error : Exception or None
        Why there is nothing to see.

    Notes
    -----
    In a notebook the page's script asks through a text field that nobody sees, and is answered
    through another widget: both are part of ipywidgets 7 and 8, in every front end.

    An exception in ``look`` is shown as a sentence and kept in ``error``; with
    ``CELLKIT_STRICT=1``, where nobody looks, it is raised.

    Stale values are dropped.  In a kernel a look is taken in a thread beside it, so that the kernel
    hears of new values meanwhile; whatever came in, the next look is at the newest.  Outside a
    kernel a look is taken at once.
    """

    def __init__(self, look: Callable[..., View], controls: Mapping[str, widgets.Widget], *,
                 settle: Callable[[dict], str | None] | None = None,
                 preview: Callable[..., View] | None = None, remember: int = 64, title: str = "",
                 lead: str = "", ways: str | None = None, curve: Sequence[str] = (),
                 span: tuple[float, float] | None = None, ahead: bool = False,
                 own: Callable[[bytes], tuple[str, int]] | None = None):
        self.look, self.controls, self.settle = look, dict(controls), settle
        self.preview, self.remember = preview, remember
        self.main = next((name for name, one in self.controls.items()
                          if described(name, one)["kind"] == "slider"), next(iter(self.controls)))
        self.about = {"title": title, "lead": lead, "main": self.main, "ways": ways,
                       "curve": list(curve), "span": span, "ahead": ahead, "own": own is not None}
        self.own, self._parcel = own, Parcel()
        self.error, self._view, self.note, self._memory = None, None, "", OrderedDict()
        self._settling, self._stale, self._following, self._turn = False, False, False, 0
        self._number, self._ahead, self._here, self._took = 0, None, (0, ""), QUICK + 1
        self._coarse = False
        self._ask, self._answer = widgets.Textarea(), widgets.HTML()
        super().__init__([self._ask, self._answer], layout=widgets.Layout(display="none"))
        self.name = f"cellkit-{self.model_id or id(self)}"
        self.add_class(f"{self.name}-bridge")
        self._ask.observe(self._asked, "value")
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.refresh()

    def __repr__(self):
        return f"[Explorer: {self._view.words if self._view else ''}]"

    @property
    def pictures(self) -> dict[str, bytes]:
        return {title: encoded(drawn(one)) for title, one in self._now().pictures.items()}

    @property
    def numbers(self) -> dict:
        return self._now().numbers

    @property
    def words(self) -> str:
        return self._now().words

    def values(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> Explorer:
        """Set several controls at once: what *Copy the line of code* gives.

        Parameters
        ----------
        **values
            Control → value; in ``{"super-resolution": True}`` for names that are no words of
            Python, with ``**`` in front.
        """
        self._check_names(values)
        with self._quietly():
            for name, value in values.items():
                self.controls[name].value = value
        self._changed(None)
        return self

    def refresh(self):
        """Look at the controls' values, now, and show what there is to see."""
        try:
            note = self._begin()
            here = self._place()
            self._put(self.kept(tuple(self.values().values())), note, here)
        except Exception as error:  # whatever it is, the reader must see it
            self._put_error(error)
            if os.environ.get("CELLKIT_STRICT") == "1":
                raise

    def twin(self, control: str, values: Sequence, picture: int = -1, caption: str = "", **others):
        """The static twin: a strip of pictures and a table of numbers, as a figure.

        Parameters
        ----------
        control : str
            The control that is moved, by its name in ``controls``.
        values : sequence
            The values it takes.
        picture : int
            Which of the pictures to show for each, counted from 0; -1 is the last.
        caption : str
            A line below the pictures and above the table.
        **others
            Values of other controls; those not named stay as they are.
        """
        self._check_names((control, *others))
        values = list(values)
        if not values:
            raise ValueError(f"values is empty, expected at least one that {control!r} takes.")
        every.figure(self, control, values, picture, caption, others)

    def export(self, path, images: Sequence[int] | None = None, largest: int = 2_000_000):
        """Write a page that needs no kernel, no network and no Python: everything is in it.

        Parameters
        ----------
        path : path-like
            An HTML file.
        images : sequence of int, optional
            Which pictures, by their number; by default three, far apart in the list.
        largest : int
            Bytes.  Pictures are compressed until the page fits.

        Returns
        -------
        Path
        """
        text = self.exported(images, largest, level=1)
        with replacing(path) as file:
            file.write_text(page.page(self.about["title"] or "Explorer", text), encoding="utf-8")
        return os.fspath(path)

    def exported(self, images: Sequence[int] | None = None, largest: int = 2_000_000,
                 level: int = 3) -> str:
        """The same as a piece of HTML, for a page that has more in it; ``level`` of its heading."""
        return every.block(self, images, largest, level)

    # What the notebook shows ----------------------------------------------------------------------

    def _ipython_display_(self, **_):
        """The twin first, which stays in the saved notebook; its script then looks for the rest."""
        view = self._now()
        still = page.twin({"": view}, view.words) if view.pictures else html.escape(view.words)
        spec = {**self.about, "level": 3, "files": [], "views": {}, "live": f"{self.name}-bridge",
                "first": self._message()}
        send({"text/html": page.block(self.name, spec, still), "text/plain": repr(self)})
        send({"application/vnd.jupyter.widget-view+json": {
            "version_major": 2, "version_minor": 0, "model_id": self.model_id},
            "text/plain": ""})

    def _message(self) -> dict:
        """All that the page must know now."""
        found = {"controls": [described(name, one) for name, one in self.controls.items()],
                 "note": self.note or "", "line": self._line(), "n": self._here[0]}
        if self.error is not None:
            return found | {"error": self._view.words}
        return found | {"key": self._here[1], "view": page.described(self._view)}

    def _place(self) -> tuple[int, str]:
        """Where the controls are now, and which question put them there."""
        return self._number, page.key(place(one) for one in self.controls.values())

    def _line(self) -> str:
        said = ", ".join(f"{name!r}: {value!r}" for name, value in self.values().items())
        return f"explorer.set(**{{{said}}})"

    def _say(self, message: dict):
        self._answer.value = html.escape(json.dumps(message), quote=False)

    def _asked(self, change):
        """The page wants to see the controls at these steps, now or some time."""
        try:
            asked = json.loads(change["new"])
        except ValueError:
            return
        if "file" in asked:
            return self._receive(asked["file"])
        if asked.get("ahead"):
            self._ahead = asked
        else:
            self._number = asked["n"]
            with self._quietly():
                for name, index in asked["want"].items():
                    move(self.controls[name], index)
            self._stale = True
        self._start()

    def _receive(self, piece):
        """A piece of the reader's own picture; with the last one, the picture takes its place."""
        data = self._parcel.add(piece)
        if data is None:
            return self._say({"got": piece["part"]})
        self._ask.value = ""  # or the same file would be no news
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._place_own(lambda: self.own(data))
        loop.run_in_executor(WORKER, self.own, data).add_done_callback(
            lambda done: self._place_own(done.result))

    def _place_own(self, opened):
        try:
            option = opened()
        except Exception as error:  # the pictures that stand there are still true
            return self._say({"refused": str(error)})
        with self._quietly():
            self.controls["image"].options += (option,)
            self.controls["image"].value = option[1]
        self._changed(None)

    # What is looked at ----------------------------------------------------------------------------

    @contextmanager
    def _quietly(self):
        """What changes within is not looked at by itself."""
        self._settling = True
        try:
            yield
        finally:
            self._settling = False

    def _changed(self, _):
        if not self._settling:
            self._stale = True
            self._start()

    def _start(self):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.refresh()
        if not self._following:
            self._following = True
            self._task = loop.create_task(self._follow())

    async def _follow(self):
        """One look after the other, each at the newest values, until nothing has changed."""
        try:
            while self._stale or self._ahead:
                if self._stale:
                    await self._follow_hand()
                else:
                    await self._look_ahead()
        finally:
            self._following = False

    async def _follow_hand(self):
        loop, _Hand.moved = asyncio.get_running_loop(), time.monotonic()
        try:
            note = self._begin()
            turn, values, here = self._turn, tuple(self.values().values()), self._place()
            # A browser that draws the first picture takes a core from a look that is quick anyway.
            if self.preview and self._took > QUICK and values not in self._memory:
                first = await loop.run_in_executor(
                    WORKER, lambda: self.preview(**dict(zip(self.controls, values, strict=True))))
                if turn == self._turn:
                    self._say({"n": here[0], "preview": page.described(first)})
                    self._coarse = self._stale and not self._coarse
                    if self._coarse:  # a hand that moves on gets two of these for each whole look
                        return
            began = time.monotonic()
            view = await loop.run_in_executor(WORKER, self.kept, values)
            if (took := time.monotonic() - began) > 0.01:  # or it was remembered
                self._took = took
            if turn == self._turn:  # otherwise refresh has looked meanwhile
                self._put(view, note, here)
        except Exception as error:
            self._put_error(error)
        _Hand.moved = time.monotonic()  # a hand that waited for a slow look moves on now

    async def _look_ahead(self):
        while _Hand.ahead or time.monotonic() < _Hand.moved + PAUSE:
            if self._stale:
                return
            await asyncio.sleep(0.05)
        asked, self._ahead = self._ahead, None
        places = [asked["want"].get(name, place(one)) for name, one in self.controls.items()]
        answer = {"n": asked["n"], "ahead": True, "key": page.key(places)}
        _Hand.ahead = True
        try:
            values = tuple(steps(one)[k][1] for one, k in
                           zip(self.controls.values(), places, strict=True))
            view = await asyncio.get_running_loop().run_in_executor(WORKER, self.kept, values)
            answer["view"] = page.described(view)
        except Exception as error:  # nobody asked yet; if somebody does, the sentence appears
            answer["failed"] = str(error)
        finally:
            _Hand.ahead = False
        self._say(answer)

    def _begin(self) -> str | None:
        self._stale, self._turn = False, self._turn + 1
        with self._quietly():
            return self.settle(self.controls) if self.settle else None

    def _now(self) -> View:
        if self._stale or self._following:
            self.refresh()
        return self._view

    def kept(self, values: tuple) -> View:
        """A look, or what is remembered of it; values in the order of the controls."""
        if values not in self._memory:
            self._memory[values] = self.look(**dict(zip(self.controls, values, strict=True)))
            while len(self._memory) > self.remember:
                self._memory.popitem(last=False)
        self._memory.move_to_end(values)
        return self._memory[values]

    def _put(self, view: View, note, here):
        self.error, self._view, self.note, self._here = None, view, note, here
        self._say(self._message())

    def _put_error(self, error):
        said = str(error).strip("'\"") or "no reason was given"
        if not isinstance(error, (ValueError, TypeError, OSError)):  # not written for readers
            said = f"{type(error).__name__}: {said}"
        self.error, self._view, self.note = error, View({}, {}, said), ""
        self._here = self._place()
        self._say(self._message())

    def _check_names(self, names):
        for name in names:
            one_of("the control", name, self.controls)
