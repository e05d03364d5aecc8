# The client daemon reports when its network changes, in a network of the test's own. Its interval is a day: no
# round but the first comes by itself.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use ClientDaemon;
use ClientWorld;
use StandIn;

my @inside = qw(unshare -Urnm);

# All of this test runs in namespaces: its networks, its /etc, the stand-ins and the daemon.
if (!$ENV{VPS_CHANGE_INSIDE}) {
    my $try = 'ip link set lo up && ip tuntap add mode tun name t0 && mount -t tmpfs tmpfs /etc';
    plan skip_all => 'no namespaces, no ip or no tunnel interfaces here'
        if system("@inside sh -c '$try' >/dev/null 2>&1") != 0;
    $ENV{VPS_CHANGE_INSIDE} = 1;
    exec @inside, $^X, (map { "-I$_" } @INC), $0 or die "unshare: $!";
}

sub sh {
    my ($commands) = @_;
    system('sh', '-ec', $commands) == 0 or fail("failed: $commands");
    return;
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return;
}

# An /etc that may be changed, with what a look-up of names needs.
sub make_etc {
    my %kept = map { $_ => do { local (@ARGV, $/) = "/etc/$_"; <> } }
        grep { -r "/etc/$_" } qw(nsswitch.conf hosts passwd group);
    sh('mount -t tmpfs tmpfs /etc && mkdir /etc/target');
    write_file("/etc/$_", $kept{$_}) for keys %kept;
    write_file('/etc/resolv.conf', "nameserver 192.0.2.53\n");
    return;
}

# A line, with its router and a network of containers.
sub make_network {
    sh(<<'SH');
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth1 up
ip addr add 198.51.100.10/24 dev eth0
ip addr add 2001:db8::10/64 dev eth0 nodad
ip link set eth0 up
ip link add br0 type bridge
ip addr add 172.17.0.1/16 dev br0
ip link set br0 up
ip route add default via 198.51.100.1
ip -6 route add default via 2001:db8::1 dev eth0
SH
    return;
}

my $tun = <<'SH';
ip tuntap add mode tun name tun0
ip addr add 10.66.0.2/24 dev tun0
ip link set tun0 up
SH

sub changes { return lines($_[0], qr/Network changed: /) }

# The daemon has taken all that the kernel told it so far: one that sleeps meanwhile hears of too much at once.
sub hears_all {
    my ($client) = @_;
    return $client->wait_for(sub {
        open my $in, '<', '/proc/self/net/netlink' or die "netlink: $!";
        my (undef, @socket) = <$in>;
        return !grep { (split)[4] } @socket;
    });
}

# Of the last early report, what the log says of it.
sub told {
    my ($client) = @_;
    my @told = $client->log =~ /Network changed: (.*), reporting at once/g;
    return $told[-1];
}

# Time goes on for the daemon: it has been suspended for so many seconds more.
sub elapse {
    my ($client, $seconds) = @_;
    $client->suspend($client->{passed} += $seconds);
    return;
}

