"""Findings over time: ids stay with campaigns that grow, move, merge and fall apart, whatever order they come in, and nothing is lost between evaluations."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.errors import InputError
from fingerprint.tracking import FEWEST_TEXTS, MAX_TEXTS, MOST, Change, Sighting, Tracked, track

HOUR = 3_600_000_000
WINDOW = 10 * HOUR
NOBODY = range(0)


def spread(numbers: range | set[int] | list[int], purpose: int) -> np.ndarray:
    """Hashes of numbers, so that neighbours are none; the purpose keeps accounts from texts."""
    return np.array([hash((purpose, n)) * 0x9E3779B97F4A7C15 % 2**64 for n in numbers], np.uint64)


def seen(accounts: range | set[int] | list[int], texts: range = NOBODY, name: str | None = None, n_prompts: int = 10) -> Sighting:
    name = name or f"c-{hash(tuple(sorted(accounts))) % 16**10:010x}"
    return Sighting.of(name, spread(accounts, 1), spread(texts, 2), n_prompts)


def step(known: list[Tracked], *now: Sighting, at: int = 1) -> tuple[list[Tracked], list[Change]]:
    return track(known, now, at * HOUR, WINDOW)


def kinds(changes: list[Change]) -> list[str]:
    return [change.kind for change in changes]


def test_a_campaign_that_stays_has_no_change() -> None:
    (first,), (new,) = step([], seen(range(20), name="c-0", n_prompts=100))
    assert (new.kind, new.finding_id, new.n_accounts, new.n_prompts, new.n_new_accounts, new.related) == ("new", first.finding_id, 20, 100, 20, ())
    (again,), changes = step([first], seen(range(20), name="c-1", n_prompts=130), at=2)
    assert changes == [] and again.finding_id == first.finding_id
    assert (again.campaign_id, again.n_prompts, again.first_found_us, again.last_found_us) == ("c-1", 130, HOUR, 2 * HOUR)
    assert step([], at=3) == ([], [])


def test_growth_keeps_the_id() -> None:
    known, _ = step([], seen(range(20)))
    known, (grown,) = step(known, seen(range(500), n_prompts=4000), at=2)
    assert (grown.kind, grown.n_accounts_before, grown.n_accounts, grown.n_new_accounts) == ("grown", 20, 500, 480)
    assert (grown.n_prompts_before, grown.n_prompts, grown.at_us) == (10, 4000, 2 * HOUR)
    _, (shrunk,) = step(known, seen(range(490, 505)), at=3)
    assert (shrunk.kind, shrunk.n_accounts, shrunk.n_new_accounts, shrunk.finding_id) == ("shrunk", 15, 5, grown.finding_id)


def test_half_of_the_smaller_one_is_the_limit() -> None:
    known, _ = step([], seen(range(20)))
    assert kinds(step(known, seen(range(10, 30)), at=2)[1]) == ["moved"]
    assert kinds(step(known, seen(range(11, 31)), at=2)[1]) == ["new", "gone"]
    assert MOST == 0.5


def test_two_that_become_one_keep_the_id_of_the_larger() -> None:
    known, (small, large) = step([], seen(range(10)), seen(range(100, 140)))
    now, (merged,) = step(known, seen([*range(10), *range(100, 140)]), at=2)
    assert (merged.kind, merged.finding_id, merged.related) == ("merged", large.finding_id, (small.finding_id,))
    assert (merged.n_accounts_before, merged.n_accounts, merged.n_new_accounts) == (40, 50, 10)
    assert [t.gone_since_us for t in now] == [None, 2 * HOUR] and now[1].finding_id == small.finding_id
    assert step(now, seen([*range(10), *range(100, 140)]), at=3)[1] == [], "a merger is told once"
    apart, (back, shrunk) = step(now, seen(range(10)), seen(range(100, 140)), at=4)
    assert (back.kind, back.finding_id, back.related) == ("back", small.finding_id, (large.finding_id,))
    assert (shrunk.kind, shrunk.finding_id) == ("shrunk", large.finding_id) and [t.gone_since_us for t in apart] == [None, None]


def test_of_equals_the_older_keeps_the_id() -> None:
    young, old = "f-0000000000", "f-ffffffffff"
    known = [Tracked(young, "c-1", seen(range(10)).accounts, seen(NOBODY).texts, 10, 2 * HOUR, 3 * HOUR),
             Tracked(old, "c-2", seen(range(50, 60)).accounts, seen(NOBODY).texts, 10, HOUR, 3 * HOUR)]
    both = seen([*range(10), *range(50, 60)])
    assert [(c.finding_id, c.related) for c in step(known, both, at=4)[1]] == [(old, (young,))]
    known[0] = replace(known[0], first_found_us=HOUR)
    assert [(c.finding_id, c.related) for c in step(known, both, at=4)[1]] == [(young, (old,))]


def test_the_largest_part_keeps_the_id() -> None:
    known, (whole,) = step([], seen(range(100)))
    (a, b, c), changes = step(known, seen(range(20)), seen(range(20, 80)), seen(range(80, 100)), at=2)
    assert kinds(changes) == ["split", "shrunk", "split"] and b.finding_id == whole.finding_id
    assert [change.related for change in changes] == [(whole.finding_id,), (), (whole.finding_id,)]
    assert len({a.finding_id, b.finding_id, c.finding_id}) == 3


def test_of_parts_with_equally_much_the_larger_one_keeps_the_id() -> None:
    known, (_, whole) = step([], seen(range(500, 600)), seen(range(40)))
    larger, smaller = seen([*range(20), *range(50, 55)], name="c-9"), seen(range(20, 40), name="c-1")
    for now in ((larger, smaller), (smaller, larger)):
        tracked, _ = step(known, *now, at=2)
        assert {t.campaign_id: t.finding_id == whole.finding_id for t in tracked[:2]} == {"c-9": True, "c-1": False}
    equal = seen(range(20), name="c-9")
    assert [t.finding_id == whole.finding_id for t in step(known, equal, smaller, at=2)[0][:2]] == [False, True], "the smaller id decides"


def test_what_ends_and_what_begins_names_the_nearest() -> None:
    known, (_, b, c) = step([], seen(range(30)), seen([*range(100, 120), *range(300, 400)]), seen(range(110, 130)))
    far, near = seen([*range(100, 122), *range(300, 400)]), seen([*range(30), *range(113, 130)])
    _, (grown, merged) = step(known, far, near, at=2)
    assert (grown.kind, grown.finding_id, merged.kind, merged.related) == ("grown", b.finding_id, "merged", (c.finding_id,))
    known, (x, y) = step([], seen(range(100)), seen(range(80, 130)))
    _, changes = step(known, seen(range(96)), seen(range(80, 130)), seen(range(94, 114)), at=2)
    assert (changes[-1].kind, changes[-1].related) == ("split", (y.finding_id,))
    _, changes = step(known, seen(range(99)), seen(range(82, 130)), seen(range(84, 104)), at=2)
    assert (changes[-1].kind, changes[-1].related) == ("split", (y.finding_id, x.finding_id)), "y has 20 of its accounts, the larger x 16"


def test_an_assignment_keeps_more_ids_than_the_nearest_pair() -> None:
    """The finding of 26 is nearest to the first campaign, and continues the second one: only so both findings go on."""
    known, (large, small) = step([], seen(range(26)), seen(range(100, 115)))
    first, second = seen([*range(14), *range(100, 113)]), seen([*range(14, 26)])
    tracked, changes = step(known, first, second, at=2)
    assert [t.finding_id for t in tracked] == [small.finding_id, large.finding_id] and kinds(changes) == ["grown", "shrunk"]


def test_accounts_that_were_replaced_are_one_finding_by_its_texts() -> None:
    known, (new,) = step([], seen(range(20), range(300)))
    now, (moved,) = step(known, seen(range(50, 75), range(100, 420)), at=2)
    assert (moved.kind, moved.finding_id, moved.n_accounts_before, moved.n_accounts, moved.n_new_accounts) == ("moved", new.finding_id, 20, 25, 25)
    assert kinds(step(now, seen(range(200, 220), range(411, 700)), at=3)[1]) == ["new", "gone"], "9 of 320 texts are too few"
    few = range(FEWEST_TEXTS - 1)
    known, _ = step([], seen(range(20), few))
    assert kinds(step(known, seen(range(50, 70), few), at=2)[1]) == ["new", "gone"]


def test_accounts_say_more_than_texts() -> None:
    known, (a, b) = step([], seen(range(20), range(300)), seen(range(100, 120), range(1000, 1300)))
    now, changes = step(known, seen(range(20), range(1000, 1300)), seen(range(100, 120), range(300)), at=2)
    assert [t.finding_id for t in now] == [a.finding_id, b.finding_id] and changes == []


def test_new_accounts_with_the_texts_of_another_finding_name_it() -> None:
    known, (old,) = step([], seen(range(20), range(300)))
    _, (new,) = step(known, seen(range(20), range(300)), seen(range(50, 60), range(200)), at=2)
    assert (new.kind, new.related) == ("new", (old.finding_id,)) and new.finding_id != old.finding_id


@pytest.mark.parametrize(("common", "same"), [(0.65, True), (0.35, False)])
def test_texts_are_compared_by_samples(common: float, same: bool) -> None:
    """Sets of many times what is kept; one is three times as large as the other."""
    n = 12 * MAX_TEXTS
    texts = range(n), range(int(n * (1 - common)), int(n * (4 - common)))
    for before, after in (texts, texts[::-1]):
        known, _ = step([], seen(range(20), before))
        assert len(known[0].texts) == MAX_TEXTS
        assert kinds(step(known, seen(range(50, 70), after), at=2)[1]) == (["moved"] if same else ["new", "gone"])


def test_gone_and_back_and_forgotten() -> None:
    known, (new,) = step([], seen(range(20), name="c-0"))
    known, (gone,) = step(known, at=2)
    assert (gone.kind, gone.finding_id, gone.n_accounts_before, gone.n_accounts) == ("gone", new.finding_id, 20, 0)
    assert known[0].gone_since_us == 2 * HOUR and known[0].last_found_us == HOUR
    known, changes = step(known, at=3)
    assert changes == [] and known[0].gone_since_us == 2 * HOUR, "it goes once"
    now, (back,) = step(known, seen(range(5, 30)), at=12)
    assert (back.kind, back.finding_id, back.n_accounts_before, back.n_new_accounts) == ("back", new.finding_id, 20, 10) and now[0].gone_since_us is None
    assert step(known, at=12)[0] != [] and step(known, at=13)[0] == [], "a window later it is forgotten"
    _, (fresh,) = step(known, seen(range(20), name="c-1"), at=13)
    assert fresh.kind == "new" and fresh.finding_id != new.finding_id


def test_ids_follow_from_the_history_and_are_unique() -> None:
    (one,), _ = step([], seen(range(20), name="c-0"))
    (same,), _ = step([], seen(range(300, 310), name="c-0"), at=7)
    assert one.finding_id == same.finding_id and len(one.finding_id) == 12 and one.finding_id.startswith("f-")
    now, changes = step([one], seen(range(20), name="c-9"), seen(range(50, 60), name="c-0"), seen(range(70, 80), name="c-0"), at=2)
    assert len({t.finding_id for t in now}) == 3 and kinds(changes) == ["new", "new"]


def test_a_campaign_without_accounts_or_texts_is_nobody() -> None:
    known, changes = step([], seen(NOBODY, name="c-0"), seen(NOBODY, name="c-1"))
    assert kinds(changes) == ["new", "new"] and known[0].finding_id != known[1].finding_id
    assert kinds(step(known, seen(NOBODY, name="c-0"), at=2)[1]) == ["new", "gone", "gone"]


ROUND = st.lists(st.tuples(st.sets(st.integers(0, 40), min_size=1, max_size=16), st.integers(0, 6)), max_size=5)


def sightings(drawn: list[tuple[set[int], int]]) -> list[Sighting]:
    return [seen(accounts, range(20 * t, 20 * t + 30)) for accounts, t in drawn]


def plain(tracked: list[Tracked]) -> list[bytes]:
    return sorted(t.to_bytes() for t in tracked)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROUND, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_any_history(rounds: list[list[tuple[set[int], int]]], shuffled) -> None:
    known: list[Tracked] = []
    for at, drawn in enumerate(rounds, 1):
        now = list({s.accounts.tobytes(): s for s in sightings(drawn)}.values())
        tracked, changes = step(known, *now, at=at)
        _check(known, now, tracked, changes, at * HOUR)
        order = shuffled.sample(range(len(now)), len(now))
        others, other_changes = step(shuffled.sample(known, len(known)), *(now[j] for j in order), at=at)
        assert plain(others) == plain(tracked) and sorted(map(repr, other_changes)) == sorted(map(repr, changes))
        assert [t.campaign_id for t in others[: len(now)]] == [now[j].campaign_id for j in order]
        known = tracked


def _linked(left: Tracked, right: Sighting) -> bool:
    """Whether two have half of the accounts, or of the texts, of the smaller one in common; slowly."""
    for a, b, least in ((left.accounts, right.accounts, 1), (left.texts, right.texts, FEWEST_TEXTS)):
        common = len(set(a.tolist()) & set(b.tolist()))
        if common >= least and common >= MOST * min(len(a), len(b)):
            return True
    return False


def _check(known: list[Tracked], now: list[Sighting], tracked: list[Tracked], changes: list[Change], at_us: int) -> None:
    before = {t.finding_id: t for t in known}
    after = {t.finding_id: t for t in tracked}
    assert len(after) == len(tracked), "no id is given twice"
    here = tracked[: len(now)]
    told = {change.finding_id: change for change in changes}
    assert len(told) == len(changes) and told.keys() <= after.keys()
    for one, sighting in zip(here, now, strict=True):
        assert np.array_equal(one.accounts, sighting.accounts) and one.gone_since_us is None and one.last_found_us == at_us
        change, past = told.get(one.finding_id), before.get(one.finding_id)
        assert past is None or _linked(past, sighting), "an id goes on only where something is in common"
        assert (past is None) == (change is not None and change.kind in ("new", "split"))
        assert past is None or (past.gone_since_us is None) or (change is not None and change.kind in ("back", "merged"))
        if change is None:
            assert past is not None and np.array_equal(past.accounts, one.accounts)
        else:
            n_new = len(set(one.accounts.tolist()) - set(past.accounts.tolist() if past is not None else []))
            assert (change.n_accounts, change.n_new_accounts) == (len(sighting.accounts), n_new)
            assert change.n_accounts_before == (past.n_accounts if past is not None else 0)
    kept, gone = {t.finding_id for t in here}, {c.finding_id for c in changes if c.kind == "gone"}
    ended = [i for c in changes if c.kind == "merged" for i in c.related]
    there = {i for i, t in before.items() if t.gone_since_us is None}
    assert len(set(ended)) == len(ended) and not kept & gone and not kept & set(ended) and not gone & set(ended)
    assert there == (kept & there) | gone | set(ended), "each is kept, has gone, or has ended in another"
    remembered = {i for i, t in before.items() if t.gone_since_us is not None and at_us - t.gone_since_us <= WINDOW}
    assert after.keys() == kept | gone | set(ended) | remembered


@settings(max_examples=60, deadline=None)
@given(ROUND.filter(len), ROUND.filter(len))
def test_no_other_assignment_has_more_in_common(first: list[tuple[set[int], int]], second: list[tuple[set[int], int]]) -> None:
    known, _ = step([], *(seen(accounts, name=f"c-{i}") for i, (accounts, _) in enumerate(first)))
    now = [seen(accounts, name=f"d-{i}") for i, (accounts, _) in enumerate(second)]
    tracked, _ = step(known, *now, at=2)
    common = [[len(np.intersect1d(k.accounts, s.accounts)) * (_linked(k, s)) for s in now] for k in known]
    place = {k.finding_id: i for i, k in enumerate(known)}
    reached = sum(common[place[t.finding_id]][j] for j, t in enumerate(tracked[: len(now)]) if t.finding_id in place)
    wide = max(len(known), len(now))
    padded = [[common[i][j] if i < len(known) and j < len(now) else 0 for j in range(wide)] for i in range(wide)]
    assert reached == max(sum(padded[i][j] for i, j in enumerate(order)) for order in itertools.permutations(range(wide)))


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 200), min_size=1), st.sets(st.integers(0, 200)), st.sets(st.integers(300, 310), min_size=1))
def test_growth_keeps_the_id_beside_anybody(accounts: set[int], more: set[int], others: set[int]) -> None:
    known, _ = step([], seen(accounts), seen(others))
    tracked, _ = step(known, seen(others), seen(accounts | more), at=2)
    assert [t.finding_id for t in tracked] == [known[1].finding_id, known[0].finding_id]


def test_bytes_and_back() -> None:
    known, changes = step([], seen(range(20), range(300)), seen(range(100, 110)))
    known, more = step(known, seen(range(20)), at=2)
    for tracked in known:
        again = Tracked.from_bytes(tracked.to_bytes())
        assert again.to_bytes() == tracked.to_bytes() and np.array_equal(again.accounts, tracked.accounts) and again.n_accounts == tracked.n_accounts
        assert again.accounts.dtype == again.texts.dtype == np.uint64
    for change in (*changes, *more, replace(changes[0], serial=17, related=("f-0123456789",))):
        assert Change.from_bytes(change.to_bytes()) == change


@pytest.mark.parametrize("kind", [Tracked, Change])
def test_damaged_bytes_are_an_input_error(kind: type[Tracked] | type[Change]) -> None:
    known, changes = step([], seen(range(20), range(30)))
    whole = (known[0] if kind is Tracked else changes[0]).to_bytes()
    other = (changes[0] if kind is Tracked else known[0]).to_bytes()
    forms = [whole[:cut] for cut in range(0, len(whole), 7)] + [b"", other, whole + b"\0", b"{}\n", b"[]\n", b"[" * 100_000, b"\xff\n", b"null\n"]
    forms += [whole.replace(b"-1\"", b"-2\"", 1), whole.replace(b'"n_prompts":10', b'"n_prompts":-1')]
    forms += [whole.replace(b'"n_prompts"', b'"prompts"', 1), whole.replace(b"f-", b"g-", 1)]
    forms += [whole.replace(b":3600000000", b":3.6e9", 1), whole.replace(b":3600000000", b":true", 1),
              whole.replace(b":3600000000", b":" + b"9" * 30, 1)]
    if kind is Tracked:
        forms.append(whole[:-16] + whole[-8:] + whole[-16:-8])  # hashes out of order
    else:
        forms += [whole.replace(b'"new"', b'"newer"'), whole.replace(b'"related":[]', b'"related":[1]'), whole.replace(b'"related":[]', b'"related":["x"]')]
    for form in forms:
        assert form != whole
        with pytest.raises(InputError, match="state"):
            kind.from_bytes(form)
