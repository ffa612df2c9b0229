"""Names that payouts had at SHKeeper, its `external_id`, while bridges did not write them down: a payout's own id,
with a number behind it where it was refused together with others and asked for again alone."""

__all__ = ["names_of_before"]


def names_of_before(external_id: str) -> tuple[str, ...]:
    """By what else SHKeeper may know a payout that is asked for by this name, if such a bridge asked for it and the
    journal has forgotten that."""
    return () if "-" in external_id else (f"{external_id}-2",)
