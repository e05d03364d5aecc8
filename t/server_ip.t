# The server's own public address: asked, agreed on, kept.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Sentinel;
use StandIn;

sub conf {
    my ($world) = @_;
    return "VPNSentinelServerPublicIP auto\nVPNSentinelIPInfoURL " . $world->url
        . "\nVPNSentinelIPAPIURL " . $world->url . "/\n";
}

# The address and its source, as /status tells them.
sub own_ip {
    my ($httpd) = @_;
    my (undef, $status) = $httpd->api('GET', '/status');
    return join ' ', map { $_ // 'null' } @$status{qw(server_public_ip server_public_ip_source)};
}

sub becomes {
    my ($httpd, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->wait_for(sub { own_ip($httpd) eq $expected });
    is(own_ip($httpd), $expected, $name);
}

subtest 'two services agree' => sub {
    my $world = StandIn->start;
    my $httpd = Sentinel->start(conf => conf($world) . "VPNSentinelIPInfoTokenFile token\n",
        files => { token => "ipinfo-token\n" });
    becomes($httpd, '198.51.100.7 ipinfo', 'the address is known');
    my ($ipinfo) = $world->requests('ipinfo');
    is($ipinfo->{path}, '/json', 'ipinfo is asked for it');
    is($ipinfo->{header}{authorization}, 'Bearer ipinfo-token', '... with the token');
    my ($ipapi) = $world->requests('ip-api');
    is($ipapi->{path} =~ s/\?.*//r, '/json/', 'ip-api too');
    is($ipapi->{header}{authorization}, undef, '... without');
    $httpd->keepalive({ client_id => 'bypass', public_ip => '198.51.100.7' });
    $httpd->is_announced('bypass', 'connected bypass', 'a bypass is recognised by it');
    $httpd->is_announced('', 'server_started', 'that it is known is no event');

    # What was found is kept: over a start in which nobody can be asked.
    $world->misbehave($_ => { drop => 1 }) for qw(ipinfo ip-api);
    for my $way (qw(stop crash)) {
        sleep 1.2;
        $httpd->$way;
        $httpd->start_again;
        becomes($httpd, '198.51.100.7 ipinfo', "$way: it is kept");
    }

    # Another address: one event when two answers say so.
    $world->behave($_) for qw(ipinfo ip-api);
    $world->address('198.51.100.8');
    $httpd->stop;
    $httpd->start_again;
    becomes($httpd, '198.51.100.8 ipinfo', 'another address');
    my @events = $httpd->wait_for(sub {
        grep { $_->{event} eq 'server_ip_changed' } $httpd->events('');
    });
    my ($event) = grep { $_->{event} eq 'server_ip_changed' } $httpd->events('');
    is_deeply([ @$event{qw(from to)} ], [ '198.51.100.7', '198.51.100.8' ], '... is told');
    $httpd->is_announced('bypass', 'connected bypass bypass_over', '... and what it means');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'they disagree' => sub {
    my $world = StandIn->start;
    $world->address('198.51.100.9', 'ip-api');
    my $httpd = Sentinel->start(conf => conf($world));
    ok($httpd->wait_for(sub { $world->requests('ip-api') >= 2 }), 'they are asked again and again');
    is(own_ip($httpd), 'null null', 'nothing is known');
    $httpd->keepalive({ client_id => "c-$_", public_ip => "198.51.100.$_" }) for 7, 9;
    $httpd->is_announced("c-$_", 'connected', 'nobody is judged by it') for 7, 9;
    $world->address('198.51.100.9');
    becomes($httpd, '198.51.100.9 ip-api', 'when they agree it is known');
    $httpd->is_announced('c-9', 'connected bypass', '... and judged by');
    $httpd->is_announced('c-7', 'connected', '... the other one is well');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'one service alone' => sub {
    my @table = (
        [ 'ip-api', ipinfo => { status => 429, body => 'Rate limit exceeded' } ],
        [ 'ip-api', ipinfo => { body => '{"ip":"127.0.0.1","bogon":true}' } ],
        [ 'ip-api', ipinfo => { garbage => 1 } ],
        [ 'ipinfo', 'ip-api' => { body => '{"status":"fail","message":"reserved range"}' } ],
        [ 'ipinfo', 'ip-api' => { cut => 1 } ],
    );
    my @pair = map {
        my ($source, $service, $fault) = @$_;
        my $world = StandIn->start;
        $world->misbehave($service => $fault);
        [ $source, Sentinel->start(conf => conf($world)), join(' ', $service, %$fault), $world ];
    } @table;
    for my $pair (@pair) {
        my ($source, $httpd, $name) = @$pair;
        becomes($httpd, "198.51.100.7 $source", "$name: two answers of the other do");
        $httpd->stop;
        $httpd->check_error_log;
    }
};

subtest 'nobody tells' => sub {
    my $world = StandIn->start;
    $world->misbehave($_ => { status => 500, body => '' }) for qw(ipinfo ip-api);
    my $httpd = Sentinel->start(conf => conf($world));
    my $warning = qr/\[server-ip\] \xe2\x9a\xa0\xef\xb8\x8f No look-up service tells/;
    ok($httpd->wait_for(sub { $httpd->read_file('logs/vpnsentinel.log') =~ $warning }), 'the log says so');
    is(own_ip($httpd), 'null null', 'so does the status');
    $httpd->keepalive({ client_id => 'office', public_ip => '198.51.100.7' });
    $httpd->is_announced('office', 'connected', 'no bypass is claimed');
    $httpd->wait_for(sub { $world->requests('ip-api') >= 2 });
    is(() = $httpd->read_file('logs/vpnsentinel.log') =~ /$warning/g, 1, 'it says so once');
    $world->behave($_) for qw(ipinfo ip-api);
    becomes($httpd, '198.51.100.7 ipinfo', 'until they do');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'IPv6' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelServerPublicIP 198.51.100.7 2001:db8::7\n");
    my $report = sub { $httpd->keepalive({ client_id => 'six', public_ip => '203.0.113.6', @_ }) };
    $report->(public_ip6 => '2001:db8::6');
    $httpd->is_announced('six', 'connected', 'another address');
    $report->(public_ip6 => '2001:DB8:0::7');
    $httpd->is_announced('six', 'connected bypass', 'the own one is a bypass');
    like(($httpd->events('six'))[1]{message}, qr/^Server IP: 2001:db8::7$/m, '... that is named');
    $report->();
    is_deeply($httpd->client('six')->{conditions}, ['dns_unknown'], 'unknown is no condition');
    $httpd->is_announced('six', 'connected bypass', '... and ends nothing');
    $report->(ipv6_verdict => 'blocked');
    $httpd->is_announced('six', 'connected bypass bypass_over', 'blocked ends it');
    $report->(public_ip6 => '2001:db8::8');
    $report->(public_ip6 => '2001:db8::9');
    $httpd->is_announced('six', 'connected bypass bypass_over', 'addresses may rotate');
    $httpd->stop;
    $httpd->check_error_log;
};

done_testing;
