"""Limit what an environment may cost, as estimated from its templates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLimit:
    """The most that an environment may cost, which `make synth COST=1` checks before anything is deployed.

    It is an estimate at list prices, of the synthesized templates at a stated traffic. What AWS then bills is watched
    by `monthly_budget` of the environment's `notifications`: an AWS Budget, which warns and does not stop anything.
    Raises `ValueError` for a value that no month has.
    """

    monthly: int
    """US dollars."""
    requests: float
    """The requests a second, on average, at which the environment may cost that."""

    def __post_init__(self) -> None:
        if self.monthly < 1:
            raise ValueError(f"monthly {self.monthly!r} is too small: write US dollars, 1 or more")
        if not 0 <= self.requests < float("inf"):
            raise ValueError(f"requests {self.requests!r} is out of range: write requests a second, 0 or more")
