package HttpFuzz::Requests;

=head1 NAME

HttpFuzz::Requests - requests that are nearly right

=head1 SYNOPSIS

    my $requests = HttpFuzz::Requests->new(seed => 7, key => 'secret');
    my $connection = $requests->connection(1234);

Each connection hangs on seed and number alone, so that any of them can be made again.

=head2 connection(NUMBER)

A hash: bytes, what is sent, of one to eight requests; pieces, how many it is sent in; end, what becomes of
our side then: "half" closed, or "cut" off without a look at the answer; heads, whether a request may be
one whose answer has no body.

=cut

use strict;
use warnings;

my $API = '/api/v1';
my @IDS = ('a', 'b-2', 'office-vpn-primary', 'x' x 100, map { "c$_" } 1 .. 60);
my @GOOD_TEXTS = ('DE', 'Berlin', "S\xc3\xa3o Paulo", "\xe6\x9d\xb1\xe4\xba\xac", 'AT&T (x)', '', 'unknown', 'US', 'France');
my @TEXTS = (
    '<b>"\'&amp;', '<script>', 'x' x 64, 'x' x 100, 'x' x 101, '\u0000', '\ud83d\ude00', '\ud83d', '\n', "\x07", "\xc0\x80", "\xff", "\xe2\x80\xae",
    '%s%n', '../../etc', '\\\\', '\u202e',
);
my @GOOD_ADDRESSES = qw(203.0.113.9 203.0.113.10 192.0.2.1 2001:db8::9 ::ffff:203.0.113.9 10.0.0.1 unknown);
my @ADDRESSES = qw(1.2.3 256.1.1.1 fe80::1%eth0 [::1] 1.2.3.4/8);
my @ODD = ('null', 'true', 'false', '0', '-1', '1e400', 'NaN', 'Infinity', '01', '[]', '{}', '""', '[' x 20 . ']' x 20,
    '{"a":{"a":{}}}', '99999999999999999999', '"\ud800"', "'a'", '/**/1');
my %MEMBERS = (
    (map { $_ => \&text } qw(city region country location provider timezone dns_loc dns_colo client_version status)),
    (map { $_ => \&address } qw(public_ip public_ip6 dns_resolver_ip)),
    vpn_connected => sub { pick(qw(true false null)) },
    timestamp => \&moment,
    dns_verdict => sub { word(qw(tunnel allowed leak intercepted)) },
    dns_path => sub { word(qw(tunnel outside)) },
    dns_source => sub { word(qw(resolver trace)) },
    ipv6_verdict => sub { word(qw(tunnel blocked leak)) },
    dns_test => sub { '{"location":' . text() . ',"colo":' . text() . '}' },
    journal => \&journal,
    unknown => sub { pick('null', '[]', '{}', '{"a":{"a":{}}}', '1e400', '-1') },
);
my @MEMBERS = sort keys %MEMBERS;
my @METHODS = qw(GET POST HEAD DELETE PUT PATCH OPTIONS TRACE CONNECT PROPFIND get FOO);

# --- chance ---------------------------------------------------------------------------------------

sub pick {
    return $_[ rand @_ ];
}

sub chance {
    my ($percent) = @_;
    return rand(100) < $percent;
}

# --- bodies ---------------------------------------------------------------------------------------

sub text {
    return '"' . pick(chance(93) ? @GOOD_TEXTS : @TEXTS) . '"';
}

sub word {
    return '"' . (chance(95) ? pick(@_, '') : 'nonsense') . '"';
}

sub address {
    return '"' . pick(chance(95) ? @GOOD_ADDRESSES : @ADDRESSES) . '"';
}

sub moment {
    return '"' . pick(('2025-01-15T12:34:56Z', '2025-01-15T12:34:56+0000') x 20, '2025-02-30T00:00:00Z', '1970-01-01T00:00:00+01:00',
        '9999-12-31T23:59:59Z', '2106-02-07T06:28:16Z', 'now') . '"';
}

sub journal {
    my @changes = map {
        my $field = pick((qw(public_ip location dns_loc dns_verdict ipv6_verdict vpn_connected)) x 5, 'city');
        sprintf '{"at":%s,"field":"%s","value":%s}', moment(), $field, $MEMBERS{$field}->()
    } 1 .. pick(0, 1, 1, 2, 2, 5, 32, 33);
    return '[' . join(',', @changes) . ']';
}

sub value {
    my ($member) = @_;
    return chance(3) ? pick(@ODD) : $MEMBERS{$member}->();
}

