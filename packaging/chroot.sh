# shellcheck shell=sh
# A clean system of this machine's release in a folder, to try things in: sourced by packaging/try-deb and
# packaging/first-use. It takes packages from where this machine takes them, starts no services, and has a
# second network in which it is alone. Results are printed as TAP.
#
# Needs root, debootstrap, curl and iproute2. CHROOT_BASE names a folder that keeps the bare system for the next
# time; without it, it is made anew.

# Begins the script again with mounts and processes of its own: however it ends, these end with it. Call it
# first, with all arguments.
contain() {
    if [ -n "${CONTAINED:-}" ]; then
        # What somebody starts below is to know nothing of it.
        unset CONTAINED
        return
    fi
    [ "$(id -u)" -eq 0 ] || give_up 'only root can make a system'
    for program in debootstrap curl ip unshare nsenter; do
        command -v "$program" >/dev/null || give_up "there is no $program"
    done
    export CONTAINED=yes
    exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
}

# --- results --------------------------------------------------------------------------------------

tests=0
failures=0

give_up() {
    echo "Bail out! $*"
    exit 1
}

say() {
    echo "# $*"
}

# check NAME COMMAND...: the command succeeds; what it printed is shown when it does not.
check() {
    name=$1
    shift
    tests=$((tests + 1))
    if output=$("$@" 2>&1); then
        echo "ok $tests - $name"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $name"
        printf '%s\n' "$output" | tail -n 40 | sed 's/^/#   /'
    fi
}

# is NAME GOT EXPECTED
is() {
    check "$1" same "$2" "$3"
}

same() {
    [ "$1" = "$2" ] || {
        echo "got '$1', expected '$2'"
        return 1
    }
}

fails() {
    ! "$@"
}

# step NAME COMMAND...: as check, but without it nothing else makes sense.
step() {
    before=$failures
    check "$@"
    [ "$failures" -eq "$before" ] || give_up "$1: that failed"
}

# wait_for SECONDS COMMAND...: until the command succeeds; it prints what it printed last.
wait_for() {
    seconds=$1
    shift
    end=$(($(date +%s) + seconds))
    until shown=$("$@" 2>&1); do
        if [ "$(date +%s)" -ge "$end" ]; then
            printf '%s\n' "not within $seconds s:" "$shown"
            return 1
        fi
        sleep 0.2
    done
    printf '%s\n' "$shown"
}

# The end of the script: the plan, and an exit status that tells the truth.
finish() {
    echo "1..$tests"
    [ "$failures" -eq 0 ] || {
        echo "# $failures of $tests failed"
        exit 1
    }
}

# --- the system -----------------------------------------------------------------------------------

# Where this machine has the packages of its release from.
mirror() {
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
        sed -n "s/^$release main //p" | head -n 1
}

bootstrap_base() {
    debootstrap --variant=minbase "$release" "$1.new" "$(mirror)" >"$1.log" 2>&1 || {
        tail -n 20 "$1.log"
        return 1
    }
    rm -f "$1.log"
    mv "$1.new" "$1"
}

# make_chroot: makes $root, in which all else is done, and what throws it away at the end.
make_chroot() {
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    work=$(mktemp -d)
    root=$work/root
    trap drop_chroot EXIT
    trap 'exit 1' HUP INT TERM
    base=${CHROOT_BASE:-$work/base}
    if [ ! -d "$base" ]; then
        step "a bare $release" bootstrap_base "$base"
    fi
    if [ -n "${CHROOT_BASE:-}" ]; then
        cp -a "$base" "$root"
    else
        mv "$base" "$root"
    fi
    # Sources, keys and proxies.
    rm -rf "$root/etc/apt"
    cp -a /etc/apt "$root/etc/apt"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    echo '127.0.0.1 localhost vpn.example.org' >"$root/etc/hosts"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    make_network
    step 'packages are known' inside apt-get update
}

drop_chroot() {
    trap '' HUP INT TERM
    # All that runs here is this script's: it has a process table of its own. It is process 1 itself, which
    # nothing here can end.
    kill -KILL -1 2>/dev/null
    umount "$root/proc" "$root/dev/shm" 2>/dev/null
    if [ -n "${KEEP:-}" ]; then
        say "kept: $work"
    else
        rm -rf --one-file-system "$work"
    fi
}

# A network with nobody else in it: every port is free there, and nothing leaves the machine.
make_network() {
    unshare --net sleep infinity &
    network=/proc/$!/ns/net
    wait_for 30 is_apart "$network" >/dev/null || give_up 'no network of its own can be had'
    nsenter --net="$network" ip link set lo up
}

is_apart() {
    [ "$(readlink "$1")" != "$(readlink /proc/self/ns/net)" ]
}

# What programs in there see of the environment.
in_root() {
    user=$1
    home=$2
    shift 2
    chroot --userspec="$user" "$root" /usr/bin/env -i --default-signal=INT,QUIT \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} \
        ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} "$@"
}

# A command in the system, as root: with this machine's network, which apt needs, and in that of its own.
inside() {
    in_root root:root /root "$@"
}

alone() {
    nsenter --net="$network" chroot "$root" /usr/bin/env -i \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# The status, and the body, of what is served in its network; arguments are curl's.
status_of() {
    nsenter --net="$network" curl --silent --noproxy '*' --max-time 20 --output /dev/null --write-out '%{http_code}' "$@"
}

body_of() {
    nsenter --net="$network" curl --silent --fail --noproxy '*' --max-time 20 "$@"
}

has_status() {
    expected=$1
    shift
    same "$(status_of "$@")" "$expected"
}
