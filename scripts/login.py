"""Logs in to OpenStack as its environment says ($OS_…), and tells what the token is good for."""

import sys

import openstack

cloud = openstack.connect()
token = cloud.authorize()
project = cloud.current_project.name
sys.stdout.write(
    f"A token of {len(token)} letters for {cloud.config.auth['username']} in the project {project},"
    f" from {cloud.config.auth['auth_url']}\n"
)
for entry in cloud.service_catalog:
    public = [each["url"] for each in entry["endpoints"] if each["interface"] == "public"]
    sys.stdout.write(f"  {entry['name']:10} {entry['type']:10} {', '.join(public)}\n")
