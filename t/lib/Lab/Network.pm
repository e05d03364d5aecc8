package Lab::Network;

=head1 NAME

Lab::Network - a home with a router, a provider of VPNs, and an Internet between them

=head1 SYNOPSIS

    BEGIN { Lab->enter }
    my $network = Lab::Network->new;
    $network->server_is('home');
    $network->{client}->run('ip route');

=head1 DESCRIPTION

    client  192.168.1.20 ---+
    2001:db8:10::20         |
    (neighbour .21 ---------+)
                          router ------------------- internet ----------------- provider
    server  192.168.1.30 ---+  198.51.100.10          |                         203.0.113.10
    2001:db8:10::30            NAT; 2001:db8:1::10    |                         2001:db8:113::10
                                                      +--- server 192.0.2.130
                                                           2001:db8:30::2

The server is the test's own machine, and has a line of each; see server_is().

    resolvers  router    192.168.1.1, 2001:db8:10::1, which asks that of the ISP
               isp       198.51.100.53
               provider  10.66.0.53, fd66::53, reached by a tunnel only
               public    1.1.1.1, 2606:4700:4700::1111
               swedish   9.9.9.9, which comes out in the country of the provider
    who asks as %Lab::Network::EXIT tells

In the internet Lab::Internet plays all services. Everybody speaks IPv4 and IPv6. A tunnel between
client and provider is to be made, see Lab::Tunnel: its inside is 10.66.0.0/24 and fd66::/64.

=head2 %RESOLVER, %EXIT

The resolvers' addresses, and those that the world sees: of the "home", of the "tunnel", and of what
else the provider has, a "neighbour" in the same country, one "abroad", both in the network of the
tunnel's, one "apart" in another network of the provider, and abroad too, and an "odd" one that is
somebody else's. %EXIT6 are those of IPv6.

=head2 server_is(PLACE)

The server is at "home" or in the "internet" from now on; or at "nat66", that is at home, and the
router gives all the same address of IPv6, its own. Returns its addresses for the client, of IPv4
and IPv6, and its public ones.

=head2 settle

Takes back whatever has been done to routers and client, but for tunnels.

=head2 kill_switch(LAN)

From now on the client lets nothing out but by a tunnel and to the provider; and, if LAN is true, to
who is at home.

=head2 kill_switch_ends

It lets all out again.

=head2 goes_beside(ADDRESS)

From now on the client reaches this address by its line, also when there is a tunnel.

=head2 intercepts(HOST)

From now on the "router", or the "provider", has its own resolver answer whatever goes to port 53.

=head2 port_53_exits_at(ADDRESS), port_53_is_answered_at(ADDRESS)

From now on what the provider's customers send to port 53 comes out at this address, one of EXIT;
and whomever they ask, the public resolver gets it.

=head2 port_53_goes_beside

From now on the client reaches all name servers by its line, also when there is a tunnel: one of
WireGuard.

=head2 ipv4_ends

The client's line has no IPv4 from now on.

=head2 ipv6_ends, ipv6_begins, blocks_ipv6

The client's line has no IPv6 from now on, or has it again; the client lets no IPv6 out.

=head2 exits_at(ADDRESS)

From now on the provider's customers come out at this address, one of EXIT or EXIT6.

=cut

use strict;
use warnings;

use Lab::Host;
use Lab::Internet;

our %RESOLVER = (
    router => '192.168.1.1',
    isp => '198.51.100.53',
    provider => '10.66.0.53',
    provider6 => 'fd66::53',
    public => '1.1.1.1',
    public6 => '2606:4700:4700::1111',
    swedish => '9.9.9.9',
);
our %EXIT = (
    home => '198.51.100.10',
    tunnel => '203.0.113.10',
    neighbour => '203.0.113.11',
    abroad => '203.0.113.130',
    apart => '192.0.2.67',
    odd => '192.0.2.66',
);
our %EXIT6 = (
    home => '2001:db8:10::20',
    tunnel => '2001:db8:113::10',
    neighbour => '2001:db8:113::11',
);

# Addresses for the client, and public ones.
my %SERVER = (
    home => [ '192.168.1.30', '2001:db8:10::30', $EXIT{home}, '2001:db8:10::30' ],
    nat66 => [ '192.168.1.30', '2001:db8:10::30', $EXIT{home}, '2001:db8:1::10' ],
    internet => [ ('192.0.2.130', '2001:db8:30::2') x 2 ],
);

my @HOME_GATEWAY = ('192.168.1.1', '2001:db8:10::1');
my $HOME_NAT = 'ip saddr 192.168.1.0/24 oifname "wan0" masquerade';

my $CUSTOMERS = '"wgp", "tunp"';    # the provider's end of tunnels
my $BESIDE = 100;                   # the priority of the client's rule for what goes beside them

my $FORWARD = <<'SH';
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
SH

