"""Ties: how the accounts of a finding hang together, beside those outside that are nearest to them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .detection import Examiner, Group
from .records import AccountGraph
from .traffic import Traffic

N_MEMBERS, N_OTHERS = 60, 15  # accounts that are shown
N_STRONGEST = 4  # ties of each that are shown


def account_ties(group: Group, examiner: Examiner, traffic: Traffic, accused: npt.NDArray[np.bool_]) -> AccountGraph | None:
    """Return the graph of the largest contributors to a finding and of the unaccused actors that are tied most to them.

    Parameters
    ----------
    group : Group
    examiner : Examiner
        The run that found it.
    traffic : Traffic
    accused : bool[n_actors]

    Returns
    -------
    AccountGraph or None
        An actor of several accounts stands under its first one. Of each node the ``N_STRONGEST`` ties are kept, as a share of the strongest; None where
        fewer than two accounts have any tie.
    """
    per = np.bincount(examiner.actor[group.attributed], minlength=examiner.evidence.n_actors)[group.members]
    members = group.members[np.lexsort((group.members, -per))][:N_MEMBERS]
    tie = np.asarray(examiner.graph[members].sum(0)).ravel()
    tie[accused] = 0
    tie[group.members] = 0
    others = np.flatnonzero(tie > 0)
    others = others[np.lexsort((others, -tie[others]))][:N_OTHERS]
    nodes = np.concatenate([members, others])
    weight = examiner.graph[nodes][:, nodes].toarray()
    np.fill_diagonal(weight, 0)
    if len(nodes) < 2 or not weight.any():
        return None
    best = np.argsort(-weight, axis=1, kind="stable")[:, :N_STRONGEST]
    left, right = np.repeat(np.arange(len(nodes)), best.shape[1]), best.ravel()
    low, high = np.minimum(left, right), np.maximum(left, right)
    pair = distinct((low * len(nodes) + high)[weight[left, right] > 0])
    low, high = pair // len(nodes), pair % len(nodes)
    strength = weight[low, high] / weight.max()
    return AccountGraph(traffic.account_ids.take(traffic.first_account[nodes]).to_pylist(), len(members), low.tolist(), high.tolist(),
                        [round(float(s), 4) for s in strength])
