# GET and DELETE clients: what is told of each client, and how it is judged.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Sentinel;

my $TIME = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;
my ($TRUE, $FALSE) = (JSON::PP::true, JSON::PP::false);

my $own_addresses = "VPNSentinelServerPublicIP 203.0.113.43 2001:db8::43\n";
my $error_documents = join '', map { "ErrorDocument $_ replaced\n" } 400, 404, 405;

my $sentinel = Sentinel->start(leaks => 1, conf => $own_addresses . $error_documents);

# A client of which nothing is known but that it is there; its times are compared apart.
my %unknown = (
    public_ip => undef, location => undef, city => undef, region => undef, country => undef,
    dns_loc => undef, dns_colo => undef, provider => undef, timezone => undef,
    client_version => undef, public_ip6 => undef, ipv6_verdict => undef,
    dns_resolver_ip => undef, dns_source => undef, dns_path => undef, dns_verdict => undef,
    observed_ip => '127.0.0.1', vpn_connected => undef,
    status => 'online', light => 'yellow', conditions => ['dns_unknown'], last_change => undef,
    keepalives => 1,
);

sub without_times {
    my ($client) = @_;
    my %copy = %$client;
    like(delete $copy{$_}, $TIME, "$_ is a time") for 'first_seen', 'last_seen';
    return \%copy;
}

sub ids {
    my ($query) = @_;
    my ($status, $list) = $sentinel->api('GET', "/clients$query");
    is($status, 200, "clients$query");
    is($list->{count}, scalar @{ $list->{clients} }, '... count');
    return [sort map { $_->{client_id} } @{ $list->{clients} }];
}

subtest 'no client' => sub {
    my (undef, undef, $answer) = $sentinel->api('GET', '/clients');
    is($answer->{status}, 200, 'status');
    is($answer->{content}, '{"clients":[],"count":0}', 'body');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
};

subtest 'every member' => sub {
    my %report = (
        client_id => 'office-vpn', public_ip => '203.0.113.42', location => 'US',
        city => 'São Paulo', region => 'California', country => 'United States', dns_loc => 'US',
        dns_colo => 'SJC', provider => 'AT&T (x)', timezone => 'America/Los_Angeles',
        client_version => '1.1.4', dns_resolver_ip => '203.0.113.53', dns_source => 'resolver',
        dns_path => 'outside', dns_verdict => 'allowed', public_ip6 => '2001:db8::42',
        ipv6_verdict => 'blocked', vpn_connected => $TRUE,
    );
    $sentinel->keepalive({ %report, timestamp => '2025-01-15T12:34:56Z', other => 'ignored' });
    $sentinel->keepalive({ client_id => 'bare' });
    my (undef, $client, $answer) = $sentinel->api('GET', '/clients/office-vpn');
    is($answer->{status}, 200, 'one client');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
    my %known = (%unknown, %report, light => 'green', conditions => []);
    is_deeply(without_times($client), \%known, 'all is known of it');
    my $bare = $sentinel->client('bare');
    is_deeply(without_times($bare), { %unknown, client_id => 'bare' }, 'nothing of another');

    my (undef, $list) = $sentinel->api('GET', '/clients');
    is_deeply([sort keys %$list], ['clients', 'count'], 'the list');
    is($list->{count}, 2, 'count');
    my %listed = map { $_->{client_id} => $_ } @{ $list->{clients} };
    is_deeply($listed{$_}, $sentinel->client($_), "$_ is told alike") for 'office-vpn', 'bare';
};

subtest 'a report is replaced whole' => sub {
    my $before = $sentinel->client('office-vpn');
    $sentinel->keepalive({ client_id => 'office-vpn', city => 'Berlin' });
    my $client = $sentinel->client('office-vpn');
    is($client->{first_seen}, $before->{first_seen}, 'first_seen stays');
    my %expected = (%unknown, client_id => 'office-vpn', city => 'Berlin', keepalives => 2);
    is_deeply(without_times($client), \%expected, 'what the new one does not say is unknown again');

    my @texts = qw(location city region country dns_loc dns_colo provider timezone client_version);
    my %full = (public_ip => '192.0.2.1', dns_resolver_ip => '192.0.2.53', dns_source => 'trace',
        dns_path => 'tunnel', dns_verdict => 'tunnel', public_ip6 => '2001:db8::1', ipv6_verdict => 'tunnel',
        map { $_ => 'DE' } @texts);
    for my $nothing (undef, '', 'unknown', 'Unknown') {
        $sentinel->keepalive({ client_id => 'bare', %full });
        $sentinel->keepalive({ client_id => 'bare', map { $_ => $nothing } keys %full });
        my $bare = $sentinel->client('bare');
        my @known = grep { defined $bare->{$_} } keys %full;
        is_deeply(\@known, [], defined $nothing ? "'$nothing' is unknown" : 'null is unknown');
    }
};

