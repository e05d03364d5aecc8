# ./bootstrap: installs only what is missing, counts the results of tests, shows a demo and cleans
# up. Programs that would change this machine or the build are stand-ins that write down their
# arguments.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;

use VpsHttpd;

my $source = abs_path($ENV{VPS_SRCDIR} // '.');
my $build = abs_path($ENV{VPS_BUILDDIR} // '.');
plan skip_all => 'bootstrap builds in the source folder, not here' if $source ne $build;
plan skip_all => 'bootstrap knows nothing of sanitizers' if $ENV{VPS_SANITIZER};

my $root = "$build/t/tmp/bootstrap.$$";
my $owner = $$;
make_path("$root/bin", "$root/tree");
END { remove_tree($root) if $root && $$ == $owner && Test::More->builder->is_passing }

sub content {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return <$file> // '';
}

sub write_file {
    my ($path, $content) = @_;
    open(my $file, '>', $path) or die "$path: $!";
    print {$file} $content;
    close $file or die "$path: $!";
}

sub stand_in {
    my ($name, $script) = @_;
    write_file("$root/bin/$name", "#!/bin/sh\n$script");
    chmod 0755, "$root/bin/$name";
}

stand_in('dpkg-query', <<'END');
for name; do :; done
echo "$name" >>"$CALLS.asked"
case " $MISSING " in *" $name "*) exit 1 ;; esac
echo installed
END
stand_in('apt-get', <<'END');
echo "apt-get $* ${DEBIAN_FRONTEND:-}" >>"$CALLS"
case "$*" in *download*) [ "$PROMETHEUS" = works ] && touch prometheus_1.0_all.deb ;; esac
END
stand_in('dpkg-deb', <<'END');
[ -e "$2" ] && mkdir -p "$3/usr/bin" && echo "#!$2" >"$3/usr/bin/promtool" && chmod +x "$3/usr/bin/promtool"
END
stand_in('autoreconf', 'echo "autoreconf $*" >>"$CALLS"');
stand_in('id', 'echo "$USER_ID"');
stand_in('make', 'echo "make $*" >>"$CALLS"; case "$*" in *check*) eval "$TESTS" ;; esac');
stand_in('npm', <<'END');
echo "npm $*" >>"$CALLS"
[ "$NPM" = works ] && mkdir -p t/browser/node_modules && touch t/browser/node_modules/.package-lock.json
END
stand_in('sudo', '[ "$1 $SUDO" = "-n works" ] || exit 1; shift; exec "$@"');

# Runs bootstrap in a tree that holds nothing else; returns (exit status, output, calls).
sub bootstrap {
    my ($argument, %env) = @_;
    unlink glob "$root/calls*";
    local %ENV = (
        PATH => "$root/bin:$ENV{PATH}",
        CALLS => "$root/calls",
        MISSING => '',
        USER_ID => 0,
        SUDO => 'fails',
        TESTS => ':',
        NPM => 'works',
        PROMETHEUS => 'works',
        %env,
    );
    my $output = `$root/tree/bootstrap $argument 2>&1 </dev/null`;
    return ($? >> 8, $output, content("$root/calls"));
}

copy("$source/bootstrap", "$root/tree/bootstrap");
chmod 0755, "$root/tree/bootstrap";
write_file("$root/tree/$_", '') for qw(configure.ac Makefile.am);
write_file("$root/tree/configure", <<'END');
#!/bin/sh
echo "configure $*" >>"$CALLS"
touch Makefile
END
chmod 0755, "$root/tree/configure";

subtest 'build' => sub {
    my ($status, $output, $calls) = bootstrap('build');
    is($status, 0, 'succeeds') or diag($output);
    like($calls, qr/\Aconfigure --quiet\nmake -j \d+\n\z/, 'configures, makes, installs nothing');
    unlike(content("$root/calls.asked"), qr/^apache2$/m, 'the package with the service is no need');
    (undef, undef, $calls) = bootstrap('build');
    like($calls, qr/\Amake -j \d+\n\z/, 'configures once');
    my $later = 10 + (stat "$root/tree/configure")[9];
    utime $later, $later, "$root/tree/configure.ac";
    (undef, undef, $calls) = bootstrap('build');
    like($calls, qr/\Aautoreconf -fi\nmake/, 'makes an old configure anew');
    utime $later, $later, "$root/tree/configure";
};

subtest 'packages' => sub {
    my $missing = 'apache2-bin libjson-c-dev';
    my $update = "apt-get update \n";
    my $install = "apt-get install -y --no-install-recommends $missing noninteractive\n";
    my ($status, $output, $calls) = bootstrap('build', MISSING => $missing);
    is($status, 0, 'as root') or diag($output);
    like($calls, qr/\A\Q$update$install\Emake .*\n\z/, 'what is missing is installed, no more');

    ($status, $output, $calls) =
        bootstrap('build', MISSING => $missing, USER_ID => 1000, SUDO => 'works');
    is($status, 0, 'not root, with sudo') or diag($output);
    like($calls, qr/\A\Q$update$install/, 'sudo is used, and asks nothing');

    ($status, $output, $calls) = bootstrap('build', MISSING => $missing, USER_ID => 1000);
    is($status, 1, 'not root, no sudo: fails');
    like($output, qr/apt-get install .*\Q$missing/, 'and tells the command');
    unlike($calls, qr/^(?:apt-get|make)/m, 'and does nothing else');

    ($status, $output, $calls) = bootstrap('check', MISSING => "wrk $missing");
    like($calls, qr/^apt-get install .*\Q$missing\E.* wrk noninteractive$/m, 'check needs more');
};

