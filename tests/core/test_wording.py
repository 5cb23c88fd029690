"""How reports say numbers: 余, 近, 约, and the number as it is."""
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reports.wording import ABOUT, NEAR, ODD, in_words

SAID = {
    507: "500余", 55_012: "5.5万余", 9_870: "近万", 500: "500", 663: "660余", 4_318: "4300余", 1_549: "1500余",
    23: "20余", 12: "10余", 10: "10", 9: "9", 0: "0", 99: "近百", 95: "近百", 94: "90余", 100: "100", 105: "100余",
    194: "近200", 189: "180余", 989: "近千", 9_499: "9400余", 9_500: "9500", 9_501: "近万", 9_999: "近万",
    10_000: "1万", 10_023: "1万余", 19_700: "近2万", 20_000: "2万", 55_000: "5.5万", 123_456: "12万余",
    1_234_567: "120万余", 99_999_999: "近亿", 123_456_789: "1.2亿余", 500_000_000: "5亿",
}


@pytest.mark.parametrize("number", SAID)
def test_a_number_is_said_as_reports_say_it(number):
    assert in_words(number) == SAID[number]


@pytest.mark.parametrize(("number", "said"), [
    (55_012, "约5.5万"), (507, "约510"), (200, "约200"), (9_870, "约9900"), (9_960, "约1万"), (7, "约7"), (0, "约0"),
])
def test_only_an_estimate_is_about_something(number, said):
    assert in_words(number, estimate=True) == said


def test_fen_make_a_round_amount_odd():
    assert in_words(Decimal("500.50")) == "500余" and in_words(Decimal("500.00")) == "500"
    assert in_words(Decimal("3.50")) == "3.5"


def value_of(said: str) -> Decimal:
    """What a wording says, as a number."""
    said = said.strip(NEAR + ODD + ABOUT)
    for name, size in (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100)):
        if said.endswith(name):
            return Decimal(said.removesuffix(name) or 1) * size
    return Decimal(said)


@given(st.integers(0, 10**12))
def test_what_is_said_is_true(number):
    said = in_words(number)
    if said.startswith(NEAR):
        assert Decimal("0.95") * value_of(said) <= number < value_of(said)
    elif said.endswith(ODD):
        assert Decimal("0.5") * number < value_of(said) < number
    else:
        assert value_of(said) == number
    assert ABOUT not in said
