package Lab::OpenVPN;

=head1 NAME

Lab::OpenVPN - a Lab::Tunnel of OpenVPN, whose provider pushes the routes

=cut

use strict;
use warnings;

use parent -norequire, 'Lab::Tunnel';

# Seconds between signs of life, and after how many without one the other end counts as dead.
my ($PING, $PING_RESTART) = (1, 4);

sub raise {
    my ($self) = @_;
    $self->{interface} = 'tun0';
    $self->_make_certificates;
    $self->raise_provider;
    my $client = $self->{certificate}{client};
    $self->{client_pid} = $self->{client}->start(qw(openvpn --client --dev tun0 --dev-type tun
        --proto udp --nobind --connect-retry 1 1 --resolv-retry 1 --remote 203.0.113.10 1194),
        '--cert', $client->{file}, '--key', $client->{key},
        '--peer-fingerprint', $self->{certificate}{provider}{fingerprint},
        $self->{ipv6} ? () : ('--pull-filter', 'ignore', 'ifconfig-ipv6', '--pull-filter', 'ignore',
            'route-ipv6', '--pull-filter', 'ignore', 'redirect-gateway', '--redirect-gateway',
            'def1'));
    $self->wait_until($self->{client}, 'ip route show 0.0.0.0/1 | grep -q tun0');
    $self->wait_until($self->{client}, 'ip -6 route get 2606:4700:4700::1111 | grep -q tun0')
        if $self->{ipv6};
    return;
}

sub raise_provider {
    my ($self) = @_;
    my $own = $self->{certificate}{provider};
    $self->{provider_pid} = $self->{provider}->start(qw(openvpn --dev tunp --dev-type tun
        --topology subnet --server 10.66.0.0 255.255.255.0 --server-ipv6 fd66::/64
        --tls-server --dh none --proto udp --port 1194 --local 203.0.113.10),
        '--keepalive', $PING, $PING_RESTART,
        '--cert', $own->{file}, '--key', $own->{key},
        '--peer-fingerprint', $self->{certificate}{client}{fingerprint},
        '--push', 'redirect-gateway def1 ipv6');
    return;
}

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

sub tidy {
    my ($self) = @_;
    # A client that is killed leaves its way to the provider.
    $self->{client}->run('ip route del 203.0.113.10 || true');
    return;
}

1;
