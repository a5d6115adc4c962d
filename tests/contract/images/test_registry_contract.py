"""Images sent to a real registry and taken out of it again, byte by byte."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from loopback_agents import free_ports, running

from bob.catalogue import Service
from bob.errors import Permanent, Temporary, UsageError
from bob.images import archive, pushing, store
from bob.images.manifest import MANIFEST_TYPE
from bob.images.recipes import Recipes
from bob.images.registry import Registry
from bob.images.store import Layer
from bob.ops.deploy.references import references
from bob.sandbox import registry as sandbox_registry
from bob.waiting import wait_for

RECIPES = {
    "base": "title: Debian\ndebian: bookworm\npackages: [python3]\n",
    "web": "title: Web\nbase: base\npackages: [web-server]\nalso: [web-too]\n",
    "shop": "title: Shop\nbase: base\npackages: [shop]\n",
}


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def program() -> Path:
    return sandbox_registry.ensure(quiet)


@pytest.fixture
def address(program: Path, tmp_path: Path) -> Iterator[str]:
    """A registry without images."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    config = tmp_path / "config.yml"
    config.write_text(sandbox_registry.configuration(address, tmp_path / "data", "secret"))
    with running([str(program), "serve", str(config)], tmp_path / "log"):
        wait_for(lambda: sandbox_registry.answers(address), what="the registry", deadline=60)
        yield address


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipes:
    """Three images with layers of a few bytes, as if they had been built."""
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "recipes"
    folder.mkdir()
    for name, text in RECIPES.items():
        (folder / f"{name}.yaml").write_text(text)
    recipes = Recipes(folder)
    put_layer(recipes, "base", "base files")
    put_layer(recipes, "web", "a web server")
    put_layer(recipes, "shop", "a shop")
    return recipes


def put_layer(recipes: Recipes, name: str, text: str) -> Layer:
    """A layer with one file, in the cache."""
    chain = recipes.chain(name)
    below = store.needed(chain[:-1])[-1] if chain[:-1] else None
    folder = store.folder_of(chain[-1], below)
    (folder / "diff").mkdir(parents=True)
    (folder / "diff" / name).write_text(text)
    packed = archive.pack(folder / "diff", folder / "layer.tar.gz")
    store.save(folder, packed, dict.fromkeys(chain[-1].packages, "1.0"))
    return store.needed(chain)[-1]


def test_an_image_can_be_taken_out_by_its_digest(address: str, recipes: Recipes) -> None:
    (pushed,) = pushing.push(recipes, ["web"], Registry(address), quiet)
    assert pushed.references == (f"{address}/bob/web:bookworm", f"{address}/bob/web-too:bookworm")
    assert pushed.pinned == f"{address}/bob/web@{pushed.image.digest}"
    for name in ("web", "web-too"):
        place = f"http://{address}/v2/bob/{name}"
        answer = requests.get(
            f"{place}/manifests/{pushed.image.digest}",
            headers={"Accept": MANIFEST_TYPE},
            timeout=10,
        )
        assert answer.content == pushed.image.manifest
        manifest = json.loads(answer.content)
        contents = [
            requests.get(f"{place}/blobs/{part['digest']}", timeout=10).content
            for part in (manifest["config"], *manifest["layers"])
        ]
        layers = [layer.archive.read_bytes() for layer in pushed.image.layers]
        assert contents == [pushed.image.config, *layers]


def test_only_what_the_registry_lacks_is_sent(address: str, recipes: Recipes) -> None:
    registry = Registry(address)
    (base,) = pushing.push(recipes, ["base"], registry, quiet)
    (web,) = pushing.push(recipes, ["web"], registry, quiet)
    assert base.sent == base.image.layers[0].packed.size
    assert web.sent == web.image.layers[1].packed.size
    assert [each.sent for each in pushing.push(recipes, [], registry, quiet)] == [
        0, recipes_size(recipes, "shop"), 0,
    ]  # fmt: skip


def test_a_layer_is_sent_once_whichever_image_comes_first(address: str, recipes: Recipes) -> None:
    shop, web = pushing.push(recipes, ["shop", "web"], Registry(address), quiet)
    assert shop.sent == sum(layer.packed.size for layer in shop.image.layers)
    assert web.sent == web.image.layers[1].packed.size


def recipes_size(recipes: Recipes, name: str) -> int:
    return store.needed(recipes.chain(name))[-1].packed.size


