"""Release archives: good ones are installed, doubtful ones never, missing ones are built."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from toolchain_doubles import FakeBuild, Recorder
from vendor_site import VendorSite, body, cut_short, program, zipped

from bob.errors import Permanent, UsageError
from bob.toolchain import Toolchain, Unavailable, ensure
from bob.toolchain.model import Run
from bob.toolchain.resolve import find_all, wanted_tools
from bob.toolchain.sources.cached import Cached
from bob.toolchain.sources.release import Release

CONSUL = "1.22.3"


def fetch(site: VendorSite, run: Run, build: FakeBuild, pin: str | None = None) -> Toolchain:
    wanted = wanted_tools(["consul"], None, {"consul": pin} if pin else None)
    return find_all(wanted, [Cached()], [Release(site.address), build], run)


def nothing_installed(home: Path) -> bool:
    return [file.name for file in (home / "consul").rglob("*") if file.is_file()] == ["lock"]


def test_all_three_are_installed_and_cached(
    home: Path, site: VendorSite, recorder: Recorder
) -> None:
    for name in ("consul", "nomad", "consul-template"):
        site.publish(name)

    tools = ensure(mirror=site.address, progress=recorder)
    requests = len(site.requests)
    again = ensure(mirror=site.address)

    assert tools.consul.path.read_bytes() == program("consul", CONSUL)
    assert tools.consul.sha256 == hashlib.sha256(program("consul", CONSUL)).hexdigest()
    assert {tool.source for tool in tools} == {"release"}
    assert tools.consul_template.version == "0.42.1"
    assert tools.nomad.path.stat().st_mode & 0o777 == 0o755
    assert again == tools
    assert len(site.requests) == requests == 6
    assert len(recorder.ready) == 3


def test_download_progress_counts_bytes(
    home: Path, site: VendorSite, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    site.publish("consul")
    fetch(site, run, fake_build)
    done, total, unit = recorder.amounts[-1]
    assert (done, unit) == (total, "bytes")


def test_wrong_sum_is_an_error_naming_both_sums(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild
) -> None:
    published = site.publish("consul")
    forged = zipped("consul", program("consul", CONSUL) + b"# forged\n")
    site.serve_archive("consul", CONSUL, body(forged))

    with pytest.raises(Permanent) as caught:
        fetch(site, run, fake_build)

    assert published in caught.value.message
    assert hashlib.sha256(forged).hexdigest() in caught.value.message
    assert fake_build.built == []
    assert nothing_installed(home)


def test_wrong_pin_is_an_error_before_the_download(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild
) -> None:
    published = site.publish("consul")
    pin = "a" * 64

    with pytest.raises(Permanent) as caught:
        fetch(site, run, fake_build, pin)

    assert published in caught.value.message
    assert pin in caught.value.message
    assert fake_build.built == []
    assert site.requests == ["consul_1.22.3_SHA256SUMS"]
    assert nothing_installed(home)


def test_right_pin_is_accepted_and_a_new_pin_distrusts_the_cache(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild
) -> None:
    pin = site.publish("consul")
    tool = fetch(site, run, fake_build, pin.upper()).consul
    assert tool.source == "release"

    with pytest.raises(Permanent, match=r"pinned sum b{64}"):
        fetch(site, run, fake_build, "b" * 64)


def test_sums_without_our_archive_are_an_error(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild
) -> None:
    site.publish("consul")
    site.serve_sums("consul", CONSUL, "not-a-sum  " + site.archive_name("consul", CONSUL))

    with pytest.raises(Permanent, match="cannot be verified"):
        fetch(site, run, fake_build)
    assert fake_build.built == []


def test_broken_download_is_tried_again(
    home: Path, site: VendorSite, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    site.publish("consul")
    archive = zipped("consul", program("consul", CONSUL))
    site.serve_archive("consul", CONSUL, cut_short(archive), body(archive))

    tool = fetch(site, run, fake_build).consul

    assert tool.source == "release"
    assert site.requests.count(site.archive_name("consul", CONSUL)) == 2
    assert any("broke off (attempt 1 of 3)" in stage for stage in recorder.stages)


def test_download_that_always_breaks_leads_to_the_build(
    home: Path, site: VendorSite, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    site.publish("consul")
    archive = zipped("consul", program("consul", CONSUL))
    site.serve_archive("consul", CONSUL, cut_short(archive))

    assert fetch(site, run, fake_build).consul.source == "build"
    assert site.requests.count(site.archive_name("consul", CONSUL)) == 3
    assert any("broke off 3 times" in stage for stage in recorder.stages)


def test_missing_archive_leads_to_the_build(
    home: Path, site: VendorSite, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    tool = fetch(site, run, fake_build).consul

    assert tool.source == "build"
    assert fake_build.built == ["consul"]
    assert any("answers 404" in stage for stage in recorder.stages)


def test_unreachable_site_leads_to_the_build(
    home: Path, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    closed = VendorSite()
    closed.close()

    assert fetch(closed, run, fake_build).consul.source == "build"
    assert any("cannot be reached" in stage for stage in recorder.stages)


def test_no_source_at_all_names_every_reason_and_cure(
    home: Path, site: VendorSite, run: Run
) -> None:
    build = FakeBuild(Unavailable("no compiler", cure="Install one."))

    with pytest.raises(Permanent, match=r"answers 404.*; no compiler") as caught:
        fetch(site, run, build)
    assert caught.value.cure == "Install one."


def test_archive_with_another_version_is_refused(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild
) -> None:
    site.publish("consul", CONSUL, program("consul", "1.22.2"))

    with pytest.raises(Permanent, match=r"consul 1\.22\.3 holds version 1\.22\.2"):
        fetch(site, run, fake_build)
    assert nothing_installed(home)


@pytest.mark.parametrize("archive", [b"this is no zip", zipped("other", b"x")])
def test_archive_without_the_program_is_refused(
    home: Path, site: VendorSite, run: Run, fake_build: FakeBuild, archive: bytes
) -> None:
    digest = hashlib.sha256(archive).hexdigest()
    site.serve_archive("consul", CONSUL, body(archive))
    site.serve_sums("consul", CONSUL, f"{digest}  {site.archive_name('consul', CONSUL)}\n")

    with pytest.raises(Permanent, match="holds no usable consul"):
        fetch(site, run, fake_build)
    assert nothing_installed(home)


def test_another_version_is_fetched_when_asked_for(home: Path, site: VendorSite) -> None:
    site.publish("nomad", "1.10.5")
    tools = ensure(["nomad"], versions={"nomad": "1.10.5"}, mirror=site.address)
    assert tools.nomad.version == "1.10.5"


def test_password_of_a_mirror_is_not_shown(
    home: Path, site: VendorSite, run: Run, recorder: Recorder, fake_build: FakeBuild
) -> None:
    address = site.address.replace("http://", "http://me:hunter2@")
    wanted = wanted_tools(["consul"], None, None)
    find_all(wanted, [], [Release(address), fake_build], run)
    assert "hunter2" not in "".join(recorder.stages)


@pytest.mark.parametrize("mirror", ["mirror.example", "ftp://mirror.example", "http://"])
def test_mirror_must_be_an_address(home: Path, mirror: str) -> None:
    with pytest.raises(UsageError, match="not an http"):
        ensure(["consul"], mirror=mirror)
