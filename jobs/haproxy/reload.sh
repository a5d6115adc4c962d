# Runs in the task's folder after haproxy.cfg was written. Which instance is in which slot is no
# reason to reload: hapsync has told the worker already. loaded.cfg is what haproxy reads.
cd "$NOMAD_TASK_DIR" || exit
layout() { sed 's/^\(  server s[0-9]*\) .*/\1/' "$1"; }
# haproxy.cfg may change at any moment, also back to what it was: only the copy is looked at.
next=next.$$
trap 'rm -f "$next"' EXIT
cp haproxy.cfg "$next" || exit
[ "$(layout "$next")" != "$(layout loaded.cfg)" ] || exit 0
# The first change may come before haproxy has written its pid file.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s haproxy.pid ] || break
    sleep 0.2
done
haproxy -c -q -f "$next" && mv "$next" loaded.cfg && kill -USR2 "$(cat haproxy.pid)"
