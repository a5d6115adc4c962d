[ -e keepalived.pid ] || exit 0
if grep -q vrrp_instance ready.conf; then
    # A configuration that keepalived would refuse is not loaded; the old one goes on.
    keepalived --config-test --use-file="$PWD/ready.conf" && kill -HUP "$(cat keepalived.pid)"
else
    # It gives the address away, and is started again to wait for another one.
    kill "$(cat keepalived.pid)"
fi
