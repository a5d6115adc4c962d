#!/usr/bin/env bash
# The whole product in one go: emulated hosts, `bob init`, a first service, one request to it.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
name=demo

bob sandbox up --name "$name" --nodes 3
inventory=$(bob sandbox status --name "$name" -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["inventory"])')
bob init -f "$inventory" --yes
bob deploy demo --yes
bob op ls
bob status
bob ui
echo
echo "Look around: .venv/bin/bob --help. End it: .venv/bin/bob sandbox down --name $name"
