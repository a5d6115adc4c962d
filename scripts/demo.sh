#!/usr/bin/env bash
# The whole product in one go: emulated hosts, `bob init`, a first service, one request to it, and
# Keystone with its database and cache, of which OpenStack's own client gets a token.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
name=demo

bob sandbox up --name "$name" --nodes 3
sandbox=$(bob sandbox status --name "$name" -o json)
inventory=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["inventory"])' <<<"$sandbox")
shared=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["shared_address"])' <<<"$sandbox")
bob images build keystone mariadb memcached >/dev/null
bob images push keystone mariadb memcached --sandbox "$name" >/dev/null
bob init -f "$inventory" --yes
bob config set keepalived "address=$shared" --yes --cluster "$name" >/dev/null
bob deploy demo keepalived keystone --yes
bob op ls
bob status
bob ui
echo
eval "$(bob shellenv --openstack)"
python3 scripts/login.py
cat <<END

Look around: .venv/bin/bob --help. As OpenStack's admin: eval "\$(.venv/bin/bob shellenv --openstack)"
The HTTP entry: http://$shared:8080/demo/ and http://$shared:8080/keystone/v3
More of OpenStack: .venv/bin/bob images build glance placement, bob images push --sandbox $name, bob deploy glance placement
End it: .venv/bin/bob sandbox down --name $name
END
