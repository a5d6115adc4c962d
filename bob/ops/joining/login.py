"""The cluster's own SSH key on a host: let in by the operator, taken away when it is not needed."""

from __future__ import annotations

from bob.clients.ssh import Host, quote
from bob.provision import ssh_keys
from bob.provision.secrets import Secrets
from inventory import Cluster, NetworkName


def comment(cluster: str) -> str:
    """How the line of a cluster ends."""
    return f"bob-{cluster}"


def line(cluster: Cluster, secrets: Secrets) -> str:
    """The line of `authorized_keys`: only from the mgmt network, and only to run commands."""
    source = cluster.networks[NetworkName.MGMT].cidr
    public = ssh_keys.public_line(secrets.ssh_key, comment(cluster.name))
    return f'restrict,from="{source}" {public}'


def allow(host: Host, cluster: Cluster, secrets: Secrets) -> None:
    """Let the cluster's key in, for the user that we log in as; a former one goes."""
    host.run(_change(host, cluster.name, line(cluster, secrets)))


def forbid(host: Host, cluster: str) -> None:
    """Take the cluster's key away again; everything else in the file stays."""
    host.run(_change(host, cluster, ""))


def _change(host: Host, cluster: str, new: str) -> str:
    """Replaced whole, so that nobody is ever locked out."""
    user = quote(host.login.user)
    return (
        f"set -e; umask 077; home=$(getent passwd {user} | cut -d: -f6); d=$home/.ssh; "
        f"f=$d/authorized_keys; t=$f.bob-$$; "
        f'[ -d "$d" ] || {{ mkdir "$d"; chown {user}: "$d"; }}; [ -e "$f" ] || : >"$f"; '
        f'cp -p "$f" "$t"; {{ grep -v {quote(f" {comment(cluster)}$")} "$f" || :; '
        f'printf %s {quote(new + chr(10) if new else "")}; }} >"$t"; '
        f'chown {user}: "$t"; mv "$t" "$f"\n'
    )
