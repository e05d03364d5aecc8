package Lab::Scenarios;

=head1 NAME

Lab::Scenarios - what may befall the user of a VPN, and what is true then

=head1 DESCRIPTION

Lists of scenarios for Lab::Stage: @MAIN are those that the product is for; @DNS, @IPV6, @PROVIDER,
@SERVICES, @SERVER and @MACHINE, the client's, tell by their names who is in trouble.

=cut

use strict;
use warnings;
use utf8;

use Exporter qw(import);

use Lab::Network;
use Lab::Stage;

our @EXPORT = qw(@MAIN @DNS @IPV6 @PROVIDER @SERVICES @SERVER @MACHINE);

my %resolver = %Lab::Network::RESOLVER;
my %exit = %Lab::Network::EXIT;

sub uses_resolver {
    my ($name) = @_;
    return sub { $_[0]->network->{client}->resolver($resolver{$name}) };
}

sub exits_at {
    my ($name) = @_;
    return sub { $_[0]->network->exits_at($exit{$name}) };
}

sub tunnel_dies { $_[0]->tunnel->die }

sub goes_beside {
    my ($name) = @_;
    return sub { $_[0]->network->goes_beside($resolver{$name}) };
}

# A service fails, and the exit changes, so that its place has to be looked up.
sub unknown_exit {
    my (%fault) = @_;
    return sub {
        my ($stage) = @_;
        my $network = $stage->network;
        $network->{services}->misbehave($_ => $fault{$_}) for sort keys %fault;
        $network->exits_at($exit{neighbour});
    };
}

my $LEAKS = { light => 'yellow', conditions => ['dns_leak'], told => [$LEAK] };
my $LEAKS_NO_MORE = { told => [$LEAK_OVER] };

our @MAIN = (
    { name => 'the tunnel is healthy' },
    {
        name => 'the tunnel dies, traffic falls back to the line',
        fault => \&tunnel_dies,
        expect => {
            light => 'red',
            conditions => [qw(bypass vpn_down)],
            told => [ $BYPASS, $DOWN, $CHANGED ],
            # The provider's resolver does not answer there, but is still asked.
            may => [ qw(dns_unknown dns_leak), $LEAK ],
        },
    },
    {
        name => 'the same, the server is elsewhere',
        server => 'internet',
        fault => \&tunnel_dies,
        expect => {
            light => 'red',
            conditions => ['vpn_down'],
            told => [ $DOWN, $CHANGED ],
            may => [ qw(dns_unknown dns_leak), $LEAK ],
        },
    },
    {
        name => 'the tunnel dies, a kill switch lets nothing out',
        server => 'internet',
        fault => sub { $_[0]->network->kill_switch; tunnel_dies($_[0]) },
        expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
    },
    {
        name => 'the exit changes',
        fault => exits_at('neighbour'),
        expect => { told => [$CHANGED] },
        repair => exits_at('tunnel'),
        after => { told => [$CHANGED] },
    },
    {
        name => 'the resolver of the ISP is used, beside the tunnel',
        fault => uses_resolver('router'),
        expect => $LEAKS,
        repair => uses_resolver('provider'),
        after => $LEAKS_NO_MORE,
    },
    {
        name => 'a public resolver is used, through the tunnel',
        fault => uses_resolver('public'),
    },
);

our @DNS = (
    {
        name => 'the resolver of the ISP is used, by a route of its own',
        given => goes_beside('isp'),
        fault => uses_resolver('isp'),
        expect => $LEAKS,
        repair => uses_resolver('provider'),
        after => $LEAKS_NO_MORE,
    },
    {
        name => 'a resolver in the country of the exit is used, beside the tunnel',
        given => goes_beside('swedish'),
        fault => uses_resolver('swedish'),
        expect => $LEAKS,
    },
    {
        name => 'the same resolver is used, through the tunnel',
        fault => uses_resolver('swedish'),
    },
    {
        name => 'the home router intercepts port 53 beside the tunnel',
        resolver => 'swedish',
        fault => sub { $_[0]->network->intercepts('router'); goes_beside('swedish')->($_[0]) },
        expect => $LEAKS,
    },
    {
        name => 'the provider intercepts port 53 within the tunnel',
        resolver => 'swedish',
        fault => sub { $_[0]->network->intercepts('provider') },
    },
    {
        name => 'another resolver of the provider is used',
        fault => sub { $_[0]->network->{client}->resolver('fd66::53') },
    },
    {
        name => 'the resolver is silent, within the tunnel',
        fault => sub { $_[0]->network->{client}->resolver('10.66.0.99') },
    },
);

our @IPV6 = (
    {
        name => 'the line has IPv4 alone',
        given => sub { $_[0]->network->ipv6_ends },
        tunnel => { ipv6 => 0 },
    },
    {
        name => 'IPv6 leaves beside a tunnel for IPv4',
        given => sub { $_[0]->network->ipv6_ends },
        tunnel => { ipv6 => 0 },
        fault => sub { $_[0]->network->ipv6_begins },
        expect => { light => 'red', conditions => ['ipv6_leak'], told => [$IPV6_LEAK] },
    },
    {
        name => 'IPv6 is blocked beside a tunnel for IPv4',
        tunnel => { ipv6 => 0 },
        given => sub { $_[0]->network->blocks_ipv6 },
    },
);

