# Hostile and odd JSON: each body is taken exactly or refused whole, and the message says why.
use strict;
use warnings;
no warnings 'qw';  # in lists of JSON a comma is no mistake
use utf8;

use Encode qw(encode encode_utf8);
use JSON::PP ();
use Test::More;

use Sentinel;

my $ID = 'input-1';
my $sentinel = Sentinel->start(leaks => 1);

# A body with more members, in their text form; it is bytes.
sub with {
    my ($members) = @_;
    return encode_utf8(qq({"client_id":"$ID",$members}));
}

# A body that gives the member of a path, such as "location.city", a value in its text form.
sub at {
    my ($path, $value) = @_;
    my ($outer, $inner) = split /\./, $path;
    return with(defined $inner ? qq("$outer":{"$inner":$value}) : qq("$outer":$value));
}

# Cases of one member: each value with itself as its name.
sub each_at {
    my ($path, @values) = @_;
    return map { [$_, at($path, $_)] } @values;
}

sub post {
    my ($path, $bytes) = @_;
    return $sentinel->api('POST', $path, { content => $bytes });
}

# All that is told of the client, its times and count too, as bytes.
sub snapshot {
    my (undef, undef, $answer) = $sentinel->api('GET', "/clients/$ID");
    return $answer->{content};
}

# Bodies that are refused because of one member ("body" is the whole): each [name, bytes].
sub refused {
    my ($member, @cases) = @_;
    subtest "refused: $member" => sub {
        my $before = snapshot();
        for my $case (@cases) {
            my ($name, $bytes) = @$case;
            my ($status, $body) = post('/keepalive', $bytes);
            is($status, 400, "$name: 400");
            is($body->{error}, 'Bad request', '... error');
            like($body->{message}, qr/\A\Q$member\E /, '... the message names the member');
            is(snapshot(), $before, '... the client is untouched');
        }
    };
}

# Bodies that are accepted: each [name, bytes, member, value that the client then has].
sub accepted {
    my ($title, @cases) = @_;
    subtest "accepted: $title" => sub {
        for my $case (@cases) {
            my ($name, $bytes, $member, $value) = @$case;
            my ($status) = post('/keepalive', $bytes);
            is($status, 200, "$name: 200");
            my $told = JSON::PP->new->utf8->decode(snapshot());
            is($told->{$member}, $value, "... $member") if defined $member;
        }
    };
}

# The same, each [name, members], where the city is then Oslo.
sub accepted_city {
    my ($title, @cases) = @_;
    accepted($title, map { [$_->[0], with($_->[1]), 'city', 'Oslo'] } @cases);
}

# --- JSON -----------------------------------------------------------------------------------------

my $good = with('"city":"Oslo"');

post('/keepalive', with('"public_ip":"192.0.2.1","city":"Rome","location":"IT","dns_loc":"IT"'));
is($sentinel->client($ID)->{light}, 'green', 'the client that must stay untouched');

