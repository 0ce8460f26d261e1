#!/bin/sh
# Compile requirements/{run,demo,province,dev,bench}.txt from pyproject.toml with the hashes of the public index, whatever this
# machine's own pip settings are. Further arguments go to pip-compile (for example --upgrade-package flask).
set -eu
cd "$(dirname -- "$0")/.."
unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL PIP_INDEX_URL
export PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND='make lock'
compile() {
    "${VENV:-.venv}/bin/pip-compile" --quiet --allow-unsafe --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-emit-trusted-host --strip-extras "$@" pyproject.toml
}
compile -o requirements/run.txt "$@"
compile --extra demo -c requirements/run.txt -o requirements/demo.txt "$@"
compile --extra province -c requirements/run.txt -o requirements/province.txt "$@"
compile --extra demo --extra province --extra dev -c requirements/demo.txt -o requirements/dev.txt "$@"
compile --extra demo --extra province --extra dev --extra bench -c requirements/dev.txt -o requirements/bench.txt "$@"
