# The shipped configurations work as they are, and so do the lines that they show as comments.
use strict;
use warnings;

use Cwd qw(abs_path);
use Test::More;

use SourceTree qw(content);
use VpsHttpd;

my $source = abs_path($ENV{VPS_SRCDIR} // '.');
my $key = 'conf-test-key';
my $token = '110201543:conf-test-token';
my %key_header = ('X-API-Key' => $key);
my $report = '{"client_id":"office-vpn","public_ip":"203.0.113.42"}';
my %ports = (
    VPN_SENTINEL_SERVER_API_PORT => '@PORT@',
    VPN_SENTINEL_SERVER_DASHBOARD_PORT => '@PORT1@',
    VPN_SENTINEL_SERVER_HEALTH_PORT => '@PORT2@',
);
my ($api, $dashboard, $health) = 0 .. 2;

# Configuration in a comment has no space behind the #, or an indented line's four; prose has one.
sub uncommented {
    my ($text) = @_;
    $text =~ s/^(\s*)#(?=\S| {4}\S)/$1/mg;
    $text =~ s{/etc/vpn-sentinel/}{\@ROOT\@/}g;
    return $text;
}

sub three_ports {
    return VpsHttpd->start(
        conf => qq{Include "$source/conf/three-ports.conf"\n},
        modules => ['alias', 'reqtimeout'],
        ports => 3,
        listen => 0,
        files => { 'htdocs/page.html' => 'a page of the main server' },
        env => { %ports, VPN_SENTINEL_API_KEY => $key },
    );
}

subtest 'three-ports.conf' => sub {
    my $httpd = three_ports();
    my $answer = $httpd->request('GET', '/health', { port => $health });
    is($answer->{content}, 'OK', 'health on its port');

    $answer = $httpd->request('POST', '/api/v1/keepalive',
        { port => $api, headers => \%key_header, content => $report });
    is($answer->{status}, 200, 'a keepalive on the API port');
    my (undef, $clients) =
        $httpd->json('GET', '/api/v1/clients', { port => $api, headers => \%key_header });
    is($clients->{clients}[0]{client_id}, 'office-vpn', 'the client is listed');

    $answer = $httpd->request('GET', '/dashboard', { port => $dashboard });
    is($answer->{status}, 200, 'the dashboard on its port');
    like($answer->{content}, qr/office-vpn/, 'it shows the client');
    $answer = $httpd->request('GET', '/', { port => $dashboard });
    is($answer->{headers}{location}, $httpd->url('/dashboard', $dashboard), '/ leads to it');

    my %elsewhere = (
        $api => ['/dashboard', '/health', '/page.html', '/'],
        $dashboard => ['/api/v1/clients', '/health', '/page.html'],
        $health => ['/api/v1/clients', '/dashboard', '/page.html', '/'],
    );
    for my $port (sort keys %elsewhere) {
        for my $path (@{ $elsewhere{$port} }) {
            $answer = $httpd->request('GET', $path, { port => $port, headers => \%key_header });
            is($answer->{status}, 404, "$path is not on port $port");
        }
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'three-ports.conf without optional modules, and with all that it shows' => sub {
    my ($status, $output) = VpsHttpd->configtest(
        conf => content('conf/three-ports.conf'),
        ports => 3,
        listen => 0,
        env => \%ports,
    );
    is($status, 0, 'no optional module is needed') or diag($output);

    ($status, $output) = VpsHttpd->configtest(
        conf => uncommented(content('conf/three-ports.conf')),
        modules => ['authz_host', 'alias', 'reqtimeout'],
        ports => 3,
        listen => 0,
        files => { 'api-keys' => "$key\n", 'telegram-token' => "$token\n" },
        env => \%ports,
    );
    is($status, 0, 'the lines in comments are right') or diag($output);
};

# A virtual host that has much to say already.
sub tls_virtual_host {
    my ($inside) = @_;
    return <<"CONF";
SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"
<VirtualHost *:\@PORT\@>
    SSLEngine on
    SSLCertificateFile "\@ROOT\@/server.pem"
    <Directory "/">
        Require all denied
    </Directory>
    <Directory "\@ROOT\@/htdocs">
        Require all granted
    </Directory>
    RewriteEngine on
    RewriteRule ".*" "/page.html"
    $inside
</VirtualHost>
CONF
}

sub tls_option {
    my $certificate = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \\
        -addext basicConstraints=critical,CA:FALSE -keyout - -out - 2>/dev/null`;
    return (
        modules => ['authz_host', 'socache_shmcb', 'ssl', 'rewrite', 'remoteip'],
        files => {
            'server.pem' => $certificate,
            'api-keys' => "$key\n",
            'telegram-token' => "$token\n",
            'htdocs/page.html' => 'a page of this host',
        },
    );
}

# One request through TLS, to the port of this index; returns (status, body).
sub tls_request {
    my ($httpd, $request, $body, $index) = @_;
    my $head = "$request HTTP/1.0\r\nX-API-Key: $key\r\nContent-Length: " . length($body) . "\r\n";
    my $port = $httpd->port($index);
    my $answer = `printf '%s\r\n%s' '$head' '$body' |
        openssl s_client -quiet -connect 127.0.0.1:$port 2>/dev/null`;
    my ($status, $content) = $answer =~ m{^HTTP/1\.\d (\d+).*?\r\n\r\n(.*)}s;
    return ($status, $content);
}

subtest 'three-ports.conf with TLS' => sub {
    my %option = tls_option();
    my $httpd = VpsHttpd->start(
        %option,
        conf => "Define VPN_SENTINEL_TLS\nSSLSessionCache \"shmcb:\@ROOT\@/run/ssl(65536)\"\nSSLCertificateFile \"\@ROOT\@/server.pem\"\n"
            . qq{Include "$source/conf/three-ports.conf"\n},
        modules => [ @{ $option{modules} }, 'alias' ],
        ports => 3,
        listen => 0,
        env => { %ports, VPN_SENTINEL_API_KEY => $key },
    );
    my @answer = tls_request($httpd, 'POST /api/v1/keepalive', $report, $api);
    is($answer[0], 200, 'a keepalive through TLS');
    @answer = tls_request($httpd, 'GET /dashboard', '', $dashboard);
    like($answer[1], qr/office-vpn/, 'the dashboard through TLS');
    is($httpd->request('GET', '/health', { port => $health })->{content}, 'OK', 'health without');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'drop-in.conf' => sub {
    my $httpd = VpsHttpd->start(
        tls_option(),
        conf => tls_virtual_host(qq{Include "$source/conf/drop-in.conf"}),
        env => { VPN_SENTINEL_API_KEY => $key },
    );
    my @answer = tls_request($httpd, 'GET /anything', '');
    is_deeply(\@answer, [200, 'a page of this host'], 'the host itself is as before');
    @answer = tls_request($httpd, 'GET /health', '');
    is_deeply(\@answer, [200, 'OK'], 'health');
    @answer = tls_request($httpd, 'POST /api/v1/keepalive', $report);
    is($answer[0], 200, 'a keepalive');
    @answer = tls_request($httpd, 'GET /api/v1/clients', '');
    like($answer[1], qr/"office-vpn"/, 'the client is listed');
    @answer = tls_request($httpd, 'GET /dashboard', '');
    is($answer[0], 200, 'the dashboard');
    like($answer[1], qr/office-vpn/, 'it shows the client');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'drop-in.conf with all that it shows' => sub {
    my ($inside, $outside) = split /^# --- for the whole server.*\n/m,
        uncommented(content('conf/drop-in.conf'));
    my ($status, $output) =
        VpsHttpd->configtest(tls_option(), conf => $outside . tls_virtual_host($inside));
    is($status, 0, 'the lines in comments are right') or diag($output);
};

subtest 'envvars' => sub {
    my $show = qq{. "$source/conf/envvars"; env | grep ^VPN_SENTINEL_ | sort};
    delete local @ENV{ keys %ports };
    is(`sh -euc '$show'`, <<'END', 'gives the ports');
VPN_SENTINEL_SERVER_API_PORT=5000
VPN_SENTINEL_SERVER_DASHBOARD_PORT=8080
VPN_SENTINEL_SERVER_HEALTH_PORT=8081
END
    local $ENV{VPN_SENTINEL_SERVER_API_PORT} = 5999;
    like(`sh -euc '$show'`, qr/^VPN_SENTINEL_SERVER_API_PORT=5999$/m, 'keeps what is set');
};

done_testing;
