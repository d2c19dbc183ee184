# in-root.sh ROOT SHARED run|boot SCRIPT
#
# Called in new mount, network and process namespaces (unshare(1)): lays a copy
# in memory over ROOT, so that nothing in it changes, and runs SCRIPT in it with
# SHARED as /mnt. `boot` starts systemd as process 1, which runs SCRIPT when
# udev is there and powers off; its output goes to /mnt/log.
set -eu
root=$1 shared=$2 how=$3 script=$4

# in a chroot / is no mount and cannot be made private: then the folder itself is
mount --make-rprivate / 2>/dev/null || :
base=$(mktemp -d)
mount -t tmpfs tmpfs "$base"
mount --make-private "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$base/upper,workdir=$base/work" "$base/root"
root=$base/root

mount --bind "$shared" "$root/mnt"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ip link set lo up

inside() { exec env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

if [ "$how" = run ]; then
    inside chroot "$root" sh -euc "$script"
fi

mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
touch "$root/dev/console"
mount --bind /dev/null "$root/dev/console"
# systemd listens to udev only if this is there or /dev is a devtmpfs, which
# would be the host's
mkdir "$root/run/udev"
touch "$root/run/udev/control"
printf '%s\n' "$script" > "$root/run/script"
cat > "$root/etc/systemd/system/script.service" <<'END'
[Unit]
DefaultDependencies=no
Wants=systemd-udevd.service
After=systemd-udevd.service
[Service]
Type=oneshot
ExecStart=sh -eux /run/script
ExecStopPost=systemctl poweroff -ff
StandardOutput=append:/mnt/log
StandardError=append:/mnt/log
END
inside container=pkgr chroot "$root" /lib/systemd/systemd --system --unit=script.service
