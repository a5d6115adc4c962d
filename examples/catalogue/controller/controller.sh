# Any long-running program can take the place of this loop.
while true; do
    echo "$(date -u +%FT%TZ) looking at $FOLDER"
    sleep "$INTERVAL"
done
