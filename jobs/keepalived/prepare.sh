# keepalived wants to know the interface of the host's address, which Nomad cannot tell.
cd "$NOMAD_TASK_DIR" || exit
interface=$(ip -4 -oneline address show | awk -v own="$HOST_ADDRESS" \
    '{ split($4, part, "/") } part[1] == own { print $2; exit }')
[ -n "$interface" ] || { echo "no interface has $HOST_ADDRESS" >&2; exit 1; }
sed "s/INTERFACE/$interface/" keepalived.conf > ready.conf
