"""Writes the language of man pages. Source: man(7), groff_char(7)."""

from collections.abc import Iterable


def escaped(text: str) -> str:
    """Text as it is: no character of it means anything to roff. A minus stays one, so that options can be copied."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    text = text.replace("^", r"\(ha").replace("~", r"\(ti")
    return text.replace("…", "\\&...").replace("–", r"\(en")


def line(text: str) -> str:
    """A line of text; one that begins with a dot would be a request."""
    shown = escaped(text)
    return rf"\&{shown}" if shown.startswith(".") else shown


def bold(text: str) -> str:
    return rf"\fB{escaped(text)}\fP"


def italic(text: str) -> str:
    return rf"\fI{escaped(text)}\fP"


def request(name: str, *words: str) -> str:
    """A macro with its arguments, which are roff already."""
    quoted = (word.replace('"', r"\(dq") for word in words)
    return " ".join([f".{name}", *(f'"{word}"' for word in quoted)])


def paragraph(text: str) -> list[str]:
    """Text that is set in is a picture of something, and keeps its lines."""
    if text.startswith("  "):
        return [".PP", ".RS 4", ".nf", *map(line, text.splitlines()), ".fi", ".RE"]
    return [".PP", line(text)]


def entry(term: str, *texts: str) -> list[str]:
    """A term, which is roff already, and what is said of it."""
    first, *others = texts or ("",)
    lines = [".TP", term, line(first)]
    for text in others:
        lines += [".IP", line(text)]
    return lines


def section(title: str, lines: Iterable[str]) -> list[str]:
    """Empty where there is nothing to say."""
    body = list(lines)
    if body and body[0] == ".PP":
        body = body[1:]
    return [request("SH", escaped(title)), *body] if body else []


def page(name: str, number: int, version: str, lines: Iterable[str]) -> str:
    """No date: the same sources make the same page. Ragged and without hyphens, as options are hard to read else."""
    head = request("TH", escaped(name.upper()), str(number), "", escaped(f"gearhorn {version}"), "gearhorn")
    return "\n".join([head, ".nh", ".ad l", *lines]) + "\n"
