#!/bin/sh
# Installed as .venv/bin/carscribe: the commands of the checkout that the environment is in.
bin=$(unset CDPATH; cd -- "$(dirname -- "$0")" && pwd) || exit
root=${bin%/*/*}
unset $(env | sed -n 's/^\(PYTHON[A-Z]*\)=.*/\1/p')
PYTHONPATH=$root:$root/common:$root/worker_a:$root/worker_b exec "$bin/python" -m carscribe "$@"