# A port that is used again meets the rules that are in force, not those of when it was used last.
my $FORGETS = <<'SH';
for time in udp_timeout udp_timeout_stream; do
    echo 1 >/proc/sys/net/netfilter/nf_conntrack_$time
done
SH

# Addresses are there at once: nobody else could have them.
my $NODAD = 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad';

sub new {
    my ($class) = @_;
    my $self = bless {}, $class;
    $self->{server} = Lab::Host->here;
    $self->{$_} = Lab::Host->new($_) for qw(internet router provider client neighbour);
    $self->_lay;
    $self->{server}->resolver($RESOLVER{isp});
    $self->{services} = Lab::Internet->start($self->{internet}, values %RESOLVER);
    $self->_start_resolvers;
    $self->settle;
    return $self;
}

sub _lay {
    my ($self) = @_;
    $self->{$_}->run($NODAD) for qw(server internet router provider client neighbour);
    _link(router => 'wan0', internet => 'isp0');
    _link(provider => 'wan0', internet => 'vpn0');
    _link(router => 'lan1', client => 'eth0');
    _link(router => 'lan2', neighbour => 'eth0');
    _link(router => 'lan3', undef, 'eth0');
    _link(internet => 'net0', undef, 'eth1');

    $self->{internet}->run($FORWARD . join '', _up(isp0 => '198.51.100.1/24', '2001:db8:1::1/64'),
        _up(vpn0 => '203.0.113.1/24', '2001:db8:113::1/64'),
        _up(net0 => '192.0.2.129/30', '2001:db8:30::1/64'),
        (map { "ip address add $_ dev lo\n" } Lab::Internet::addresses()),
        "ip route add 2001:db8:10::/64 via 2001:db8:1::10\n",
        map { "ip route add $_ via $EXIT{tunnel}\n" } @EXIT{qw(apart odd)});
    my $ports = join '', map { "ip link set $_ master br0 up\n" } qw(lan1 lan2 lan3);
    $self->{router}->run(join '', $FORWARD, "ip link add br0 type bridge\n", $ports,
        _up(br0 => '192.168.1.1/24', '2001:db8:10::1/64'),
        _up(wan0 => '198.51.100.10/24', '2001:db8:1::10/64'),
        _default('198.51.100.1', '2001:db8:1::1'));
    $self->{provider}->run(join '', $FORWARD, $FORGETS,
        _up(wan0 => '203.0.113.10/24', '2001:db8:113::10/64'),
        (map { "ip address add $_/24 dev wan0\n" } @EXIT{qw(neighbour abroad)}),
        (map { "ip address add $_/32 dev wan0\n" } @EXIT{qw(apart odd)}),
        "ip address add $EXIT6{neighbour}/64 dev wan0\n",
        "ip address add $RESOLVER{provider}/32 dev lo\nip address add fd66::53/128 dev lo\n",
        _default('203.0.113.1', '2001:db8:113::1'));
    $self->_connect(neighbour => 21);
    $self->{server}->run(join '', _up(eth0 => "$SERVER{home}[0]/24", "$SERVER{home}[1]/64"),
        _up(eth1 => "$SERVER{internet}[0]/30", "$SERVER{internet}[1]/64"));
    return;
}

sub _connect {
    my ($self, $host, $number) = @_;
    return $self->{$host}->run(join '', _up(eth0 => "192.168.1.$number/24",
        "2001:db8:10::$number/64"), _default(@HOME_GATEWAY));
}

sub _link {
    my ($one, $its, $other, $theirs) = @_;
    my $peer = defined $other ? "netns $other" : '';
    return Lab::run("ip link add $theirs $peer type veth peer name $its netns $one");
}

sub _up {
    my ($interface, @address) = @_;
    return ((map { "ip address add $_ dev $interface\n" } @address),
        "ip link set $interface up\n");
}

sub _default {
    my (@gateway) = @_;
    return map { "ip route replace default via $_\n" } @gateway;
}

# --- resolvers ------------------------------------------------------------------------------------

sub _start_resolvers {
    my ($self) = @_;
    _start_resolver($self->{router}, '192.168.1.1,2001:db8:10::1', $RESOLVER{isp});
    my $authority = Lab::Internet::authority();
    _start_resolver($self->{provider}, "$RESOLVER{provider},fd66::53", "$authority\@$EXIT{tunnel}");
    return;
}

sub _start_resolver {
    my ($host, $addresses, $asks) = @_;
    return $host->start('dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--no-resolv',
        '--no-hosts', '--bind-interfaces', '--except-interface=lo',
        "--listen-address=$addresses", "--server=$asks", '--cache-size=0', '--pid-file=');
}

# --- what can be changed --------------------------------------------------------------------------