sub results {
    my ($name, @result) = @_;
    return join '', map { "echo ':test-result: $_' >>$name.trs; " } @result;
}

subtest 'check' => sub {
    write_file("$root/tree/old.trs", ":test-result: FAIL of an earlier run\n");
    my $passing = results('a', 'PASS 1 - x', 'PASS 2 - y', 'XFAIL 3', 'SKIP 4');
    my ($status, $output, $calls) = bootstrap('check', TESTS => $passing);
    is($status, 0, 'all well: exit status') or diag($output);
    like($output, qr/^9 passed, 0 failed, 3 skipped\n\z/m, 'all runs are counted');
    like($calls, qr/^make .*\bcheck\nmake .*\bcheck-clang\nmake .*\bcheck-sanitize\n\z/m,
        'all runs are made');

    my $failing = results('b', 'PASS 1', 'FAIL 2 - z', 'ERROR') . 'echo the reason >b.log; exit 1';
    ($status, $output) = bootstrap('check', TESTS => $failing);
    is($status, 1, 'failures: exit status');
    like($output, qr/^the reason$/m, 'the log is shown');
    like($output, qr/^3 passed, 6 failed, 0 skipped\n\z/m, 'the failures are counted');

    ($status, $output) = bootstrap('check', TESTS => 'exit 2');
    is($status, 1, 'no test ran: exit status');
    like($output, qr/^0 passed, 1 failed, 0 skipped\n\z/m, 'that is a failure');
};

subtest 'the browser' => sub {
    my ($lock, $installed) =
        map { "$root/tree/t/browser/$_" } qw(package-lock.json node_modules/.package-lock.json);
    remove_tree("$root/tree/t");
    make_path("$root/tree/t/browser");
    write_file($lock, '{}');
    my $npm = qr/^npm ci --prefix t\/browser /m;

    my ($status, $output, $calls) = bootstrap('check', NPM => 'fails');
    is($status, 0, 'no axe-core: exit status') or diag($output);
    like($output, qr/axe-core cannot be installed/, 'which is told');
    like($calls, $npm, 'after it was tried');
    (undef, undef, $calls) = bootstrap('check');
    like($calls, $npm, 'it is installed');
    (undef, undef, $calls) = bootstrap('check');
    unlike($calls, $npm, 'once');
    my $later = 10 + (stat $installed)[9];
    utime $later, $later, $lock;
    (undef, undef, $calls) = bootstrap('check');
    like($calls, $npm, 'another version is installed');

    (undef, undef, $calls) = bootstrap('build');
    unlike($calls . content("$root/calls.asked"), qr/npm|chromium/, 'a build has no need of it');
};

subtest 'Prometheus' => sub {
    remove_tree("$root/tree/t");
    my $download = qr/^apt-get .*\bdownload prometheus\b/m;
    my $promtool = "$root/tree/t/prometheus/root/usr/bin/promtool";

    my ($status, $output, $calls) = bootstrap('check', PROMETHEUS => 'fails');
    is($status, 0, 'it cannot be had: exit status') or diag($output);
    like($output, qr/Prometheus cannot be fetched/, 'which is told');
    like($calls, $download, 'after it was tried');
    unlike($calls, qr/\binstall\b/, 'it is never installed: that would start a service');
    ok(!-e $promtool, 'nothing is there');
    ($status, $output, $calls) = bootstrap('check');
    like($calls, $download, 'it is fetched');
    ok(-x $promtool, 'it is unpacked');
    is(join(' ', map { s{.*/}{}r } glob "$root/tree/t/prometheus/*"), 'root', 'nothing else is left behind');
    unlike($output, qr/Prometheus/, 'nothing is said of it');
    (undef, undef, $calls) = bootstrap('check');
    unlike($calls, $download, 'once');
    remove_tree("$root/tree/t");
    (undef, undef, $calls) = bootstrap('build');
    unlike($calls, $download, 'a build has no need of it');
};

subtest 'usage' => sub {
    for my $argument ('', 'nonsense', 'demo now') {
        my ($status, $output, $calls) = bootstrap($argument);
        is($status, 1, "'$argument': fails");
        like($output, qr/usage: /, "'$argument': tells the usage");
        is($calls, '', "'$argument': does nothing");
    }
};

# --- demo: the real httpd and the real client -----------------------------------------------------

my $demo = "$root/demo";
my $taken = IO::Socket::INET->new(LocalPort => 0, Listen => 1) or die "socket: $!";
my ($api_port, $dashboard_port) = VpsHttpd->free_ports(2);

