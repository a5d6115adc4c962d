# Without an address keepalived has nothing to do, and would not start what can take one over later.
until grep -q vrrp_instance ready.conf; do
    sleep 1
done
# After a reboot the number in such a file may be that of another process: keepalived would take it
# for itself, and end.
rm -f keepalived.pid vrrp.pid
exec keepalived --dont-fork --log-console --vrrp --use-file="$PWD/ready.conf" \
    --pid="$PWD/keepalived.pid" --vrrp_pid="$PWD/vrrp.pid"
