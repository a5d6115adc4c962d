"""How people and programs outside of the cluster log in to its OpenStack."""

from __future__ import annotations

from bob.catalogue import Catalogue
from bob.catalogue.words import default
from bob.clients.consul import Consul
from bob.clients.nomad import Variables
from bob.errors import UsageError
from bob.ops.configuration.secrets import reveal
from bob.ops.configuration.store import newest
from bob.ops.services.wishes import read_wish

KEYSTONE, KEEPALIVED, HAPROXY = "keystone", "keepalived", "haproxy"


def environment(catalogue: Catalogue, consul: Consul, variables: Variables) -> dict[str, str]:
    """The variables that OpenStack's programs read, of the user `admin`; one is a password.

    Raises `UsageError` when Keystone was never deployed, `Refused` without the right to its
    secrets.
    """
    keystone = catalogue.service(KEYSTONE)
    values = newest(consul, KEYSTONE).values
    password = reveal(variables, keystone, "admin_password")
    return {
        "OS_AUTH_URL": f"http://{public_address(consul)}/{KEYSTONE}/v3",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": "admin",
        "OS_PASSWORD": password,
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_REGION_NAME": values.get("region", default(keystone.parameters["region"])),
        "OS_INTERFACE": "public",
    }


def public_address(consul: Consul) -> str:
    """Host and port of the entry, as the services themselves say it (jobs/shared/openstack.j2).

    What an operator settled, else the shared address, else an instance of haproxy that passes.
    Raises `UsageError` when there is none.
    """
    if settled := newest(consul, KEYSTONE).values.get("public_address"):
        return settled
    passing = [each for each in consul.catalog.service(HAPROXY) if each.passing]
    if not passing:
        raise UsageError(
            "no haproxy passes its check: nobody reaches OpenStack", cure="See: bob status"
        )
    shared = newest(consul, KEEPALIVED).values.get("address")
    if shared and read_wish(consul, KEEPALIVED):  # else nothing brings it to a host
        return f"{shared}:{passing[0].port}"
    return f"{passing[0].address}:{passing[0].port}"
