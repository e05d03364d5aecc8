package StandIn;

=head1 NAME

StandIn - plays the outside world for the client daemon

=head1 SYNOPSIS

    my $world = StandIn->start;
    run_the_client(VPN_SENTINEL_SERVER_URL => $world->url, VPN_SENTINEL_TRACE_URL => $world->url);
    is($world->requests('keepalive'), 1);
    $world->misbehave(keepalive => { status => 503, times => 2 });

=head1 DESCRIPTION

One forked process on a free port of 127.0.0.1 that answers as these services do:

    trace       GET /cdn-cgi/trace              Cloudflare
    ipinfo      GET /json, /ADDRESS/json        ipinfo.io
    ip-api      GET /json/, /json/ADDRESS       ip-api.com
    keepalive   POST .../keepalive              a VPN Sentinel server

It ends with the object or with the test.

=head2 new, serve, start

new() takes a port but refuses connections, serve() begins to answer, start() is both. start(key => KEY)
makes the server answer 401 to any other key.

=head2 address(ADDRESS)

What the services take for the client's address from now on; 198.51.100.7 at first.

=head2 misbehave(SERVICE => { ... }), behave(SERVICE)

How a service answers until told otherwise:

    status, header => { NAME => VALUE }, body    this answer
    garbage     bytes that are no HTTP
    hang        no answer
    cut         the connection is closed in the middle of the answer
    slow        the answer, a byte now and then
    times       only so many requests, then well again

=head2 requests(SERVICE)

What a service was asked, oldest first: hashes of method, path, header (names in lower case) and body.
In scalar context their number.

=cut

use strict;
use warnings;
use utf8;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp ();
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

my $JSON = JSON::PP->new->utf8->canonical;

my %REASON = (200 => 'OK', 204 => 'No Content', 302 => 'Found', 401 => 'Unauthorized', 429 => 'Too Many Requests');

sub new {
    my ($class, %option) = @_;
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'tcp', ReuseAddr => 1)
        or die "no port: $!";
    my $folder = ($ENV{VPS_BUILDDIR} // getcwd()) . '/t/tmp';
    make_path($folder);
    my $record = File::Temp->new(DIR => $folder, TEMPLATE => 'standin-XXXXXX');
    return bless { %option, socket => $socket, port => $socket->sockport, record => $record, owner => $$ }, $class;
}

sub serve {
    my ($self) = @_;
    listen($self->{socket}, 64) or die "listen: $!";
    my $parent = $$;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        eval { $self->_work($parent) };
        warn $@ if $@;
        POSIX::_exit($@ ? 1 : 0);
    }
    $self->{pid} = $pid;
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
    close $self->{socket} if $self->{socket};    # it may go first at the end of the program
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
    return "http://127.0.0.1:$self->{port}";
}

sub address {
    my ($self, $address) = @_;
    return $self->_command({ address => $address });
}

sub misbehave {
    my ($self, $service, $fault) = @_;
    return $self->_command({ service => $service, fault => $fault });
}

sub behave {
    my ($self, $service) = @_;
    return $self->_command({ service => $service });
}

sub requests {
    my ($self, $service) = @_;
    open my $in, '<', $self->{record}->filename or die "record: $!";
    # A line being written just now has no newline yet.
    my @all = map { $JSON->decode($_) } grep { /\n\z/ } <$in>;
    return grep { $_->{service} eq $service } @all;
}

sub _command {
    my ($self, $command) = @_;
    my $answer = HTTP::Tiny->new(timeout => 20, proxy => undef, http_proxy => undef)
        ->post($self->url . '/command', { content => $JSON->encode($command) });
    die "stand-in: $answer->{status} $answer->{content}" unless $answer->{success};
    return;
}

# --- the forked process -----------------------------------------------------------------------------------------

sub _work {
    my ($self, $parent) = @_;
    my $server = $self->{socket};
    my $select = IO::Select->new($server);
    local $SIG{PIPE} = 'IGNORE';
    @$self{qw(address fault received slow)} = ('198.51.100.7', {}, {}, {});

    while (getppid() == $parent) {
        for my $socket ($select->can_read(0.1)) {
            if ($socket == $server) {
                my $client = $server->accept or next;
                $select->add($client);
                $self->{received}{$client} = '';
            } elsif (!$self->_read($socket)) {
                $self->_forget($select, $socket);
            }
        }
        for my $entry (values %{ $self->{slow} }) {
            syswrite $entry->{socket}, substr($entry->{text}, 0, 1, '');
        }
    }
    return;
}

sub _forget {
    my ($self, $select, $socket) = @_;
    delete $self->{received}{$socket};
    delete $self->{slow}{$socket};
    $select->remove($socket);
    close $socket;
    return;
}

