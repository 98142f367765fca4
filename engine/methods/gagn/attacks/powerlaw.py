"""Do a graph's degrees still look like the clean graph's? The likelihood-ratio test of Nettack
(Zügner, Akbarnejad, Günnemann, KDD 2018, section 4.1; gagn.md 1.9).

Degrees d ≥ d_min are fitted by a power law: with n of them and S = Σ ln d,
    α = 1 + n / (S − n ln(d_min − ½)),   ll = n ln α + n α ln d_min − (α + 1) S,
and a flip passes while Λ = −2 ll_both + 2 (ll_clean + ll_new) < 0.004. The reference code adds
(α + 1) S instead of subtracting it; `reference_quirk` does as it does.
"""

from __future__ import annotations

import numpy as np

D_MIN = 2
CUTOFF = 0.004  # a χ² with one degree of freedom exceeds it with probability 0.95


class PowerLaw:
    def __init__(self, clean: np.ndarray, *, reference_quirk: bool = False):
        self.sign = 1 if reference_quirk else -1
        self.count, self.sum = _fitted(clean).sum(), _log(clean).sum()  # n and S, clean
        self.observe(clean)

    def observe(self, degrees: np.ndarray) -> None:
        """Start from these degrees instead of the clean ones."""
        self.now_count, self.now_sum = _fitted(degrees).sum(), _log(degrees).sum()

    def statistic(self, count: np.ndarray, sum_: np.ndarray) -> np.ndarray:
        """Λ of the clean degrees against others with this n and S."""
        both = self._likelihood(count + self.count, sum_ + self.sum)
        apart = self._likelihood(self.count, self.sum) + self._likelihood(count, sum_)
        return 2 * (apart - both)

    @property
    def now(self) -> float:
        """Λ of the flips that were made."""
        return float(self.statistic(self.now_count, self.now_sum))

    def accepts(self, u: np.ndarray, v: np.ndarray, sign: np.ndarray) -> np.ndarray:
        """Which flips pass, given the degrees of both ends and +1 to join or −1 to part them."""
        return self.statistic(*self._after(u, v, sign)) < CUTOFF

    def change(self, u: int, v: int, sign: int) -> None:
        self.now_count, self.now_sum = self._after(u, v, sign)

    def _after(self, u: np.ndarray, v: np.ndarray, sign: np.ndarray) -> tuple:
        count, sum_ = self.now_count, self.now_sum
        for degree in (u, v):
            count = count + _fitted(degree + sign) - _fitted(degree)
            sum_ = sum_ + _log(degree + sign) - _log(degree)
        return count, sum_

    def _likelihood(self, count: np.ndarray, sum_: np.ndarray) -> np.ndarray:
        some = np.maximum(count, 1)  # without a fitted degree every term below is zero
        alpha = 1 + count / np.where(count > 0, sum_ - some * np.log(D_MIN - 0.5), 1)
        law = np.log(alpha) + alpha * np.log(D_MIN)
        return count * law + self.sign * (alpha + 1) * np.where(count > 0, sum_, 0)


def _fitted(degree: np.ndarray) -> np.ndarray:
    return (np.asarray(degree) >= D_MIN).astype(np.int64)


def _log(degree: np.ndarray) -> np.ndarray:
    return np.where(np.asarray(degree) >= D_MIN, np.log(np.maximum(degree, 1)), 0.0)
