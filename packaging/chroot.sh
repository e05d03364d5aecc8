# shellcheck shell=sh
# A clean system of this machine's release in a folder, to try things in: sourced by packaging/try-deb and
# packaging/first-use. It takes packages from where this machine takes them, starts no services, and has a
# second network in which it is alone. Results are printed as TAP.
#
# Needs root, debootstrap, curl and iproute2. CHROOT_BASE names a folder that keeps the bare system for the next
# time; without it, it is made anew.

# Begins the script again with mounts and processes of its own, and a folder $work: however it ends, these end
# with it. Call it first, with all arguments.
contain() {
    work=
    if [ "$$" -eq 1 ] && [ -n "${CHROOT_WORK:-}" ]; then
        work=$CHROOT_WORK
        trap 'exit 1' HUP INT TERM
        return
    fi
    [ "$(id -u)" -eq 0 ] || give_up 'only root can make a system'
    for program in debootstrap curl ip unshare nsenter; do
        command -v "$program" >/dev/null || give_up "there is no $program"
    done
    work=$(mktemp -d)
    trap drop_work EXIT
    trap 'exit 1' HUP INT TERM
    CHROOT_WORK=$work unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@" &
    contained=$!
    wait "$contained"
    exit
}

# Nothing in the folder is mounted as seen from out here.
drop_work() {
    status=$?
    trap '' HUP INT TERM
    kill -KILL "$contained" 2>/dev/null
    if [ -n "${KEEP:-}" ]; then
        say "kept: $work"
    else
        # Whoever still writes there is about to end.
        rm -rf --one-file-system "$work" 2>/dev/null || { sleep 2; rm -rf --one-file-system "$work"; }
    fi
    exit "$status"
}

# --- results --------------------------------------------------------------------------------------

tests=0
failures=0
# The folder, the system in it, and its network.
root=
network=

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

# prints TEXT COMMAND...
prints() {
    text=$1
    shift
    printed=$("$@" 2>&1) || { printf '%s\n' "$printed"; return 1; }
    case $printed in
    *"$text"*) ;;
    *)
        printf '%s\n' "$printed"
        return 1
        ;;
    esac
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
    # shellcheck disable=SC2016
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

# make_chroot: makes $root, in which all else is done.
make_chroot() {
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    root=$work/root
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
    # Whoever wants a service started, restarted or stopped, is refused, and written down.
    printf '#!/bin/sh\necho "$*" >>/run/services\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    make_network
    step 'packages are known' inside apt-get update
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

# in_root NETWORK USER COMMAND...: becomes a command in the system that knows nothing of this environment but
# proxies. NETWORK: wide, this machine's, which apt needs, or apart, its own. For a subshell: "in_root … &".
in_root() {
    enter=
    user=$2
    home=/home/$user
    [ "$user" != root ] || home=/root
    if [ "$1" = apart ]; then
        enter="nsenter --net=$network"
        unset http_proxy https_proxy
    fi
    shift 2
    # shellcheck disable=SC2086
    exec $enter chroot --userspec="$user:$user" "$root" /usr/bin/env -i --default-signal=INT,QUIT \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} \
        ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} "$@"
}

# As root in the one and in the other.
inside() {
    (in_root wide root "$@")
}

alone() {
    (in_root apart root "$@")
}

# The status, and the body, of what is served in its network; arguments are curl's.
status_of() {
    nsenter --net="$network" curl --silent --noproxy '*' --max-time 20 --output /dev/null --write-out '%{http_code}' "$@"
}

body_of() {
    nsenter --net="$network" curl --silent --show-error --fail --noproxy '*' --max-time 20 "$@"
}

has_status() {
    expected=$1
    shift
    same "$(status_of "$@")" "$expected"
}
