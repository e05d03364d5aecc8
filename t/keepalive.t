# POST keepalive: its answer, and what HTTP may do to it. Its JSON is the business of t/input.t.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use Sentinel;

my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
my $LIMIT = 16384;
my %OFFICE = (content => { client_id => 'office' });
my %LOST = (content => { client_id => 'lost' });  # is refused, and must not be kept

# Nothing of these may be seen: the errors are the module's own.
my $error_documents = join '',
    map { "ErrorDocument $_ replaced\n" } 400, 401, 404, 405, 413, 415, 503;

my $sentinel = Sentinel->start(leaks => 1, conf => $error_documents);

sub post_text {
    my ($content, @header) = @_;
    return $sentinel->request_text('POST', '/keepalive', $content, @header);
}

# A valid body of a chosen length, filled up by a member that nobody knows.
sub body_of {
    my ($length, $id) = @_;
    my $body = qq({"client_id":"$id","padding":""});
    return $body =~ s/""/'"' . 'x' x ($length - length $body) . '"'/er;
}

# The header of a body in chunks, and such a body.
my $IN_CHUNKS = 'Transfer-Encoding: chunked';

sub chunked {
    my ($body, $size) = @_;
    my @chunk = unpack "(a$size)*", $body;
    return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @chunk) . "0\r\n\r\n";
}

subtest 'the answer' => sub {
    my (undef, undef, $answer) = $sentinel->api('POST', '/keepalive', \%OFFICE);
    is($answer->{status}, 200, 'status');
    my $expected = qr/"status":"ok","message":"Keepalive received","server_time":"$TIME"/;
    like($answer->{content}, qr/\A\{$expected,"observed_ip":"127\.0\.0\.1"\}\z/, 'body');
    is($answer->{headers}{'content-type'}, 'application/json', 'Content-Type');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control');
};

