# The client daemon's DNS test, against servers on the loopback network that misbehave.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use ClientDaemon;
use ClientNet;
use DnsResponder;
use StandIn;
use VpsHttpd;

my $WHOAMI = 'whoami.example';
my ($EXIT, $OTHER, $OTHER6) = qw(198.51.100.53 192.0.2.54 2001:db8::53);
my $PUBLIC = '198.51.100.7';    # what the stand-in tells

my $world = StandIn->start;
my $cloudflare = DnsResponder->start;
$cloudflare->says('whoami.cloudflare' => { txt => [[$PUBLIC]] });
$cloudflare->says('id.server' => { txt => [['FRA']] });

# The system's servers have no port to be chosen: each is an address of its own.
my $network = sprintf '127.%d.%d', 1 + $$ / 256 % 254, $$ % 256;
my $used = 0;

sub new_server {
    my (%answer) = @_;
    my $server = DnsResponder->start(address => "$network." . ++$used, port => 53);
    $server->says($_ => $answer{$_}) for sort keys %answer;
    return $server;
}

sub option {
    my ($servers, %more) = @_;
    return (
        env => {
            (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(SERVER IPINFO IPAPI IPWHOIS TRACE)),
            VPN_SENTINEL_DNS_WHOAMI => $WHOAMI, VPN_SENTINEL_CLOUDFLARE_DNS => $cloudflare->server,
            VPN_SENTINEL_CHECK_INTERVAL => 3600, VPN_SENTINEL_DEBUG => 1, %more,
        },
        resolv_conf => join('', map { "nameserver $_->{address}\n" } @$servers),
    );
}

sub requests {
    my ($server, $service) = @_;
    return scalar(my @all = $server->requests($service));
}

# What a daemon that was started with --print says, and its log.
sub printed {
    my ($client) = @_;
    is($client->wait_exit, 0, 'ended well');
    open my $in, '<', $client->path('out') or die "out: $!";
    return (JSON::PP->new->utf8->decode(scalar readline $in), scalar $client->log);
}

sub start_print {
    my ($servers, %more) = @_;
    return ClientDaemon->start(args => ['--print'], option($servers, %more));
}

subtest 'no query leaves when none shall' => sub {
    my $done = ClientDaemon->run(
        args => ['--print'],
        env => { option([], VPN_SENTINEL_DNS_WHOAMI => 'none') }->{env},
    );
    is($done->{status}, 0);
    my $body = JSON::PP->new->decode($done->{out});
    is($body->{dns_resolver_ip}, undef, 'the resolver is unknown');
    is($body->{dns_source}, 'trace', 'the place of DNS is that of the trace');
    is(requests($cloudflare, $_), 0, "nobody asks for $_") for 'whoami.cloudflare', 'id.server';
    is($body->{dns_path}, undef, 'without a tunnel there is no path to be told');
    unlike($done->{err}, qr/⚠️/, 'no complaint');
};

