# Runs in the task's folder after haproxy.cfg was written. The first change may come before haproxy
# has written its pid file.
cd "$NOMAD_TASK_DIR" || exit
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -s haproxy.pid ] || break
    sleep 0.2
done
haproxy -c -q -f haproxy.cfg && kill -USR2 "$(cat haproxy.pid)"
