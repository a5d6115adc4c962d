# Makes the content of one layer. Runs as root in mount and process namespaces of its own, which
# take mounts and processes away however this ends. Everything it needs is in its environment:
#   ROOT                where the file system is assembled
#   LOWER UPPER WORK    folders of the overlay; without LOWER, ROOT is the layer itself
#   ARCHIVES LISTS      folders of apt, kept between builds
#   SOURCES             apt's sources.list; LISTS is up to date
#   USERS               name:id … of users to make; all are in the group kolla
#   PACKAGES QUERIED    what to install; whose versions to write to VERSIONS
#   REMOVE              patterns
set -euf

if [ -n "$LOWER" ]; then
    # Without these options a renamed folder would be an attribute, which no tar archive can tell.
    mount -t overlay overlay \
        -o "redirect_dir=off,metacopy=off,lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK" "$ROOT"
fi
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/run"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount --bind "$ARCHIVES" "$ROOT/var/cache/apt/archives"
mount --bind "$LISTS" "$ROOT/var/lib/apt/lists"
cp "$SOURCES" "$ROOT/run/sources.list"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$ROOT/run/machine.crt"
fi
# Packages that start their service, or look up the machine's name, meet these.
printf '#!/bin/sh\nexit 101\n' > "$ROOT/run/policy-rc.d"
chmod 755 "$ROOT/run/policy-rc.d"
touch "$ROOT/usr/sbin/policy-rc.d"
mount --bind /etc/resolv.conf "$ROOT/etc/resolv.conf"
mount --bind "$ROOT/run/policy-rc.d" "$ROOT/usr/sbin/policy-rc.d"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

apt() {
    chroot "$ROOT" apt-get --quiet --yes --no-install-recommends \
        -oDir::Etc::sourcelist=/run/sources.list -oDir::Etc::sourceparts=/dev/null \
        -oAcquire::Languages=none -oAPT::Sandbox::User=root -oDpkg::Use-Pty=0 \
        -oAcquire::https::CAInfo=/run/machine.crt "$@"
}

for user in $USERS; do
    name=${user%:*} id=${user#*:}
    chroot "$ROOT" groupadd --gid "$id" "$name"
    chroot "$ROOT" useradd --system --uid "$id" --gid "$id" --no-create-home \
        --home-dir "/var/lib/$name" --shell /usr/sbin/nologin --no-log-init "$name"
    chroot "$ROOT" usermod --append --groups kolla "$name"
done
# shellcheck disable=SC2086 # lists of words
apt install $PACKAGES
apt autoclean
# shellcheck disable=SC2086
chroot "$ROOT" dpkg-query --show --showformat='${Package} ${Version}\n' $QUERIED > "$VERSIONS"

umount "$ROOT/etc/resolv.conf" "$ROOT/usr/sbin/policy-rc.d"
rm -f "$ROOT/usr/sbin/policy-rc.d" "$ROOT/etc/machine-id" "$ROOT/var/lib/dbus/machine-id"
umount "$ROOT/run" "$ROOT/tmp" "$ROOT/var/cache/apt/archives" "$ROOT/var/lib/apt/lists"
# What differs from build to build, or is a key that every container would share.
find "$ROOT/var/log" -type f -delete
set +f
cd "$ROOT"
# shellcheck disable=SC2086 # patterns
rm -rf var/cache/debconf/* var/cache/ldconfig/* var/cache/apt/*.bin var/cache/apt/archives/*.deb \
    var/lib/apt/lists/* var/lib/dpkg/*-old root/.cache etc/ssl/private/* etc/ssl/certs/ssl-cert-snakeoil.pem $REMOVE
