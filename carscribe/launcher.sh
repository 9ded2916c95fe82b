#!/bin/sh
# Installed as .venv/bin/carscribe: the commands of the checkout that the environment is in.
bin=$(unset CDPATH; cd -- "$(dirname -- "$0")" && pwd) || exit
root=${bin%/*/*}
# As in the Makefile: settings of Python and pip for other environments.
unset PIP_CONSTRAINT PIP_DRY_RUN PIP_PREFIX PIP_PYTHON PIP_REQUIRE_VIRTUALENV PIP_ROOT PIP_TARGET PIP_USER
unset $(env | sed -n 's/^\(PYTHON[A-Z_]*\)=.*/\1/p')
PYTHONPATH=$root:$root/common:$root/worker_a:$root/worker_b exec "$bin/python" -m carscribe "$@"
