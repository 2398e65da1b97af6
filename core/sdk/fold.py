"""Texts as they are compared: small letters without marks, words with one blank between."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i", "ŋ": "n",
    "ĸ": "k", "ə": "e",
})  # fmt: skip
"""Letters that Unicode does not take apart into a plain one and a mark."""
_APOSTROPHES = re.compile("['’‘ʼʻ`´ʾʿ]")
_GAPS = re.compile(r"[\W_]+")


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> str:
    """`folded("O’Brien-Núñez ")` gives `obrien nunez`. Apostrophes join, all other signs part; letters of scripts that
    have no small ones stay."""
    apart = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold().translate(_LETTERS))
    plain = "".join(each for each in apart if not unicodedata.combining(each)).translate(_LETTERS)
    return _GAPS.sub(" ", plain).strip()
