# What hostile clients do to a server, on a small scale; t/bench/hostile.pl does it on a large one.
use strict;
use warnings;

use Compress::Zlib ();
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::More;

use Attack;
use Sentinel;
use SourceTree qw(content);

my $key = 'hostile-key-0123456789abcdef';
my $POST = "POST /api/v1/keepalive HTTP/1.1\r\nHost: a\r\n";

# A shipped configuration whose limits of seconds are all 1, and what they were.
sub hasty {
    my ($path) = @_;
    my $conf = content($path);
    my @seconds;
    $conf =~ s{^(\s*RequestReadTimeout )header=([\d-]+)\S* body=(\d+)\S*$}
        { push @seconds, split(/-/, $2), $3; "$1header=1 body=1" }gem;
    return ($conf, @seconds);
}

# What httpd says when all its threads are busy.
my $busy = qr/AH(?:00484|10159|03490|00485): /;

my $SLOW = 6; # connections of each kind

# Connections that send a byte now and then: how many were answered with each status.
sub slowly {
    my ($port, $hello) = @_;
    my $told = Attack::crowd(port => $port, size => $SLOW, hello => $hello, drip => 'x', pause => 0.2,
        seconds => 60);
    return $told->{answers};
}

my %slow = (
    header => "${POST}X-Slow: ",
    body => "${POST}X-API-Key: $key\r\nContent-Length: 16000\r\n\r\n{",
    'body of a stranger' => "${POST}Content-Length: 16000\r\n\r\n{",
);

# So that nothing but what is shipped ends a slow connection.
my $patient = "Timeout 300\nRequestReadTimeout header=0 body=0\n";

subtest 'slow requests, three-ports.conf' => sub {
    my ($conf, @seconds) = hasty('conf/three-ports.conf');
    is(scalar @seconds, 6, 'each port has limits');
    is(scalar(grep { $_ < 1 || $_ > 10 } @seconds), 0, '... of some seconds');
    my $httpd = VpsHttpd->start(
        conf => "$patient$conf",
        modules => [ 'alias', 'reqtimeout' ],
        ports => 3,
        listen => 0,
        env => {
            VPN_SENTINEL_SERVER_API_PORT => '@PORT@',
            VPN_SENTINEL_SERVER_DASHBOARD_PORT => '@PORT1@',
            VPN_SENTINEL_SERVER_HEALTH_PORT => '@PORT2@',
            VPN_SENTINEL_API_KEY => $key,
            VPN_SENTINEL_SERVER_RATE_LIMIT => 0,
        },
    );
    my @row = ((map { [ 0, $_ ] } sort keys %slow), [ 1, 'header' ], [ 2, 'header' ]);
    my @attack = map {
        my ($port, $what) = @$_;
        Attack->start(sub { slowly($httpd->port($port), $slow{$what}) });
    } @row;
    for my $i (0 .. $#row) {
        is_deeply($attack[$i]->wait, { 408 => $SLOW }, "port $row[$i][0]: a slow $row[$i][1] is refused");
    }
    my $ask = sub {
        my (%header) = @_;
        my %request = (headers => { 'X-API-Key' => $key, %header }, content => { client_id => 'office' });
        my $status;
        # On a busy machine this client, too, may be too slow.
        $httpd->wait_for(sub {
            $status = $httpd->request('POST', '/api/v1/keepalive', \%request)->{status};
            return $status != 408;
        });
        return $status;
    };
    is($ask->(), 200, 'a client is served');
    is($ask->('X-Long' => 'x' x 4000), 200, 'a header of some size is taken');
    is($ask->('X-Long' => 'x' x 4200), 400, '... a large one is not');
    is($ask->(map { ("X-Many-$_" => 1) } 1 .. 50), 400, '... nor are many');
    $httpd->stop;
    $httpd->check_error_log(allow => [$busy]);
};

subtest 'slow requests, drop-in.conf' => sub {
    my ($conf, @seconds) = hasty('conf/drop-in.conf');
    is(scalar @seconds, 3, 'it has limits');
    is(scalar(grep { $_ < 5 || $_ > 20 } @seconds), 0, '... of some seconds');
    my $httpd = VpsHttpd->start(
        conf => "$patient<VirtualHost *:\@PORT\@>\n$conf\n</VirtualHost>\n",
        modules => ['reqtimeout'],
        env => { VPN_SENTINEL_API_KEY => $key },
    );
    is_deeply(slowly($httpd->port, $slow{header}), { 408 => $SLOW }, 'a slow header is refused');
    $httpd->stop;
    $httpd->check_error_log(allow => [$busy]);
};

