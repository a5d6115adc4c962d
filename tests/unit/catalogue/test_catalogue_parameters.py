"""Values of parameters, and how many instances a rule gives."""

from __future__ import annotations

from typing import Any

import pytest

from bob.catalogue import CountRule, Parameter, as_text, instances


def parameter(**fields: Any) -> Parameter:
    return Parameter.model_validate({"default": None, **fields})


SIZE = parameter(type="integer", default=64, minimum=16, maximum=512, unit="MiB")
RATE = parameter(type="number", default=0.5, minimum=0, maximum=1)
MODE = parameter(type="text", default="fast", choices=["fast", "safe"])
NAME = parameter(type="text", default="a", pattern="[a-z]+")
LOUD = parameter(type="boolean", default=False)
SECRET = parameter(type="text", secret=True, pattern="[a-z]{3}")


@pytest.mark.parametrize(
    ("known", "text", "value", "stored"),
    [
        (SIZE, "128", 128, "128"),
        (SIZE, " 16 ", 16, "16"),
        (RATE, "1", 1.0, "1.0"),
        (MODE, "safe", "safe", "safe"),
        (NAME, "abc", "abc", "abc"),
        (LOUD, "True", True, "true"),
        (LOUD, "false", False, "false"),
        (SECRET, "abc", "abc", "abc"),
    ],
)
def test_a_text_becomes_a_value_of_the_type(
    known: Parameter, text: str, value: object, stored: str
) -> None:
    assert known.parse(text) == value
    assert as_text(known.parse(text)) == stored


@pytest.mark.parametrize(
    ("known", "text", "words"),
    [
        (SIZE, "many", "'many' is not of the type integer"),
        (SIZE, "1.5", "not of the type integer"),
        (SIZE, "15", "15 is below the minimum 16 MiB"),
        (SIZE, "513", "513 is above the maximum 512 MiB"),
        (RATE, "nan", "not a number"),
        (RATE, "inf", "above the maximum 1"),
        (MODE, "slow", "'slow' is not one of fast, safe"),
        (NAME, "A", "'A' does not match"),
        (NAME, "abc\n", "does not match"),
        (NAME, "a" * 5000, "may have 4096 characters, this one has 5000"),
        (MODE, "\0", "no configuration file can take"),
        (LOUD, "yes", "'yes' is not of the type boolean"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_the_law(
    known: Parameter, text: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        known.parse(text)


def test_what_is_wrong_with_a_secret_is_told_without_the_secret() -> None:
    with pytest.raises(ValueError, match="does not match") as caught:
        SECRET.parse("Geheim")
    assert "Geheim" not in str(caught.value)


@pytest.mark.parametrize(("nodes", "count"), [(0, 1), (1, 1), (2, 1), (3, 2), (9, 2), (10, 3)])
def test_the_number_of_instances_follows_the_size_of_the_cluster(nodes: int, count: int) -> None:
    rule = CountRule.model_validate({"by_size": {10: 3, 1: 1, 3: 2}})
    assert instances(rule, nodes) == count
    assert str(rule) == "1 from 1 nodes on, 2 from 3 nodes on, 3 from 10 nodes on"


def test_one_on_each_node_and_a_fixed_number() -> None:
    rule = CountRule.model_validate({"per_node": 1})
    assert (instances(rule, 5), str(rule)) == (5, "one on each node")
    assert instances(2, 5) == 2
