"""Lightning invoices (BOLT 11): when one lapses. It is a bech32 text with the moment it was made and, maybe, how long
it is good for."""

from datetime import UTC, datetime, timedelta

__all__ = ["DEFAULT_EXPIRY", "lapse_of"]

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
TIMESTAMP_GROUPS, SIGNATURE_GROUPS, CHECKSUM_GROUPS = 7, 104, 6
EXPIRY_TAG = CHARACTERS.index("x")
# What BOLT 11 says of an invoice that does not name its own.
DEFAULT_EXPIRY = timedelta(hours=1)
# Of no use to anybody, and beyond it dates run out.
LONGEST_EXPIRY_SECONDS = 10 * 365 * 24 * 3600


def lapse_of(invoice: str) -> datetime | None:
    """When a Lightning invoice stops to take money; None if the text is none."""
    prefix, _, data = invoice.lower().rpartition("1")
    groups = [CHARACTERS.find(character) for character in data]
    if not prefix.startswith("ln") or -1 in groups or not _checks(prefix, groups):
        return None
    fields = groups[TIMESTAMP_GROUPS : -SIGNATURE_GROUPS - CHECKSUM_GROUPS]
    made_at = datetime.fromtimestamp(_number(groups[:TIMESTAMP_GROUPS]), UTC)
    while len(fields) > 2:
        tag, length, fields = fields[0], _number(fields[1:3]), fields[3:]
        if tag == EXPIRY_TAG and length <= len(fields):
            return made_at + timedelta(seconds=min(_number(fields[:length]), LONGEST_EXPIRY_SECONDS))
        fields = fields[length:]
    return made_at + DEFAULT_EXPIRY


def _number(groups: list[int]) -> int:
    """Groups of five bits as one number."""
    number = 0
    for group in groups:
        number = number << 5 | group
    return number


def _checks(prefix: str, groups: list[int]) -> bool:
    """Whether the checksum at the end is that of the text (BIP 173)."""
    if len(groups) < TIMESTAMP_GROUPS + SIGNATURE_GROUPS + CHECKSUM_GROUPS:
        return False
    codes = [ord(character) for character in prefix]
    remainder = 1
    for group in [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *groups]:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ group
        for bit, term in enumerate(GENERATOR):
            remainder ^= term if top >> bit & 1 else 0
    return remainder == 1