subtest 'idle connections' => sub {
    my $httpd = Sentinel->start(conf => "KeepAliveTimeout 300\nVPNSentinelHealth\n", mpm => 'event');
    my @idle = map {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $httpd->port) // die "connect: $!"
    } 1 .. 60;
    for my $socket (@idle) {
        syswrite $socket, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    my @answered =
        grep { IO::Select->new($_)->can_read(30) && readline($_) eq "HTTP/1.1 200 OK\r\n" } @idle;
    is(scalar @answered, 60, 'many more connections than threads are answered');
    is(($httpd->keepalive({ client_id => 'office' }))[0], 200, 'while they stay, so is a client');
    $httpd->stop;
    $httpd->check_error_log(allow => [$busy]);
};

subtest 'header floods' => sub {
    my $httpd = Sentinel->start;
    my %flood = (
        'many' => "${POST}" . join('', map { "X-$_: 1\r\n" } 1 .. 5000),
        'long' => "${POST}X-Long: " . 'x' x 1_000_000 . "\r\n",
        'a long name' => "${POST}" . 'X' x 1_000_000 . ": 1\r\n",
        'a long line' => 'GET /api/v1/' . 'x' x 1_000_000 . " HTTP/1.1\r\nHost: a\r\n",
        'the key many times' => $POST . "X-API-Key: $Sentinel::KEY\r\n" x 5000,
        'folded' => "${POST}X-Folded: 1\r\n" . " x\r\n" x 100_000,
    );
    for my $name (sort keys %flood) {
        my $told = Attack::crowd(port => $httpd->port, size => 5, hello => "$flood{$name}\r\n", seconds => 30);
        my @status = keys %{ $told->{answers} };
        like("@status", qr/^(?:400|414|none)(?: (?:400|414|none))*$/, "$name: refused");
    }
    is(($httpd->keepalive({ client_id => 'office' }))[0], 200, 'a client is served');
    $httpd->stop;
    $httpd->check_error_log;
};

# How often each status was answered to requests, given as texts, on as many connections as it takes.
sub tally {
    my ($httpd, @request) = @_;
    my %count;
    while (my @some = splice @request, 0, 100) {
        $count{ $_->{status} }++ for $httpd->exchange(join '', @some);
    }
    return \%count;
}

sub report_from {
    my ($httpd, $address, @header) = @_;
    return $httpd->request_text('POST', '/keepalive', '{"client_id":"office"}', "X-Forwarded-For: $address", @header);
}

sub number_to_address {
    my ($number) = @_;
    return join '.', 10, map { $number >> $_ & 255 } 16, 8, 0;
}

my $any_address = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n";

subtest 'a flood of addresses' => sub {
    my $httpd = Sentinel->start(modules => ['remoteip'], conf => "${any_address}VPNSentinelRateLimit 5\n");
    my @flood = map { report_from($httpd, number_to_address($_)) } 1 .. 3000;
    my $busy_one = report_from($httpd, '192.0.2.1');
    is_deeply(tally($httpd, ($busy_one) x 6), { 200 => 5, 429 => 1 }, 'a busy one meets its limit');
    is_deeply(tally($httpd, @flood), { 200 => 3000 }, 'none of thousands is refused');
    is_deeply(tally($httpd, ($busy_one) x 3), { 429 => 3 }, 'they let no busy one through');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0030/]);
};

# --- keys and logs --------------------------------------------------------------------------------

my $combined = 'CustomLog logs/access.log "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""' . "\n";

# The text of each log by its name.
sub logs {
    my ($httpd) = @_;
    return map { $_ => $httpd->read_file("logs/$_") } map { s{.*/}{}r } glob $httpd->root . '/logs/*';
}