my %demo_environment = (
    PATH => "$root/bin:$ENV{PATH}",
    CALLS => "$root/calls",
    MISSING => '',
    USER_ID => $>,
    TESTS => ':',
    VPS_DEMO_DIR => $demo,
    VPN_SENTINEL_SERVER_API_PORT => $api_port,
    VPN_SENTINEL_SERVER_DASHBOARD_PORT => $dashboard_port,
    VPN_SENTINEL_SERVER_HEALTH_PORT => $taken->sockport,
    # Nobody listens there: the client asks nobody outside.
    VPN_SENTINEL_IPINFO_URL => 'http://127.0.0.1:1',
    VPN_SENTINEL_IPAPI_URL => 'http://127.0.0.1:1',
    VPN_SENTINEL_IPWHOIS_URL => 'http://127.0.0.1:1',
    VPN_SENTINEL_TRACE_URL => 'http://127.0.0.1:1',
    VPN_SENTINEL_TRACE6_URL => 'off',
    VPN_SENTINEL_DNS_WHOAMI => 'none',
);

# Should this test die, its demo ends too.
my $running;
END { kill 'TERM', $running if $running && $$ == $owner }

# Starts the demo in a session of its own; returns its process id.
sub start_demo {
    unlink "$root/output";
    $running = fork // die "fork: $!";
    return $running if $running;
    delete @ENV{ grep { /^VPN_SENTINEL_/ } keys %ENV };
    @ENV{ keys %demo_environment } = values %demo_environment;
    POSIX::setsid();
    $SIG{INT} = 'DEFAULT';
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', "$root/output");
    open(STDERR, '>&', \*STDOUT);
    exec "$source/bootstrap", 'demo' or POSIX::_exit(127);
}

sub wait_for_output {
    my ($pattern) = @_;
    return VpsHttpd->wait_for(sub { content("$root/output") =~ $pattern })
        || diag(content("$root/output"));
}

# Waits for the end of the demo; returns its exit status.
sub end_of_demo {
    my ($pid) = @_;
    my $ended = VpsHttpd->wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid });
    return 'still running' if !$ended;
    $running = undef;
    return $? >> 8;
}

sub nothing_is_left {
    my ($session) = @_;
    my @left;
    VpsHttpd->wait_for(sub { !(@left = VpsHttpd->session($session)) });
    is("@left", '', 'no process is left');
    kill 'KILL', @left;
    for my $port ($api_port, $dashboard_port) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        ok(!$socket, "port $port is closed");
    }
}

subtest 'demo' => sub {
    my $pid = start_demo();
    ok(wait_for_output(qr/Ctrl-C stops it/), 'starts');
    my $output = content("$root/output");
    like($output, qr/port ${\$taken->sockport} is taken, using \d+ instead/, 'evades a taken port');
    my ($health_url) = $output =~ m{Health +(http://\S+)};
    my ($dashboard_url) = $output =~ m{Dashboard +(http://\S+)};
    my ($clients_url) = $output =~ m{Clients +curl .* (http://\S+)};

    my $key = content("$demo/api-key") =~ s/\n//r;
    like($key, qr/^[0-9a-f]{64}$/, 'makes a key');
    is((stat "$demo/api-key")[2] & 07777, 0600, 'that nobody else may read');
    unlike($output, qr/\Q$key/, 'and does not print it');

    my $agent = HTTP::Tiny->new(
        default_headers => { 'X-API-Key' => $key },
        proxy => undef,
        http_proxy => undef,
    );
    is($agent->get($health_url)->{content}, 'OK', 'health answers');
    my $client = VpsHttpd->wait_for(sub {
        my $answer = $agent->get($clients_url);
        return $answer->{success} && decode_json($answer->{content})->{clients}[0];
    });
    is($client->{client_id}, 'demo', 'the client has reported') or diag(content("$root/output"));
    is($client->{observed_ip}, '127.0.0.1', 'from this machine');
    like($agent->get($dashboard_url)->{content}, qr/>demo</, 'the dashboard shows it');

    like(content("$demo/logs/vpnsentinel.log"), qr/keepalive/, 'the log tells of it');

    {
        local @ENV{ keys %demo_environment } = values %demo_environment;
        like(`$source/bootstrap demo 2>&1`, qr/already running/, 'a second one does not start');
        is($agent->get($health_url)->{content}, 'OK', 'and the first one stays');
    }

    kill 'INT', $pid;
    is(end_of_demo($pid), 0, 'Ctrl-C ends it');
    nothing_is_left($pid);
};

subtest 'demo, again, when httpd dies' => sub {
    my $key = content("$demo/api-key");
    my $pid = start_demo();
    ok(wait_for_output(qr/Ctrl-C stops it/), 'starts again');
    is(content("$demo/api-key"), $key, 'the key is as before');
    kill 'TERM', content("$demo/run/httpd.pid");
    is(end_of_demo($pid), 1, 'ends with httpd');
    like(content("$root/output"), qr/httpd has ended/, 'and says so');
    nothing_is_left($pid);
};

done_testing;
