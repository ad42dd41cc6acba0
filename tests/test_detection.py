"""Detection on synthetic vectors: the campaign is found, nobody else is, and charging goes by the same rule."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from detection_fixture import K, World, world
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.stats import false_discovery_control

from fingerprint.candidates import _met, ahead, candidates, partitions
from fingerprint.charging import charge, sampled_events
from fingerprint.config import DetectConfig
from fingerprint.detection import DOUBT, MIN_CAST, MIN_CHARGE, PERSONAL, Examiner, Group
from fingerprint.neighbours import PREVALENT
from fingerprint.search import SOURCES, WITHIN, _same, _Search, _Tried, search
from fingerprint.significance import benjamini_hochberg
from fingerprint.traffic import shuffle_within_hours


@pytest.fixture(scope="module")
def planted() -> World:
    return world(0)


@pytest.fixture(scope="module")
def examiner(planted: World) -> Examiner:
    return Examiner(planted.evidence(), DetectConfig(), 0, 1)


@pytest.fixture(scope="module")
def groups(examiner: Examiner) -> list[Group]:
    return search(examiner)


@pytest.fixture(scope="module")
def small(planted: World) -> tuple[Examiner, list[Group]]:
    """The same world with 16 texts per account as evidence: half of the campaign's prompts are not sampled."""
    made = Examiner(planted.evidence(sample=16), DetectConfig(), 0, 1)
    return made, [g for g in search(made) if not g.reason]


def reported(found: list[Group]) -> list[Group]:
    return [g for g in found if not g.reason]


