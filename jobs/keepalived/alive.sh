# The process that sends and hears advertisements lives, if there is an address to advertise.
cd "$NOMAD_TASK_DIR" || exit
! grep -q vrrp_instance ready.conf || kill -0 "$(cat vrrp.pid)"
