package HttpFuzz;

=head1 NAME

HttpFuzz - whole HTTP requests, nearly right, against a real httpd

=head1 SYNOPSIS

    my $fuzz = HttpFuzz->new(seed => 7);
    $fuzz->run(first => 1, connections => 1000);
    $fuzz->finish;
    print "$_\n" for $fuzz->faults;

=head1 DESCRIPTION

Each connection brings one to eight requests of HttpFuzz::Requests. Whatever they are, what comes back must
be answers of HTTP with a status that can be, and what is JSON must be JSON. After some hundred of them
the server must still tell a fleet that can be, no process may have died, no sanitizer may have said
anything, and the registry must be whole: a child is killed in the middle of a change, and the module with
its test hooks then reads all of it.

=head2 new(seed => N, httpd => { ... })

httpd: more for VpsHttpd->start. A fault names the number of its connection; where state from earlier ones
does not matter, run(first => that number, connections => 1) does it again.

=head2 requests, answers

How many requests were sent, and how many answers came of each status: a hash.

=cut

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(SHUT_WR SOL_SOCKET SO_LINGER);

use HttpFuzz::Requests;
use VpsHttpd;

my $KEY = 'fuzz-key';
my $DEADLINE = 60;    # sec for an answer
my $BATCH = 500;      # connections between two looks at the server
my $KILL_POINT = 9;   # in the middle of a change
my $FAULTS_MAX = 10;  # who has so many has enough to do

# Those of our own, and those that httpd gives before a request is ours.
my %POSSIBLE = map { $_ => 1 }
    (100, 200, 201, 206, 301, 304, 400, 401, 403, 404, 405, 408, 412, 413, 414, 415, 416, 417, 431, 501, 505);
# A registry that is full, and readiness.
my $UNAVAILABLE = qr/"Registry full"|UNAVAILABLE|"unavailable"/;

# What may be in the error log besides: the child that is killed, and paths that httpd itself refuses.
my @EXPECTED = (qr/AH00052: child pid \d+ exit signal Killed/, qr/AH10244: invalid URI path/,
    qr/\(36\)File name too long: .*AH00036/);

my $CONF = <<"CONF";
VPNSentinelAPI
VPNSentinelAPIKey $KEY
VPNSentinelRateLimit 0
VPNSentinelMaxClients 50
VPNSentinelDashboard
VPNSentinelHealth
VPNSentinelMetrics
VPNSentinelLog /dev/null
HttpProtocolOptions Strict RegisteredMethods Require1.0
TraceEnable Off
Timeout 5
KeepAliveTimeout 1
<Location "/server-status">
    SetHandler server-status
</Location>
CONF

sub new {
    my ($class, %option) = @_;
    my $build = $ENV{VPS_BUILDDIR} // '.';
    my $httpd = VpsHttpd->start(
        conf => $CONF,
        modules => ['status'],
        module => "$build/t/.libs/mod_vpnsentinel_hooks.so",
        log_level => 'warn vpnsentinel:info',
        leaks => 1,
        %{ $option{httpd} // {} });
    $httpd->wait_until_read;
    return bless {
        httpd => $httpd,
        seed => $option{seed},
        making => HttpFuzz::Requests->new(seed => $option{seed}, key => $KEY),
        faults => [],
        log_read => 0,
        requests => 0,
        answers => {},
    }, $class;
}

sub faults { return @{ $_[0]{faults} } }
sub requests { return $_[0]{requests} }
sub answers { return $_[0]{answers} }

sub fault {
    my ($self, $what) = @_;
    push @{ $self->{faults} }, $what;
    return;
}

# --- one connection -------------------------------------------------------------------------------

# Sends it and returns what comes back; undef when nobody waits for that.
sub exchange {
    my ($self, $connection) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{httpd}->port)
        or return "no connection: $!";
    my $bytes = $connection->{bytes};
    my $piece = 1 + int(length($bytes) / $connection->{pieces});
    while (length $bytes) {
        # A server that refuses the rest has answered.
        defined syswrite($socket, $bytes, $piece) or last;
        substr($bytes, 0, $piece) = '';
    }
    if ($connection->{end} eq 'cut') {
        setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('II', 1, 0));
        return;
    }
    shutdown $socket, SHUT_WR;
    my ($answer, $select) = ('', IO::Select->new($socket));
    while ($select->can_read($DEADLINE)) {
        sysread($socket, $answer, 65536, length $answer) or return $answer;
    }
    return "no end of the answer: $answer";
}

# Takes a chunked body from the beginning of the bytes; undef when it is none.
sub take_chunks {
    my ($rest) = @_;
    my $body = '';
    while ($$rest =~ s/\A([0-9a-f]+)\r\n//i) {
        my $size = hex $1;
        return if length $$rest < $size + 2;
        $body .= substr $$rest, 0, $size, '';
        return if $$rest !~ s/\A\r\n//;
        return $body if $size == 0;
    }
    return;
}

