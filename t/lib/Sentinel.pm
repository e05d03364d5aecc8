package Sentinel;

=head1 NAME

Sentinel - a private httpd with the API, and those who call it

=head1 SYNOPSIS

    my $sentinel = Sentinel->start(conf => "VPNSentinelMaxClients 5\n");
    my ($status, $body) = $sentinel->keepalive({ client_id => 'office' });
    is($sentinel->client('office')->{light}, 'yellow');
    my @answers = $sentinel->exchange(
        $sentinel->request_text('POST', '/api/v1/keepalive', '{"client_id":"a"}')
            . $sentinel->request_text('GET', '/api/v1/clients/a'));
    $sentinel->check_error_log;

=head1 DESCRIPTION

A VpsHttpd whose API is mounted at /api/v1 with the key $Sentinel::KEY and without rate limit; conf goes
behind that.

=head2 api(METHOD, PATH, { headers, content })

A request below /api/v1 with the key. Returns (status, decoded JSON, answer) as VpsHttpd::json does.

=head2 keepalive(BODY), client(ID), clients

keepalive() posts a report, client() gets one, undef when there is none, clients() gets the list, its
number in scalar context.

=head2 request_text(METHOD, PATH, CONTENT, HEADER...)

The bytes of a request with the key. Content-Length is added, but for a body without content and where a
Transfer-Encoding is given.

=head2 exchange(BYTES)

Sends the bytes of any number of requests on one connection, ends our side of it and returns the answers:
hashes of status, headers (names in lower case) and content.

=cut

use strict;
use warnings;

use Carp qw(croak);

use parent 'VpsHttpd';

our $KEY = 'test-key-123';

sub start {
    my ($class, %option) = @_;
    $option{conf} =
        "VPNSentinelAPI\nVPNSentinelAPIKey $KEY\nVPNSentinelRateLimit 0\n" . ($option{conf} // '');
    return $class->SUPER::start(%option);
}

sub api {
    my ($self, $method, $path, $option) = @_;
    my %headers = ('X-API-Key' => $KEY, %{ $option->{headers} // {} });
    return $self->json($method, "/api/v1$path", { %{ $option // {} }, headers => \%headers });
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

sub request_text {
    my ($self, $method, $path, $content, @header) = @_;
    if (defined $content && !grep { /^Transfer-Encoding:/i } @header) {
        push @header, 'Content-Length: ' . length $content;
    }
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', "X-API-Key: $KEY", @header, '',
        $content // '';
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
    $$rest =~ s{\AHTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n}{} or croak "no answer of HTTP: $$rest";
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
