# Mounts: a line makes a path ours, whatever else the server has, and no spelling goes around a guard.
use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use VpsHttpd;

my %key = ('X-API-Key' => 'key');
my $report = '{"client_id":"office","public_ip":"203.0.113.42"}';
my $mounts = "VPNSentinelAPI\nVPNSentinelHealth\nVPNSentinelDashboard\n";
my $server = "VPNSentinelAPIKey key\nVPNSentinelRateLimit 0\n";

sub virtual_host {
    my ($port, $lines) = @_;
    my $number = $port || '';
    return "<VirtualHost *:\@PORT$number\@>\n$lines\n</VirtualHost>\n";
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
    return sub {
        my ($method, $path, $headers, $content) = @_;
        my $lines = join '', map { "$_: $headers->{$_}\r\n" } sort keys %{ $headers // {} };
        $lines .= 'Content-Length: ' . length($content) . "\r\n" if defined $content;
        my $request = "$method $path HTTP/1.0\r\n$lines\r\n" . ($content // '');
        my $client = 'openssl s_client -quiet -connect 127.0.0.1:' . $httpd->port($port) . ' 2>&1';
        my $answer = `printf '%s' '$request' | $client`;
        return $answer =~ m{HTTP/1\.\d (\d+).*?\r\n\r\n(.*)}s;
    };
}

# What is mounted answers in the host, guarded.
sub serves {
    my ($ask, $name) = @_;
    my ($status, $content) = $ask->('POST', '/api/v1/keepalive', \%key, $report);
    is($status, 200, "$name: a keepalive");
    like($content // '', qr/^\{"status":"ok","message":"Keepalive received"/, "$name: is taken");
    ($status, $content) = $ask->('GET', '/api/v1/clients', \%key);
    like($content // '', qr/^\{"clients":\[\{"client_id":"office"/, "$name: the client is listed");
    my %refusals = (
        '/api/v1/status' => [ {}, 401, 'Unauthorized' ],
        '/api/v1/nothing' => [ \%key, 404, 'Not found' ],
        '/api/v1/keepalive' => [ \%key, 405, 'Method not allowed' ],
    );
    for my $path (sort keys %refusals) {
        my ($header, $refused, $error) = @{ $refusals{$path} };
        ($status, $content) = $ask->('GET', $path, $header);
        is($status, $refused, "$name: $refused");
        like($content // '', qr/^\{"error":"$error",/, "$name: $refused is ours");
    }
    is_deeply([ $ask->('GET', '/health') ], [ 200, 'OK' ], "$name: health");
    my %style = ('/dashboard' => './dashboard/dashboard.css', '/dashboard/' => './dashboard.css');
    for my $path (sort keys %style) {
        ($status, $content) = $ask->('GET', $path);
        is($status, 200, "$name: $path");
        like($content // '', qr{href="\Q$style{$path}\E".*<h1>VPN Sentinel Monitoring</h1>}s,
            "$name: $path is ours");
    }
    ($status, $content) = $ask->('GET', '/dashboard/dashboard.css');
    like($content // '', qr/^:root/, "$name: the dashboard's style");
    ($status, $content) = $ask->('DELETE', '/api/v1/clients/office', \%key);
    is($content, '{"status":"ok","message":"Client removed"}', "$name: other methods too");
}

# --- what else a host may have ------------------------------------------------------------------------

my $backend = VpsHttpd->start(
    module => undef,
    files => { 'htdocs/page.html' => 'page of the backend', 'htdocs/other.html' => 'other of the backend' },
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

# Lines of a host, and what it makes of /other.html, or of another path.
my @neighbours = (
    [ 'nothing else', '', [ 404, qr/404 Not Found/ ] ],
    [ 'files', '', [ 200, qr/^page of this host$/ ], '/page.html' ],
    [ 'DirectoryIndex', 'DirectoryIndex index.html', [ 200, qr/^index of this host$/ ], '/' ],
    [ 'FallbackResource', 'FallbackResource /index.html', [ 200, qr/^index of this host$/ ] ],
    [ 'ProxyPass', qq{ProxyPass "/" "$origin/"}, [ 200, qr/^other of the backend$/ ] ],
    [ 'ProxyPassMatch', qq{ProxyPassMatch "^(.*)" "$origin\$1"}, [ 200, qr/^other of the backend$/ ] ],
    [ 'ProxyPass in a Location', qq{<Location "/">\nProxyPass "$origin/"\n</Location>},
        [ 200, qr/^other of the backend$/ ] ],
    [ 'RewriteRule to a file', "RewriteEngine on\nRewriteRule .* /page.html",
        [ 200, qr/^page of this host$/ ] ],
    [ 'RewriteRule that forbids', "RewriteEngine on\nRewriteRule .* - [F]", [ 403, qr/Forbidden/ ] ],
    [ 'RewriteRule to a proxy', "RewriteEngine on\nRewriteRule (.*) $origin\$1 [P]",
        [ 200, qr/^other of the backend$/ ] ],
    [ 'RewriteRule that redirects', "RewriteEngine on\nRewriteRule .* /x [R=302]", [ 302, qr/Found/ ] ],
    [ 'RewriteCond that looks ahead',
        "RewriteEngine on\nRewriteCond %{LA-U:REQUEST_FILENAME} !-f\nRewriteCond /dashboard -U\nRewriteRule .* - [G]",
        [ 410, qr/Gone/ ] ],
    [ 'Directory', qq{<Directory "/">\nRequire all denied\n</Directory>\n<Directory "\@ROOT\@/htdocs">\n}
            . "Require all denied\n</Directory>", [ 403, qr/Forbidden/ ] ],
    [ 'Files', qq{<Files "*">\nRequire all denied\n</Files>}, [ 403, qr/Forbidden/ ] ],
    [ 'SetHandler in a Location', qq{<Location "/">\nSetHandler server-status\n</Location>},
        [ 200, qr/Apache Server Status/ ] ],
    [ 'SetHandler in an If', qq{<If "true">\nSetHandler server-status\n</If>}, [ 200, qr/Apache Server Status/ ] ],
    [ 'Dav', qq{<Location "/">\nDav on\n</Location>}, [ 404, qr/404 Not Found/ ] ],
    [ 'Alias', qq{Alias "/" "\@ROOT\@/htdocs/"\nAliasMatch "^/(.*)" "\@ROOT\@/htdocs/page.html"},
        [ 200, qr/^page of this host$/ ], '/page.html' ],
    [ 'Redirect', 'Redirect 410 "/"', [ 410, qr/Gone/ ] ],
    [ '.htaccess', qq{<Directory "\@ROOT\@/htdocs">\nAllowOverride All\nOptions FollowSymLinks\n</Directory>},
        [ 410, qr/Gone/ ] ],
    [ 'ErrorDocument', join("\n", map { "ErrorDocument $_ /page.html" } 400 .. 405, 429, 500, 503),
        [ 404, qr/^page of this host$/ ] ],
    [ 'TraceEnable', 'TraceEnable off', [ 404, qr/404 Not Found/ ] ],
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
        my ($name, undef, $expected, $path) = @{ $neighbours[$port] };
        my $ask = plain_asker($httpd, $port);
        serves($ask, $name);
        my ($status, $content) = $ask->('GET', $path // '/other.html');
        is($status, $expected->[0], "$name: the host itself");
        like($content, $expected->[1], "$name: is as it was");
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01630: client denied.*\/htdocs\//]);
};

subtest 'beside all of it, through TLS' => sub {
    my $certificate = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \\
        -addext basicConstraints=critical,CA:FALSE -keyout - -out - 2>/dev/null`;
    my $httpd = VpsHttpd->start(
        modules => [qw(alias authz_host dir proxy proxy_http rewrite socache_shmcb ssl status)],
        files => { %files, 'server.pem' => $certificate },
        ports => 2,
        conf => "SSLSessionCache \"shmcb:\@ROOT\@/run/ssl(65536)\"\n$no_htaccess$server" . virtual_host(0, <<"CONF")
    SSLEngine on
    SSLCertificateFile "\@ROOT\@/server.pem"
    <Directory "/">
        Require all denied
    </Directory>
    DirectoryIndex index.html
    FallbackResource /index.html
    <Location "/">
        SetHandler server-status
    </Location>
    RewriteEngine on
    RewriteRule "^/other" "/page.html"
    ProxyPass "/" "$origin/"
    $mounts
CONF
            . virtual_host(1, qq{SSLEngine on\nSSLCertificateFile "\@ROOT\@/server.pem"\n}),
    );
    my $ask = tls_asker($httpd, 0);
    serves($ask, 'TLS');
    my ($status, $content) = $ask->('GET', '/page.html');
    is($content, 'page of the backend', 'the host itself: the proxy');
    ($status, $content) = $ask->('GET', '/other.html');
    is($status, 403, 'the host itself: the denied folder');
    is_deeply([ (tls_asker($httpd, 1)->('GET', '/page.html'))[0] ], [200], 'another host is as it was');
    is((tls_asker($httpd, 1)->('GET', '/health'))[1], 'a file', 'nothing is mounted there');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01630: client denied.*\/htdocs\//]);
};

subtest 'a forward proxy' => sub {
    my $httpd = VpsHttpd->start(
        modules => [qw(proxy proxy_http)],
        conf => "$server${mounts}ProxyRequests on\n",
    );
    like($httpd->raw("GET $origin/other.html HTTP/1.0\r\n\r\n"), qr/other of the backend$/, 'works');
    like($httpd->raw("GET $origin/health HTTP/1.0\r\n\r\n"), qr{^HTTP/1\.1 404 },
        'another server\'s path is not ours');
    my $own = $httpd->url('/api/v1/clients');
    like($httpd->raw("GET $own HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr{^HTTP/1\.1 401 },
        'our own is');
    $httpd->stop;
    $httpd->check_error_log;
};

# --- access rules ---------------------------------------------------------------------------------------

# Ways to write a path.
sub spellings {
    my ($path) = @_;
    my ($first, $rest) = $path =~ m{^/(.)(.*)};
    my $encoded = sprintf '%%%02x', ord $first;
    return ($path, "/$path", "//$path", "/./$first$rest", "/x/..$path", "/x/../.$path", "/$encoded$rest",
        "/%2e$path", "/x/%2E%2e$path", "$path/.", "$path?a=/b", "/.//$first$rest", "$path//", "/x/..//$first$rest");
}

subtest 'Location rules hold' => sub {
    my $denied = "Require all denied\n";
    my $password = '{SHA}' . sha1_base64('secret') . '=';
    my @hosts = (
        virtual_host(0, qq{<Location "/api">\n$denied</Location>\n<Location "/dashboard">\n$denied</Location>}),
        virtual_host(1, "MergeSlashes Off\n"
                . qq{<Location "/api">\n$denied</Location>\n<Location "/dashboard">\n$denied</Location>}),
        virtual_host(2, "MergeSlashes Off\n"
                . qq{<LocationMatch "^/(api|dashboard)">\n$denied</LocationMatch>}),
        virtual_host(3, qq{<Location "/dashboard">\nRequire ip 192.0.2.0/24\n</Location>\n}
                . qq{<Location "/api/v1/keepalive">\nRequire ip 2001:db8::/32\n</Location>}),
        virtual_host(4, <<'CONF'),
<Location "/dashboard">
    AuthType Basic
    AuthName "people"
    AuthUserFile "@ROOT@/people"
    Require valid-user
</Location>
CONF
    );
    my $httpd = VpsHttpd->start(
        modules => [qw(authz_host authn_core authn_file auth_basic authz_user remoteip)],
        ports => scalar @hosts,
        files => { people => "anna:$password\n" },
        conf => "RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n$server$mounts@hosts",
    );
    for my $port (0 .. 2) {
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
        my ($status) = plain_asker($httpd, 3)->($method, $path, { %key, 'X-Test-Address' => $address }, $content);
        return $status;
    };
    is($from->('192.0.2.1', 'GET', '/dashboard'), 200, 'Require ip lets in');
    is($from->('192.0.3.1', 'GET', '/dashboard'), 403, 'Require ip keeps out');
    is($from->('192.0.3.1', 'GET', '/dashboard/dashboard.css'), 403, 'below too');
    is($from->('2001:db8::1', 'POST', '/api/v1/keepalive', $report), 200, 'Require ip on one endpoint lets in');
    is($from->('2001:db9::1', 'POST', '/api/v1/keepalive', $report), 403, 'and keeps out');
    is($from->('2001:db9::1', 'GET', '/api/v1/clients'), 200, 'from there only');

    my $ask = plain_asker($httpd, 4);
    my %login = (Authorization => 'Basic ' . encode_base64('anna:secret', ''));
    is(($ask->('GET', '/dashboard'))[0], 401, 'a login is asked for');
    is(($ask->('GET', '/dashboard', \%login))[0], 200, 'and let in');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH01630: client denied by server configuration/]);
};

# --- spellings of a path ------------------------------------------------------------------------------------

# Whose the answer to a request is, and its status.
sub owner {
    my ($status, $content) = @_;
    return "$status ours" if $content =~ /^\{"error":/;
    return "$status httpd's" if $content =~ /<!DOCTYPE HTML PUBLIC|^(?:a file|page of this host)$/;
    return "$status $content";
}

my $ours = '401 ours';
my $not_found = q{404 httpd's};

subtest 'spellings of a path' => sub {
    my $httpd = VpsHttpd->start(
        modules => ['dir'],
        ports => 4,
        files => { 'htdocs/api/v1x' => 'a file', 'htdocs/page.html' => 'page of this host' },
        conf => $server . "VPNSentinelAPI\n" . virtual_host(1, 'MergeSlashes Off')
            . virtual_host(2, 'AllowEncodedSlashes On') . virtual_host(3, 'AllowEncodedSlashes NoDecode'),
    );
    my %expected = (
        (map { $_ => $ours } '/api/v1', '/api/v1/', '/api/v1?x', '/api/v1/status', '/api/v1/status/',
            '/api/v1/status/info', '/api/v1/status?key=key', '/api/v1/../v1/status', '/api/v1/x/../../v1/status',
            '/api/v1/./status', '/api/v1/;/status', '/api/v1/%0a', '/api/v1/%20', '/api/v1/%3f', '/api/v1/%25',
            '/api/v1/%c3%bc', '/api/v1/STATUS', '/api/%76%31/status', '/%61%70%69/v1/status', '/api/v1/...'),
        (map { $_ => $not_found } '/api/', '/api/v', '/api/v1y', '/api/v1.', '/api/v1;x/status',
            '/api/v1%20/status', '/API/v1/status', '/api/V1/status', '/x/api/v1/status', '/api/v1/..',
            '/api/v1/../status', '/api/v1/%2e%2e/status', '/api/v1%3f/status', '/api/v1%252fstatus', '/api/v2/status'),
        '/api' => q{301 httpd's},
        '/api/v1x' => q{200 httpd's},
        '/page.html' => q{200 httpd's},
        '/api/v1/../../page.html' => q{200 httpd's},
    );
    for my $port (0 .. 3) {
        my $ask = plain_asker($httpd, $port);
        is(owner($ask->('GET', $_)), $expected{$_}, "host $port: $_") for sort keys %expected;
        for my $path (spellings('/api/v1/status'), '/api//v1/status', '/api/v1//status', '/api/./v1/status') {
            my $owner = owner($ask->('GET', $path));
            # Without MergeSlashes these may be other paths; what is ours is guarded.
            like($owner, $port == 1 ? qr/^(?:\Q$ours\E|\Q$not_found\E)$/ : qr/^\Q$ours\E$/, "host $port: $path");
        }
    }
    my %encoded = (
        '/api%2Fv1/status' => [ $not_found, $not_found, $ours, $not_found ],
        '/api/v1%2Fstatus' => [ $not_found, $not_found, $ours, $not_found ],
        '/api/v1/%2F' => [ $not_found, $not_found, $ours, $ours ],
        '/api/v1%2f..%2fv1/status' => [ $not_found, $not_found, qr/ours|httpd's/, $not_found ],
    );
    for my $path (sort keys %encoded) {
        for my $port (0 .. 3) {
            my $expected = $encoded{$path}[$port];
            $expected = qr/^\Q$expected\E$/ if !ref $expected;
            like(owner(plain_asker($httpd, $port)->('GET', $path)), $expected, "host $port: $path");
        }
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'spellings of a request' => sub {
    my $httpd = VpsHttpd->start(conf => "$server$mounts");
    my $port = $httpd->port;
    my $host = "127.0.0.1:$port";
    my @guarded = (
        "GET http://$host/api/v1/clients HTTP/1.1\r\nHost: $host",
        "GET http://elsewhere.example/api/v1/clients HTTP/1.1\r\nHost: other.example",
        "GET HTTP://$host//api/./v1/clients HTTP/1.0",
        "GET https://$host/api/v1/clients HTTP/1.0",
        "GET /api/v1/clients HTTP/1.0",
        "GET /api/v1/clients HTTP/1.1\r\nHost: $host\r\nExpect: 100-continue\r\nContent-Length: 2",
        "GET /api/v1/clients HTTP/1.1\r\nHost: $host\r\nX-HTTP-Method-Override: DELETE",
        "GET /nothing HTTP/1.1\r\nHost: $host\r\nX-Original-URL: /api/v1/clients",
        "GET /api/v1/clients HTTP/1.1\r\nHost: $host\r\nX-API-Key : key",
        "get /api/v1/clients HTTP/1.0",
    );
    for my $request (@guarded) {
        my $answer = $httpd->raw("$request\r\nConnection: close\r\n\r\n");
        like($answer, qr{^HTTP/1\.1 40[014] }, $request =~ s/\r\n/ | /gr);
        unlike($answer, qr/"clients"/, 'no data');
    }
    like($httpd->raw("GET /api/v1/clients\r\n"), qr/^(?:\{"error":"Unauthorized"|HTTP\/1\.\d 400 )/, 'HTTP/0.9');
    for my $target ('*', $host, "$host/api/v1/clients", '127.0.0.1') {
        for my $method (qw(CONNECT OPTIONS GET)) {
            my $answer = $httpd->raw("$method $target HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
            like($answer, qr{^HTTP/1\.1 [245]\d\d }, "$method $target");
            unlike($answer, qr/"clients"/, 'no data');
        }
    }
    my $three = $httpd->raw(join '', map { "GET $_ HTTP/1.1\r\nHost: $host\r\n\r\n" }
            '/health', '/api/v1/clients', '/health');
    is_deeply([ $three =~ m{HTTP/1\.1 (\d+)}g ], [ 200, 401, 200 ], 'several on one connection');
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
    for my $method (qw(OPTIONS TRACE BREW)) {
        is($httpd->request($method, '/api/v1/nothing', { headers => \%key })->{status}, 404, "$method: no path");
        is($httpd->request($method, '/health')->{status}, 405, "$method /health");
    }
    $httpd->stop;
    $httpd->check_error_log;
};

# --- which mount ----------------------------------------------------------------------------------------------

# What a path of a host is.
sub kind {
    my ($httpd, $port, $path) = @_;
    my $answer = $httpd->request('GET', $path, { port => $port, headers => \%key });
    my $content = $answer->{content};
    return 'API' if $content =~ /^\{"(?:clients|error)":/;
    return 'dashboard' if $content =~ /Sentinel Monitoring/ || $content =~ /^:root/;
    return 'health' if $content eq 'OK';
    return "$content" if $answer->{headers}{'content-type'} eq 'text/plain';
    return "httpd's $answer->{status}";
}

sub are_kinds {
    my ($httpd, $port, $name, %kinds) = @_;
    is(kind($httpd, $port, $_), $kinds{$_}, "$name: $_") for sort keys %kinds;
}

subtest 'which mount' => sub {
    my @hosts = (
        virtual_host(1, "VPNSentinelDashboard /\nVPNSentinelAPI /api/v1\nVPNSentinelHealth /"),
        virtual_host(2, "VPNSentinelAPI /a\nVPNSentinelAPI /b/c/\nVPNSentinelAPI /a/x\nVPNSentinelDashboard /a/board"),
        virtual_host(3, "VPNSentinelAPI /\nVPNSentinelDashboard /b\nVPNSentinelHealth /h\nVPNSentinelHealth"),
        virtual_host(4, ''),
        virtual_host(5, 'VPNSentinelDashboard off'),
        virtual_host(6, "VPNSentinelDashboard off\nVPNSentinelDashboard /own\nVPNSentinelAPI /own/api"),
        virtual_host(7, 'VPNSentinelAPI'),
    );
    my $httpd = VpsHttpd->start(
        ports => 8,
        conf => "${server}VPNSentinelAPI /wide/api\nVPNSentinelDashboard /wide\nVPNSentinelHealth /wide\n@hosts",
        env => { VPN_SENTINEL_API_PATH => '/of/environment/' },
    );
    my %wide = ('/wide' => 'dashboard', '/wide/' => 'dashboard', '/wide/api/clients' => 'API',
        '/wide/api' => 'API', '/wide/apix' => 'Not found', '/wide/health' => 'health');
    are_kinds($httpd, $_, 'server-wide', %wide) for 0, 1, 2, 4, 7;
    are_kinds($httpd, 0, 'the server', '/' => q{httpd's 404}, '/health' => q{httpd's 404}, '/wider' => q{httpd's 404}, '/a' => q{httpd's 404});
    are_kinds($httpd, 1, 'dashboard at /', '/' => 'dashboard', '/dashboard.css' => 'dashboard',
        '/api/v1/clients' => 'API', '/api/v1' => 'API', '/api/v1x' => 'Not found', '/api' => 'Not found',
        '/health' => 'health', '/healthz' => 'health', '/health/live' => 'health', '/healthy' => 'Not found',
        '/health/x' => 'Not found', '/x/y' => 'Not found');
    are_kinds($httpd, 2, 'several', '/a/clients' => 'API', '/b/c/clients' => 'API', '/a/x/clients' => 'API',
        '/a/board' => 'dashboard', '/a/board/' => 'dashboard', '/a/boards' => 'API', '/b' => q{httpd's 404},
        '/b/clients' => q{httpd's 404});
    are_kinds($httpd, 3, 'API at /', '/clients' => 'API', '/' => 'API', '/x' => 'API', '/b' => 'dashboard',
        '/h/health' => 'health', '/health' => 'health', '/h' => 'API', '/wide' => 'dashboard');
    are_kinds($httpd, 5, 'off', %wide, '/wide' => q{httpd's 404}, '/wide/' => q{httpd's 404},
        '/wide/apix' => q{httpd's 404});
    are_kinds($httpd, 6, 'off, with its own', %wide, '/wide' => q{httpd's 404}, '/wide/' => q{httpd's 404},
        '/wide/apix' => q{httpd's 404}, '/own' => 'dashboard', '/own/api/clients' => 'API', '/own/x' => 'Not found');
    are_kinds($httpd, 7, 'path of the environment', '/of/environment/clients' => 'API', '/api/v1/clients' => q{httpd's 404});
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'names of hosts' => sub {
    my $httpd = VpsHttpd->start(conf => $server . <<'CONF');
<VirtualHost *:@PORT@>
    ServerName first.example
    VPNSentinelHealth
</VirtualHost>
<VirtualHost *:@PORT@>
    ServerName second.example
    VPNSentinelAPI
</VirtualHost>
CONF
    my %expected = (
        'first.example/health' => 200, 'first.example/api/v1/clients' => 404,
        'second.example/health' => 404, 'second.example/api/v1/clients' => 401,
    );
    for my $where (sort keys %expected) {
        my ($host, $path) = $where =~ m{^([^/]+)(.*)};
        my $end = "Host: $host\r\nConnection: close\r\n\r\n";
        like($httpd->raw("GET $path HTTP/1.1\r\n$end"), qr{^HTTP/1\.1 $expected{$where} }, $where);
    }
    $httpd->stop;
    $httpd->check_error_log;
};

# --- the client's address ---------------------------------------------------------------------------------------

sub observed_ip {
    my ($httpd, $port, %header) = @_;
    my (undef, $body) = $httpd->json('POST', '/api/v1/keepalive',
        { port => $port, headers => { %key, %header }, content => $report });
    my (undef, $client) = $httpd->json('GET', '/api/v1/clients/office', { port => $port, headers => { %key, %header } });
    is($client->{observed_ip}, $body->{observed_ip}, 'the client has what the answer says') if $body->{observed_ip};
    return $body->{observed_ip} // $body->{error};
}

subtest 'behind a reverse proxy' => sub {
    my $httpd = VpsHttpd->start(
        modules => ['remoteip'],
        ports => 3,
        conf => $server . "VPNSentinelAPI\n"
            . virtual_host(1, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1")
            . virtual_host(2, "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n"
                . 'VPNSentinelAllowedIPs 192.0.2.0/24 2001:db8::/32'),
    );
    my %forwarded = ('X-Forwarded-For' => '192.0.2.7');
    my %others = ('X-Real-IP' => '192.0.2.8', 'Forwarded' => 'for=192.0.2.9', 'X-Client-IP' => '192.0.2.10',
        'Via' => '1.1 192.0.2.11', 'CF-Connecting-IP' => '192.0.2.12');
    is(observed_ip($httpd, 0, %forwarded, %others), '127.0.0.1', 'without mod_remoteip no header is read');
    is(observed_ip($httpd, 1), '127.0.0.1', 'with it, not forwarded');
    is(observed_ip($httpd, 1, %forwarded, %others), '192.0.2.7', 'forwarded');
    is(observed_ip($httpd, 1, 'X-Forwarded-For' => '198.51.100.1, 192.0.2.7'), '192.0.2.7',
        'what the client claims itself does not count');
    is(observed_ip($httpd, 1, 'X-Forwarded-For' => '2001:DB8:0:0::7'), '2001:db8::7', 'IPv6');
    is(observed_ip($httpd, 1, 'X-Forwarded-For' => '::ffff:192.0.2.7'), '192.0.2.7', 'IPv4 in IPv6');
    is(observed_ip($httpd, 1, 'X-Forwarded-For' => 'unknown'), '127.0.0.1', 'no address');
    is(observed_ip($httpd, 2, %forwarded), '192.0.2.7', 'the allow list sees it');
    is(observed_ip($httpd, 2, 'X-Forwarded-For' => '192.0.3.7'), 'Access denied', 'and refuses others');
    is(observed_ip($httpd, 2), 'Access denied', 'and the proxy itself');
    $httpd->stop;
    $httpd->check_error_log;
};

# --- requests that httpd makes itself -----------------------------------------------------------------------------

subtest 'redirects and subrequests inside httpd' => sub {
    my $httpd = VpsHttpd->start(
        modules => [qw(include dir alias)],
        ports => 2,
        files => {
            'htdocs/page.shtml' => join('|', 'begin',
                (map { qq{<!--#include virtual="$_" -->} } '/dashboard', '/api/v1/clients', '/health', '/health/x',
                    '/api/v1/clients?status=wrong', '/dashboard/dashboard.css'), 'end'),
            'htdocs/info.shtml' => '<!--#fsize virtual="/dashboard" -->|<!--#flastmod virtual="/health" -->|end',
        },
        conf => $server . $mounts . virtual_host(0, <<'CONF') . virtual_host(1, <<'CONF'),
    <Directory "@ROOT@/htdocs">
        Options +Includes
        SetOutputFilter INCLUDES
    </Directory>
CONF
    ErrorDocument 404 /dashboard
    ErrorDocument 403 /api/v1/clients
    ErrorDocument 410 /health
    Redirect 403 /forbidden
    Redirect 410 /gone
CONF
    );
    my $page = $httpd->request('GET', '/page.shtml')->{content};
    like($page, qr{^begin\|<!DOCTYPE html>.*</html>\n\|.*\|OK\|.*\|:root.*\|end$}s, 'included in a page');
    like($page, qr/"error":"Unauthorized"/, 'with the guards');
    unlike($page, qr/"clients":/, 'which keep the data');
    $page = $httpd->request('GET', '/page.shtml', { headers => \%key })->{content};
    like($page, qr/"clients":\[\]/, 'a page that has the key has it');
    like($httpd->request('GET', '/info.shtml')->{content}, qr/end$/, 'what is no file has no size');

    for my $method (qw(GET POST)) {
        my %body = $method eq 'GET' ? () : (content => 'x' x 20000);
        my $ask = sub { $httpd->request($method, $_[0], { port => 1, %body })->{content} };
        like($ask->('/nothing'), qr/VPN Sentinel Monitoring/, "$method: the dashboard as an error page");
        like($ask->('/forbidden'), qr/"error":"Unauthorized"/, "$method: the API as an error page is guarded");
        is($ask->('/gone'), 'OK', "$method: health as an error page");
    }
    is($httpd->request('GET', '/health', { port => 1 })->{content}, 'OK', 'the server goes on');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/\[include:error\].* unable to (?:get information about|include)/]);
};

$backend->stop;
$backend->check_error_log;
done_testing;
