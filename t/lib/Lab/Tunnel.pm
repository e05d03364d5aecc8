package Lab::Tunnel;

=head1 NAME

Lab::Tunnel - a real tunnel between the lab's client and its provider

=head1 SYNOPSIS

    my $tunnel = Lab::Tunnel->up($network, 'wireguard');
    $tunnel->die;

=head1 DESCRIPTION

=head2 up(NETWORK, KIND, OPTION => VALUE...)

KIND is "wireguard" or "openvpn". Returns when the client's traffic goes that way. host => NAME is
another machine at home; ipv6 => 0 makes a tunnel for IPv4 alone, ipv4 => 0 one for IPv6 alone, whose
ends reach each other by IPv6 too.

=head2 die, rise

The client's end is killed: its interface goes, and with that the routes through it. It is there
again.

=head2 provider_dies, provider_rises

The provider's end is killed, and says nothing. It is there again.

=head2 down

Both ends are gone, with all their traces.

=head2 interface

The name of the client's interface.

=cut

use strict;
use warnings;

use Lab;
use Lab::OpenVPN;
use Lab::WireGuard;
use VpsHttpd;

my %CLASS = (wireguard => 'Lab::WireGuard', openvpn => 'Lab::OpenVPN');

sub up {
    my (undef, $network, $kind, %option) = @_;
    my $self = bless { ipv4 => 1, ipv6 => 1, host => 'client', folder => Lab->folder, %option },
        $CLASS{$kind};
    $self->{client} = $network->{ $self->{host} };
    $self->{provider} = $network->{provider};
    $self->raise;
    return $self;
}

sub die {
    my ($self) = @_;
    $self->{client}->end(delete $self->{client_pid});
    return;
}

sub rise {
    my ($self) = @_;
    $self->tidy_client;
    $self->raise_client;
    return;
}

sub provider_dies {
    my ($self) = @_;
    $self->{provider}->end(delete $self->{provider_pid});
    return;
}

sub provider_rises {
    my ($self) = @_;
    $self->tidy_provider;
    $self->raise_provider;
    return;
}

sub down {
    my ($self) = @_;
    $self->die if $self->{client_pid};
    $self->provider_dies if $self->{provider_pid};
    $self->tidy_client;
    $self->tidy_provider;
    return;
}

sub interface { return $_[0]{interface} }

# --- for those that are tunnels -------------------------------------------------------------------

# Polls until a shell script succeeds on a host.
sub wait_until {
    my ($self, $host, $script) = @_;
    return VpsHttpd->wait_for(sub { eval { $host->run($script); 1 } })
        || CORE::die "the tunnel: in vain: $script\n"
        . $self->{client}->log . $self->{provider}->log;
}

# The IP versions that it carries.
sub families {
    my ($self) = @_;
    return (($self->{ipv4} ? 4 : ()), ($self->{ipv6} ? 6 : ()));
}

# Where the client finds the provider, as a URL would have it.
sub endpoint {
    my ($self) = @_;
    return $self->{ipv4} ? $Lab::Network::EXIT{tunnel} : "[$Lab::Network::EXIT6{tunnel}]";
}

# What an end leaves that was killed.
sub tidy_client { return }
sub tidy_provider { return }

1;
