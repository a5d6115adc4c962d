# A configuration that keepalived would refuse is not loaded; the old one goes on.
keepalived --config-test --use-file="$PWD/ready.conf" && kill -HUP "$(cat keepalived.pid)"