subtest 'key guessing' => sub {
    my $httpd = Sentinel->start(
        modules => [qw(remoteip log_config)],
        conf => $any_address . $combined
            . "VPNSentinelAPIKey $key\nVPNSentinelRateLimit 30\nVPNSentinelMetrics\n",
        log_level => 'info vpnsentinel:trace8',
    );
    my @near = (substr($key, 0, -1), substr($key, 1), "${key}x", $key =~ s/.\z/g/r, ucfirst $key);
    my @guess = map {
        ("X-API-Key: $_", "Authorization: Bearer $_", 'Authorization: Basic ' . encode_base64("a:$_", ''))
    } @near;
    my $ask = sub {
        my ($guess, $address) = @_;
        return "${POST}$guess\r\nX-Forwarded-For: $address\r\nContent-Length: 0\r\n\r\n";
    };
    is_deeply(tally($httpd, map { $ask->($guess[ $_ % @guess ], '192.0.2.1') } 1 .. 90),
        { 401 => 30, 429 => 60 }, 'one address may guess 30 times a minute');
    is_deeply(tally($httpd, map { $ask->($guess[ $_ % @guess ], number_to_address($_)) } 1 .. 500),
        { 401 => 500 }, 'others are told the same');
    my $metrics = $httpd->request('GET', '/metrics')->{content};
    my %refused = $metrics =~ /^vpnsentinel_requests_refused_total\{reason="(\w+)"\} (\d+)$/mg;
    is($refused{key}, 530, 'they are counted');
    is($refused{rate_limit}, 60, '... as is what the limit held off');
    $httpd->stop;
    my %log = logs($httpd);
    my @part = map { substr $key, $_, 8 } 0 .. length($key) - 8;
    my $part = join '|', map { quotemeta } @part, map { substr encode_base64("a:$_", ''), 8, 12 } @near;
    is(join(' ', grep { $log{$_} =~ /$part/i } sort keys %log), '', 'no log has a part of the key');
    like($log{'vpnsentinel.log'}, qr/IP: 192\.0\.2\.1 \| Auth: \xe2\x9d\x8c$/m, 'the log tells who guesses');
    $httpd->check_error_log;
};

subtest 'log injection' => sub {
    my $httpd = Sentinel->start(modules => [qw(remoteip log_config)], conf => "$any_address$combined");
    my $forged = '[2025-01-15 12:34:56] [api] forged';
    my @evil = (
        "\e[2J\e]0;owned\a", "\xe2\x80\xae\xe2\x80\xa8\xc2\x85\xc2\x9b", "\xff\xc0\x80\xed\xa0\x80", "\b\b\b",
        "\t\x7f", "\x01\x02", "x\r$forged", "x\x0b$forged\x0c", '%0A' . $forged, '" 200 1 "-" "forged', "\\x0a\\n",
        '$(id) `id` %s%n',
    );
    for my $evil (@evil) {
        my @harmless = qw(User-Agent Referer Cookie Accept Range X-Real-IP);
        my @field = (
            join("\r\n", map { "$_: $evil" } @harmless), "X-Forwarded-For: $evil", "X-Forwarded-For: ::1%$evil",
            "X-API-Key: $evil", "Host: $evil", "$evil: x",
            'Authorization: Basic ' . encode_base64("$evil:x", ''),
        );
        for my $field (@field) {
            my $answer = $httpd->raw("GET /api/v1/clients HTTP/1.0\r\n$field\r\n\r\n");
            unlike($answer, qr{\AHTTP/1\.1 (?:200|5)}, 'refused') or diag($field);
        }
        $httpd->raw("GET /api/v1/clients/$evil HTTP/1.0\r\nX-API-Key: $Sentinel::KEY\r\n\r\n");
        $httpd->raw("$evil /api/v1/clients HTTP/1.0\r\n\r\n");
        $httpd->raw("GET /api/v1/clients $evil\r\n\r\n");
    }
    $httpd->stop;
    my %log = logs($httpd);
    my $time = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
    my %whole = (
        'vpnsentinel.log' => qr/^\[$time\] \[(?:api|monitor|security|registry)\] /,
        'access.log' => qr/^[0-9a-f.:]+ - \S+ \[\d\d\/\w+\/\d{4}:[^\]]*\] "/,
        'error.log' => qr/^\[\w{3} \w{3} \d\d [^\]]+\] \[\w+:\w+\] \[pid /,
    );
    for my $name (sort keys %whole) {
        my @lines = split /\n/, $log{$name};
        cmp_ok(scalar @lines, '>', 0, "$name: something is logged");
        is_deeply([ grep { !/$whole{$name}/ } @lines ], [], '... lines that begin as all do');
        my $acting = qr/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]/;
        is_deeply([ grep { /$acting/ } @lines ], [], '... that no terminal acts on');
    }
    $httpd->check_error_log(allow => [qr/\[core:error\]/]);
};

# --- odd requests ---------------------------------------------------------------------------------

