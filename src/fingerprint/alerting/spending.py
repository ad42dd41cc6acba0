"""How small a q value must be to alert, when the same stream is tested again and again.

A detector that tests every few minutes at a level of .05 ends up alerting on chance: its tests are on overlapping data and there is no last one. So
evaluation number t gets the level ``q / 2 * w_t``, of weights that sum to 1 at most, and the first one of day number d of the traffic ``q / 2 * w_d`` more.
A finding is alerted only where its Benjamini-Hochberg q value of that evaluation is at most this level. What is strong is alerted within minutes then, and
what is weak has one chance a day, which a service that evaluates every minute for a year has not used up.

Let ``R_t`` findings pass the level of evaluation t, ``V_t`` of them falsely, and ``R``, ``V`` be the sizes of the unions over all evaluations. Then
``V <= sum V_t`` and ``R >= R_t``, so ``V / R <= sum V_t / R_t``, whatever one evaluation has to do with another. Where Benjamini and Hochberg hold within
each (p values independent, or positively dependent on those of true nulls), the expectation of the right side is at most the sum of all levels, which is q.

What this does not say: findings that passed may be held back (for other tests, or because nothing about them is new), and of those that are left the share
of false ones can be larger, their number cannot. And the number of an evaluation may depend on the traffic, but not on earlier results: to skip
evaluations because nothing looked suspicious would be a choice after the fact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import ConfigError

# 1 / (n ln(n)^2) summed over n >= 2 is 2.10974280...: the first 10^6 terms and, as it falls, at most the integral behind them, 1 / ln(10^6).
WEIGHTS = 2.109743
_SMALLEST_P = 1e-300


def level(q: float, evaluation: int) -> float:
    """Return the part of `q` that number t of a series may spend, ``q / (WEIGHTS * (t + 1) * ln(t + 1)**2)``; all of them sum to less than `q`.

    Parameters
    ----------
    q : float
        What the series may spend, above 0 and below 1.
    evaluation : int
        The number t, from 1.

    Raises
    ------
    ConfigError
        `q` or the number is out of range.

    Examples
    --------
    >>> [f"{level(0.05, t):.1e}" for t in (1, 10, 100, 1000)]
    ['2.5e-02', '3.7e-04', '1.1e-05', '5.0e-07']
    """
    if not 0 < q < 1:
        raise ConfigError(f"q is a share above 0 and below 1, not {q:g}")
    if evaluation < 1:
        raise ConfigError(f"evaluations are numbered from 1, not {evaluation}")
    return q / (WEIGHTS * (evaluation + 1) * math.log(evaluation + 1) ** 2)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The number of an evaluation, and what it was made on.

    Attributes
    ----------
    number : int
        0 before the first.
    data : str
        Any name of the state of the data, which changes with it: a digest, or counters and the watermark.
    day, n_days : int
        Latest day of the traffic so far, as a number of any kind that ascends; how many days had an evaluation.
    opens : bool
        Whether it is the first of its day.
    """

    number: int = 0
    data: str = ""
    day: int = -1
    n_days: int = 0
    opens: bool = False

    def next(self, data: str, day: int = -1) -> Evaluation:
        """Return the evaluation after this one: the same one where nothing has changed, since the same test is not made twice and spends nothing."""
        if self.number and data == self.data:
            return self
        opens = day > self.day
        return Evaluation(self.number + 1, data, max(day, self.day), self.n_days + opens, opens)

    def level(self, q: float) -> float:
        """Return what a q value of this evaluation may be at most, where `q` bounds the share of false findings among all that are ever alerted.

        Examples
        --------
        >>> minutes = Evaluation(number=500_000, day=365, n_days=365)
        >>> f"{minutes.level(0.05):.0e}", f"{minutes.next('more', day=366).level(0.05):.0e}"
        ('1e-10', '9e-07')
        """
        return level(q / 2, self.number) + (level(q / 2, self.n_days) if self.opens else 0.0)


def e_value(p: float) -> float:
    """Calibrate a p value to an e value, ``(1 - p + p ln p) / (p (ln p)**2)`` (Vovk and Wang 2021, the mixture of the calibrators ``k p**(k - 1)``).

    A bet against the null of one test, made before the data came: on average it loses or breaks even where the null holds, and 100 means that the stake has
    grown a hundredfold. The mean of e values of many evaluations is an e value again, whatever their dependence; their product is none, since the
    evaluations share data. It is shown beside the tests and decides nothing.

    Parameters
    ----------
    p : float
        One below 1e-300 counts as that; 1 gives 0.5.

    Raises
    ------
    ConfigError
        Not between 0 and 1.

    Examples
    --------
    >>> round(e_value(1e-6))
    5239
    """
    if not 0 <= p <= 1:
        raise ConfigError(f"a p value lies between 0 and 1, not at {p:g}")
    x = -math.log(max(p, _SMALLEST_P))
    return (math.expm1(x) - x) / x**2 if x > 1e-4 else 0.5 + x / 6  # the next term is x**2 / 24
