# The process that sends and hears advertisements lives.
kill -0 "$(cat "$NOMAD_TASK_DIR/vrrp.pid")"