subtest 'compressed bodies' => sub {
    my $httpd = Sentinel->start(modules => ['deflate'],
        conf => "<Location />\n    SetInputFilter DEFLATE\n</Location>\n");
    my $bomb = Compress::Zlib::memGzip('{"client_id":"lost","x":"' . 'x' x 20_000_000 . '"}');
    my $small = Compress::Zlib::memGzip('{"client_id":"lost"}');
    for my $encoding ('gzip', 'x-gzip', 'GZIP', 'deflate', 'gzip, gzip', 'identity') {
        for my $body ($bomb, $small) {
            my ($status) = $httpd->api('POST', '/keepalive',
                { content => $body, headers => { 'Content-Encoding' => $encoding } });
            is($status, 415, "$encoding: refused");
        }
    }
    ok(!$httpd->client('lost'), 'nothing is kept');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a body that waits to be asked for' => sub {
    my $httpd = VpsHttpd->start(
        ports => 2,
        conf => "VPNSentinelAPI\nVPNSentinelAPIKey $key\nVPNSentinelRateLimit 2\n"
            . "<VirtualHost *:\@PORT1\@>\n    VPNSentinelAllowedIPs 192.0.2.1\n</VirtualHost>\n",
    );
    my $expect = "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n";
    my @row = (
        [ 1, '', 403 ], [ 0, 'X-API-Key: wrong', 401 ],
        [ 0, "X-API-Key: $key\r\nContent-Type: text/plain", 415 ], [ 0, '', 429 ],
    );
    for my $row (@row) {
        my ($port, $header, $status) = @$row;
        my $answer = $httpd->raw($POST . ($header ne '' ? "$header\r\n" : '') . $expect, $port);
        like($answer, qr{\AHTTP/1\.1 $status }, "$status: who is refused is not asked for the body");
        is(scalar(() = $answer =~ m{^HTTP/}gm), 1, '... one answer');
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'requests within requests' => sub {
    my $httpd = Sentinel->start;
    $httpd->keepalive({ client_id => 'victim' });
    my $inner = $httpd->request_text('DELETE', '/clients/victim');
    my $post = "${POST}X-API-Key: $Sentinel::KEY\r\n";
    my $json = '{"client_id":"a"}'; # 17 bytes
    my $size = sprintf '%x', length $json;
    my $chunked = "$size\r\n$json\r\n0\r\n\r\n";
    my %body = ('Transfer-Encoding' => $chunked, 'Content-Length' => $json);
    my %good = ('Transfer-Encoding' => 'chunked', 'Content-Length' => length $json);
    for my $name (sort keys %good) {
        $httpd->keepalive({ client_id => 'victim' });
        $httpd->raw("$post$name: $good{$name}\r\n\r\n$body{$name}$inner");
        ok(!$httpd->client('victim'), "$name: what is behind a request is done");
    }
    my @transfer = (
        ' : chunked', ":\x0bchunked", ': xchunked', ': chunked, identity', ': "chunked"', ': chunked;q=0',
        ": chunked\r\nTransfer-Encoding: identity", ": x\r\n chunked", ": chunked\r\nContent-Length: 17",
    );
    my @length = (
        ': +17', ': 0x11', ': 17,17', ': 17, 18', ': -17', ': 17 17', ': 17a', ':', ' : 17', ": \x0b17",
        ": 17\r\nContent-Length: 18", ': 99999999999999999917',
    );
    $httpd->keepalive({ client_id => 'victim' });
    for my $line ((map { "Transfer-Encoding$_" } @transfer), (map { "Content-Length$_" } @length), 'Content_Length: 17') {
        my $name = $line =~ s/[^ -~]+/ /gr;
        my $answer = $httpd->raw("$post$line\r\n\r\n" . ($body{ $line =~ s/[ :].*//sr } // $json) . $inner);
        unlike($answer, qr{^HTTP/1\.1 5}m, "$name: no server error");
        ok($httpd->client('victim'), '... nothing within it is done');
    }
    for my $odd ("0x$size", "-$size", "+$size", "ffffffffffffffff$size", "$size $size", '', 'x', "$size\0$size") {
        my $answer = $httpd->raw("${post}Transfer-Encoding: chunked\r\n\r\n$odd\r\n$json\r\n0\r\n\r\n$inner");
        unlike($answer, qr{^HTTP/1\.1 5}m, 'a chunk of ' . ($odd =~ s/\0/NUL/r) . ': no server error');
        ok($httpd->client('victim'), '... nothing within it is done');
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/\[(?:core|http):error\]/]);
};

done_testing;
