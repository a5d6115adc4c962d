[% import "shared/openstack.j2" as openstack with context %]
"""Keeps a user, the roles and the endpoints of each service. All of it may run any number of times.

Several instances may do it at once: what another one has just made is found at the next attempt.
"""

import os
import time

import openstack

PUBLIC = "[[ openstack.public() ]]"
REGION = "[[ parameter("region") ]]"
PASSWORDS = {
{{ if nomadVarExists "[[ given ]]" }}{{ with nomadVar "[[ given ]]" }}{{ range $name, $password := . }}    "{{ $name }}": "{{ $password }}",
{{ end }}{{ end }}{{ end }}}
# Type and path of each service; those that are not here have a user and no endpoint.
TYPES = {
    "barbican": ("key-manager", ""),
    "cinder": ("volumev3", "/v3/%(project_id)s"),
    "glance": ("image", ""),
    "heat": ("orchestration", "/v1/%(project_id)s"),
    "neutron": ("network", ""),
    "nova": ("compute", "/v2.1"),
    "placement": ("placement", ""),
}
RETRY_SECONDS, IDLE_SECONDS = 2, 3600


def ensure_all(cloud):
    keystone = cloud.identity
    project = keystone.find_project("service") or keystone.create_project(
        name="service", domain_id="default"
    )
    for role in ("admin", "service"):
        keystone.find_role(role) or keystone.create_role(name=role)
    for name, password in PASSWORDS.items():
        user = keystone.find_user(name) or keystone.create_user(
            name=name, password=password, domain_id="default"
        )
        keystone.update_user(user, password=password)
        for role in ("admin", "service"):
            keystone.assign_project_role_to_user(project, user, keystone.find_role(role))
        if name in TYPES:
            ensure_endpoints(keystone, name, *TYPES[name])


def ensure_endpoints(keystone, name, kind, path):
    service = keystone.find_service(name) or keystone.create_service(name=name, type=kind)
    url = f"{PUBLIC}/{name}{path}"
    known = {e.interface: e for e in keystone.endpoints(service_id=service.id, region_id=REGION)}
    for interface in ("admin", "internal", "public"):
        if interface not in known:
            keystone.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id=REGION
            )
        elif known[interface].url != url:
            keystone.update_endpoint(known[interface], url=url)


while True:
    try:
        ensure_all(
            openstack.connect(
                auth_url=f"http://{os.environ['NOMAD_ADDR_api']}/v3",
                username="admin", password="""[[ secret("admin_password") ]]""",
                project_name="admin", user_domain_id="default", project_domain_id="default",
                region_name=REGION, identity_endpoint_override=f"http://{os.environ['NOMAD_ADDR_api']}/v3",
            )
        )
    except Exception as error:
        print(f"again in {RETRY_SECONDS} s: {error}", flush=True)
        time.sleep(RETRY_SECONDS)
    else:
        print(f"users and endpoints of {', '.join(PASSWORDS) or 'nobody'} are there", flush=True)
        time.sleep(IDLE_SECONDS)
