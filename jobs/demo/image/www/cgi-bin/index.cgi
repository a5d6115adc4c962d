#!/bin/sh
# httpd runs this for "/", because there is no index.html.
read -r greeting < /local/greeting
printf 'Content-Type: text/plain\r\nCache-Control: no-store\r\n\r\n'
printf '%s from instance %s (%s) on %s\n' \
    "$greeting" "$NOMAD_ALLOC_INDEX" "$NOMAD_SHORT_ALLOC_ID" "$NODE"
