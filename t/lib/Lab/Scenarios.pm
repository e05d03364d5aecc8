package Lab::Scenarios;

=head1 NAME

Lab::Scenarios - what may befall the user of a VPN, and what is true then

=head1 DESCRIPTION

Lists of scenarios for Lab::Stage: @MAIN are those that the product is for.

=cut

use strict;
use warnings;
use utf8;

use Exporter qw(import);

use Lab::Network;
use Lab::Stage;

our @EXPORT = qw(@MAIN);

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
        expect => { light => 'yellow', conditions => ['dns_leak'], told => [$LEAK] },
        repair => uses_resolver('provider'),
        after => { told => [$LEAK_OVER] },
    },
    {
        name => 'a public resolver is used, through the tunnel',
        fault => uses_resolver('public'),
        todo => 'the server takes a resolver in another country for a leak',
    },
);

1;
