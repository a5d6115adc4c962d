# Runs in the task's folder after haproxy.cfg was written. Which instance is in which slot is no
# reason to reload: hapsync has told the worker already. loaded.sum is of what is loaded.
cd "$NOMAD_TASK_DIR" || exit
new=$(sed 's/^\(  server s[0-9]*\) .*/\1/' haproxy.cfg | md5sum)
[ "$new" != "$(cat loaded.sum)" ] || exit 0
# The first change may come before haproxy has written its pid file.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s haproxy.pid ] || break
    sleep 0.2
done
haproxy -c -q -f haproxy.cfg && kill -USR2 "$(cat haproxy.pid)" && echo "$new" > loaded.sum
