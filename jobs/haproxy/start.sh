# Become haproxy, with the master that loads a new configuration beside the old one.
cd "$NOMAD_TASK_DIR" || exit
mkdir -p -m 700 "$(dirname "$ADMIN_SOCKET")" || exit
sed 's/^\(  server s[0-9]*\) .*/\1/' haproxy.cfg | md5sum > loaded.sum
# After a reboot its number may be that of another process, which reload.sh would send a signal.
rm -f haproxy.pid
exec haproxy -W -db -p haproxy.pid -f haproxy.cfg
