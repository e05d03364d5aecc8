package Lab::Tunnel;

=head1 NAME

Lab::Tunnel - a real tunnel between the lab's client and its provider

=head1 SYNOPSIS

    my $tunnel = Lab::Tunnel->up($network, 'wireguard');
    $tunnel->die;

=head1 DESCRIPTION

=head2 up(NETWORK, KIND, OPTION => VALUE...)

KIND is "wireguard" or "openvpn". Returns when the client's traffic goes that way. host => NAME is
another machine at home; ipv6 => 0 makes a tunnel for IPv4 alone.

=head2 die

The client's end is killed: its interface goes, and with that the routes through it.

=head2 provider_dies

The provider's end is killed, and says nothing.

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
    my $self = bless { ipv6 => 1, host => 'client', folder => Lab->folder, %option },
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

sub provider_dies {
    my ($self) = @_;
    $self->{provider}->end(delete $self->{provider_pid});
    return;
}

sub down {
    my ($self) = @_;
    $self->die if $self->{client_pid};
    $self->provider_dies if $self->{provider_pid};
    $self->tidy;
    return;
}

sub interface { return $_[0]{interface} }

# --- for those that are tunnels -------------------------------------------------------------------

# Polls until a shell script succeeds on a host.
sub wait_until {
    my ($self, $host, $script) = @_;
    return VpsHttpd->wait_for(sub { eval { $host->run($script); 1 } }, 20)
        || CORE::die "the tunnel: in vain: $script\n"
        . $self->{client}->log . $self->{provider}->log;
}

sub tidy { return }

1;
