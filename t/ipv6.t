# What the client daemon makes of IPv6, in networks of the test's own with real tunnel interfaces.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use ClientDaemon;
use ClientNet;
use ClientWorld;
use StandIn;

plan skip_all => $_ for why_no_networks() // ();

# All of it, the servers too, is in one network that each case makes anew.
if (!$ENV{VPS_TEST_INSIDE}) {
    $ENV{VPS_TEST_INSIDE} = 1;
    exec inside('ip link set lo up'), $^X, (map { "-I$_" } @INC), $0;
}

my $world = StandIn->start;
my $trace = eval { StandIn->start(bind => '::1') } or plan skip_all => "no ::1: $@";
my $EXIT6 = '2001:db8:9009::42';
$trace->address($EXIT6);

my $interfaces = $ETH =~ s/^ip link set lo up$//mr . $TUN;
my $tun4 = "ip route add default dev tun0\n";
my $line6 = "ip addr add 2001:db8::2/64 dev eth0 nodad\nip -6 route add default via 2001:db8::1\n";
my $tun6 = "ip addr add fd00::2/64 dev tun0 nodad\nip -6 route add default dev tun0\n";
my $tap6 = "ip tuntap add mode tap name tap0\nip link set tap0 up\nip addr add fd00::2/64 dev tap0 nodad\n"
    . "ip -6 route add default dev tap0\n";

sub network {
    my ($commands) = @_;
    system("for i in eth0 tun0 tap0; do ip link del \$i; done >/dev/null 2>&1; ip -6 route flush proto boot >/dev/null 2>&1");
    is(system('sh', '-ec', "exec >&2\n$commands"), 0, 'there is a network');
    return;
}

my %env = (VPN_SENTINEL_TRACE6_URL => $trace->url, VPN_SENTINEL_DEBUG => 1, VPN_SENTINEL_DNS_WHOAMI => 'none');

sub look {
    my ($network, %more) = @_;
    network($network);
    my $done = ClientDaemon->run(args => ['--print'], env => environment($world, %env, %more));
    is($done->{status}, 0, 'it looks') or diag $done->{err};
    return (JSON::PP->new->decode($done->{out}), $done->{err});
}

