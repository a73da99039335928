"""What a lesson's markdown may hold beyond markdown: terms, papers, questions, and the glossary.

How they are written stands in ``notebooks/source/README.md``; ``tools.builder`` turns them into
what students see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cellkit_course.literature import WORKS

GLOSSARY = "../docs/glossary.md"  # as seen from notebooks/
LINK = re.compile(r'\[([^\]]*)\]\((define|term|paper):([\w-]+)(?:\s+"([^"]*)")?\)')
OPTION = re.compile(r"^- \[([ x])\] (.+?) — (.+)$")


@dataclass(frozen=True)
class Term:
    """A word of the field, defined once: where, and in which sentence."""

    slug: str
    word: str
    symbol: str
    function: str
    lesson: str
    sentence: str


def linked(markdown: str, where: str) -> str:
    """Markdown with its terms and papers as links that any notebook can follow.

    Raises
    ------
    ValueError
        For a paper that cellkit_course/literature.py does not know.
    """
    def seen(found):
        words, kind, key, _ = found.groups()
        if kind == "define":
            return f'<a id="{key}"></a>**{words}**'
        if kind == "term":
            return f"[{words}]({GLOSSARY}#{key})"
        if key not in WORKS:
            raise ValueError(
                f"{where}: paper:{key} is none of {', '.join(WORKS)}; "
                "add it to cellkit_course/literature.py."
            )
        words, link = words or WORKS[key].short, WORKS[key].link
        return f"[{words}]({link or f'{GLOSSARY}#paper-{key}'})"

    return LINK.sub(seen, markdown)


def terms(markdown: str, lesson: str) -> list[Term]:
    """The terms that a piece of markdown defines, each with its sentence."""
    found = []
    for paragraph in re.split(r"\n\s*\n|^[-*] |^\d+\. ", markdown, flags=re.M):
        text = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\[*`(])", text):
            for words, kind, slug, more in LINK.findall(sentence):
                if kind == "define":
                    symbol, _, function = (more or "").partition("|")
                    found.append(Term(slug, words, symbol.strip(), function.strip(), lesson,
                                      sentence))
    return found


def glossary(found: list[Term], titles: dict[str, str]) -> str:
    """The page of all terms, in the alphabet's order; ``titles``: lesson -> its title."""
    def sentence(term):
        def plain(link):
            words, kind, key, _ = link.groups()
            if kind == "term":
                return f"[{words}](#{key})"
            if kind == "paper":
                return linked(link[0], term.lesson).replace(GLOSSARY, "")
            return f"**{words}**" if key == term.slug else words
        return LINK.sub(plain, term.sentence).replace("|", "\\|")

    def cell(text):
        return f"`{text}`" if text else ""

    rows = [
        f'| <a id="{term.slug}"></a>**{term.word}** | {term.symbol.replace("|", chr(92) + "|")} '
        f"| {sentence(term)} | {cell(term.function)} "
        f"| [{titles[term.lesson].partition(' ·')[0]}](../notebooks/{term.lesson}.ipynb) |"
        for term in sorted(found, key=lambda term: term.word.lower())
    ]
    return "\n".join([
        "# Glossary", "",
        "Built from the lessons: each term as it is defined where it first occurs. "
        "Do not edit; change the lesson.", "",
        "| term | symbol | meaning | in cellkit | lesson |",
        "| --- | --- | --- | --- | --- |", *rows, "",
        "## The papers", "",
        "The first five are those whose experiments the course repeats. Three of them are "
        "students' reports that were not published.", "",
        *(f'- <a id="paper-{key}"></a>{work.title}. {work.where}. '
          + (f"<{work.link}>" if work.link else "No address known.")
          for key, work in WORKS.items()), "",
    ])


def question(markdown: str, where: str) -> str:
    """A question and its options as plain HTML, which opens without a kernel.

    Raises
    ------
    ValueError
        Where it is no question with two options or more, exactly one of them right, each with its
        reason.
    """
    lines, options = [], []
    for line in re.sub(r"\n  +", " ", markdown.strip()).split("\n"):
        found = OPTION.match(line)
        if line.startswith("- ") and not found:
            raise ValueError(
                f'{where}: "{line[:60]}", expected "- [ ] option — reason" or "- [x] …".'
            )
        if found:
            options.append(found.groups())
        elif line.strip():
            lines.append(line.strip())
    right = sum(mark == "x" for mark, _, _ in options)
    if not lines or len(options) < 2 or right != 1:
        raise ValueError(
            f"{where}: a question of {len(lines)} lines with {len(options)} options, {right} of "
            "them right; expected words, at least two options, and one [x]."
        )
    boxes = [
        f"<details><summary>{_html(option)}</summary>"
        f"<p><b>{'Yes.' if mark == 'x' else 'No.'}</b> "
        f"{_html(reason[0].upper() + reason[1:])}</p></details>"
        for mark, option, reason in options
    ]
    return f"**Question.** {' '.join(lines)}\n\n" + "\n".join(boxes)


def _html(text: str) -> str:
    """A line of markdown inside HTML, where markdown is not read."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"\*([^*]+)\*", r"<i>\1</i>", text)
    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", r'<a href="\2">\1</a>', text)
