package Lab;

=head1 NAME

Lab - namespaces that a test has for itself alone

=head1 SYNOPSIS

    use Lab;
    BEGIN { Lab->enter }          # skips the test where that cannot be
    my $host = Lab::Host->new('client');

=head1 DESCRIPTION

=head2 enter

Starts the test anew as the first process of namespaces of its own: of networks, mounts, processes
and, where the user is not root, of users. What happens there is seen by nobody else, so that labs
may run side by side, and all of it goes when the test ends, however it ends: the kernel kills the
other processes with the first one, and namespaces go with their last process.

The test's own network, which has no interface but lo, is the first host of the lab. /run is empty.

=head2 folder

A folder of /run, and so in memory and gone with the test: the only place where the lab writes.

=cut

use strict;
use warnings;

use Test::More ();

my @TOOLS = qw(unshare nsenter mount ip nft wg wireguard-go openvpn openssl dnsmasq);

my @OWN = qw(--mount --net --pid --fork --kill-child --mount-proc);

# Not root within, for then httpd would have to become yet another user; but with root's power over
# these namespaces.
my @USER = qw(--user --map-user=1000 --map-group=1000 --keep-caps);

# What a lab is made of, tried in its namespaces: each line is a reason not to be there.
my @NEEDS = (
    [ 'mounts' => 'mount -t tmpfs tmpfs /run' ],
    [ 'named networks' => 'mkdir /run/netns && ip netns add probe' ],
    [ 'the kernel\'s view of another network' =>
        'nsenter --net=/run/netns/probe unshare --mount mount -t sysfs sysfs /sys' ],
    [ 'veth' => 'ip link add probe0 type veth peer name probe1' ],
    [ '/dev/net/tun that may be opened' => 'ip tuntap add mode tun name probe2' ],
    [ 'nftables' => 'nft "add table inet probe; add chain inet probe nat'
        . ' { type nat hook postrouting priority srcnat; }"' ],
    [ 'IPv6' => 'ip address add 2001:db8::1/128 dev lo' ],
    [ 'forwarding' => 'echo 1 >/proc/sys/net/ipv4/ip_forward' ],
);

sub enter {
    $ENV{PATH} .= ':/usr/sbin:/sbin';
    if ($ENV{VPS_PID}) {
        _furnish();
        return;
    }
    my @missing = grep { !_find($_) } @TOOLS;
    Test::More::plan(skip_all => "no @missing here") if @missing;
    my @way = $> == 0 ? () : @USER;
    my $reason = _try('unshare', @way, @OWN);
    Test::More::plan(skip_all => "a lab cannot be made here: $reason") if defined $reason;
    $ENV{VPS_PID} = $$;
    exec 'unshare', @way, @OWN, $^X, (map { "-I$_" } grep { !ref } @INC), $0, @ARGV
        or die "unshare: $!";
}

sub _find {
    my ($tool) = @_;
    return grep { -x "$_/$tool" } split /:/, $ENV{PATH};
}

# Returns why no lab can be made that way, undef when it can.
sub _try {
    my (@way) = @_;
    my $script = join '', map { "$_->[1] || { echo '$_->[0]'; exit; }\n" }
        map { [ $_->[0] =~ s/'/'\\''/gr, $_->[1] ] } @NEEDS;
    open my $probe, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @way, 'sh', '-c',
        "{ $script echo; } | head -n 1"
        or return "sh: $!";
    my $said = readline($probe) // '';
    close $probe;
    chomp $said;
    return $? != 0 ? 'no namespaces' : $said eq '' ? undef : "no $said";
}

# The empty rooms become those of a machine.
sub _furnish {
    run(<<'SH');
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/wireguard /run/lab
ip link set lo up
SH
    return;
}

sub folder { return '/run/lab' }

=head2 has_time, kinds

Is there time for what takes minutes? There is when VPS_LAB_ALL is set. And which tunnels shall a
scenario be played with that either is good for: without time, one.

=cut

sub has_time { return $ENV{VPS_LAB_ALL} }
sub kinds { return ('wireguard', has_time() ? 'openvpn' : ()) }

=head2 run(SCRIPT, COMMAND...)

Runs a shell script, by that command if one is given; dies when it fails.

=cut

sub run {
    my ($script, @by) = @_;
    open my $shell, '-|', 'sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @by, 'sh', '-exc', $script
        or die "sh: $!";
    my $said = do { local $/; readline $shell } // '';
    close $shell or die "the lab: this failed:\n$said";
    return;
}

1;