# Which way queries take the kernel tells; none is sent.
my $tunneled = "$ETH$LINE${TUN}ip route add 0.0.0.0/1 dev tun0\nip route add 128.0.0.0/1 dev tun0";
my @path = (
    ['no tunnel', "$ETH$LINE", ['198.51.100.53'], undef],
    ['by the tunnel', $tunneled, ['10.66.0.1', '192.0.2.53'], 'tunnel', qr/192\.0\.2\.53:53 leave by tun0: path tunnel$/m],
    ['in the network beside', $tunneled, ['198.51.100.53'], 'outside',
        qr/198\.51\.100\.53:53 leave by eth0: path outside$/m],
    ['one of two', $tunneled, ['10.66.0.1', '198.51.100.53'], 'outside'],
    ['by a route of its own', "$tunneled\nip route add 192.0.2.53 via 198.51.100.1", ['192.0.2.53'], 'outside'],
    ['by a rule for its port', "$tunneled\nip route add default via 198.51.100.1 table 7\n"
        . 'ip rule add ipproto udp dport 53 table 7', ['10.66.0.1'], 'outside'],
    ['by IPv6 beside the tunnel', "$tunneled\nip addr add 2001:db8::2/64 dev eth0 nodad\n"
        . 'ip -6 route add default via 2001:db8::1', ['2001:db8:1::53'], 'outside',
        qr/\[2001:db8:1::53\]:53 leave by eth0: path outside$/m],
    ['a server on this host', $tunneled, ['127.0.0.53'], undef, qr/127\.0\.0\.53:53 leave by lo: path unknown$/m],
    ['one that has an address of the line', $tunneled, ['198.51.100.10'], undef],
    ['one of a link', "$tunneled\nip addr add fe80::2/64 dev eth0 nodad", ['fe80::53'], undef,
        qr/\[fe80::53\]:53 leave by no interface that is known: path unknown$/m],
    # The link is named beside the address.
    ['one of the line\'s link', $tunneled, ['fe80::53%eth0'], 'outside',
        qr/\[fe80::53%eth0\]:53 leave by eth0: path outside$/m],
    ['one of the tunnel\'s link', $tunneled, ['fe80::53%tun0'], 'tunnel',
        qr/\[fe80::53%tun0\]:53 leave by tun0: path tunnel$/m],
    ['one of the line\'s link, too', $tunneled, ['10.66.0.1', 'fe80::53%eth0'], 'outside'],
    ['one of a link that is not there', $tunneled, ['fe80::53%eth9'], undef,
        qr/\[fe80::53%eth9\]:53 leave by no interface that is known: path unknown$/m],
    ['no route to it', "$tunneled\nip route add unreachable 192.0.2.53", ['192.0.2.53'], undef,
        qr/192\.0\.2\.53:53 leave by no interface that is known: path unknown$/m],
    ['a tunnel beside the traffic', "$ETH$LINE$TUN", ['10.66.0.1'], undef],
);
SKIP: {
    my $why = why_no_networks();
    skip($why, scalar @path) if defined $why;
    for my $case (@path) {
        my ($name, $network, $servers, $path, $told) = @$case;
        subtest "path: $name" => sub {
            my ($body, $log) = print_in($network, resolv_conf => join '', map { "nameserver $_\n" } @$servers);
            is($body->{dns_path}, $path, 'judged');
            is($body->{dns_verdict}, !defined $path ? undef : $path eq 'tunnel' ? 'tunnel' : 'leak', 'the verdict');
            is(scalar(() = $log =~ /⚠️ DNS leaks/g), ($path // '') eq 'outside' ? 1 : 0, 'a leak is told');
            like($log, $told // qr/path/, 'told');
        };
    }
}

if (!VpsHttpd->can_mount) {
    note 'root alone can give the daemon servers of its own: the rest is skipped';
    done_testing;
    exit;
}

subtest 'one round' => sub {
    my ($server, $body, $log);
    # Whoever gets no answer within a second asks again.
    for (1 .. 5) {
        $server = new_server(TXT => { txt => [[$EXIT], ['edns0-client-subnet 203.0.113.0/24']] });
        ($body, $log) = printed(start_print([$server]));
        last if requests($server, 'TXT') == 1;
    }
    is($body->{dns_resolver_ip}, $EXIT, 'where the resolver comes out');
    is($body->{dns_loc}, 'RO', 'where that is');
    is($body->{dns_source}, 'resolver', 'and how that is known');
    is($body->{dns_colo}, 'OTP', 'the trace tells the data centre');
    my @asked = $server->requests('TXT');
    is(scalar @asked, 1, 'one query');
    is("$asked[0]{name} $asked[0]{class}", "$WHOAMI 1", 'for the name, in class IN');
    is(requests($server, $_), 0, "none of type $_") for qw(A AAAA);
    is($_->{class}, 3, "$_->{name} in class CH") for map { $cloudflare->requests($_) } 'whoami.cloudflare', 'id.server';
    like($log, qr/Resolvers come out at: $EXIT \| Port 53 at: $PUBLIC \| Colo: FRA$/m, 'all is in the debug log');
    unlike($log, qr/⚠️/, 'no complaint');
};

subtest 'no trace' => sub {
    $world->misbehave(trace => { status => 500 });
    my ($body) = printed(start_print([new_server(TXT => { txt => [[$EXIT]] })]));
    $world->behave('trace');
    is($body->{dns_resolver_ip}, $EXIT);
    is("@$body{qw(dns_loc dns_source)}", 'RO resolver', 'the place of the resolver is looked up');
    is($body->{dns_colo}, 'FRA', 'the data centre as Cloudflare names it');
};

# What makes a leak: a resolver in another country than the exit.
subtest 'the place of a resolver' => sub {
    my @resolver = map { new_server(TXT => { txt => [[$_]] }) } $EXIT, $OTHER;
    $world->misbehave(ipinfo => { body => qq({"ip":"$OTHER","country":"FR"}) });
    my ($body) = printed(start_print([ $resolver[1] ]));
    is("@$body{qw(location dns_loc dns_resolver_ip dns_source)}", "RO FR $OTHER resolver", 'is told');
    ($body) = printed(start_print(\@resolver));
    is("@$body{qw(dns_loc dns_resolver_ip)}", "FR $OTHER", 'of two that of the one that leaks');
    $world->behave('ipinfo');
    ($body) = printed(start_print(\@resolver));
    is("@$body{qw(dns_loc dns_resolver_ip)}", "RO $EXIT", 'of two that do not that of the first');
    $world->misbehave($_ => { status => 500 }) for qw(ipinfo ip-api ipwhois);
    ($body) = printed(start_print([ $resolver[1] ]));
    is("@$body{qw(dns_loc dns_resolver_ip dns_source)}", "RO $OTHER trace", 'when nobody knows it, that of the trace');
    $world->behave($_) for qw(ipinfo ip-api ipwhois);
};

# Where no way is known: by where the server comes out, and whose that is.
subtest 'the verdict on a resolver' => sub {
    my $judged = sub {
        my ($address, $country, $provider, %more) = @_;
        my $server = new_server(TXT => { txt => [[$address]] });
        $more{VPN_SENTINEL_DNS_ALLOWED} =~ s/SERVER/$server->{address}/ if %more;
        $world->misbehave(ipinfo => { body => qq({"ip":"$OTHER","country":"$country","org":"$provider"}) }) if $provider;
        my ($report, $log) = printed(start_print([$server], %more));
        $world->behave('ipinfo');
        like($log, qr/Verdict on \Q$server->{address}\E: \w+ \| Comes out at: \Q$address\E \| AS: \d+/, 'evidence');
        return $report->{dns_verdict};
    };
    is($judged->($EXIT), 'tunnel', 'next to the exit');
    is($judged->($OTHER), 'tunnel', 'of the network of the exit');
    is($judged->($OTHER, 'US', 'AS13335 Cloudflare, Inc.'), 'allowed', 'a public resolver');
    is($judged->($OTHER, 'RO', 'AS3320 ISP'), undef, 'another');
    my $allowed = sub { $judged->($OTHER, 'RO', 'AS3320 ISP', VPN_SENTINEL_DNS_ALLOWED => $_[0]) };
    is($allowed->('AS1,AS3320'), 'allowed', 'its network is allowed');
    is($allowed->('192.0.2.0/24 10.0.0.0/8'), 'allowed', 'where it comes out');
    is($allowed->('SERVER'), 'allowed', 'its address');
    is($allowed->('AS13335'), undef, 'another one');
};

subtest 'what may be allowed' => sub {
    for my $bad ('dns.example', 'AS0', '1.1.1.1/33', ',') {
        my $done = ClientDaemon->run(args => ['--check-config'], env => { VPN_SENTINEL_DNS_ALLOWED => $bad });
        is($done->{status}, 2, $bad);
        like($done->{err}, qr/VPN_SENTINEL_DNS_ALLOWED is "\Q$bad\E" but must be at most 32 addresses, ranges/, 'told');
    }
};

subtest 'Cloudflare by IPv6' => sub {
    my $server6 = eval { DnsResponder->start(address => '::1') } or plan skip_all => "no ::1: $@";
    $server6->says('whoami.cloudflare' => { txt => [[$OTHER6]] });
    my ($body, $log) = printed(start_print([new_server()], VPN_SENTINEL_CLOUDFLARE_DNS => $server6->server));
    like($log, qr/Port 53 at: $OTHER6/, 'it is asked');
    unlike($log, qr/Port 53 comes out/, 'an address of another version is no other way');
};

# All at once, because some take all the time there is. Each server's answers and faults, and the
# resolver that is known then.
my $txt = { txt => [[$EXIT]] };
my @huge = map { ['x' x 255] } 1 .. 200;
my @case = (
    ['akahelp', { TXT => { txt => [['ecs', '203.0.113.0/24/24'], ['ip', '203.0.113.9'], ['ns', $EXIT]] } }, {}, $EXIT],
    ['dnscrypt', { TXT => { txt => [["Resolver IP: $EXIT"], ['CD flag set']] } }, {}, $EXIT],
    ['dnscheck', { TXT => { txt => [['id: 7'], ["resolver: $OTHER6"]] } }, {}, $OTHER6],
    ['A', { TXT => { rcode => 0 }, A => { a => [$EXIT] }, AAAA => { rcode => 0 } }, {}, $EXIT],
    ['AAAA', { TXT => { rcode => 3 }, A => { rcode => 3 }, AAAA => { aaaa => [$OTHER6] } }, {}, $OTHER6],
    ['A and AAAA', { A => { a => [$EXIT] }, AAAA => { aaaa => [$OTHER6] } }, {}, $EXIT],
    ['TXT first', { TXT => $txt, A => { a => [$OTHER] } }, {}, $EXIT],
    ['A when TXT is of no use', { TXT => { txt => [['hello']] }, A => { a => [$EXIT] } }, {}, $EXIT],
    ['A when TXT is never answered', { A => { a => [$EXIT] } }, { TXT => { silent => 1 } }, $EXIT],
    ['mapped address', { AAAA => { aaaa => ["::ffff:$EXIT"] } }, {}, $EXIT],
    ['behind a CNAME', { TXT => { cname => [[$WHOAMI, 'b.example']], %$txt } }, {}, $EXIT],

    ['NXDOMAIN', { map { $_ => { rcode => 3 } } qw(TXT A AAAA) }, {}],
    ['SERVFAIL', { map { $_ => { rcode => 2 } } qw(TXT A AAAA) }, {}],
    ['REFUSED', {}, {}],
    ['no records', { map { $_ => { rcode => 0 } } qw(TXT A AAAA) }, {}],
    ['private', { TXT => { txt => [['10.0.0.1'], ['fd00::1']] }, A => { a => ['192.168.1.1'] },
        AAAA => { aaaa => ['fe80::1'] } }, {}],
    ['invented', { TXT => { txt => [['198.18.0.4']] }, A => { a => ['198.18.0.4'] } }, {}],
    ['no address', { TXT => { txt => [["\x1b[2J$EXIT"], ["$EXIT\0"], [''], ["\xff"], ['unknown']] } }, {}],
    ['CNAME loop', { map { $_ => { cname => [['a.example', 'b.example'], ['b.example', 'a.example'],
        [$WHOAMI, $WHOAMI]] } } qw(TXT A AAAA) }, {}],
    ['silent', {}, { map { $_ => { silent => 1 } } qw(TXT A AAAA) }],
    ['late', { TXT => $txt }, { TXT => { delay => 20 } }],
    ['each in time, late together', { TXT => { txt => [['hello']] }, A => { a => [$EXIT] } },
        { map { $_ => { delay => 2.9 } } qw(TXT A) }],
    ['another id', { TXT => $txt }, { TXT => { id => 1 } }],
    ['another question', { TXT => $txt }, { TXT => { question => 1 } }],
    ['short', { TXT => $txt }, { TXT => { bytes => '' } }],
    ['only a header', { TXT => $txt }, { TXT => { bytes => '8180' . '0001' x 4 } }],
    ['endless names', { TXT => $txt }, { TXT => { bytes => '8180' . '000100010000' . '0000' . 'c00c' x 40 } }],
    ['cut', { TXT => $txt }, { TXT => { cut => 5 } }],
    ['all cut', { map({ $_ => { txt => [[$EXIT]], a => [$EXIT], aaaa => [$OTHER6] } } qw(TXT A AAAA)) },
        { map { $_ => { cut => 30 } } qw(TXT A AAAA) }],

    ['again after a loss', { TXT => $txt }, { TXT => { silent => 1, times => 1 } }, $EXIT],
    ['truncated', { TXT => $txt }, { TXT => { truncated => 1 } }, $EXIT],
    ['truncated, no TCP', { TXT => $txt }, { TXT => { truncated => 1, tcp => 'silent' } }],
    ['truncated, TCP ends', { TXT => $txt }, { TXT => { truncated => 1, tcp => 'drop' } }],
    ['truncated, TCP is slow', { TXT => $txt }, { TXT => { truncated => 1, tcp => 'slow' } }],
    ['huge', { TXT => { txt => [[$EXIT], @huge] } }, { TXT => { truncated => 1 } }],
);
sub start_case {
    my (undef, $answers, $faults) = @{ $_[0] };
    my $server = new_server(%$answers);
    $server->misbehave($_ => $faults->{$_}) for sort keys %$faults;
    return ($server, start_print([$server]));
}
my @running = map { [$_, start_case($_)] } @case;

for my $running (@running) {
    my ($case, $server, $client) = @$running;
    my ($name, $expected) = @$case[0, 3];
    subtest $name => sub {
        my ($body, $log) = printed($client);
        # On a busy machine an answer may come too late, or one that is late be there at the end: once more, alone.
        for (1 .. 3) {
            last if ($body->{dns_resolver_ip} // '') eq ($expected // '');
            ($server, $client) = start_case($case);
            ($body, $log) = printed($client);
        }
        is($body->{dns_resolver_ip}, $expected, 'resolver');
        is($body->{dns_loc}, 'RO', 'the rest is reported');
        my $told = () = $log =~ /The system's resolver does not tell where it comes out: \Q$server->{address}\E:53: ./g;
        is($told, defined $expected ? 0 : 1, defined $expected ? 'no complaint' : 'told');
        unlike($log, qr/[\x00-\x08\x0b-\x1f]/, 'no control character in the log');
        cmp_ok(requests($server, $_), '<=', 8, "bounded queries for $_") for qw(TXT A AAAA);
    };
}

subtest 'several servers' => sub {
    my ($first, $same, $third) = map { new_server(TXT => { txt => [[$_]] }) } $EXIT, $EXIT, $OTHER;
    my ($body, $log) = printed(start_print([$first, $same, $third]));
    is($body->{dns_resolver_ip}, $EXIT, 'the first one counts');
    like($log, qr/Resolvers come out at: $EXIT $OTHER \|/, 'all different ones are seen');
    cmp_ok(requests($_, 'TXT'), '>=', 1, "$_->{address} was asked") for $first, $same, $third;

    ($body) = printed(start_print([$third, $first]));
    is($body->{dns_resolver_ip}, $OTHER, 'in their order');
    $first->misbehave(TXT => { silent => 1 });
    ($body, $log) = printed(start_print([$first, $third]));
    is($body->{dns_resolver_ip}, $OTHER, 'one that does not answer is passed over');
    unlike($log, qr/⚠️/, 'no complaint');
    my @many = map { new_server(TXT => { txt => [["198.51.100.10$_"]] }) } 1 .. 6;
    ($body, $log) = printed(start_print(\@many));
    like($log, qr/Resolvers come out at:(?: 198\.51\.100\.10[1-4]){4} \|/, 'at most four');
    is(requests($many[4], 'TXT'), 0, 'the fifth is not asked');
};

subtest 'nobody listens' => sub {
    my ($body, $log) = printed(start_print([{ address => "$network.250" }],
        VPN_SENTINEL_CLOUDFLARE_DNS => "$network.250:53"));
    is($body->{dns_resolver_ip}, undef);
    like($log, qr/resolver does not tell where it comes out: \Q$network.250\E:53: ./);
    like($log, qr/No usable answer from Cloudflare's resolver: \Q$network.250\E:53: ./);
};

subtest 'what Cloudflare says' => sub {
    my $server = new_server(TXT => $txt);
    my $says = sub {
        my ($address, $colo) = @_;
        $cloudflare->says('whoami.cloudflare' => { txt => [[$address]] });
        $cloudflare->says('id.server' => { txt => [[$colo]] });
        return (printed(start_print([$server])))[1];
    };
    like($says->($OTHER, 'FRA'), qr/Port 53 comes out at $OTHER, the rest at $PUBLIC: ./, 'another way is told');
    for my $useless ('10.0.0.1', 'hello', "\x1b[2J") {
        like($says->($useless, $useless), qr/No usable answer from Cloudflare's resolver: .*: no public address/);
    }
    unlike($says->("::ffff:$PUBLIC", "\x1b[2J"), qr/⚠️|\x1b/, 'the same address, and no code');
    $says->($PUBLIC, 'FRA');
};

# One more round, to its end.
sub another_round {
    my ($client) = @_;
    my $before = requests($world, 'keepalive');
    $client->signal('USR1');
    return $client->wait_for(sub { requests($world, 'keepalive') > $before });
}

subtest 'told once, and when it is over' => sub {
    my $server = new_server(TXT => $txt);
    my $client = ClientDaemon->start(option([$server], VPN_SENTINEL_DEBUG => 'false'));
    ok($client->wait_for_log(qr/Keepalive accepted/), 'well');
    my $lines = sub { my ($re) = @_; scalar grep { /$re/ } $client->log };
    is($lines->(qr/\[dns\]/), 0, 'nothing to be told');

    my @resolver = (qr/resolver does not tell/, qr/resolver tells where it comes out again after \d+ s/);
    $server->says(TXT => { rcode => 2 });
    ok(another_round($client)) for 1 .. 3;
    is($lines->($resolver[0]), 1, 'no resolver: once');
    $server->says(TXT => { rcode => 3 });
    ok(another_round($client)) for 1 .. 2;
    is($lines->($resolver[0]), 2, 'in another way: once more');
    $server->says(TXT => $txt);
    ok(another_round($client)) for 1 .. 2;
    is($lines->($resolver[1]), 1, 'it is over');

    $cloudflare->says('whoami.cloudflare' => { txt => [[$OTHER]] });
    ok(another_round($client)) for 1 .. 2;
    is($lines->(qr/Port 53 comes out at $OTHER/), 1, 'another way: once');
    $cloudflare->says('whoami.cloudflare' => { rcode => 2 });
    ok(another_round($client)) for 1 .. 2;
    is($lines->(qr/No usable answer from Cloudflare's resolver/), 1, 'no Cloudflare: once');
    $cloudflare->says('whoami.cloudflare' => { txt => [[$PUBLIC]] });
    ok(another_round($client)) for 1 .. 2;
    is($lines->(qr/Cloudflare's resolver answers again after \d+ s/), 1, 'it is back');
    is($lines->(qr/Port 53 comes out where the rest does again after \d+ s/), 1, 'by the same way');
    is($lines->(qr/\[dns\]/), 7, 'nothing else');
    is($client->end, 0);
};

subtest 'TERM ends it promptly' => sub {
    for my $fault ({ silent => 1 }, { truncated => 1, tcp => 'silent' }, { delay => 20 }) {
        my ($server, $client);
        # It asks for three seconds: on a busy machine TERM may come later.
        for (1 .. 5) {
            $server = new_server(TXT => $txt);
            $server->misbehave(TXT => $fault);
            $client = ClientDaemon->start(option([$server]));
            ok($client->wait_for(sub { requests($server, 'TXT') }), 'asked');
            is($client->end, 0, join ' ', %$fault);
            last if !requests($server, 'A');
        }
        is(requests($server, 'A'), 0, 'before it had asked what it would have asked then');
        unlike(scalar $client->log, qr/Keepalive/, 'before it had reported');
    }
};

done_testing;
