# A tunnel through which nothing comes any more, and one that is merely slow, in a network of the test's own.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Socket ();
use Test::More;

use ClientDaemon;
use ClientNet;
use ClientWorld;
use StandIn;

plan skip_all => $_ for why_no_networks() // ();

# All of it, the servers too, is in one network.
if (!$ENV{VPS_TEST_INSIDE}) {
    $ENV{VPS_TEST_INSIDE} = 1;
    exec inside("$ETH${TUN}ip route add default dev tun0\nip -6 route add unreachable default"), $^X,
        (map { "-I$_" } @INC), $0;
}

my $world = StandIn->start;
my @services = qw(trace ipinfo ip-api ipwhois);
my %env = (VPN_SENTINEL_DEBUG => 1, VPN_SENTINEL_DNS_WHOAMI => 'none');
my $DOWN = qr/VPN is down: nothing comes through the tunnel any more/;

# The other end of the tunnel: whoever holds it is the VPN's program. Returns a function that ends it.
sub something_comes_in {
    open my $tun, '+<', '/dev/net/tun' or die "/dev/net/tun: $!";
    my ($TUNSETIFF, $TUN_NO_PI) = (0x400454ca, 0x1001);
    ioctl $tun, $TUNSETIFF, pack 'a16 s x22', 'tun0', $TUN_NO_PI or die "tun0: $!";
    my $packet = pack 'C2 n3 C2 n a4 a4 n4', 0x45, 0, 28, 0, 0, 64, 17, 0, Socket::inet_aton('203.0.113.1'),
        Socket::inet_aton('10.66.0.2'), 9, 9, 8, 0;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        while (1) {
            syswrite $tun, $packet;
            select undef, undef, undef, 0.1;
        }
    }
    return sub { kill 'KILL', $pid; waitpid $pid, 0 };
}

sub nobody_answers { $world->misbehave($_ => { hang => 1 }) for @services; return }
sub all_answer { $world->behave($_) for @services; return }

sub begin {
    my %more = @_;
    all_answer();
    my $client = start_client($world, %env, %more);
    ok($client->wait_for_log(qr/Keepalive accepted/), 'well');
    is(last_body($world)->{vpn_connected}, JSON::PP::true, 'the VPN is up');
    nobody_answers();
    return $client;
}

subtest 'nothing comes in' => sub {
    my %before = map { $_ => count($world, $_) } 'keepalive', @services;
    my $client = begin();
    $client->signal('USR1');
    ok($client->wait_for_log($DOWN), 'seen, long before the next round by the interval');
    ok(wait_for_requests($client, $world, 'keepalive', $before{keepalive} + 3), 'and told');
    my @told = map { JSON::PP->new->decode($_->{body})->{vpn_connected} } ($world->requests('keepalive'))[-2, -1];
    is_deeply(\@told, [JSON::PP::true, JSON::PP::false], 'at the second look, the first one was told too');
    is(count($world, 'ipwhois'), $before{ipwhois}, 'calls are not spent on it');
    unlike(scalar $client->log, qr/timed out after/, 'no time limit was waited for');
    all_answer();
    is(another_round($client, $world)->{vpn_connected}, JSON::PP::true, 'up again');
    is(lines($client, qr/Something comes through the tunnel again after/), 1, 'told');
    is($client->end, 0);
};

subtest 'it is slow' => sub {
    my $end = something_comes_in();
    my $client = begin(VPN_SENTINEL_TIMEOUT => 4, VPN_SENTINEL_GEOLOCATION_SERVICE => 'ipinfo');
    my @service = ("Cloudflare's trace", 'ipinfo');
    my $time_of = sub {
        my ($service) = @_;
        my ($ms) = $client->log =~ /.*No usable answer from $service: .* timed out after (\d+) milliseconds/s;
        return $ms // 0;
    };
    # The kernel may tell late that the tunnel has begun; a round in which the network changes is cut short.
    for (1 .. 5) {
        another_round($client, $world);
        last if !grep { $time_of->($_) < 4000 } @service;
    }
    cmp_ok($time_of->($_), '>=', 4000, "$_ had its time") for @service;
    my $is_over = qr/Keepalive accepted(?!.*Keepalive accepted).*Next round in (\d+) ms/s;
    ok($client->wait_for(sub { $client->log =~ $is_over }), 'the round is over');
    my ($ms) = $client->log =~ $is_over;
    cmp_ok($ms, '>', 3_000_000, 'the next one is by the interval');
    unlike(scalar $client->log, $DOWN, 'nothing is made of it');
    is($client->end, 0);
    $end->();
};

# A single look is nothing to go by, nor is there anything to compare it with.
subtest 'it was always so' => sub {
    nobody_answers();
    my $client = start_client($world, %env);
    ok($client->wait_for_log(qr/Next round in/), 'the first round');
    is(last_body($world)->{vpn_connected}, JSON::PP::true, 'as the kernel says');
    is(another_round($client, $world)->{vpn_connected}, JSON::PP::true, 'still');
    unlike(scalar $client->log, $DOWN, 'nothing is made of it');
    is($client->end, 0);
};

done_testing;
