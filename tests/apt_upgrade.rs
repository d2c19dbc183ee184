//! What apt does with the flagship's packages when nginx moves before they do:
//! a real apt, in a root of its own without a network, upgrades from a simulated
//! archive of Ubuntu and an archive of packages with the relations that pkgr
//! rendered. (Their files are left out, for apt does not look at them.)

mod common;
mod update_support;

use std::fs;
use std::path::{Path, PathBuf};

use common::{copy_tree, files_ending, root, run};
use update_support::World;
use update_support::flagship::flagship;
use update_support::nginx::{JAMMY, NOBLE, Nginx, Shape};

const SECURITY: Nginx = Nginx { version: "1.18.0-6ubuntu14.4", ..JAMMY };

/// A series with its archives: what a system has as /mnt.
struct Upgrade {
    world: World,
    recipe: PathBuf,
    nginx: Nginx,
}

impl Upgrade {
    /// The modules built for an nginx and published, and both before they move.
    fn of(nginx: Nginx, depends: &str) -> Upgrade {
        let world = World::with(&[nginx]);
        let recipe = flagship(&world);
        let path = recipe.join("recipe.toml");
        let text = fs::read_to_string(&path).unwrap();
        let changed = text.replacen("[nginx]\n", &format!("[nginx]\ndepends = \"{depends}\"\n"), 1);
        assert_ne!(changed, text);
        fs::write(path, changed).unwrap();
        fs::create_dir(world.environment.path("shared")).unwrap();
        fs::copy(&world.environment.key().keyring, world.environment.path("shared/keyring.gpg")).unwrap();
        let upgrade = Upgrade { world, recipe, nginx };
        upgrade.publish_modules();
        upgrade.copy_archive("before");
        upgrade
    }

    fn shared(&self, path: &str) -> PathBuf {
        self.world.environment.path("shared").join(path)
    }

    /// The archive as it is now, under a name for the system to switch to.
    fn copy_archive(&self, name: &str) {
        copy_tree(&self.world.root(), &self.shared(name).join("ubuntu"));
        copy_tree(&self.world.environment.path("modules"), &self.shared(name).join("modules"));
    }

    /// Another nginx in a pocket; the modules are as before.
    fn publish(&self, pocket: &str, nginx: Nginx) {
        self.world.publish(&format!("{}-{pocket}", nginx.series), &[&nginx]);
    }

    /// Builds the modules for the nginx that the archive has now.
    fn publish_modules(&self) {
        let environment = &self.world.environment;
        let recipe = self.recipe.file_name().unwrap().to_str().unwrap();
        let dist = environment.path("dist");
        let _ = fs::remove_dir_all(&dist);
        self.world.run(&["update", "--only", self.nginx.series, recipe]).ok();
        let output = dist.to_str().unwrap();
        self.world.run(&["build", "--no-sign", "--only", self.nginx.series, "-o", output, recipe]).ok();
        let tree = dist.join("tree");
        let mut unpack = environment.command("dpkg-source");
        run(unpack.args(["--no-check", "-x"]).arg(&files_ending(&dist, ".dsc")[0]).arg(&tree)).ok();
        let modules = environment.path("modules");
        fs::create_dir_all(&modules).unwrap();
        let control = fs::read_to_string(tree.join("debian/control")).unwrap();
        for package in control.lines().filter_map(|line| line.strip_prefix("Package: ")) {
            self.pack(&tree, package, &modules);
        }
        let index = run(environment.command("apt-ftparchive").args(["packages", "."]).current_dir(&modules)).ok();
        fs::write(modules.join("Packages"), index.stdout).unwrap();
    }

    /// A package's control file as dpkg-gencontrol makes it of the rendered one,
    /// with what debhelper finds out in a build.
    fn pack(&self, tree: &Path, package: &str, to: &Path) {
        let environment = &self.world.environment;
        let folder = tree.join("debian/.pack").join(package);
        fs::create_dir_all(folder.join("DEBIAN")).unwrap();
        // a package without a file disappears when another replaces it
        fs::create_dir_all(folder.join("usr/share/doc").join(package)).unwrap();
        fs::write(folder.join("usr/share/doc").join(package).join("copyright"), package).unwrap();
        let abi = match self.nginx.shape {
            Shape::OneBinary(abi) if package == "ngx-pagespeed-nginx" => abi,
            _ => "",
        };
        let mut control = environment.command("dpkg-gencontrol");
        control.args([format!("-p{package}"), format!("-P{}", folder.display()), format!("-Vmisc:Depends={abi}")]);
        run(control.arg("-Vshlibs:Depends=").env("DEB_HOST_ARCH", "amd64").current_dir(tree)).ok();
        run(environment.command("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&folder).arg(to)).ok();
    }

    /// Installs a flavor with its modules in a new system, and then does as
    /// `script` says; what is installed whenever it says `state`.
    fn system(&self, flavor: &str, script: &str) -> Vec<String> {
        let series = self.nginx.series;
        let script = format!("flavor={flavor} series={series}\n{SYSTEM}\n{script}");
        let ran = run(&mut root::command(&self.world.environment, &self.shared(""), &script)).ok();
        let states = ran.stdout.lines().filter_map(|line| line.strip_prefix("STATE "));
        states.map(|state| state.trim().to_string()).collect()
    }
}

/// A system that knows both archives and has the flavor with its modules.
const SYSTEM: &str = r#"
export DEBIAN_FRONTEND=noninteractive
rm -rf /etc/apt/sources.list.d /etc/apt/sources.list
for pocket in "" -security -updates; do
    echo "deb [signed-by=/mnt/keyring.gpg] file:/run/now/ubuntu $series$pocket main" >> /etc/apt/sources.list
done
echo "deb [trusted=yes] file:/run/now/modules ./" >> /etc/apt/sources.list
apt() { command apt -q -y -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 "$@" > /run/apt.log 2>&1 || { cat /run/apt.log; return 1; }; }
now() { ln -sfn "/mnt/$1" /run/now; apt update; }
# of nginx, and of the modules: their versions, or that they are not there
state() {
    nginx=nginx-$flavor
    case $series in noble) nginx=nginx ;; esac
    echo "STATE $(of "$nginx"), $(of "ngx-pagespeed-nginx-$flavor")"
}
of() {
    found=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null || :)
    case $found in
    installed\ *) echo "${found#installed }" ;;
    *) echo none ;;
    esac
}
now before
apt install "nginx-$flavor" "ngx-pagespeed-nginx-$flavor"
state
"#;

