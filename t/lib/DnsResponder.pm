package DnsResponder;

=head1 NAME

DnsResponder - plays a DNS server, that of a system or Cloudflare's, and fails on command

=head1 SYNOPSIS

    my $dns = DnsResponder->start(address => '127.0.0.77', port => 53);
    $dns->says(TXT => { txt => [['198.51.100.53']] });
    run_the_client(resolv_conf => "nameserver 127.0.0.77\n");
    is($dns->requests('TXT'), 1);
    $dns->misbehave(TXT => { silent => 1, times => 1 });

=head1 DESCRIPTION

A LocalServer (see there) that speaks DNS on UDP and TCP. start() takes an address of the loopback
network or ::1, 127.0.0.1 if none is given, and a port, a free one if none; server() is both together.

A service is a type of record (TXT, A, AAAA), and in class CH the name that was asked for.

=head2 says(SERVICE => ANSWER)

What a service answers from now on; REFUSED at first. A hash of

    txt     [[STRING, ...], ...]    records of strings
    a, aaaa [ADDRESS, ...]
    cname   [[FROM, TO], ...]       before all of these
    rcode   NUMBER                  0 if there is none

=head2 misbehave(SERVICE => FAULT)

    silent         no answer
    delay          so many seconds later
    bytes          these bytes behind the message's id, in hexadecimal digits
    id, question   the right answer to another id, or to another question; then the right one is not sent
    truncated      over UDP: no record, the bit that sends the asker to TCP
    tcp            over TCP: "silent", "drop" or "slow"
    cut            so many bytes less than the message has
    times          only so many requests, then well again

=cut

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use Socket qw(AF_INET AF_INET6 inet_pton);
use Time::HiRes qw(time);

use parent 'LocalServer';

my %TYPE = (1 => 'A', 5 => 'CNAME', 16 => 'TXT', 28 => 'AAAA');
my $CHAOS = 3;
my $REFUSED = 5;

