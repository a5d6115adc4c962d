"""Addresses of registries, as an operator may write them."""

from __future__ import annotations

import pytest

from bob.errors import UsageError
from bob.images.registry import Registry


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.101.0.254:5000", "10.101.0.254:5000"),
        ("registry.example.org", "registry.example.org"),
        ("https://registry.example.org:5001", "registry.example.org:5001"),
        ("http://10.101.0.254:5000/", "10.101.0.254:5000"),
    ],
)
def test_image_names_begin_with_host_and_port(address: str, name: str) -> None:
    assert Registry(address).name == name


@pytest.mark.parametrize("address", ["", "ftp://host:5000", "host:5000/bob/web", "https:///x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        Registry(address)
    assert "host:port" in caught.value.cure
