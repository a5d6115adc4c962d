# Become haproxy, with the master that loads a new configuration beside the old one.
cd "$NOMAD_TASK_DIR" || exit
mkdir -p -m 700 "$(dirname "$ADMIN_SOCKET")" || exit
# A copy is read: what was loaded can then be told, whenever the file changes.
cp haproxy.cfg loaded.cfg || exit
# After a reboot its number may be that of another process, which reload.sh would send a signal.
rm -f haproxy.pid
# Nomad runs no script for a change while the task starts, and none again for one that took too long
# on a busy host: so the file is looked at until haproxy ends.
( (while sleep 3 && kill -0 $$; do sh -c "$RELOAD"; done) 2>/dev/null & )
exec haproxy -W -db -p haproxy.pid -f loaded.cfg
