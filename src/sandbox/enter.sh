# enter.sh ROOT SHARED network|cut shell|stop SCRIPT
#
# Called as root of new mount, process, IPC and UTS namespaces, and of a network
# namespace too where the network is cut: runs SCRIPT in ROOT with SHARED as
# /pkgr. What is mounted here is gone when the last process of the namespace is.
# `shell`: SCRIPT's output goes to /pkgr/output, and where it fails a shell is
# opened beside the processes that it left.
set -eu
root=$1 shared=$2 network=$3 failing=$4 script=$5

mount --make-rprivate /
mkdir -p "$root/pkgr" "$root/proc" "$root/sys" "$root/dev"
mount --bind "$shared" "$root/pkgr"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$root/dev/${n#*:}"; done
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done

hostname pkgr
set -- HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive
rm -f "$root/etc/resolv.conf"
if [ "$network" = network ]; then
    cat /etc/resolv.conf > "$root/etc/resolv.conf" 2>/dev/null || :
    cat /etc/hosts > "$root/etc/hosts"
    for name in http_proxy https_proxy ftp_proxy no_proxy; do
        eval "value=\${$name:-}"
        [ -z "$value" ] || set -- "$@" "$name=$value"
    done
else
    # a network namespace of one's own is what sysfs needs
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
    ip link set lo up
    : > "$root/etc/resolv.conf"
    printf '127.0.0.1 localhost pkgr\n::1 localhost ip6-localhost\n' > "$root/etc/hosts"
fi
printf 'pkgr\n' > "$root/etc/hostname"

if [ "$failing" = stop ]; then
    exec env -i "$@" chroot "$root" sh -euc "$script"
fi
exec env -i "$@" chroot "$root" sh -c '
    code=0
    sh -euc "$1" </dev/null >>/pkgr/output 2>&1 || code=$?
    [ $code != 0 ] || exit 0
    tail -n 25 /pkgr/output
    echo "--- this failed; a shell in the root, without network; leave it to go on"
    cd /build/tree 2>/dev/null || cd /pkgr/source 2>/dev/null || :
    PS1="(pkgr) # " sh -i || :
    exit $code' sh "$script"
