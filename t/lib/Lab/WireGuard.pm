package Lab::WireGuard;

=head1 NAME

Lab::WireGuard - a Lab::Tunnel of WireGuard, set up as wg-quick does

=cut

use strict;
use warnings;

use parent -norequire, 'Lab::Tunnel';

# The mark of the tunnel's own packets, and the table of routes for all others.
my $MARK = 51820;

sub raise {
    my ($self) = @_;
    my $theirs = $self->{theirs} = 'wgp';
    $self->{interface} = 'wg0';
    $self->_make_keys;
    $self->{provider_pid} = $self->{provider}->start('wireguard-go', '-f', $theirs);
    $self->{client_pid} = $self->{client}->start('wireguard-go', '-f', $self->{interface});
    $self->wait_until($self->{provider}, "wg show $theirs");
    $self->wait_until($self->{client}, "wg show $self->{interface}");
    $self->{provider}->run(<<"SH");
wg set $theirs listen-port 51820 private-key $self->{key}{provider} \\
    peer $self->{public}{client} allowed-ips 10.66.0.2/32,fd66::2/128
ip address add 10.66.0.1/24 dev $theirs
ip address add fd66::1/64 dev $theirs
ip link set $theirs up
SH
    my $ips = '0.0.0.0/0' . ($self->{ipv6} ? ',::/0' : '');
    $self->{client}->run(<<"SH");
wg set $self->{interface} fwmark $MARK private-key $self->{key}{client} \\
    peer $self->{public}{provider} endpoint 203.0.113.10:51820 allowed-ips $ips \\
    persistent-keepalive 5
ip address add 10.66.0.2/24 dev $self->{interface}
ip link set mtu 1420 up dev $self->{interface}
SH
    $self->_route($_) for $self->_families;
    return;
}

sub _families {
    my ($self) = @_;
    return $self->{ipv6} ? (4, 6) : (4);
}

sub _route {
    my ($self, $family) = @_;
    return $self->{client}->run(join "\n",
        $family == 6 ? "ip address add fd66::2/64 dev $self->{interface}" : '',
        "ip -$family route add default dev $self->{interface} table $MARK",
        "ip -$family rule add not fwmark $MARK table $MARK",
        "ip -$family rule add table main suppress_prefixlength 0");
}

sub _make_keys {
    my ($self) = @_;
    for my $side (qw(client provider)) {
        my $file = $self->{key}{$side} = "$self->{folder}/$self->{host}.$side.key";
        Lab::run("umask 077; wg genkey >$file; wg pubkey <$file >$file.public");
        open my $in, '<', "$file.public" or CORE::die "$file: $!";
        chomp($self->{public}{$side} = readline $in);
    }
    return;
}

sub tidy {
    my ($self) = @_;
    # Who is killed leaves its socket, and "wg" would remove it while the next one starts.
    unlink map { "/run/wireguard/$_.sock" } @$self{qw(interface theirs)};
    # What routed into an interface that is gone is gone with it, but for the rules.
    $self->{client}->run(join "\n", map {
        ("ip -$_ rule del not fwmark $MARK table $MARK",
            "ip -$_ rule del table main suppress_prefixlength 0")
    } $self->_families);
    return;
}

1;
