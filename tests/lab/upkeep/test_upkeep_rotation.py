"""Keys, certificates and tokens are replaced while a job runs on every host."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator

import pytest
from cryptography import x509
from end_state import consul, nomad
from harness import Lab
from leaders import WITHOUT_LEADER, watched
from upkeep_site import DEADLINE, NODES, known, pids, rested, with_token

from bob.clients.http import Refused
from bob.clients.keyring import ConsulKeyring, Keyring, NomadKeyring
from bob.provision import agents
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]


def test_every_network_and_nomad_speak_with_a_new_gossip_key(three: Lab) -> None:
    before, were = gossip_keys(three), pids(three)
    with watched(three) as gaps:
        three.bob("rotate", "gossip", "--yes")
    after = gossip_keys(three)
    assert all(after[pool] != before[pool] for pool in before)
    for pool, keyring in keyrings(three):
        ring = keyring.ring()
        assert dict(ring.keys) == {after[pool]: len(NODES)}
        assert ring.uses(after[pool]) in (True, None)
    for node in NODES:
        written = three.on(node, "cat /etc/bob/consul-*/consul.json /etc/bob/nomad/nomad.json")
        assert all(key in written for key in after.values())
        assert not any(key in written for key in before.values())
    assert max(gaps) < WITHOUT_LEADER
    assert pids(three) == were
    three.sandbox.bmc("n3").power("cycle")
    wait_for(lambda: not reaches(three, "n3"), what="n3 goes", deadline=60, interval=0.2)
    wait_for(lambda: rested(three), what="n3 is back", deadline=DEADLINE, interval=1)


def test_every_agent_shows_a_new_certificate(three: Lab) -> None:
    before, were = serials(three), pids(three)
    noted = until(three)
    with watched(three) as gaps:
        three.bob("rotate", "certificates", "--yes")
    after = serials(three)
    assert not set(before.values()) & set(after.values())
    assert len(set(after.values())) == len(after) == 4 * len(NODES)
    assert until(three) > noted
    assert max(gaps) < WITHOUT_LEADER
    assert pids(three) == were


def test_tokens_are_replaced_as_often_as_one_likes(three: Lab) -> None:
    for _ in range(2):
        old, were = known(three), pids(three)
        accessors = {net: consul(three, net).acl.accessors() for net in NetworkName}
        three.bob("rotate", "tokens", "--yes")
        new = known(three)
        assert new.generation == old.generation + 1
        for network in NetworkName:
            left = accessors[network] & consul(three, network).acl.accessors()
            assert len(left) == 2  # anonymous and management
        for token in (old.operator, old.requests, old.robot[NetworkName.MGMT]):
            with pytest.raises(Refused):
                with_token(three, token.get_secret_value()).kv.get("bob/cluster")
        assert with_token(three, new.operator.get_secret_value()).kv.get("bob/cluster")
        for node in NODES:
            written = three.on(node, "cat /etc/bob/consul-mgmt/*.json /etc/bob/agent/agent.json")
            assert new.bob_agents[node].get_secret_value() in written
            assert old.bob_agents[node].get_secret_value() not in written
        wait_for(lambda: rested(three), what="healthy", deadline=DEADLINE, interval=1)
        assert pids(three) == were


def reaches(lab: Lab, node: str) -> bool:
    command = lab.sandbox.ssh_command(node, ["true"])
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def gossip_keys(lab: Lab) -> dict[str, str]:
    secrets = known(lab)
    keys = {net.value: key.get_secret_value() for net, key in secrets.consul_gossip.items()}
    return {**keys, "nomad": secrets.nomad_gossip.get_secret_value()}


def keyrings(lab: Lab) -> Iterator[tuple[str, Keyring]]:
    for network in NetworkName:
        yield network.value, ConsulKeyring(consul(lab, network).http)
    yield "nomad", NomadKeyring(nomad(lab).http)


def serials(lab: Lab) -> dict[tuple[str, int], int]:
    """The certificate that each agent shows on its own port."""
    ports = [agents.consul_agent(network).https_port for network in NetworkName]
    found = {}
    for node in lab.sandbox.nodes:
        for port in (*ports, agents.NOMAD_HTTP_PORT):
            shown = ssl.get_server_certificate((str(node.addresses["mgmt"]), port), timeout=30)
            found[node.name, port] = x509.load_pem_x509_certificate(shown.encode()).serial_number
    return found


def until(lab: Lab) -> float:
    entry = consul(lab).kv.get("bob/certificates")
    return float(entry.json()["until"]) if entry else 0.0
