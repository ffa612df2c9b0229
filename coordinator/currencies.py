"""Currencies, as amounts are agreed in them: how each is spelled, how many decimals its amounts have, and how much an
amount can be at all.

By ISO 4217 (list one, without funds codes, metals and what is for tests), which rarely changes; what is not in it may
be a coin or a rate of an operator's own, of which nothing is known. Only what is newly agreed is measured by this.
"""

from collections.abc import Mapping
from decimal import Decimal

from coordinator.money import CENT_DECIMALS, DERIVED_DECIMALS, decimals_of, trimmed

__all__ = ["MINOR_UNITS", "amount_fault", "currency_fault"]

_WITHOUT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR = "CLF UYW"
_WITH_CENTS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""

MINOR_UNITS: Mapping[str, int] = {
    **dict.fromkeys(_WITH_CENTS.split(), CENT_DECIMALS),
    **dict.fromkeys(_WITHOUT.split(), 0),
    **dict.fromkeys(_WITH_THREE.split(), 3),
    **dict.fromkeys(_WITH_FOUR.split(), 4),
}
"""How many decimals a currency has."""

# A million billions: beyond all that is sold, in whatever currency or coin, and far within what is counted exactly.
DIGITS_LIMIT = 15


def currency_fault(currency: str) -> str | None:
    """What is wrong with how a currency is spelled; None if nothing is. SHKeeper knows its own spelling alone, and
    each other one would be another currency in limits, books and totals."""
    capitals = currency.upper()
    return None if currency == capitals else f"a currency is spelled in capitals; expected {capitals}"


def amount_fault(amount: Decimal, currency: str | None) -> str | None:
    """What is wrong with an amount that is to be agreed in a currency, which is None for a chain's token: that may be
    called like one, and its decimals the chain knows. None if nothing is. A currency that is not known has as many
    decimals as any coin."""
    if amount >= Decimal(1).scaleb(DIGITS_LIMIT):
        return f"expected less than 1 and {DIGITS_LIMIT} zeros"
    if currency is None:
        return None
    decimals = MINOR_UNITS.get(currency, DERIVED_DECIMALS)
    if decimals_of(Decimal(trimmed(amount))) <= decimals:
        return None
    return f"{currency} has {decimals or 'no'} decimals; expected no more"
