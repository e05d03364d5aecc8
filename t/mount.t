# Mounts: one line makes a path ours, whatever else the server has; no spelling goes around a guard.
use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);
use Test::More;

use VpsHttpd;

my %key = ('X-API-Key' => 'key');
my $report = '{"client_id":"office","public_ip":"203.0.113.42"}';
my $mounts = "VPNSentinelAPI\nVPNSentinelHealth\nVPNSentinelDashboard\n";
my $server = "VPNSentinelAPIKey key\nVPNSentinelRateLimit 0\n";

sub virtual_host {
    my ($port, @lines) = @_;
    my $number = $port || '';
    return join "\n", "<VirtualHost *:\@PORT$number\@>", @lines, "</VirtualHost>\n";
}

sub location {
    my ($path, @lines) = @_;
    return join "\n", qq{<Location "$path">}, @lines, '</Location>';
}

# A function that asks one host: (method, path, headers, body) → (status, content).
sub plain_asker {
    my ($httpd, $port) = @_;
    return sub {
        my ($method, $path, $headers, $content) = @_;
        my $answer = $httpd->request($method, $path,
            { headers => $headers, content => $content, port => $port });
        return ($answer->{status}, $answer->{content} // '');
    };
}

sub tls_asker {
    my ($httpd, $port) = @_;
    my $client = 'openssl s_client -quiet -connect 127.0.0.1:' . $httpd->port($port);
    return sub {
        my ($method, $path, $headers, $content) = @_;
        my $lines = join '', map { "$_: $headers->{$_}\r\n" } sort keys %{ $headers // {} };
        $lines .= 'Content-Length: ' . length($content) . "\r\n" if defined $content;
        my $request = "$method $path HTTP/1.0\r\n$lines\r\n" . ($content // '');
        my $answer = `printf '%s' '$request' | $client 2>/dev/null`;
        my ($status, $body) = $answer =~ m{^HTTP/1\.\d (\d+).*?\r\n\r\n(.*)}s;
        return ($status, $body // '');
    };
}

# What is mounted answers in the host, guarded.
sub serves {
    my ($ask, $name) = @_;
    my ($status, $content) = $ask->('POST', '/api/v1/keepalive', \%key, $report);
    is($status, 200, "$name: a keepalive");
    like($content, qr/^\{"status":"ok","message":"Keepalive received"/, "$name: is taken");
    ($status, $content) = $ask->('GET', '/api/v1/clients', \%key);
    like($content, qr/^\{"clients":\[\{"client_id":"office"/, "$name: the client is listed");
    my %refusals = (
        '/api/v1/status' => [ {}, 401, 'Unauthorized' ],
        '/api/v1/nothing' => [ \%key, 404, 'Not found' ],
        '/api/v1/keepalive' => [ \%key, 405, 'Method not allowed' ],
    );
    for my $path (sort keys %refusals) {
        my ($header, $refused, $error) = @{ $refusals{$path} };
        ($status, $content) = $ask->('GET', $path, $header);
        is($status, $refused, "$name: $refused");
        like($content, qr/^\{"error":"$error",/, "$name: $refused is ours");
    }
    is_deeply([ $ask->('GET', '/health') ], [ 200, 'OK' ], "$name: health");
    my %style = ('/dashboard' => './dashboard/dashboard.css', '/dashboard/' => './dashboard.css');
    for my $path (sort keys %style) {
        ($status, $content) = $ask->('GET', $path);
        is($status, 200, "$name: $path");
        like($content, qr{href="\Q$style{$path}\E\?[0-9a-f]{8}".*<h1>VPN Sentinel Monitoring</h1>}s,
            "$name: $path is ours");
    }
    ($status, $content) = $ask->('GET', '/dashboard/dashboard.css');
    like($content, qr/^:root/m, "$name: the dashboard's style");
    ($status, $content) = $ask->('DELETE', '/api/v1/clients/office', \%key);
    is($content, '{"status":"ok","message":"Client removed"}', "$name: other methods too");
}

# --- what else a host may have --------------------------------------------------------------------

my $backend = VpsHttpd->start(
    module => undef,
    files => { 'htdocs/page.html' => 'the backend', 'htdocs/other.html' => 'the backend' },
);
my $origin = $backend->url('');

# A host's own files, some of them where we are mounted.
my %files = (
    'htdocs/page.html' => 'page of this host',
    'htdocs/index.html' => 'index of this host',
    'htdocs/.htaccess' => "RewriteEngine on\nRewriteRule .* - [G]\n",
    'htdocs/health' => 'a file',
    'htdocs/dashboard/index.html' => 'a file',
    'htdocs/api/v1/status' => 'a file',
    'htdocs/api/v1/clients/index.html' => 'a file',
);
my $no_htaccess = qq{<Directory "/">\nAllowOverride None\n</Directory>\n};

# Lines of a host, the status it then has for /other.html and the beginning of what it says.
my $rewrite = "RewriteEngine on\nRewriteRule";
my @neighbours = (
    [ 'nothing else', '', 404 ],
    [ 'DirectoryIndex', 'DirectoryIndex index.html', 404 ],
    [ 'FallbackResource', 'FallbackResource /index.html', 200, 'index of this host' ],
    [ 'ProxyPass', qq{ProxyPass "/" "$origin/"}, 200, 'the backend' ],
    [ 'ProxyPassMatch', qq{ProxyPassMatch "^(.*)" "$origin\$1"}, 200, 'the backend' ],
    [ 'ProxyPass in Location', location('/', qq{ProxyPass "$origin/"}), 200, 'the backend' ],
    [ 'RewriteRule to a file', "$rewrite .* /page.html", 200, 'page of this host' ],
    [ 'RewriteRule to a proxy', "$rewrite (.*) $origin\$1 [P]", 200, 'the backend' ],
    [ 'RewriteRule that forbids', "$rewrite .* - [F]", 403 ],
    [ 'RewriteRule that redirects', "$rewrite .* /x [R=302]", 302 ],
    [ 'RewriteCond that looks ahead', join("\n", 'RewriteEngine on',
        'RewriteCond %{LA-U:REQUEST_FILENAME} !-f', 'RewriteCond /dashboard -U',
        'RewriteRule .* - [G]'), 410 ],
    [ 'Directory', qq{<Directory "\@ROOT\@/htdocs">\nRequire all denied\n</Directory>\n}
        . qq{<Directory "/">\nRequire all denied\n</Directory>}, 403 ],
    [ 'Files', qq{<Files "*">\nRequire all denied\n</Files>}, 403 ],
    [ 'SetHandler in Location', location('/', 'SetHandler server-status'), 200, '<!DOCTYPE HTML' ],
    [ 'SetHandler in If', qq{<If "true">\nSetHandler server-status\n</If>}, 200, '<!DOCTYPE HTML' ],
    [ 'Dav', location('/', 'Dav on'), 404 ],
    [ 'Alias', 'AliasMatch "^/(.*)" "@ROOT@/htdocs/page.html"', 200, 'page of this host' ],
    [ 'Redirect', 'Redirect 410 "/"', 410 ],
    [ '.htaccess', join("\n", '<Directory "@ROOT@/htdocs">', 'AllowOverride All',
        'Options FollowSymLinks', '</Directory>'), 410 ],
    [ 'ErrorDocument', join("\n", map { "ErrorDocument $_ /page.html" } 400 .. 405, 429, 500, 503),
        404, 'page of this host' ],
    [ 'TraceEnable', 'TraceEnable off', 404 ],
);

subtest 'beside other content' => sub {
    my @hosts = map { virtual_host($_, $neighbours[$_][1]) } 0 .. $#neighbours;
    my $httpd = VpsHttpd->start(
        modules => [qw(alias authz_host dir dav dav_fs proxy proxy_http rewrite status)],
        ports => scalar @neighbours,
        files => \%files,
        conf => "DavLockDB run/davlock\n$no_htaccess$server$mounts@hosts",
    );
    for my $port (0 .. $#neighbours) {
        my ($name, undef, $expected, $begin) = @{ $neighbours[$port] };
        my $ask = plain_asker($httpd, $port);
        serves($ask, $name);
        my ($status, $content) = $ask->('GET', '/other.html');
        is($status, $expected, "$name: the host itself");
        $begin //= '<!DOCTYPE HTML PUBLIC';
        like($content, qr/^\Q$begin\E/, "$name: is as it was");
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01630: client denied.*\/htdocs\//]);
};

subtest 'beside all of it, through TLS' => sub {
    my $certificate = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \\
        -addext basicConstraints=critical,CA:FALSE -keyout - -out - 2>/dev/null`;
    my @tls = ('SSLEngine on', 'SSLCertificateFile "@ROOT@/server.pem"');
    my @all = (
        'DirectoryIndex index.html', 'FallbackResource /index.html',
        '<Directory "/">', 'Require all denied', '</Directory>',
        location('/', 'SetHandler server-status'),
        "$rewrite ^/other /page.html", qq{ProxyPass "/" "$origin/"},
    );
    my $httpd = VpsHttpd->start(
        modules => [qw(alias authz_host dir proxy proxy_http rewrite socache_shmcb ssl status)],
        files => { %files, 'server.pem' => $certificate },
        ports => 2,
        conf => qq{SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"\n$no_htaccess$server}
            . virtual_host(0, @tls, @all, $mounts) . virtual_host(1, @tls),
    );
    my ($ask, $ask_other) = map { tls_asker($httpd, $_) } 0, 1;
    serves($ask, 'TLS');
    is_deeply([ $ask->('GET', '/page.html') ], [ 200, 'the backend' ], 'its proxy is as it was');
    is(($ask->('GET', '/other.html'))[0], 403, 'its denied folder is');
    is_deeply([ $ask_other->('GET', '/health') ], [ 200, 'a file' ], 'another host has no mount');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01630: client denied.*\/htdocs\//]);
};

subtest 'a forward proxy' => sub {
    my $httpd = VpsHttpd->start(
        modules => [qw(proxy proxy_http)],
        conf => "$server${mounts}ProxyRequests on\n",
    );
    my $status = sub {
        my ($code) = $httpd->raw("GET $_[0] HTTP/1.0\r\n\r\n") =~ m{^HTTP/1\.1 (\d+) };
        return $code;
    };
    is($status->("$origin/other.html"), 200, 'works');
    is($status->("$origin/health"), 404, 'the path of another server is not ours');
    is($status->($httpd->url('/api/v1/clients')), 401, 'the path of this one is');
    $httpd->stop;
    $httpd->check_error_log;
};

# --- access rules ---------------------------------------------------------------------------------

# Ways to write a path that is "/" and something.
sub spellings {
    my ($path) = @_;
    my $rest = substr $path, 2;
    my $first = substr $path, 1, 1;
    my $encoded = sprintf '%%%02x', ord $first;
    return ($path, "/$path", "//$path", "/.$path", "/./$path", "/x/..$path", "/x/../.$path",
        "/x/../$path", "/$encoded$rest", "/%2e$path", "/x/%2E%2e$path", "$path/.", "$path//",
        "$path?a=/b");
}

subtest 'Location rules hold' => sub {
    my $denied = 'Require all denied';
    my @denied = map { location($_, $denied) } '/api', '/dashboard';
    my @match = ('<LocationMatch "^/(api|dashboard)">', $denied, '</LocationMatch>');
    my @ip = (location('/dashboard', 'Require ip 192.0.2.0/24'),
        location('/api/v1/keepalive', 'Require ip 2001:db8::/32'));
    my @login = location('/dashboard', 'AuthType Basic', 'AuthName "people"',
        'AuthUserFile "@ROOT@/people"', 'Require valid-user');
    my $httpd = VpsHttpd->start(
        modules => [qw(authz_host authn_core authn_file auth_basic authz_user remoteip)],
        ports => 6,
        files => { people => 'anna:{SHA}' . sha1_base64('secret') . "=\n" },
        conf => "RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n"
            . $server . $mounts
            . virtual_host(0, @denied) . virtual_host(1, @denied, 'MergeSlashes Off')
            . virtual_host(2, @match) . virtual_host(3, @match, 'MergeSlashes Off')
            . virtual_host(4, @ip) . virtual_host(5, @login),
    );
    for my $port (0 .. 3) {
        my $ask = plain_asker($httpd, $port);
        for my $path (map { spellings($_) } '/api/v1/clients', '/dashboard') {
            my ($status, $content) = $ask->('GET', $path, \%key);
            like($status, qr/^40[34]$/, "host $port: $path is refused");
            unlike($content, qr/Sentinel|"clients"/, "host $port: $path tells nothing");
        }
        is_deeply([ $ask->('GET', '/health') ], [ 200, 'OK' ], "host $port: health has no rule");
    }

    my $from = sub {
        my ($address, $method, $path, $content) = @_;
        my %header = (%key, 'X-Test-Address' => $address);
        return (plain_asker($httpd, 4)->($method, $path, \%header, $content))[0];
    };
    is($from->('192.0.2.1', 'GET', '/dashboard'), 200, 'Require ip lets in');
    is($from->('192.0.3.1', 'GET', '/dashboard'), 403, 'and keeps out');
    is($from->('192.0.3.1', 'GET', '/dashboard/dashboard.css'), 403, 'below too');
    is($from->('2001:db8::1', 'POST', '/api/v1/keepalive', $report), 200, 'so on one endpoint');
    is($from->('2001:db9::1', 'POST', '/api/v1/keepalive', $report), 403, 'it keeps out');
    is($from->('2001:db9::1', 'GET', '/api/v1/clients'), 200, 'from there only');

    my $ask = plain_asker($httpd, 5);
    my %login = (Authorization => 'Basic ' . encode_base64('anna:secret', ''));
    is(($ask->('GET', '/dashboard'))[0], 401, 'a login is asked for');
    is(($ask->('GET', '/dashboard', \%login))[0], 200, 'and let in');
    $httpd->stop;
    $httpd->check_error_log(allow =>
            [ qr/AH01630: client denied by server configuration/, qr/VPNS0064: / ]);
};

# --- spellings ------------------------------------------------------------------------------------

# Whose the answer to a request is, and its status.
sub owner {
    my ($status, $content) = @_;
    return "$status ours" if $content =~ /^\{"error":/;
    return "$status httpd" if $content =~ /^(?:<!DOCTYPE HTML PUBLIC|a file$)/;
    return "$status $content";
}

subtest 'spellings of a path' => sub {
    my $httpd = VpsHttpd->start(
        ports => 4,
        files => { 'htdocs/api/v1x' => 'a file', 'htdocs/page.html' => 'a file' },
        conf => "${server}VPNSentinelAPI\n" . virtual_host(1, 'MergeSlashes Off')
            . virtual_host(2, 'AllowEncodedSlashes On')
            . virtual_host(3, 'AllowEncodedSlashes NoDecode'),
    );
    my @ours = qw(
        /api/v1 /api/v1/ /api/v1?x /api/v1/status /api/v1/status/ /api/v1/status/info
        /api/v1/status?key=key /api/v1/STATUS /api/v1/../v1/status /api/v1/x/../../v1/status
        /api/v1/./status /api/v1/;/status /api/v1/... /api/v1/%0a /api/v1/%20 /api/v1/%3f
        /api/v1/%25 /api/v1/%c3%bc /api/%76%31/status /%61%70%69/v1/status
    );
    my @not_found = qw(
        /api/v /api/v1y /api/v1. /api/v1;x/status /api/v1%20/status /API/v1/status /api/V1/status
        /x/api/v1/status /api/v1/../status /api/v1/%2e%2e/status /api/v1%3f/status
        /api/v1%252fstatus /api/v2/status
    );
    my @files = qw(/api/v1x /page.html /api/v1/../../page.html);
    my %expected = (
        map({ $_ => '401 ours' } @ours),
        map({ $_ => '404 httpd' } @not_found),
        map({ $_ => '200 httpd' } @files),
    );
    for my $port (0 .. 3) {
        my $ask = plain_asker($httpd, $port);
        is(owner($ask->('GET', $_)), $expected{$_}, "host $port: $_") for sort keys %expected;
        # Without MergeSlashes some of these are other paths.
        my $allowed = $port == 1 ? qr/^401 ours$|^404 httpd$/ : qr/^401 ours$/;
        for my $path (spellings('/api/v1/status'), '/api//v1/status', '/api/v1//status') {
            like(owner($ask->('GET', $path)), $allowed, "host $port: $path");
        }
    }
    my %encoded = (
        '/api%2Fv1/status' => [ 'httpd', 'httpd', 'ours', 'httpd' ],
        '/api/v1%2Fstatus' => [ 'httpd', 'httpd', 'ours', 'httpd' ],
        '/api/v1/%2F' => [ 'httpd', 'httpd', 'ours', 'ours' ],
    );
    my %status = (ours => 401, httpd => 404);
    for my $path (sort keys %encoded) {
        for my $port (0 .. 3) {
            my $owner = $encoded{$path}[$port];
            is(owner(plain_asker($httpd, $port)->('GET', $path)), "$status{$owner} $owner",
                "host $port: $path");
        }
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'spellings of a request' => sub {
    my $httpd = VpsHttpd->start(conf => "$server$mounts");
    my $host = '127.0.0.1:' . $httpd->port;
    my @guarded = (
        "GET http://$host/api/v1/clients HTTP/1.1\r\nHost: $host",
        "GET http://elsewhere.example/api/v1/clients HTTP/1.1\r\nHost: other.example",
        "GET HTTP://$host//api/./v1/clients HTTP/1.0",
        "GET https://$host/api/v1/clients HTTP/1.0",
        'GET /api/v1/clients HTTP/1.0',
        "GET /api/v1/clients HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2",
        "GET /api/v1/clients HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE",
        "GET /nothing HTTP/1.1\r\nHost: a\r\nX-Original-URL: /api/v1/clients",
        "GET /api/v1/clients HTTP/1.1\r\nHost: a\r\nX-API-Key : key",
        'get /api/v1/clients HTTP/1.0',
    );
    for my $request (@guarded) {
        my $answer = $httpd->raw("$request\r\nConnection: close\r\n\r\n");
        like($answer, qr{^HTTP/1\.1 40[014] }, $request =~ s/\r\n/ | /gr);
        unlike($answer, qr/"clients"/, 'no data');
    }
    like($httpd->raw("GET /api/v1/clients\r\n"), qr/^(?:\{"error":"Unauthorized"|HTTP\/1\.\d 400 )/,
        'HTTP/0.9');
    for my $target ('*', $host, "$host/api/v1/clients", '127.0.0.1') {
        for my $method (qw(CONNECT OPTIONS GET)) {
            my $answer = $httpd->raw("$method $target HTTP/1.0\r\n\r\n");
            like($answer, qr{^HTTP/1\.1 [245]\d\d }, "$method $target");
            unlike($answer, qr/"clients"/, 'no data');
        }
    }
    my $three = $httpd->raw(join '', map { "GET $_ HTTP/1.1\r\nHost: $host\r\n\r\n" }
            '/health', '/api/v1/clients', '/health');
    is("@{[ $three =~ m{HTTP/1\.1 (\d+)}g ]}", '200 401 200', 'several on one connection');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'methods' => sub {
    my $httpd = VpsHttpd->start(conf => "$server$mounts");
    my %allowed = (
        '/api/v1/keepalive' => 'POST',
        '/api/v1/register' => 'POST',
        '/api/v1/status' => 'GET, HEAD',
        '/api/v1/clients' => 'GET, HEAD',
        '/api/v1/clients/a' => 'GET, HEAD, DELETE',
    );
    for my $path (sort keys %allowed) {
        for my $method (qw(GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PROPFIND LOCK BREW)) {
            next if $allowed{$path} =~ /\b$method\b/;
            my ($status, $body, $answer) = $httpd->json($method, $path, { headers => \%key });
            is($status, 405, "$method $path");
            is($answer->{headers}{allow}, $allowed{$path}, "$method $path: what is allowed");
            is($body->{error}, 'Method not allowed', "$method $path: JSON") if $method ne 'HEAD';
            is($httpd->request($method, $path)->{status}, 401, "$method $path: behind the guards");
        }
    }
    is($httpd->request($_, '/health')->{status}, 405, "$_ /health") for qw(OPTIONS TRACE BREW);
    $httpd->stop;
    $httpd->check_error_log;
};

# --- which mount ----------------------------------------------------------------------------------

# What a path of a host is: a mount, "none" for what is below one and nothing, "httpd" for no mount.
sub kind {
    my ($httpd, $port, $path) = @_;
    my ($status, $content) = plain_asker($httpd, $port)->('GET', $path, \%key);
    return 'API' if $content =~ /^\{"(?:clients|error)":/;
    return 'dashboard' if $content =~ /Sentinel Monitoring|^:root/m;
    return 'health' if $content eq 'OK';
    return $content eq 'Not found' ? 'none' : 'httpd';
}

sub are_kinds {
    my ($httpd, $port, $name, %kinds) = @_;
    is(kind($httpd, $port, $_), $kinds{$_}, "$name: $_") for sort keys %kinds;
}

subtest 'which mount' => sub {
    my ($api, $dashboard, $health) = map { "VPNSentinel$_" } qw(API Dashboard Health);
    my $off = "$dashboard off";
    my $httpd = VpsHttpd->start(
        ports => 8,
        conf => "$server$api /wide/api\n$dashboard /wide\n$health /wide\n"
            . virtual_host(1, "$dashboard /", "$api /api/v1", "$health /")
            . virtual_host(2, "$api /a", "$api /b/c/", "$api /a/x", "$dashboard /a/board")
            . virtual_host(3, "$api /", "$dashboard /b", "$health /h", $health)
            . virtual_host(4)
            . virtual_host(5, $off)
            . virtual_host(6, $off, "$dashboard /own", "$api /own/api")
            . virtual_host(7, $api),
        env => { VPN_SENTINEL_API_PATH => '/of/environment/' },
    );
    my %wide = qw(/wide dashboard /wide/ dashboard /wide/api API /wide/api/clients API
        /wide/apix none /wide/health health);
    my %off = (%wide, qw(/wide httpd /wide/ httpd /wide/apix httpd));
    are_kinds($httpd, $_, 'server-wide', %wide) for 0, 1, 2, 4, 7;
    are_kinds($httpd, 0, 'the server', map { $_ => 'httpd' } qw(/ /health /wider /a /of/x));
    are_kinds($httpd, 1, 'dashboard at /', qw(/ dashboard /dashboard.css dashboard /api none
        /api/v1 API /api/v1/clients API /api/v1x none /health health /healthz health
        /health/live health /healthy none /health/x none /x/y none));
    are_kinds($httpd, 2, 'several', qw(/a/clients API /b/c/clients API /a/x/clients API
        /a/board dashboard /a/board/ dashboard /a/boards API /b httpd /b/clients httpd));
    are_kinds($httpd, 3, 'API at /', qw(/ API /clients API /x API /b dashboard /h API
        /h/health health /health health /wide dashboard));
    are_kinds($httpd, 5, 'off', %off);
    are_kinds($httpd, 6, 'off, with its own', %off,
        qw(/own dashboard /own/api/clients API /own/x none));
    are_kinds($httpd, 7, 'of the environment', qw(/of/environment/clients API /api/v1 httpd));
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'names of hosts' => sub {
    my $httpd = VpsHttpd->start(
        conf => $server . virtual_host(0, 'ServerName first.example', 'VPNSentinelHealth')
            . virtual_host(0, 'ServerName second.example', 'VPNSentinelAPI'),
    );
    my %expected = ('first.example/health' => 200, 'first.example/api/v1' => 404,
        'second.example/health' => 404, 'second.example/api/v1' => 401);
    for my $where (sort keys %expected) {
        my ($host, $path) = $where =~ m{^([^/]+)(.*)};
        like($httpd->raw("GET $path HTTP/1.0\r\nHost: $host\r\n\r\n"),
            qr{^HTTP/1\.1 $expected{$where} }, $where);
    }
    $httpd->stop;
    $httpd->check_error_log;
};

# --- requests that httpd makes itself -------------------------------------------------------------

subtest 'redirects and subrequests inside httpd' => sub {
    my @included = qw(/dashboard /api/v1/clients /health /health/x /api/v1/clients?status=wrong
        /dashboard/dashboard.css);
    my $httpd = VpsHttpd->start(
        modules => [qw(include dir alias)],
        ports => 2,
        files => {
            'htdocs/page.shtml' =>
                join('|', 'begin', map({ qq{<!--#include virtual="$_" -->} } @included), 'end'),
            'htdocs/info.shtml' => '<!--#fsize virtual="/dashboard" -->|end',
        },
        conf => $server . $mounts
            . virtual_host(0, '<Directory "@ROOT@/htdocs">', 'Options +Includes',
                'SetOutputFilter INCLUDES', '</Directory>')
            . virtual_host(1, 'ErrorDocument 404 /dashboard', 'ErrorDocument 403 /api/v1/clients',
                'ErrorDocument 410 /health', 'Redirect 403 /forbidden', 'Redirect 410 /gone'),
    );
    my $page = $httpd->request('GET', '/page.shtml')->{content};
    like($page, qr{^begin\|<!DOCTYPE html>.*</html>\n\|.*\|OK\|.*\|/\*.*\n:root.*\|end$}s, 'in a page');
    like($page, qr/"error":"Unauthorized"/, 'with the guards');
    unlike($page, qr/"clients":/, 'which keep the data');
    $page = $httpd->request('GET', '/page.shtml', { headers => \%key })->{content};
    like($page, qr/"clients":\[\]/, 'who has the key has it there too');
    like($httpd->request('GET', '/info.shtml')->{content}, qr/end$/, 'what is no file has no size');

    for my $method (qw(GET POST)) {
        my $body = $method eq 'POST' ? 'x' x 20000 : undef;
        my $ask = sub { (plain_asker($httpd, 1)->($method, $_[0], {}, $body))[1] };
        like($ask->('/nothing'), qr/Sentinel Monit/, "$method: the dashboard as an error page");
        like($ask->('/forbidden'), qr/"Unauthorized"/, "$method: the API as one is guarded");
        is($ask->('/gone'), 'OK', "$method: health as one");
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01339: unable to get information about "\/dashboard"/]);
};

$backend->stop;
$backend->check_error_log;
done_testing;