sub new {
    my ($class, %option) = @_;
    my $self = $class->SUPER::new(%option);
    my $address = $option{address} // '127.0.0.1';
    for (1 .. 20) {
        my $udp = IO::Socket::IP->new(Proto => 'udp', LocalAddr => $address,
            LocalPort => $option{port} // 0) // die "UDP $address: $!";
        my $tcp = IO::Socket::IP->new(Proto => 'tcp', LocalAddr => $address, LocalPort => $udp->sockport,
            ReuseAddr => 1, Listen => 8);
        next if !$tcp && !$option{port};    # the number is taken there
        @$self{qw(udp socket port address)} = ($udp, $tcp // die("TCP $address: $!"), $udp->sockport, $address);
        return $self;
    }
    die 'no port is free for both UDP and TCP';
}

sub serve {
    my ($self) = @_;
    $self->SUPER::serve;
    close delete $self->{udp};
    return $self;
}

sub server {
    my ($self) = @_;
    my $address = $self->{address} =~ /:/ ? "[$self->{address}]" : $self->{address};
    return "$address:$self->{port}";
}

sub says {
    my ($self, $service, $answer) = @_;
    return $self->command('_set_answer', $service, $answer);
}

# --- the forked process --------------------------------------------------------------------------

sub _set_answer {
    my ($self, $service, $answer) = @_;
    $self->{answer}{$service} = $answer;
    return;
}

sub _work {
    my ($self, $parent) = @_;
    $self->{control}->autoflush(1);
    my $select = IO::Select->new(@$self{qw(control udp socket)});
    local $SIG{PIPE} = 'IGNORE';
    @$self{qw(fault later)} = ({}, []);

    while (getppid() == $parent) {
        for my $socket ($select->can_read(0.02)) {
            if ($socket == $self->{control}) {
                $self->_obey or return;
            } elsif ($socket == $self->{udp}) {
                my $from = recv($socket, my $query, 4096, 0) // next;
                $self->_handle_query($query, sub { send $socket, $_[0], 0, $from }, 'udp');
            } elsif ($socket == $self->{socket}) {
                $select->add($socket->accept // next);
            } else {
                $self->_handle_stream($socket) or do { $select->remove($socket); close $socket };
            }
        }
        my ($due, @rest) = (time);
        $_->[0] <= $due ? $_->[1]->() : push @rest, $_ for @{ $self->{later} };
        $self->{later} = \@rest;
    }
    return;
}

# Returns whether the connection stays open.
sub _handle_stream {
    my ($self, $socket) = @_;
    sysread($socket, my $length, 2) or return 0;
    sysread($socket, my $query, unpack 'n', $length) or return 0;
    my $reply = sub { syswrite $socket, pack('n', length $_[0]) . $_[0] };
    return $self->_handle_query($query, $reply, $socket);
}

sub _handle_query {
    my ($self, $query, $reply, $way) = @_;
    my $question = _parse($query) or return 0;
    my $service = $question->{class} == $CHAOS ? $question->{name} : $TYPE{ $question->{type} } // 'other';
    $self->record({ service => $service, %$question, way => ref $way ? 'tcp' : $way });
    my $fault = $self->{fault}{$service} // {};
    delete $self->{fault}{$service} if $fault->{times} && --$fault->{times} == 0;
    return 1 if $fault->{silent};
    if (ref $way && $fault->{tcp}) {
        syswrite $way, "\xff" if $fault->{tcp} eq 'slow';
        return $fault->{tcp} ne 'drop';
    }
    my $message = $self->_message($query, $question, $self->{answer}{$service} // { rcode => $REFUSED },
        $fault, ref $way);
    push @{ $self->{later} }, [time + ($fault->{delay} // 0), sub { $reply->($message) }];
    return 1;
}

sub _parse {
    my ($query) = @_;
    return if length $query < 17;
    my @labels;
    my $at = 12;
    while (my $length = ord substr $query, $at, 1) {
        push @labels, substr $query, $at + 1, $length;
        $at += $length + 1;
    }
    my ($type, $class) = unpack 'nn', substr $query, $at + 1, 4;
    return { name => join('.', @labels), type => $type, class => $class, end => $at + 5 };
}

sub _name {
    my ($name) = @_;
    return join('', map { pack 'C/a', $_ } split /\./, $name) . "\0";
}

sub _record {
    my ($name, $type, $class, $data) = @_;
    return $name . pack 'nnN n/a', $type, $class, 1, $data;
}

sub _message {
    my ($self, $query, $question, $answer, $fault, $is_stream) = @_;
    my $id = substr $query, 0, 2;
    return $id . pack 'H*', $fault->{bytes} if defined $fault->{bytes};
    $id = pack 'n', (unpack('n', $id) + 1) % 65536 if $fault->{id};
    my $asked = substr $query, 12, $question->{end} - 12;
    $asked = _name('elsewhere.example') . substr $asked, -4 if $fault->{question};

    my ($class, $pointer) = ($question->{class}, "\xc0\x0c");
    my @records = (
        (map { _record(_name($_->[0]), 5, $class, _name($_->[1])) } @{ $answer->{cname} // [] }),
        (map { _record($pointer, 16, $class, join '', map { pack 'C/a', $_ } @$_) } @{ $answer->{txt} // [] }),
        (map { _record($pointer, 1, $class, inet_pton(AF_INET, $_)) } @{ $answer->{a} // [] }),
        (map { _record($pointer, 28, $class, inet_pton(AF_INET6, $_)) } @{ $answer->{aaaa} // [] }),
    );
    my $flags = 0x8180 | ($answer->{rcode} // 0);
    if ($fault->{truncated} && !$is_stream) {
        $flags |= 0x0200;
        @records = ();
    }
    my $message = $id . pack('n5', $flags, 1, scalar @records, 0, 0) . $asked . join '', @records;
    return substr $message, 0, length($message) - ($fault->{cut} // 0);
}

1;
