"""Keys of layers, and the two documents of an image: what changes them, and what must not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bob.errors import UsageError
from bob.images import store
from bob.images.archive import Packed
from bob.images.manifest import digest_of, image_of
from bob.images.model import Recipe
from bob.images.store import Layer

BASE = Recipe(name="base", title="Debian", debian="bookworm", packages=("python3",))
APP = Recipe(
    name="app", title="An application", base="base", packages=("app-server", "extra"),
    users={"app": 42500}, user="app",
)  # fmt: skip


def layer(recipe: Recipe, digit: str, **versions: str) -> Layer:
    packed = Packed(f"sha256:{digit * 64}", f"sha256:{digit * 63}f", 1000, 3000)
    named = {name.replace("_", "-"): version for name, version in versions.items()}
    return Layer(recipe.name, Path("/nowhere"), packed, named)


LAYERS = (
    layer(BASE, "1", python3="3.11.2"),
    layer(APP, "2", app_server="2:1.5-1", extra="0.1"),
)


def test_the_configuration_carries_the_contract_and_the_versions() -> None:
    config = json.loads(image_of(APP, LAYERS, "amd64").config)
    assert config["config"]["Entrypoint"] == ["/usr/bin/dumb-init", "--single-child", "--"]
    assert config["config"]["Cmd"] == ["kolla_start"]
    assert config["config"]["User"] == "app"
    assert config["config"]["Labels"] == {
        "org.opencontainers.image.title": "An application",
        "org.opencontainers.image.version": "2:1.5-1",
        "bob.package.app-server": "2:1.5-1",
        "bob.package.extra": "0.1",
        "bob.package.python3": "3.11.2",
    }
    assert config["rootfs"]["diff_ids"] == [each.packed.diff_id for each in LAYERS]
    assert len(config["history"]) == len(LAYERS)


def test_the_strategy_is_left_to_the_job_as_with_images_of_kolla() -> None:
    config = json.loads(image_of(APP, LAYERS, "amd64").config)
    assert not [each for each in config["config"]["Env"] if "KOLLA_CONFIG_STRATEGY" in each]


def test_root_is_not_named() -> None:
    assert json.loads(image_of(BASE, LAYERS[:1], "amd64").config)["config"]["User"] == ""


def test_the_manifest_names_configuration_and_layers_by_digest_and_size() -> None:
    image = image_of(APP, LAYERS, "amd64")
    manifest = json.loads(image.manifest)
    assert manifest["config"]["digest"] == digest_of(image.config)
    assert manifest["config"]["size"] == len(image.config)
    assert [each["digest"] for each in manifest["layers"]] == [
        each.packed.digest for each in LAYERS
    ]
    assert image.digest == digest_of(image.manifest)
    assert image.size == 2000


def test_equal_parts_give_an_equal_image_and_another_layer_another_one() -> None:
    first = image_of(APP, LAYERS, "amd64")
    assert image_of(APP, LAYERS, "amd64") == first
    other = (LAYERS[0], layer(APP, "3", app_server="2:1.5-1", extra="0.1"))
    assert image_of(APP, other, "amd64").digest != first.digest


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"title": "Other words"}, True),
        ({"also": ("more",)}, True),
        ({"user": "root"}, True),  # part of the configuration, not of the layer
        ({"packages": ("app-server",)}, False),
        ({"remove": ("var/lib/app",)}, False),
        ({"users": {"app": 42501}}, False),
    ],
)
def test_a_layer_is_built_again_when_its_content_would_change(
    change: dict[str, object], same: bool
) -> None:
    before = store.folder_of(APP, LAYERS[0])
    assert (store.folder_of(APP.model_copy(update=change), LAYERS[0]) == before) == same


def test_a_layer_belongs_to_the_content_below_it() -> None:
    other = layer(BASE, "9", python3="3.11.2")
    assert store.folder_of(APP, LAYERS[0]) != store.folder_of(APP, other)


def test_a_built_layer_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOB_CACHE", str(tmp_path))
    assert store.built([BASE]) is None
    with pytest.raises(UsageError) as caught:
        store.needed([BASE])
    assert caught.value.cure == "bob images build base"
    folder = store.folder_of(BASE, None)
    folder.mkdir(parents=True)
    store.save(folder, LAYERS[0].packed, LAYERS[0].versions)
    (found,) = store.needed([BASE])
    assert (found.packed, found.versions) == (LAYERS[0].packed, LAYERS[0].versions)
    assert found.archive == folder / "layer.tar.gz"
