package LocalServer;

=head1 NAME

LocalServer - a service of the outside world, played on a port of this host, that fails on command

=head1 DESCRIPTION

The base of those that play a service: they say which service a request is for, service(REQUEST),
and what the well-behaved answer is, answer(REQUEST): status, hash of header lines, body. A request
is a hash of method, path, header (names in lower case), body, service, socket, and fault, which is
undef for a request that is answered well.

An empty answer is a later one: reply(SOCKET, status, header, body). Meanwhile pass() is called
several times a second, is_gone(SOCKET) tells whether the asker has closed the connection, and
gone(SOCKET) is called when that is seen.

The server is one forked process. It ends with the object or with the test.

=head2 new, serve, start

new() takes a port but refuses connections, serve() begins to answer, start() is both. bind => ADDRESS is
where, 127.0.0.1 if it is not given.

=head2 leave, come_back

leave() closes all connections and refuses new ones until come_back().

=head2 hang_up

Closes all connections; those who come anew are answered.

=head2 misbehave(SERVICE => { ... }), behave(SERVICE)

How a service answers until told otherwise:

    status, header => { NAME => VALUE }, body    this answer
    garbage     bytes that are no HTTP
    hang        no answer, the request has no effect
    drop        the connection is closed without an answer, the request has no effect
    cut         the connection is closed in the middle of the answer
    slow        the answer, a byte now and then
    times       only so many requests, then well again

=head2 requests(SERVICE)

What a service was asked, oldest first, each with the time (with fractions) it came at. In scalar
context their number.

