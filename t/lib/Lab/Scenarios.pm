package Lab::Scenarios;

=head1 NAME

Lab::Scenarios - what may befall the user of a VPN, and what is true then

=head1 DESCRIPTION

Lists of scenarios for Lab::Stage: @MAIN are those that the product is for; @DNS, @IPV6, @PROVIDER,
@SERVICES, @SERVER and @MACHINE, the client's, tell by their names who is in trouble; @FLAPPING is a
tunnel. @RESTARTS are all kinds of trouble, during which the server ends in all kinds of ways,
@SOME_RESTARTS each way once.

=cut

use strict;
use warnings;
use utf8;

use Exporter qw(import);

use Lab::Network;
use Lab::Stage;

our @EXPORT = qw(@MAIN @DNS @IPV6 @PROVIDER @SERVICES @SERVER @MACHINE @FLAPPING @RESTARTS
    @SOME_RESTARTS);

my %resolver = %Lab::Network::RESOLVER;
my %exit = %Lab::Network::EXIT;
my %exit6 = %Lab::Network::EXIT6;

sub uses_resolver {
    my ($name) = @_;
    return sub { $_[0]->network->{client}->resolver($resolver{$name}) };
}

sub exits_at {
    my ($name) = @_;
    return sub { $_[0]->network->exits_at($exit{$name}) };
}

sub tunnel_dies { $_[0]->tunnel->die }
sub tunnel_rises { $_[0]->tunnel->rise }

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

# The client does not reach the server.
sub server_is_cut_off { $_[0]->network->{client}->run('ip route add blackhole 192.168.1.30') }
sub server_is_reached { $_[0]->network->{client}->run('ip route del blackhole 192.168.1.30') }

my $LEAKS = { light => 'yellow', conditions => ['dns_leak'], told => [$LEAK] };
my $LEAKS_NO_MORE = { told => [$LEAK_OVER] };

# Each kind of trouble: once by itself, and in @RESTARTS once more.
my $BYPASSED = {
    name => 'the tunnel dies, traffic falls back to the line',
    # That of the provider would not answer there.
    resolver => 'public',
    fault => \&tunnel_dies,
    expect => { light => 'red', conditions => [qw(bypass vpn_down)],
        told => [ $BYPASS, $DOWN, $CHANGED ] },
    repair => \&tunnel_rises,
    after => { told => [ $BYPASS_OVER, $RECONNECTED, $CHANGED ] },
};
my $CLOSED = {
    name => 'the tunnel dies, a kill switch lets nothing out',
    server => 'internet',
    fault => sub { $_[0]->network->kill_switch; tunnel_dies($_[0]) },
    expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
    repair => \&tunnel_rises,
    # What the client saw meanwhile is told with its return.
    after => { told => [ $DOWN, $CONNECTED ] },
};
my $CUT_OFF = {
    name => 'the server is not reached for a while',
    fault => \&server_is_cut_off,
    expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
    repair => \&server_is_reached,
    after => { told => [$CONNECTED] },
};
my $MOVED = {
    name => 'the exit changes',
    fault => exits_at('neighbour'),
    expect => { told => [$CHANGED] },
    repair => exits_at('tunnel'),
    after => { told => [$CHANGED] },
};
my $LEAKING = {
    name => 'the resolver of the ISP is used, beside the tunnel',
    fault => uses_resolver('router'),
    expect => $LEAKS,
    repair => uses_resolver('provider'),
    after => $LEAKS_NO_MORE,
};
my $INTERCEPTED = {
    name => 'port 53 is answered by somebody else, abroad, within the tunnel',
    resolver => 'swedish',
    fault => sub { $_[0]->network->port_53_is_answered_at($exit{odd}) },
    expect => $LEAKS,
    repair => exits_at('tunnel'),
    after => $LEAKS_NO_MORE,
};
my $LEAKING_IPV6 = {
    name => 'IPv6 leaves beside a tunnel for IPv4',
    given => sub { $_[0]->network->ipv6_ends },
    tunnel => { ipv6 => 0 },
    fault => sub { $_[0]->network->ipv6_begins },
    expect => { light => 'red', conditions => ['ipv6_leak'], told => [$IPV6_LEAK] },
    repair => sub { $_[0]->network->ipv6_ends },
    after => { told => [$IPV6_LEAK_OVER] },
};
my $DOWN_BY_SCRIPT = {
    name => 'the health script says that the VPN is down',
    script => "! test -e \"\$0.down\"\n",
    fault => sub { Lab::run('touch ' . Lab->folder . '/health.down') },
    expect => { light => 'red', conditions => ['vpn_down'], told => [$DOWN] },
    repair => sub { Lab::run('rm ' . Lab->folder . '/health.down') },
    after => { told => [$RECONNECTED] },
};
my $DEAD = {
    name => 'the provider is silently dead, the server is at home',
    tunnels => ['wireguard'],
    # A round in which nobody answers takes longer than the lab's short one.
    threshold => 60,
    fault => sub { $_[0]->tunnel->provider_dies },
    expect => { light => 'red', conditions => ['vpn_down'], told => [$DOWN],
        may => ['dns_unknown'] },
    repair => sub { $_[0]->tunnel->provider_rises },
    after => { told => [$RECONNECTED] },
};

