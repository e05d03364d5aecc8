# POST register: announces a client before its first keepalive.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Sentinel;

my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

my $error_documents = join '', map { "ErrorDocument $_ replaced\n" } 400, 405, 503;

my $sentinel = Sentinel->start(conf => "VPNSentinelMaxClients 3\n$error_documents");

sub register {
    my ($body) = @_;
    return $sentinel->api('POST', '/register', { content => $body });
}

subtest 'a new client' => sub {
    my (undef, undef, $answer) = register({ client_id => 'office' });
    is($answer->{status}, 201, 'status');
    my $expected = qr/"status":"ok","message":"Client registered","server_time":"$TIME"/;
    like($answer->{content}, qr/\A\{$expected,"client_id":"office"\}\z/, 'body');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');

    my $client = $sentinel->client('office');
    like(delete $client->{first_seen}, qr/\A$TIME\z/, 'first_seen is now');
    is_deeply(
        $client,
        {
            client_id => 'office', public_ip => undef, location => undef, city => undef,
            region => undef, country => undef, dns_loc => undef, dns_colo => undef,
            provider => undef, timezone => undef, client_version => undef, observed_ip => undef,
            dns_resolver_ip => undef, dns_source => undef, dns_path => undef, dns_verdict => undef,
            public_ip6 => undef, ipv6_verdict => undef,
            vpn_connected => undef, status => 'offline', light => 'grey',
            conditions => ['offline'], last_seen => undef, last_change => undef, keepalives => 0,
        },
        'it is offline, and nothing is known of it'
    );
};

subtest 'a known client' => sub {
    my $before = $sentinel->client('office');
    my %other = (city => 'Berlin', public_ip => '203.0.113.5');
    my ($status, $body) = register({ client_id => 'office', %other });
    is($status, 200, 'status');
    is($body->{message}, 'Client registered', 'message');
    is_deeply($sentinel->client('office'), $before, 'nothing changes');

    $sentinel->keepalive({ client_id => 'office', city => 'Paris' });
    $before = $sentinel->client('office');
    ($status) = register({ client_id => 'office', %other });
    is($status, 200, 'status after a keepalive');
    is_deeply($sentinel->client('office'), $before, 'nothing changes');
};

subtest 'the first keepalive' => sub {
    my %first = (city => 'Berlin', location => 'DE', vpn_connected => JSON::PP::true);
    my ($status) = register({ client_id => 'travel', public_ip => '192.0.2.1', %first });
    is($status, 201, 'registered with a report');
    my $registered = $sentinel->client('travel');
    is($registered->{city}, 'Berlin', 'which is shown');
    is($registered->{status}, 'offline', 'but it is still offline');
    is($registered->{last_seen}, undef, 'and never seen');

    $sentinel->keepalive({ client_id => 'travel', location => 'FR', public_ip => '198.51.100.5' });
    my $client = $sentinel->client('travel');
    is($client->{status}, 'online', 'a keepalive makes it online');
    is($client->{keepalives}, 1, 'one keepalive');
    is($client->{first_seen}, $registered->{first_seen}, 'first_seen stays');
    like($client->{last_seen}, qr/\A$TIME\z/, 'last_seen is now');
    is($client->{city}, undef, 'the report is replaced');
    is($client->{last_change}, undef, 'what was registered is no report: nothing has changed');
};

subtest 'refused' => sub {
    my %bad = (
        client_id => { city => 'Berlin' },
        public_ip => { client_id => 'lost', public_ip => 'here' },
        city => { client_id => 'lost', city => 5 },
    );
    for my $member (sort keys %bad) {
        my (undef, undef, $answer) = register($bad{$member});
        my $message = $sentinel->is_error($answer, 400, 'Bad request', "bad $member");
        like($message, qr/\A\Q$member\E /, '... the message names it');
    }
    my (undef, undef, $answer) = $sentinel->api('GET', '/register');
    $sentinel->is_error($answer, 405, 'Method not allowed', 'GET');
    is($answer->{headers}{allow}, 'POST', '... Allow');
    ok(!$sentinel->client('lost'), 'nothing is registered');
};

subtest 'a full registry' => sub {
    my ($status) = register({ client_id => 'third' });
    is($status, 201, 'the last that fits');
    (undef, undef, my $answer) = register({ client_id => 'fourth' });
    $sentinel->is_error($answer, 503, 'Registry full', 'one more');
    ($status) = register({ client_id => 'third' });
    is($status, 200, 'a known one');
};

$sentinel->check_error_log;

done_testing;
