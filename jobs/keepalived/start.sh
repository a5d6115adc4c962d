exec keepalived --dont-fork --log-console --vrrp --use-file="$PWD/ready.conf" \
    --pid="$PWD/keepalived.pid" --vrrp_pid="$PWD/vrrp.pid"
