package ClientNet;

=head1 NAME

ClientNet - the client daemon in a network of the test's own, with real interfaces and routes

=head1 SYNOPSIS

    plan skip_all => $_ for why_no_networks() // ();
    my ($body, $log) = print_in("$ETH$LINE${TUN}ip route add 0.0.0.0/1 dev tun0");

=head1 DESCRIPTION

The network is a namespace, which needs no rights where users may have namespaces of their own. The kernel's
view of interfaces in /sys is that of the namespace. Nobody answers in it, at once.

=head2 $ETH, $TUN, $LINE

Commands that make a network: an Ethernet interface eth0 with 198.51.100.10/24, a tunnel tun0 with
10.66.0.2/24, a default route by eth0.

=head2 why_no_networks()

Why there can be none here; undef if there can.

=head2 inside(COMMANDS)

The command, in a list, that makes the network by these commands and becomes the one that follows it: by => of
a ClientDaemon.

=head2 print_in(COMMANDS, OPTION => VALUE...)

What a daemon with --print and these options of ClientDaemon says there: the body, or undef, and its log.

=cut

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Test::More;

use ClientDaemon;

our @EXPORT = qw($ETH $TUN $LINE why_no_networks inside print_in);

my @UNSHARE = qw(unshare -Urnm sh -ec);
my $SYS = 'mount -t sysfs sys /sys';

our $ETH = <<'SH';
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth1 up
ip addr add 198.51.100.10/24 dev eth0
ip link set eth0 up
SH
our $TUN = <<'SH';
ip tuntap add mode tun name tun0
ip addr add 10.66.0.2/24 dev tun0
ip link set tun0 up
SH
our $LINE = "ip route add default via 198.51.100.1\n";

sub why_no_networks {
    return 'no network namespaces, or no ip, here' if system("@UNSHARE 'ip link && $SYS' >/dev/null 2>&1") != 0;
    return 'no tunnel interfaces here' if system("@UNSHARE 'ip tuntap add mode tun name t0' >/dev/null 2>&1") != 0;
    return;
}

# Standard output is the daemon's alone.
sub inside {
    my ($commands) = @_;
    return ('sh', '-c', 'exec 3>&1; exec "$@"', 'sh', @UNSHARE,
        qq{exec >&2\n$commands\n$SYS\nexec "\$@" >&3 3>&-}, 'sh');
}

sub print_in {
    my ($commands, %option) = @_;
    my $env = { VPN_SENTINEL_SERVER_URL => 'http://127.0.0.1:1', VPN_SENTINEL_DEBUG => 1, %{ $option{env} // {} } };
    my $done = ClientDaemon->run(args => ['--print'], by => [inside($commands)], %option, env => $env);
    is($done->{status}, 0, 'it looks') or diag $done->{err};
    return (eval { JSON::PP->new->decode($done->{out}) }, $done->{err});
}

1;