def test_what_is_there_is_listed(address: str, recipes: Recipes) -> None:
    registry = Registry(address)
    assert registry.repositories() == []
    assert registry.digest("bob/web", "bookworm") is None
    assert registry.tags("bob/web") == []
    pushed = pushing.push(recipes, [], registry, quiet)
    assert registry.repositories() == ["bob/base", "bob/shop", "bob/web", "bob/web-too"]
    assert registry.tags("bob/web") == ["bookworm"]
    digests = {each.image.name: each.image.digest for each in pushed}
    assert registry.digest("bob/web", "bookworm") == digests["web"]
    assert registry.digest("bob/web-too", "bookworm") == digests["web"]


def test_a_service_gets_the_image_by_digest_and_a_missing_one_is_told(
    address: str, recipes: Recipes
) -> None:
    web, lost = service("web"), service("lost")
    registry = Registry(address)
    with pytest.raises(
        UsageError, match=r"has no image for front-web \(web\), front-lost \(lost\)"
    ):
        references((web, lost), {}, {}, registry)
    (pushed,) = pushing.push(recipes, ["web"], registry, quiet)
    assert references((web,), {}, {}, registry) == {"front-web": pushed.pinned}
    with pytest.raises(UsageError, match=r"has no image for front-lost \(lost\)") as caught:
        references((web, lost), {}, {}, registry)
    assert "bob images push" in caught.value.cure


def service(image: str) -> Service:
    """One whose hosts pull this image."""
    fields = {"title": image, "driver": "docker", "count": 1, "pull": image}
    return Service.model_validate({"name": f"front-{image}", **fields})


def test_long_lists_come_in_pages(
    address: str, recipes: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bob.images.registry.PAGE", 1)
    pushing.push(recipes, [], Registry(address), quiet)
    assert len(Registry(address).repositories()) == 4


def test_a_new_build_moves_the_tag_and_the_old_image_stays(address: str, recipes: Recipes) -> None:
    registry = Registry(address)
    (old,) = pushing.push(recipes, ["web"], registry, quiet)
    chain = recipes.chain("web")
    folder = store.needed(chain)[-1].folder
    folder.rename(folder.with_name("older"))
    put_layer(recipes, "web", "a better web server")
    (new,) = pushing.push(recipes, ["web"], registry, quiet)
    assert registry.digest("bob/web", "bookworm") == new.image.digest != old.image.digest
    assert registry.digest("bob/web", old.image.digest) == old.image.digest


def test_a_damaged_layer_is_refused_and_no_image_appears(address: str, recipes: Recipes) -> None:
    layer = store.needed(recipes.chain("web"))[-1]
    content = bytearray(layer.archive.read_bytes())
    content[-1] ^= 1
    layer.archive.write_bytes(content)
    with pytest.raises(Permanent, match="DIGEST_INVALID") as caught:
        pushing.push(recipes, ["web"], Registry(address), quiet)
    assert "--fresh" in caught.value.cure
    assert Registry(address).digest("bob/web", "bookworm") is None


def test_nothing_is_sent_when_one_image_is_not_built(address: str, recipes: Recipes) -> None:
    folder = store.needed(recipes.chain("web"))[-1].folder
    (folder / "layer.json").unlink()
    with pytest.raises(UsageError) as caught:
        pushing.push(recipes, ["base", "web"], Registry(address), quiet)
    assert caught.value.cure == "bob images build web"
    assert Registry(address).repositories() == []


def test_a_registry_that_does_not_answer_is_told(recipes: Recipes) -> None:
    (port,) = free_ports(1)
    with pytest.raises(Temporary, match=f"127.0.0.1:{port} does not answer"):
        pushing.push(recipes, ["base"], Registry(f"127.0.0.1:{port}"), quiet)


class SomethingElse(http.server.BaseHTTPRequestHandler):
    """A web server that is no registry, or one that wants a login: its `status` says which."""

    status = 404

    def answer(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_POST = do_GET = do_PUT = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "kind", "cure"),
    [
        (404, Permanent, "is that of a registry"),
        (401, Permanent, "asks for a login"),
        (503, Temporary, "disk may be full"),
    ],
)
def test_what_is_no_registry_of_ours_is_told(
    recipes: Recipes, status: int, kind: type[Permanent | Temporary], cure: str
) -> None:
    handler = type("Handler", (SomethingElse,), {"status": status})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(kind, match=f" {status} ") as caught:
                address = f"127.0.0.1:{server.server_port}"
                pushing.push(recipes, ["base"], Registry(address), quiet)
        finally:
            server.shutdown()
    assert cure in caught.value.cure


def test_a_registry_that_says_another_digest_is_not_trusted(address: str, recipes: Recipes) -> None:
    image = pushing.image(recipes, "base")
    pushing.push(recipes, ["base"], Registry(address), quiet)
    other = f"sha256:{hashlib.sha256(b'other').hexdigest()}"
    with pytest.raises(Permanent, match=f"{image.digest} there, {other} here"):
        Registry(address).put_manifest("bob/base", "bookworm", image.manifest, other)
