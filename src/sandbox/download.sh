# download ARGUMENTS: apt-get with them, to the end of the downloads. Ends the
# script with 42 where no versions satisfy what is asked for, with 43 where the
# network is to blame.
#
# A mirror may list updates whose files it does not have. Then all that comes from
# the source packages of these files is taken from the release itself, and
# /pkgr/of-the-release names them; what apt decides in this root after it follows
# the same pin.
fetch() {
    code=0
    apt-get --yes --download-only "$@" > /tmp/fetched 2>&1 || code=$?
    cat /tmp/fetched
    return $code
}

packages() {
    apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' | while read -r list; do
        /usr/lib/apt/apt-helper cat-file "$list"
        echo
    done
}

# the source packages of these packages, or the packages of these source packages
related() {
    packages | awk -v given="$2" -v wanted="$1" '
        BEGIN { count = split(given, words); for (i = 1; i <= count; i++) is_given[words[i]] = 1 }
        /^Package: / { name = source = $2 }
        /^Source: / { source = $2 }
        /^$/ {
            if (wanted == "sources" && name in is_given) print source
            if (wanted == "packages" && source in is_given) print name
            name = source = ""
        }' | sort -u | tr '\n' ' '
}

download() {
    fetch "$@" && return 0
    apt-get --simulate "$@" || exit 42
    absent=$(sed -n 's|^E: Failed to fetch .*/\([^/_]*\)_[^/ ]*\.deb .*|\1|p' /tmp/fetched | sort -u | tr '\n' ' ')
    [ -n "$absent" ] || exit 43
    sources=$(related sources "$absent")
    . /etc/os-release
    # Ubuntu's pockets share a code name and differ in their suite, Debian's do not
    case $ID in ubuntu) pocket=a ;; *) pocket=n ;; esac
    # 995 takes no installed version back
    printf 'Package: %s\nPin: release %s=%s\nPin-Priority: 995\n' \
        "$(related packages "$sources")" "$pocket" "${VERSION_CODENAME:-none}" > /etc/apt/preferences.d/pkgr-release
    fetch "$@" || exit 43
    echo "$sources" >> /pkgr/of-the-release
}
