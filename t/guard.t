# The guards of the API: allow list, rate limit, key, in this order and before anything else.
use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use VpsHttpd;

my %DENIED = (
    status => 403,
    body => { error => 'Access denied', message => 'Your IP address is not authorized' },
);
my %LIMITED = (
    status => 429,
    body => {
        error => 'Rate limit exceeded',
        message => 'Too many requests. Please wait before retrying.',
    },
);
my %UNAUTHORIZED = (
    status => 401,
    body => { error => 'Unauthorized', message => 'Invalid or missing API key' },
);

# A test says in a header from which address a request comes.
my $any_address = <<'CONF';
RemoteIPHeader X-Test-Address
RemoteIPInternalProxy 127.0.0.1
CONF

sub key_header {
    my ($key) = @_;
    return ('X-API-Key' => $key);
}

sub status_of {
    my ($httpd, $header, $port) = @_;
    my $answer = $httpd->request('GET', '/api/v1/clients', { headers => $header, port => $port });
    return $answer->{status};
}

# The answer to one request is a guard's.
sub is_refusal {
    my ($answer, $refusal, $name, $has_no_body) = @_;
    my $header = $answer->{headers};
    is($answer->{status}, $refusal->{status}, $name);
    is($header->{'cache-control'}, 'no-store', "$name: not cached");
    is($header->{'content-type'}, 'application/json', "$name: JSON");
    is($header->{'www-authenticate'}, $refusal->{status} == 401 ? 'Bearer' : undef,
        "$name: WWW-Authenticate");
    return if $has_no_body;

    my $body = eval { JSON::PP->new->utf8->decode($answer->{content}) } // {};
    my $retry_after = delete $body->{retry_after};
    is($retry_after, $header->{'retry-after'}, "$name: both say the same time");
    is(defined $retry_after, $refusal->{status} == 429, "$name: a time when the limit is met");
    is_deeply($body, $refusal->{body}, "$name: what it says");
}

