package Sentinel;

=head1 NAME

Sentinel - a private httpd with the API, and those who call it

=head1 SYNOPSIS

    my $sentinel = Sentinel->start(conf => "VPNSentinelMaxClients 5\n");
    my ($status, $body) = $sentinel->keepalive({ client_id => 'office' });
    is($sentinel->client('office')->{light}, 'yellow');
    my @answers = $sentinel->exchange(
        $sentinel->request_text('POST', '/keepalive', '{"client_id":"a"}')
            . $sentinel->request_text('GET', '/clients/a'));
    $sentinel->check_error_log;

=head1 DESCRIPTION

A VpsHttpd whose API is mounted at /api/v1 with the key $Sentinel::KEY and without rate limit; conf
goes behind that. All paths here are below the mount.

=head2 api(METHOD, PATH, { headers, content })

A request with the key. Returns (status, decoded JSON, answer) as VpsHttpd::json does.

=head2 keepalive(BODY), client(ID), clients

keepalive() posts a report, client() gets one, undef when there is none, clients() gets the list, in
scalar context its number.

=head2 events(CLIENT)

What was announced of a client, "" for the server itself, or of all when none is given: hashes as
the API tells them, oldest first.

=head2 is_announced(CLIENT, NAMES, NAME)

Tests that just these events of a client are announced, by now or soon: NAMES is their names with a
space between, oldest first. Returns the events.

=head2 begins_with(CLIENT, NAMES, NAME)

The same of the first events of a client: more may have come since, as of one that goes quiet while a
busy machine is slow to look.

=head2 set_threshold(SECONDS)

Has another VPNSentinelOfflineThreshold from a graceful restart on; start() needs to have one.

=head2 is_told(BOT, NAME)

Tests that the bot, a BotApi, has been told all events that the API tells, or is soon: alone or in
digests, each once, in the order of its client.

=head2 telegram

What the status says of Telegram: a hash.

=head2 webhooks, webhook

What the status says of the webhooks: hashes; and of the first one. The monitor tells of them when it has
begun; before, webhook() is one with nothing but -1 queued.

=head2 store_state, store_becomes(STATE, NAME)

What the status says of the store; store_becomes() tests that it is, or becomes, "ok", "degraded" or
"off", and that readiness agrees: health has to be mounted.

=head2 wait_until_stored(TEXT)

Waits until the files of the store in the folder "state" hold this text, such as the version of a client,
which no event tells. What changed is stored within a second, on a busy machine later.

=head2 is_error(ANSWER, STATUS, ERROR, NAME)

Tests that an answer is an error as the API tells it; returns its message.

=head2 request_text(METHOD, PATH, CONTENT, HEADER...)

The bytes of a request with the key. Content-Length is added, but not where there is no content or a
Transfer-Encoding.

=head2 exchange(BYTES)

Sends the bytes of any number of requests on one connection, ends our side of it and returns the
answers: hashes of status, headers (names in lower case) and content.

=cut

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();
use Test::More ();

use Tellings;

use parent 'VpsHttpd';

our $KEY = 'test-key-123';

my $MOUNT = '/api/v1';

