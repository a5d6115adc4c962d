"""Recipes of images: what is built on what, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.errors import Permanent, UsageError
from bob.images.recipes import Recipes

BASE = "title: Debian\ndebian: bookworm\npackages: [python3]\n"


def recipes(root: Path, **files: str) -> Recipes:
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    return Recipes(root)


def test_every_image_of_the_product_begins_with_the_same_debian() -> None:
    ours = Recipes()
    assert {"base", "keystone", "lb", "mariadb", "osclient", "rabbitmq"} <= {*ours.names()}
    assert {ours.chain(name)[0].name for name in ours.names()} == {"base"}


def test_no_two_images_of_the_product_have_one_name_or_give_one_user_two_ids() -> None:
    ours = [Recipes().recipe(name) for name in Recipes().names()]
    names = [name for recipe in ours for name in (recipe.name, *recipe.also)]
    assert len(names) == len({*names})
    users = {(user, number) for recipe in ours for user, number in recipe.users.items()}
    assert len(users) == len({user for user, _ in users}) == len({number for _, number in users})


def test_the_user_of_an_image_of_the_product_is_one_that_it_makes() -> None:
    for name in Recipes().names():
        recipe = Recipes().recipe(name)
        assert recipe.user in {"root", *recipe.users}


def test_a_chain_begins_with_debian(tmp_path: Path) -> None:
    found = recipes(
        tmp_path,
        base=BASE,
        middle="title: M\nbase: base\npackages: [a1]\n",
        top="title: T\nbase: middle\npackages: [a2]\n",
    )
    assert [recipe.name for recipe in found.chain("top")] == ["base", "middle", "top"]
    assert [recipe.name for recipe in found.in_order(["top", "middle"])] == [
        "base", "middle", "top",
    ]  # fmt: skip


def test_all_images_are_meant_when_none_is_named(tmp_path: Path) -> None:
    found = recipes(tmp_path, zero=BASE, app="title: A\nbase: zero\npackages: [a1]\n")
    assert [recipe.name for recipe in found.in_order([])] == ["zero", "app"]


def test_an_unknown_image_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        recipes(tmp_path, base=BASE).recipe("bas")
    assert caught.value.cure == "There are: base."


def test_a_base_that_is_no_image_is_told(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="has the base 'nothing', which is none"):
        recipes(tmp_path, app="title: A\nbase: nothing\npackages: [a1]\n").chain("app")


def test_images_that_are_built_on_each_other_are_told(tmp_path: Path) -> None:
    ring = {
        "one": "title: A\nbase: two\npackages: [a1]\n",
        "two": "title: B\nbase: one\npackages: [a1]\n",
    }
    with pytest.raises(Permanent, match="built on each other"):
        recipes(tmp_path, **ring).chain("one")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BASE + "package: [x1]\n", "base.yaml:4: package: unknown key"),
        (BASE + "base: other\n", "exactly one of `debian` and `base`"),
        ("title: Debian\npackages: [python3]\n", "exactly one of `debian` and `base`"),
        ("title: A\nbase: base\npackages: [a1]\n", "its own base"),
        ("title: A\nbase: other\npackages: [a1]\nfiles: {etc/a: text}\n", "`files` is for"),
        (BASE.replace("[python3]", "[]"), "base.yaml:3"),
        (BASE.replace("python3", "Python 3"), "base.yaml:3"),
        (BASE + "remove:\n  - ../etc/passwd\n", "base.yaml:5"),
        (BASE + "remove: [etc/../../x]\n", "base.yaml:4"),
        (BASE + "remove: [/etc/passwd]\n", "base.yaml:4"),
        (BASE + "remove: ['*']\n", "base.yaml:4"),
        (BASE + "remove: ['etc/$(id)']\n", "base.yaml:4"),
        (BASE + "remove: ['etc/a b']\n", "base.yaml:4"),
        (BASE + "users: {mysql: 0}\n", "base.yaml:4"),
        (BASE + "users: {mysql: '27'}\n", "base.yaml:4"),
        (BASE + "user: a b\n", "base.yaml:4"),
        (BASE + "also: [Upper]\n", "base.yaml:4"),
        ("- a list\n", "must hold keys with values"),
        ("title: [\n", "base.yaml:"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Permanent) as caught:
        recipes(tmp_path, base=text).recipe("base")
    assert said in caught.value.message


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        recipes(tmp_path, base=BASE + "user: a b\nalso: [Upper]\n").recipe("base")
    assert ":4:" in caught.value.message
    assert ":5:" in caught.value.message