sub report {
    my @members = map { sprintf '"%s":%s', $_, value($_) } map { pick(@MEMBERS) } 1 .. pick(0 .. 8);
    my $id = chance(95) ? '"' . pick(@IDS) . '"' : pick(@ODD, '"a b"', '""');
    splice @members, rand(@members + 1), 0, qq("client_id":$id) if chance(97);
    return '{' . join(',', @members) . '}';
}

# Some bytes are not what they were.
sub spoilt {
    my ($bytes) = @_;
    for (1 .. pick(1, 1, 2, 5)) {
        my $at = int rand(1 + length $bytes);
        my $how = int rand 6;
        if ($how == 0) {
            substr($bytes, $at, 1) = chr rand 256 if $at < length $bytes;
        } elsif ($how == 1) {
            substr($bytes, $at, 0) = pick("\0", "\r", "\n", "\r\n", ' ', ':', ',', '"', '{', "\xff", '%', chr rand 256);
        } elsif ($how == 2) {
            substr($bytes, $at, pick(1, 2, 8)) = '' if $at < length $bytes;
        } elsif ($how == 3) {
            substr($bytes, $at, 0) = substr $bytes, rand length $bytes, pick(1, 4, 16) if length $bytes;
        } elsif ($how == 4) {
            $bytes = substr $bytes, 0, $at;
        } else {
            substr($bytes, $at, 0) = pick('A', ' ', "\xc3\xa9", '[') x pick(17, 300, 9000);
        }
    }
    return $bytes;
}

# --- framing --------------------------------------------------------------------------------------

sub chunked {
    my ($body) = @_;
    my $out = '';
    while (length $body) {
        my $chunk = substr $body, 0, pick(1, 3, 50, 5000), '';
        $out .= sprintf "%s%s\r\n%s\r\n", pick(sprintf('%x', length $chunk), sprintf('%04X', length $chunk)),
            pick('', '', '', ';a=b', ' '), $chunk;
    }
    $out .= "0\r\n" . pick('', '', "X-Trailer: 1\r\n") . "\r\n";
    $out =~ s/^[0-9a-f]+/pick('-1', 'fffffffffffffffff', '0', 'g', '7fffffff', '', '0x5')/emi if chance(5);
    $out =~ s/\r\n/pick("\n", "\r", '')/e if chance(4);
    return chance(3) ? substr $out, 0, rand length $out : $out;
}

# Returns the header lines that say where the body ends, and the body with its frame.
sub framed {
    my ($body) = @_;
    if (chance(25)) {
        my @line = 'Transfer-Encoding: '
            . (chance(90) ? 'chunked' : pick('Chunked', 'gzip, chunked', 'chunked, chunked', 'identity', 'x', ''));
        push @line, 'Content-Length: ' . length $body if chance(8);
        return (chunked($body), @line);
    }
    my $length = length $body;
    $length = pick($length + 1, $length - 1, -1, '0x10', 16385, '99999999999999999999', '', "$length, $length", '1 2') if chance(4);
    my @line = "Content-Length: $length";
    push @line, 'Content-Length: ' . pick($length, 0) if chance(3);
    return ($body, chance(97) ? @line : ());
}

# --- requests -------------------------------------------------------------------------------------

sub query {
    my @words = map {
        my $name = pick(qw(q light sort page since client limit status x));
        my $value = pick('', 'red', 'green', '-seen', 'ip', 'id', '1', '2', '0', '100', '101', 'a', 'office', 'online', 'offline',
            '2025-01-15T12:34:56Z', '1700000000', '253402300800', '1000', '1001', '%20', '+', '%C3%A3', '%00', '%ff', '%zz', '%2F',
            '1.2.3.4.5.6.7.8', 'ffffffffffffffff.ffffffff.7fffffffffffffff.1.1.1.1', '-1.-1.-1', 'x' x 301, '<b>', '=&');
        chance(95) ? "$name=$value" : $name
    } 1 .. pick(0, 1, 1, 2, 4);
    return @words || chance(10) ? '?' . join(pick('&', '&', '&&', ';'), @words) : '';
}

# Method, path and body (undef = none) of a request that is right.
sub good {
    my ($self) = @_;
    my $id = pick(@IDS);
    return ('POST', "$API/keepalive", report()) if chance(45);
    return @{ pick(
        [ 'POST', "$API/register", report() ],
        [ 'GET', "$API/status" ], [ 'GET', "$API/clients" . query() ], [ 'GET', "$API/clients/$id" ],
        [ 'DELETE', "$API/clients/$id" ], [ 'GET', "$API/events" . query() ], [ 'GET', "$API/nothing" ],
        [ 'GET', '/dashboard' . query() ], [ 'GET', "/dashboard/client/$id" . query() ],
        [ 'GET', '/dashboard/' . pick(qw(dashboard.css dashboard.js icon.svg client client/ x)) ],
        [ 'GET', '/metrics' ], [ 'GET', '/health' . pick('', 'z', '/live', '/ready', '/startup', '/x') ],
        [ 'GET', pick('/server-status', '/server-status?auto', '/', '/other') ],
        [ 'POST', '/closed/keepalive', report() ], [ 'GET', '/closed/clients' ],
    ) };
}

