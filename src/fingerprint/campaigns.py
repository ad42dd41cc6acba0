"""From tested groups to findings that a person can check: tests in words, benign explanations, template, representatives, charges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .circumstances import circumstances
from .config import ScanConfig
from .contribution import carried_by, nearest_unaccused
from .detection import SMALLEST_COHERENCE, Examiner, Group
from .exchangeability import PEOPLE
from .intent import named, shares, targeted
from .memo import Memo
from .records import AccountCharge, Campaign, Day, Explanation, Representative, Test
from .segments import Spelled, spell
from .templates import induce_template
from .ties import account_ties
from .traffic import HOUR_US, Traffic

N_REPRESENTATIVES = 12
N_LANES = 30  # accounts whose days are kept one by one
N_READ = 120  # prompts on which capability is scored


def iso(time_us: int) -> str:
    """Format microseconds since 1970 as ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sought(groups: Sequence[Group], examiner: Examiner) -> list[dict[str, float]]:
    """Return what some of the prompts of each group are after; see :func:`fingerprint.intent.shares`."""
    evidence, read = examiner.evidence, []
    for group in groups:
        read.append(_texts(group, examiner)[:N_READ])  # those with the smallest keyed hashes
    every = distinct(np.concatenate([np.zeros(0, np.int64), *read]))

    def look(which: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.bool_]]:
        return (named(evidence.texts(every[which])),)

    known = examiner.memo if evidence.names is not None else Memo(is_kept=False)
    names = evidence.names[evidence.row[every]] if evidence.names is not None else evidence.exact[every]
    found = known.rows("capabilities", b"", names, look)[0]
    return [shares(found[np.searchsorted(every, texts)]) for texts in read]


def _texts(group: Group, examiner: Examiner) -> npt.NDArray[np.int64]:
    """Return the distinct texts that are charged to a group, or were tested where none is."""
    return distinct(examiner.text[group.attributed if len(group.attributed) else group.tested])


def describe(group: Group, examiner: Examiner, traffic: Traffic, config: ScanConfig, rows: npt.NDArray[np.int64], after: dict[str, float],
             accused: npt.NDArray[np.bool_] | None = None) -> Campaign:
    """Write up one group.

    Parameters
    ----------
    group : Group
    examiner : Examiner
        The run that found it.
    traffic : Traffic
    config : ScanConfig
    rows : int64[m]
        Events that are charged to it.
    after : dict of str to float
        Of :func:`sought`.
    accused : bool[n_actors], optional
        Actors in any finding: for a finding, whose circumstances and nearest unaccused peers are then written up too.
    """
    texts = _texts(group, examiner)
    template = induce_template(group.stripped) if config.text and group.stripped is not None and group.stripped.coverage.mean() > 0.1 else None
    times = traffic.time_us[rows]
    charges, order = _charges(group, examiner, traffic, rows, accused)
    shared = spell(examiner, group.segment, group.members) if group.segment is not None else None
    return Campaign(
        campaign_id=campaign_id(traffic.exact[texts]),
        reported=not group.reason,
        reason=group.reason or _because(group, examiner, shared),
        capability=targeted(after),
        capabilities=after,
        n_accounts=len(charges),
        n_prompts=len(rows),
        first_seen=iso(int(times.min())) if len(times) else "",
        last_seen=iso(int(times.max())) if len(times) else "",
        strength=float(min(99.0, -np.log10(max(group.q, 1e-99)))) if group.exchange is not None else 0.0,
        tests=_tests(group, config) + _shared_text(group, examiner, shared) + ([] if accused is None else circumstances(rows, traffic, config.seed)),
        explanations=_explanations(group, config),
        template=template,
        representatives=_representatives(texts, examiner, traffic, config.text),
        accounts=charges,
        activity=_activity(times),
        timeline=_timeline(traffic.account[rows], times),
        carried_by=0 if accused is None else carried_by(group, examiner),
        segment=shared.text if shared is not None and config.text else None,
        graph=None if accused is None else account_ties(group, examiner, traffic, accused),
        lanes=[] if accused is None else _lanes(order[:N_LANES], traffic.account[rows], times),
    )


def campaign_id(exact: npt.NDArray[np.uint64]) -> str:
    """Name a set of charged texts: the same texts under the same key give the same id."""
    return "c-" + hashlib.blake2b(np.sort(exact).tobytes(), digest_size=5).hexdigest()


def _because(group: Group, examiner: Examiner, shared: Spelled | None) -> str:
    exchange = group.exchange
    trace = exchange.trace if exchange is not None else 0.0
    copied = group.copies.shared_mean if group.copies is not None else 0.0
    what = "ask for the same kind of thing, their prompts are mostly each other's nearest"
    if shared is not None and group.subjectless:
        others = _other_users(group, examiner)
        what = f"put one text into {_where(shared)}, as {f'{others:,} other accounts do' if others else 'no other account does'}"
    return (f"{len(group.members)} unrelated accounts {what}, "
            f"{copied:.0%} repeat what another account sent, and who sends what is random: the most similar other prompt is of the same "
            f"account {trace:+.1%} more often than by chance; for people with one interest it is {PEOPLE:+.0%} or more")


