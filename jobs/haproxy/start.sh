# Become haproxy, with the master that loads a new configuration beside the old one.
cd "$NOMAD_TASK_DIR" || exit
mkdir -p -m 700 "$(dirname "$ADMIN_SOCKET")" || exit
# A copy is read: what was loaded can then be told, whenever the file changes.
cp haproxy.cfg loaded.cfg || exit
# After a reboot its number may be that of another process, which reload.sh would send a signal.
rm -f haproxy.pid
# Nomad runs no script for a change while the task starts: one look afterwards makes up for it.
( (sleep 3; exec sh -c "$RELOAD") & )
exec haproxy -W -db -p haproxy.pid -f loaded.cfg
