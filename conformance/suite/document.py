"""Splits PROTOCOL.md into its statements: sentences, list items, table rows and examples of frames.

The suite claims to check every normative statement. Only a program that reads the document itself can see
whether that is true after the document has changed.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

PROTOCOL = Path(__file__).resolve().parents[2] / "PROTOCOL.md"

# A full stop, perhaps with bold type closed behind it, and then the beginning of another sentence.
SENTENCE_END = re.compile(r"(?<!e\.g\.)(?<=[.!?])\*{0,2}\s+(?=[A-Z`\[*\"(])")


@dataclass
class Statement:
    """One sentence, list item, table row or example, with the place where it stands."""

    place: str  # the section's number, and for a frame of section 16 its name: "7", "16/RUN"
    line: int
    text: str  # without the marks of Markdown
    kind: str  # sentence, row, example or code
    checks: list = field(default_factory=list)
    cases: list = field(default_factory=list)  # the cases of behaviour.json
    exempt: str = ""  # the kind of its exemption


def plain(text):
    """Takes the marks of Markdown out of a text: links, bold and italic type, and repeated spaces."""
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        parts[i] = parts[i].replace("**", "").replace("*", "")
    text = "".join(parts)
    text = re.sub(r"\[([^\]\[]*)\]\([^)]*\)", r"\1", text)
    return " ".join(text.split())


def read(path=PROTOCOL):
    """Returns all statements of the numbered sections, in their order."""
    return list(_statements(path.read_text(encoding="utf-8").splitlines()))


def _statements(lines):
    place, paragraph, began, fence, header = None, [], 0, None, True

    def flush():
        text = plain(" ".join(paragraph))
        paragraph.clear()
        for sentence in SENTENCE_END.split(text):
            if sentence:
                yield Statement(place, began, sentence, "sentence")

    for number, line in enumerate(lines + [""], 1):
        if fence:
            if line.startswith("```"):
                if fence == "hex":
                    yield Statement(place, number, "example of the bytes", "example")
                fence = None
            continue
        heading = re.match(r"(##+) (?:(\d+)\. )?(.*)", line)
        row = line.startswith("|")
        new_item = re.match(r"\s*(?:[-*]|\d+\.) ", line)
        if not line.strip() or heading or row or new_item or line.startswith(("```", "    ")):
            # An indented line continues a list item; without one, it is a drawing or pseudo-code.
            if line.startswith("    ") and paragraph:
                paragraph.append(line.strip())
                continue
            if place:
                yield from flush()
            paragraph.clear()
        if not row:
            header = True
        if heading:
            if heading[2]:
                place = heading[2]
            elif place and place.split("/")[0] == "16":
                place = "16/" + heading[3]
        elif line.startswith("```"):
            fence = line[3:] or "text"
        elif not line.strip() or place is None or line.startswith("    "):
            continue
        elif row:
            cells = [plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if set(line) <= set("|-: "):
                header = False
            elif not header:
                yield Statement(place, number, " | ".join(cells).strip(), "row")
        else:
            if not paragraph:
                began = number
            paragraph.append(re.sub(r"^\s*(?:[-*]|\d+\.) ", "", line).strip())


def examples(path=PROTOCOL):
    """The examples of section 16: the frame's name, all bytes with their length, and the frame's elements."""
    text = path.read_text(encoding="utf-8")
    for block, meaning in re.findall(r"```hex\n(.*?)```\n```text\n(.*?)```", text, re.S):
        name, elements = meaning.split(" ", 1)
        elements = re.sub(r"h'([0-9a-f]*)'", lambda m: repr(bytes.fromhex(m[1])), " ".join(elements.split()))
        for word, value in (("true", "True"), ("false", "False"), ("nil", "None")):
            elements = re.sub(rf"(?<![\"\w]){word}(?![\"\w])", value, elements)
        yield name, bytes.fromhex(block), ast.literal_eval(elements)


def find(statements, place, quote):
    """The statements of a place that begin with a quote. A quote is good if there is exactly one."""
    wanted = plain(quote).removesuffix("…")
    return [s for s in statements if s.place == place and s.text.startswith(wanted)]