def _where(shared: Spelled) -> str:
    return "the system text of their prompts" if shared.in_system else "their prompts"


def _other_users(group: Group, examiner: Examiner) -> int:
    users = distinct(examiner.actor[group.segment.rows]) if group.segment is not None else np.zeros(0, np.int64)
    return len(np.setdiff1d(users, group.members))


def _shared_text(group: Group, examiner: Examiner, shared: Spelled | None) -> list[Test]:
    """The text that a group shares, and who else uses it; ownership judges that."""
    if shared is None:
        return []
    others = _other_users(group, examiner)
    n_words = sum(len(run.split()) for run in shared.runs)
    return [Test("shared text", float(others), "a text that many use: of a product, a framework, or passed from hand to hand", others < len(group.members),
                 f"Its accounts put one text of {n_words} words into {_where(shared)}; {others:,} other accounts of this traffic have it too, in a prompt or "
                 f"more.", decides=False)]


def _tests(group: Group, config: ScanConfig) -> list[Test]:
    detect, exchange = config.detect, group.exchange
    tests = []
    if exchange is not None:
        tests.append(Test(
            "exchangeability", exchange.trace, "the accounts belong to different people, who leave a personal trace", not _differs(group, config),
            f"Shared text removed, a prompt's most similar other prompt is of the same account in {exchange.chance + exchange.trace:.1%} of comparisons with "
            f"other accounts; {exchange.chance:.1%} by chance, {exchange.chance + PEOPLE:.0%} or more for people with one interest.", bound=exchange.upper,
            limit=group.limit(detect.margin), p=exchange.p, q=group.q))
        if not group.subjectless:
            tests.append(Test(
                "coherence", group.coherence, "the prompts have nothing in common", group.coherence >= SMALLEST_COHERENCE,
                f"Prompts of different accounts of the group are {group.coherence:.2f} standard deviations more alike than random prompts.",
                limit=SMALLEST_COHERENCE))
    tests.append(Test(
        "ownership", group.ownership, "the subject interests many accounts", group.ownership >= detect.ownership,
        f"{group.ownership:.0%} of all prompts of this kind in the traffic come from these accounts.", limit=detect.ownership))
    tests.append(Test(
        "attribution", group.median_attributed, "an account matches in a prompt or two", group.median_attributed >= detect.min_attributed,
        f"The median account has {group.median_attributed:g} attributed prompts, {group.median_share:.0%} of what was looked at.",
        limit=float(detect.min_attributed)))
    if group.copies is not None:
        tests.append(Test(
            "duplication between accounts", group.copies.shared_mean, "all run one list: homework, a benchmark, a viral prompt",
            group.copies.shared_mean <= detect.copies,
            f"{group.copies.shared_mean:.1%} of an account's attributed prompts are copies of another's.", limit=detect.copies))
        tests.append(Test(
            "repetition within accounts", group.copies.repetition, "people retry what they asked", group.copies.repetition <= detect.repetition,
            f"{group.copies.repetition:.1%} of the attributed prompts repeat one of the same account.", limit=detect.repetition))
    return tests


def _differs(group: Group, config: ScanConfig) -> bool:
    """Whether the accounts differ as people do, or hold one list each; False where that could not be tested."""
    exchange, margin = group.exchange, group.limit(config.detect.margin)
    return exchange is not None and (exchange.upper > margin or exchange.lower < -margin)


def _explanations(group: Group, config: ScanConfig) -> list[Explanation]:
    detect, exchange, copies = config.detect, group.exchange, group.copies
    people = exchange is not None and not _differs(group, config)
    framed = float(group.stripped.coverage.mean()) if group.stripped is not None else 0.0
    trace = (f"a personal trace of {exchange.trace:+.1%}, at most {exchange.upper:+.1%}; people with one interest have {PEOPLE:+.0%} or more"
             if exchange is not None else "too little power to measure a personal trace")
    interest = group.ownership < detect.ownership or group.median_share < detect.min_share or group.median_attributed < detect.min_attributed
    listed = copies is not None and (copies.shared_mean > detect.copies or group.n_copying >= max(len(group.members), 1))
    common = "likely" if listed else "rejected" if copies is not None else "possible"
    return [
        Explanation("people with one interest", "likely" if interest else "rejected" if people else "possible",
                    [] if people and not interest else [trace, f"{group.ownership:.0%} of such prompts come from the group"],
                    [trace, f"{group.ownership:.0%} of such prompts come from the group"] if people and not interest else []),
        Explanation("framework or product template", "likely" if framed > 0.3 and not people else "rejected" if people else "possible",
                    [f"{framed:.0%} of the words are shared text"] if framed > 0.1 else [],
                    [f"without the shared text the accounts still do not differ: {trace}"] if people else []),
        Explanation("common list (homework, benchmark)", common,
                    [f"{group.n_copying} accounts hold mostly copies"] if group.n_copying else [],
                    [] if listed or copies is None else [f"{copies.shared_mean:.1%} of the prompts occur in another account"]),
        Explanation("viral prompt", "likely" if listed and group.median_attributed <= 3 else "rejected" if copies is not None else "possible", [],
                    [] if copies is None else [f"{group.median_attributed:g} different prompts per account, {copies.overlap:.1%} mean overlap"]),
        Explanation("one organisation", "possible", [], [
            "accounts with one declared organisation were counted as one actor before testing; undeclared relations are not visible here"]),
    ]


