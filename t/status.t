# GET status: how the server is, and the census of its clients.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Sentinel;

my $TIME = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;

# The version that configure.ac says.
sub product_version {
    my $path = ($ENV{VPS_SRCDIR} // '.') . '/configure.ac';
    open(my $file, '<', $path) or die "$path: $!";
    local $/;
    my ($version) = <$file> =~ /AC_INIT\(\[vpnsentinel\], *\[([^\]]+)\]/;
    return $version;
}

my $sentinel = Sentinel->start(
    conf => "VPNSentinelServerPublicIP 203.0.113.43 2001:db8::43\nVPNSentinelMaxClients 77\n");

subtest 'an empty server' => sub {
    my ($code, $status, $answer) = $sentinel->api('GET', '/status');
    is($code, 200, 'status code');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
    is($status->{status}, 'ok', 'status');
    is($status->{version}, product_version(), 'version');
    like($status->{started_at}, $TIME, 'started_at');
    like($status->{server_time}, $TIME, 'server_time');
    cmp_ok($status->{started_at}, 'le', $status->{server_time}, 'started_at is not in the future');
    like($status->{uptime_seconds}, qr/\A\d+\z/, 'uptime_seconds');
    my %none = map { $_ => 0 } qw(total online offline green yellow red grey);
    is_deeply($status->{clients}, { %none, max => 77 }, 'clients');
    is($status->{server_public_ip}, '203.0.113.43', 'server_public_ip, IPv4 first');
    is($status->{server_public_ip_source}, 'configured', 'server_public_ip_source');
};

subtest 'the census' => sub {
    my %good = (location => 'DE', dns_loc => 'Germany');
    my @client = (
        { client_id => 'green', %good },
        { client_id => 'leak', location => 'DE', dns_loc => 'FR' },
        { client_id => 'unknown' },
        { client_id => 'bypass', %good, public_ip => '203.0.113.43' },
        { client_id => 'bypass6', %good, public_ip => '2001:db8:0::43' },
        { client_id => 'down', %good, vpn_connected => JSON::PP::false },
        { client_id => 'removed', %good },
    );
    $sentinel->keepalive($_) for @client;
    $sentinel->api('POST', '/register', { content => { client_id => "announced-$_" } }) for 1 .. 4;
    $sentinel->api('DELETE', '/clients/removed');
    my (undef, $status) = $sentinel->api('GET', '/status');
    my %states = (total => 10, online => 6, offline => 4);
    my %lights = (green => 1, yellow => 2, red => 3, grey => 4);
    is_deeply($status->{clients}, { %states, %lights, max => 77 }, 'clients');
};

subtest 'methods' => sub {
    my (undef, undef, $answer) = $sentinel->api('HEAD', '/status');
    is($answer->{status}, 200, 'HEAD');
    is($answer->{headers}{'content-type'}, 'application/json', '... Content-Type');
    is($answer->{content} // '', '', '... no body');
    for my $method (qw(POST PUT DELETE)) {
        (undef, undef, $answer) = $sentinel->api($method, '/status');
        $sentinel->is_error($answer, 405, 'Method not allowed', $method);
        is($answer->{headers}{allow}, 'GET, HEAD', '... Allow');
    }
};

subtest 'over a reload' => sub {
    my (undef, $before) = $sentinel->api('GET', '/status');
    $sentinel->graceful;
    my (undef, $after) = $sentinel->api('GET', '/status');
    is($after->{started_at}, $before->{started_at}, 'the start of service does not move');
    is_deeply($after->{clients}, $before->{clients}, 'the clients are there');
};
$sentinel->check_error_log;

subtest 'the own public address' => sub {
    my %case = (
        none => ["VPNSentinelServerPublicIP none\n", undef, undef],
        'IPv6 only' => ["VPNSentinelServerPublicIP 2001:DB8::0:43\n", '2001:db8::43', 'configured'],
        mapped => ["VPNSentinelServerPublicIP ::ffff:203.0.113.43\n", '203.0.113.43', 'configured'],
    );
    for my $name (sort keys %case) {
        my ($conf, $address, $source) = @{ $case{$name} };
        my $other = Sentinel->start(conf => $conf);
        my (undef, $status) = $other->api('GET', '/status');
        ok(exists $status->{server_public_ip}, "$name: the member is there");
        is($status->{server_public_ip}, $address, '... address');
        is($status->{server_public_ip_source}, $source, '... source');
        $other->check_error_log;
    }
};

done_testing;
