package Lab::OpenVPN;

=head1 NAME

Lab::OpenVPN - a Lab::Tunnel of OpenVPN, whose provider pushes the routes

=cut

use strict;
use warnings;

use parent -norequire, 'Lab::Tunnel';

# Seconds between signs of life, and after how many without one the other end counts as dead.
my ($PING, $PING_RESTART) = (1, 4);

# What the client takes of the routes that are pushed to it.
my %TAKES = (
    46 => [],
    4 => [ (map { ('--pull-filter', 'ignore', $_) } qw(ifconfig-ipv6 route-ipv6 redirect-gateway)),
        qw(--redirect-gateway def1) ],
    6 => [ qw(--pull-filter ignore redirect-gateway), qw(--redirect-gateway ipv6 !ipv4) ],
);
my %FAR = (4 => '1.1.1.1', 6 => '2606:4700:4700::1111');    # reached by them, by IP version

sub raise {
    my ($self) = @_;
    $self->{interface} = 'tun0';
    $self->_make_certificates;
    $self->raise_provider;
    $self->raise_client;
    return;
}

sub raise_client {
    my ($self) = @_;
    my $own = $self->{certificate}{client};
    $self->{client_pid} = $self->{client}->start(qw(openvpn --client --dev tun0 --dev-type tun
        --nobind --connect-retry 1 1 --resolv-retry 1), '--proto', $self->_protocol,
        '--remote', $self->endpoint =~ tr/[]//dr, '1194',
        '--cert', $own->{file}, '--key', $own->{key},
        '--peer-fingerprint', $self->{certificate}{provider}{fingerprint},
        @{ $TAKES{ join '', $self->families } });
    $self->wait_until($self->{client}, "ip route get $FAR{$_} | grep -q tun0")
        for $self->families;
    return;
}

sub raise_provider {
    my ($self) = @_;
    my $own = $self->{certificate}{provider};
    $self->{provider_pid} = $self->{provider}->start(qw(openvpn --dev tunp --dev-type tun
        --topology subnet), ($self->{ipv4} ? qw(--server 10.66.0.0 255.255.255.0) : ()),
        qw(--server-ipv6 fd66::/64 --tls-server --dh none --port 1194),
        '--proto', $self->_protocol, '--local', $self->endpoint =~ tr/[]//dr,
        '--keepalive', $PING, $PING_RESTART,
        '--cert', $own->{file}, '--key', $own->{key},
        '--peer-fingerprint', $self->{certificate}{client}{fingerprint},
        '--push', 'redirect-gateway def1 ipv6');
    return;
}

sub _protocol { return $_[0]{ipv4} ? 'udp' : 'udp6' }

# Each end knows the other's certificate: no authority is needed.
sub _make_certificates {
    my ($self) = @_;
    for my $side (qw(client provider)) {
        my $base = "$self->{folder}/$self->{host}.$side";
        Lab::run(<<"SH");
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $base.key \\
    -out $base.crt -days 3 -subj /CN=$side
openssl x509 -in $base.crt -noout -fingerprint -sha256 >$base.fingerprint
SH
        open my $in, '<', "$base.fingerprint" or CORE::die "$base: $!";
        my ($fingerprint) = readline($in) =~ /=(\S+)/;
        $self->{certificate}{$side} =
            { file => "$base.crt", key => "$base.key", fingerprint => $fingerprint };
    }
    return;
}

# Who is killed leaves its way to the provider.
sub tidy_client {
    my ($self) = @_;
    $self->{client}->run("ip route del $Lab::Network::EXIT{tunnel} || true\n"
        . "ip -6 route del $Lab::Network::EXIT6{tunnel} || true");
    return;
}

1;
