#!/bin/bash
# Prove that the project sets itself up: run a command in a fresh, minimal Debian root.
#
#   provisioning/bare.sh [target…]      make targets, or nothing for `bash .ci/run`
#   provisioning/bare.sh -- command…    any command, in the clone
#
# The root is built once with mmdebstrap (minbase, git, make, certificates), kept in BARE_CACHE and copied for each
# run; the committed state is cloned into the copy (BARE_DIRTY=1: the work tree as it stands). What this machine needs to reach its package registries (name
# server, certificate authorities, proxies) is handed over at run time. Runs in its own mount and process
# namespaces: nothing stays behind but the copy, and that only with BARE_KEEP=folder, which the next run reuses.
set -euo pipefail

suite=${BARE_SUITE:-bookworm}
cache=${BARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tram-bare}
base=$cache/$suite
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place=srv/tram

stop() { printf '[bare] %s\n' "$*" >&2; exit 1; }

build_base() {
    [ ! -e "$base/done" ] || return 0
    command -v mmdebstrap >/dev/null || stop "mmdebstrap is missing: apt-get install --yes mmdebstrap"
    rm -rf "$base" && mkdir -p "$base"
    echo "[bare] building $base"
    # The proxy this machine's apt uses, if any.
    local proxy
    proxy=$(apt-config shell proxy Acquire::http::Proxy)
    eval "$proxy"
    mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates --aptopt='Acquire::Languages "none"' \
        ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} "$suite" "$base/root" ${BARE_MIRROR:+"$BARE_MIRROR"}
    touch "$base/done"
}

copy_root() {
    if [ -e "$root/bin" ]; then return; fi
    cp -a --reflink=auto "$base/root/." "$root/"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    # Certificate authorities of this machine, also for a later update-ca-certificates inside.
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    cp -a /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
}

clone() {
    rm -rf "${root:?}/$place.new"
    git -c safe.directory='*' clone --quiet --no-hardlinks "$repository" "$root/$place.new"
    if [ -n "${BARE_DIRTY:-}" ]; then
        # What stands in the work tree, committed or not, instead of the committed state.
        git -C "$root/$place.new" rm -rq --cached . && rm -rf "$root/$place.new"/[!.]* "$root/$place.new"/.ci
        (cd "$repository" && git ls-files -z --cached --others --exclude-standard \
            | while IFS= read -rd '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done \
            | tar -c --null -T - | tar -x -C "$root/$place.new")
        git -C "$root/$place.new" add --all
    fi
    # Kept copies keep what set-up made (.venv, node_modules), as on a developer's second run.
    if [ -d "$root/$place" ]; then
        for made in .venv node_modules web/static/vendor; do
            [ ! -e "$root/$place/$made" ] || mv "$root/$place/$made" "$root/$place.new/$made"
        done
        rm -rf "${root:?}/$place"
    fi
    mv "$root/$place.new" "$root/$place"
}

# Names of the variables of this machine that say how registries are reached.
passed_on() {
    env | grep -iE '^(https?_proxy|no_proxy|PIP_(CERT|INDEX_URL|PROXY|DEFAULT_TIMEOUT)|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|npm_config_(registry|cafile|proxy|https_proxy))=' || true
    for name in ${BARE_ENV:-}; do printf '%s=%s\n' "$name" "${!name}"; done
}

inside() {
    mount --make-rprivate /
    # A mount of its own, so that the root can hold mounts without touching its parent.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sys "$root/sys"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    for node in null zero full random urandom tty; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
    local -a variables
    mapfile -t variables < <(passed_on)
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec chroot "$root" /usr/bin/env -i "${variables[@]}" HOME=/tmp TERM="${TERM:-dumb}" CI="${CI:-}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        sh -c 'cd "$1" && shift && exec "$@"' sh "/$place" "$@"
}

if [ "${1:-}" = --inside ]; then
    root=$2
    shift 2
    inside "$@"
fi

[ "$(id -u)" -eq 0 ] || stop "chroot needs root: sudo $0 $*"
case ${1:-} in
    '') command=(bash .ci/run) ;;
    --) shift && command=("$@") ;;
    *) command=(make "$@") ;;
esac
build_base
if [ -n "${BARE_KEEP:-}" ]; then
    root=$BARE_KEEP
    mkdir -p "$root"
    root=$(cd "$root" && pwd)
else
    root=$(mktemp -d "$cache/run.XXXXXX")
    trap 'rm -rf --one-file-system "${root:?}"' EXIT
fi
copy_root
clone
echo "[bare] ${command[*]} in $root"
started=$SECONDS
status=0
# A session of its own: a signal ends the whole namespace at once, before the root under it is removed.
setsid unshare --mount --pid --fork --kill-child "${BASH_SOURCE[0]}" --inside "$root" "${command[@]}" </dev/null &
child=$!
trap 'kill -KILL "$child"' HUP INT TERM
wait "$child" || status=$?
trap - HUP INT TERM
wait "$child" || status=$?
echo "[bare] exit code $status after $((SECONDS - started)) s"
exit $status
