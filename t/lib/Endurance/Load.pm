package Endurance::Load;

=head1 NAME

Endurance::Load - keepalives of one client, from a process of its own, each one accounted for

=head1 SYNOPSIS

    my $load = Endurance::Load->start(httpd => $httpd, id => 'load-1', seed => 1, gap => 4);
    my $told = $load->pause;
    ... nothing is on its way now ...
    $load->go_on;

=head1 DESCRIPTION

Each keepalive is sent on a new connection, the next one some milliseconds after the answer. The client
always says the same.

=head2 pause, go_on

pause() waits for the answer to the one that is on its way. Returns a hash of numbers, since the start:

    started     keepalives that were sent, or tried to
    taken       those that were answered with 200
    refused     connections that were not to be had
    cut         connections that ended before the answer did
    stuck       answers that did not come within a minute
    other       answers that were not 200; "last" is the last one of them
    gaps        times without an answer of 200 that were longer than gap, in seconds

=cut

use strict;
use warnings;

use IO::Handle;
use IO::Select;
use JSON::PP ();
use POSIX ();
use Socket qw(AF_INET AF_UNIX PF_UNSPEC SOCK_STREAM inet_aton pack_sockaddr_in);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

my $PAUSE = 0.01;     # seconds between two keepalives, at most
my $SULK = 0.02;      # seconds before the next one when a connection was not to be had
my $PATIENCE = 60;    # seconds for an answer

my $JSON = JSON::PP->new->canonical;

sub start {
    my ($class, %option) = @_;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $ours;
        my $self = bless { %option, control => $theirs, last_taken => undef }, $class;
        $self->{told} = { map { $_ => 0 } qw(started taken refused cut stuck other gaps) };
        eval { $self->_work };
        warn $@ if $@;
        POSIX::_exit(0);
    }
    close $theirs;
    $_->autoflush(1) for $ours;
    return bless { id => $option{id}, pid => $pid, control => $ours, owner => $$ }, $class;
}

sub id { return $_[0]{id} }

sub pause {
    my ($self) = @_;
    print { $self->{control} } "pause\n";
    my $line = readline($self->{control}) // die 'a process of the load has ended';
    return $JSON->decode($line);
}

sub go_on {
    my ($self) = @_;
    print { $self->{control} } "go\n";
    return;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->stop if defined $self->{owner} && $self->{owner} == $$;
    return;
}

# --- the forked process ---------------------------------------------------------------------------

sub _work {
    my ($self) = @_;
    my ($control, $told) = @$self{qw(control told)};
    my $select = IO::Select->new($control);
    local $SIG{PIPE} = 'IGNORE';
    srand $self->{seed};
    $control->autoflush(1);
    my $port = $self->{httpd}->port;
    $self->{to} = pack_sockaddr_in($port, inet_aton('127.0.0.1'));
    my $parent = getppid;
    while (getppid == $parent) {
        if ($select->can_read(0)) {
            readline($control) // return;
            print {$control} $JSON->encode($told) . "\n";
            readline($control) // return;
        }
        my $outcome = $self->_keepalive;
        $told->{started}++;
        $told->{$outcome}++;
        $self->_note_taken if $outcome eq 'taken';
        sleep($outcome eq 'refused' ? $SULK : rand $PAUSE);
    }
}

sub _note_taken {
    my ($self) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    $self->{told}{gaps}++ if defined $self->{last_taken} && $now > $self->{last_taken} + $self->{gap};
    $self->{last_taken} = $now;
    return;
}

# Sends one; returns what became of it.
sub _keepalive {
    my ($self) = @_;
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    if (!connect $socket, $self->{to}) {
        $self->{told}{last} = "connect: $!";
        return $!{ECONNREFUSED} ? 'refused' : 'cut';
    }
    syswrite $socket, $self->{request};
    my ($select, $answer) = (IO::Select->new($socket), '');
    while (1) {
        $select->can_read($PATIENCE) or return 'stuck';
        my $got = sysread $socket, $answer, 65536, length $answer;
        return 'taken' if $answer =~ m{\AHTTP/1\.1 200 .*Content-Length: (\d+)\r\n.*?\r\n\r\n(.*)\z}s
            && length $2 == $1;
        next if $got;
        return 'cut' if $answer eq '' || $answer =~ m{\AHTTP/1\.1 200 };
        $self->{told}{last} = substr $answer, 0, 200;
        return 'other';
    }
}

1;