# As look(), once more when it found other than that, a verdict and an address: a probe does not wait for long,
# and on a busy machine an answer may come too late.
sub look_for {
    my ($network, $env, @expected) = @_;
    my ($body, $log);
    for (1 .. 5) {
        ($body, $log) = look($network, %$env);
        last if join(' ', map { $_ // '-' } @$body{qw(ipv6_verdict public_ip6)}) eq join ' ', map { $_ // '-' } @expected;
    }
    return ($body, $log);
}

# In one of the next rounds, for the same reason.
sub comes_out {
    my ($client, $verdict, $name) = @_;
    my $body;
    for (1 .. 20) {
        $body = another_round($client, $world);
        last if $body->{public_ip6};
    }
    is($body->{ipv6_verdict}, $verdict, $name);
    return;
}

my $closed = 'http://[::1]:1';
my @case = (
    ['by the tunnel', "$interfaces$tun4$tun6", {}, 'tunnel', $EXIT6, qr/Leaves by: tun0/],
    ['by the tunnel, to nowhere', "$interfaces$tun4$tun6", { VPN_SENTINEL_TRACE6_URL => $closed }, 'blocked'],
    ['beside the tunnel', "$interfaces$tun4$line6", {}, 'leak', $EXIT6,
        qr/⚠️ IPv6 leaks: it leaves by eth0, past the tunnel tun0, and comes out at $EXIT6/],
    ['beside it, refused', "$interfaces$tun4$line6", { VPN_SENTINEL_TRACE6_URL => $closed }, 'blocked', undef,
        qr/Leaves by: eth0 \| Comes out at: ./],
    ['beside it, to nowhere', "$interfaces$tun4$line6",
        { VPN_SENTINEL_TRACE6_URL => 'https://[2606:4700:4700::1111]' }, 'blocked'],
    ['beside it, not looked', "$interfaces$tun4$line6", { VPN_SENTINEL_TRACE6_URL => 'off' }, undef, undef, qr/not probed/],
    ['IPv4 alone', "$interfaces$tun4", {}, 'blocked'],
    (map { ["$_ by a route", "$interfaces${tun4}ip -6 route add $_ default", {}, 'blocked'] }
        qw(unreachable prohibit blackhole)),
    ['by both, the tunnel first', "$interfaces$tun4${line6}ip -6 route add 2000::/3 dev tun0", {}, 'tunnel', $EXIT6],
    ['an interface that may be one', "$interfaces$tun4$tap6", {}, undef, $EXIT6, qr/Leaves by: tap0/],
    ['no tunnel', "$interfaces${LINE}${line6}ip link del tun0", {}, undef, $EXIT6],
    ['no tunnel, IPv4 alone', "$interfaces${LINE}ip link del tun0", {}, 'blocked'],
    ['a tunnel that carries nothing', "$interfaces$LINE$line6", {}, undef, $EXIT6],
    ['IPv6 alone, by the tunnel', "$interfaces$tun6", {}, 'tunnel', $EXIT6],
    ['IPv6 alone, beside it', "$interfaces$line6", {}, undef, $EXIT6],
    ['a proxy', "$interfaces$tun4$line6", { http_proxy => $world->url, all_proxy => $world->url }, 'leak', $EXIT6],
);
for my $case (@case) {
    my ($name, $network, $env, $verdict, $public_ip6, $told) = @$case;
    subtest $name => sub {
        my ($body, $log) = look_for($network, $env, $verdict, $public_ip6);
        is($body->{ipv6_verdict}, $verdict, 'judged');
        is($body->{public_ip6}, $public_ip6, 'where it comes out');
        is($body->{public_ip}, '198.51.100.7', 'IPv4 as ever') if !$env->{http_proxy};
        like($log, qr/\[ipv6\] Verdict: \w+ \| Leaves by: .* \| Comes out at: ./, 'evidence');
        like($log, $told, 'told') if $told;
        unlike($log, qr/⚠️ IPv6 leaks/, 'no leak is told') if ($verdict // '') ne 'leak';
    };
}

subtest 'no packet for nothing' => sub {
    my $before = count($trace, 'trace');
    look("$interfaces$tun4");
    is(count($trace, 'trace'), $before, 'without a route nobody is asked');
    look("$interfaces$tun4$tun6", VPN_SENTINEL_TRACE6_URL => 'none');
    is(count($trace, 'trace'), $before, 'nor when that is off');
};

subtest 'an exit that has IPv6 alone' => sub {
    $world->address($EXIT6, 'trace');
    my $before = count($trace, 'trace');
    my ($body) = look("$interfaces$tun6");
    is_deeply([@$body{qw(public_ip public_ip6 ipv6_verdict)}], [$EXIT6, $EXIT6, 'tunnel'], 'by the tunnel');
    is(count($trace, 'trace'), $before, 'known without a probe');
    ($body) = look("$interfaces$tun4$line6", VPN_SENTINEL_TRACE6_URL => $closed);
    is_deeply([@$body{qw(public_ip6 ipv6_verdict)}], [$EXIT6, 'blocked'], 'it may be of another network');
    $world->address('198.51.100.7', 'trace');
};

subtest 'answers of no use' => sub {
    for my $fault ({ status => 500 }, { body => 'hello' }, { body => "ip=198.51.100.7\nloc=RO\n" },
        { body => "ip=fd00::7\nloc=RO\n" }, { garbage => "\x1b[2J\n" }, { drop => 1 }, { hang => 1 },
        { status => 302, header => { Location => 'http://127.0.0.1:1/' } }) {
        $trace->misbehave(trace => $fault);
        my ($body, $log) = look("$interfaces$tun4$line6");
        is($body->{$_}, undef, "$_ after " . join ' ', %$fault) for qw(ipv6_verdict public_ip6);
        unlike($log, qr/⚠️|\x1b/, 'no complaint');
    }
    $trace->behave('trace');
};

subtest 'told once, and when it is over' => sub {
    network("$interfaces$tun4$line6");
    my $client = start_client($world, %env, VPN_SENTINEL_DEBUG => 'false');
    ok($client->wait_for_log(qr/Keepalive accepted/), 'well');
    comes_out($client, 'leak', 'a leak');
    is(lines($client, qr/IPv6 leaks/), 1, 'once');
    is(system('ip -6 route del default'), 0);
    is(another_round($client, $world)->{ipv6_verdict}, 'blocked', 'no route');
    is(another_round($client, $world)->{ipv6_verdict}, 'blocked', 'still');
    is(lines($client, qr/IPv6 does not leak any more after \d+ s: blocked/), 1, 'it is over');
    is(lines($client, qr/\[ipv6\]/), 2, 'nothing else');
    is($client->end, 0);
};

# Whoever is asked is at an address of this machine; without that address nobody answers.
subtest 'a lost answer ends nothing' => sub {
    my $address = '2001:db8:1::1';
    my %beside = (network => "$line6$tun4", verdict => 'leak');
    my %within = (network => "${tun4}ip addr add fd00::2/64 dev tun0 nodad\nip -6 route add default dev tun0\n",
        verdict => 'tunnel');
    for my $case (\%beside, \%within) {
        my $verdict = $case->{verdict};
        network("$interfaces$case->{network}ip addr replace $address/128 dev lo nodad");
        system('ip -6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent') if $verdict eq 'leak';
        my $far = StandIn->start(bind => $address);
        $far->address($EXIT6);
        my $client = start_client($world, %env, VPN_SENTINEL_DEBUG => 'false', VPN_SENTINEL_TRACE6_URL => $far->url,
            VPN_SENTINEL_TIMEOUT => 2);
        my $is = sub { is(another_round($client, $world)->{ipv6_verdict}, $_[0], $_[1]) };
        my $answers = sub {
            is(system('ip', 'addr', $_[0] ? 'add' : 'del', "$address/128", 'dev', 'lo'), 0, $_[0] ? 'one answers' : 'nobody');
        };
        ok($client->wait_for_log(qr/Keepalive accepted/), 'well');
        comes_out($client, $verdict, 'at first');
        $answers->(0);
        $is->($verdict, 'one is lost');
        $answers->(1);
        comes_out($client, $verdict, 'it was only lost');
        $answers->(0);
        $is->($verdict, 'another one');
        is(lines($client, qr/does not leak any more/), 0, 'nothing is over');
        $is->('blocked', 'two in a row');
        $is->('blocked', 'and more');
        $answers->(1);
        comes_out($client, $verdict, 'again');
        $far->stop;
        $is->('blocked', 'refused is proof');
        my $leaks = $verdict eq 'leak';
        is(lines($client, qr/IPv6 leaks/), $leaks ? 2 : 0, 'told');
        is(lines($client, qr/IPv6 does not leak any more after \d+ s: blocked/), $leaks ? 2 : 0, 'told when it is over');
        is($client->end, 0);
    }
    system("ip addr del $address/128 dev lo");
};

subtest 'an odd answer ends nothing' => sub {
    network("$interfaces$tun4$line6");
    my $client = start_client($world, %env, VPN_SENTINEL_DEBUG => 'false');
    ok($client->wait_for_log(qr/Keepalive accepted/), 'well');
    $trace->misbehave(trace => { status => 500 });
    is(another_round($client, $world)->{ipv6_verdict}, undef, 'unknown');
    is(lines($client, qr/does not leak any more/), 0, 'but not over');
    $trace->behave('trace');
    comes_out($client, 'leak', 'again');
    is(lines($client, qr/\[ipv6\]/), 1, 'told once');
    is($client->end, 0);
};

subtest 'TERM ends it promptly' => sub {
    network("$interfaces$tun4$line6");
    $trace->misbehave(trace => { hang => 1 });
    my $before = count($trace, 'trace');
    my $client = start_client($world, %env);
    ok($client->wait_for(sub { count($trace, 'trace') > $before }), 'asked');
    is($client->end, 0);
    unlike(scalar $client->log, qr/Keepalive/, 'before it had reported');
};

subtest 'what is no URL of IPv6' => sub {
    for my $bad ('https://one.one.one.one', 'https://1.1.1.1',
        '[2606:4700:4700::1111]', 'https://[2606:4700:4700::1111') {
        my $done = ClientDaemon->run(args => ['--check-config'], env => { VPN_SENTINEL_TRACE6_URL => $bad });
        is($done->{status}, 2, $bad);
        like($done->{err}, qr/VPN_SENTINEL_TRACE6_URL is "\Q$bad\E" but must be an http/, 'told');
    }
};

done_testing;
