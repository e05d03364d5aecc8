#!/bin/sh
# Runs a command with an APR whose pools hide nothing: each piece of a pool is a malloc() of its own, so that
# a sanitizer sees who writes beyond it or reads it when the pool is gone.
#
#   pools.sh FOLDER COMMAND...
#
# That APR is made once, below FOLDER, of the source of Debian's or Ubuntu's package, for httpd takes no other
# version. Where it cannot be had the command is not run, and the reason is told.
set -u

folder=$1
shift

skip() {
    echo "skipped: $*"
    exit 0
}

# apt's settings, but with sources; nothing of the system is changed.
fetch_source() {
    mkdir -p "$folder/lists/partial" && cp -r /etc/apt "$folder/apt" || return 1
    find "$folder/apt" -name '*.sources' -exec sed -i 's/^Types:.*/Types: deb-src/' {} +
    find "$folder/apt" -name '*.list' -exec sed -i 's/^deb /deb-src /' {} +
    set -- -qq -o "Dir::Etc=$folder/apt" -o "Dir::State::Lists=$folder/lists"
    apt-get "$@" update && (cd "$folder" && apt-get "$@" source apr)
}

# httpd is not built with such an APR and does not tell which of its pools belong together: what tables and
# hashes say of that is not to end it.
build() {
    cd "$folder"/apr-[0-9]*/ &&
        sed -i '1i #undef APR_POOL_DEBUG' tables/apr_tables.c tables/apr_hash.c &&
        ./configure --quiet --prefix="$folder/root" --enable-pool-debug=yes --enable-other-child \
            --with-devrandom=/dev/urandom CFLAGS='-g -O1 -fno-omit-frame-pointer' &&
        make -s && make -s install
}

library=$folder/root/lib
if [ ! -e "$library/libapr-1.so.0" ]; then
    command -v apt-get >/dev/null || skip 'this is no Debian or Ubuntu'
    command -v dpkg-source >/dev/null || skip 'dpkg-source is missing (package dpkg-dev)'
    rm -rf "$folder"
    mkdir -p "$folder"
    fetch_source >"$folder/fetch.log" 2>&1 || skip "the source of APR cannot be fetched: see $folder/fetch.log"
    (build) >"$folder/build.log" 2>&1 || skip "APR cannot be built: see $folder/build.log"
fi
LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
VPS_POOLS=debug
export LD_LIBRARY_PATH VPS_POOLS
exec "$@"
