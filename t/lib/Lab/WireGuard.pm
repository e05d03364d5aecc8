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
    @$self{qw(interface theirs)} = qw(wg0 wgp);
    $self->_make_keys;
    $self->raise_provider;
    $self->raise_client;
    return;
}

sub raise_provider {
    my ($self) = @_;
    my $theirs = $self->{theirs};
    $self->{provider_pid} = $self->{provider}->start('wireguard-go', '-f', $theirs);
    $self->_wait_for($self->{provider}, $theirs);
    $self->{provider}->run(<<"SH");
wg set $theirs listen-port 51820 private-key $self->{key}{provider} \\
    peer $self->{public}{client} allowed-ips 10.66.0.2/32,fd66::2/128
ip address add 10.66.0.1/24 dev $theirs
ip address add fd66::1/64 dev $theirs
ip link set $theirs up
SH
    return;
}

sub raise_client {
    my ($self) = @_;
    my $ours = $self->{interface};
    my $ips = join ',', map { $_ == 4 ? '0.0.0.0/0' : '::/0' } $self->families;
    $self->{client_pid} = $self->{client}->start('wireguard-go', '-f', $ours);
    $self->_wait_for($self->{client}, $ours);
    $self->{client}->run(<<"SH");
wg set $ours fwmark $MARK private-key $self->{key}{client} \\
    peer $self->{public}{provider} endpoint @{[ $self->endpoint ]}:51820 allowed-ips $ips \\
    persistent-keepalive 5
ip link set mtu 1420 up dev $ours
SH
    $self->_route;
    return;
}

# Not by asking "wg", which takes a socket for one that was left until somebody listens, and removes
# it.
sub _wait_for {
    my ($self, $host, $interface) = @_;
    my $listens = '^[^ ]+ [^ ]+ [^ ]+ 00010000 ';
    return $self->wait_until($host,
        "grep -E '$listens.*/wireguard/$interface\\.sock' /proc/net/unix");
}

# All at once, so that a busy machine does not leave IPv6 to the line while IPv4 has the tunnel.
sub _route {
    my ($self) = @_;
    my %net = (4 => [ '10.66.0.2/24', '0.0.0.0/0' ], 6 => [ 'fd66::2/64', '::/0' ]);
    return $self->{client}->run(join '', map {
        my ($address, $all) = @{ $net{$_} };
        <<"SH";
ip -$_ -batch - <<'IP'
address add $address dev $self->{interface}
route add $all dev $self->{interface} table $MARK
rule add not fwmark $MARK table $MARK
rule add table main suppress_prefixlength 0
IP
SH
    } reverse $self->families);
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

# Who is killed leaves its socket.
sub tidy_provider {
    my ($self) = @_;
    unlink "/run/wireguard/$self->{theirs}.sock";
    return;
}

sub tidy_client {
    my ($self) = @_;
    unlink "/run/wireguard/$self->{interface}.sock";
    # What routed into an interface that is gone is gone with it, but for the rules.
    $self->{client}->run(join "\n", map {
        ("ip -$_ rule del not fwmark $MARK table $MARK",
            "ip -$_ rule del table main suppress_prefixlength 0")
    } $self->families);
    return;
}

1;
