# Inside the root, without network: installs what the scenario depends on, then
# runs its steps. `stop` is `yes` where the first failure ends it.
apt-get --yes install /pkgr/scenario/depends.deb
: > /pkgr/scenario/installed

cd /pkgr/source
# the steps are in numbered folders; a step changes nothing of the loop, it runs in a shell of its own
for step in /pkgr/scenario/steps/*; do
    [ -d "$step" ] || continue
    result=/pkgr/scenario/results/${step##*/}
    mkdir -p "$result"
    printf '%s\n' "--> $(cat "$step/name")"
    scratch=$(mktemp -d /tmp/autopkgtest.XXXXXX)
    code=0
    if [ -e "$step/as-root" ]; then
        env AUTOPKGTEST_TMP="$scratch" AUTOPKGTEST_NORMAL_USER=pkgr HOME=/root \
            sh "$step/command" </dev/null >"$result/stdout" 2>"$result/stderr" || code=$?
    else
        chown pkgr "$scratch"
        runuser -u pkgr -- env AUTOPKGTEST_TMP="$scratch" HOME=/home/pkgr USER=pkgr LOGNAME=pkgr \
            sh "$step/command" </dev/null >"$result/stdout" 2>"$result/stderr" || code=$?
    fi
    echo "$code" > "$result/code"
    cat "$result/stdout" "$result/stderr"
    if [ "$stop" = yes ]; then
        [ "$code" = 0 ] || [ "$code" = 77 ] || exit 1
        [ -e "$step/allow-stderr" ] || [ ! -s "$result/stderr" ] || exit 1
    fi
done
