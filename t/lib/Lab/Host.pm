package Lab::Host;

=head1 NAME

Lab::Host - a machine of the lab: a network of its own, and an /etc

=head1 SYNOPSIS

    my $host = Lab::Host->new('client');
    $host->run("ip link set eth0 up\n");
    my $pid = $host->start('dnsmasq', '--keep-in-foreground', ...);
    $host->end($pid);

=head1 DESCRIPTION

new(NAME) makes one. here() is the machine that the test itself runs on.

=head2 run(SCRIPT)

Runs a shell script in its network and dies when that fails. It sees the /etc and the /sys of the
test's own machine.

=head2 start(COMMAND...), end(PID), log

Starts a process, which sees the machine's own /etc and /sys; kills it. log() is what all of them
have written.

=head2 by

The command that runs another one as start() does, by becoming it.

=head2 resolver(ADDRESS...)

The name servers of its resolv.conf from now on; a new file takes the old one's place, as the
tools do that write it.

=cut

use strict;
use warnings;

use File::Temp ();
use POSIX ();

use Lab;

# The machine's /etc is a folder of links to what the real one has, but for its resolv.conf.
# That is a file in a folder, not one that is mounted over another, so that it can be replaced.
my $REAL_ETC = '/run/etc';
my $MOVE_IN = 'mount --bind "$0" /etc && mount -t sysfs sysfs /sys && exec "$@"';

sub new {
    my ($class, $name) = @_;
    my $self = $class->_furnish($name);
    $self->{into} = [ 'nsenter', "--net=/run/netns/$name" ];
    Lab::run("ip netns add $name");
    $self->run('ip link set lo up');
    return $self;
}

sub here {
    my ($class) = @_;
    my $self = $class->_furnish('here');
    $self->{into} = [];
    Lab::run("mount --bind $self->{etc} /etc");
    return $self;
}

sub _furnish {
    my ($class, $name) = @_;
    Lab::run("test -d $REAL_ETC || { mkdir $REAL_ETC; mount --bind /etc $REAL_ETC; }");
    my $self = bless { name => $name, log => Lab->folder . "/$name.log" }, $class;
    $self->{etc} = Lab->folder . "/$name.etc";
    mkdir $self->{etc} or die "$self->{etc}: $!";
    opendir my $dir, $REAL_ETC or die "$REAL_ETC: $!";
    for my $entry (grep { !/\A(?:\.\.?|resolv\.conf)\z/ } readdir $dir) {
        symlink "$REAL_ETC/$entry", "$self->{etc}/$entry" or die "$entry: $!";
    }
    $self->resolver;
    return $self;
}

sub resolver {
    my ($self, @address) = @_;
    my $new = "$self->{etc}/resolv.conf.new";
    open my $out, '>', $new or die "$new: $!";
    print {$out} map { "nameserver $_\n" } @address;
    close $out;
    rename $new, "$self->{etc}/resolv.conf" or die "resolv.conf: $!";
    return;
}

sub run {
    my ($self, $script) = @_;
    return Lab::run($script, @{ $self->{into} });
}

sub by {
    my ($self) = @_;
    return (@{ $self->{into} }, 'unshare', '--mount', 'sh', '-c', $MOVE_IN, $self->{etc});
}

sub start {
    my ($self, @command) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $self->{log};
    open STDERR, '>&', \*STDOUT;
    my @all = ($self->by, @command);
    { no warnings 'exec'; exec { $all[0] } @all; }
    POSIX::_exit(127);
}

sub end {
    my (undef, $pid) = @_;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

sub log {
    my ($self) = @_;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return readline($in) // '';
}

1;