refused('body', map { [$_, $_] }
    '', ' ', qw(null 5 "x" [] { [ } ] " {"client_id" {"client_id":} {"client_id":"input-1"
    {"client_id":"input-1 {"client_id":"input-1"] {"client_id":"input-1"}} [{"client_id":"input-1"}]
    {"client_id":"input-1",} {,"client_id":"input-1"} {"client_id":"input-1","x":1,,"y":1}
    {"client_id":"input-1""x":1} {"client_id"="input-1"} {"client_id":"input-1"}{} {client_id:"a"}
    {'client_id':'input-1'} {"client_id":"input-1"};));
refused('body',
    ['trailing bytes', "$good x"], ['a trailing comma', "$good,"], ['a trailing NUL', "$good\0"],
    ['a leading NUL', "\0$good"], ['a comment', with('/* x */"city":"Oslo"')],
    ['a comment before', "// x\n$good"], ['a comment behind', "$good /* x */"],
    ['a vertical tab', "\x0b$good"], ['a form feed', "$good\f"],
    ['a no-break space', "\xC2\xA0$good"],
);
# In a member that nobody looks at.
refused('body', each_at('x', qw(
    NaN nan -NaN Infinity -Infinity inf 01 -01 +1 .5 1. 1.e5 1e 1e+ - 0x10 1_000 True TRUE tru nul
    undefined 'x' x [1,] [,1] [1 {"a":1,} {"a"} {1:2}
)));
refused('body',
    ['a byte-order mark', "\xEF\xBB\xBF$good"],
    ['Latin-1', encode('iso-8859-1', qq({"client_id":"$ID","city":"Zürich"}))],
    map { [$_, encode($_, $good)] } 'UTF-16', 'UTF-16BE', 'UTF-16LE', 'UTF-32LE',
);

# In a text, in a name, and in a member that nobody looks at.
my %ill_formed = (
    'NUL overlong' => "\xC0\x80", 'a letter overlong' => "\xC1\xA1",
    'a slash overlong' => "\xE0\x80\xAF", 'overlong in four bytes' => "\xF0\x80\x80\x80",
    'a surrogate' => "\xED\xA0\x80", 'a pair of surrogates' => "\xED\xA0\xBD\xED\xB8\x80",
    'above U+10FFFF' => "\xF4\x90\x80\x80", 'F5' => "\xF5\x80\x80\x80", 'FE' => "\xFE",
    'FF' => "\xFF", 'a lone second byte' => "\x80", 'a lone first byte' => "\xC3",
    'a cut character' => "\xE2\x82", 'two first bytes' => "\xC3\xC3\xA9",
    'NUL' => "\0", '01' => "\x01", 'a tab' => "\t", 'a newline' => "\n", '1F' => "\x1F",
    map { $_ => $_ } qw(\ud800 \udbff \udc00 \udfff \ude00\ud83d \ud83dA \ud83d\u0041 \ud83d\ud83d
        \u12 \uzzzz \U0041 \x41 \101 \' \0),
);
for my $name (sort keys %ill_formed) {
    my $bytes = $ill_formed{$name};
    refused('body',
        ["$name, in a text", qq({"client_id":"$ID","city":"a${bytes}b"})],
        ["$name, in a name", qq({"client_id":"$ID","a${bytes}b":1})],
        ["$name, unseen", qq({"client_id":"$ID","x":["a$bytes"]})],
    );
}
refused('body',
    ['NUL in a name, as an escape', with('"city\u0000x":"Oslo"')],
    ['the name of the id with NUL behind', qq({"client_id\\u0000":"$ID"})],
    ['1000 arrays', with('"x":' . '[' x 1000 . ']' x 1000)],
    ['1000 objects', with('"x":' . '{"x":' x 1000 . '1' . '}' x 1000)],
    ['16000 open arrays', '[' x 16_000],
    ['3000 open objects', '{"a":' x 3000],
);

accepted_city('JSON',
    ['space', qq(\n "city"\r:\t"Oslo" )],
    ['escapes', '"city":"\u004f\u0073lo"'],
    ['an escaped name', '"\u0063ity":"Oslo"'],
    ['numbers', '"x":[0,-0,1e5,1E-5,-1.5e+3,1e999,123456789012345678901234567890],"city":"Oslo"'],
    ['a little depth', '"x":[[[[{"a":[[[[1]]]]}]]]],"city":"Oslo"'],
    ['unknown members', '"":1,"x":{"y":null},"CITY":"Rome","city ":"Rome","city":"Oslo"'],
    ['names that mean more elsewhere', '"__proto__":{"city":"Rome"},"length":1,"city":"Oslo"'],
    ['twice: the last one counts', '"city":"Rome","city":"Oslo"'],
    ['a bad one before the last', '"city":5,"city":"Oslo"'],
    ['the id twice', qq("client_id":"_","client_id":"$ID","city":"Oslo")],
    ['an object behind a text', '"location":"IT","location":{"city":"Oslo"}'],
    ['flat and nested: flat', '"location":{"city":"Rome"},"city":"Oslo"'],
    ['flat, but unknown, and nested', '"city":"unknown","location":{"city":"Oslo"}'],
);
accepted('null at last', ['', with('"city":"Rome","city":null'), 'city', undef]);
refused('city', ['a bad one at last', with('"city":"Oslo","city":5')]);

# --- members --------------------------------------------------------------------------------------

refused('client_id', map { [$_, $_] } '{}', '{"city":"Oslo"}', map { qq({"client_id":$_}) }
    qw(null 5 1.5 true [] {} ["input-1"] "" "input_1" "input.1" "../input-1" "\u00efnput" "<script>"
    "input-1\u0000" "input-1\n"), '" "', '"input-1 "', '"input 1"', '"' . 'x' x 101 . '"');

# Members of text: the limit in bytes, and the client's member.
my %texts = (
    location => [64, 'location'], city => [100, 'city'], region => [64, 'region'],
    country => [64, 'country'], dns_loc => [64, 'dns_loc'], dns_colo => [16, 'dns_colo'],
    provider => [64, 'provider'], timezone => [40, 'timezone'],
    client_version => [32, 'client_version'],
    'location.country' => [64, 'country'], 'location.city' => [100, 'city'],
    'location.region' => [64, 'region'], 'location.org' => [64, 'provider'],
    'location.timezone' => [40, 'timezone'],
    'dns_test.location' => [64, 'dns_loc'], 'dns_test.colo' => [16, 'dns_colo'],
);
for my $path (sort keys %texts) {
    my ($limit, $member) = @{ $texts{$path} };
    my ($bytes, $letters, $escapes) = ('x' x $limit, 'é' x ($limit / 2), '\u00e9' x ($limit / 2));
    refused($path,
        each_at($path, qw(5 1.5 true false [] ["x"] "a\u0000b" "\u0000" "\n" "a\tb" "\u001b[31m"
            "\u007f" "\u0085" "\u009b" "\ufeffx")),
        ['one byte too long', at($path, qq("x$bytes"))],
        ['one byte too long, not in letters', at($path, qq("x$letters"))],
        ['one byte too long, in escapes', at($path, qq("x$escapes"))],
        ['far too long', at($path, '"' . 'x' x 10_000 . '"')]);
    accepted($path,
        ['the longest', at($path, qq("$bytes")), $member, $bytes],
        ['the longest, in letters of two bytes', at($path, qq("$letters")), $member, $letters],
        ['the longest, in escapes', at($path, qq("$escapes")), $member, $letters],
        map { [$_, at($path, $_), $member, undef] } qw(null "" "unknown" "Unknown"));
}

# Kept as it is, whatever it would mean in HTML, a shell, a log, SQL or a format.
my ($plain, $ascii) = map { JSON::PP->new->allow_nonref->ascii($_) } 0, 1;
accepted('text',
    map { [$ascii->encode($_), at('city', $plain->encode($_)), 'city', $_] }
        'São Paulo', '東京', 'AT&T (x)', 'Ķekava', 'القاهرة', 'नई दिल्ली', "Mu\x{308}nchen", '😀🇩🇪',
        '<script>alert(1)</script>', q("quoted' \\ and / slashed), q('; DROP TABLE clients; --),
        '%s%n%x', '${HOME} `id`', ' two  spaces ', 'UNKNOWN', 'null', '0', "\x{a0}", "\x{ad}",
        "\x{2028}\x{202e}", "\x{fffd}\x{ffff}\x{10ffff}");
accepted('a pair of surrogates', ['', at('city', '"\ud83d\ude00"'), 'city', '😀']);

# "location" may be an object, the nested form; the others may not.
refused('location', each_at('location', qw(5 true [] ["IT"])));
refused($_, each_at($_, '{}')) for sort grep { $_ ne 'location' } keys %texts;
refused('dns_test', each_at('dns_test', qw(5 true [] "IT" "")));
refused('status', each_at('status', qw(5 true [] {})));

refused('dns_source', each_at('dns_source', qw(5 true [] {} "Resolver" "TRACE" "dns" "trac" "tracer"
    "trace\u0000"), '"resolver "'));
my %words = (
    dns_source => [qw(resolver trace)],
    dns_path => [qw(tunnel outside)],
    dns_verdict => [qw(tunnel allowed leak intercepted)],
    ipv6_verdict => [qw(tunnel blocked leak)],
);
for my $member (sort keys %words) {
    refused($member, each_at($member, qw(1 true [] {} "Tunnel" "other" "leaks" "tunnel\u0000"), '"tunnel "'));
    accepted($member, map { [$_, at($member, qq("$_")), $member, $_] } @{ $words{$member} });
    accepted($member, map { [$_, at($member, $_), $member, undef] } qw(null "" "unknown" "Unknown"));
}

refused('vpn_connected', each_at('vpn_connected', qw(0 1 "true" "false" "" "unknown" [] {})));
my %truth = (true => JSON::PP::true, false => JSON::PP::false, null => undef);
accepted('vpn_connected',
    map { [$_, at('vpn_connected', $_), 'vpn_connected', $truth{$_}] } sort keys %truth);

# --- addresses and times --------------------------------------------------------------------------

my @addresses = qw(public_ip public_ip6 dns_resolver_ip);
for my $member (@addresses) {
    refused($member, each_at($member, qw(
        5 true [] {} "here" "UNKNOWN" "256.0.0.1" "1.2.3" "1.2.3.4.5" "01.2.3.4" "0x7f.0.0.1" "-1.2.3.4"
        "1.2.3.4/32" "1.2.3.4:80" "1.2.3.4\u0000" "1.2.3.4\n" ":" ":::" "1::2::3" "2001:db8" "12345::"
        "g::" "fe80::1%eth0" "[::1]" "::1/128" "::ffff:1.2.3" "::1\u0000"
    ), '" 1.2.3.4"', '"1.2.3.4 "', '"' . '1' x 5000 . '"'));
}
my %addresses = (
    (map { $_ => $_ } qw(203.0.113.42 0.0.0.0 255.255.255.255 ::1 :: fe80::1)),
    '2001:DB8:0:0:0:0:0:1' => '2001:db8::1',
    '2001:0db8:0000:0000:0001:0000:0000:0001' => '2001:db8::1:0:0:1',
    '::ffff:203.0.113.9' => '203.0.113.9',
    '::FFFF:CB00:7109' => '203.0.113.9',
    '64:ff9b::203.0.113.9' => '64:ff9b::cb00:7109',
    unknown => undef, Unknown => undef, '' => undef,
);
for my $member (@addresses) {
    my @fit = grep { $member ne 'public_ip6' || ($addresses{$_} // ':') =~ /:/ } sort keys %addresses;
    accepted($member, map { ["'$_'", at($member, qq("$_")), $member, $addresses{$_}] } @fit);
}
refused('public_ip6', each_at('public_ip6', map { qq("$_") } qw(203.0.113.42 ::ffff:203.0.113.9)));

refused('timestamp', each_at('timestamp', qw(
    5 1736944496 true [] {} "yesterday" "2025-01-15" "12:34:56Z" "2025-13-01T00:00:00Z"
    "2025-00-01T00:00:00Z" "2025-01-32T00:00:00Z" "2025-02-29T00:00:00Z" "2100-02-29T00:00:00Z"
    "2025-01-15T24:00:00Z" "2025-01-15T12:60:00Z" "2025-01-15T12:34:60Z" "2025-01-15T12:34Z"
    "2025-01-15T12:34:56+" "2025-01-15T12:34:56+1" "2025-01-15T12:34:56+24:00"
    "2025-01-15T12:34:56.Z" "2025-01-15T12:34:56ZZ" "2025-01-15T12:34:56Z\u0000"
    "1969-12-31T23:59:59Z" "99999-01-01T00:00:00Z"
), '"2025-01-15T12:34:56Z "', '"Wed, 15 Jan 2025 12:34:56 GMT"'));
accepted('timestamp', each_at('timestamp', map { qq("$_") } qw(
    2025-01-15T12:34:56Z 2025-01-15T12:34:56+00:00 2025-01-15T12:34:56+0000
    2025-01-15T12:34:56-05:30 2025-01-15T12:34:56+01 2025-01-15T12:34:56
    2025-01-15T12:34:56.123456Z 2025-01-15T12:34:56.123456+00:00 2024-02-29T23:59:59Z
    2000-02-29T00:00:00Z 1970-01-01T00:00:00Z 2106-02-07T06:28:16Z 9999-12-31T23:59:59Z
), ''));

# --- in all ---------------------------------------------------------------------------------------

subtest 'register reads in the same way' => sub {
    my %bad = (
        'a number for a text' => '"city":5',
        'NaN' => '"x":NaN',
        'NUL overlong' => qq("x":"\xC0\x80"),
    );
    for my $name (sort keys %bad) {
        my ($status) = post('/register', qq({"client_id":"lost",$bad{$name}}));
        is($status, 400, $name);
    }
};

is_deeply([map { $_->{client_id} } $sentinel->clients], [$ID], 'no refused body has made a client');
is($sentinel->stop, 0, 'httpd ends well');
$sentinel->check_error_log;

done_testing;
