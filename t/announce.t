# What is announced, when, in which words; once, in the API and on Telegram alike.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);

use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my ($YES, $NO) = (JSON::PP::true, JSON::PP::false);
my $OWN = '198.51.100.7';
my $DE = { location => 'DE', city => 'Köln', provider => 'AS1 <Net> & "Co"', dns_loc => 'DE',
    dns_colo => 'FRA', vpn_connected => $YES };

# A message without its time.
sub timeless {
    my ($text) = @_;
    return $text =~ s/^Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+$/Time: .../mr;
}

# One server tells its bot while the rest of this file runs: a message a second.
my $bot = BotApi->start;
my $office = Sentinel->start(conf => $bot->conf . "VPNSentinelServerPublicIP $OWN\n");

subtest 'each transition' => sub {
    my $facts = "Location: Köln, DE\nProvider: AS1 <Net> & \"Co\"\n";
    my ($green, $yellow, $red) = map { "Light: $_\n" } '🟢 green (secure)',
        '🟡 yellow (DNS leak or unknown)', '🔴 red (bypass, IPv6 leak or VPN down)';
    my $elsewhere = "DNS comes out in another country than the VPN\n";
    my $own = "Public IP: 198.51.100.7\n";
    my ($first, $second) = ("Public IP: 203.0.113.1\n", "Public IP: 203.0.113.2\n");
    my $secure = "${facts}DNS: DE (FRA)\n";
    my $leaking = "${facts}DNS: FR (FRA)\n";
    my @table = (
        [ 'the first keepalive', { public_ip => '203.0.113.1' }, connected => "✅ VPN Connected! office\n$green$first$secure" ],
        [ 'another one', { public_ip => '203.0.113.1' } ],
        [ 'another address', {}, ip_changed =>
            "🔄 IP Address Changed: office\n${green}Public IP: 203.0.113.1 → 203.0.113.2\n$secure" ],
        [ 'no address', { public_ip => undef } ],
        [ 'an unknown one', { public_ip => 'unknown' } ],
        [ 'the same again, spelt otherwise', { public_ip => '::ffff:203.0.113.2' } ],
        [ 'DNS elsewhere', { dns_loc => 'France' }, dns_leak =>
            "⚠️ DNS LEAK DETECTED: office\n$yellow$elsewhere$second$leaking" ],
        [ 'the same country in other words', { dns_loc => 'FRA' } ],
        [ 'DNS unknown', { dns_loc => 'unknown' } ],
        [ 'DNS in no known country', { dns_loc => 'Atlantis' } ],
        [ 'the leak is over', { dns_loc => 'Germany' }, dns_leak_over =>
            "✅ DNS Leak Over: office\n${green}DNS comes out in the country of the VPN\n$second$secure" ],
        [ 'the server\'s own address', { public_ip => $OWN },
            ip_changed => "🔄 IP Address Changed: office\n${red}Public IP: 203.0.113.2 → $OWN\n$secure",
            bypass => "⚠️ VPN BYPASS WARNING: office\n$red${own}Server IP: $OWN\n$secure" ],
        [ 'the address unknown again', { public_ip => undef } ],
        [ 'the VPN\'s again', {},
            ip_changed => "🔄 IP Address Changed: office\n${green}Public IP: $OWN → 203.0.113.2\n$secure",
            bypass_over => "✅ VPN Bypass Over: office\n$green$second$secure" ],
        [ 'the VPN is down', { vpn_connected => $NO }, vpn_disconnected =>
            "🔴 VPN Disconnected: office\n$red$second$secure" ],
        [ 'whether it is up is unknown', { vpn_connected => undef } ],
        [ 'the VPN is up', {}, vpn_reconnected =>
            "✅ VPN Reconnected: office\n${green}Outage: N s\n$second$secure" ],
        [ 'several at once', { public_ip => '203.0.113.1', dns_loc => 'FR', vpn_connected => $NO },
            ip_changed => "🔄 IP Address Changed: office\n${red}Public IP: 203.0.113.2 → 203.0.113.1\n$leaking",
            dns_leak => "⚠️ DNS LEAK DETECTED: office\n$red$elsewhere$first$leaking",
            vpn_disconnected => "🔴 VPN Disconnected: office\n$red$first$leaking" ],
    );
    my @names;
    for my $row (@table) {
        my ($name, $report, %told) = @$row;
        my %expected = @$row[ 2 .. $#$row ];
        # Long enough that an outage has a length.
        sleep 1.1 if $expected{vpn_reconnected};
        my %body = (client_id => 'office', public_ip => '203.0.113.2', %$DE, %$report);
        my $before = $office->events('office');
        is(($office->keepalive(\%body))[0], 200, "$name: accepted");
        $office->wait_for(sub { $office->events('office') >= $before + keys %expected });
        my @events = ($office->events('office'))[ $before .. $before + keys(%expected) - 1 ];
        my %events = map { $_ ? ($_->{event} => $_) : () } @events;
        is_deeply([ sort keys %events ], [ sort keys %expected ], '... what is told');
        for my $kind (sort keys %expected) {
            # On a busy machine what is over may have lasted a second, which is then told.
            my $message = timeless($events{$kind}{message} // '') =~ s/^Outage: \d+/Outage: N/mr
                =~ s/^Lasted: \d+ s, from [-\d: ]+\n//mr;
            is($message, "$expected{$kind}Time: ...", "... $kind to the letter");
        }
        push @names, map { $_ ? $_->{event} : () } @events;
    }
    $office->is_announced('office', "@names", 'nothing besides');
};

subtest 'the facts of an event' => sub {
    my ($event) = grep { $_->{event} eq 'dns_leak' } $office->events('office');
    like($event->{id}, qr/\A\d+\z/, 'id');
    like($event->{time}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/, 'time');
    is_deeply([ @$event{qw(to place dns dns_colo city provider light)} ],
        [ '203.0.113.2', 'DE', 'FR', 'FRA', 'Köln', 'AS1 <Net> & "Co"', 'yellow' ], 'what it says');
    my @ids = map { $_->{id} } $office->events;
    is_deeply(\@ids, [ sort { $a <=> $b } @ids ], 'ids rise');
    my ($started) = $office->events;
    is($started->{event}, 'server_started', 'the first one is the start');
    is($started->{client_id}, undef, '... of no client');
};

subtest 'first words' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelServerPublicIP $OWN\n");
    my @table = (
        [ 'down', { vpn_connected => $NO }, 'vpn_disconnected' ],
        [ 'bypass', { public_ip => $OWN }, 'connected bypass' ],
        [ 'leak', { location => 'DE', dns_loc => 'FR' }, 'connected dns_leak' ],
        [ 'unknown', { public_ip => 'unknown', location => 'Atlantis', dns_loc => 'FR' }, 'connected' ],
        [ 'all', { public_ip => $OWN, location => 'DE', dns_loc => 'FR', vpn_connected => $NO },
            'vpn_disconnected' ],
    );
    $httpd->api('POST', '/register', { content => { client_id => 'registered' } });
    $httpd->keepalive({ client_id => $_->[0], %{ $_->[1] } }) for @table;
    my @table_now = @table[ 0 .. 3 ];
    $httpd->is_announced($_->[0], $_->[2], $_->[0]) for @table_now;
    $httpd->wait_for(sub { $httpd->events('all') >= 3 });
    is_deeply([ sort map { $_->{event} } $httpd->events('all') ],
        [ sort qw(vpn_disconnected bypass dns_leak) ], 'all at once');
    $httpd->is_announced('registered', '', 'who only registered is not told of');

    $httpd->api('DELETE', '/clients/leak');
    $httpd->keepalive({ client_id => 'leak' });
    $httpd->is_announced('leak', 'connected dns_leak connected', 'removed and come again');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'Telegram is switched on later' => sub {
    my $other = BotApi->start;
    my $httpd = Sentinel->start(conf => "VPNSentinelOfflineThreshold 2\n");
    $httpd->keepalive({ client_id => 'gone', public_ip => '203.0.113.1' });
    $httpd->is_announced('gone', 'connected offline', 'transitions without Telegram');
    $httpd->set_threshold(100);    # nobody goes quiet before it is time
    $httpd->keepalive({ client_id => 'here', public_ip => '203.0.113.1' });
    $httpd->is_announced('here', 'connected', 'another');
    $httpd->write_file('httpd.conf', $httpd->read_file('httpd.conf') . $other->conf);
    $httpd->graceful;
    $httpd->keepalive({ client_id => 'here', public_ip => '203.0.113.2' });
    ok($other->wait_for_messages(1), 'the next one is told');
    like(($other->messages)[0]{plain}, qr/\A🔄 IP Address Changed: here\n/, '... it alone');
    $httpd->set_threshold(2);
    $httpd->is_announced('here', 'connected ip_changed offline', 'it goes quiet');
    sleep 1.1;
    $httpd->keepalive({ client_id => 'here', %$DE });
    ok($other->wait_for_messages(3), 'and comes back');
    my ($offline, $back) = map { timeless($_->{plain}) } ($other->messages)[ 1, 2 ];
    is($offline, "❌ Client Offline: here\nLight: ⚫ grey (offline)\nSilent for: 2 s\n"
        . "Public IP: 203.0.113.2\nLocation: unknown\nDNS: unknown\nTime: ...", '... the one to the letter');
    is($back =~ s/^(Silent for): (?:[3-9]|\d\d) s$/$1: N s/mr, "✅ VPN Connected! here\n"
        . "Light: 🟢 green (secure)\nPublic IP: 203.0.113.2\nLocation: Köln, DE\nProvider: AS1 <Net> & \"Co\"\n"
        . "DNS: DE (FRA)\nSilent for: N s\nTime: ...", '... the other too');
    $httpd->is_announced('gone', 'connected offline', 'nothing is announced again');
    $httpd->stop;
    $httpd->check_error_log;
};

# What happens while the monitor stands still is in the journals, and in the silence.
subtest 'the monitor is held' => sub {
    my $httpd = Sentinel->start(
        conf => "VPNSentinelServerPublicIP $OWN\nVPNSentinelOfflineThreshold 4\n");
    my $tell = sub {
        my ($id, %report) = @_;
        $httpd->keepalive({ client_id => $id, public_ip => '203.0.113.1', %$DE, %report });
    };
    my @all = qw(away flapping much);
    $tell->($_) for @all;
    $httpd->begins_with($_, 'connected', "$_: connected") for @all;
    my ($monitor) = $httpd->monitors;
    kill 'STOP', $monitor;
    $tell->('flapping', public_ip => $_) for qw(203.0.113.2 203.0.113.1);
    ok($httpd->wait_for(sub {
        $tell->($_) for qw(flapping much);
        return $httpd->client('away')->{status} eq 'offline';
    }), 'one is offline meanwhile');
    $tell->('away');
    is($httpd->client('away')->{status}, 'online', '... and back');
    $tell->('much', public_ip => "203.0.113.$_", dns_loc => $_ % 2 ? 'FR' : 'DE') for 1 .. 9;
    kill 'CONT', $monitor;

    # Who is back goes again when this takes long.
    $httpd->begins_with('away', 'connected offline connected', 'offline and back is told');
    my @flap = $httpd->begins_with('flapping', 'connected ip_changed ip_changed', 'A, B, A is told');
    is_deeply([ map { "$_->{from} $_->{to}" } @flap[ 1, 2 ] ],
        [ '203.0.113.1 203.0.113.2', '203.0.113.2 203.0.113.1' ], '... as it was');
    my ($connected, @much);
    $httpd->wait_for(sub {
        ($connected, @much) = grep { $_->{event} ne 'offline' } $httpd->events('much');
        return @much && $much[-1]{event} eq 'dns_leak';
    });
    is($much[-1]{event}, 'dns_leak', 'more than a journal holds: the end is right');
    ok((grep { $_->{merged} } @much), '... the rest is counted') or diag explain \@much;
    $httpd->stop;
    $httpd->check_error_log;
};

# A fleet behind a server that moved is one event, not a storm.
subtest 'the server\'s address changes' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelServerPublicIP $OWN\n");
    my $next = '198.51.100.8';
    $httpd->keepalive({ client_id => "c-$_", public_ip => $next }) for 1 .. 3;
    $httpd->keepalive({ client_id => 'other', public_ip => '203.0.113.1' });
    $httpd->is_announced($_, 'connected', "$_: connected") for qw(c-1 c-2 c-3 other);
    my $conf = $httpd->read_file('httpd.conf');
    $httpd->write_file('httpd.conf', $conf =~ s/\Q$OWN\E/$next/r);
    $httpd->graceful;
    my ($started, $event) = $httpd->is_announced('', 'server_started server_ip_changed', 'one event');
    is_deeply([ @$event{qw(from to)} ], [ $OWN, $next ], '... from where to where');
    like($event->{note}, qr/3/, '... and how many clients are a bypass by it');
    is($httpd->client('c-1')->{light}, 'red', 'the clients are');
    $httpd->is_announced($_, 'connected', "$_: no event of its own") for qw(c-1 c-2 c-3 other);
    $httpd->keepalive({ client_id => 'c-1', public_ip => '203.0.113.9' });
    $httpd->is_announced('c-1', 'connected ip_changed bypass_over', 'the end is told of each');

    $httpd->api('DELETE', "/clients/$_") for qw(c-2 c-3);
    $httpd->write_file('httpd.conf', $conf =~ s/\Q$OWN\E/203.0.113.1/r);
    $httpd->graceful;
    $httpd->is_announced('other', 'connected bypass', 'a single client is told by itself');
    $httpd->stop;
    $httpd->check_error_log;
};

$office->is_told($bot, 'the bot tells what the API lists');
is(scalar(grep { ($_->{parse_mode} // '') ne 'HTML' } $bot->messages), 0, 'all in HTML');
$office->stop;
$office->check_error_log;

done_testing;
