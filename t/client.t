# The client daemon: command line, configuration, and one round against a well-behaved world.
use strict;
use warnings;
use utf8;

use File::Temp ();
use JSON::PP ();
use Test::More;

use ClientDaemon;
use StandIn;

my $KEY = 'key-0123456789-secret';
my $TOKEN = 'token-9876543210-secret';

my $world = StandIn->start(key => $KEY);

sub with_world {
    my (%env) = @_;
    return {
        VPN_SENTINEL_SERVER_URL => $world->url, VPN_SENTINEL_IPINFO_URL => $world->url,
        VPN_SENTINEL_IPAPI_URL => $world->url, VPN_SENTINEL_TRACE_URL => $world->url,
        VPN_SENTINEL_API_KEY => $KEY, %env,
    };
}

# The key must not be seen, whatever happens.
sub run_client {
    my (%option) = @_;
    my $done = ClientDaemon->run(%option);
    unlike("$done->{out}$done->{err}", qr/\Q$KEY\E|\Q$TOKEN\E/, 'no secret is shown') or diag explain \%option;
    return $done;
}

sub last_request {
    my ($service) = @_;
    return ($world->requests($service))[-1];
}

sub decode_body {
    my ($request) = @_;
    return JSON::PP->new->utf8->decode($request->{body});
}

sub setting {
    my ($done, $name) = @_;
    return $done->{out} =~ /^\Q$name\E=(.*)$/m ? $1 : undef;
}

subtest 'help and version' => sub {
    my $help = run_client(args => ['--help']);
    is($help->{status}, 0, 'help');
    like($help->{out}, qr/^\s+\Q$_\E\s/m, "it tells of $_") for qw(
        --once --print --check-config --config --version --help VPN_SENTINEL_CLIENT_ID VPN_SENTINEL_SERVER_URL
        VPN_SENTINEL_API_KEY VPN_SENTINEL_API_KEY_FILE VPN_SENTINEL_API_PATH VPN_SENTINEL_CHECK_INTERVAL
        IPINFO_API_TOKEN VPN_SENTINEL_IPINFO_URL VPN_SENTINEL_IPAPI_URL VPN_SENTINEL_TRACE_URL VPN_SENTINEL_TIMEOUT
        VPN_SENTINEL_DEBUG VPN_SENTINEL_TLS_CERT_PATH VPN_SENTINEL_HEALTH_PORT --healthcheck
    );
    my $version = run_client(args => ['--version']);
    is($version->{status}, 0, 'version');
    like($version->{out}, qr/^vpn-sentinel-client \d+\.\d+\S*\n\z/, 'one line');
};

subtest 'bad command lines' => sub {
    for my $args (['--nonsense'], ['extra'], ['--once', '--print'], ['--healthcheck', '--once'], ['--config']) {
        my $done = run_client(args => $args, default_config => 1);
        is($done->{status}, 2, "@$args");
        isnt($done->{err}, '', 'says why');
    }
};

