#!/usr/bin/env bash
# Installs the RPM package ($1) on a copy of this machine's root that is gone afterwards, upgrades it to a newer one ($2), and
# removes it. The machine is Debian, with rpm as a program like any other: what the package requires is checked by name only.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then exec sudo -n "$0" "$@"; fi
if [ "${IN_A_MOUNT_NAMESPACE:-}" != yes ]; then
    exec env IN_A_MOUNT_NAMESPACE=yes unshare --mount --propagation private "$0" "$@"
fi
package=$(realpath "$1") newer=$(realpath "$2")
name=lyve-cloud-exporter

fail() { printf 'rpm.sh: %s\n' "$*" >&2; exit 1; }

work=$(mktemp -d)
cleanup() { umount -l "$work"; rmdir "$work"; }
mount -t tmpfs tmpfs "$work"
trap cleanup EXIT
mkdir "$work"/{changed,internal,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/changed,workdir=$work/internal" "$work/root"
root=$work/root
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
# Without /run/systemd/system the package's scripts see that no systemd runs here.
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp "$package" "$root/tmp/package.rpm"
cp "$newer" "$root/tmp/newer.rpm"
inside() { chroot "$root" env --chdir=/ "$@"; }
query() { inside rpm --dbpath=/var/lib/rpm-of-the-test --query "$@"; }
change() { inside rpm --dbpath=/var/lib/rpm-of-the-test --force-debian --nodeps "$@"; }

requires=$(inside rpm --query --requires --package /tmp/package.rpm)
for needed in ca-certificates systemd; do
    grep -qx "$needed" <<< "$requires" || fail "does not require $needed: $requires"
done
change --install /tmp/package.rpm
inside "$name" --version > /dev/null || fail 'the program does not run'
user=$(sed -n 's/^User=//p' "$root/usr/lib/systemd/system/$name.service")
id=$(inside id -u "$user") || fail "no user $user"
[ "$id" -lt 1000 ] || fail "$user is no system user"
inside systemd-analyze verify --man=no /usr/lib/systemd/system/$name.{service,socket}
[ -s "$root/usr/share/man/man1/$name.1" ] || fail 'no manual page'
configs=$(query --configfiles $name | sort | tr '\n' ' ')
[ "$configs" = "/etc/default/$name /etc/$name/config.yaml " ] || fail "configuration files: $configs"

echo '# edited' >> "$root/etc/$name/config.yaml"
change --upgrade /tmp/newer.rpm
[ "$(query --queryformat '%{version}' $name)" = 99.0.0 ] || fail 'it is not upgraded'
grep -q '^# edited$' "$root/etc/$name/config.yaml" || fail 'the upgrade took the configuration'
[ "$(inside id -u "$user")" = "$id" ] || fail 'the upgrade changed the user'

change --erase $name
[ ! -e "$root/usr/bin/$name" ] || fail 'the program is left'
grep -q '^# edited$' "$root/etc/$name/config.yaml.rpmsave" || fail 'the removal took the edited configuration'
[ "$(inside id -u "$user")" = "$id" ] || fail "the user $user is gone"
# Directories of documentation stay, empty: the package has files alone.
left=$(find "$work/changed/usr" -type f -ipath '*lyve*')
[ -z "$left" ] || fail "left after the removal: $left"
