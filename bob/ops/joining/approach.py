"""The operator's part in adding nodes: look at the bare hosts, and let the robot's key in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bob import logs
from bob.catalogue import Catalogue, build_image
from bob.clients.fleet import Fleet
from bob.clients.ssh import Host
from bob.errors import BobError, UsageError
from bob.ops.deploy import hosts
from bob.ops.init.context import CLUSTER_ID_FILE
from bob.ops.joining import fitness, login
from bob.ops.joining.enlist import peers_of
from bob.ops.joining.wanted import Reach, Wanted
from bob.ops.view import JOINING, ClusterView
from bob.provision import agents, host_report, private_files
from bob.provision.secrets import Secrets
from inventory import Cluster, Node


@dataclass(frozen=True)
class Seen:
    """What was found on one host."""

    report: host_report.HostReport
    host_key: str


def claim_of(folder: Path, cluster: str) -> str:
    """What hosts of the cluster hold in their claim file. Raises `UsageError`."""
    content = private_files.read_private(folder / CLUSTER_ID_FILE)
    if not content:
        raise UsageError(
            f"there is no {folder / CLUSTER_ID_FILE}",
            cure="Copy it from the machine that ran bob init.",
        )
    return f"{cluster} {content.decode().strip()}"


def look(
    fleet: Fleet, view: ClusterView, nodes: Sequence[Node], claim: str
) -> tuple[dict[str, Seen], tuple[str, ...]]:
    """Look at every host. Returns what was seen by name, and warnings.

    Raises `PreflightRefused` with everything that is wrong with any of them.
    """
    seen, errors = fleet.attempt(lambda host: Seen(host_report.gather(host), host.host_key()))
    findings = [fitness.unreachable(name, error) for name, error in errors.items()]
    reached = tuple(node for node in nodes if node.name in seen)
    findings += fitness.judge(
        view.cluster.model_copy(update={"nodes": reached}),
        {name: one.report for name, one in seen.items()},
        claim,
        {node.name: agents.listeners(view.cluster, node, server=False) for node in reached},
    )
    fitness.refuse_unfit(findings)
    peers = {node.name: peers_of(view, node) for node in nodes}
    lost = fleet.each(lambda h: host_report.unreachable(h, peers[h.name], h.login.port))
    fitness.refuse_unfit(
        fitness.cut_off(name, label) for name, labels in lost.items() for label in labels
    )
    return seen, tuple(str(finding) for finding in findings)


def wanted(view: ClusterView, node: Node, host: Host, seen: Seen, claim: str) -> Wanted:
    """The wish for a host that was looked at."""
    wish = view.wishes.get(node.name)
    at = host.login
    return Wanted(
        node=node,
        ssh=Reach(address=at.address, port=at.port, user=at.user, host_key=seen.host_key),
        claim=claim,
        again=wish is not None and wish.state != JOINING and not seen.report.claim,
    )


@contextmanager
def let_in(host: Host, cluster: Cluster, secrets: Secrets) -> Iterator[None]:
    """Let the robot's key in; it is taken away again when what is inside fails."""
    try:
        login.allow(host, cluster, secrets)
        yield
    except BaseException:
        try:
            login.forbid(host, cluster.name)
        except BobError as error:
            logs.get().warning("key not taken away", node=host.name, error=str(error))
        raise


def furnish(
    fleet: Fleet, services: Mapping[str, object], stored: Mapping[str, str]
) -> dict[str, hosts.Lack]:
    """Give the hosts the packages and images of services that are deployed; what they lacked.

    Done before they join: Nomad may place an instance as soon as it sees a node. `stored` are the
    texts of services that operators added; their images come with the next deployment.
    """
    own = Catalogue()
    catalogue = own.extended(stored)
    deployed = [catalogue.service(name) for name in services if name in catalogue.names()]
    packages = tuple(dict.fromkeys(p for service in deployed for p in service.packages))
    images = [
        build_image(s.image, own.files(s.name, "image"))
        for s in deployed
        if s.image and s.name in own.names()
    ]
    if not packages and not images:
        return {}
    lacks = fleet.each(lambda host: hosts.look(host, packages, images))
    lacking = {name: lack for name, lack in lacks.items() if lack}
    fleet.each(lambda host: hosts.prepare(host, lacking[host.name]), lacking)
    return lacking
