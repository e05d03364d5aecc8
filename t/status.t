# GET status: how the server is, and the census of its clients.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use BotApi;
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

# The status once the monitor has looked at all clients.
sub watched_status {
    my ($sentinel) = @_;
    return $sentinel->wait_for(sub {
        my (undef, $status) = $sentinel->api('GET', '/status');
        return defined $status->{monitor}{last_run} && $status;
    });
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

subtest 'the monitor and what it looks after' => sub {
    my $status = watched_status($sentinel);
    is_deeply([ sort keys %{ $status->{monitor} } ], [qw(last_run running)], 'monitor: members');
    ok($status->{monitor}{running}, 'running');
    ok(JSON::PP::is_bool($status->{monitor}{running}), '... true or false');
    like($status->{monitor}{last_run}, $TIME, 'last_run');
    my %store = (driver => 'sqlite', state => 'ok', last_error => undef);
    is_deeply($status->{store}, \%store, 'store');
    my $telegram = $status->{telegram};
    ok(JSON::PP::is_bool($telegram->{enabled}), 'telegram: enabled is true or false');
    my %none = map { $_ => undef } qw(oldest last_success last_error muted_until bot_error);
    is_deeply($telegram, { enabled => JSON::PP::false, queued => 0, %none }, '... is off');
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

subtest 'the store' => sub {
    my %case = (
        none => { driver => 'none', state => 'off', last_error => undef },
        'in/the/way' => { driver => 'sqlite', state => 'degraded' },
    );
    for my $folder (sort keys %case) {
        my $other = Sentinel->start(conf => "VPNSentinelStateDir $folder\n",
            files => { 'in/the/way' => 'a file' });
        my $store = watched_status($other)->{store};
        my %expected = (last_error => $store->{last_error}, %{ $case{$folder} });
        is_deeply($store, \%expected, $folder);
        isnt($store->{last_error} // '', '', '... says why') if $store->{state} eq 'degraded';
        unlike($store->{last_error} // '', qr/not opened yet/, '... once it was tried');
        $other->check_error_log(allow => [qr/VPNS\d+: the store: /]);
    }
};

subtest 'Telegram' => sub {
    my $bot = BotApi->start;
    $bot->fail(500);
    my $other = Sentinel->start(conf => $bot->conf);
    my $telegram;
    my $becomes = sub {
        my ($condition) = @_;
        return $other->wait_for(sub {
            (undef, my $status) = $other->api('GET', '/status');
            $telegram = $status->{telegram};
            return $condition->();
        });
    };
    ok($becomes->(sub { defined $telegram->{last_error} }), 'a failure is told');
    ok($telegram->{enabled}, 'it is on');
    is($telegram->{queued}, 1, 'a message waits');
    like($telegram->{oldest}, $TIME, '... since when');
    is($telegram->{last_success}, undef, 'none was delivered');
    $bot->behave('sendMessage');
    ok($becomes->(sub { $telegram->{queued} == 0 }), 'delivered when it is over');
    like($telegram->{last_success}, $TIME, '... when');
    is($telegram->{$_}, undef, "... $_") for qw(oldest last_error);
    $other->stop;
    $other->check_error_log(allow => [qr/VPNS\d+: .*Telegram/]);
};

done_testing;
