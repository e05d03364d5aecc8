# The client daemon's connection to the server by TLS: whom it trusts, who it says it is; and by a proxy.
use strict;
use warnings;
use utf8;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

use ClientDaemon;
use StandIn;
use VpsHttpd;

my $KEY = 'key-0123456789-secret';

# --- certificates ---------------------------------------------------------------------------------

my $folder = tempdir('client-tls-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $folder;

sub openssl {
    my (@argument) = @_;
    system("cd '$folder' && openssl @argument >>openssl.log 2>&1") == 0
        or BAIL_OUT("openssl @argument: " . content('openssl.log'));
    return;
}

sub content {
    my ($name) = @_;
    open my $in, '<', "$folder/$name" or die "$name: $!";
    local $/ = undef;
    return scalar <$in>;
}

sub put {
    my ($name, @text) = @_;
    open my $out, '>', "$folder/$name" or die "$name: $!";
    print {$out} @text;
    close $out or die "$name: $!";
    return "$folder/$name";
}

# NAME.pem and NAME.key of a CA.
sub make_ca {
    my ($name) = @_;
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$name -keyout $name.key -out $name.pem");
    return;
}

# NAME.pem and NAME.key, by a CA, for a subjectAltName.
sub make_certificate {
    my ($name, $ca, $alt) = @_;
    put("$name.ext", "subjectAltName=$alt\n");
    openssl("req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr");
    openssl("x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -CAcreateserial -days 2 -extfile $name.ext",
        "-out $name.pem");
    return;
}

make_ca($_) for qw(ca other-ca);
make_certificate('server', 'ca', 'IP:127.0.0.1,DNS:localhost');
make_certificate('elsewhere', 'ca', 'DNS:elsewhere.example');
make_certificate('office', 'ca', 'DNS:office');
make_certificate('stranger', 'other-ca', 'DNS:stranger');
put('both.pem', content('office.pem'), content('office.key'));
openssl('rsa -aes128 -passout pass:secret -in office.key -out locked.key');
openssl('rsa -aes128 -passout pass:secret -traditional -in office.key -out locked-old.key');

# --- the server -----------------------------------------------------------------------------------

sub virtual_host {
    my ($index, $certificate, $more) = @_;
    return <<"CONF";
<VirtualHost 127.0.0.1:\@PORT$index\@>
    SSLEngine on
    SSLCertificateFile "$folder/$certificate.pem"
    SSLCertificateKeyFile "$folder/$certificate.key"
    $more
    VPNSentinelAPI
    VPNSentinelAPIKey $KEY
</VirtualHost>
CONF
}

my $httpd = VpsHttpd->start(
    modules => [qw(socache_shmcb ssl log_config)],
    ports => 3,
    conf => join('', qq{SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"\n},
        virtual_host(0, 'server', ''), virtual_host(1, 'elsewhere', 'ServerName elsewhere.example'),
        virtual_host(2, 'server', qq{SSLVerifyClient require\nSSLCACertificateFile "$folder/ca.pem"})),
);
my ($PLAIN, $WRONG_NAME, $MUTUAL) = map { 'https://127.0.0.1:' . $httpd->port($_) } 0 .. 2;

my $world = StandIn->start;

sub environment {
    my ($server, %more) = @_;
    return {
        (map { ("VPN_SENTINEL_${_}_URL" => $world->url) } qw(IPINFO IPAPI TRACE)), VPN_SENTINEL_SERVER_URL => $server,
        VPN_SENTINEL_API_KEY => $KEY, VPN_SENTINEL_CHECK_INTERVAL => 3600, %more,
    };
}

sub tls {
    my (%name) = @_;
    return map { ("VPN_SENTINEL_TLS_$_" => "$folder/$name{$_}") } keys %name;
}

sub run_once {
    my ($server, %more) = @_;
    return ClientDaemon->run(args => ['--once'], env => environment($server, %more));
}

sub like_untrusted {
    my ($done, $name) = @_;
    is($done->{status}, 1, "$name: not accepted");
    return like($done->{err}, qr/No trusted connection to the server \(TLS\) \(.*\w/, 'told as a matter of trust');
}

# What would be in the way of the daemon's CA files when somebody's system trusted our CA.
sub system_that_trusts {
    my ($ca) = @_;
    make_path("$folder/system");
    put('system/ca-certificates.crt', content("$ca.pem"));
    put('system/' . `openssl x509 -noout -hash -in '$folder/$ca.pem'` =~ s/\s+//gr . '.0', content("$ca.pem"));
    return [ qw(unshare --mount sh -c), "mount --bind '$folder/system' /etc/ssl/certs && exec \"\$@\"", 'sh',
        "$ENV{VPS_BUILDDIR}/client/vpn-sentinel-client" ];
}


subtest 'an own CA' => sub {
    is(run_once($PLAIN, tls(CERT_PATH => 'ca.pem'))->{status}, 0, 'of the server: accepted');
    like_untrusted(run_once($PLAIN), 'unknown to the system');
    like_untrusted(run_once($PLAIN, tls(CERT_PATH => 'other-ca.pem')), 'of another server');
    like_untrusted(run_once($WRONG_NAME, tls(CERT_PATH => 'ca.pem')), 'of the server, for another name');
    is(run_once($PLAIN, tls(CERT_PATH => 'server.pem'))->{status}, 0, "the server's very certificate will do");
};

subtest "the system's CAs" => sub {
    plan skip_all => 'cannot give the daemon a file system of its own' unless VpsHttpd->can_mount;
    my $program = system_that_trusts('ca');
    my $run = sub { ClientDaemon->run(args => ['--once'], env => environment($PLAIN, @_), program => $program) };
    plan skip_all => "libcurl's CAs are not below /etc/ssl/certs" if `curl-config --ca` !~ m{^"?/etc/ssl/certs/};
    is($run->()->{status}, 0, 'count without an own one');
    like_untrusted($run->(tls(CERT_PATH => 'other-ca.pem')), 'an own one replaces them');
};

subtest 'the daemon shows who it is' => sub {
    my @ca = tls(CERT_PATH => 'ca.pem');
    is(run_once($MUTUAL, @ca, tls(CLIENT_CERT => 'office.pem', CLIENT_KEY => 'office.key'))->{status}, 0,
        'certificate and key');
    is(run_once($MUTUAL, @ca, tls(CLIENT_CERT => 'both.pem'))->{status}, 0, 'in one file');
    for my $case (['none'], ['of a stranger', CLIENT_CERT => 'stranger.pem', CLIENT_KEY => 'stranger.key']) {
        my ($name, @files) = @$case;
        my $done = run_once($MUTUAL, @ca, tls(@files));
        is($done->{status}, 1, "$name: not accepted");
        like($done->{err}, qr/\[report\] ❌ (?:No trusted connection|Server unreachable)/, 'told');
    }
    my $mixed = run_once($MUTUAL, @ca, tls(CLIENT_CERT => 'office.pem', CLIENT_KEY => 'stranger.key'));
    like_untrusted($mixed, 'a key of another certificate');
};

subtest 'trusting anybody' => sub {
    for my $server ($PLAIN, $WRONG_NAME) {
        my $done = run_once($server, VPN_SENTINEL_ALLOW_INSECURE => 'true');
        is($done->{status}, 0, 'accepted');
        like($done->{err}, qr/\[client\] ⚠️ VPN_SENTINEL_ALLOW_INSECURE is set: .* NOT checked/, 'with a warning');
    }
    my $client = ClientDaemon->start(env => environment($PLAIN, VPN_SENTINEL_ALLOW_INSECURE => 'true'));
    ok($client->wait_for_log(qr/Keepalive accepted/));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/Keepalive accepted/, 2));
    is(scalar(my @warnings = grep { /is set: .* NOT checked/ } $client->log), 2, 'again at each reload');
    is($client->end, 0);
    unlike(run_once($PLAIN, tls(CERT_PATH => 'ca.pem'), VPN_SENTINEL_ALLOW_INSECURE => 'false')->{err},
        qr/NOT checked/, 'none without');
};

subtest 'the look-up services are not the server' => sub {
    my %own = tls(CERT_PATH => 'ca.pem', CLIENT_CERT => 'both.pem');
    my $done = run_once($PLAIN, %own, VPN_SENTINEL_TRACE_URL => $PLAIN, VPN_SENTINEL_ALLOW_INSECURE => 'true');
    is($done->{status}, 0, 'accepted');
    like($done->{err}, qr/No usable answer from Cloudflare's trace: .*certificate/, 'they are checked all the same');
};

subtest 'bad files are faults of the configuration' => sub {
    put('empty.pem', '');
    put('text.pem', "-----BEGIN NONSENSE-----\n");
    my $absent = qr/must be a readable file: No such file/;
    my $key = qr/must be a PEM file with a private key without a passphrase/;
    my @case = (
        ['CERT_PATH', { CERT_PATH => 'absent.pem' }, $absent],
        ['CERT_PATH', { CERT_PATH => 'empty.pem' }, qr/must be a PEM file with certificates/],
        ['CERT_PATH', { CERT_PATH => 'office.key' }, qr/must be a PEM file with certificates/],
        ['CLIENT_CERT', { CLIENT_CERT => 'absent.pem' }, $absent],
        ['CLIENT_CERT', { CLIENT_CERT => 'text.pem', CLIENT_KEY => 'office.key' }, qr/must be a PEM .* a certificate\n/],
        ['CLIENT_CERT', { CLIENT_CERT => 'office.pem' }, qr/must be a PEM file with a private key too/],
        ['CLIENT_KEY', { CLIENT_CERT => 'office.pem', CLIENT_KEY => 'absent.key' }, $absent],
        ['CLIENT_KEY', { CLIENT_CERT => 'office.pem', CLIENT_KEY => 'office.pem' }, $key],
        ['CLIENT_KEY', { CLIENT_CERT => 'office.pem', CLIENT_KEY => 'locked.key' }, $key],
        ['CLIENT_KEY', { CLIENT_CERT => 'office.pem', CLIENT_KEY => 'locked-old.key' }, $key],
    );
    for my $case (@case) {
        my ($variable, $files, $told) = @$case;
        my $path = "$folder/$files->{$variable}";
        for my $mode ('--check-config', '--once') {
            my $done = ClientDaemon->run(args => [$mode], env => environment($PLAIN, tls(%$files)));
            is($done->{status}, 2, "$mode: @{[%$files]}");
            like($done->{err}, qr/VPN_SENTINEL_TLS_$variable is "\Q$path\E" but $told/, 'variable and file are named');
        }
    }
    my $alone = run_once($PLAIN, tls(CLIENT_KEY => 'office.key'));
    is($alone->{status}, 2, 'a key alone');
    like($alone->{err}, qr/VPN_SENTINEL_TLS_CLIENT_KEY is set but VPN_SENTINEL_TLS_CLIENT_CERT is not/);
};

subtest 'files that change' => sub {
    my $config = sub { join '', map { "$_\n" } "VPN_SENTINEL_TLS_CERT_PATH=$folder/changing.pem", @_ };
    put('changing.pem', content('other-ca.pem'));
    my $client = ClientDaemon->start(env => environment($PLAIN), config => $config->());
    ok($client->wait_for_log(qr/No trusted connection/), 'the wrong CA');
    put('changing.pem', content('ca.pem'));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/Keepalive accepted/), 'the right one counts at once');

    $client->configure($config->("VPN_SENTINEL_TLS_CLIENT_CERT=$folder/absent.pem"));
    $client->signal('HUP');
    ok($client->wait_for_log(qr/Not reloaded, going on as before: VPN_SENTINEL_TLS_CLIENT_CERT is ".*absent\.pem"/));
    ok($client->wait_for_log(qr/Keepalive accepted/, 2), 'it goes on as before');
    is($client->end, 0);
};

subtest 'by a proxy' => sub {
    my $port = $httpd->port(0);
    my $proxy = VpsHttpd->start(
        modules => [qw(log_config proxy proxy_http proxy_connect authz_host)], module => undef,
        conf => "LogFormat \"%r key=%{X-API-Key}i\" seen\nCustomLog logs/seen.log seen\nProxyRequests On\n"
            . "AllowCONNECT $port\n",
    );
    my $seen = sub {
        open my $in, '<', "$proxy->{root}/logs/seen.log" or return '';
        local $/ = undef;
        return scalar(<$in>) // '';
    };
    my %proxy = map { ($_ => $proxy->url('')) } qw(http_proxy https_proxy);
    my @ca = tls(CERT_PATH => 'ca.pem');

    is(run_once($PLAIN, @ca, %proxy)->{status}, 0, 'accepted');
    # It is logged when it is over: trace, place and report.
    ok($proxy->wait_for(sub { $seen->() =~ tr/\n// >= 3 }), 'all is seen');
    like($seen->(), qr/^CONNECT 127\.0\.0\.1:$port HTTP/m, 'through the proxy');
    like($seen->(), qr{^GET http://127\.0\.0\.1:\d+/cdn-cgi/trace }m, 'the look-ups too');
    unlike($seen->(), qr/\Q$KEY\E/, 'which does not see the key');

    my $before = length $seen->();
    is(run_once($PLAIN, @ca, %proxy, no_proxy => '127.0.0.1')->{status}, 0, 'no_proxy');
    $proxy->stop;
    is(length $seen->(), $before, 'is heeded');
    my $done = run_once($PLAIN, @ca, https_proxy => $proxy{https_proxy});
    is($done->{status}, 1, 'a proxy that is away');
    like($done->{err}, qr/Server unreachable/, 'is a server that is away');
};

$httpd->check_error_log;
done_testing;