sub start {
    my ($class, %option) = @_;
    $option{conf} = "VPNSentinelAPI $MOUNT\nVPNSentinelAPIKey $KEY\nVPNSentinelRateLimit 0\n"
        . "VPNSentinelFlapThreshold 0\n"
        . ($option{conf} // '');
    return $class->SUPER::start(%option);
}

sub api {
    my ($self, $method, $path, $option) = @_;
    my %headers = ('X-API-Key' => $KEY, %{ $option->{headers} // {} });
    return $self->json($method, "$MOUNT$path", { %{ $option // {} }, headers => \%headers });
}

sub keepalive {
    my ($self, $body) = @_;
    return $self->api('POST', '/keepalive', { content => $body });
}

sub client {
    my ($self, $id) = @_;
    my ($status, $client) = $self->api('GET', "/clients/$id");
    return $status == 200 ? $client : undef;
}

sub clients {
    my ($self) = @_;
    my (undef, $list) = $self->api('GET', '/clients');
    return @{ $list->{clients} };
}

sub events {
    my ($self, $id) = @_;
    my (undef, $list) = $self->api('GET', '/events?limit=1000');
    return grep { !defined $id || ($_->{client_id} // '') eq $id } reverse @{ $list->{events} };
}

sub is_announced {
    my ($self, $id, $names, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @events = $self->_wait_for_events($id, $names);
    Test::More::is(join(' ', map { $_->{event} } @events), $names, $name);
    return @events;
}

sub begins_with {
    my ($self, $id, $names, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @events = $self->_wait_for_events($id, $names);
    splice @events, () = $names =~ /\S+/g;
    Test::More::is(join(' ', map { $_->{event} } @events), $names, $name);
    return @events;
}

# The events of a client, when there are as many as names.
sub _wait_for_events {
    my ($self, $id, $names) = @_;
    my $expected = () = $names =~ /\S+/g;
    $self->wait_for(sub { $self->events($id) >= $expected });
    return $self->events($id);
}

sub set_threshold {
    my ($self, $seconds) = @_;
    my $conf = $self->read_file('httpd.conf');
    $conf =~ s/^VPNSentinelOfflineThreshold \K\d+/$seconds/m or croak 'no threshold';
    $self->write_file('httpd.conf', $conf);
    $self->graceful;
}

sub is_told {
    my ($self, $bot, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @events = $self->events;
    my $faults = sub { join "\n", Tellings::faults(\@events, [ $bot->alerts ]) };
    $self->wait_for(sub { !$faults->() }, 60);
    Test::More::is($faults->(), '', $name);
    return;
}

sub telegram {
    my ($self) = @_;
    my (undef, $status) = $self->api('GET', '/status');
    return $status->{telegram};
}

sub webhooks {
    my ($self) = @_;
    my (undef, $status) = $self->api('GET', '/status');
    return @{ $status->{webhooks} };
}

sub webhook {
    my ($self) = @_;
    return ($self->webhooks)[0] // { queued => -1 };
}

sub store_state {
    my ($self) = @_;
    my (undef, $status) = $self->api('GET', '/status');
    return $status->{store}{state};
}

sub store_becomes {
    my ($self, $state, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($self->wait_for(sub { $self->store_state eq $state }), $name);
    my $expected = $state eq 'degraded' ? 503 : 200;
    my $ready = sub { $self->request('GET', '/health/ready')->{status} == $expected };
    Test::More::ok($self->wait_for($ready), "... readiness says so: $expected");
}

sub wait_until_stored {
    my ($self, $text) = @_;
    my $is_stored = sub { grep { $self->read_file("state/vpnsentinel.db$_") =~ /\Q$text/ } '', '-wal' };
    $self->wait_for($is_stored) or croak "$text is not stored";
}

sub is_error {
    my ($self, $answer, $status, $error, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $body = eval { JSON::PP->new->utf8->decode($answer->{content}) } // {};
    Test::More::is($answer->{status}, $status, "$name: $status");
    Test::More::is($body->{error}, $error, "... $error");
    Test::More::is(join(' ', sort keys %$body), 'error message', '... and a message, no more');
    Test::More::is($answer->{headers}{'content-type'}, 'application/json', '... as JSON');
    Test::More::is($answer->{headers}{'cache-control'}, 'no-store', '... not to be kept');
    return $body->{message} // '';
}

sub request_text {
    my ($self, $method, $path, $content, @header) = @_;
    if (defined $content && !grep { /^Transfer-Encoding:/i } @header) {
        push @header, 'Content-Length: ' . length $content;
    }
    return join "\r\n", "$method $MOUNT$path HTTP/1.1", 'Host: localhost', "X-API-Key: $KEY",
        @header, '', $content // '';
}

sub exchange {
    my ($self, $bytes) = @_;
    my $rest = $self->raw($bytes);
    my @answers;
    while (length $rest) {
        my $answer = _take_answer(\$rest);
        push @answers, $answer if $answer->{status} >= 200;
    }
    return @answers;
}

# Takes one answer, not to HEAD, from the beginning of the bytes.
sub _take_answer {
    my ($rest) = @_;
    $$rest =~ s{\AHTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n}{}
        or croak "no answer of HTTP: $$rest";
    my ($status, $head) = ($1, $2);
    my %headers = map { /^([^:]+): *(.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head;
    my $content = '';
    if (($headers{'transfer-encoding'} // '') eq 'chunked') {
        while ($$rest =~ s/\A([0-9a-f]+)\r\n//i && hex $1) {
            $content .= substr $$rest, 0, hex $1, '';
            $$rest =~ s/\A\r\n//;
        }
        $$rest =~ s/\A\r\n//;
    } elsif ($status >= 200) {
        $content = substr $$rest, 0, $headers{'content-length'} // length $$rest, '';
    }
    return { status => $status, headers => \%headers, content => $content };
}

1;