def overlap(group: Group, true: np.ndarray) -> tuple[float, float]:
    """Recall and purity."""
    hit = len(np.intersect1d(group.members, true))
    return hit / len(true), hit / max(len(group.members), 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_campaign_is_found_and_nothing_else(seed: int) -> None:
    made = world(seed)
    found = reported(search(Examiner(made.evidence(), DetectConfig(), 0, 1)))
    assert len(found) == 1
    recall, purity = overlap(found[0], made.campaign)
    assert recall >= 0.9 and purity >= 0.9


def test_what_is_charged_is_the_campaign(planted: World, examiner: Examiner, groups: list[Group]) -> None:
    (found,) = reported(groups)
    recall, purity = overlap(found, planted.campaign)
    assert recall >= 0.9 and purity >= 0.9
    text = examiner.text[found.attributed]
    assert planted.harvested[text].mean() > 0.95, "what its accounts ask for themselves is not charged"
    assert planted.harvested[text].sum() > 0.9 * planted.harvested.sum()
    assert set(examiner.actor[found.attributed].tolist()) == set(found.members.tolist())
    assert (found.inside > found.attribution).all() and (found.inside <= 1 + 1e-6).all() and len(found.inside) == len(found.attributed)
    assert found.attribution <= DetectConfig().attribution
    assert found.q < 0.01 and found.ownership > 0.9 and found.exchange is not None and abs(found.exchange.trace) < 0.03


def test_findings_come_first_and_every_other_group_has_a_reason(groups: list[Group]) -> None:
    assert [bool(g.reason) for g in groups] == sorted(bool(g.reason) for g in groups)
    assert len(groups) > 5, "communities of organic accounts were tested"
    assert any("as people do" in g.reason for g in groups)
    assert all(0 <= g.q <= 1 for g in groups)
    shared = [g for g in groups if len(g.members) >= 6 and g.ownership < DetectConfig().ownership]
    assert shared and all("shared interest" in g.reason for g in shared), "topics of many accounts"


def test_evaluators_hold_copies_of_one_list(planted: World, examiner: Examiner, groups: list[Group]) -> None:
    group = examiner.test(planted.evaluators, "by hand")
    assert group is not None and group.n_copying == len(planted.evaluators) and "copies" in group.reason and not len(group.members)
    assert any(g.n_copying >= 0.9 * len(planted.evaluators) and "copies" in g.reason for g in groups), "found as a candidate, and rejected for it"


def test_strangers_are_no_group(planted: World, examiner: Examiner) -> None:
    strangers = np.setdiff1d(np.arange(examiner.evidence.n_actors), np.concatenate([planted.campaign, planted.evaluators]))[:20]
    assert examiner.test(strangers, "by hand") is None


def test_the_road_of_profiles_proposes_parts_of_the_campaign_alone(planted: World, examiner: Examiner) -> None:
    with candidates(examiner) as found:
        proposed = [m for road, m in found if road == "profiles" and np.isin(m, planted.campaign).any()]
    assert proposed and all(np.isin(m, planted.campaign).mean() >= 0.9 for m in proposed)


def test_doubt_comes_from_others_who_ask_the_same_or_hold_copies(groups: list[Group]) -> None:
    some = dataclasses.replace(groups[0], members=np.arange(30), ownership=0.9, n_copying=0)
    assert not some.doubtful and not dataclasses.replace(some, ownership=1.01 - DOUBT, n_copying=9).doubtful
    assert dataclasses.replace(some, ownership=1 - DOUBT).doubtful and dataclasses.replace(some, n_copying=10).doubtful
    assert some.limit(0.08) == 0.08 and dataclasses.replace(some, n_copying=10).limit(0.08) == 0.04


def test_copies_are_named_where_they_are_seen() -> None:
    """A list that is shared out and then run once more by everybody else: members are charged with copies, so nothing is reported."""
    made = world(0, n_evaluators=0)
    t = made.traffic
    own = np.flatnonzero(made.harvested[t.text])
    again = made.campaign[(np.searchsorted(made.campaign, t.account[own]) + 1) % len(made.campaign)]
    doubled = dataclasses.replace(
        t, account=np.concatenate([t.account, again]), text=np.concatenate([t.text, t.text[own]]),
        time_us=np.concatenate([t.time_us, t.time_us[own]]))
    made.traffic = doubled
    run = Examiner(made.evidence(), DetectConfig(), 0, 1)
    assert not reported(search(run))
    group = run.test(made.campaign, "by hand")
    assert group is not None and group.n_copying >= 0.9 * len(made.campaign) and "copies" in group.reason


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_reported_when_labels_are_shuffled(planted: World, seed: int) -> None:
    t = planted.traffic
    made = Examiner(planted.evidence(account=shuffle_within_hours(t.account, t.time_us, seed)), DetectConfig(), 0, 1)
    assert not reported(search(made))


def test_nothing_is_reported_without_a_campaign() -> None:
    assert not reported(search(Examiner(world(5, n_campaign=0).evidence(), DetectConfig(), 0, 1)))


def test_a_campaign_whose_accounts_keep_to_topics_is_not_reported_as_one_source() -> None:
    """The same source, but every account has a large offset of its own: they differ as people do."""
    made = world(0, n_evaluators=0)
    rng = np.random.default_rng(0)
    who = np.zeros(len(made.vectors), np.int64)
    who[made.traffic.text] = made.traffic.account
    offsets = rng.standard_normal((len(made.traffic.account_ids), made.vectors.shape[1]))
    offsets /= np.linalg.norm(offsets, axis=1, keepdims=True)
    made.vectors[made.harvested] += 0.7 * offsets[who[made.harvested]].astype(np.float32)
    made.vectors /= np.linalg.norm(made.vectors, axis=1, keepdims=True)
    assert not reported(search(Examiner(made.evidence(), DetectConfig(), 0, 1)))


def plain(groups: list[Group]) -> list[tuple[object, ...]]:
    return [(g.members.tolist(), g.attributed.tolist(), g.inside.tolist(), g.reason, g.q, g.road, g.exchange) for g in groups]


def test_threads_change_nothing(planted: World, groups: list[Group]) -> None:
    assert plain(groups) == plain(search(Examiner(planted.evidence(threads=2), DetectConfig(), 0, 2)))


def test_min_accounts_is_respected(planted: World, examiner: Examiner, groups: list[Group]) -> None:
    n = len(reported(groups)[0].members)
    enough, more = (search(Examiner(planted.evidence(), DetectConfig(min_accounts=m), 0, 1)) for m in (n, n + 1))
    assert len(reported(enough)) == 1 and not reported(more)
    with candidates(examiner) as found:
        assert all(len(m) >= 6 for _, m in found)
    few = examiner.test(planted.campaign[:5], "by hand")
    assert few is None or few.reason


def test_only_tests_candidates_that_hold_one_of_these(planted: World, examiner: Examiner) -> None:
    found = search(examiner, only=planted.campaign[:1])
    assert [overlap(g, planted.campaign)[0] >= 0.9 for g in reported(found)] == [True]
    assert len(found) < len(search(examiner))


def test_recruiting_brings_back_who_was_left_out(planted: World, examiner: Examiner) -> None:
    found = examiner.recruit(planted.campaign[::2])
    assert len(np.intersect1d(found, planted.campaign)) >= 0.9 * len(planted.campaign)
    assert len(np.setdiff1d(found, planted.campaign)) <= 2


@pytest.mark.parametrize(("n_few", "alike", "wanted"), [(100, 0, 11), (99, 0, 10), (100, 1, 10)])
def test_a_member_that_sent_little_is_known_where_no_bystander_is_like_it(n_few: int, alike: int, wanted: int) -> None:
    """Ties of one source grow with the root of both numbers of prompts: 4 beside 64 are tied a quarter as much, and no less for each prompt."""
    n = np.array([64.0] * 10 + [4.0, 4.0] + [1.0] * n_few)
    tie = np.sqrt(np.outer(n, n)) / 64
    for stranger in (11, *range(12 + alike, len(n))):
        tie[:, stranger] *= 0.1
        tie[stranger] *= 0.1
    np.fill_diagonal(tie, 0)
    looking = Examiner.__new__(Examiner)
    looking.evidence = dataclasses.make_dataclass("E", ["n_actors"])(len(n))
    looking.graph, looking.n_sampled = csr_matrix(tie), n.astype(np.int64)
    assert looking.recruit(np.arange(8)).tolist() == list(range(wanted))


def test_half_of_all_accounts_is_never_a_group(examiner: Examiner) -> None:
    assert examiner.test(np.arange(examiner.evidence.n_actors // 2 + 1), "by hand") is None


def plain_rule(made: Examiner, holders: dict[int, list[int]], members: set[int], vector: np.ndarray, actor: int, least: float) -> bool:
    """Whether an unsampled text of a member is charged, by loops over its nearest sampled texts."""
    similarity = made.evidence.vectors @ vector
    votes: dict[int, float] = {}
    for p in np.argsort(-similarity)[: K - 1].tolist():
        if similarity[p] > made.floor and len(holders[p]) <= PREVALENT:
            for account in holders[p]:
                if account != actor:
                    votes[account] = votes.get(account, 0.0) + 1 / len(holders[p])
    cast = sum(votes.values())
    return cast >= MIN_CAST - 1e-6 and sum(w for a, w in votes.items() if a in members) > least * cast


def test_unsampled_prompts_are_charged_by_the_same_rule(planted: World, small: tuple[Examiner, list[Group]]) -> None:
    made, found = small
    assert len(found) == 1 and min(overlap(found[0], planted.campaign)) >= 0.9
    group, t = found[0], planted.traffic
    told: list[int] = []
    (events,) = charge(found, made, t, told.append)
    assert (np.diff(events) > 0).all()
    sampled = sampled_events(group, made, t)
    assert np.isin(sampled, events).all() and len(sampled) < 0.7 * len(events)
    known = set(zip(made.actor.tolist(), made.text.tolist(), strict=True))
    rest = sorted(set(zip(t.account.tolist(), t.text.tolist(), strict=True)) - known)
    rest = [(a, x) for a, x in rest if x >= 0 and a in group.members]
    assert sum(told) == len({x for _, x in rest}) > 100
    wanted = {(a, x) for a, x in zip(made.actor[group.attributed].tolist(), made.text[group.attributed].tolist(), strict=True)}
    holders: dict[int, list[int]] = {}
    for p, a in zip(made.held.point.tolist(), made.held.account.tolist(), strict=True):
        holders.setdefault(p, []).append(a)
    members = set(group.members.tolist())
    for a, x in rest:
        if plain_rule(made, holders, members, planted.vectors[x], a, group.attribution):
            wanted.add((a, x))
    rows = [i for i, pair in enumerate(zip(t.account.tolist(), t.text.tolist(), strict=True)) if pair in wanted]
    assert len(np.setxor1d(rows, events)) <= 2, "ties at the border of K neighbours aside"
    assert planted.harvested[t.text[events]].mean() > 0.95 and len(events) > 0.9 * planted.harvested.sum()


def test_charging_in_parts_charges_the_same(planted: World, small: tuple[Examiner, list[Group]], monkeypatch: pytest.MonkeyPatch) -> None:
    made, found = small
    whole = charge(found, made, planted.traffic)
    told: list[int] = []
    monkeypatch.setattr("fingerprint.charging.TEXTS_AT_ONCE", 37)
    parts = charge(found, made, planted.traffic, told.append)
    assert (whole[0] == parts[0]).all() and len(told) > 3 and max(told) <= 37


def test_repeated_events_of_a_charged_text_are_charged(planted: World, small: tuple[Examiner, list[Group]]) -> None:
    made, found = small
    t = planted.traffic
    events = charge(found, made, t)[0]
    twice = dataclasses.replace(
        t, account=np.concatenate([t.account, t.account[events[:1]]]), text=np.concatenate([t.text, t.text[events[:1]]]),
        time_us=np.concatenate([t.time_us, t.time_us[:1]]), system=np.concatenate([t.system, t.system[:1]]))
    assert charge(found, made, twice)[0].tolist() == [*events.tolist(), len(t.account)]
    assert charge([], made, t) == []


def test_no_account_is_charged_for_one_contact(planted: World, examiner: Examiner, groups: list[Group]) -> None:
    for group in reported(groups):
        assert min(Counter(examiner.actor[group.attributed].tolist()).values()) >= MIN_CHARGE


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_benjamini_hochberg_equals_scipy(p: list[float]) -> None:
    assert np.allclose(benjamini_hochberg(np.array(p)), false_discovery_control(p, method="bh"), atol=1e-12)


def test_benjamini_hochberg_of_nothing() -> None:
    assert benjamini_hochberg(np.zeros(0)).tolist() == []


def test_a_finding_does_not_speak_for_others(planted: World, examiner: Examiner) -> None:
    """People who are lumped together with a campaign are judged by themselves; the rest of a campaign joins what was found of it."""
    strangers = np.setdiff1d(np.arange(examiner.evidence.n_actors), np.concatenate([planted.campaign, planted.evaluators]))[:20]
    judged = examiner.test(np.union1d(planted.campaign, strangers), "by hand", strangers)
    assert judged is None or judged.reason
    half = planted.campaign[: len(planted.campaign) // 2]
    rest = np.setdiff1d(planted.campaign, half)
    judged = examiner.test(planted.campaign, "by hand", rest)
    assert judged is not None and not judged.reason and np.isin(judged.members, rest).all() and len(judged.members) >= 0.9 * len(rest)


def test_pieces_of_one_campaign_become_one_finding(planted: World, examiner: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    half = planted.campaign[: len(planted.campaign) // 2]
    strangers = np.setdiff1d(np.arange(examiner.evidence.n_actors), np.concatenate([planted.campaign, planted.evaluators]))[:20]
    monkeypatch.setattr(examiner, "recruit", lambda core: core)
    proposed = [("a", half), ("b", planted.campaign), ("c", np.union1d(planted.campaign, strangers))]
    monkeypatch.setattr("fingerprint.search.candidates", lambda *_: nullcontext(iter(proposed)))
    found = [g for g in search(examiner) if not g.reason]
    assert len(found) == 1 and np.isin(found[0].members, planted.campaign).all() and len(found[0].members) >= 0.9 * len(planted.campaign)


def test_candidates_are_computed_ahead_and_given_in_order() -> None:
    begun, begun_ahead, hold = [], threading.Event(), threading.Event()

    def work(i: int) -> int:
        begun.append(i)
        if i:
            begun_ahead.set()
            hold.wait(5)
        return i

    with ahead(threads=2) as submit:
        results = [submit(partial(work, i)) for i in range(20)]
        assert results[0].result() == 0 and begun_ahead.wait(5)
    hold.set()  # a caller that stops early leaves nothing that has not begun
    assert len(begun) <= 4
    with ahead(threads=3) as submit:
        assert [one.result() for one in [submit(partial(int, i)) for i in range(50)]] == list(range(50))


def test_the_road_of_prompts_proposes_the_campaign_whatever_else_its_accounts_ask(planted: World, examiner: Examiner) -> None:
    with partitions(examiner) as given:
        found = [(actor, label) for road, actor, label in given if road == "prompts"]
    proposed = [actor[label == one] for actor, label in found for one in np.unique(label)]
    assert any(np.isin(planted.campaign, m).mean() >= 0.9 and np.isin(m, planted.campaign).mean() >= 0.9 for m in proposed)
    assert max(Counter(np.concatenate([actor for actor, _ in found]).tolist()).values()) > len(found), "an account may be in several communities"


def test_communities_of_prompts_in_which_the_same_accounts_meet_are_one() -> None:
    """A list of five kinds over ten accounts, each account in most kinds once, beside five kinds that ten others each ask by themselves."""
    rng = np.random.default_rng(0)
    listed = [(kind, account) for kind in range(5) for account in rng.permutation(10)[:8].tolist()]
    single = [(5 + kind, 10 + 10 * kind + account) for kind in range(5) for account in range(10)]
    small = [(10, account) for account in range(5)]
    label, actor = (np.array([pair[i] for pair in listed + single + small]) for i in (0, 1))
    sample = dataclasses.make_dataclass("S", ["config", "seed"])(DetectConfig(), 0)
    joined, who = _met(label, actor, 60, 0.3, sample)
    assert len(joined) == len(listed) + len(single), "a community of five accounts is left out"
    assert len(set(joined[: len(listed)].tolist())) == 1 and len(set(joined.tolist())) == 6
    assert np.array_equal(who, actor[: len(joined)])
    none = np.zeros(0, np.int64)
    assert [len(part) for part in _met(none, none, 60, 0.3, sample)] == [0, 0]


@pytest.mark.parametrize(("mine", "others", "wanted"), [
    ({5: 50, 4: 50, 3: 50, 2: 50, 1: 50}, {}, 0.1),  # nobody else comes near
    ({5: 50, 4: 50, 3: 50, 2: 50, 1: 50}, {2: 2000}, 0.3),  # below .3 it is everybody's
    ({5: 50, 4: 1, 3: 50}, {4: 200}, 0.5),  # a level that is not the group's ends it
    ({9: 3}, {9: 3}, 0.5)])
def test_prompts_are_attributed_down_to_what_others_have_too(examiner: Examiner, mine: dict[int, int], others: dict[int, int], wanted: float) -> None:
    """A tenth of all prompts are the group's: n of others' stand for n / 9 of its own by chance."""
    inside = np.array([level / 10 + 0.05 for part in (mine, others) for level, n in part.items() for _ in range(n)])
    own = np.arange(len(inside)) < sum(mine.values())
    n_own = len(examiner.actor) // 10
    least, chance = examiner.reach(inside, own, n_own)
    assert least == pytest.approx(wanted)
    beyond = sum(n for level, n in others.items() if level / 10 >= wanted)
    assert chance == pytest.approx(beyond / (len(examiner.actor) - n_own))


def test_an_account_with_a_trace_of_its_own_is_let_go(examiner: Examiner, groups: list[Group]) -> None:
    found = reported(groups)[0]
    assert found.exchange is not None
    deviate = np.zeros(len(found.exchange.account))
    deviate[3] = PERSONAL + 0.1
    seen = dataclasses.replace(found.exchange, deviate=deviate)
    left = examiner._without_people(found, seen)
    gone = found.exchange.account[3]
    assert set(found.members) - set(left.members) == {gone} and not left.reason and gone not in examiner.actor[left.attributed]
    assert len(left.attributed) == len(left.inside) < len(found.attributed)
    everybody = examiner._without_people(found, dataclasses.replace(seen, deviate=deviate + 10))
    assert everybody.reason and not len(everybody.members)


SETS = st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=40), max_size=12)


@given(SETS, st.sets(st.integers(0, 40), min_size=1))
def test_a_set_is_tried_when_one_is_nearly_the_same(sets: list[set[int]], wanted: set[int]) -> None:
    tried, arrays = _Tried(), [np.array(sorted(s), np.int64) for s in sets]
    for one in arrays:
        tried.add(one)
    target = np.array(sorted(wanted), np.int64)
    assert (target in tried) == any(_same(target, one) for one in arrays)
    assert all(one in tried for one in arrays)
    grown = np.union1d(target, np.arange(100, 100 + len(target) // 10))
    tried.add(target)
    assert (grown in tried) or len(target) < 0.9 * len(grown)


@given(SETS, SETS)
def test_parts_of_mixed_candidates_are_those_that_lie_in_them(mixed: list[set[int]], unowned: list[set[int]]) -> None:
    looking = _Search.__new__(_Search)
    looking.examiner = dataclasses.make_dataclass("D", ["evidence"])(dataclasses.make_dataclass("E", ["n_actors"])(41))
    looking._mixed, looking._unowned = ([np.array(sorted(s), np.int64) for s in sets] for sets in (mixed, unowned))
    wanted = [[j for j, part in enumerate(unowned)
               if max(WITHIN * len(part), len(whole) / SOURCES) <= len(part & whole) <= WITHIN * len(whole)] for whole in mixed]
    assert looking._parts_of_mixed() == wanted


def test_many_prompts_vote_with_fewer_neighbours() -> None:
    config = DetectConfig()
    assert config.voters(0) == config.voters(300_000) == config.neighbours
    assert config.neighbours > config.voters(1_000_000) > config.voters(100_000_000) == 6
    assert DetectConfig(neighbours=5).voters(100_000_000) == 5