/// Versions of the modules for each nginx.
fn modules(nginx: &Nginx, series: &str) -> String {
    format!("1.13.35.2+nginx{}~ubuntu{series}.1", nginx.version)
}

#[test]
fn a_security_update_comes_before_the_rebuild_and_the_module_stays() {
    let upgrade = Upgrade::of(JAMMY, "range");
    upgrade.publish("security", SECURITY);
    upgrade.copy_archive("security");
    upgrade.publish_modules();
    upgrade.copy_archive("rebuilt");
    let [old, new] = [JAMMY, SECURITY].map(|nginx| modules(&nginx, "22.04"));
    let expected = [
        format!("{}, {old}", JAMMY.version),
        format!("{}, {old}", SECURITY.version),
        format!("{}, {old}", SECURITY.version),
        format!("{}, {new}", SECURITY.version),
    ];
    // one that is compiled, and the metapackage over it
    for flavor in ["core", "full"] {
        let script = "now security\napt upgrade\nstate\napt full-upgrade\nstate\nnow rebuilt\napt upgrade\nstate";
        assert_eq!(upgrade.system(flavor, script), expected, "{flavor}");
    }
}

/// Modules of 1.18 do not load into 1.20, so the range ends before it.
#[test]
fn an_nginx_that_cannot_load_the_module_waits_for_the_rebuild() {
    let upgrade = Upgrade::of(JAMMY, "range");
    let next = Nginx { version: "1.20.0-1ubuntu1", ..JAMMY };
    upgrade.publish("updates", next);
    upgrade.copy_archive("moved");
    upgrade.publish_modules();
    upgrade.copy_archive("rebuilt");
    let [old, new] = [JAMMY, next].map(|nginx| modules(&nginx, "22.04"));
    let before = format!("{}, {old}", JAMMY.version);
    let script = "now moved\napt upgrade\nstate\nnow rebuilt\napt upgrade\nstate";
    let after = format!("{}, {new}", next.version);
    assert_eq!(upgrade.system("core", script), [before.clone(), before.clone(), after]);
    // who asks for it goes without the module, rather than with one that stops nginx
    let removed = format!("{}, none", next.version);
    assert_eq!(upgrade.system("core", "now moved\napt full-upgrade\nstate"), [before, removed]);
}

/// Why the range is the default.
#[test]
fn an_exact_dependency_withholds_the_security_update_or_loses_the_module() {
    let upgrade = Upgrade::of(JAMMY, "exact");
    upgrade.publish("security", SECURITY);
    upgrade.copy_archive("security");
    let before = format!("{}, {}", JAMMY.version, modules(&JAMMY, "22.04"));
    let removed = format!("{}, none", SECURITY.version);
    let script = "now security\napt upgrade\nstate\napt full-upgrade\nstate";
    assert_eq!(upgrade.system("core", script), [before.clone(), before, removed]);
}

/// One binary: nginx-abi-* is in the way where it moves, and only then.
#[test]
fn one_binary_is_held_to_its_abi() {
    let upgrade = Upgrade::of(NOBLE, "range");
    let security = Nginx { version: "1.24.0-2ubuntu7.5", ..NOBLE };
    upgrade.publish("security", security);
    upgrade.copy_archive("security");
    let broken = Nginx { version: "1.24.0-2ubuntu7.10", shape: Shape::OneBinary("nginx-abi-1.24.0-2"), ..NOBLE };
    upgrade.publish("security", broken);
    upgrade.copy_archive("broken");
    let of = |nginx: &Nginx| format!("{}, {}", nginx.version, modules(&NOBLE, "24.04"));
    let script = "now security\napt upgrade\nstate\nnow broken\napt upgrade\nstate\napt full-upgrade\nstate";
    let removed = format!("{}, none", broken.version);
    let expected = [of(&NOBLE), of(&security), of(&security), removed];
    assert_eq!(upgrade.system("extras", script), expected);
}