# Returns whether the connection stays open.
sub _read {
    my ($self, $socket) = @_;
    my $received = \$self->{received}{$socket};
    sysread($socket, my $bytes, 65536) or return 0;
    $$received .= $bytes;
    return _answer($socket, 400, {}, '') if $$received =~ /\A\x16/;    # TLS, which is not spoken here
    my ($head, $body) = $$received =~ /\A(.*?)\r\n\r\n(.*)\z/s or return 1;
    my ($line, @lines) = split /\r\n/, $head;
    my %header = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
    return 1 if length $body < ($header{'content-length'} // 0);
    my ($method, $path) = split / /, $line;
    return $self->_handle($socket, { method => $method, path => $path, header => \%header, body => $body });
}

sub _handle {
    my ($self, $socket, $request) = @_;
    if ($request->{path} eq '/command') {
        my $command = $JSON->decode($request->{body});
        $self->{address} = $command->{address} if $command->{address};
        $self->{fault}{ $command->{service} } = $command->{fault} if $command->{service};
        return _answer($socket, 200, {}, '{}');
    }
    my $service = $request->{service} = _service($request);
    $self->_record($request);
    my $fault = $self->{fault}{$service};
    delete $self->{fault}{$service} if $fault && $fault->{times} && --$fault->{times} == 0;
    return $self->_misbehave($socket, $request, $fault) if $fault;
    return _answer($socket, $self->_well($request));
}

sub _service {
    my ($request) = @_;
    my $path = $request->{path};
    return 'trace' if $path =~ m{/cdn-cgi/trace\z};
    return 'ip-api' if $path =~ m{/json/[^/]*\z};
    return 'ipinfo' if $path =~ m{/json\z};
    return 'keepalive' if $path =~ m{/keepalive\z} && $request->{method} eq 'POST';
    return 'none';
}

sub _record {
    my ($self, $request) = @_;
    open my $out, '>>', $self->{record}->filename or die "record: $!";
    syswrite $out, $JSON->encode($request) . "\n";
    close $out;
    return;
}

# The well-behaved answer: status, header, body.
sub _well {
    my ($self, $request) = @_;
    my $address = $self->{address};
    my %answer = (
        'trace' => sub { "fl=1f1\nh=1.1.1.1\nip=$address\nts=1736944496.1\ncolo=OTP\nloc=RO\ntls=TLSv1.3\n" },
        'ipinfo' => sub {
            my ($asked) = $request->{path} =~ m{([0-9a-f.:]+)/json\z};
            return $JSON->encode({
                ip => $asked // $address, city => 'București', region => 'București', country => 'RO',
                loc => '44.4,26.1', org => 'AS9009 M247 Europe SRL', timezone => 'Europe/Bucharest',
            });
        },
        'ip-api' => sub {
            my ($asked) = $request->{path} =~ m{json/([0-9a-f.:]+)\z};
            return $JSON->encode({
                status => 'success', query => $asked // $address, country => 'Romania', countryCode => 'RO',
                region => 'CJ', regionName => 'Cluj', city => 'Cluj-Napoca', timezone => 'Europe/Bucharest',
                isp => 'M247', org => 'M247', as => 'AS9009 M247 Europe SRL',
            });
        },
        'keepalive' => sub { '{"status":"ok","message":"Keepalive received","server_time":"2025-01-15T12:34:56Z"}' },
    );
    my $make = $answer{ $request->{service} } or return (404, {}, '{"error":"Not found","message":"Not found"}');
    if ($request->{service} eq 'keepalive' && defined $self->{key} &&
        ($request->{header}{'x-api-key'} // '') ne $self->{key}) {
        return (401, {}, '{"error":"Unauthorized","message":"Invalid or missing API key"}');
    }
    return (200, { 'Content-Type' => $request->{service} eq 'trace' ? 'text/plain' : 'application/json' }, $make->());
}

sub _misbehave {
    my ($self, $socket, $request, $fault) = @_;
    return 1 if $fault->{hang};
    if ($fault->{garbage}) {
        syswrite $socket, "\x00\x16\x03 SSH-2.0 \xff\r\n\r\n";
        return 0;
    }
    my ($status, $header, $body) = $self->_well($request);
    my $text = _format($fault->{status} // $status, $fault->{header} // $header, $fault->{body} // $body);
    if ($fault->{slow}) {
        $self->{slow}{$socket} = { socket => $socket, text => $text };
        return 1;
    }
    syswrite $socket, $fault->{cut} ? substr($text, 0, -5) : $text;
    return 0;
}

sub _answer {
    my ($socket, @answer) = @_;
    syswrite $socket, _format(@answer);
    return 0;
}

sub _format {
    my ($status, $header, $body) = @_;
    my %all = ('Content-Type' => 'application/json', 'Connection' => 'close', %$header);
    my $head = join '', map { "$_: $all{$_}\r\n" } sort keys %all;
    utf8::encode($body) if utf8::is_utf8($body);
    return sprintf "HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s", $status, $REASON{$status} // 'Status', $head,
        length $body, $body;
}

1;
