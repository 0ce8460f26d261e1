#!/bin/sh
# Bring everything a make target needs: setup.sh run|demo|dev|bench
#
# Debian packages, a virtual environment with locked packages, the pages' assets, the way to start `tram`.
# Done once; later runs compare fingerprints of the lock files and end within a second. Asks for nothing.
set -eu

set_name=${1:?"usage: setup.sh run|demo|dev|bench"}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=${VENV:-$root/.venv}
case $venv in /*) ;; *) venv=$root/$venv ;; esac
# Debian's own Python also where another comes first on the PATH: the lock is proven with it.
python=${PYTHON:-/usr/bin/python3}
stamps=$venv/.stamps
cd "$root"

say() { printf '[setup] %s\n' "$*"; }
stop() { printf '[setup] %s\n' "$*" >&2; exit 1; }

# --- Debian packages -------------------------------------------------------------------------------------------------

wanted_packages() {
    for list in demo dev; do
        sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "requirements/debian-$list.txt"
        [ "$list" != "$set_name" ] || return 0
    done
}

missing_packages() {
    for package in $(wanted_packages); do
        # Debian 13 renamed some libraries (time64); "provides" counts as installed.
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
            *' installed') ;;
            *) printf '%s ' "$package" ;;
        esac
    done
}

install_packages() {
    # An office service must not start because a developer installed its program: no start now, none at the next boot.
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        policy=
    else
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    case " $* " in
        *" postgresql "*) # the programs only: no database cluster of the machine's own
            mkdir -p /etc/postgresql-common/createcluster.d
            echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/tram.conf
            ;;
    esac
    export DEBIAN_FRONTEND=noninteractive
    say "apt-get install $*"
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends "$@" </dev/null >"$log" 2>&1 || { tail -n 30 "$log" >&2; return 1; }
    for pair in nginx-light:nginx clamav-daemon:clamav-daemon clamav-daemon:clamav-freshclam pcscd:pcscd.socket \
        postgresql:postgresql; do
        case " $* " in *" ${pair%%:*} "*) systemctl disable "${pair#*:}" >>"$log" 2>&1 || : "no systemd here" ;; esac
    done
    if [ -n "$policy" ]; then
        rm -f "$policy"
        trap - EXIT INT TERM
    fi
}

debian_packages() {
    command -v dpkg-query >/dev/null || stop "this set-up knows Debian 12 and 13; dpkg-query is missing"
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        stop "Debian packages are missing. Please run, then repeat your command:
  sudo apt-get update && sudo apt-get install --yes --no-install-recommends $missing"
    fi
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of names
    install_packages $missing || stop "apt-get failed (whole output: $log)"
    rm -f "$log"
}

# --- Python ----------------------------------------------------------------------------------------------------------

fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }

fresh_venv() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || stop "$python is older than Python 3.11"
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' 2>/dev/null; then return 0; fi
    say "virtual environment $venv"
    "$python" -m venv --clear "$venv"
}

python_packages() {
    mkdir -p "$stamps"
    lock=requirements/$set_name.txt
    mark=$(fingerprint "$lock")
    # A larger set holds the smaller one: after `make test`, `make demo` has nothing to do.
    for larger in run demo dev bench; do
        case $set_name:$larger in demo:run | dev:run | dev:demo | bench:run | bench:demo | bench:dev) continue ;; esac
        [ -f "$stamps/$larger" ] || continue
        [ "$(cat "$stamps/$larger")" != "$(fingerprint requirements/$larger.txt)" ] || return 0
    done
    say "Python packages of $lock"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --only-binary :all: --require-hashes -r "$lock"
    printf '%s\n' "$mark" > "$stamps/$set_name"
}

# The project is used where it lies; a path file needs no build tool and no registry.
project() {
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    printf '%s\n' "$root" > "$site/tram.pth"
    cat > "$venv/bin/tram" <<EOF
#!$venv/bin/python
from provisioning.cli import main

raise SystemExit(main())
EOF
    chmod 755 "$venv/bin/tram"
}

# --- The pages' assets -----------------------------------------------------------------------------------------------

assets() {
    [ "$set_name" != run ] || return 0
    [ -f package-lock.json ] || return 0
    mark=$(fingerprint package-lock.json web/build_assets.py)
    if [ -f web/static/vendor/manifest.json ] && [ -d node_modules ] \
        && [ "$(cat "$stamps/assets" 2>/dev/null)" = "$mark" ]; then return 0; fi
    say "assets of the pages (npm)"
    # Versions and checksums of package-lock.json, as `npm ci` would install them; but ci refuses a lock without the
    # optional packages of every other platform, which the pages do not use (pdf.js drawing outside a browser).
    rm -rf node_modules
    PATH=$venv/bin:$PATH npm install --no-save --omit=optional --ignore-scripts --no-audit --no-fund \
        --no-update-notifier --loglevel=error </dev/null
    "$venv/bin/python" -P web/build_assets.py
    printf '%s\n' "$mark" > "$stamps/assets"
}

debian_packages
fresh_venv
python_packages
project
assets
