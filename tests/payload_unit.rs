//! recipes/xiaodu-flannel-tx-off does what it is for: built to a .deb with
//! debhelper, installed into a bare system, its unit run on a vxlan interface
//! named flannel.1, and run again each time that the interface comes back.

mod common;

use std::path::PathBuf;

use common::{TestEnvironment, build_binaries, files_ending, root, run};

const UNIT: &str = "xiaodu-flannel-tx-off.service";
const DEVICE: &str = "sys-subsystem-net-devices-flannel.1.device";

/// A folder with the binary package of the machine's release in it.
fn package(environment: &TestEnvironment) -> PathBuf {
    let recipe = environment.copy("recipes/xiaodu-flannel-tx-off");
    let only = root::codename();
    run(environment.pkgr(&["build", "--no-sign", "--offline", "--only", &only]).arg(recipe)).ok();
    let dsc = files_ending(&environment.path("work/dist"), ".dsc").remove(0);
    let shared = environment.path("shared");
    std::fs::create_dir(&shared).unwrap();
    let packages = build_binaries(environment, &dsc);
    assert_eq!(packages.len(), 1, "{packages:?}");
    assert!(packages[0].to_string_lossy().ends_with("_all.deb"), "{packages:?}");
    std::fs::copy(&packages[0], shared.join("package.deb")).unwrap();
    shared
}

#[test]
fn it_installs_verifies_and_turns_the_offload_off() {
    let environment = TestEnvironment::new();
    let shared = package(&environment);
    let script = format!(
        "dpkg -i /mnt/package.deb
        wanted=/etc/systemd/system/{DEVICE}.wants/{UNIT}
        test \"$(readlink $wanted)\" = /lib/systemd/system/{UNIT} || readlink $wanted | grep -x /usr/lib/systemd/system/{UNIT}
        systemd-analyze verify $wanted 2>&1 | tee /tmp/verified
        test ! -s /tmp/verified
        ip link add flannel.1 type vxlan id 1 dstport 8472 dev lo local 127.0.0.1
        ethtool -k flannel.1 | grep -x '[[:blank:]]*tx-checksum-ip-generic: on'
        start=$(sed -n 's/^ExecStart=//p' $wanted)
        test \"$start\" = '/sbin/ethtool -K flannel.1 tx-checksum-ip-generic off'
        $start
        ethtool -k flannel.1 | grep -x '[[:blank:]]*tx-checksum-ip-generic: off'
        dpkg --purge xiaodu-flannel-tx-off
        test ! -e $wanted && test ! -L $wanted && test ! -e /lib/systemd/system/{UNIT}"
    );
    run(&mut root::command(&environment, &shared, &script)).ok();
}

/// Under a real systemd and udev: starting it by hand without the device fails
/// at once instead of waiting; the first appearance and each reappearance, even
/// one that follows the disappearance immediately, turn the offload off.
#[test]
fn it_follows_the_device() {
    let environment = TestEnvironment::new();
    let shared = package(&environment);
    let script = format!(
        "dpkg -i /mnt/package.deb
        systemctl daemon-reload
        appear() {{
            ip link add flannel.1 type vxlan id 1 dstport 8472 dev lo local 127.0.0.1
            for i in $(seq 100); do
                if ethtool -k flannel.1 | grep -q 'tx-checksum-ip-generic: off'; then return 0; fi
                sleep 0.1
            done
            systemctl status --no-pager {UNIT} {DEVICE}
            return 1
        }}
        timeout 10 systemctl start {UNIT} && exit 1
        test $? != 124
        appear
        for again in 1 2 3; do ip link del flannel.1; appear; done
        ip link del flannel.1
        sleep 1
        appear
        systemctl is-failed {UNIT} && exit 1
        echo the unit followed its device"
    );
    run(&mut root::boot(&environment, &shared, &script));
    let log = std::fs::read_to_string(shared.join("log")).unwrap_or_default();
    assert!(log.lines().any(|line| line == "the unit followed its device"), "{log}");
}
