#!/usr/bin/env bash
# Installs the package ($1) on a copy of this machine's root that is gone afterwards, runs the daemon as its unit would,
# against the vendor at $2 and on the port $3, upgrades the package to a newer one ($4), removes it, purges it, and looks for
# traces.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then exec sudo -n "$0" "$@"; fi
if [ "${IN_A_MOUNT_NAMESPACE:-}" != yes ]; then
    exec env IN_A_MOUNT_NAMESPACE=yes unshare --mount --propagation private "$0" "$@"
fi
package=$(realpath "$1") vendor=$2 port=$3 newer=$(realpath "$4")
name=lyve-cloud-exporter

fail() { printf 'package.sh: %s\n' "$*" >&2; exit 1; }

work=$(mktemp -d)
user=
cleanup() {
    # What still runs would keep the caller waiting.
    if [ -n "$user" ]; then pkill -KILL -u "$(inside id -u "$user")" || true; fi
    umount -l "$work"
    rmdir "$work"
}
mount -t tmpfs tmpfs "$work"
mkdir "$work"/{changed,internal,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/changed,workdir=$work/internal" "$work/root"
root=$work/root
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
# Without /run/systemd/system the package's scripts see that no systemd runs here.
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp "$package" "$root/tmp/package.deb"
cp "$newer" "$root/tmp/newer.deb"
inside() { chroot "$root" env --chdir=/ DEBIAN_FRONTEND=noninteractive "$@"; }
trap cleanup EXIT

inside dpkg --install /tmp/package.deb > /dev/null
unit=$root/usr/lib/systemd/system/$name.service
set_in_unit() { sed -n "s/^$1=//p" "$unit"; }
user=$(set_in_unit User)
inside getent passwd "$user" > /dev/null || fail "no user $user"
[ "$(inside id -u "$user")" -lt 1000 ] || fail "$user is no system user"
! inside pgrep -u "$user" > /dev/null || fail 'the installation started something'
enabled=$(find "$work/changed/etc/systemd" -name "$name*" 2> /dev/null || true)
[ -z "$enabled" ] || fail "the installation enabled $enabled"
# shellcheck disable=SC2016 # The variable is dpkg-query's.
[ "$(inside dpkg-query --showformat='${Conffiles}' --show $name | grep -c ' /etc/')" = 2 ] || fail 'two conffiles are expected'
inside systemd-analyze verify --man=no /usr/lib/systemd/system/$name.{service,socket}
[ -s "$root/usr/share/man/man1/$name.1.gz" ] || fail 'no manual page'
inside bash -c "source /usr/share/bash-completion/completions/$name && complete -p $name" > /dev/null ||
    fail 'no completion for bash'

# The secret is root's alone; the daemon sees a copy of its own, as systemd makes it for LoadCredential.
credential=$(set_in_unit LoadCredential)
secret=$root${credential#*:}
(umask 077; echo 'not-the-real-one' > "$secret")
credentials=/run/credentials/$name.service
mkdir -p "$root$credentials"
inside install -m 0400 -o "$user" "${credential#*:}" "$credentials/${credential%%:*}"
state=/var/lib/$(set_in_unit StateDirectory)
inside install -d -m "$(set_in_unit StateDirectoryMode)" -o "$user" -g "$user" "$state"
as_unit() {
    local group=$user
    inside setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
        env --ignore-environment PATH=/usr/local/bin:/usr/bin STATE_DIRECTORY="$state" CREDENTIALS_DIRECTORY="$credentials" \
        "$(sed -n 's/^Environment=//p' "$unit")" LYVE_EXPORTER_WEB_LISTEN_ADDRESS="127.0.0.1:$port" \
        LYVE_EXPORTER__ACCOUNTS__0__BASE_URL="$vendor" "$@"
}
read -ra start <<< "$(set_in_unit ExecStart)"
as_unit sh -c '! cat /etc/lyve-cloud-exporter/secret' 2> /dev/null || fail 'the service can read the secret of root'
as_unit sh -c "touch $state/state && rm $state/state" || fail 'the service cannot write its state'
as_unit "${start[@]}" &> "$work/log" &
for _ in $(seq 100); do
    if as_unit $name health 2> /dev/null; then ready=yes; break; fi
    sleep 0.1
done
[ "${ready:-}" = yes ] || fail "not ready: $(cat "$work/log")"
exec 3<> "/dev/tcp/127.0.0.1/$port"
printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
grep -q '^lyvecloud_up{account="production"} 1' <&3 || fail "the account is not read: $(cat "$work/log")"
inside pkill -TERM -u "$user"
wait $! || fail "the daemon ended with $?: $(cat "$work/log")"

id=$(inside id -u "$user")
echo '# edited' >> "$root/etc/$name/config.yaml"
inside dpkg --install /tmp/newer.deb > /dev/null
# shellcheck disable=SC2016 # The variable is dpkg-query's.
[ "$(inside dpkg-query --showformat='${Version}' --show $name)" = 99.0.0-1 ] || fail 'it is not upgraded'
grep -q '^# edited$' "$root/etc/$name/config.yaml" || fail 'the upgrade took the configuration'
[ "$(inside id -u "$user")" = "$id" ] || fail 'the upgrade changed the user'

inside dpkg --remove $name > /dev/null
[ ! -e "$root/usr/bin/$name" ] || fail 'the program is left'
[ -f "$root/etc/$name/config.yaml" ] && [ -f "$secret" ] || fail 'the removal took the configuration too'
inside dpkg --purge $name > /dev/null
left=$(find "$work/changed" -not -type c -iname '*lyve*')
[ -z "$left" ] || fail "left after the purge: $left"
# The user stays, and may not log in: its number is not given to another one, who would own what it left behind.
[ "$(inside getent passwd "$user" | cut -d: -f7)" = /usr/sbin/nologin ] || fail "the user $user is gone, or can log in"
[ "$(inside id -u "$user")" = "$id" ] || fail 'the user is another one'
grep -rl "$name" "$work/changed/etc" | grep -vE '/etc/(passwd|group|g?shadow)-?$' && fail 'named in /etc after the purge'
inside dpkg --install /tmp/package.deb > /dev/null
[ "$(inside id -u "$user")" = "$id" ] || fail 'an installation after the purge made another user'
inside dpkg --purge $name > /dev/null
! inside dpkg-query --show $name 2> /dev/null || fail 'dpkg still knows the package'
echo "the package has $(stat -c %s "$package") bytes"