subtest 'lights and conditions' => sub {
    my %safe = (location => 'DE', dns_loc => 'DE');
    my %leaks = (location => 'DE', dns_loc => 'FR');
    my @case = (
        ['safe', {%safe}, 'green'],
        ['VPN up', { %safe, vpn_connected => $TRUE }, 'green'],
        ['VPN unknown', { %safe, vpn_connected => undef }, 'green'],
        ['another address', { %safe, public_ip => '203.0.113.44' }, 'green'],
        ['other spellings', { location => 'GERMANY', dns_loc => 'deu' }, 'green'],
        ['UK', { location => 'UK', dns_loc => 'GB' }, 'green'],
        ['no location', { country => 'The Netherlands', dns_loc => 'NL' }, 'green'],
        ['location first', { %safe, country => 'France' }, 'green'],
        ['no country', { location => 'Atlantis', country => 'France', dns_loc => 'FR' }, 'green'],
        ['leak', {%leaks}, 'yellow', 'dns_leak'],
        ['leak by country', { country => 'Germany', dns_loc => 'FR' }, 'yellow', 'dns_leak'],
        ['nothing known', {}, 'yellow', 'dns_unknown'],
        ['DNS unknown', { location => 'DE' }, 'yellow', 'dns_unknown'],
        ['DNS nowhere', { location => 'DE', dns_loc => 'Atlantis' }, 'yellow', 'dns_unknown'],
        ['place unknown', { dns_loc => 'DE' }, 'yellow', 'dns_unknown'],
        ['bypass', { %safe, public_ip => '203.0.113.43' }, 'red', 'bypass'],
        ['bypass, mapped', { %safe, public_ip => '::ffff:203.0.113.43' }, 'red', 'bypass'],
        ['bypass by IPv6', { %safe, public_ip => '2001:DB8:0:0::43' }, 'red', 'bypass'],
        ['VPN down', { %safe, vpn_connected => $FALSE }, 'red', 'vpn_down'],
        ['leak and down', { %leaks, vpn_connected => $FALSE }, 'red', 'dns_leak', 'vpn_down'],
        ['all', { public_ip => '203.0.113.43', vpn_connected => $FALSE }, 'red', 'dns_unknown',
            'bypass', 'vpn_down'],
    );
    for my $case (@case) {
        my ($name, $report, $light, @conditions) = @$case;
        $sentinel->keepalive({ client_id => 'judged', %$report });
        my $client = $sentinel->client('judged');
        is($client->{light}, $light, "$name: $light");
        is_deeply($client->{conditions}, \@conditions, "$name: conditions");
        is($client->{status}, 'online', "$name: online");
    }
};

subtest 'last_change' => sub {
    # What is known, what is the same or unknown, and what is another.
    my %case = (
        public_ip => ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.2'],
        location => ['DE', 'Germany', 'FR'],
        dns_loc => ['DE', 'DEU', 'FR'],
        vpn_connected => [$TRUE, undef, $FALSE],
    );
    my %known = map { $_ => $case{$_}[0] } keys %case;
    for my $member (sort keys %case) {
        my (undef, $same, $another) = @{ $case{$member} };
        my $id = "change-$member" =~ tr/_/-/r;
        $sentinel->keepalive({ client_id => $id, %known });
        $sentinel->keepalive({ client_id => $id, %known, city => 'Rome', provider => 'another' });
        $sentinel->keepalive({ client_id => $id, %known, $member => $same });
        $sentinel->keepalive({ client_id => $id, %known, $member => undef });
        $sentinel->keepalive({ client_id => $id, %known });
        is($sentinel->client($id)->{last_change}, undef, "$member: the same or unknown: none");

        $sentinel->keepalive({ client_id => $id, %known, $member => $another });
        my $client = $sentinel->client($id);
        is($client->{last_change}, $client->{last_seen}, "$member: another: now");
    }
    my $id = 'change-public-ip';
    my $changed = $sentinel->client($id)->{last_change};
    my $later = $sentinel->wait_for(sub {
        $sentinel->keepalive({ client_id => $id, %known, public_ip => $case{public_ip}[2] });
        return $sentinel->client($id)->{last_seen} gt $changed;
    });
    ok($later, 'seen later');
    is($sentinel->client($id)->{last_change}, $changed, 'last_change stays');
};

subtest 'DELETE' => sub {
    $sentinel->keepalive({ client_id => 'gone', public_ip => '192.0.2.1', city => 'Rome' });
    $sentinel->keepalive({ client_id => 'gone', public_ip => '192.0.2.2', city => 'Rome' });
    my (undef, undef, $answer) = $sentinel->api('DELETE', '/clients/gone');
    is($answer->{status}, 200, 'status');
    is($answer->{content}, '{"status":"ok","message":"Client removed"}', 'body');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
    ok(!(grep { $_ eq 'gone' } @{ ids('') }), 'it is not listed');
    for my $method (qw(GET DELETE)) {
        (undef, undef, $answer) = $sentinel->api($method, '/clients/gone');
        $sentinel->is_error($answer, 404, 'Not found', "$method again");
    }
    $sentinel->keepalive({ client_id => 'gone', public_ip => '192.0.2.3' });
    is_deeply(without_times($sentinel->client('gone')),
        { %unknown, client_id => 'gone', public_ip => '192.0.2.3' }, 'it comes back as a new one');
};