subtest 'defaults' => sub {
    my $done = run_client(args => ['--check-config']);
    is($done->{status}, 0);
    my %default = (
        VPN_SENTINEL_CLIENT_ID => 'default-client', VPN_SENTINEL_SERVER_URL => 'http://localhost:5000',
        VPN_SENTINEL_API_PATH => '/api/v1', VPN_SENTINEL_API_KEY => '', VPN_SENTINEL_API_KEY_FILE => '',
        VPN_SENTINEL_CHECK_INTERVAL => 60, VPN_SENTINEL_TIMEOUT => 10, IPINFO_API_TOKEN => '',
        VPN_SENTINEL_IPINFO_URL => 'https://ipinfo.io', VPN_SENTINEL_IPAPI_URL => 'http://ip-api.com',
        VPN_SENTINEL_TRACE_URL => 'https://1.1.1.1', VPN_SENTINEL_DEBUG => 'false',
        VPN_SENTINEL_TRACE6_URL => 'https://[2606:4700:4700::1111]',
        VPN_SENTINEL_IPWHOIS_URL => 'https://ipwho.is', VPN_SENTINEL_GLUETUN_URL => '',
        VPN_SENTINEL_GLUETUN_API_KEY => '', VPN_SENTINEL_GEOLOCATION_SERVICE => 'auto',
        VPN_SENTINEL_CLOUDFLARE_DNS => '1.1.1.1:53', VPN_SENTINEL_DNS_WHOAMI => 'o-o.myaddr.l.google.com',
        VPN_SENTINEL_HEALTH_SCRIPT => '', VPN_SENTINEL_TLS_CERT_PATH => '', VPN_SENTINEL_TLS_CLIENT_CERT => '',
        VPN_SENTINEL_TLS_CLIENT_KEY => '', VPN_SENTINEL_ALLOW_INSECURE => 'false', VPN_SENTINEL_RUN_DIR => '',
        VPN_SENTINEL_HEALTH_PORT => 0, VPN_SENTINEL_DNS_ALLOWED => 'AS13335, AS15169, AS19281, AS36692',
    );
    is(setting($done, $_), "$default{$_} (default)", $_) for sort keys %default;
    my @listed = $done->{out} =~ /^(\w+)=/mg;
    is_deeply([sort @listed], [sort keys %default], 'and no others');
};

