#!/usr/bin/env bash
# Runs the program ($1) with exactly the files of the image: in a chroot, as the image's user, without capabilities, on a
# root that is read only, and as process 1. It reads the account of the vendor at $2 over TLS, which a certificate in $3
# vouches for, listens on the port $4, and reloads its configuration.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then exec sudo -n "$0" "$@"; fi
if [ "${IN_A_MOUNT_NAMESPACE:-}" != yes ]; then
    exec env IN_A_MOUNT_NAMESPACE=yes unshare --mount --propagation private "$0" "$@"
fi
program=$(realpath "$1") vendor=$2 authority=$(realpath "$3")
container=$(realpath "$(dirname "$0")/../../../deploy/container")

fail() { printf 'container.sh: %s\n' "$*" >&2; exit 1; }

root=$(mktemp -d)
first=
cleanup() {
    if [ -n "$first" ]; then kill -KILL "$first" 2> /dev/null || true; fi
    umount -R -l "$root"
    rmdir "$root"
}
mount -t tmpfs -o mode=755 tmpfs "$root"
trap cleanup EXIT
"$container/rootfs" "$program" "$root"
bytes=$(du -sb "$root" | cut -f1)
mkdir "$root/proc" "$root/dev"
# What a container's engine mounts, too.
mount -t proc -o ro proc "$root/proc"
mount --bind /dev "$root/dev"

user=$(sed -n 's/^USER //p' "$container/Dockerfile")
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "USER is not numeric, or root: $user"
entrypoint=$(sed -n 's/^ENTRYPOINT \["\(.*\)"\]$/\1/p' "$container/Dockerfile")
check=$(sed -n 's/^HEALTHCHECK .* CMD \["\(.*\)"\]$/\1/p' "$container/Dockerfile")
[ -x "$root$entrypoint" ] || fail "nothing to run at $entrypoint"
[ "$check" = "$entrypoint\", \"health" ] || fail "the health check is another program: $check"
inside() {
    env --ignore-environment LYVE_EXPORTER_WEB_LISTEN_ADDRESS="127.0.0.1:$port" "${settings[@]}" \
        setpriv --no-new-privs /usr/sbin/chroot --userspec="$user" --groups= "$root" "$entrypoint" "$@"
}
once() {
    local account=LYVE_EXPORTER__ACCOUNTS__0__
    settings=("${account}NAME=a" "${account}ACCOUNT_ID=acme" "${account}ACCESS_KEY=AKEXAMPLE"
        "${account}SECRET=not-the-real-one" "${account}BASE_URL=$vendor")
    inside once
}
port=$4 settings=()

(once > "$root/metrics" 2> "$root/log") && fail 'a certificate of nobody known is trusted'
grep -q 'reason="tls"} 1' "$root/metrics" || fail "the untrusted certificate is not the reason: $(cat "$root/log")"
cat "$authority" >> "$root/etc/ssl/certs/ca-certificates.crt"
rm "$root/metrics" "$root/log"
# What the user of the image mounts: a configuration and a secret.
mounted=$root/etc/lyve-cloud-exporter
mount -t tmpfs -o mode=755 tmpfs "$mounted"
echo not-the-real-one > "$mounted/secret"
configure() {
    cat > "$mounted/config.yaml" << CONFIG
accounts:
  - {name: $1, account_id: acme, access_key: AKEXAMPLE, secret_file: secret, base_url: $vendor}
CONFIG
}
mount -o remount,ro "$root"
metrics=$(once) || fail 'the vendor cannot be read over TLS'
grep -q '^lyvecloud_up{account="a"} 1' <<< "$metrics" || fail "the account is not up: $metrics"

# As an engine starts it: the first process of its namespace, which gets no signal that it does not handle.
configure before
settings=("LYVE_EXPORTER_CONFIG_FILE=$(sed -n 's/^ENV LYVE_EXPORTER_CONFIG_FILE=//p' "$container/Dockerfile")")
log=$(mktemp)
unshare --pid --fork --kill-child "$BASH" -c "$(declare -p settings port user root entrypoint)
    exec env --ignore-environment LYVE_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:\$port \"\${settings[@]}\" \
        setpriv --no-new-privs /usr/sbin/chroot --userspec=\"\$user\" --groups= \"\$root\" \"\$entrypoint\" run" > "$log" 2>&1 &
engine=$!
until first=$(pgrep -P "$engine"); do sleep 0.05; done
shows() {
    exec 3<> "/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
    grep -q "^lyvecloud_up{account=\"$1\"} 1" <&3
}
eventually() {
    for _ in $(seq 200); do
        if "$@" 2> /dev/null; then return; fi
        sleep 0.1
    done
    fail "never: $*: $(cat "$log")"
}
eventually inside health
[ "$(awk '/^NSpid:/ {print $NF}' "/proc/$first/status")" = 1 ] || fail 'it is not the first process'
[ "$(awk '/^Uid:/ {print $3}' "/proc/$first/status"):$(awk '/^Gid:/ {print $3}' "/proc/$first/status")" = "$user" ] ||
    fail "it does not run as $user"
[ "$(awk '/^CapEff:/ {print $2}' "/proc/$first/status")" = 0000000000000000 ] || fail 'it has capabilities'
eventually shows before
configure after
kill -HUP "$first"
eventually shows after
kill -TERM "$first"
wait "$engine" || fail "it ended with $?: $(cat "$log")"
first=
rm "$log"
echo "the image has $bytes bytes"