subtest 'paths' => sub {
    my $longest = 'x' x 100;
    $sentinel->keepalive({ client_id => $longest });
    ok($sentinel->client($longest), 'the longest id');
    ok($sentinel->client('%62are'), 'an id in percent-encoding');
    for my $path ("${longest}x", '',
        qw(nobody bare/ bare/x Bare b_re %C3%A4 bare%20 bare%0A %3Cscript%3E)) {
        for my $method (qw(GET DELETE)) {
            my (undef, undef, $answer) = $sentinel->api($method, "/clients/$path");
            $sentinel->is_error($answer, 404, 'Not found', "$method '$path'");
        }
    }
    ok($sentinel->client('bare'), 'the client of the similar paths is still there');
};

subtest 'methods' => sub {
    for my $path ('/clients', '/clients/bare', '/clients?status=online') {
        my (undef, undef, $get) = $sentinel->api('GET', $path);
        my (undef, undef, $head) = $sentinel->api('HEAD', $path);
        is($head->{status}, 200, "HEAD $path");
        is($head->{content} // '', '', '... no body');
        is($head->{headers}{$_}, $get->{headers}{$_}, "... $_ as for GET")
            for 'content-type', 'cache-control';
    }
    my (undef, undef, $answer) = $sentinel->api('HEAD', '/clients/nobody');
    is($answer->{status}, 404, 'HEAD of nobody');
    my %allow = ('/clients' => 'GET, HEAD', '/clients/bare' => 'GET, HEAD, DELETE');
    for my $path (sort keys %allow) {
        for my $method (qw(POST PUT PATCH OPTIONS), $path eq '/clients' ? 'DELETE' : ()) {
            (undef, undef, $answer) = $sentinel->api($method, $path);
            $sentinel->is_error($answer, 405, 'Method not allowed', "$method $path");
            is($answer->{headers}{allow}, $allow{$path}, '... Allow');
        }
    }
};

subtest 'filters' => sub {
    my $online = ids('');
    $sentinel->api('POST', '/register', { content => { client_id => "silent-$_" } }) for 1, 2;
    my @offline = ('silent-1', 'silent-2');
    is_deeply(ids('?status=online'), $online, '... all that report');
    is_deeply(ids('?status=offline'), \@offline, '... all that do not');
    is_deeply(ids('?other=1&status=offline'), \@offline, '... whatever else is asked');
    is_deeply(ids('?other=1'), [sort @$online, @offline], '... all');
    for my $status ('', 'Online', 'both', 'online%00', 'online,offline') {
        my (undef, undef, $answer) = $sentinel->api('GET', "/clients?status=$status");
        my $message = $sentinel->is_error($answer, 400, 'Bad request', "status=$status");
        like($message, qr/\Astatus /, '... the message names it');
    }
};
is($sentinel->stop, 0, 'httpd ends well');
$sentinel->check_error_log;

subtest 'offline' => sub {
    my $quick = Sentinel->start(conf => "VPNSentinelOfflineThreshold 2\n$own_addresses");
    my %report = (client_id => 'quiet', location => 'DE', dns_loc => 'FR',
        public_ip => '203.0.113.43', vpn_connected => $FALSE);
    $quick->keepalive(\%report);
    my $client;
    my $is = sub {
        my ($status) = @_;
        return sub { $client = $quick->client('quiet'); $client->{status} eq $status };
    };
    ok($quick->wait_for($is->('offline')), 'a client without keepalive goes offline');
    is($client->{light}, 'grey', 'its light');
    is_deeply($client->{conditions}, ['offline'], 'no other condition: its report is history');
    is($client->{public_ip}, '203.0.113.43', 'what it said is kept');
    is($client->{keepalives}, 1, 'reading counts for nothing');
    my (undef, $list) = $quick->api('GET', '/clients?status=offline');
    is_deeply($list->{clients}, [$client], 'the list agrees');
    (undef, $list) = $quick->api('GET', '/clients?status=online');
    is_deeply($list, { clients => [], count => 0 }, 'it is not among those online');
    my (undef, $status) = $quick->api('GET', '/status');
    is($status->{clients}{offline}, 1, 'the status agrees');
    is($status->{clients}{grey}, 1, '... and its light');

    my $is_online = $is->('online');
    my $back = $quick->wait_for(sub { $quick->keepalive(\%report); $is_online->() });
    ok($back, 'a keepalive brings it back');
    is($client->{light}, 'red', 'its light');
    is_deeply($client->{conditions}, ['dns_leak', 'bypass', 'vpn_down'], 'its conditions');
    like($client->{last_change}, $TIME, 'that was a change');
    $quick->check_error_log;
};

done_testing;
