"""How many answers a claim takes, held against probabilities that are worked out in another way."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.facts.sampling import Claim, Plan

PERCENT = st.integers(1, 99)


def accepted(claim, share, end, verdict):
    """The chance that ``verdict`` accepts a host of which ``share`` of all answers are slower: answer by answer, from
    the chances of how many were slower so far; by ``end`` it must have come to an end."""
    states, chance = {0: Fraction(1)}, Fraction(0)
    for samples in range(1, end + 1):
        reached = {}
        for slower, weight in states.items():
            for more, part in ((0, 1 - share), (1, share)):
                reached[slower + more] = reached.get(slower + more, 0) + weight * part
        states = {}
        for slower, weight in reached.items():
            match verdict(samples, slower):
                case True:
                    chance += weight
                case None:
                    states[slower] = weight
    assert not states
    return chance


def just_false(claim):
    return Fraction(100 - claim.percentile, 100)


def risk(claim):
    return Fraction(100 - claim.confidence, 100)


@given(PERCENT, PERCENT, st.integers(1, 60), st.integers(0, 6))
def test_a_claim_is_made_when_chance_alone_would_seldom_let_a_false_one_pass(percentile, confidence, samples, slower):
    claim = Claim(percentile, confidence)
    slower = min(slower, samples)

    def verdict(seen, slow):
        return None if seen < samples else slow <= slower

    assert claim.supports(samples, slower) == (accepted(claim, just_false(claim), samples, verdict) <= risk(claim))


@given(st.integers(1, 97), st.integers(1, 97), st.integers(0, 3))
def test_the_fewest_answers_will_do_and_one_fewer_will_not(percentile, confidence, slower):
    claim = Claim(percentile, confidence)
    fewest = claim.samples(slower)
    assert claim.may_be_slower(fewest) == slower
    assert claim.may_be_slower(fewest - 1) == (slower - 1 if slower else None)


@pytest.mark.parametrize(
    ("samples", "slower"), [(1, None), (58, None), (59, 0), (92, 0), (93, 1), (100, 1), (123, 1), (124, 2)]
)
def test_95_percent_with_95_percent_confidence(samples, slower):
    assert Claim(95, 95).may_be_slower(samples) == slower


def test_100_answers_say_nothing_of_the_slowest_in_100():
    assert Claim(99, 95).may_be_slower(100) is None
    assert (Claim(99, 95).may_be_slower(298), Claim(99, 95).may_be_slower(299)) == (None, 0)


PLANS = [Claim(), Claim(90, 95), Claim(80, 90), Claim(50, 99), Claim(99, 80)]


@pytest.mark.parametrize("claim", PLANS, ids=str)
def test_a_plan_makes_a_false_claim_as_seldom_as_it_says_however_often_it_looks(claim):
    end = claim.plan.stages[-1][0]
    chance = accepted(claim, just_false(claim), end, claim.plan.verdict)
    assert risk(claim) * Fraction(9, 10) < chance <= risk(claim)
    # One fewer in either stage, and it would say too much or break with how the risk is divided.
    (first, none), (second, one) = claim.plan.stages
    assert accepted(claim, just_false(claim), end, Plan(((first, none), (second - 1, one))).verdict) > risk(claim)


@pytest.mark.parametrize("share", ["0.06", "0.1", "0.5", "1"])
def test_a_host_that_is_slower_than_claimed_passes_more_seldom_still(share):
    assert accepted(Claim(), Fraction(share), 122, Claim().plan.verdict) < Fraction("0.032")


def test_to_look_twice_at_the_sizes_of_plans_that_look_once_says_too_much():
    careless = Plan(((59, 0), (93, 1)))
    assert accepted(Claim(), Fraction(5, 100), 93, careless.verdict) > Fraction(7, 100)


def test_the_plan_in_use():
    plan = Claim().plan
    assert plan == Plan(((61, 0), (122, 1)))
    assert str(plan) == "none of 61 slower, or 1 of 122 slower"
    verdicts = {
        (60, 0): None,
        (61, 0): True,
        (61, 1): None,
        (62, 1): None,
        (122, 1): True,
        (2, 2): False,
        (122, 2): False,
    }
    assert {seen: plan.verdict(*seen) for seen in verdicts} == verdicts
