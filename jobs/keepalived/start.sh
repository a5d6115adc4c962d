# Without an address keepalived has nothing to do, and would not start what can take one over later.
until grep -q vrrp_instance ready.conf; do
    sleep 1
done
exec keepalived --dont-fork --log-console --vrrp --use-file="$PWD/ready.conf" \
    --pid="$PWD/keepalived.pid" --vrrp_pid="$PWD/vrrp.pid"