=cut

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp ();
use IO::Handle;
use IO::Select;
use IO::Socket::IP;
use JSON::PP ();
use POSIX ();
use Socket qw(AF_UNIX MSG_DONTWAIT MSG_PEEK PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(time);

my $JSON = JSON::PP->new->utf8->canonical;

my %REASON = (
    200 => 'OK',
    204 => 'No Content',
    302 => 'Found',
    401 => 'Unauthorized',
    429 => 'Too Many Requests',
);

sub new {
    my ($class, %option) = @_;
    my $address = $option{bind} // '127.0.0.1';
    my $socket = _bind($address, 0);
    my $folder = ($ENV{VPS_BUILDDIR} // getcwd()) . '/t/tmp';
    make_path($folder);
    my $record = File::Temp->new(DIR => $folder, TEMPLATE => 'standin-XXXXXX');
    return bless {
        %option,
        bind => $address,
        socket => $socket,
        port => $socket->sockport,
        record => $record,
        owner => $$,
    }, $class;
}

# A socket that has its port, and refuses connections until it listens.
sub _bind {
    my ($address, $port) = @_;
    return IO::Socket::IP->new(LocalHost => $address, LocalPort => $port, Type => SOCK_STREAM,
        ReuseAddr => 1) // die "$address, port $port: $@";
}

sub serve {
    my ($self) = @_;
    listen($self->{socket}, 64) or die "listen: $!";
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    my $parent = $$;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        $self->{control} = $theirs;
        eval { $self->_work($parent) };
        warn $@ if $@;
        POSIX::_exit($@ ? 1 : 0);
    }
    $self->{pid} = $pid;
    $self->{control} = $ours;
    $ours->autoflush(1);
    close $self->{socket};
    return $self;
}

sub start {
    my ($class, %option) = @_;
    return $class->new(%option)->serve;
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
    local ($?, $@, $!);
    $self->stop if $self->{owner} == $$;
    return;
}

sub url {
    my ($self) = @_;
    my $address = $self->{bind} =~ /:/ ? "[$self->{bind}]" : $self->{bind};
    return "http://$address:$self->{port}";
}

sub leave {
    my ($self) = @_;
    return $self->command('_leave');
}

sub come_back {
    my ($self) = @_;
    return $self->command('_come_back');
}

sub hang_up {
    my ($self) = @_;
    return $self->command('_hang_up');
}

sub misbehave {
    my ($self, $service, $fault) = @_;
    return $self->command('_set_fault', $service, $fault);
}

sub behave {
    my ($self, $service) = @_;
    return $self->command('_set_fault', $service, undef);
}

sub requests {
    my ($self, $service) = @_;
    open my $in, '<', $self->{record}->filename or die "record: $!";
    # A line being written just now has no newline yet; most lines of a long test are of no interest.
    my @some = map { $JSON->decode($_) } grep { /"service":"\Q$service\E".*\n\z/ } <$in>;
    return grep { $_->{service} eq $service } @some;
}

# Has the server's process call this method of its own; returns what that does, one value.
sub command {
    my ($self, @call) = @_;
    my $control = $self->{control};
    print {$control} $JSON->encode(\@call) . "\n" or die "stand-in: $!";
    my $line = readline($control) // die 'the stand-in has ended';
    return $JSON->decode($line)->[0];
}

# --- the forked process --------------------------------------------------------------------------

sub _work {
    my ($self, $parent) = @_;
    $self->{control}->autoflush(1);
    $self->{select} = IO::Select->new($self->{control}, $self->{socket});
    local $SIG{PIPE} = 'IGNORE';
    @$self{qw(fault received slow)} = ({}, {}, {});

    while (getppid() == $parent) {
        for my $socket ($self->{select}->can_read(0.1)) {
            if ($socket == $self->{control}) {
                $self->_obey or return;
            } elsif ($socket == $self->{socket}) {
                my $client = $socket->accept or next;
                $self->{select}->add($client);
                $self->{received}{$client} = '';
            } elsif (exists $self->{received}{$socket} && !$self->_read($socket)) {
                $self->_forget($socket);
            }
        }
        for my $entry (values %{ $self->{slow} }) {
            syswrite $entry->{socket}, substr($entry->{text}, 0, 1, '');
        }
        $self->pass;
    }
    return;
}

sub _obey {
    my ($self) = @_;
    my $line = readline($self->{control}) // return 0;
    my ($method, @argument) = @{ $JSON->decode($line) };
    my $result = $self->$method(@argument);
    return print { $self->{control} } $JSON->encode([$result]) . "\n";
}

sub _set_fault {
    my ($self, $service, $fault) = @_;
    $self->{fault}{$service} = $fault;
    return;
}

sub _hang_up {
    my ($self) = @_;
    $self->_forget($_) for grep { $_ != $self->{control} && $_ != $self->{socket} } $self->{select}->handles;
    return;
}

# The port stays ours while nobody listens on it.
sub _leave {
    my ($self) = @_;
    $self->_forget($_) for grep { $_ != $self->{control} } $self->{select}->handles;
    $self->{socket} = _bind(@$self{qw(bind port)});
    return;
}

sub _come_back {
    my ($self) = @_;
    listen($self->{socket}, 64) or die "listen: $!";
    $self->{select}->add($self->{socket});
    return;
}

sub _forget {
    my ($self, $socket) = @_;
    delete $self->{received}{$socket};
    delete $self->{slow}{$socket};
    $self->{select}->remove($socket);
    $self->gone($socket);
    close $socket;
    return;
}

# For those that answer later.
sub pass { return }
sub gone { return }

sub is_gone {
    my (undef, $socket) = @_;
    defined recv($socket, my $byte, 1, MSG_PEEK | MSG_DONTWAIT) or return !$!{EAGAIN};
    return $byte eq '';
}

sub reply {
    my ($self, $socket, @answer) = @_;
    _reply($socket, @answer);
    $self->_forget($socket);
    return;
}

# Returns whether the connection stays open.
sub _read {
    my ($self, $socket) = @_;
    my $received = \$self->{received}{$socket};
    sysread($socket, my $bytes, 65536) or return 0;
    $$received .= $bytes;
    # TLS is not spoken here.
    return _reply($socket, 400, {}, '') if $$received =~ /\A\x16/;
    my ($head, $body) = $$received =~ /\A(.*?)\r\n\r\n(.*)\z/s or return 1;
    my ($line, @lines) = split /\r\n/, $head;
    my %header = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
    return 1 if length $body < ($header{'content-length'} // 0);
    my ($method, $path) = split / /, $line;
    my %request = (method => $method, path => $path, header => \%header, body => $body);
    return $self->_handle($socket, \%request);
}

sub _handle {
    my ($self, $socket, $request) = @_;
    my $service = $request->{service} = $self->service($request);
    $self->record($request);
    my $fault = $request->{fault} = $self->{fault}{$service};
    delete $self->{fault}{$service} if $fault && $fault->{times} && --$fault->{times} == 0;
    $request->{socket} = $socket;
    return $self->_misbehave($socket, $request, $fault) if $fault;
    my @answer = $self->answer($request);
    return @answer ? _reply($socket, @answer) : 1;
}

# Keep a line for requests().
sub record {
    my ($self, $line) = @_;
    open my $out, '>>', $self->{record}->filename or die "record: $!";
    syswrite $out, $JSON->encode({ %$line, time => time }) . "\n";
    close $out;
    return;
}

sub _misbehave {
    my ($self, $socket, $request, $fault) = @_;
    return 1 if $fault->{hang};
    return 0 if $fault->{drop};
    if ($fault->{garbage}) {
        syswrite $socket, "\x00\x16\x03 SSH-2.0 \xff\r\n\r\n";
        return 0;
    }
    my ($status, $header, $body) = $self->answer($request);
    my $text = _format($fault->{status} // $status, $fault->{header} // $header,
        $fault->{body} // $body);
    if ($fault->{slow}) {
        $self->{slow}{$socket} = { socket => $socket, text => $text };
        return 1;
    }
    syswrite $socket, $fault->{cut} ? substr($text, 0, -5) : $text;
    return 0;
}

sub _reply {
    my ($socket, @answer) = @_;
    syswrite $socket, _format(@answer);
    return 0;
}

sub _format {
    my ($status, $header, $body) = @_;
    my %all = ('Content-Type' => 'application/json', 'Connection' => 'close', %$header);
    my $head = join '', map { "$_: $all{$_}\r\n" } sort keys %all;
    utf8::encode($body) if utf8::is_utf8($body);
    return sprintf "HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", $status,
        $REASON{$status} // 'Status', $head, length $body, $body;
}

1;
