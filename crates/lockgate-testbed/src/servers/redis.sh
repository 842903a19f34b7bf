#!/bin/bash
# Redis for whoever reaches it, as the official image has it: Debian's listens to strangers only with a password.
set -euo pipefail

[[ ${1:-} != -* ]] || set -- redis-server "$@"
[[ ${1:-} == redis-server ]] || exec "$@"
set -- "$@" --protected-mode no

if [[ $(id -u) == 0 ]]; then
  chown -R redis:redis .
  exec setpriv --reuid=redis --regid=redis --clear-groups "$@"
fi
exec "$@"
