"""Names of people: whether two of them may be one person's, however they are written. Pure.

People type their own names. Where two people have to be different, a name that only looks like another counts as the
same person's: in other capitals, in letters of another width or another alphabet, with blanks, marks or invisible
characters. If an honest person is mistaken for another, a third one has to take a look; the reverse would defeat the
check.
"""

import unicodedata
from collections.abc import Iterator

__all__ = ["may_be_one"]

# Letters of other alphabets that look like ours: of Unicode's confusables (UTS 39) those of alphabets that people
# write names in.
_LOOK_ALIKE = dict(
    zip(
        (
            "ıƄƍƖƦƧƷƼƽǀȜȢȣɑɡɣɩɪɯʋʏᴄᴏᴑᴜᴠᴡᴢᶃᶌẝỿꜱꝚꝪꝮꞘꞙꞟꞫꞲꞳꞴꬲꬵꬽꭇꭈꭎꭒꭚ"
            "ͿΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγινορσυϜϳϺᴦ"
            "ϨⲅⲎⲒⲔⲘⲚⲞⲟⲢⲣⲤⲥⲦⲨⲬⳊⳌⳐⳒ𐋵"
            "ЅІЈАВЕЗКМНОРСТУХЬабгеорсухѕіјѡѴѵҮүһҽӀӏӠԁԌԛԜԝꙄꙇ"
            "ՍՏՕագզհոռսցքօ"
            "ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᎽᏀᏂᏃᏎᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏮᏳᏴꭵꮁꮃꮓꮩꮪꮯ"
        ),
        (
            "ibglr235sl388agyiiwuycoouvwzgyfys239ffu3jxbeforruuy"
            "jabezhlkmnoptyxayivopoufjmr"
            "2rhlkmnooppcctyx93l6z"
            "sljabe3kmhopctyxba6reopcyxsijwvvyyheli3dgqww2i"
            "usowqqhnnugfo"
            "drtiyajewmhyghz4brwsvslcpkd6gbirwzvsc"
        ),
        strict=True,
    )
)
_LOOK_ALIKE |= {"0": "o", "1": "l", "I": "l"}
# Two letters that are read as one.
_ALIKE_TOGETHER = {"rn": "m", "vv": "w", "cl": "d"}
# Of all that is shown as nothing (Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt) what counts as
# a letter: the fillers of Hangul, as NFKD writes all four of them.
_SHOWN_AS_NOTHING = "\u115f\u1160"
# Any letter: one of another alphabet within a name that is otherwise of ours.
_ANY = "\0"


def may_be_one(one: str, other: str) -> bool:
    """Whether two names may be one person's."""
    shapes = list(_shapes(other))
    return any(_is_alike(shape, another) for shape in _shapes(one) for another in shapes)


def _shapes(name: str) -> Iterator[str]:
    """What a name looks like: as it is read, and in small letters and in capitals, each of which may resemble
    others."""
    written = unicodedata.normalize("NFKD", name)
    letters = "".join(each for each in written if each.isalnum() and each not in _SHOWN_AS_NOTHING)
    if not letters:
        yield name
        return
    yield letters.casefold()
    is_mixed = len({_is_ours(each) for each in letters if each.isalpha()}) > 1
    for written in (letters, letters.lower(), letters.upper()):
        shape = "".join(_shape(each, is_mixed=is_mixed) for each in written)
        for together, alike in _ALIKE_TOGETHER.items():
            shape = shape.replace(together, alike)
        yield shape


def _shape(letter: str, *, is_mixed: bool) -> str:
    known = _LOOK_ALIKE.get(letter)
    if known is not None:
        return known
    return _ANY if is_mixed and letter.isalpha() and not _is_ours(letter) else letter.casefold()


def _is_ours(letter: str) -> bool:
    """Whether it is of the Latin alphabet. Whoever writes Chinese, Japanese or Korean mixes that with it."""
    name = unicodedata.name(letter, "")
    return name.startswith(("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"))


def _is_alike(one: str, other: str) -> bool:
    return len(one) == len(other) and all(
        left == right or _ANY in (left, right) for left, right in zip(one, other, strict=True)
    )
