# The rate limit of the API: one true sliding window per address, over all processes and hosts.
use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use VpsHttpd;

my $path = '/api/v1/clients';
my %key = ('X-API-Key' => 'key');
my $report = { client_id => 'office', public_ip => '203.0.113.42' };

# Lets a request say from which address it comes.
my $any_address = <<'CONF';
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
CONF

sub now {
    return clock_gettime(CLOCK_MONOTONIC);
}

sub start {
    my ($conf, %option) = @_;
    return VpsHttpd->start(
        modules => ['remoteip'],
        conf => "VPNSentinelAPI\nVPNSentinelAPIKey key\n$conf",
        %option,
    );
}

sub status_from {
    my ($httpd, $address, %header) = @_;
    return $httpd->request('GET', $path,
        { headers => { %key, 'X-Forwarded-For' => $address, %header } })->{status};
}

# How often each status came back.
sub tally {
    my %count;
    $count{$_}++ for @_;
    return \%count;
}

# Sends requests at the same time, round robin to the hosts; returns the statuses.
sub burst {
    my ($httpd, $requests, $hosts) = @_;
    my @sockets = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port($_ % $hosts))
            or die "connect: $!"
    } 1 .. $requests;
    for my $socket (@sockets) {
        $socket->autoflush(1);
        print {$socket} "GET $path HTTP/1.0\r\nX-API-Key: key\r\n\r\n";
    }
    return map { (readline($_) // '') =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'nothing' } @sockets;
}

for my $mpm (qw(event worker prefork)) {
    subtest "$mpm: over all processes and virtual hosts" => sub {
        my $httpd = start(<<'CONF', mpm => $mpm, ports => 3, modules => ['log_config']);
VPNSentinelRateLimit 7
CustomLog logs/access.log "%P %>s"
<VirtualHost *:@PORT1@>
    VPNSentinelDashboard
</VirtualHost>
<VirtualHost *:@PORT2@>
    VPNSentinelAPI /other
</VirtualHost>
CONF
        is_deeply(tally(burst($httpd, 12, 3)), { 200 => 7, 429 => 5 }, 'at once: seven of twelve');
        my $admitted_late = 0;
        my $refusing = $httpd->wait_for(sub {
            $admitted_late += grep { $_ ne '429' } burst($httpd, 12, 3);
            my %pid = map { $_ => 1 } $httpd->read_file('logs/access.log') =~ /^(\d+) 429$/mg;
            return keys %pid >= 2;
        });
        ok($refusing, 'more than one process refuses');
        is($admitted_late, 0, 'none admits any more');

        $httpd->graceful;
        is_deeply(tally(burst($httpd, 6, 3)), { 429 => 6 }, 'nor does a new generation');
        $httpd->stop;
        $httpd->check_error_log;
    };
}

subtest 'what a refusal says' => sub {
    my $httpd = start("VPNSentinelRateLimit 2\n");
    my $before = now();
    is($httpd->request('GET', $path, { headers => \%key })->{status}, 200, 'a request');
    my $after = now();
    is($httpd->request('GET', $path, { headers => \%key })->{status}, 200, 'another');

    my ($status, $body, $answer) = $httpd->json('GET', $path, { headers => \%key });
    my $retry_after = $body->{retry_after};
    is($status, 429, 'the next one is refused');
    is_deeply($body, {
        error => 'Rate limit exceeded',
        message => 'Too many requests. Please wait before retrying.',
        retry_after => $retry_after,
    }, 'what it says');
    is($answer->{headers}{'retry-after'}, $retry_after, 'Retry-After is the same');
    like($answer->{content}, qr/"retry_after":\d+\}/, 'a whole number');
    cmp_ok($retry_after, '<=', 60, 'at most the window');
    cmp_ok($retry_after, '>=', 60 - (now() - $before), 'until the oldest request leaves it');

    # The wait is told from the first request on, not from the refused ones in between.
    my $too_long;
    $httpd->wait_for(sub {
        my $gone = now() - $after;
        my (undef, $refusal) = $httpd->json('GET', $path, { headers => \%key });
        $too_long = $refusal->{retry_after} >= 61 - $gone;
        return $too_long || $gone > 1.5;
    });
    ok(!$too_long, 'refused requests do not count');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'what counts' => sub {
    my $httpd = start("VPNSentinelRateLimit 8\nVPNSentinelHealth\nVPNSentinelDashboard\n");
    my @counted = (
        [ 'GET', $path, 401, headers => {} ],
        [ 'GET', $path, 401, headers => { 'X-API-Key' => 'wrong' } ],
        [ 'GET', $path, 200 ],
        [ 'HEAD', $path, 200 ],
        [ 'GET', '/api/v1/nothing', 404 ],
        [ 'PUT', $path, 405 ],
        [ 'POST', '/api/v1/keepalive', 400, content => '{' ],
        [ 'POST', '/api/v1/keepalive', 413, content => '!' x 20000 ],
    );
    for my $row (@counted) {
        my ($method, $where, $status, %option) = @$row;
        for my $free ('/health', '/health/ready', '/dashboard', '/dashboard/nothing', '/api') {
            $httpd->request('GET', $free, { headers => \%key });
        }
        is($httpd->request($method, $where, { headers => \%key, %option })->{status}, $status,
            "$method $where: $status");
    }
    is($httpd->request('GET', $path, { headers => \%key })->{status}, 429, 'each was one of eight');
    is($httpd->request('GET', '/health')->{status}, 200, 'health is not limited');
    is($httpd->request('GET', '/dashboard')->{status}, 200, 'the dashboard is not');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'how many' => sub {
    my $mounted = "VPNSentinelAPI\nVPNSentinelAPIKey key\n";
    my @table = (
        [ 'default', {}, '', 30 ],
        [ 'environment', { VPN_SENTINEL_SERVER_RATE_LIMIT => 3 }, '', 3 ],
        [ 'empty environment', { VPN_SENTINEL_SERVER_RATE_LIMIT => '' }, '', 30 ],
        [ 'directive before environment', { VPN_SENTINEL_SERVER_RATE_LIMIT => 3 }, 5, 5 ],
        [ 'one', {}, 1, 1 ],
        [ 'above sixty', {}, 100, 100 ],
        [ 'off', {}, 0, undef ],
        [ 'off by environment', { VPN_SENTINEL_SERVER_RATE_LIMIT => 0 }, '', undef ],
    );
    for my $row (@table) {
        my ($name, $env, $limit, $allowed) = @$row;
        my $httpd = start($limit ne '' ? "VPNSentinelRateLimit $limit\n" : '', env => $env);
        my $sent = defined $allowed ? $allowed + 2 : 150;
        my @statuses = map { status_from($httpd, '') } 1 .. $sent;
        my $expected = defined $allowed ? { 200 => $allowed, 429 => 2 } : { 200 => $sent };
        is_deeply(tally(@statuses), $expected, $name);
        is("@statuses[0 .. $allowed - 1]", join(' ', (200) x $allowed), "$name: the first ones")
            if $allowed;
        $httpd->stop;
        $httpd->check_error_log;
    }
};

subtest 'by the address that Apache tells' => sub {
    my $httpd = start("$any_address\nVPNSentinelRateLimit 2\n");
    my @together = (
        [ 'one IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.1' ],
        [ 'IPv4 in IPv6', '192.0.2.2', '::ffff:192.0.2.2', '192.0.2.2' ],
        [ 'an IPv6 /64', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:1::3' ],
        [ 'NAT64', '64:ff9b::192.0.2.1', '64:ff9b::c000:201', '64:ff9b::192.0.2.1' ],
    );
    for my $row (@together) {
        my ($name, @addresses) = @$row;
        my @statuses = map { status_from($httpd, $_) } @addresses;
        is("@statuses", '200 200 429', "$name counts as one");
    }
    my @apart = (
        [ 'IPv4 neighbours', map { "192.0.2.$_" } 10 .. 29 ],
        [ 'IPv6 /64 neighbours', map { "2001:db8:0:$_\::1" } 10 .. 29 ],
        [ 'NAT64 neighbours', map { "64:ff9b::192.0.2.$_" } 10 .. 29 ],
    );
    for my $row (@apart) {
        my ($name, @addresses) = @$row;
        is_deeply(tally(map { status_from($httpd, $_) } @addresses), { 200 => 20 }, $name);
    }
    is(status_from($httpd, '192.0.2.1'), 429, 'the first one is still refused');
    is($httpd->request('GET', $path, { headers => \%key })->{status}, 200,
        'the proxy itself is not');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'X-Forwarded-For is not read without mod_remoteip' => sub {
    my $httpd = start("VPNSentinelRateLimit 5\n", modules => []);
    my @statuses = map {
        status_from($httpd, "192.0.2.$_",
            'X-Real-IP' => "192.0.2.$_", 'Forwarded' => "for=192.0.2.$_",
            'Client-IP' => "192.0.2.$_")
    } 1 .. 7;
    is_deeply(tally(@statuses), { 200 => 5, 429 => 2 }, 'all from one address');
    $httpd->stop;
    $httpd->check_error_log;
};

my $advice = 'Raise VPNSentinelRateLimit if many clients share the address; set up mod_remoteip '
    . 'if it is a proxy\'s';

sub warnings_of {
    my ($httpd) = @_;
    return grep { /VPNS0030/ } split /\n/, $httpd->error_log;
}

sub keepalive_from {
    my ($httpd, $address) = @_;
    return $httpd->request('POST', '/api/v1/keepalive',
        { headers => { %key, 'X-Forwarded-For' => $address }, content => $report })->{status};
}

subtest 'a client that is known' => sub {
    my $httpd = start("$any_address\nVPNSentinelRateLimit 2\nVPNSentinelDashboard\n");
    for (1 .. 5) {
        status_from($httpd, '192.0.2.1');
        status_from($httpd, '192.0.2.1', 'X-API-Key' => 'wrong');
        $httpd->request('POST', '/api/v1/keepalive',
            { headers => { %key, 'X-Forwarded-For' => '192.0.2.2' }, content => '{}' });
    }
    is(status_from($httpd, $_), 429, "$_ is refused") for '192.0.2.1', '192.0.2.2';
    is(scalar warnings_of($httpd), 0,
        'no warning about addresses that no client has reported from');
    unlike($httpd->request('GET', '/dashboard')->{content}, qr/rate limit/i, 'no notice either');

    my @statuses = map { keepalive_from($httpd, '2001:db8::1') } 1 .. 6;
    is("@statuses", '200 200 429 429 429 429', 'a client meets the limit');
    @statuses = map { keepalive_from($httpd, '192.0.2.77') } 1 .. 6;
    is("@statuses", '200 200 429 429 429 429', 'and another');
    my @warnings = warnings_of($httpd);
    is(scalar @warnings, 1, 'one warning a minute');
    like($warnings[0], qr/\[vpnsentinel:warn\].* of 2 a minute meets 2001:db8::1, .*\Q$advice\E/,
        'with address and remedy');
    my $page = $httpd->request('GET', '/dashboard')->{content};
    my ($notice) = $page =~ m{(<p class="notice"[^>]*>The rate limit .*?</p>)}s;
    like($notice // '', qr/The rate limit refuses <bdi>192\.0\.2\.77<\/bdi>/,
        'the newest on the dashboard');
    like($notice // '', qr/VPNSentinelRateLimit.*mod_remoteip/, 'with the remedy');

    $httpd->graceful;
    is(keepalive_from($httpd, '192.0.2.77'), 429, 'after a graceful it is still refused');
    is(scalar warnings_of($httpd), 1, 'and no second warning comes');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0030/]);
};

done_testing;
