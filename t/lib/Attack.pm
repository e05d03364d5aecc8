package Attack;

=head1 NAME

Attack - hostile clients of an httpd, each kind in a process of its own

=head1 SYNOPSIS

    my $attack = Attack->start(sub {
        my ($stopped) = @_;
        return Attack::crowd(port => $port, size => 1000, hello => 'GET /', stopped => $stopped);
    });
    ...
    my $told = $attack->stop;       # what the function returned, a hash

=head2 start(FUNCTION), stop, wait

Runs the function in a new process; it gets a function that is true when it is to end, and returns what
JSON can tell. stop() asks it to end, wait() waits until it does by itself; both return what it returned,
and die when it died.

=head2 crowd(...)

Many connections at once, none of which ever waits for another. Returns a hash: opened (how many were
opened), answers (how many ended, or were answered, with each status; "none" for those that the server
ended without one), bytes (that came back), longest (sec that one lasted), ends (with how many bytes of
an answer's end each, see tail).

    port, size      where to, and how many at a time
    hello           bytes that each sends first; or a function of its number that returns them
    drip, pause     bytes that each sends again and again, and the seconds between; default nothing
    appetite        bytes that each reads a turn: default all; 0 = none, and no end is seen
    window          bytes that the system takes for each before they are read: default its own
    again           true = one that ends is replaced
    tail            bytes of each answer's end that are kept and counted; default none
    seconds         to go on for; default until stopped, or until all have ended
    stopped         the function that start() gave

=head2 probe(...)

An honest client: one keepalive after the other, each on a connection of its own. Returns a hash: ms (how
long each took), statuses (how many of each, "none" without an answer).

    port, key       of the API at /api/v1
    pause           sec between two, default 0.02
    addresses       true = each says in X-Forwarded-For that it comes from one of 500 addresses
    patience        sec to wait for an answer, default 30
    seconds, stopped as above

=cut

use strict;
use warnings;

use Carp qw(croak);
use Errno qw(EAGAIN EINPROGRESS EALREADY ENOTCONN EINTR);
use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(max min);
use POSIX ();
use Socket qw(AF_INET SOCK_STREAM SOL_SOCKET SO_RCVBUF pack_sockaddr_in inet_aton);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

my $TURN = 0.02; # sec between two looks at a crowd
my $ADDRESSES = 500;

sub now {
    return clock_gettime(CLOCK_MONOTONIC);
}

# --- processes ------------------------------------------------------------------------------------

sub start {
    my ($class, $function) = @_;
    my $pid = open(my $pipe, '-|') // croak "fork: $!";
    return bless { pid => $pid, pipe => $pipe }, $class if $pid;

    my $stopped = 0;
    local $SIG{TERM} = sub { $stopped = 1 };
    local $SIG{PIPE} = 'IGNORE';
    my $told = eval { $function->(sub { $stopped }) } // { died => "$@" };
    print JSON::PP->new->utf8->encode($told);
    close STDOUT;
    POSIX::_exit(0);
}

sub stop {
    my ($self) = @_;
    kill 'TERM', $self->{pid};
    return $self->wait;
}

sub wait {
    my ($self) = @_;
    my $told = JSON::PP->new->utf8->decode(do { local $/; readline $self->{pipe} } || '{"died":"silently"}');
    close $self->{pipe};
    croak "an attack has died: $told->{died}" if exists $told->{died};
    return $told;
}

# --- a crowd --------------------------------------------------------------------------------------

sub crowd {
    my (%option) = @_;
    my $end = now() + ($option{seconds} // 1e9);
    my $crowd = { %option, told => { opened => 0, answers => {}, ends => {}, bytes => 0, longest => 0 }, one => {} };
    _open($crowd) for 1 .. $option{size};
    while (now() < $end && !($option{stopped} && $option{stopped}->()) && %{ $crowd->{one} }) {
        _turn($crowd);
    }
    _close($crowd, $_) for values %{ $crowd->{one} };
    return $crowd->{told};
}

sub _open {
    my ($crowd) = @_;
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or croak "socket: $!";
    $socket->blocking(0);
    setsockopt($socket, SOL_SOCKET, SO_RCVBUF, $crowd->{window}) if $crowd->{window};
    connect($socket, pack_sockaddr_in($crowd->{port}, inet_aton('127.0.0.1')))
        or $! == EINPROGRESS or croak "connect: $!";
    my $hello = ref $crowd->{hello} ? $crowd->{hello}->($crowd->{told}{opened}) : $crowd->{hello} // '';
    $crowd->{told}{opened}++;
    my $now = now();
    $crowd->{one}{ fileno $socket } =
        { socket => $socket, out => $hello, since => $now, next => $now + ($crowd->{pause} // 0), in => '' };
}

sub _turn {
    my ($crowd) = @_;
    my ($reads, $writes) = ('', '');
    my $now = now();
    while (my ($fd, $one) = each %{ $crowd->{one} }) {
        if (defined $crowd->{drip} && $one->{out} eq '' && $now >= $one->{next}) {
            $one->{out} = $crowd->{drip};
            $one->{next} = $now + $crowd->{pause};
        }
        vec($reads, $fd, 1) = 1 if $crowd->{appetite} // 1;
        vec($writes, $fd, 1) = 1 if $one->{out} ne '';
    }
    select($reads, $writes, undef, $TURN);
    for my $one (@{ $crowd->{one} }{ grep { vec($reads, $_, 1) || vec($writes, $_, 1) } keys %{ $crowd->{one} } }) {
        my $fd = fileno $one->{socket};
        my $is_over = (vec($writes, $fd, 1) && !_write($one)) || (vec($reads, $fd, 1) && !_read($crowd, $one));
        if ($is_over) {
            _close($crowd, $one);
            _open($crowd) if $crowd->{again};
        }
    }
    sleep $TURN if !($crowd->{appetite} // 1) || $crowd->{appetite};
}

sub _write {
    my ($one) = @_;
    my $written = syswrite $one->{socket}, $one->{out};
    if (!defined $written) {
        return $! == EAGAIN || $! == ENOTCONN || $! == EALREADY || $! == EINTR;
    }
    substr($one->{out}, 0, $written, '');
    return 1;
}

# False at the end of the connection.
sub _read {
    my ($crowd, $one) = @_;
    my $read = sysread $one->{socket}, my $bytes, $crowd->{appetite} || 262_144;
    return $! == EAGAIN || $! == EINTR if !defined $read;
    return 0 if $read == 0;
    $crowd->{told}{bytes} += $read;
    if (!$one->{status} && ($one->{in} . $bytes) =~ m{\AHTTP/1\.1 (\d\d\d)}) {
        $one->{status} = $1;
    }
    $one->{in} = substr $one->{in} . $bytes, -max(16, $crowd->{tail} // 0);
    return 1;
}

sub _close {
    my ($crowd, $one) = @_;
    my $told = $crowd->{told};
    $told->{longest} = max($told->{longest}, now() - $one->{since});
    $told->{answers}{ $one->{status} // 'none' }++;
    $told->{ends}{ substr $one->{in}, -$crowd->{tail} }++ if $crowd->{tail};
    delete $crowd->{one}{ fileno $one->{socket} };
    close $one->{socket};
}

# --- an honest client -----------------------------------------------------------------------------

sub probe {
    my (%option) = @_;
    my $end = now() + ($option{seconds} // 1e9);
    my $told = { ms => [], statuses => {} };
    for (my $number = 0; now() < $end && !($option{stopped} && $option{stopped}->()); $number++) {
        my $body = sprintf '{"client_id":"honest-%d"}', $number % 10;
        my $from = sprintf '198.18.%d.%d', 1 + $number % $ADDRESSES / 250, 1 + $number % 250;
        my $request = "POST /api/v1/keepalive HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            . "X-API-Key: $option{key}\r\n" . ($option{addresses} ? "X-Forwarded-For: $from\r\n" : '')
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
        my $begin = now();
        my $status = _ask($option{port}, $request, $option{patience} // 30);
        push @{ $told->{ms} }, 1000 * (now() - $begin);
        $told->{statuses}{$status}++;
        sleep($option{pause} // 0.02);
    }
    return $told;
}

# The status of the answer, "none" when there is none in time.
sub _ask {
    my ($port, $request, $patience) = @_;
    my $told = crowd(port => $port, size => 1, hello => $request, seconds => $patience);
    return (keys %{ $told->{answers} })[0];
}

1;
