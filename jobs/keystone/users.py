"""Keeps a user, the roles and the endpoints of each service. All of it may run any number of times.

Several instances may do it at once: what another one has just made is found at the next attempt.
"""

import json
import os
import sys
import time
from pathlib import Path

import openstack

SETTINGS = json.loads(Path("/secrets/kolla/settings.json").read_text(encoding="utf-8"))
PASSWORDS = SETTINGS["passwords"]
# Type and path of each service; those that are not here have no endpoint. None is empty: the router
# sends who asks for "/glance" to "/glance/", and OpenStack's clients do not follow there.
TYPES = {
    "barbican": ("key-manager", "/"),
    "cinder": ("volumev3", "/v3/%(project_id)s"),
    "glance": ("image", "/"),
    "heat": ("orchestration", "/v1/%(project_id)s"),
    "keystone": ("identity", "/v3"),
    "neutron": ("network", "/"),
    "nova": ("compute", "/v2.1"),
    "placement": ("placement", "/"),
}
ROLES = ("admin", "service")
RETRY_SECONDS, IDLE_SECONDS = 2, 3600


def connect() -> openstack.connection.Connection:
    """Log in to the instance beside this program."""
    url = f"http://{os.environ['NOMAD_ADDR_api']}/v3"  # noqa: SIM112 - Nomad's name
    return openstack.connect(
        auth_url=url,
        username="admin",
        password=SETTINGS["admin_password"],
        project_name="admin",
        user_domain_id="default",
        project_domain_id="default",
        region_name=SETTINGS["region"],
        identity_endpoint_override=url,
    )


def ensure_all(keystone: openstack.identity.v3._proxy.Proxy) -> None:
    """Every user with its password and roles, and the endpoints of those that have one."""
    project = keystone.find_project("service") or keystone.create_project(
        name="service", domain_id="default"
    )
    roles = [keystone.find_role(name) or keystone.create_role(name=name) for name in ROLES]
    for name, password in PASSWORDS.items():
        user = keystone.find_user(name) or keystone.create_user(
            name=name, password=password, domain_id="default"
        )
        keystone.update_user(user, password=password)
        for role in roles:
            keystone.assign_project_role_to_user(project, user, role)
    for name in ("keystone", *PASSWORDS):
        if name in TYPES:
            ensure_endpoints(keystone, name, *TYPES[name])


def ensure_endpoints(
    keystone: openstack.identity.v3._proxy.Proxy, name: str, kind: str, path: str
) -> None:
    """Where users reach the service, and where the services among themselves do."""
    service = keystone.find_service(name) or keystone.create_service(name=name, type=kind)
    region = SETTINGS["region"]
    known = {e.interface: e for e in keystone.endpoints(service_id=service.id, region_id=region)}
    for interface, place in (("admin", "internal"), ("internal", "internal"), ("public", "public")):
        url = f"{SETTINGS[place]}/{name}{path}"
        if interface not in known:
            keystone.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id=region
            )
        elif known[interface].url != url:
            keystone.update_endpoint(known[interface], url=url)


def say(text: str) -> None:
    """A line for the log of the task."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Until the end of the task; a new secret of a service starts it anew."""
    while True:
        try:
            ensure_all(connect().identity)
        except Exception as error:  # whatever it is: Keystone may still be starting
            say(f"again in {RETRY_SECONDS} s: {error}")
            time.sleep(RETRY_SECONDS)
        else:
            say(f"users and endpoints of {', '.join(PASSWORDS) or 'nobody'} are there")
            time.sleep(IDLE_SECONDS)


if __name__ == "__main__":
    main()
