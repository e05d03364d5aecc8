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
else the provider has, a "neighbour" in the same country and one "abroad".

=head2 server_is(PLACE)

The server is at "home" or in the "internet" from now on. Returns its address for the client, and
its public addresses.

=head2 settle

Takes back whatever has been done to routers and client, but for tunnels.

=head2 kill_switch

From now on the client lets nothing out but by a tunnel and to the provider.

=head2 goes_beside(ADDRESS)

From now on the client reaches this address by its line, also when there is a tunnel.

=head2 intercepts(HOST)

From now on the "router", or the "provider", has its own resolver answer whatever goes to port 53.

=head2 ipv6_ends, ipv6_begins, blocks_ipv6

The client's line has no IPv6 from now on, or has it again; the client lets no IPv6 out.

=head2 exits_at(ADDRESS)

From now on the provider's customers come out at this address, one of EXIT.

=cut

use strict;
use warnings;

use Lab::Host;
use Lab::Internet;

our %RESOLVER = (
    router => '192.168.1.1',
    isp => '198.51.100.53',
    provider => '10.66.0.53',
    public => '1.1.1.1',
    swedish => '9.9.9.9',
);
our %EXIT = (
    home => '198.51.100.10',
    tunnel => '203.0.113.10',
    neighbour => '203.0.113.11',
    abroad => '203.0.113.130',
);
my %SERVER = (home => '192.168.1.30', internet => '192.0.2.130');

my @HOME_GATEWAY = ('192.168.1.1', '2001:db8:10::1');

my $FORWARD = <<'SH';
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
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
        "ip route add 2001:db8:10::/64 via 2001:db8:1::10\n");
    my $ports = join '', map { "ip link set $_ master br0 up\n" } qw(lan1 lan2 lan3);
    $self->{router}->run(join '', $FORWARD, "ip link add br0 type bridge\n", $ports,
        _up(br0 => '192.168.1.1/24', '2001:db8:10::1/64'),
        _up(wan0 => '198.51.100.10/24', '2001:db8:1::10/64'),
        _default('198.51.100.1', '2001:db8:1::1'));
    $self->{provider}->run(join '', $FORWARD,
        _up(wan0 => '203.0.113.10/24', '2001:db8:113::10/64'),
        (map { "ip address add $_/24 dev wan0\n" } @EXIT{qw(neighbour abroad)}),
        "ip address add $RESOLVER{provider}/32 dev lo\nip address add fd66::53/128 dev lo\n",
        _default('203.0.113.1', '2001:db8:113::1'));
    $self->_connect(neighbour => 21);
    $self->{server}->run(join '', _up(eth0 => "$SERVER{home}/24", '2001:db8:10::30/64'),
        _up(eth1 => "$SERVER{internet}/30", '2001:db8:30::2/64'));
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
    my $is_home = $place eq 'home';
    $self->{server}->run(join '', _default($is_home ? @HOME_GATEWAY
        : ('192.0.2.129', '2001:db8:30::1')));
    return ($SERVER{$place}, $is_home ? ($EXIT{home}, '2001:db8:10::30')
        : ($SERVER{internet}, '2001:db8:30::2'));
}

sub settle {
    my ($self) = @_;
    $self->{router}->run(_rules('ip saddr 192.168.1.0/24 oifname "wan0" masquerade'));
    $self->exits_at($EXIT{tunnel});
    $self->{client}->run(<<'SH');
nft flush ruleset
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
    return $self->{provider}->run(_rules("ip saddr 10.66.0.0/24 oifname \"wan0\" snat to $address",
        'ip6 saddr fd66::/64 oifname "wan0" masquerade'));
}

sub goes_beside {
    my ($self, $address) = @_;
    return $self->{client}->run("ip route add $address via $HOME_GATEWAY[0]");
}

sub intercepts {
    my ($self, $host) = @_;
    my ($interface, $resolver) = $host eq 'router' ? ('br0', $RESOLVER{isp})
        : ('wgp', $RESOLVER{provider});
    return $self->{$host}->run(<<"SH");
nft -f - <<'NFT'
table ip intercepting {
    chain in {
        type nat hook prerouting priority dstnat;
        iifname "$interface" udp dport 53 dnat to $resolver
    }
}
NFT
SH
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
    my ($self) = @_;
    return $self->{client}->run(<<'SH');
nft -f - <<'NFT'
table inet switch {
    chain out {
        type filter hook output priority filter; policy drop;
        oifname { "lo", "wg0", "tun0" } accept
        ip daddr 203.0.113.10 accept
    }
}
NFT
SH
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
