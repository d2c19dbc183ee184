//! recipes/wordpress-xiaodu-syntaxhighlighter-fix does what it is for: built to
//! a .deb with debhelper, installed into a bare system, and its file run by PHP
//! with a stand-in for WordPress's add_filter.

mod common;

use common::{TestEnvironment, build_binaries, files_ending, root, run};

const PLUGIN: &str = "/usr/share/wordpress/wp-content/plugins/xiaodu-syntaxhighlighter-fix.php";

/// Keeps what is registered, then asks as SyntaxHighlighter Evolved does: with
/// null, which means "no opinion", and the post.
const STAND_IN: &str = r#"<?php
$filters = [];
function add_filter($hook, $callback, $priority = 10, $accepted = 1) {
    global $filters;
    $filters[$hook][] = [$callback, $accepted];
    return true;
}
require $argv[1];
if (array_keys($filters) !== ['syntaxhighlighter_pre_getcodeformat']) { var_dump($filters); exit(1); }
[[$callback, $accepted]] = $filters['syntaxhighlighter_pre_getcodeformat'];
$format = $callback(...array_slice([null, new stdClass()], 0, $accepted));
if ($format !== 2) { var_dump($format); exit(1); }
"#;

#[test]
fn it_installs_and_answers_with_format_2() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("recipes/wordpress-xiaodu-syntaxhighlighter-fix");
    let only = root::codename();
    run(environment.pkgr(&["build", "--no-sign", "--offline", "--only", &only]).arg(recipe)).ok();
    let dsc = files_ending(&environment.path("work/dist"), ".dsc").remove(0);
    let packages = build_binaries(&environment, &dsc);
    assert_eq!(packages.len(), 1, "{packages:?}");
    let shared = environment.path("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::copy(&packages[0], shared.join("package.deb")).unwrap();
    std::fs::write(shared.join("stand-in.php"), STAND_IN).unwrap();
    // WordPress itself would bring a web server and a database; what matters is
    // that dpkg refuses the plugin without it
    let script = format!(
        "! dpkg -i /mnt/package.deb 2>/tmp/said
        grep -q 'depends on wordpress' /tmp/said
        mkdir -p /tmp/wordpress/DEBIAN
        printf '%s\\n' 'Package: wordpress' 'Version: 6.0' 'Architecture: all' 'Maintainer: T <t@example.org>' \\
            'Description: stand-in' > /tmp/wordpress/DEBIAN/control
        dpkg-deb --build /tmp/wordpress /tmp/wordpress.deb
        dpkg -i /tmp/wordpress.deb /mnt/package.deb
        php -l {PLUGIN}
        php /mnt/stand-in.php {PLUGIN}
        test -z \"$(php {PLUGIN})\"
        dpkg --purge wordpress-xiaodu-syntaxhighlighter-fix
        test ! -e {PLUGIN}"
    );
    run(&mut root::command(&environment, &shared, &script)).ok();
}