subtest 'methods' => sub {
    for my $method (qw(GET PUT DELETE PATCH OPTIONS TRACE BREW)) {
        my (undef, undef, $answer) = $sentinel->api($method, '/keepalive');
        $sentinel->is_error($answer, 405, 'Method not allowed', $method);
        is($answer->{headers}{allow}, 'POST', '... Allow');
    }
    my (undef, undef, $answer) = $sentinel->api('HEAD', '/keepalive');
    is($answer->{status}, 405, 'HEAD: 405');
    is($answer->{headers}{allow}, 'POST', '... Allow');
    is($answer->{content} // '', '', '... no body');
};

subtest 'paths' => sub {
    for my $path ('', qw(/ /nothing /keepalive/ /keepalive/x /keepalives /Keepalive)) {
        my (undef, undef, $answer) = $sentinel->api('POST', $path, \%LOST);
        $sentinel->is_error($answer, 404, 'Not found', "'$path'");
    }
    for my $path (qw(//keepalive /./keepalive /x/../keepalive /%6Beepalive /keepalive?key=x)) {
        my ($status) = $sentinel->api('POST', $path, \%OFFICE);
        is($status, 200, "'$path': the same as /keepalive");
    }
};

subtest 'content types' => sub {
    my @good = (
        'application/json', 'application/json; charset=utf-8', 'application/json;charset=UTF-8',
        'APPLICATION/JSON', 'text/json', 'application/problem+json',
    );
    my @bad = (
        'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x',
        'application/jsonx', 'application/x-json', 'application/xml; type=application/json',
        'json', ';',
    );
    my ($status) = $sentinel->api('POST', '/keepalive', \%OFFICE);
    is($status, 200, 'none');
    for my $type (@good) {
        ($status) = $sentinel->api('POST', '/keepalive',
            { %OFFICE, headers => { 'Content-Type' => $type } });
        is($status, 200, $type);
    }
    for my $type (@bad) {
        my (undef, undef, $answer) = $sentinel->api('POST', '/keepalive',
            { %LOST, headers => { 'Content-Type' => $type } });
        $sentinel->is_error($answer, 415, 'Unsupported media type', $type);
    }
    for my $encoding (qw(gzip identity br)) {
        my (undef, undef, $answer) = $sentinel->api('POST', '/keepalive',
            { %LOST, headers => { 'Content-Encoding' => $encoding } });
        $sentinel->is_error($answer, 415, 'Unsupported media type', "encoding $encoding");
    }
};

subtest 'sizes' => sub {
    my $longest = body_of($LIMIT, 'size');
    my %good = (
        'the longest' => post_text($longest),
        'a byte a chunk' => post_text(chunked('{"client_id":"size"}', 1), $IN_CHUNKS),
        map { ("the longest in chunks of $_" => post_text(chunked($longest, $_), $IN_CHUNKS)) }
            1000, 30_000
    );
    for my $name (sort keys %good) {
        my ($answer) = $sentinel->exchange($good{$name});
        is($answer->{status}, 200, $name);
    }
    for my $length ($LIMIT + 1, 2_000_000) {
        my $body = body_of($length, 'lost');
        my %bad = (
            "$length" => post_text($body),
            map { ("$length in chunks of $_" => post_text(chunked($body, $_), $IN_CHUNKS)) }
                1000, 30_000
        );
        for my $name (sort keys %bad) {
            my ($answer) = $sentinel->exchange($bad{$name});
            $sentinel->is_error($answer, 413, 'Payload too large', $name);
        }
    }
    my ($answer) = $sentinel->exchange(post_text(undef, 'Content-Length: 999999999999'));
    $sentinel->is_error($answer, 413, 'Payload too large', 'only said to be long');
};

subtest 'the first fault counts' => sub {
    my $long = '[' x ($LIMIT + 1);
    my @case = (
        ['path before method', 404, 'PUT', '/nothing', 'text/plain', $long],
        ['method before type', 405, 'PUT', '/keepalive', 'text/plain', $long],
        ['type before size', 415, 'POST', '/keepalive', 'text/plain', $long],
        ['size before content', 413, 'POST', '/keepalive', 'application/json', $long],
        ['content', 400, 'POST', '/keepalive', 'application/json', substr $long, 1],
    );
    for my $case (@case) {
        my ($name, $expected, $method, $path, $type, $body) = @$case;
        my ($answer) = $sentinel->exchange(
            $sentinel->request_text($method, $path, $body, "Content-Type: $type"));
        is($answer->{status}, $expected, $name);
    }
    my $bare = $sentinel->request_text('PUT', '/nothing', $long) =~ s/X-API-Key/X-No-Key/r;
    my ($answer) = $sentinel->exchange($bare);
    $sentinel->is_error($answer, 401, 'Unauthorized', 'key before path');
};

# httpd itself refuses these; what matters is that nothing of them is taken for more than it is.
subtest 'broken bodies' => sub {
    my $good = '{"client_id":"lost"}';
    my %chunks = (
        'no number' => "zz\r\n$good\r\n0\r\n\r\n",
        'a negative number' => "-14\r\n$good\r\n0\r\n\r\n",
        'a number beyond 64 bits' => "fffffffffffffffff\r\n$good\r\n0\r\n\r\n",
        'longer than its number' => "5\r\n$good\r\n0\r\n\r\n",
        'cut in a chunk' => "40\r\n$good",
        'cut before the last' => "14\r\n$good\r\n",
        'nothing' => '',
    );
    my %request = map { ("chunks: $_" => post_text($chunks{$_}, $IN_CHUNKS)) } keys %chunks;
    $request{'shorter than its length'} = post_text(undef, 'Content-Length: 100') . $good;
    for my $name (sort keys %request) {
        my @answers = $sentinel->exchange($request{$name});
        is(scalar @answers, 1, "$name: one answer");
        like($answers[0]{status}, qr/\A4(?:00|13)\z/, '... which refuses');
        is($answers[0]{headers}{connection}, 'close', '... and ends the connection');
    }
};

# A body that is itself a request: if any of it is taken for one, "victim" is gone.
subtest 'the connection after a body that is not taken' => sub {
    $sentinel->keepalive({ client_id => 'victim' });
    my $inner = $sentinel->request_text('DELETE', '/clients/victim');
    my $next = $sentinel->request_text('GET', '/clients/victim');
    my $long = $inner x (1 + $LIMIT / length $inner);
    my @case = (
        ['bad JSON', 400, 'POST', '/keepalive', $inner],
        ['bad member', 400, 'POST', '/keepalive', '{"client_id":"_"}'],
        ['media type', 415, 'POST', '/keepalive', $inner, 'Content-Type: text/plain'],
        ['encoding', 415, 'POST', '/keepalive', $inner, 'Content-Encoding: gzip'],
        ['too long', 413, 'POST', '/keepalive', $long],
        ['too long and no JSON', 415, 'POST', '/keepalive', $long, 'Content-Type: text/plain'],
        ['method', 405, 'PUT', '/keepalive', $inner],
        ['path', 404, 'POST', '/nothing', $inner],
        ['too long at no path', 404, 'POST', '/nothing', $long],
        ['GET with a body', 200, 'GET', '/status', $inner],
        ['GET of nobody with a body', 404, 'GET', '/clients/nobody', $inner],
        ['DELETE with a body', 404, 'DELETE', '/clients/nobody', $inner],
    );
    for my $case (@case) {
        my ($name, $expected, $method, $path, $body, @header) = @$case;
        my %form = (
            'by length' => [$body],
            'by length, after asking' => [$body, 'Expect: 100-continue'],
            'in chunks' => [chunked($body, 500), $IN_CHUNKS],
        );
        for my $form (sort keys %form) {
            my ($content, @form_header) = @{ $form{$form} };
            my ($answer, @more) = $sentinel->exchange(
                $sentinel->request_text($method, $path, $content, @header, @form_header) . $next);
            is($answer->{status}, $expected, "$name, $form");
            if (($answer->{headers}{connection} // '') eq 'close') {
                is(scalar @more, 0, '... and the connection ends');
            } else {
                isnt($body, $long, '... nobody reads a long body for nothing');
                is(scalar @more, 1, '... and one more answer');
                like($more[0]{content}, qr/\A\{"client_id":"victim",/, '... the right one');
            }
        }
    }
    my $no_key = post_text($inner) =~ s/X-API-Key/X-No-Key/r;
    my @statuses = map { $_->{status} } $sentinel->exchange($no_key . $next);
    is_deeply(\@statuses, [401, 200], 'no key: the connection stays');
    ok($sentinel->client('victim'), 'no body was taken for a request');
};

subtest 'a body with two lengths' => sub {
    my $next = $sentinel->request_text('DELETE', '/clients/victim');
    my $chunks = chunked('{"client_id":"office"}', 50);
    my $both = 'Content-Length: ' . length $chunks . $next;
    my %request = (
        'Content-Length twice' => post_text($chunks, 'Content-Length: 5'),
        'Content-Length and chunks' => post_text($chunks, $both, $IN_CHUNKS),
        'two codings' => post_text($chunks, $both, 'Transfer-Encoding: gzip, chunked'),
        'another coding' => post_text($chunks, 'Transfer-Encoding: gzip'),
    );
    for my $name (sort keys %request) {
        my @answers = $sentinel->exchange($request{$name} . $next);
        is(scalar @answers, 1, "$name: one answer");
        cmp_ok($answers[0]{status}, '<', 500, '... no server error');
        is($answers[0]{headers}{connection}, 'close', '... and the connection ends');
    }
    ok($sentinel->client('victim'), 'no body was taken for a request');
};

subtest 'many requests of one connection' => sub {
    my @ids = map { "pipe-$_" } 1 .. 50;
    my @answers = $sentinel->exchange(join '', map { post_text(qq({"client_id":"$_"})) } @ids);
    is_deeply([map { $_->{status} } @answers], [(200) x @ids], 'all are answered');
    @answers = $sentinel->exchange(join '',
        map { $sentinel->request_text('GET', "/clients/$_") } @ids);
    my @told = map { JSON::PP->new->decode($_->{content})->{client_id} } @answers;
    is_deeply(\@told, \@ids, 'in their order');
};

subtest 'other forms of a request' => sub {
    my $body = '{"client_id":"office"}';
    my ($answer) = $sentinel->exchange(post_text($body, 'Expect: 100-continue'));
    is($answer->{status}, 200, 'Expect: 100-continue');
    my $refused = $sentinel->raw(
        post_text($body, 'Content-Type: text/plain', 'Expect: 100-continue'));
    like($refused, qr{\AHTTP/1\.1 415 }, '... a body that will be refused is not asked for');
    ($answer) = $sentinel->exchange(post_text($body) =~ s{HTTP/1\.1}{HTTP/1.0}r);
    is($answer->{status}, 200, 'HTTP/1.0');
    ($answer) = $sentinel->exchange(post_text());
    my $message = $sentinel->is_error($answer, 400, 'Bad request', 'no body');
    like($message, qr/^body /, '... the message says so');
};

ok(!$sentinel->client('lost'), 'nothing of what was refused is kept');

subtest 'the observed address' => sub {
    my %forwarded = (%OFFICE, headers => { 'X-Forwarded-For' => '2001:DB8::0:5' });
    my (undef, $body) = $sentinel->api('POST', '/keepalive', \%forwarded);
    is($body->{observed_ip}, '127.0.0.1', 'X-Forwarded-For is not read by the module');

    my $behind_proxy = Sentinel->start(
        modules => ['remoteip'],
        conf => "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n",
    );
    (undef, $body) = $behind_proxy->api('POST', '/keepalive', \%forwarded);
    is($body->{observed_ip}, '2001:db8::5', 'mod_remoteip tells another, here canonical');
    is($behind_proxy->client('office')->{observed_ip}, '2001:db8::5', '... and it is kept');
    $behind_proxy->check_error_log;
};

subtest 'a smaller LimitRequestBody' => sub {
    my $small = Sentinel->start(conf => "LimitRequestBody 1000\n");
    my $body = body_of(1001, 'lost');
    my %request = (
        'by length' => post_text($body),
        'in chunks' => post_text(chunked($body, 500), $IN_CHUNKS),
    );
    for my $name (sort keys %request) {
        my @answers = $small->exchange($request{$name});
        is_deeply([map { $_->{status} } @answers], [413], $name);
    }
    is(scalar $small->clients, 0, 'nothing is kept');
    $small->check_error_log;
};

is($sentinel->stop, 0, 'httpd ends well');
$sentinel->check_error_log;

done_testing;