sub server_is {
    my ($self, $place) = @_;
    $self->{server}->run(join '', _default($place eq 'internet' ? ('192.0.2.129', '2001:db8:30::1')
        : @HOME_GATEWAY));
    $self->{router}->run(_rules($HOME_NAT, 'ip6 saddr 2001:db8:10::/64 oifname "wan0" masquerade'))
        if $place eq 'nat66';
    return @{ $SERVER{$place} };
}

sub settle {
    my ($self) = @_;
    $self->{router}->run(_rules($HOME_NAT));
    $self->{exits} = [ $EXIT{tunnel}, $EXIT6{tunnel} ];
    $self->_let_exit;
    $self->{client}->run(<<"SH");
nft flush ruleset
ip rule del priority $BESIDE || true
ip address flush dev eth0 scope global
ip route flush proto boot
ip -6 route flush proto boot
SH
    $self->_connect(client => 20);
    $self->{services}->behave;
    return;
}

sub exits_at {
    my ($self, $address) = @_;
    $self->{exits}[ $address =~ /:/ ? 1 : 0 ] = $address;
    return $self->_let_exit;
}

sub _let_exit {
    my ($self) = @_;
    return $self->{provider}->run(_rules(
        "ip saddr 10.66.0.0/24 oifname \"wan0\" snat ip to $self->{exits}[0]",
        "ip6 saddr fd66::/64 oifname \"wan0\" snat ip6 to $self->{exits}[1]"));
}

sub goes_beside {
    my ($self, $address) = @_;
    return $self->{client}->run("ip route add $address via $HOME_GATEWAY[0]");
}

sub intercepts {
    my ($self, $host) = @_;
    return $self->{router}->run(_answered('br0', $RESOLVER{isp})) if $host eq 'router';
    return $self->{provider}->run(_answered($CUSTOMERS, $RESOLVER{provider}));
}

sub port_53_exits_at {
    my ($self, $address) = @_;
    # Before the rule for all that they send.
    return $self->{provider}->run(<<"SH");
nft -f - <<'NFT'
table ip apart {
    chain out {
        type nat hook postrouting priority srcnat - 1;
        ip saddr 10.66.0.0/24 udp dport 53 oifname "wan0" snat to $address
    }
}
NFT
SH
}

sub port_53_is_answered_at {
    my ($self, $address) = @_;
    $self->port_53_exits_at($address);
    return $self->{provider}->run(_answered($CUSTOMERS, $RESOLVER{public}));
}

# What comes in there for port 53 goes to this resolver.
sub _answered {
    my ($interfaces, $resolver) = @_;
    return <<"SH";
nft -f - <<'NFT'
table ip intercepting {
    chain in {
        type nat hook prerouting priority dstnat;
        iifname { $interfaces } udp dport 53 dnat to $resolver
    }
}
NFT
SH
}

sub port_53_goes_beside {
    my ($self) = @_;
    return $self->{client}->run("ip rule add priority $BESIDE ipproto udp dport 53 lookup main");
}

sub ipv4_ends {
    my ($self) = @_;
    return $self->{client}->run("ip -4 address flush dev eth0\nip -4 route flush proto boot");
}

sub ipv6_ends {
    my ($self) = @_;
    return $self->{client}->run("ip -6 route flush proto boot\n"
        . "ip -6 address flush dev eth0 scope global\n");
}

sub ipv6_begins {
    my ($self) = @_;
    return $self->{client}->run("ip address add 2001:db8:10::20/64 dev eth0\n"
        . "ip route add default via $HOME_GATEWAY[1]\n");
}

sub blocks_ipv6 {
    my ($self) = @_;
    return $self->{client}->run('nft "add table ip6 blocking; add chain ip6 blocking out'
        . ' { type filter hook output priority filter; }; add rule ip6 blocking out oifname eth0'
        . ' ip6 daddr 2000::/3 reject"');
}

sub kill_switch {
    my ($self, $lan) = @_;
    my $home = $lan ? "ip daddr 192.168.1.0/24 accept\nip6 daddr 2001:db8:10::/64 accept" : '';
    # A neighbour has to be found before anything can be sent there.
    return $self->{client}->run(<<"SH");
nft -f - <<'NFT'
table inet switch {
    chain out {
        type filter hook output priority filter; policy drop;
        oifname { "lo", "wg0", "tun0" } accept
        ip daddr $EXIT{tunnel} accept
        ip6 daddr $EXIT6{tunnel} accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        $home
    }
}
NFT
SH
}

sub kill_switch_ends {
    my ($self) = @_;
    return $self->{client}->run('nft delete table inet switch');
}

# What a router does to packets that leave it.
sub _rules {
    my (@rule) = @_;
    my $rules = join "\n", @rule;
    return <<"SH";
nft -f - <<'NFT'
flush ruleset
table inet nat {
    chain out {
        type nat hook postrouting priority srcnat;
$rules
    }
}
NFT
SH
}

1;