# Wait until the daemon, after its second look, has nothing more to do; and until it may be early again.
sub settle {
    my ($client) = @_;
    my $is_waiting = sub { ($client->log)[-1] =~ /Next round in/ };
    my $is_settled = sub {
        my ($last) = reverse grep { /Network changed|Looking once more/ } $client->log;
        return ($last // '') !~ /Network changed/ && $is_waiting->();
    };
    my $is_over = $client->wait_for(sub {
        elapse($client, 5) if $is_waiting->() && !$is_settled->();
        return $is_settled->();
    });
    elapse($client, 120);
    return $is_over;
}

# What is done to the network makes a report, and another one a little later. Returns what the log says.
sub change {
    my ($client, $world, $commands) = @_;
    my ($changes, $reports) = (changes($client), count($world, 'keepalive'));
    sh($commands);
    ok($client->wait_for(sub { changes($client) > $changes }), "told: $commands");
    ok(settle($client), 'that is all');
    cmp_ok(count($world, 'keepalive'), '>=', $reports + 2, 'reported, twice');
    return told($client);
}

sub begin {
    my (%more) = @_;
    my $world = StandIn->start;
    my $client = ClientDaemon->start(preload => ['clockstep'], env => environment($world,
        VPN_SENTINEL_CHECK_INTERVAL => 86_400, VPN_SENTINEL_DEBUG => 'on', %more));
    ok($client->wait_for_log(qr/Next round in/), 'waits');
    return ($world, $client);
}

make_etc();
make_network();

subtest 'a tunnel comes and goes' => sub {
    my ($world, $client) = begin();
    ok($client->wait_for_log(qr/no tunnel is to be seen/), 'no tunnel');
    like(change($client, $world, "${tun}ip route add 0.0.0.0/1 dev tun0\nip route add 128.0.0.0/1 dev tun0"),
        qr/^default route/, 'the log says why');
    ok($client->wait_for_log(qr/by the tunnel tun0/), 'it has looked anew');
    # The kernel does not tell of routes that go with their link.
    is(change($client, $world, 'ip link set tun0 down'), 'link', 'down');
    ok($client->wait_for_log(qr/VPN is down/), 'seen');
    is(change($client, $world, "ip link set tun0 up\nip route add 0.0.0.0/1 dev tun0"), 'default route', 'up');
    is(change($client, $world, "ip addr del 10.66.0.2/24 dev tun0"), 'address', 'an address gone');
    is(change($client, $world, "ip addr add 10.66.0.3/24 dev tun0\nip route replace 0.0.0.0/1 dev tun0"),
        'default route', 'another');
    like(change($client, $world, 'ip link del tun0'), qr/link/, 'gone');
    is($client->end, 0);
};

subtest 'what makes a report' => sub {
    my ($world, $client) = begin();
    my @case = (
        ['ip route replace default via 198.51.100.2', 'default route'],
        ['ip route del default', 'default route'],
        ['ip route add default via 198.51.100.1', 'default route'],
        ['ip -6 route add ::/1 via 2001:db8::2 dev eth0', 'default route'],
        ['ip -6 route del ::/1', 'default route'],
        ['ip route add default dev br0 table 51820', 'default route'],
        ['ip route del default dev br0 table 51820', 'default route'],
        ['ip rule add not fwmark 51820 table 51820', 'routing rules'],
        ['ip rule del not fwmark 51820 table 51820', 'routing rules'],
        ['ip route add 192.0.2.0/24 via 198.51.100.3', 'route to a resolver'],
        ['ip route del 192.0.2.0/24', 'route to a resolver'],
        ['ip addr add 198.51.100.11/24 dev eth0', 'address'],
        ['ip link set eth1 down', 'link'],
        ['ip link set eth1 up', 'link'],
    );
    is(change($client, $world, $_->[0]), $_->[1], $_->[1]) for @case;
    is($client->end, 0);
};

subtest 'what does not' => sub {
    my ($world, $client) = begin();
    # Each of them; then a change, and the log names that one alone.
    for my $i (1 .. 5) {
        sh(<<"SH");
ip link add va$i type veth peer name vb$i
ip link set va$i master br0 up
ip link set vb$i up
ip addr add 172.17.0.@{[ $i + 1 ]}/16 dev vb$i
ip route add 172.30.$i.0/24 dev va$i
ip neigh replace 172.17.0.@{[ $i + 1 ]} lladdr 02:00:00:00:00:0$i dev br0
SH
        ok(hears_all($client), 'heard');
    }
    sh(<<'SH');
ip route replace default via 198.51.100.1
ip -6 route replace default via 2001:db8::1 dev eth0 expires 1800
ip addr change 2001:db8::10/64 dev eth0 valid_lft 7200 preferred_lft 3600
ip link set eth0 promisc on
ip link set eth0 promisc off
ip neigh replace 198.51.100.1 lladdr 02:00:00:00:00:01 dev eth0
ip rule add iif br0 table 100
ip rule del iif br0 table 100
SH
    for my $i (1 .. 5) {
        ok(hears_all($client), 'heard');
        sh("ip link del va$i");
    }
    ok(hears_all($client), 'heard');
    write_file('/etc/resolv.conf', "# again\nnameserver 192.0.2.53\n");
    is(changes($client), 0, 'nothing so far');
    is(change($client, $world, 'ip rule add table 100'), 'routing rules', 'only that');
    is(changes($client), 1, 'once');
    is(count($world, 'keepalive'), 3, 'and once more');
    sh('ip rule del table 100');
    is($client->end, 0);
};

subtest 'resolvers' => sub {
    my ($world, $client) = begin();
    my @case = (
        ['in place' => 'echo nameserver 192.0.2.54 >/etc/resolv.conf'],
        ['replaced' => 'echo nameserver 192.0.2.55 >/etc/new; mv /etc/new /etc/resolv.conf'],
        ['a link' => 'echo nameserver 192.0.2.56 >/etc/target/r; ln -sf target/r /etc/resolv.conf'],
        ['behind the link' => 'echo nameserver 192.0.2.57 >/etc/target/n; mv /etc/target/n /etc/target/r'],
    );
    is(change($client, $world, $_->[1]), 'resolvers', $_->[0]) for @case;
    is(change($client, $world, 'ip route add 192.0.2.57/32 via 198.51.100.3'), 'route to a resolver',
        'routes to them count from now on');
    sh('ip route del 192.0.2.57/32');
    is($client->end, 0);
    sh('rm /etc/resolv.conf; echo nameserver 192.0.2.53 >/etc/resolv.conf; touch /etc/target/bound');
};

subtest 'resolvers, mounted as in a container' => sub {
    sh('cp /etc/resolv.conf /etc/target/bound; mount --bind /etc/target/bound /etc/resolv.conf');
    my ($world, $client) = begin();
    is(change($client, $world, 'echo nameserver 192.0.2.58 >/etc/resolv.conf'), 'resolvers', 'from within');
    is(change($client, $world, 'echo nameserver 192.0.2.59 >/etc/target/bound'), 'resolvers', 'from outside');
    is($client->end, 0);
    sh('umount /etc/resolv.conf');
};

subtest 'what was known of the exit' => sub {
    my ($world, $client) = begin();
    is(count($world, 'ipinfo'), 1, 'its place is asked for');
    $world->address('198.51.100.99');
    change($client, $world, 'ip route replace default via 198.51.100.2');
    is(last_body($world)->{public_ip}, '198.51.100.99', 'the exit is another one');
    is(count($world, 'ipinfo'), 2, 'and its place');
    change($client, $world, 'ip route replace default via 198.51.100.1');
    is(count($world, 'ipinfo'), 2, 'the place of a known one is known');
    is($client->end, 0);
};

subtest 'the services tell who we are' => sub {
    my ($world, $client) = begin(VPN_SENTINEL_TRACE_URL => 'http://127.0.0.1:1');
    $world->address('198.51.100.98');
    change($client, $world, 'ip route replace default via 198.51.100.2');
    is(last_body($world)->{public_ip}, '198.51.100.98', 'they are asked anew');
    sh('ip route replace default via 198.51.100.1');
    is($client->end, 0);
};

subtest 'the server tells who we are' => sub {
    my ($world, $client) = begin(map { ("VPN_SENTINEL_${_}_URL" => 'http://127.0.0.1:1') } qw(TRACE IPINFO IPAPI IPWHOIS));
    $world->address('198.51.100.95', 'keepalive');
    another_round($client, $world);
    is(another_round($client, $world)->{public_ip}, '198.51.100.95', 'what it saw');
    my $reports = count($world, 'keepalive');
    $world->address('198.51.100.96', 'keepalive');
    change($client, $world, 'ip route replace default via 198.51.100.2');
    my @since = (map { JSON::PP->new->decode($_->{body})->{public_ip} } $world->requests('keepalive'))[$reports, -1];
    isnt($since[0], '198.51.100.95', 'what it saw in another network does not count');
    is($since[1], '198.51.100.96', 'what it has seen since does');
    sh('ip route replace default via 198.51.100.1');
    is($client->end, 0);
};

subtest 'a tunnel that flaps' => sub {
    my ($world, $client) = begin();
    for (1 .. 100) {
        sh('ip route replace default via 198.51.100.2');
        sh('ip route replace default via 198.51.100.1');
    }
    $world->address('198.51.100.97');
    sh('ip route replace default via 198.51.100.3');
    ok(settle($client), 'it calms down');
    ok($client->wait_for(sub { last_body($world)->{public_ip} eq '198.51.100.97' }), 'the last of it is told');
    cmp_ok(count($world, 'keepalive'), '<=', 12, 'in a few reports');
    sh('ip route replace default via 198.51.100.1');
    is($client->end, 0);
};

subtest 'while the server is away' => sub {
    my ($world, $client) = begin();
    $world->misbehave(keepalive => { status => 503 });
    my $waits = sub { ($client->log =~ /Next round in (\d+) ms/g)[-1] };
    for (1 .. 12) {
        another_round($client, $world);
        settle($client);
    }
    cmp_ok($waits->(), '>', 300_000, 'a long wait');
    $world->behave('keepalive');
    sh('ip route replace default via 198.51.100.2');
    ok($client->wait_for_log(qr/accepts reports again/), 'a change does not wait');
    is($client->end, 0);
};

# Whoever was to be asked for the server's name may be gone with the network: it is looked for where it was.
subtest 'a name in the middle of a change' => sub {
    my $world = StandIn->start;
    my ($port) = $world->url =~ /:(\d+)/;
    my $hosts = do { local (@ARGV, $/) = '/etc/hosts'; <> };
    my $is_at = sub { write_file('/etc/hosts', "$hosts\n$_[0] sentinel.example\n") };
    $is_at->('127.0.0.1');
    my $client = ClientDaemon->start(preload => ['clockstep'], env => environment($world, VPN_SENTINEL_TIMEOUT => 300,
        VPN_SENTINEL_SERVER_URL => "http://sentinel.example:$port", VPN_SENTINEL_CHECK_INTERVAL => 86_400,
        VPN_SENTINEL_DEBUG => 'on'));
    ok($client->wait_for_log(qr/Next round in/), 'waits');
    my %before = map { $_ => count($world, $_) } qw(trace keepalive);
    $world->misbehave(trace => { hang => 1, times => 1 });
    $client->signal('USR1');
    ok(wait_for_requests($client, $world, 'trace', $before{trace} + 1), 'it looks');
    $is_at->('127.0.0.2');
    sh('ip route replace default via 198.51.100.1');
    ok($client->wait_for_log(qr/Network changed: default route/), 'that look is over');
    unlike(scalar $client->log, qr/Server unreachable/, 'and was told');
    cmp_ok(count($world, 'keepalive'), '>', $before{keepalive}, 'where the server was');
    $is_at->('127.0.0.1');
    ok(settle($client), 'goes on');
    sh('ip route replace default via 198.51.100.2');
    is($client->end, 0);
    write_file('/etc/hosts', $hosts);
};

subtest 'a change in the middle of a round' => sub {
    my ($world, $client) = begin(VPN_SENTINEL_TIMEOUT => 300);
    my $asked = count($world, 'trace');
    $world->misbehave(trace => { hang => 1, times => 1 });
    $client->signal('USR1');
    ok(wait_for_requests($client, $world, 'trace', $asked + 1), 'it waits for an answer');
    sh('ip route replace default via 198.51.100.1');
    ok($client->wait_for_log(qr/trace: the network has changed/), 'no longer');
    ok($client->wait_for_log(qr/Network changed: default route/), 'another round');
    ok(settle($client), 'goes well');
    is(lines($client, qr/the network has changed/), 1, 'one request was given up');
    is($client->end, 0);
};

# In the middle of a round that waits for the trace. Returns whether its report has the VPN up.
sub is_up_after {
    my ($client, $world, $commands) = @_;
    my ($asked, $reports) = map { scalar count($world, $_) } qw(trace keepalive);
    $world->misbehave(trace => { hang => 1, times => 1 });
    $client->signal('USR1');
    ok(wait_for_requests($client, $world, 'trace', $asked + 1), 'it waits for an answer');
    sh($commands);
    ok($client->wait_for(sub { count($world, 'keepalive') > $reports }), "reported: $commands");
    my $body = ($world->requests('keepalive'))[$reports]{body};
    ok(settle($client), 'that is all');
    return JSON::PP->new->decode($body)->{vpn_connected};
}

subtest 'a tunnel that comes or goes in the middle of a round' => sub {
    my ($world, $client) = begin(VPN_SENTINEL_TIMEOUT => 300);
    my $up = "${tun}ip route add 0.0.0.0/1 dev tun0";
    change($client, $world, $up);
    ok(!is_up_after($client, $world, 'ip link del tun0'), 'gone: the report has it');
    ok(is_up_after($client, $world, $up), 'there again: the report has it');
    is($client->end, 0);
    sh('ip link del tun0');
};

done_testing;