subtest 'before any path and method below the mount' => sub {
    my $httpd = VpsHttpd->start(
        modules => ['remoteip'],
        ports => 3,
        conf => <<"CONF",
$any_address
VPNSentinelRateLimit 1
VPNSentinelAPIKey right
VPNSentinelAPI
<VirtualHost *:\@PORT1\@>
    VPNSentinelAllowedIPs 192.0.2.0/24
</VirtualHost>
<VirtualHost *:\@PORT2\@>
    VPNSentinelAPIKey other
</VirtualHost>
CONF
    );
    my @paths = ('', '/', '/keepalive', '/register', '/status', '/clients', '/clients/a',
        '/clients/', '/nothing', '/status/more', '/clients?status=wrong', '/%0a', '/%ff');
    my @methods = qw(GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PROPFIND BREW);
    my @requests = ((map { [ 'GET', $_ ] } @paths), (map { [ $_, '/status' ] } @methods),
        (map { [ $_, '/nothing' ] } @methods));

    my $number = 0;
    for my $request (@requests) {
        my ($method, $path) = @$request;
        my $name = "$method $path";
        my %address = ('X-Test-Address' => '198.51.100.' . ++$number);
        my $ask = sub {
            my ($port, %header) = @_;
            return $httpd->request($method, "/api/v1$path",
                { port => $port, headers => { %address, %header } });
        };
        my $is_head = $method eq 'HEAD';
        is_refusal($ask->(1, key_header('right')), \%DENIED, "$name: allow list", $is_head);
        is_refusal($ask->(0), \%UNAUTHORIZED, "$name: key; what was denied did not count",
            $is_head);
        is_refusal($ask->(0, key_header('right')), \%LIMITED, "$name: limit", $is_head);
        is_refusal($ask->(0), \%LIMITED, "$name: limit before key", $is_head);
        is_refusal($ask->(2, key_header('other')), \%LIMITED, "$name: limit in every host",
            $is_head);
        is_refusal($ask->(1), \%DENIED, "$name: allow list before limit and key", $is_head);
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'behind the guards' => sub {
    my $httpd = VpsHttpd->start(conf => <<'CONF');
VPNSentinelRateLimit 0
VPNSentinelAPIKey right
VPNSentinelAPI
CONF
    my @table = (
        [ 'GET', '/nothing', 404 ],
        [ 'POST', '/nothing', 404, content => 'no JSON' ],
        [ 'BREW', '/nothing', 404 ],
        [ 'GET', '/keepalive', 405 ],
        [ 'PUT', '/keepalive', 405, content => 'no JSON' ],
        [ 'POST', '/keepalive', 415, content => 'no JSON', type => 'text/plain' ],
        [ 'POST', '/keepalive', 413, content => '!' x 16385 ],
        [ 'POST', '/keepalive', 400, content => 'no JSON' ],
    );
    for my $row (@table) {
        my ($method, $path, $status, %option) = @$row;
        for my $authorized (0, 1) {
            my %header = $authorized ? key_header('right') : ();
            $header{'Content-Type'} = $option{type} if $option{type};
            my $answer = $httpd->request($method, "/api/v1$path",
                { headers => \%header, content => $option{content} });
            is($answer->{status}, $authorized ? $status : 401,
                "$method $path, " . ($authorized ? 'with' : 'without') . " the key ($status)");
        }
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'where the key is looked for' => sub {
    my $key = 'Right-Key_123';
    my $httpd = VpsHttpd->start(
        conf => "VPNSentinelRateLimit 0\nVPNSentinelAPIKey $key\nVPNSentinelAPI\n",
    );

    my @good = (
        { 'X-API-Key' => $key },
        { 'x-api-key' => $key },
        map({ +{ 'Authorization' => "$_ $key" } } qw(Bearer bearer BEARER bEaReR)),
        { 'Authorization' => "Bearer   $key" },
    );
    is(status_of($httpd, $_), 200, join ': ', %$_) for @good;

    my @bad = (
        {},
        map({ +{ 'X-API-Key' => $_ } } '', 'none', lc $key, substr($key, 0, -1), substr($key, 1),
            "$key$key", "$key,", "x $key", "Bearer $key", "\"$key\""),
        map({ +{ 'Authorization' => $_ } } $key, 'Bearer', "Bearer$key", "Basic $key",
            'Basic ' . encode_base64("user:$key", ''), "Bearer $key $key", "Bearer key=$key"),
        { 'X-API-Token' => $key },
        { 'Cookie' => "X-API-Key=$key; api_key=$key" },
    );
    for my $header (@bad) {
        is(status_of($httpd, $header), 401, 'refused: ' . join ': ', %$header);
    }

    my $port = $httpd->port;
    my @targets = (
        map({ "/api/v1/clients?$_=$key" } qw(key api_key apikey X-API-Key token access_token)),
        "/api/v1/clients/$key", "/api/v1/clients;key=$key",
        "http://127.0.0.1:$port/api/v1/clients?key=$key",
    );
    for my $target (@targets) {
        like($httpd->raw("GET $target HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
            qr{^HTTP/1\.1 401 }, "refused: $target");
    }
    like($httpd->raw("GET http://$key\@127.0.0.1/api/v1/clients HTTP/1.0\r\n\r\n"),
        qr{^HTTP/1\.1 40[01] }, 'refused: as a user in the URL');
    my $twice = "X-API-Key: $key\r\n" x 2;
    like($httpd->raw("GET /api/v1/clients HTTP/1.0\r\n$twice\r\n"), qr{^HTTP/1\.1 401 },
        'refused: the header twice');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'several keys, key files, virtual hosts' => sub {
    my $longest = 'k' x 256;
    my $httpd = VpsHttpd->start(
        ports => 6,
        files => {
            'keys/all' => "# the keys\n\n  \t# another comment\none-of-file\n\t two-of-file \t\n\n",
            'keys/crlf' => "# as Windows writes it\r\nof-crlf\r\n",
            'keys/last' => "$longest\nwithout-newline",
        },
        conf => <<"CONF",
VPNSentinelRateLimit 0
VPNSentinelAPI
VPNSentinelAPIKey first second
VPNSentinelAPIKey third
VPNSentinelAPIKeyFile keys/all
VPNSentinelAPIKeyFile "\@ROOT\@/keys/crlf"
VPNSentinelAPIKeyFile keys/last
<VirtualHost *:\@PORT1\@>
    VPNSentinelAPIKey host-one
</VirtualHost>
<VirtualHost *:\@PORT2\@>
    VPNSentinelAPIKeyFile keys/crlf
</VirtualHost>
<VirtualHost *:\@PORT3\@>
    VPNSentinelDashboard
</VirtualHost>
<VirtualHost *:\@PORT4\@>
    VPNSentinelAPIKey none
</VirtualHost>
<VirtualHost *:\@PORT5\@>
    VPNSentinelAPIKey "#odd" 'a"b' \\\\{
</VirtualHost>
CONF
        env => { VPN_SENTINEL_API_KEY => 'of-environment' },
    );
    my @servers =
        (qw(first second third one-of-file two-of-file of-crlf without-newline), $longest);
    my @nobodys = ('of-environment', '#', '# the keys', 'another', 'wrong');
    my %opens = (
        0 => [ \@servers, [ 'host-one', @nobodys ] ],
        1 => [ ['host-one'], [ @servers, @nobodys ] ],
        2 => [ ['of-crlf'], [ 'first', 'one-of-file', 'host-one', @nobodys ] ],
        3 => [ \@servers, [ 'host-one', @nobodys ] ],
        4 => [ [ 'none', '', 'first', @nobodys ], [] ],
        5 => [ [ '#odd', 'a"b', '\\{' ], [ 'first', @nobodys ] ],
    );
    for my $port (sort keys %opens) {
        my ($good, $bad) = @{ $opens{$port} };
        is(status_of($httpd, { key_header($_) }, $port), 200, "host $port: '$_' opens") for @$good;
        is(status_of($httpd, { key_header($_) }, $port), 401, "host $port: '$_' does not")
            for @$bad;
    }
    is(status_of($httpd, {}, 4), 200, 'none: no key is needed');
    $httpd->stop;
    $httpd->check_error_log;
    is(scalar(() = $httpd->error_log =~ /the API is open to everybody/g), 1,
        'the open host is told once');
};

subtest 'a key that ends in a backslash' => sub {
    my $httpd = VpsHttpd->start(
        conf => "VPNSentinelRateLimit 0\nVPNSentinelAPI\nVPNSentinelAPIKeyFile keys\n",
        files => { keys => "first\\\nsecond\n" },
    );
    is(status_of($httpd, { key_header($_) }), 200, "$_ opens") for 'first\\', 'second';
    is(status_of($httpd, { key_header('firstsecond') }), 401, 'lines are not joined');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'the key of the environment' => sub {
    my $httpd = VpsHttpd->start(
        ports => 2,
        conf => <<'CONF',
VPNSentinelRateLimit 0
VPNSentinelAPI
<VirtualHost *:@PORT1@>
    VPNSentinelAPIKey host-one
</VirtualHost>
CONF
        env => { VPN_SENTINEL_API_KEY => 'of-environment' },
    );
    is(status_of($httpd, { key_header('of-environment') }), 200, 'opens');
    is(status_of($httpd, { key_header('host-one') }), 401, 'no other does');
    is(status_of($httpd, { key_header('of-environment') }, 1), 401,
        'but where a directive has one');
    is(status_of($httpd, { key_header('host-one') }, 1), 200, 'which opens there');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'rotation by graceful' => sub {
    my $httpd = VpsHttpd->start(
        conf => "VPNSentinelRateLimit 0\nVPNSentinelAPI\nVPNSentinelAPIKeyFile keys\n",
        files => { keys => "old\n" },
    );
    my $rotate = sub {
        open(my $file, '>', $httpd->root . '/keys') or die "keys: $!";
        print {$file} map { "$_\n" } @_;
        close $file or die "keys: $!";
    };
    my $opens = sub {
        return join ' ', grep { status_of($httpd, { key_header($_) }) == 200 } qw(old new);
    };
    is($opens->(), 'old', 'at the start');
    $rotate->('old', 'new');
    is($opens->(), 'old', 'a changed file is not read yet');
    $httpd->graceful;
    is($opens->(), 'old new', 'both while the clients move');
    $rotate->('new');
    $httpd->graceful;
    is($opens->(), 'new', 'the new one alone');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'no key' => sub {
    my $httpd = VpsHttpd->start(
        ports => 2,
        conf => <<'CONF',
VPNSentinelRateLimit 0
<VirtualHost *:@PORT@>
    VPNSentinelAPI
</VirtualHost>
<VirtualHost *:@PORT1@>
    VPNSentinelDashboard
    VPNSentinelHealth
</VirtualHost>
CONF
        env => { VPN_SENTINEL_API_KEY => '' },
    );
    my @headers = map { { 'X-API-Key' => $_, 'Authorization' => "Bearer $_" } } '', 'none', 'x';
    for my $header ({}, @headers) {
        is(status_of($httpd, $header), 401, 'closed: ' . join ' ', %$header);
    }
    is($httpd->request('GET', '/health', { port => 1 })->{status}, 200, 'health needs none');
    is($httpd->request('GET', '/dashboard', { port => 1 })->{status}, 200,
        'the dashboard needs none');
    $httpd->stop;
    my @lines = grep { /VPNS0002/ } split /\n/, $httpd->error_log;
    is(scalar @lines, 1, 'one line in the error log');
    like($lines[0], qr/\[vpnsentinel:error\].* 401: no key is configured/, 'what is wrong');
    like($lines[0], qr/Set VPNSentinelAPIKeyFile, VPNSentinelAPIKey or VPN_SENTINEL_API_KEY/,
        'what to do');
    $httpd->check_error_log(allow => [qr/VPNS0002/]);
};

# The addresses of a list that are let through, by a host that has it as its allow list.
sub let_through {
    my ($httpd, $port, @addresses) = @_;
    my @through;
    for my $address (@addresses) {
        my $status = status_of($httpd, { 'X-Test-Address' => $address }, $port);
        push @through, $address if $status == 200;
        is($status, 403, "$address is refused") if $status != 200;
    }
    return "@through";
}

subtest 'allow lists' => sub {
    my @table = (
        [ '192.0.2.7', ['192.0.2.7'], [ '192.0.2.6', '192.0.2.70', '2001:db8::1' ] ],
        [ '192.0.2.0/24', [ '192.0.2.0', '192.0.2.255' ], [ '192.0.1.255', '192.0.3.0' ] ],
        [ '192.0.2.77/24', [ '192.0.2.1' ], [ '192.0.3.77' ] ],
        [ '192.0.2.8/31', [ '192.0.2.8', '192.0.2.9' ], [ '192.0.2.7', '192.0.2.10' ] ],
        [ '2001:db8::7', [ '2001:db8::7', '2001:DB8:0:0::7' ], [ '2001:db8::8', '192.0.2.7' ] ],
        [ '2001:db8::/32', [ '2001:db8::', '2001:db8:ffff::1' ], [ '2001:db9::1', '192.0.2.1' ] ],
        [ '::ffff:192.0.2.7', ['192.0.2.7'], ['192.0.2.8'] ],
        [ '192.0.2.7 198.51.100.0/24 2001:db8::/64',
            [ '192.0.2.7', '198.51.100.9', '2001:db8::9' ], [ '192.0.2.8', '2001:db8:1::' ] ],
        [ '"192.0.2.7,198.51.100.0/24, 2001:db8::/64"',
            [ '192.0.2.7', '198.51.100.9', '2001:db8::9' ], [ '192.0.2.8', '2001:db8:1::' ] ],
        [ "192.0.2.7\n    VPNSentinelAllowedIPs 192.0.2.9", [ '192.0.2.7', '192.0.2.9' ],
            ['192.0.2.8'] ],
    );
    my $hosts = join '', map {
        my $port = '@PORT' . ($_ + 2) . '@';
        "<VirtualHost *:$port>\n    VPNSentinelAllowedIPs $table[$_][0]\n</VirtualHost>\n"
    } 0 .. $#table;
    my $httpd = VpsHttpd->start(
        modules => ['remoteip'],
        ports => @table + 2,
        conf => <<"CONF",
$any_address
VPNSentinelRateLimit 0
VPNSentinelAPIKey none
VPNSentinelAPI
VPNSentinelAllowedIPs 203.0.113.0/24
<VirtualHost *:\@PORT1\@>
    VPNSentinelDashboard
    VPNSentinelHealth
</VirtualHost>
$hosts
CONF
        env => {
            VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED => 'true',
            VPN_SENTINEL_ALLOWED_IPS => '192.0.2.0/24',
        },
    );
    is(let_through($httpd, 0, '203.0.113.1', '192.0.2.1'), '203.0.113.1',
        'the server\'s list, not that of the environment');
    is(let_through($httpd, 1, '203.0.113.1', '192.0.2.1'), '203.0.113.1',
        'a virtual host without one has the server\'s');
    for my $path ('/dashboard', '/health') {
        my $answer = $httpd->request('GET', $path,
            { port => 1, headers => { 'X-Test-Address' => '192.0.2.1' } });
        is($answer->{status}, 200, "$path has no allow list");
    }
    for my $i (0 .. $#table) {
        my ($list, $in, $out) = @{ $table[$i] };
        is(let_through($httpd, $i + 2, @$in, @$out, '203.0.113.1'), "@$in", "list $list");
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0064: /]);
};

subtest 'an allow list of everybody' => sub {
    my $conf = <<"CONF";
$any_address
VPNSentinelRateLimit 0
VPNSentinelAPIKey none
VPNSentinelAPI
VPNSentinelAllowedIPs 0.0.0.0/0 ::/0
CONF
    my ($status, $output) = VpsHttpd->configtest(modules => ['remoteip'], conf => $conf);
    is($status, 0, 'is allowed') or return diag($output);

    my $httpd = VpsHttpd->start(modules => ['remoteip'], conf => $conf);
    my @all = ('192.0.2.1', '255.255.255.255', '2001:db8::1', 'ffff::');
    is(let_through($httpd, 0, @all), "@all", 'lets all through');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'allow list of the environment' => sub {
    my @table = (
        [ { enabled => 'true', list => '192.0.2.0/24, 2001:db8::/32' }, '192.0.2.1 2001:db8::1' ],
        [ { enabled => 'ON', list => '203.0.113.1' }, '203.0.113.1' ],
        [ { enabled => 'false', list => '192.0.2.0/24' }, '192.0.2.1 2001:db8::1 203.0.113.1' ],
        [ { enabled => '', list => '192.0.2.0/24' }, '192.0.2.1 2001:db8::1 203.0.113.1' ],
        [ { list => '192.0.2.0/24' }, '192.0.2.1 2001:db8::1 203.0.113.1' ],
    );
    for my $row (@table) {
        my ($env, $through) = @$row;
        my $httpd = VpsHttpd->start(
            modules => ['remoteip'],
            conf => $any_address
                . "VPNSentinelRateLimit 0\nVPNSentinelAPIKey none\nVPNSentinelAPI\n",
            env => {
                VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED => $env->{enabled},
                VPN_SENTINEL_ALLOWED_IPS => $env->{list},
            },
        );
        is(let_through($httpd, 0, '192.0.2.1', '2001:db8::1', '203.0.113.1'), $through,
            'enabled: ' . ($env->{enabled} // 'unset') . ", list: $env->{list}");
        $httpd->stop;
        $httpd->check_error_log;
    }
};

# The client's address as the server sees it, or why it is refused.
sub observed_ip {
    my ($httpd, $port, %header) = @_;
    my %option = (port => $port, headers => \%header);
    my (undef, $body) = $httpd->json('POST', '/api/v1/keepalive',
        { %option, content => { client_id => 'office' } });
    return $body->{error} if $body->{error};
    my (undef, $client) = $httpd->json('GET', '/api/v1/clients/office', \%option);
    is($client->{observed_ip}, $body->{observed_ip}, 'the client has what the answer says');
    return $body->{observed_ip};
}

subtest 'behind a reverse proxy' => sub {
    my $remoteip = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1";
    my $httpd = VpsHttpd->start(
        modules => ['remoteip'],
        ports => 3,
        conf => <<"CONF",
VPNSentinelRateLimit 0
VPNSentinelAPIKey none
VPNSentinelAPI
<VirtualHost *:\@PORT1\@>
    $remoteip
</VirtualHost>
<VirtualHost *:\@PORT2\@>
    $remoteip
    VPNSentinelAllowedIPs 192.0.2.0/24 2001:db8::/32
</VirtualHost>
CONF
    );
    my %others = ('X-Real-IP' => '192.0.2.8', 'Forwarded' => 'for=192.0.2.9',
        'X-Client-IP' => '192.0.2.10', 'Via' => '1.1 192.0.2.11', 'Client-IP' => '192.0.2.12');
    my @table = (
        [ 0, '192.0.2.7', '127.0.0.1', 'without mod_remoteip no header is read' ],
        [ 1, '', '127.0.0.1', 'nothing forwarded' ],
        [ 1, '192.0.2.7', '192.0.2.7', 'forwarded' ],
        [ 1, '198.51.100.1, 192.0.2.7', '192.0.2.7', 'what the client itself claims is not read' ],
        [ 1, '2001:DB8:0:0::7', '2001:db8::7', 'IPv6' ],
        [ 1, '::ffff:192.0.2.7', '192.0.2.7', 'IPv4 in IPv6' ],
        [ 1, 'unknown', '127.0.0.1', 'no address' ],
        [ 2, '192.0.2.7', '192.0.2.7', 'the allow list sees it' ],
        [ 2, '192.0.3.7', 'Access denied', 'and refuses others' ],
        [ 2, '', 'Access denied', 'and the proxy itself' ],
    );
    for my $row (@table) {
        my ($port, $forwarded, $expected, $name) = @$row;
        is(observed_ip($httpd, $port, %others, 'X-Forwarded-For' => $forwarded), $expected, $name);
    }
    $httpd->stop;
    $httpd->check_error_log;
};

done_testing;