def _charges(group: Group, examiner: Examiner, traffic: Traffic, rows: npt.NDArray[np.int64],
             accused: npt.NDArray[np.bool_] | None) -> tuple[list[AccountCharge], npt.NDArray[np.int64]]:
    """Return what each account contributes, largest first, and the numbers of the accounts."""
    total, charged = traffic.n_prompts, np.bincount(traffic.account[rows], minlength=len(traffic.account_ids))
    actor = examiner.actor[group.attributed]
    inside = np.bincount(actor, weights=group.inside, minlength=traffic.n_actors) / np.maximum(np.bincount(actor, minlength=traffic.n_actors), 1)
    copies = np.zeros(traffic.n_actors)
    if group.copies is not None:
        copies[group.copies.account] = group.copies.shared
    found = np.flatnonzero(charged)
    order = found[np.lexsort((found, -charged[found]))]
    names = traffic.account_ids.take(order).to_pylist()
    peers, ties = _peers(group, examiner, traffic, accused)
    return [AccountCharge(name, int(total[a]), int(charged[a]), round(float(charged[a] / total[a]), 4), round(float(inside[traffic.actor[a]]), 4),
                          round(float(copies[traffic.actor[a]]), 4), peers.get(int(traffic.actor[a]), []), ties.get(int(traffic.actor[a]), 0.0))
            for name, a in zip(names, order, strict=True)], order


def _peers(group: Group, examiner: Examiner, traffic: Traffic,
           accused: npt.NDArray[np.bool_] | None) -> tuple[dict[int, list[str]], dict[int, float]]:
    """Return, per member, the nearest unaccused accounts by name (one for each actor), and the tie to the first."""
    if accused is None:
        return {}, {}
    actors, ties = nearest_unaccused(group, examiner, accused)
    names = traffic.account_ids.take(np.maximum(traffic.first_account[actors.ravel()], 0)).to_pylist()
    width = actors.shape[1]
    peers = {int(m): [n for n, a in zip(names[i * width : (i + 1) * width], actors[i], strict=True) if a >= 0] for i, m in enumerate(group.members)}
    return peers, {int(m): round(float(ties[i, 0]), 4) for i, m in enumerate(group.members)}


def _representatives(texts: npt.NDArray[np.int64], examiner: Examiner, traffic: Traffic, with_text: bool) -> list[Representative]:
    """Choose prompts that show the range of a group: farthest-first from the most central one."""
    if not len(texts):
        return []
    texts = texts[:: max(1, len(texts) // 2000)]
    vectors = examiner.evidence.vectors[examiner.evidence.row[texts]]
    chosen = [int(np.argmax(vectors @ vectors.mean(0)))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < min(N_REPRESENTATIVES, len(texts)):
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    rows = traffic.first_row[texts[chosen]]
    prompts = examiner.evidence.texts(texts[chosen])
    names = traffic.account_ids.take(traffic.account[rows]).to_pylist()
    hashes = [f"{hashed:016x}" for hashed in traffic.exact[texts[chosen]].tolist()]
    return [Representative(int(row), name, prompt if with_text else None, len(prompt), hashed)
            for row, name, prompt, hashed in zip(rows, names, prompts, hashes, strict=True)]


def _timeline(account: npt.NDArray[np.integer], times: npt.NDArray[np.int64]) -> list[Day]:
    day = times // (24 * HOUR_US)
    days, count = np.unique(day, return_counts=True)
    n_accounts = int(account.max(initial=0)) + 1
    accounts = np.unique(np.unique(day * n_accounts + account) // n_accounts, return_counts=True)[1]
    return [Day(iso(int(d) * 24 * HOUR_US)[:10], int(n), int(a)) for d, n, a in zip(days, count, accounts, strict=True)]


def _lanes(accounts: npt.NDArray[np.int64], account: npt.NDArray[np.integer], times: npt.NDArray[np.int64]) -> list[list[list[int]]]:
    """Return, for each account, the days of the time line on which it has events, by place, and how many."""
    days = np.unique(times // (24 * HOUR_US), return_inverse=True)[1]
    lanes = []
    for one in accounts.tolist():
        place, n = np.unique(days[account == one], return_counts=True)
        lanes.append(np.stack([place, n], 1).tolist())
    return lanes


def _activity(times: npt.NDArray[np.int64]) -> list[list[int]]:
    hours = times // HOUR_US
    weekday = (hours // 24 + 3) % 7  # 1 January 1970 was a Thursday
    grid = np.zeros((7, 24), np.int64)
    np.add.at(grid, (weekday, hours % 24), 1)
    plain: list[list[int]] = grid.tolist()
    return plain
