# The client daemon's own judgement of the VPN, in networks of the test's own with real tunnel interfaces.
use strict;
use warnings;
use utf8;

use Test::More;

use ClientDaemon;
use ClientNet;

plan skip_all => $_ for why_no_networks() // ();

my ($eth, $tun, $line) = ($ETH, $TUN, $LINE);

my @case = (
    ['no network', '', 'unknown', qr/no tunnel is to be seen/],
    ['a line', "$eth$line", 'unknown', qr/no tunnel is to be seen/],
    ['a tunnel takes all', "$eth${tun}ip route add default dev tun0", 'yes', qr/by the tunnel tun0/],
    ['a tunnel takes both halves', "$eth$line${tun}ip route add 0.0.0.0/1 dev tun0\nip route add 128.0.0.0/1 dev tun0",
        'yes', qr/by the tunnel tun0/],
    ['a tunnel beside', "$eth$line$tun", 'no', qr/leaves by eth0, not by the tunnel tun0/],
    ['a tunnel that is down', "$eth${line}ip tuntap add mode tun name tun9", 'no', qr/not by the tunnel tun9/],
    ['rules, as wg-quick makes them', "$eth$line${tun}ip route add default dev tun0 table 51820\n"
        . "ip rule add not fwmark 51820 table 51820\nip rule add table main suppress_prefixlength 0",
        'yes', qr/by the tunnel tun0/],
    ['the way is closed', "$eth${tun}ip route add blackhole default", 'no', qr/no way to the Internet/],
    ['IPv6 alone', "$eth${tun}ip addr add fd00::2/64 dev tun0 nodad\nip route add default dev tun0 src fd00::2 || "
        . "ip -6 route add default dev tun0", 'yes', qr/by the tunnel tun0/],
    ['IPv6 beside', "$eth${tun}ip route add default dev tun0\nip addr add 2001:db8::2/64 dev eth0 nodad\n"
        . 'ip -6 route add default dev eth0', 'yes', qr/by the tunnel tun0/],
    ['a labelled address', "${eth}ip addr add 198.51.100.11/32 dev eth0 label eth0:1\n"
        . "ip route add default via 198.51.100.1 src 198.51.100.11\n$tun", 'no', qr/leaves by eth0, not/],
    ['an address on two interfaces', "$eth${tun}ip addr add 10.66.0.2/32 dev eth0\nip route add default dev tun0",
        'yes', qr/by the tunnel tun0/],
    ['an address of the loopback', "$eth${tun}ip addr add 10.9.9.9/32 dev lo\nip route add default dev tun0 src 10.9.9.9",
        'yes', qr/by the tunnel tun0/],
    ['a rule for the port', "$eth$line${tun}ip route add default dev tun0 table 7\n"
        . 'ip rule add ipproto tcp dport 443 table 7', 'yes', qr/by the tunnel tun0/],
    ['a rule for another port', "$eth$line${tun}ip route add default dev tun0 table 7\n"
        . 'ip rule add ipproto udp dport 53 table 7', 'no', qr/leaves by eth0, not/],
    ['a rule for the user', "$eth$line${tun}ip route add default dev tun0 table 7\n"
        . 'ip rule add uidrange 0-0 table 7', 'yes', qr/by the tunnel tun0/],
    ['one that is unreachable', "$eth${tun}ip route add unreachable default", 'no', qr/no way to the Internet/],
    ['one that is prohibited', "$eth${tun}ip route add prohibit default", 'no', qr/no way to the Internet/],
    ['closed for IPv6 too', "$eth${tun}ip route add blackhole default\nip -6 route add blackhole default", 'no',
        qr/no way to the Internet/],
    ['the far address is this host', "$eth${tun}ip addr add 1.1.1.1/32 dev eth0", 'unknown', qr/cannot be told/],
    ['a TAP', "${eth}ip tuntap add mode tap name tap0\nip addr add 10.66.0.2/24 dev tap0\nip link set tap0 up\n"
        . 'ip route add default dev tap0', 'unknown', qr/leaves by tap0, which may be a tunnel or not/],
);

for my $case (@case) {
    my ($name, $network, $expected, $told) = @$case;
    subtest $name => sub {
        my ($body, $log) = print_in($network);
        my $connected = $body->{vpn_connected};
        is(defined $connected ? ($connected ? 'yes' : 'no') : 'unknown', $expected, 'judged');
        like($log, qr/\[vpn\] .*$told/, 'told');
    };
}

subtest 'a tunnel that comes and goes' => sub {
    my $client = ClientDaemon->start(by => [inside("$eth$line")],
        env => { VPN_SENTINEL_SERVER_URL => 'http://127.0.0.1:1', VPN_SENTINEL_CHECK_INTERVAL => 3600 });
    my $inside = sub {
        my ($commands) = @_;
        is(system('nsenter', '-t', $client->pid, qw(-U -n --preserve-credentials sh -ec), $commands), 0, 'done');
        $client->signal('USR1');
    };
    ok($client->wait_for_log(qr/VPN state unknown: no tunnel is to be seen from here/), 'no tunnel');
    $inside->("${tun}ip route add 0.0.0.0/1 dev tun0");
    ok($client->wait_for_log(qr/VPN is up: traffic leaves by the tunnel tun0/), 'a tunnel');
    $inside->('ip link del tun0');
    ok($client->wait_for_log(qr/VPN is down: the tunnel is gone, traffic leaves by eth0/), 'is gone');
    $inside->('ip route del default');
    ok($client->wait_for_log(qr/VPN is down: there is no way to the Internet/), 'no way at all');
    $inside->("${tun}ip route add 0.0.0.0/1 dev tun0");
    ok($client->wait_for_log(qr/VPN is up again after \d+ s: traffic leaves by the tunnel tun0/), 'it is back');
    is($client->end, 0);
};

done_testing;
