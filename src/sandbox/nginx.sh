# The words of the steps that every nginx module is tested by. `modules` are the
# file names of the modules, `own` the packages that were built.
enabled=/etc/nginx/modules-enabled

pid() { cat /run/nginx.pid 2>/dev/null; }

# runs a command until it succeeds, for ten seconds
patiently() {
    tries=0
    until "$@"; do
        [ $tries -lt 100 ] || { echo "not in ten seconds: $*"; return 1; }
        tries=$((tries + 1))
        sleep 0.1
    done
}

is_running() { [ -n "$(pid)" ] && kill -0 "$(pid)" 2>/dev/null; }
is_stopped() { ! is_running; }
until_running() { patiently is_running; }

# installing a package may have started it
quit() {
    is_running || return 0
    nginx -s quit
    patiently is_stopped
}

# A package may leave it to the administrator to load its modules.
enable() {
    for module in $modules; do
        load="load_module modules/$module;"
        if [ -d $enabled ]; then
            grep -qsF "$module" $enabled/*.conf || echo "$load" > $enabled/99-test-"$module".conf
        else
            grep -qF "$module" /etc/nginx/nginx.conf || sed -i "1i $load # by the test" /etc/nginx/nginx.conf
        fi
    done
}

# what the administrator loads, the administrator takes out before removing it
disable() {
    rm -f $enabled/99-test-*.conf
    sed -i '/# by the test$/d' /etc/nginx/nginx.conf
}

are_loaded() {
    for module in $modules; do
        grep -qF "/nginx/modules/$module" "/proc/$(pid)/maps" ||
            { echo "nginx runs without $module"; return 1; }
    done
}

are_gone() {
    for module in $modules; do
        [ ! -e "/usr/lib/nginx/modules/$module" ] || { echo "$module is still there"; return 1; }
    done
}

installed() {
    for package in $own; do
        case $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) in
            installed) echo "$package" ;;
        esac
    done
}

# a request of HTTP by bash, which every root has; 500 and the like are no answer
request() {
    bash -c 'exec 3<>/dev/tcp/127.0.0.1/80 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && head -n 1 <&3' > /tmp/answer 2>&1
}
answers() {
    patiently request
    cat /tmp/answer
    grep -q '^HTTP/1\.[01] [234]' /tmp/answer
}
