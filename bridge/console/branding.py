"""Whose pages they look like to buyers and sellers: a name, a logo, a colour and the way back to the shop, by
configuration. A colour that words could not be read in is refused."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

__all__ = ["LOGO_TYPES", "BrandSettings", "brand_css"]

LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# A page is to be there at once, also on a phone.
LOGO_LIMIT_BYTES = 50_000
_COLOUR = re.compile(r"#[0-9a-f]{6}")
# Without what browsers drop or turn into something else, and what people take for the host.
_PAGE = re.compile(r"https?://[^\x00-\x20\x7f-\xa0\\/?#@]+(?:[/?#][^\x00-\x20\x7f-\xa0\\]{0,1900})?")
# Of WCAG 2.2 for words.
LEAST_CONTRAST = 4.5
# What lies behind words (`base.css`): where the page is light, and where it is dark.
LIGHT, DARK = ("#f7f7f4", "#ffffff"), ("#101315", "#181c1e")
# How much of the colour is in what lies behind something that is marked with it.
SOFT_SHARE = 0.14


def _channels(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def _luminance(channels: list[float]) -> float:
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted([_luminance(one), _luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def _readable_on(paper: str, sheet: str) -> AfterValidator:
    def readable(colour: str) -> str:
        if not colour:
            return colour
        if not _COLOUR.fullmatch(colour):
            raise ValueError("expected a colour such as #0b6663")
        own, behind = _channels(colour), _channels(sheet)
        soft = [SOFT_SHARE * part + (1 - SOFT_SHARE) * under for part, under in zip(own, behind, strict=True)]
        contrast = min(_contrast(own, ground) for ground in (_channels(paper), behind, soft))
        if contrast < LEAST_CONTRAST:
            raise ValueError(
                f"words in {colour} could not be read: its contrast with what lies behind it is {contrast:.1f}, and"
                f" has to be {LEAST_CONTRAST} at least"
            )
        return colour

    return AfterValidator(readable)


def _page(address: str) -> str:
    if address and not _PAGE.fullmatch(address):
        raise ValueError("expected a web address such as https://shop.example, without a user and a password")
    return address


class BrandSettings(BaseModel):
    """How the pages of buyers and sellers look."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")
    logo_file: Path | None = None
    accent: Annotated[str, _readable_on(*LIGHT)] = ""
    accent_dark: Annotated[str, _readable_on(*DARK)] = ""
    shop_url: Annotated[str, AfterValidator(_page)] = ""

    @field_validator("logo_file", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("logo_file")
    @classmethod
    def _is_a_logo(cls, path: Path | None) -> Path | None:
        if path is None:
            return None
        if not path.is_file() or path.suffix not in LOGO_TYPES:
            raise ValueError(f"expected a file that is there, of the kind {' or '.join(LOGO_TYPES)}")
        if path.stat().st_size > LOGO_LIMIT_BYTES:
            raise ValueError(f"a logo has {LOGO_LIMIT_BYTES} bytes at most")
        return path


def brand_css(brand: BrandSettings) -> str:
    """The colours, in the place of those that the pages have: each where the page is light, or dark."""
    return _accent("light", brand.accent) + _accent("dark", brand.accent_dark)


def _accent(scheme: str, colour: str) -> str:
    if not colour:
        return ""
    soft = f"color-mix(in srgb, {colour} {SOFT_SHARE:.0%}, var(--sheet))"
    rule = f":root:root {{ --accent: {colour}; --accent-soft: {soft}; }}"
    return f"@media (prefers-color-scheme: {scheme}) {{ {rule} }}\n"
