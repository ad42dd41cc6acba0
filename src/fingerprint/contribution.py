"""Contribution: how much a finding depends on each of its accounts, and who is nearest to them without being accused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .detection import Examiner, Group

N_PEERS = 3


def carried_by(group: Group, examiner: Examiner) -> int:
    """Return the least number of accounts that carry a finding: so many of its largest contributors would be reported without the others' prompts.

    Found by bisection, so an upper bound where more accounts do not always mean more evidence; 0 for a group that is not reported.
    """
    if group.reason:
        return 0
    per = np.bincount(examiner.actor[group.attributed], minlength=examiner.evidence.n_actors)[group.members]
    order = group.members[np.lexsort((group.members, -per))]
    low, high = examiner.config.min_accounts, len(order)
    while low < high:
        middle = (low + high) // 2
        tested = examiner.test(group.members, group.road, np.sort(order[:middle]), group.segment)
        if tested is not None and not tested.reason:
            high = middle
        else:
            low = middle + 1
    return high


def nearest_unaccused(group: Group, examiner: Examiner, accused: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return, per member, the unaccused accounts that its charged prompts vote for most.

    Parameters
    ----------
    group : Group
    examiner : Examiner
        The run that found it.
    accused : bool[n_actors]

    Returns
    -------
    peers : int64[a, N_PEERS]
        Actors, -1 where there are fewer.
    ties : float64[a, N_PEERS]
        Their votes as a share of what the mean fellow gets: at 1 and above, an account outside is as near as the mean of those inside.
    """
    from scipy.sparse import csr_matrix

    member = np.searchsorted(group.members, examiner.actor[group.attributed])
    by = csr_matrix((np.ones(len(member), np.float32), (np.arange(len(member)), member)), shape=(len(member), len(group.members)))
    rows = (examiner.votes.matrix[:, group.attributed] @ by).T.tocsr()
    fellows = np.asarray(rows[:, group.members].sum(1)).ravel() / max(len(group.members) - 1, 1)
    peers, ties = np.full((len(group.members), N_PEERS), -1, np.int64), np.zeros((len(group.members), N_PEERS))
    for i in range(len(group.members)):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        who, tie = rows.indices[part], rows.data[part]
        free = ~accused[who]
        best = np.lexsort((who[free], -tie[free]))[:N_PEERS]
        peers[i, : len(best)], ties[i, : len(best)] = who[free][best], tie[free][best] / max(fellows[i], 1e-12)
    return peers, ties
