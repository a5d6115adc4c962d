"""Instances that Nomad believes in after a restore, and that no client runs any more.

Clients ask for what has changed since the last index they know. A restored Nomad tells of nothing
new then, so what was stopped after the backup would count as running for ever (measured). A client
that is asked knows better; what it does not know is stopped, and Nomad starts another one.
"""

from __future__ import annotations

from http import HTTPStatus

from bob.clients.nomad import Nomad

UNKNOWN = b"Unknown allocation"
AT_WORK = ("running", "pending")


def replace_missing(nomad: Nomad) -> int:
    """Have Nomad start what is missing; how many instances. Safe to repeat."""
    found = nomad.http.request("GET", "/v1/allocations", params={"namespace": "*"}).json()
    missing = [
        one for one in found
        if one["DesiredStatus"] == "run" and one["ClientStatus"] in AT_WORK
        and _unknown(nomad, one["ID"], one["Namespace"])
    ]  # fmt: skip
    for one in missing:
        path, params = f"/v1/allocation/{one['ID']}/stop", {"namespace": one["Namespace"]}
        nomad.http.request("PUT", path, params=params)
    return len(missing)


def _unknown(nomad: Nomad, identity: str, namespace: str) -> bool:
    """The client says so itself; one that cannot be asked is left to Nomad's own judgement."""
    answer = nomad.http.request(
        "GET", f"/v1/client/allocation/{identity}/stats", params={"namespace": namespace},
        accept=(HTTPStatus.NOT_FOUND,),
    )  # fmt: skip
    return answer.status == HTTPStatus.NOT_FOUND and UNKNOWN in answer.body
