#!/bin/sh
# Installed as .venv/bin/carscribe: the commands of the checkout that the environment is in.
bin=$(cd "$(dirname "$0")" && pwd) || exit
root=${bin%/*/*}
unset PYTHONHOME
PYTHONPATH=$root:$root/common:$root/worker_a:$root/worker_b exec "$bin/python" -m carscribe "$@"
