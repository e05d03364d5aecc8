# What README.md, docs/apache.md, docs/operation.md and docs/troubleshooting.md tell is true: their configurations and
# commands are run as they stand, but for ports, addresses and folders; the words that they quote are the
# program's.
use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;

use BotApi;
use ClientDaemon;
use VpsHttpd;

my $SOURCE = abs_path($ENV{VPS_SRCDIR} // '.');
my $KEY = 'key-of-the-manual';
my $FOLDER = tempdir('manual-XXXXXX', TMPDIR => 1, CLEANUP => 1);
# mod_ssl on a system whose OpenSSL is older than the one it was built with; no certificate; not the right one.
my @NOISE = (qr/AH01882/, qr/AH01630|AH02008|AH02039|AH02040|AH02042|AH02276|SSL Library Error/);

sub slurp {
    my ($path) = @_;
    open my $in, '<:encoding(UTF-8)', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

sub put {
    my ($name, $text) = @_;
    open my $out, '>', "$FOLDER/$name" or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    return "$FOLDER/$name";
}

my $PAGES = slurp("$SOURCE/docs/apache.md") . slurp("$SOURCE/docs/operation.md");
my (%block, %used);
$block{"$1 $2"} = $3 while $PAGES =~ /^<!-- (\w+): (\w+) -->\n```\w*\n(.*?)^```$/msg;

# A marked block of the pages.
sub block {
    my ($name) = @_;
    $used{$name} = 1;
    return $block{$name} // die "no block: $name";
}

sub run_script {
    my ($script) = @_;
    return is(system("cd '$FOLDER' && { $script } >>out 2>&1"), 0, 'the commands work') || diag slurp("$FOLDER/out");
}

# --- certificates -----------------------------------------------------------------------------------------

run_script(block('run ca'));
run_script(<<'END');
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=vpn.example.org \
    -addext basicConstraints=critical,CA:FALSE -addext 'subjectAltName=DNS:vpn.example.org,DNS:www.example.org' -keyout server.key -out server.crt
cat server.crt server.key >server.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger \
    -keyout stranger.key -out stranger.pem
END
put('api-key', "$KEY\n");

# A server with recipes of the pages, in the test's places.
sub serve {
    my ($conf, %option) = @_;
    $conf =~ s{"/etc/ssl/example\.org\.pem"}{"$FOLDER/server.pem"}g;
    $conf =~ s{"/etc/vpn-sentinel/}{"\@ROOT\@/}g;
    $conf =~ s/<VirtualHost \*:(?:443|8080)>/<VirtualHost *:\@PORT\@>/g;
    return VpsHttpd->start(
        conf => qq{SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"\n$conf},
        files => { 'api-keys' => "$KEY\n", 'clients-ca.pem' => slurp("$FOLDER/clients-ca.pem") },
        modules => [qw(authz_host alias proxy proxy_http remoteip socache_shmcb ssl)],
        %option,
    );
}

sub finish {
    my (@httpd) = @_;
    for (@httpd) {
        $_->stop;
        $_->check_error_log(allow => \@NOISE);
    }
}

# One request to a host by TLS. Returns (status, body); status 0: no connection.
sub ask {
    my ($httpd, $host, $path, %option) = @_;
    my @curl = ('curl', '--silent', '--include', '--http1.1', '--max-time', 30, '--noproxy', '*', '--cacert', "$FOLDER/server.crt",
        '--connect-to', "::127.0.0.1:" . $httpd->port, map({ ('--header', $_) } "X-API-Key: $KEY", @{ $option{headers} // [] }),
        $option{cert} ? ('--cert', "$FOLDER/$option{cert}.pem", '--key', "$FOLDER/$option{cert}.key") : (),
        $option{report} ? ('--data', $option{report}, '--header', 'Content-Type: application/json') : (),
        "https://$host$path");
    open my $out, '-|', @curl or die "curl: $!";
    my $answer = do { local $/; <$out> } // '';
    close $out;
    my ($status, $body) = $answer =~ m{\AHTTP/1\.\d (\d+).*?\r\n\r\n(.*)}s;
    return ($status // 0, $body // '');
}

my $report = '{"client_id":"office-vpn","public_ip":"203.0.113.42"}';

# --- README.md ----------------------------------------------------------------------------------------------

subtest 'README.md' => sub {
    my $page = slurp("$SOURCE/README.md");
    my ($log, $inside, $outside) = $page =~ /^```apache\n(.*?)^```$/msg;
    my $bot = BotApi->start;
    my $conf = $log =~ s/^LoadModule .*\n//mr . "<VirtualHost *:\@PORT\@>\n$inside</VirtualHost>\n$outside"
        . 'VPNSentinelTelegramAPIBase "' . $bot->url . "\"\n";
    $conf =~ s{"/etc/vpn-sentinel/}{"\@ROOT\@/}g;
    $conf =~ s{"/var/log/apache2/}{"\@ROOT\@/logs/};
    $conf =~ s{"/var/lib/}{"\@ROOT\@/};
    my $httpd = VpsHttpd->start(conf => $conf, files => { 'api-keys' => "$KEY\n", 'telegram-token' => "$BotApi::TOKEN\n" });
    my ($url, $key) = ($httpd->url(''), "$FOLDER/api-key");
    my ($settings) = $page =~ /^(VPN_SENTINEL_CLIENT_ID=.*?) vpn-sentinel-client$/ms or die 'no command of the client';
    my %env = $settings =~ /(\w+)=(\S+)/g;
    @env{qw(VPN_SENTINEL_SERVER_URL VPN_SENTINEL_API_KEY_FILE)} = ($url, $key);
    my $done = ClientDaemon->run(args => ['--once'], env => \%env);
    is($done->{status}, 0, 'the client reports') or diag $done->{err};
    like($httpd->request('GET', '/dashboard')->{content}, qr/office-vpn/, 'the dashboard shows it');
    ok($httpd->wait_for(sub { grep { $_->{plain} =~ /office-vpn/ } $bot->messages }), 'Telegram is told');
    ok(-e $httpd->root . '/vpnsentinel/vpnsentinel.db', 'the folder of the state is made') if $> == 0;
    like(slurp($httpd->root . '/logs/vpnsentinel.log'), qr/office-vpn/, 'the log has it');
    my ($options) = $page =~ /^vpn-sentinel-ctl (.*) watch$/m or die 'no command line';
    $options =~ s{https://\S+}{$url};
    $options =~ s{~/\S+}{$key};
    like(`'$ENV{VPS_BUILDDIR}/ctl/vpn-sentinel-ctl' $options list 2>&1`, qr/office-vpn/, 'and so does the terminal');
    $httpd->stop;
    $httpd->check_error_log;
};

# --- docs/apache.md -----------------------------------------------------------------------------------------

SKIP: {
    skip 'there is no curl', 1 if !grep { -x "$_/curl" } split /:/, $ENV{PATH};

    subtest 'path, and host' => sub {
        my $application = VpsHttpd->start(module => undef, files => { 'htdocs/page' => 'of the application' });
        my $backend = $application->url('');
        my $httpd = serve(block('recipe path') =~ s{http://127\.0\.0\.1:3000}{$backend}gr . block('recipe host'));
        my %is = (
            '/page' => [ 200, 404 ], '/vpn/health' => [ 200, 404 ], '/health' => [ 404, 200 ], '/vpn/dashboard' => [ 403, 404 ],
            '/dashboard' => [ 404, 403 ], '/vpn/api/clients' => [ 200, 404 ], '/api/v1/clients' => [ 404, 200 ],
        );
        for my $path (sort keys %is) {
            is((ask($httpd, 'www.example.org', $path))[0], $is{$path}[0], "$path beside the application");
            is((ask($httpd, 'vpn.example.org', $path))[0], $is{$path}[1], "$path of the host of its own");
        }
        is((ask($httpd, 'www.example.org', '/page'))[1], 'of the application', 'the application is as before');
        is((ask($httpd, 'vpn.example.org', '/'))[0], 302, 'the host leads to its dashboard');
        is((ask($httpd, 'www.example.org', '/vpn/api/keepalive', report => $report))[0], 200, 'a report');
        like((ask($httpd, 'vpn.example.org', '/api/v1/clients'))[1], qr/office-vpn/, '... all hosts share the clients');
        finish($httpd, $application);
    };

    subtest 'behind another proxy' => sub {
        my $behind = serve(block('recipe behind') =~ s/10\.0\.0\.4/127.0.0.1/r);
        my $backend = $behind->url('');
        my $front = serve("RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n"
            . block('recipe front') =~ s{http://10\.0\.0\.5:8080}{$backend}gr, module => undef);
        my $from = sub {
            my ($address, $path, @more) = @_;
            return ask($front, 'vpn.example.org', $path, headers => [ "X-Test-Address: $address", @more ],
                $path =~ /keepalive/ ? (report => $report) : ());
        };
        my ($status, $body) = $from->('192.0.2.9', '/api/v1/keepalive');
        is($status, 200, 'a report');
        like($body, qr/"observed_ip":"192\.0\.2\.9"/, '... from where it came');
        ($status, $body) = $from->('192.0.2.9', '/api/v1/keepalive', 'X-Forwarded-For: 192.0.2.77');
        like($body, qr/"observed_ip":"192\.0\.2\.9"/, '... whatever it claims');
        is(($from->('198.51.100.1', '/api/v1/keepalive', 'X-Forwarded-For: 192.0.2.77'))[0], 403, 'another one is refused');
        is(($from->('198.51.100.1', '/dashboard'))[0], 200, 'the dashboard');
        $behind->stop;
        $behind->check_error_log(allow => [ @NOISE, qr/VPNS0064/ ]);
        finish($front);
    };

    subtest 'certificates of clients' => sub {
        my $httpd = serve(block('recipe mtls'));
        my @of_api = ('vpn.example.org', '/api/v1/keepalive', report => $report);
        is((ask($httpd, @of_api, cert => 'office-vpn'))[0], 200, 'the API with one');
        is((ask($httpd, @of_api))[0], 403, '... without');
        isnt((ask($httpd, @of_api, cert => 'stranger'))[0], 200, "... with a stranger's");
        is((ask($httpd, 'vpn.example.org', '/dashboard'))[0], 200, 'the dashboard without');
        finish($httpd);

        $httpd = serve(block('recipe mtls_port') =~ s/^Listen 5443\n//mr =~ s/\*:5443/*:\@PORT\@/r);
        is((ask($httpd, @of_api, cert => 'office-vpn'))[0], 200, 'a port of its own with one');
        is((ask($httpd, @of_api))[0], 0, '... without: no connection');
        finish($httpd);
    };
}

# The client, with the pages' settings; its server's name is looked for where the test's server is.
subtest 'the client' => sub {
    plan skip_all => 'no other view of the file system can be had here' if !VpsHttpd->can_mount;
    put('hosts', "127.0.0.1 localhost vpn.example.org www.example.org\n");
    my @by = (by => [ qw(unshare --mount sh -c), qq{mount --bind "$FOLDER/hosts" /etc/hosts && exec "\$@"}, 'sh' ]);
    my $run = sub {
        my ($httpd, $settings) = @_;
        $settings =~ s{/etc/vpn-sentinel/}{$FOLDER/}g;
        $settings =~ s{(SERVER_URL=\S+)}{"$1:" . $httpd->port}e;
        my $done = ClientDaemon->run(@by, args => ['--once'], config => $settings,
            env => { VPN_SENTINEL_TLS_CERT_PATH => "$FOLDER/server.crt" });
        return is($done->{status}, 0, 'accepted') || diag $done->{err};
    };
    my $httpd = serve(block('recipe path'));
    $run->($httpd, block('client path'));
    finish($httpd);
    $httpd = serve(block('recipe mtls'));
    $run->($httpd, block('client mtls'));
    finish($httpd);
};

# --- docs/operation.md ----------------------------------------------------------------------------------------

subtest 'backup and restore' => sub {
    my $httpd = VpsHttpd->start(conf => "VPNSentinelAPI\nVPNSentinelAPIKey $KEY\nVPNSentinelHealth\n" . block('recipe quiet'));
    my $api = sub { $httpd->json($_[0], "/api/v1$_[1]", { headers => { 'X-API-Key' => $KEY }, content => $_[2] }) };
    $api->('POST', '/keepalive', $report);
    my $state = $httpd->root . '/state';
    my $is_there = sub { ($api->('GET', '/clients/office-vpn'))[0] == 200 };
    my $run = sub {
        my ($script) = @_;
        # The commands stop and start the system's httpd; here the test does it.
        is(() = $script =~ /^apachectl (?:stop|start)$/mg, 2, 'it is stopped and started');
        $script =~ s/^apachectl .*\n//mg;
        $httpd->stop;
        run_script($script =~ s{/var/lib/vpnsentinel}{$state}gr =~ s{/var/backups}{$FOLDER}gr);
        $httpd->start_again;
    };
    SKIP: {
        skip 'there is no sqlite3', 1 if !grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
        $httpd->wait_for(sub { $httpd->request('GET', '/health/ready')->{status} == 200 });
        like(`sqlite3 '$state/vpnsentinel.db' .tables 2>&1`, qr/database is locked/, 'a running server lets nobody in');
    }
    $run->(block('run backup'));
    ok($httpd->wait_for($is_there), 'the client is there after it');
    is(($api->('DELETE', '/clients/office-vpn'))[0], 200, 'it is removed');
    $httpd->stop;
    $httpd->start_again;
    $httpd->wait_for(sub { $httpd->request('GET', '/health/ready')->{status} == 200 });
    ok(!$is_there->(), '... and stays so');
    $run->(block('run restore'));
    ok($httpd->wait_for($is_there), 'the backup brings it back');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a client that calls nobody' => sub {
    my %quiet = block('client quiet') =~ /^(\w+)=(.*)$/mg;
    my $checked = ClientDaemon->run(args => ['--check-config'], config => block('client quiet'));
    is($checked->{status}, 0, 'it takes the settings') or diag $checked->{err};
    is(() = $checked->{out} =~ /\(file\)$/mg, keys %quiet, '... all of them');
    # Who is asked by default; port 53 of Cloudflare's not without the other.
    my @asked = slurp("$SOURCE/client/options_table.c") =~ /\.name = "(\w+)",\s+(?:\.alias = "\w+",\s+)?\.fallback = "\S+\.\S+"|\.name = "(VPN_SENTINEL_TRACE6_URL)"/g;
    my %asked = map { $_ => 1 } grep { defined } @asked;
    delete @asked{qw(VPN_SENTINEL_SERVER_URL VPN_SENTINEL_CLOUDFLARE_DNS)};
    is_deeply([ sort keys %quiet ], [ sort keys %asked ], 'each service that is asked by default');
};

is_deeply([ sort keys %used ], [ sort keys %block ], 'each block of the pages is tried') if VpsHttpd->can_mount;

# --- docs/troubleshooting.md --------------------------------------------------------------------------------

# The texts of the sources, with what the compiler puts together.
my $texts = join "\n", map { slurp($_) } map { glob "$SOURCE/$_/*.[ch]" } qw(mod_vpnsentinel client);
$texts =~ s/" MUTEX_NAME/vpnsentinel"/g;
$texts =~ s/"\s*\n\s*"//g;
$texts =~ s/\\"/"/g;

subtest 'words' => sub {
    my $page = slurp("$SOURCE/docs/troubleshooting.md");
    my ($apache, $rest) = $page =~ /^## Apache does not start(.*?)^(## .*)/ms or die 'no sections';
    my @quoted = map { /`([^`]+)`/ ? $1 : () } map { /^\| (.*?) \|/ ? $1 : () } split /\n/, $apache . $rest;
    @quoted = grep { !/^(?:Invalid command|unknown|Not live since)/ } @quoted;
    cmp_ok(scalar @quoted, '>', 40, 'there are words to look for');
    for my $words (@quoted) {
        my @missing = grep { /\w/ && index($texts, $_) < 0 } map { s/^ +//r } split /…|(?<=is damaged)|(?<=newer version)/, $words;
        is("@missing", '', $words);
    }
};

done_testing;