subtest 'environment beats file beats default, documented name beats older one, empty is unset' => sub {
    my $id = 'VPN_SENTINEL_CLIENT_ID';
    my $interval = 'VPN_SENTINEL_CHECK_INTERVAL';
    my $old = 'VPN_SENTINEL_INTERVAL';
    my $check = sub { run_client(args => ['--check-config'], @_) };

    is(setting($check->(config => "$id=from-file\n"), $id), 'from-file (file)');
    is(setting($check->(config => "$id=from-file\n", env => { $id => 'from-env' }), $id), 'from-env (environment)');
    is(setting($check->(config => "$id=from-file\n", env => { $id => '' }), $id), 'from-file (file)');
    is(setting($check->(config => "$id=\n"), $id), 'default-client (default)');
    is(setting($check->(env => { $old => 7 }), $interval), '7 (environment)');
    is(setting($check->(env => { $old => 7, $interval => 8 }), $interval), '8 (environment)');
    is(setting($check->(env => { $old => 7 }, config => "$interval=8\n"), $interval), '7 (environment)');
    is(setting($check->(env => { $old => 7, $interval => '' }), $interval), '7 (environment)');
    is(setting($check->(env => { VPN_SENTINEL_URL => 'http://old:1' }), 'VPN_SENTINEL_SERVER_URL'),
        'http://old:1 (environment)');
    is(setting($check->(config => qq{# comment\r\n\r\n  $id = "quoted"  \n$interval='5'}), $id), 'quoted (file)',
        'comments, spaces, quotes, line ends');
    is(setting($check->(config => "$id=one\n$id=two\n"), $id), 'two (file)', 'the last one counts');
};

subtest 'the configuration file' => sub {
    my $missing = run_client(args => ['--config', '/nonexistent/client.conf', '--check-config'], default_config => 1);
    is($missing->{status}, 2, 'a named one must be there');
    like($missing->{err}, qr{/nonexistent/client\.conf cannot be read: No such file});

    my %bad = (
        "VPN_SENTINEL_CLIENT_ID\n" => qr/line 1: not NAME=value/,
        "\n$KEY=x\n" => qr/line 2: not NAME=value/,
        "VPN_SENTINEL_NONSENSE=1\n" => qr/line 1: VPN_SENTINEL_NONSENSE is not a setting/,
        "VPN_SENTINEL_CLIENT_ID=\"open\n" => qr/line 1: .*closing quote/,
        "VPN_SENTINEL_CLIENT_ID=a\0b\n" => qr/no text/,
        '#' x 20_000 => qr/longer than 16 KiB/,
        "VPN_SENTINEL_DEBUG=1\n" x 65 => qr/line 65: too many/,
        "VPN_SENTINEL_CHECK_INTERVAL=soon\n" => qr/VPN_SENTINEL_CHECK_INTERVAL is "soon"/,
    );
    for my $text (sort keys %bad) {
        my $done = run_client(args => ['--check-config'], config => $text);
        is($done->{status}, 2, substr $text, 0, 40);
        like($done->{err}, $bad{$text});
    }
};

subtest 'bad values are named, with what is allowed' => sub {
    my $long = 'x' x 600;
    my @bad = (
        [VPN_SENTINEL_CLIENT_ID => 'a b', 'letters, digits and hyphens'],
        [VPN_SENTINEL_CLIENT_ID => 'x' x 101, 'letters, digits and hyphens'],
        [VPN_SENTINEL_SERVER_URL => 'localhost:5000', 'an http or https URL'],
        [VPN_SENTINEL_SERVER_URL => 'ftp://server', 'an http or https URL'],
        [VPN_SENTINEL_SERVER_URL => 'http://', 'an http or https URL'],
        [VPN_SENTINEL_SERVER_URL => 'http://server/?x=1', 'an http or https URL'],
        [VPN_SENTINEL_SERVER_URL => 'http://server/a b', 'an http or https URL'],
        [VPN_SENTINEL_SERVER_URL => "http://$long", 'an http or https URL'],
        [VPN_SENTINEL_URL => 'nonsense', 'an http or https URL'],
        [VPN_SENTINEL_API_PATH => '/api?x', 'a URL path'],
        [VPN_SENTINEL_API_PATH => "/$long", 'a URL path'],
        [VPN_SENTINEL_CHECK_INTERVAL => '0', 'seconds from 1 to 86400'],
        [VPN_SENTINEL_CHECK_INTERVAL => '86401', 'seconds from 1 to 86400'],
        [VPN_SENTINEL_CHECK_INTERVAL => '-5', 'seconds from 1 to 86400'],
        [VPN_SENTINEL_CHECK_INTERVAL => '10s', 'seconds from 1 to 86400'],
        [VPN_SENTINEL_INTERVAL => '99999999999999999999', 'seconds from 1 to 86400'],
        [VPN_SENTINEL_TIMEOUT => '301', 'seconds from 1 to 300'],
        [VPN_SENTINEL_DEBUG => 'maybe', 'true, false'],
        [VPN_SENTINEL_API_KEY_FILE => '/nonexistent/key', 'a readable file'],
        [VPN_SENTINEL_GEOLOCATION_SERVICE => 'geoip', 'auto, ipinfo.io, ip-api.com, ipwhois.app or gluetun'],
        [VPN_SENTINEL_GEOLOCATION_SERVICE => 'gluetun', 'VPN_SENTINEL_GLUETUN_URL is not set'],
        [VPN_SENTINEL_CLOUDFLARE_DNS => '1.1.1.1:0', 'an address and a port'],
        [VPN_SENTINEL_CLOUDFLARE_DNS => '2606:4700::1111', 'an address and a port'],
        [VPN_SENTINEL_CLOUDFLARE_DNS => '[1.1.1.1]:53', 'an address and a port'],
        [VPN_SENTINEL_DNS_WHOAMI => 'who am i', 'a host name'],
        [VPN_SENTINEL_DNS_WHOAMI => 'a..b', 'a host name'],
        [VPN_SENTINEL_HEALTH_PORT => '65536', 'a port from 1 to 65535'],
    );
    for my $case (@bad) {
        my ($name, $value, $allowed) = @$case;
        my $done = run_client(args => ['--check-config'], env => { $name => $value });
        my $shown = substr $value, 0, 200;
        is($done->{status}, 2, "$name=" . substr $value, 0, 30);
        like($done->{err}, qr/$name is "\Q$shown\E.*\Q$allowed\E/);
    }
    is(run_client(env => { VPN_SENTINEL_TIMEOUT => 'x' }, args => $_)->{status}, 2, "also with @$_")
        for [], ['--once'], ['--print'];
};

subtest 'secrets are not shown' => sub {
    my $password = run_client(args => ['--once'], env => { VPN_SENTINEL_SERVER_URL => "http://user:$KEY\@server" });
    is($password->{status}, 2, 'a password in the URL is refused');
    like($password->{err}, qr/VPN_SENTINEL_SERVER_URL .*without user name/);
    my $bad = run_client(args => ['--once'], env => { VPN_SENTINEL_API_KEY => "$KEY with space" });
    is($bad->{status}, 2, 'so is a bad key');
    like($bad->{err}, qr/VPN_SENTINEL_API_KEY .*visible ASCII/);
    my $check = run_client(args => ['--check-config'], env => with_world(IPINFO_API_TOKEN => $TOKEN));
    is(setting($check, 'VPN_SENTINEL_API_KEY'), '*** (environment)');
    is(setting($check, 'IPINFO_API_TOKEN'), '*** (environment)');
};

subtest 'one round' => sub {
    my $before = $world->requests('keepalive');
    my $done = run_client(
        args => ['--once'],
        env => with_world(
            VPN_SENTINEL_CLIENT_ID => 'office-vpn', IPINFO_API_TOKEN => $TOKEN,
            VPN_SENTINEL_HEALTH_SCRIPT => '/bin/true',
        ),
    );
    is($done->{status}, 0, 'accepted');
    my $stamp = qr/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]/;
    my $line = '[report] ✅ Keepalive accepted: office-vpn | IP: 198.51.100.7 | Location: București, RO';
    like($done->{err}, qr/^$stamp \Q$line\E$/m, 'told');
    is(scalar(my @sent = $world->requests('keepalive')), $before + 1, 'one request');

    my $request = last_request('keepalive');
    is($request->{path}, '/api/v1/keepalive', 'path');
    is($request->{header}{'x-api-key'}, $KEY, 'key');
    is($request->{header}{'content-type'}, 'application/json', 'type');
    like($request->{header}{'user-agent'}, qr{^vpn-sentinel-client/\d}, 'user agent');
    my $body = decode_body($request);
    like(delete $body->{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'timestamp');
    like(delete $body->{client_version}, qr{^vpn-sentinel-client/\d}, 'client_version');
    is_deeply($body, {
        client_id => 'office-vpn', public_ip => '198.51.100.7', location => 'RO', city => 'București',
        region => 'București', country => 'RO', dns_loc => 'RO', dns_colo => 'OTP',
        provider => 'AS9009 M247 Europe SRL', timezone => 'Europe/Bucharest', vpn_connected => JSON::PP::true,
        dns_resolver_ip => undef, dns_source => 'trace', dns_path => undef, dns_verdict => undef,
        public_ip6 => undef, ipv6_verdict => undef,
    }, 'body');
    is(last_request('ipinfo')->{path}, '/198.51.100.7/json', 'the place of the address of the trace');
    is(last_request('ipinfo')->{header}{authorization}, "Bearer $TOKEN", 'with the token');
    ok(!exists last_request('ipinfo')->{header}{'x-api-key'}, 'which is no business of the server, nor the key theirs');
    ok(!exists last_request('keepalive')->{header}{authorization});
    is(scalar(my @asked = $world->requests('ip-api')), 0, 'the second provider was not needed');
};

subtest 'IPv6' => sub {
    $world->address('2001:db8::7');
    my $done = run_client(args => ['--once'], env => with_world());
    is($done->{status}, 0);
    is(last_request('ipinfo')->{path}, '/2001:db8::7/json');
    like(last_request('keepalive')->{body}, qr/"public_ip":"2001:db8::7"/);
    $world->address('198.51.100.7');
};

subtest 'print' => sub {
    my $before = $world->requests('keepalive');
    my $done = run_client(args => ['--print'], env => with_world());
    is($done->{status}, 0);
    is($done->{out} =~ tr/\n//, 1, 'one line');
    my $body = JSON::PP->new->decode($done->{out});
    is($body->{public_ip}, '198.51.100.7');
    is($body->{client_id}, 'default-client');
    is(scalar(my @sent = $world->requests('keepalive')), $before, 'nothing was sent');
};

subtest 'where the report goes' => sub {
    my @case = (
        ['', undef, '/api/v1/keepalive'],
        ['/', undef, '/api/v1/keepalive'],
        ['///', undef, '/api/v1/keepalive'],
        ['/vpn', undef, '/vpn/api/v1/keepalive'],
        ['/vpn//', '/other/', '/vpn/other/keepalive'],
        ['', 'other', '/other/keepalive'],
        ['/', '/', '/keepalive'],
    );
    for my $case (@case) {
        my ($suffix, $path, $expected) = @$case;
        my %more = defined $path ? (VPN_SENTINEL_API_PATH => $path) : ();
        my $done = run_client(
            args => ['--once'], env => with_world(VPN_SENTINEL_SERVER_URL => $world->url . $suffix, %more));
        is($done->{status}, 0);
        is(last_request('keepalive')->{path}, $expected, "$suffix + " . ($path // 'default'));
    }
    my $base = $world->url . '/mirror/';
    my $done = run_client(
        args => ['--once'],
        env => with_world(
            VPN_SENTINEL_TRACE_URL => $base, VPN_SENTINEL_IPINFO_URL => $base, VPN_SENTINEL_IPAPI_URL => $base));
    is(last_request('trace')->{path}, '/mirror/cdn-cgi/trace', 'a mirror');
    is(last_request('ipinfo')->{path}, '/mirror/198.51.100.7/json', 'another');
};

subtest 'key file' => sub {
    my $file = File::Temp->new;
    my $write = sub { open my $out, '>', $file->filename or die; print {$out} @_; close $out };

    $write->("# the key\n\n  $KEY \r\nanother\n");
    my $with_file = with_world(VPN_SENTINEL_API_KEY => '', VPN_SENTINEL_API_KEY_FILE => $file->filename);
    my $done = run_client(args => ['--once'], env => $with_file);
    is($done->{status}, 0, 'accepted');
    is(last_request('keepalive')->{header}{'x-api-key'}, $KEY);

    for my $text ('', "# nothing\n", "$KEY with space\n", 'x' x 257, '#' x 2000 . "\n$KEY\n") {
        $write->($text);
        $done = run_client(args => ['--once'], env => $with_file);
        is($done->{status}, 2, 'no key in it');
        like($done->{err}, qr/VPN_SENTINEL_API_KEY_FILE is ".*a file with a key/);
    }
    $write->("other-key\n");
    $done = run_client(args => ['--once'], env => with_world(VPN_SENTINEL_API_KEY_FILE => $file->filename));
    is($done->{status}, 2, 'key and key file in one place');
    like($done->{err}, qr/both set/);
    $done = run_client(args => ['--once'], env => with_world(),
        config => 'VPN_SENTINEL_API_KEY_FILE=' . $file->filename);
    is($done->{status}, 0, 'the environment beats the file here too');
};

subtest 'no key, wrong key' => sub {
    my $done = run_client(args => ['--once'], env => with_world(VPN_SENTINEL_API_KEY => ''));
    is($done->{status}, 1, 'no key');
    ok(!exists last_request('keepalive')->{header}{'x-api-key'});
    like($done->{err}, qr/refuses the API key \(HTTP 401: Invalid or missing API key\): see VPN_SENTINEL_API_KEY$/m);
    $done = run_client(args => ['--once'], env => with_world(VPN_SENTINEL_API_KEY => 'wrong'));
    is($done->{status}, 1, 'wrong key');
};

subtest 'a server that echoes the key, a place that forges a line' => sub {
    $world->misbehave(keepalive => {
        status => 400, body => qq({"error":"Bad request","message":"key $KEY\\n[2025-01-01 00:00:00] [report] forged"}),
    });
    my $done = run_client(args => ['--once'], env => with_world());
    is($done->{status}, 1);
    like($done->{err}, qr/HTTP 400.*key \*+\\x0A\[2025/i, 'masked and escaped');
    $world->behave('keepalive');
};

done_testing;