our @PROVIDER = (
    {
        name => 'the provider is silently dead, the server is beyond it',
        tunnels => ['wireguard'],
        server => 'internet',
        fault => sub { $_[0]->tunnel->provider_dies },
        expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
    },
    {
        name => 'the provider is silently dead, the server is at home',
        tunnels => ['wireguard'],
        fault => sub { $_[0]->tunnel->provider_dies },
        # A round in which nobody answers takes longer than the lab's short threshold.
        expect => { light => 'red', conditions => ['vpn_down'], told => [$DOWN],
            may => [ 'dns_unknown', $OFFLINE, $CONNECTED ] },
    },
    {
        name => 'the provider is silently dead, the tunnel is given up',
        tunnels => ['openvpn'],
        fault => sub { $_[0]->tunnel->provider_dies },
        expect => { light => 'red', conditions => [qw(bypass vpn_down)],
            told => [ $BYPASS, $DOWN, $CHANGED ],
            may => [ qw(dns_unknown dns_leak), $LEAK, $OFFLINE, $CONNECTED ] },
    },
    {
        name => 'a second client uses the same exit',
        fault => sub { $_[0]->second_client },
    },
    {
        name => 'the exit moves to another country, the resolver stays',
        fault => exits_at('abroad'),
        expect => { told => [$CHANGED] },
    },
);

our @SERVICES = (
    {
        name => 'a service of places has had enough',
        fault => unknown_exit(ipinfo => { status => 429 }),
        expect => { told => [$CHANGED] },
    },
    {
        name => 'a service of places does not answer',
        fault => unknown_exit(ipinfo => { hang => 1 }),
        expect => { told => [$CHANGED] },
    },
    {
        name => 'a service of places is wrong about the exit',
        fault => unknown_exit(
            ipinfo => { of => $exit{neighbour}, code => 'NL', country => 'Netherlands' }),
        expect => { told => [$CHANGED] },
    },
    {
        name => 'no service of places answers',
        fault => unknown_exit(map { ($_ => { status => 503 }) } qw(ipinfo ip-api ipwhois)),
        expect => { told => [$CHANGED] },
    },
    {
        name => 'the trace does not answer',
        fault => sub { $_[0]->network->{services}->misbehave(trace => { status => 500 }) },
    },
    {
        name => 'the health script says that the VPN is down',
        script => "! test -e \"\$0.down\"\n",
        fault => sub { Lab::run('touch ' . Lab->folder . '/health.down') },
        expect => { light => 'red', conditions => ['vpn_down'], told => [$DOWN] },
        repair => sub { Lab::run('rm ' . Lab->folder . '/health.down') },
        after => { told => [$RECONNECTED] },
    },
    {
        name => 'the health script hangs',
        script => "test ! -e \"\$0.hangs\" || exec sleep 600\n",
        fault => sub { Lab::run('touch ' . Lab->folder . '/health.hangs') },
    },
);

# The client has looked at its DNS, and found this last.
sub finds_dns {
    my ($stage, $verdict) = @_;
    return $stage->daemon->wait_for(sub {
        my @found = $stage->daemon->log =~ /\[dns\] Verdict on \S+ (\w+)/g;
        return @found && $found[-1] eq $verdict;
    });
}

# The client does not reach the server, while this happens.
sub unreached {
    my ($happens) = @_;
    return sub {
        my ($stage) = @_;
        my $client = $stage->network->{client};
        $client->run('ip route add blackhole 192.168.1.30');
        $happens->($stage);
        $client->run('ip route del blackhole 192.168.1.30');
    };
}

our @SERVER = (
    {
        name => 'a leak begins and ends while the server is not reached',
        fault => unreached(sub {
            my ($stage) = @_;
            uses_resolver('router')->($stage);
            finds_dns($stage, 'leak');
            uses_resolver('provider')->($stage);
            finds_dns($stage, 'tunnel');
        }),
        expect => { told => [ $LEAK, $LEAK_OVER ] },
    },
    {
        name => 'the server is started anew',
        fault => sub { $_[0]->sentinel->stop; $_[0]->sentinel->start_again },
    },
    {
        name => 'the server is killed, and started anew while there is a leak',
        fault => uses_resolver('router'),
        expect => $LEAKS,
        repair => sub { $_[0]->sentinel->crash; $_[0]->sentinel->start_again },
        after => { light => 'yellow', conditions => ['dns_leak'] },
    },
    {
        name => 'the tunnel dies while the server is away',
        fault => sub {
            my ($stage) = @_;
            $stage->sentinel->stop;
            tunnel_dies($stage);
            $stage->sentinel->start_again;
        },
        expect => { light => 'red', conditions => [qw(bypass vpn_down)],
            told => [ $BYPASS, $DOWN, $CHANGED ], may => [ qw(dns_unknown dns_leak), $LEAK ] },
    },
    {
        name => 'the server is not reached for a while',
        fault => sub { $_[0]->network->{client}->run('ip route add blackhole 192.168.1.30') },
        expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
        repair => sub { $_[0]->network->{client}->run('ip route del blackhole 192.168.1.30') },
        after => { told => [$CONNECTED] },
    },
);

our @MACHINE = (
    {
        name => 'the clock of the client is set forward by a day',
        preload => ['clockstep'],
        fault => sub { $_[0]->daemon->step_clock(86_400) },
    },
    {
        name => 'the clock of the client is set back by a day',
        preload => ['clockstep'],
        fault => sub { $_[0]->daemon->step_clock(-86_400) },
    },
    {
        name => 'the machine of the client was suspended for an hour',
        preload => ['clockstep'],
        fault => sub { $_[0]->daemon->suspend(3600) },
    },
    {
        name => 'the clock is set back by a day, then there is a leak',
        preload => ['clockstep'],
        fault => sub { $_[0]->daemon->step_clock(-86_400); uses_resolver('router')->($_[0]) },
        expect => $LEAKS,
        repair => uses_resolver('provider'),
        after => $LEAKS_NO_MORE,
    },
);

1;
