"""Markdown to HTML: docs, method READMEs, notes. HTML in the text is shown, never obeyed.

Formulas between dollars are set as text in italics; there is no mathematics engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Prose:
    html: SafeString
    title: str
    headings: tuple[Heading, ...]


def render(text: str, *, demote: int = 0, anchors: bool = True) -> Prose:
    """`demote` lowers every heading, for prose inside a page that has its own title; such prose is
    best without `anchors`, whose names the page may have already."""
    markdown = _markdown()
    tokens = markdown.parse(text)
    headings = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            level = int(token.tag[1])
            words = _words(tokens[at + 1])
            anchor = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
            headings.append(Heading(level=level, text=words, anchor=anchor))
            if anchors:
                token.attrSet("id", anchor)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + demote)}"
    title = next((heading.text for heading in headings if heading.level == 1), "")
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Prose(html=mark_safe(html), title=title, headings=tuple(headings))  # noqa: S308


def _words(inline: Token) -> str:
    return "".join(token.content for token in inline.children or ())


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.inline.ruler.before("escape", "math", _inline_math)
    markdown.block.ruler.before(
        "fence", "equation", _block_math, {"alt": ["paragraph", "blockquote", "list"]}
    )
    markdown.add_render_rule("math", _draw_math)
    markdown.add_render_rule("image", _draw_image)
    markdown.add_render_rule("equation", _draw_equation)
    markdown.add_render_rule("table_open", lambda *_: '<div class="table"><table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return markdown


_ABSOLUTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|[/\\]|%5c)", re.I)
_INLINE = re.compile(r"\$(?=[^\s$])([^$\n]*[^\s$])\$(?!\d)")


def _inline_math(state: StateInline, silent: bool) -> bool:
    match = _INLINE.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("math", "", 0).content = match[1]
    state.pos = match.end()
    return True


def _block_math(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`$$` … `$$`, on one line or several."""

    def line(number: int) -> str:
        return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]

    first = line(start)
    if not first.startswith("$$"):
        return False
    last, lines = start, [first[2:]]
    while not lines[-1].rstrip().endswith("$$"):
        last += 1
        if last >= end:
            return False
        lines.append(line(last))
    if silent:
        return True
    lines[-1] = lines[-1].rstrip()[:-2]
    state.push("equation", "", 0).content = "\n".join(lines).strip()
    state.line = last + 1
    return True


def _draw_image(
    renderer: RendererHTML, tokens: list[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Only beside the text: one with an address of its own is a link that a reader may follow.

    A page that fetched it would tell its server who reads, or act on an address of this one.
    """
    address = str(tokens[at].attrGet("src") or "")
    if not _ABSOLUTE.match(address):
        return RendererHTML.image(renderer, tokens, at, options, env)
    words = renderer.renderInlineAsText(tokens[at].children, options, env) or address
    return f'<a href="{escape(address)}" rel="noreferrer">{escape(words)}</a>'


def _draw_math(
    renderer: RendererHTML, tokens: list[Token], at: int, options: object, env: object
) -> str:
    return f'<span class="math">{_formula(tokens[at].content)}</span>'


def _draw_equation(
    renderer: RendererHTML, tokens: list[Token], at: int, options: object, env: object
) -> str:
    return f'<div class="equation math">{_formula(tokens[at].content)}</div>\n'


_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω", "Delta": "Δ",
    "Sigma": "Σ", "Phi": "Φ", "nabla": "∇", "partial": "∂", "sum": "Σ", "prod": "∏",
    "in": "∈", "notin": "∉", "subset": "⊂", "cup": "∪", "cap": "∩", "forall": "∀",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈",
    "cdot": "·", "times": "×", "odot": "⊙", "oplus": "⊕", "to": "→", "infty": "∞",
    "sqrt": "√", "ldots": "…", "dots": "…", "mid": "|", "Vert": "‖", "ell": "ℓ",
    "quad": "  ", "propto": "∝", "pm": "±", "log": "log", "exp": "exp", "max": "max",
    "min": "min", "arg": "arg", "top": "ᵀ", "lVert": "‖", "rVert": "‖",
}  # fmt: skip
_WRAPS = re.compile(r"\\(?:mathrm|mathbf|mathcal|mathbb|text|operatorname|boldsymbol)\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\S))")


def _formula(text: str) -> str:
    """Signs, subscripts and superscripts of simple formulas; what is unknown stays as written."""
    text = _WRAPS.sub(r"\1", text)
    text = _COMMAND.sub(lambda match: _SIGNS.get(match[1], match[0]), text)
    text = text.replace("\\,", " ").replace("\\;", " ").replace("\\{", "{").replace("\\}", "}")

    def script(match: re.Match[str]) -> str:
        tag = "sub" if match[1] == "_" else "sup"
        return f"<{tag}>{match[2] if match[2] is not None else match[3]}</{tag}>"

    return _SCRIPT.sub(script, escape(text))
