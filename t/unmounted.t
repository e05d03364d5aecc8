# Loaded but mounted nowhere the module does nothing; mounted by a graceful it works at once.
use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use VpsHttpd;

my $module = ($ENV{VPS_BUILDDIR} // '.') . '/mod_vpnsentinel/.libs/mod_vpnsentinel.so';
my %key = ('X-API-Key' => 'key');
my $mounts = "VPNSentinelAPI\nVPNSentinelHealth\nVPNSentinelDashboard\nVPNSentinelAPIKey key\n";
my @paths = ('/api/v1/status', '/api/v1/clients', '/api/v1', '/health', '/healthz', '/health/ready',
    '/dashboard', '/dashboard/', '/dashboard/dashboard.css');

# Bytes of memory that httpd shares with its children.
sub shared_memory {
    my ($httpd) = @_;
    my $pid = $httpd->pid;
    open(my $maps, '<', "/proc/$pid/maps") or return undef;
    my $bytes = 0;
    while (<$maps>) {
        no warnings 'portable';
        $bytes += hex($2) - hex($1) if /^([0-9a-f]+)-([0-9a-f]+) rw-s /;
    }
    return $bytes;
}

# What httpd has in its folders and keeps open there: the file of a mutex is deleted at once.
sub files_of {
    my ($httpd) = @_;
    my $root = $httpd->root;
    my @open = $httpd->pid ? map { readlink($_) // () } glob '/proc/' . $httpd->pid . '/fd/*' : ();
    my %files = map { m{^\Q$root\E/(\w+/[a-z.]*[a-z])} ? ($1 => 1) : () } @open,
        glob "$root/{logs,run}/*";
    return join ' ', sort keys %files;
}

# What is loaded only when the test writes it, by a graceful.
sub write_extra {
    my ($httpd, $content) = @_;
    my $folder = $httpd->root . '/extra';
    make_path($folder);
    open(my $file, '>', "$folder/extra.conf") or die "extra.conf: $!";
    print {$file} $content;
    close $file or die "extra.conf: $!";
}

sub keepalive {
    my ($httpd, $client_id) = @_;
    return $httpd->request('POST', '/api/v1/keepalive',
        { headers => \%key, content => { client_id => $client_id } })->{status};
}

sub is_httpds_own {
    my ($httpd, $name) = @_;
    for my $path (@paths) {
        my $answer = $httpd->request('GET', $path, { headers => \%key });
        is($answer->{status}, 404, "$name: $path is not there");
        like($answer->{headers}{'content-type'}, qr{^text/html}, "$name: says httpd");
    }
}

sub works {
    my ($httpd, $name, $client_id, $known) = @_;
    is($httpd->request('GET', '/health')->{content}, 'OK', "$name: health");
    is($httpd->request('GET', '/api/v1/clients')->{status}, 401, "$name: the guards");
    is(keepalive($httpd, $client_id), 200, "$name: a keepalive");
    my (undef, $list) = $httpd->json('GET', '/api/v1/clients', { headers => \%key });
    is_deeply([ sort map { $_->{client_id} } @{ $list->{clients} } ], [ sort $client_id, @$known ],
        "$name: the registry");
    like($httpd->request('GET', '/dashboard')->{content}, qr/\Q$client_id\E/,
        "$name: the dashboard");
    like($httpd->read_file('logs/vpnsentinel.log'), qr/Keepalive: \Q$client_id\E /,
        "$name: the log");
}

subtest 'nothing is mounted' => sub {
    my $mutex = "Mutex fcntl:run vpnsentinel\n";
    my %loaded = (modules => ['dir'], log_level => 'info');
    my $without = VpsHttpd->start(%loaded, module => undef);
    my $unmounted = VpsHttpd->start(%loaded,
        conf => $mutex . <<'CONF',
VPNSentinelAPIKey key
VPNSentinelDashboard off
VPNSentinelLog logs/own.log
VPNSentinelMaxClients 1000000
VPNSentinelStateDir new-state
VPNSentinelServerPublicIP auto
VPNSentinelTelegram on
VPNSentinelTelegramToken 1:x
VPNSentinelTelegramChatID 1
CONF
    );
    my $mounted = VpsHttpd->start(%loaded, conf => $mutex . $mounts);

    is_httpds_own($unmounted, 'unmounted');
    SKIP: {
        my $bytes = shared_memory($without) // skip 'no /proc/PID/maps', 2;
        is(shared_memory($unmounted), $bytes, 'no shared memory');
        cmp_ok(shared_memory($mounted), '>', $bytes, 'which a mount has');
    }
    is(files_of($unmounted), files_of($without), 'no log, no file of a mutex');
    is(files_of($mounted),
        files_of($without) =~ s{(?= run)}{ logs/vpnsentinel.log}r . ' run/vpnsentinel',
        'which a mount has') if -d '/proc/self/fd';
    ok(!-e $unmounted->root . '/new-state', 'no folder for a store');
    is_deeply([ glob $without->root . '/state/*' ], [], 'no store');
    ok($mounted->wait_for_monitor, 'which a mount has, and a monitor');
    is_deeply([ $unmounted->monitors ], [], 'no monitor');
    my $processes = sub { scalar $_[0]->session($_[0]->pid) };
    ok($without->wait_for(sub { $processes->($unmounted) == $processes->($without) }),
        'no process');
    unlike($unmounted->error_log, qr/VPNS\d|vpnsentinel:/, 'no word in the error log');

    $unmounted->graceful;
    is_httpds_own($unmounted, 'after a graceful');
    is(files_of($unmounted), files_of($without), 'no file after a graceful');
    for my $httpd ($without, $unmounted, $mounted) {
        $httpd->stop;
        $httpd->check_error_log;
    }
    is(files_of($unmounted), 'logs/error.log logs/stderr', 'nothing is left');
};

subtest 'the names are free' => sub {
    my $httpd = VpsHttpd->start(
        modules => ['dir'],
        files => { 'htdocs/health' => 'file 1', 'htdocs/dashboard/index.html' => 'file 2' },
        conf => "DirectoryIndex index.html\n",
    );
    is($httpd->request('GET', '/health')->{content}, 'file 1', 'a file');
    is($httpd->request('GET', '/dashboard/')->{content}, 'file 2', 'a folder');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a mechanism of the mutex that is refused when mounted' => sub {
    my $httpd = VpsHttpd->start(conf => "Mutex posixsem vpnsentinel\n");
    is($httpd->request('GET', '/health')->{status}, 404, 'runs when nothing is mounted');
    $httpd->stop;
    $httpd->check_error_log;
};

for my $mpm (qw(event prefork)) {
    my $include = "IncludeOptional \@ROOT\@/extra/*.conf\n";
    subtest "$mpm: mounted by a graceful" => sub {
        my $httpd = VpsHttpd->start(mpm => $mpm, conf => $include);
        is_httpds_own($httpd, 'before');
        write_extra($httpd, $mounts);
        $httpd->graceful;
        works($httpd, 'mounted', 'first', []);
        ok($httpd->wait_for_monitor, 'there is a monitor');
        $httpd->graceful;
        works($httpd, 'again', 'second', ['first']);
        write_extra($httpd, '');
        $httpd->graceful;
        is_httpds_own($httpd, 'unmounted');
        is_deeply([ $httpd->monitors ], [], 'the monitor is gone');
        write_extra($httpd, $mounts);
        $httpd->graceful;
        works($httpd, 'mounted again', 'third', [ 'first', 'second' ]);
        is($httpd->stop, 0, 'httpd stops cleanly');
        $httpd->check_error_log;
    };

    subtest "$mpm: loaded by a graceful" => sub {
        my $httpd = VpsHttpd->start(mpm => $mpm, module => undef, conf => $include);
        is_httpds_own($httpd, 'before');
        my $load = qq{LoadModule vpnsentinel_module "$module"\nLogLevel vpnsentinel:info\n}
            . "VPNSentinelStateDir state\nVPNSentinelServerPublicIP none\n";
        write_extra($httpd, $load . $mounts);
        $httpd->graceful;
        works($httpd, 'loaded', 'first', []);
        $httpd->restart;
        works($httpd, 'restarted', 'second', ['first']);
        write_extra($httpd, '');
        $httpd->graceful;
        is_httpds_own($httpd, 'unloaded');
        is_deeply([ $httpd->monitors ], [], 'the monitor is gone');
        write_extra($httpd, $load . $mounts);
        $httpd->graceful;
        works($httpd, 'loaded again', 'third', [ 'first', 'second' ]);
        is($httpd->stop, 0, 'httpd stops cleanly');
        $httpd->check_error_log;
    };
}

done_testing;