# Takes one answer from the beginning of the bytes. Returns status, header and body, or undef.
sub take_answer {
    my ($rest, $may_be_bodiless) = @_;
    $$rest =~ s{\AHTTP/1\.1 (\d{3}) [\x20-\x7e]*\r\n((?:[\x21-\x7e]+: [\x20-\x7e\x80-\xff]*\r\n)*)\r\n}{} or return;
    my ($status, $head) = ($1, $2);
    my %header = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head;
    if ($status == 100 || $status == 304 || ($may_be_bodiless && $$rest =~ m{\A(?:HTTP/1\.1 |\z)})) {
        return ($status, \%header, '');
    }
    if (($header{'transfer-encoding'} // '') eq 'chunked') {
        my $body = take_chunks($rest);
        return defined $body ? ($status, \%header, $body) : ();
    }
    my $length = $header{'content-length'} // length $$rest;
    return if $length > length $$rest;
    return ($status, \%header, substr $$rest, 0, $length, '');
}

# What is wrong with an answer; undef when nothing is.
sub wrong_with {
    my ($status, $header, $body, $may_be_bodiless) = @_;
    if (!$POSSIBLE{$status} && !($status == 503 && ($may_be_bodiless || $body =~ $UNAVAILABLE))) {
        return "status $status";
    }
    if (($header->{'content-type'} // '') eq 'application/json' && $status != 206 && !($may_be_bodiless && $body eq '')) {
        return 'JSON that is none' if !eval { JSON::PP->new->utf8->decode($body) };
    }
    return;
}

sub check_answers {
    my ($self, $connection, $bytes) = @_;
    my $rest = $bytes;
    while (length $rest) {
        my ($status, $header, $body) = take_answer(\$rest, $connection->{heads});
        return 'no answer of HTTP: ' . substr $rest, 0, 200 if !defined $status;
        $self->{answers}{$status}++;
        my $wrong = wrong_with($status, $header, $body, $connection->{heads});
        return "$wrong: $body" if $wrong;
    }
    return;
}

# --- the server -----------------------------------------------------------------------------------

# A child dies while it changes the registry; the next one that comes reads all of it.
sub check_registry {
    my ($self) = @_;
    my %option = (headers => { 'X-API-Key' => $KEY }, content => { client_id => 'killed' });
    my $httpd = $self->{httpd};
    $httpd->request('DELETE', '/api/v1/clients/c1', { headers => $option{headers} });
    $httpd->request('POST', '/api/v1/keepalive', {%option, headers => { %{ $option{headers} }, 'X-Test-Kill-At' => $KILL_POINT } });
    my $answer = $httpd->request('DELETE', '/api/v1/clients/killed', { headers => $option{headers} });
    $self->fault("after a child was killed: status $answer->{status}") if $answer->{status} !~ /^(?:200|404)$/;
}

sub check_fleet {
    my ($self) = @_;
    my ($status, $list) = $self->{httpd}->json('GET', '/api/v1/clients', { headers => { 'X-API-Key' => $KEY } });
    return $self->fault("the clients: status $status") if $status != 200 || ref $list ne 'HASH';
    my @clients = @{ $list->{clients} };
    $self->fault('the clients are not as many as they say') if $list->{count} != @clients;
    my %seen;
    for my $client (@clients) {
        my $id = $client->{client_id};
        $self->fault("a client that cannot be: $id") if $id !~ /\A[A-Za-z0-9-]{1,100}\z/ || $seen{$id}++;
        my @bad = grep { defined && !ref && /[\x00-\x1f\x7f-\x9f\x{feff}\x{d800}-\x{dfff}]/ } values %$client;
        $self->fault("client $id tells what it must not") if @bad;
    }
}

# What the error log has that it must not, since the last look.
sub check_log {
    my ($self) = @_;
    my $log = $self->{httpd}->error_log;
    my $new = substr $log, $self->{log_read};
    $self->{log_read} = length $log;
    for my $line (split /^/, $new) {
        next if $line !~ /\[\w*:(?:error|crit|alert|emerg)\]|exit signal|Sanitizer|runtime error:|SUMMARY:|VPNS0099|ERROR SUMMARY/;
        next if grep { $line =~ /$_/ } @EXPECTED;
        $self->fault("the error log: $line");
    }
}

sub check_server {
    my ($self) = @_;
    my $answer = $self->{httpd}->request('GET', '/health');
    $self->fault("/health: $answer->{status} $answer->{content}") if "$answer->{status} $answer->{content}" ne '200 OK';
    $self->check_fleet;
    $self->check_registry;
    $self->check_log;
}

# --- the run --------------------------------------------------------------------------------------

# Returns the number of the next connection. until: a function, true when it is enough.
sub run {
    my ($self, %option) = @_;
    my $number = $option{first} // 1;
    my $last = $number + ($option{connections} // 1e12) - 1;
    for (; $number <= $last && $self->faults < $FAULTS_MAX; $number++) {
        my $connection = $self->{making}->connection($number);
        my $bytes = $self->exchange($connection);
        my $wrong = defined $bytes ? $self->check_answers($connection, $bytes) : undef;
        $self->{requests} += $connection->{requests};
        $self->fault("connection $number of seed $self->{seed}: $wrong\n--- sent:\n$connection->{bytes}\n---") if $wrong;
        if ($number % $BATCH == 0) {
            my $before = $self->faults;
            $self->check_server;
            $self->fault("... after connection $number of seed $self->{seed}") if $self->faults > $before;
            last if $option{until} && $option{until}->();
        }
    }
    $self->check_server;
    return $number;
}

# Stops the server; what it says then counts, too.
sub finish {
    my ($self) = @_;
    my $status = $self->{httpd}->stop;
    $self->fault("httpd ended with status $status") if $status != 0;
    $self->check_log;
}

1;