sub odd_path {
    my ($path) = @_;
    my $at = int rand(1 + length $path);
    my $odd = pick('/', '//', '/./', '/../', '%2F', '%00', '%61', '%', '%zz', ';a', '#', '\\', ' ', "\xff", "\xc3\xa9", 'a' x 9000, '?', '%5c', '*');
    substr($path, $at, 0) = $odd;
    return chance(10) ? pick('*', "http://localhost$path", '', 'http:', 'localhost:80', substr($path, 1)) : $path;
}

sub key_lines {
    my ($self) = @_;
    return "X-API-Key: $self->{key}" if chance(88);
    return @{ pick(
        [], ["Authorization: Bearer $self->{key}"], ["authorization:bearer  $self->{key} "], [ 'X-API-Key: wrong' ], [ 'X-API-Key:' ],
        [ "X-API-Key: $self->{key}", 'X-API-Key: wrong' ], [ 'Authorization: Basic YTpi' ], [ 'Authorization: Bearer' ],
        [ 'X-API-Key: ' . 'k' x 7000 ], ["X-API-Key: $self->{key}\xff"],
    ) };
}

sub other_lines {
    my @lines;
    push @lines, 'Content-Type: '
        . (chance(85) ? pick('application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON') : pick('text/plain', '', ';', 'application/jsonx'))
        if chance(50);
    push @lines, 'Content-Encoding: ' . pick('gzip', 'identity', '') if chance(3);
    push @lines, 'Accept: '
        . pick('*/*', 'application/json', 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5', 'text/plain;q=', ',,,;q=1;', 'a/b;q=0.0001',
            'application/json;q="1', 'x' x 3000, 'text/*;q=0.3, */*;q=0') if chance(25);
    push @lines, pick(
        'Expect: 100-continue', 'Expect: x', 'Range: bytes=0-3', 'If-None-Match: *', 'If-Match: "x"', 'If-Modified-Since: Sat, 29 Oct 2044 19:43:31 GMT',
        'Upgrade: h2c', 'Connection: close', 'Connection: Upgrade, HTTP2-Settings', 'Connection: X-API-Key', 'Host: other', 'Host: a b', 'no colon',
        ' folded', "X-\xff: \xff", ": empty", 'X-Forwarded-For: 192.0.2.1', 'TE: trailers', 'Cookie: ' . 'c' x 8100, "X-Nul: a\0b", 'X-Long: ' . 'l' x 9000,
    ) if chance(8);
    push @lines, map { "X-Many-$_: $_" } 1 .. 110 if chance(0.5);
    return @lines;
}

sub request {
    my ($self) = @_;
    my ($method, $path, $body) = $self->good;
    $method = pick(@METHODS, '', 'GE T') if chance(4);
    $path = odd_path($path) if chance(5);
    $body = chance(50) ? report() : 'x' x pick(1, 16384, 16385, 70000) if chance(3);
    $body = spoilt($body) if defined $body && chance(8);
    my @line = chance(97) ? 'Host: localhost' : ();
    push @line, $self->key_lines, other_lines();
    my $framed = '';
    ($framed, my @frame) = framed($body) if defined $body;
    push @line, @frame if defined $body;
    my $version = chance(96) ? 'HTTP/1.1' : pick('HTTP/1.0', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.', 'http/1.1', 'HTTP/1.99', 'X', '');
    my $bytes = join "\r\n", "$method $path $version", @line, '', $framed;
    return chance(4) ? spoilt($bytes) : $bytes;
}

sub new {
    my ($class, %option) = @_;
    return bless {%option}, $class;
}

sub connection {
    my ($self, $number) = @_;
    srand(($self->{seed} * 1_000_003 + $number * 7_919) % 4_294_967_291);
    my @requests = map { $self->request } 1 .. pick(1, 1, 2, 4, 8);
    my $bytes = join '', @requests;
    return {
        bytes => $bytes,
        requests => scalar @requests,
        pieces => pick(1, 1, 1, 2, 3),
        end => chance(97) ? 'half' : 'cut',
        heads => $bytes =~ /HEAD|CONNECT/ ? 1 : 0,
    };
}

1;
