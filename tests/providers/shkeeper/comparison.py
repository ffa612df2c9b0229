"""Comparison of what the real SHKeeper said with what the local one says: field by field, and every value but those
that are made anew each time. Of these the form is compared, and that the same one stands in the same places."""

import re
from typing import Any

__all__ = ["Comparison"]

BASE58 = "[1-9A-HJ-NP-Za-km-z]"
WITNESS = "[02-9ac-hj-np-z]{38}"
# The form of what is made anew: the first of these that fits a recorded value, and its counterpart must have it too.
# (The daemons of the recording were played: their Bech32 had hexadecimal digits, and their Lightning was a test's.)
FORMS = [
    re.compile(form)
    for form in (
        "0x[0-9a-fA-F]{40}",
        "0x[0-9a-f]{64}",
        "[0-9a-f]{64}",
        "[0-9A-F]{64}",
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        f"bc1q([0-9a-f]{{38}}|{WITNESS})",
        f"ltc1q([0-9a-f]{{38}}|{WITNESS})",
        "lnbc(rt)?[0-9]+n1p[02-9ac-hj-np-z]{250,380}",
        f"T{BASE58}{{33}}",
        f"D{BASE58}{{33}}",
        f"[Za]{BASE58}{{33}}",  # all that begin with the byte 0x52
        f"r{BASE58}{{24,34}}",
        "UQ[A-Za-z0-9_-]{46}",
        f"8{BASE58}{{94}}",
        f"{BASE58}{{32,44}}",
    )
]
MADE_ANEW = {"wallet", "addr", "task_id", "txid", "txids", "tx_hash", "id", "payout_id", "result"}
DATES = {
    "date": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
}
BIP21 = re.compile(r"bitcoin:(?P<address>[0-9A-Z]+)\?amount=(?P<amount>[0-9.]+)&lightning=(?P<bolt11>[0-9A-Z]+)")


class Comparison:
    """Of one scenario."""

    def __init__(self) -> None:
        self._counterparts: dict[str | int, str | int] = {}

    def known(self, recorded: str) -> str:
        """What stands in the place of a value of the recording."""
        return str(self._counterparts.get(recorded, recorded))

    def differences(self, recorded: Any, local: Any, name: str = "", where: str = "") -> list[str]:
        """All that differs, in words."""
        if type(recorded) is not type(local):
            return [f"{where}: {recorded!r} is {local!r} here"]
        if isinstance(recorded, dict):
            return self._of_objects(recorded, local, where)
        if isinstance(recorded, list):
            if len(recorded) != len(local):
                return [f"{where}: {len(recorded)} entries are {len(local)} here"]
            pairs = enumerate(zip(recorded, local, strict=True))
            return [found for at, pair in pairs for found in self.differences(*pair, name, f"{where}[{at}]")]
        return [] if self._is_same(recorded, local, name) else [f"{where}: {recorded!r} is {local!r} here"]

    def _of_objects(self, recorded: dict[str, Any], local: dict[str, Any], where: str) -> list[str]:
        if recorded.keys() != local.keys():
            missing, besides = recorded.keys() - local.keys(), local.keys() - recorded.keys()
            return [f"{where}: {sorted(missing)} are missing and {sorted(besides)} are there besides"]
        return [
            found
            for name, value in recorded.items()
            for found in self.differences(value, local[name], name, f"{where}.{name}")
        ]

    def _is_same(self, recorded: Any, local: Any, name: str) -> bool:
        if name == "traceback":
            return bool(local)
        if name in DATES:
            return DATES[name].fullmatch(recorded) is not None and DATES[name].fullmatch(local) is not None
        if name == "bip21":
            return self._is_same_bip21(recorded, local)
        if name in MADE_ANEW and recorded is not None:
            if isinstance(recorded, int):
                return self._is_counterpart(recorded, local)
            form = next((form for form in FORMS if form.fullmatch(recorded)), None)
            if form is not None:
                return form.fullmatch(local) is not None and self._is_counterpart(recorded, local)
        return bool(recorded == local)

    def _is_counterpart(self, recorded: str | int, local: str | int) -> bool:
        if recorded not in self._counterparts and local in self._counterparts.values():
            return False
        return self._counterparts.setdefault(recorded, local) == local

    def _is_same_bip21(self, recorded: str, local: str) -> bool:
        expected, found = BIP21.fullmatch(recorded), BIP21.fullmatch(local)
        return (
            expected is not None
            and found is not None
            and expected["amount"] == found["amount"]
            and all(
                self._is_same(expected[part].lower(), found[part].lower(), "addr") for part in ("address", "bolt11")
            )
        )