our @MAIN = (
    { name => 'the tunnel is healthy' },
    $BYPASSED,
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
    $CLOSED,
    $MOVED,
    $LEAKING,
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
        name => 'all of port 53 goes beside the tunnel, the home router answers it',
        tunnels => ['wireguard'],
        resolver => 'swedish',
        fault => sub {
            $_[0]->network->intercepts('router');
            $_[0]->network->port_53_goes_beside;
        },
        expect => $LEAKS,
    },
    {
        name => 'the provider intercepts port 53 within the tunnel',
        resolver => 'swedish',
        fault => sub { $_[0]->network->intercepts('provider') },
    },
    $INTERCEPTED,
    {
        name => 'port 53 comes out elsewhere than the rest, within the tunnel',
        resolver => 'swedish',
        fault => sub { $_[0]->network->port_53_exits_at($exit{odd}) },
        expect => $LEAKS,
        repair => exits_at('tunnel'),
        after => $LEAKS_NO_MORE,
    },
    {
        name => 'port 53 comes out elsewhere, but where the provider is, too',
        resolver => 'swedish',
        fault => sub { $_[0]->network->port_53_exits_at($exit{apart}) },
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

# A network without IPv4, its tunnel too.
sub only_ipv6 {
    my (%scenario) = @_;
    return {
        by => 6,
        tunnel => { ipv4 => 0 },
        resolver => 'provider6',
        given => sub { $_[0]->network->ipv4_ends },
        %scenario,
    };
}

our @IPV6 = (
    {
        name => 'the line has IPv4 alone',
        given => sub { $_[0]->network->ipv6_ends },
        tunnel => { ipv6 => 0 },
    },
    $LEAKING_IPV6,
    {
        name => 'IPv6 is blocked beside a tunnel for IPv4',
        tunnel => { ipv6 => 0 },
        given => sub { $_[0]->network->blocks_ipv6 },
    },
    only_ipv6(name => 'the line has IPv6 alone'),
    only_ipv6(
        name => 'the exit changes, there is IPv6 alone',
        fault => sub { $_[0]->network->exits_at($exit6{neighbour}) },
        expect => { told => [$CHANGED] },
    ),
    only_ipv6(
        name => 'the tunnel dies, traffic falls back to a line of IPv6 alone',
        server => 'nat66',
        resolver => 'public6',
        fault => \&tunnel_dies,
        expect => { light => 'red', conditions => [qw(bypass vpn_down)],
            told => [ $BYPASS, $DOWN, $CHANGED ] },
        repair => \&tunnel_rises,
        after => { told => [ $BYPASS_OVER, $RECONNECTED, $CHANGED ] },
    ),
    only_ipv6(
        name => 'the resolver of the ISP is used, beside a tunnel of IPv6 alone',
        fault => sub { $_[0]->network->{client}->resolver('2001:db8:10::1') },
        expect => $LEAKS,
        repair => sub { $_[0]->network->{client}->resolver('fd66::53') },
        after => $LEAKS_NO_MORE,
    ),
);

our @PROVIDER = (
    {
        name => 'the provider is silently dead, the server is beyond it',
        tunnels => ['wireguard'],
        server => 'internet',
        fault => sub { $_[0]->tunnel->provider_dies },
        expect => { light => 'grey', conditions => ['offline'], told => [$OFFLINE] },
    },
    $DEAD,
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
    $DOWN_BY_SCRIPT,
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

# The server is cut off, while this happens.
sub unreached {
    my ($happens) = @_;
    return sub {
        my ($stage) = @_;
        server_is_cut_off($stage);
        $happens->($stage);
        server_is_reached($stage);
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
    $CUT_OFF,
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

# The tunnel goes down and up again, so often; this is the client's address then, if it has any.
sub flaps {
    my ($times, $address) = @_;
    return sub {
        my ($stage) = @_;
        for (1 .. $times) {
            tunnel_dies($stage);
            $stage->wait_for_report(vpn_connected => 0, public_ip => $address);
            tunnel_rises($stage);
            $stage->wait_for_report(vpn_connected => 1, public_ip => $exit{tunnel});
        }
    };
}

# Longer than a client has to be calm until what was gathered of it is told.
sub is_calm {
    my ($stage) = @_;
    $stage->sentinel->step_clock(130);
    # Who steps the clock does not wake the server, but a question does.
    $stage->bot->say('/ping');
    return;
}

our @FLAPPING = (
    {
        name => 'the tunnel goes down and up again and again, nothing else gets out',
        clock => 1,
        given => sub { $_[0]->network->kill_switch('lan') },
        fault => flaps(3),
        expect => { told => [ ($DOWN, $RECONNECTED) x 3, $FLAPPING ] },
        meanwhile => flaps(2),
        repair => \&is_calm,
        after => { told => [ ($DOWN, $RECONNECTED) x 2, $FLAPPING ] },
    },
    {
        name => 'the same, traffic falls back to the line',
        clock => 1,
        server => 'internet',
        resolver => 'public',
        fault => sub { flaps(4, $exit{home})->($_[0]); is_calm($_[0]) },
        # When which of it is told depends on what is told meanwhile.
        expect => { told => [ ($DOWN, $CHANGED, $RECONNECTED, $CHANGED) x 4 ],
            may => [$FLAPPING] },
    },
);

# --- the server ends in the middle of it ----------------------------------------------------------

my @TROUBLES = ($BYPASSED, $CLOSED, $CUT_OFF, $MOVED, $LEAKING, $INTERCEPTED, $LEAKING_IPV6,
    $DOWN_BY_SCRIPT, $DEAD);

# How it ends, and begins again.
my $ANEW = [ 'is started anew' => sub { $_[0]->sentinel->stop; $_[0]->sentinel->start_again } ];
my $RELOADED = [ 'is reloaded' => sub { $_[0]->sentinel->graceful } ];
my $KILLED = [ 'is killed' => sub { $_[0]->sentinel->crash; $_[0]->sentinel->start_again } ];

# When the trouble has been told.
sub during {
    my ($trouble, $end) = @_;
    my ($how, $restart) = @$end;
    return { %$trouble, name => "$trouble->{name}; the server $how", meanwhile => $restart };
}

# Before anything of it has been.
sub at_once {
    my ($trouble, $end) = @_;
    my ($how, $restart) = @$end;
    return {
        %$trouble,
        name => "$trouble->{name}; at once the server $how",
        fault => sub { $trouble->{fault}->($_[0]); $restart->($_[0]) },
    };
}

our @RESTARTS = map {
    my $trouble = $_;
    map { (during($trouble, $_), at_once($trouble, $_)) } $ANEW, $RELOADED, $KILLED;
} @TROUBLES;

our @SOME_RESTARTS = (during($DOWN_BY_SCRIPT, $ANEW), at_once($BYPASSED, $RELOADED),
    during($LEAKING_IPV6, $KILLED));

1;
