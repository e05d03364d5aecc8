# tools/vpn-sentinel-migrate: what an .env of the original becomes works, for server and client; secrets go
# to files only; when anything is wrong, nothing is written.
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
my $TOOL = "$SOURCE/tools/vpn-sentinel-migrate";
my $KEY = 'k3y-of-the-original';
my $FOLDER = tempdir('migrate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($API, $DASHBOARD, $HEALTH) = 0 .. 2;

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or return undef;
    local $/;
    return scalar <$in>;
}

sub put {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return $path;
}

# A folder for secrets; the tool makes it.
sub folder {
    my $number = 0 + our $folders++;
    return "$FOLDER/secrets$number";
}

# Runs the tool. Returns what it wrote, its exit status and its words.
sub migrate {
    my ($env, %option) = @_;
    my $file = put("$FOLDER/.env", $env);
    my $secrets = $option{secrets} // folder();
    my $path = $option{path} // $ENV{PATH};
    my @flags = $option{client} ? '--client' : ();
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', "$FOLDER/told" or die;
        $ENV{PATH} = $path;
        delete @ENV{ grep { /^(?:VPN_SENTINEL|TELEGRAM|IPINFO)_/ } keys %ENV };
        exec $TOOL, @flags, '--secrets', $secrets, $file or die "exec: $!";
    }
    my $conf = do { local $/; <$out> } // '';
    close $out;
    return { conf => $conf, status => $? >> 8, told => slurp("$FOLDER/told"), secrets => $secrets };
}

sub is_refused {
    my ($env, $words, $name, %option) = @_;
    my $done = migrate($env, %option);
    is($done->{status}, 1, "$name: refused");
    is($done->{conf}, '', '... nothing is written');
    is_deeply([ grep { !/\/\.\.?\z/ } glob "$done->{secrets}/* $done->{secrets}/.*" ], [], '... no file left')
        if !$option{secrets};
    like($done->{told}, $words, '... and it is told why');
    return unlike($done->{told}, qr/s3cret/, '... without a secret');
}

# --- the variables of the original, all of them ------------------------------------------------------

my $SERVER = <<"END";
# the server
VPN_SENTINEL_API_KEY=$KEY
VPN_SENTINEL_API_PATH=/vpn/v1
VPN_SENTINEL_SERVER_API_PORT=15000
VPN_SENTINEL_SERVER_DASHBOARD_PORT=18080
VPN_SENTINEL_SERVER_HEALTH_PORT=18081
VPN_SENTINEL_SERVER_RATE_LIMIT=3
VPN_SENTINEL_SERVER_CHECK_INTERVAL=30
VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD=120
VPN_SENTINEL_ALLOWED_IPS=127.0.0.1, 2001:db8::/32
VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED=true
VPN_SENTINEL_WEB_DASHBOARD_ENABLED=true
VPN_SENTINEL_TELEGRAM_ENABLED=true
VPN_SENTINEL_TELEGRAM_TOKEN=$BotApi::TOKEN
VPN_SENTINEL_TELEGRAM_CHAT_ID=$BotApi::CHAT
VPN_SENTINEL_TELEGRAM_API_BASE=BOT
VPN_SENTINEL_SERVER_PUBLIC_IP=198.51.100.7
VPN_SENTINEL_IPINFO_URL=https://ipinfo.example.org
VPN_SENTINEL_IPAPI_URL=https://ipapi.example.org
IPINFO_API_TOKEN=t0ken-of-ipinfo
VPN_SENTINEL_STATE_DIR=/var/lib/vpnsentinel
TZ=UTC
VPN_SERVICE_PROVIDER=privatevpn
END

# With ports and folders of a test.
sub localized {
    my ($conf) = @_;
    return $conf =~ s/\b15000\b/\@PORT\@/gr =~ s/\b18080\b/\@PORT1\@/gr =~ s/\b18081\b/\@PORT2\@/gr
        =~ s{/var/lib/vpnsentinel}{\@ROOT\@/state}r;
}

sub serve {
    my ($conf, @modules) = @_;
    return VpsHttpd->start(conf => localized($conf), modules => [ 'alias', @modules ], ports => 3, listen => 0);
}

subtest 'the server' => sub {
    my $bot = BotApi->start;
    my $done = migrate($SERVER =~ s/=BOT$/'=' . $bot->url/mer);
    is($done->{status}, 0, 'taken') or diag $done->{told};
    my %secret = ('api-keys' => $KEY, 'telegram-token' => $BotApi::TOKEN, 'ipinfo-token' => 't0ken-of-ipinfo');
    for (sort keys %secret) {
        is(slurp("$done->{secrets}/$_"), "$secret{$_}\n", "$_ has its secret");
        is((stat "$done->{secrets}/$_")[2] & 07777, 0600, '... for its owner only');
        unlike($done->{conf} . $done->{told}, qr/\Q$secret{$_}\E/, '... and it is nowhere else');
    }
    like($done->{conf}, qr/^\Q$_\E$/m, $_) for 'VPNSentinelRateLimit 3', 'VPNSentinelCheckInterval 30',
        'VPNSentinelOfflineThreshold 120', 'VPNSentinelAllowedIPs 127.0.0.1, 2001:db8::/32',
        'VPNSentinelServerPublicIP 198.51.100.7', 'VPNSentinelIPInfoURL "https://ipinfo.example.org"',
        'VPNSentinelIPAPIURL "https://ipapi.example.org"';
    my @lost = grep { $done->{told} !~ /: $_: / } $SERVER =~ /^(\w+)=/mg;
    is("@lost", '', 'the fate of each variable is told');
    unlike($done->{told}, qr/300 seconds/, 'no default is told of');
    my @unused = $done->{told} =~ /^vpn-sentinel-migrate: (\w+): not used/mg;
    is("@unused", 'TZ VPN_SERVICE_PROVIDER', 'none is lost');

    my $httpd = serve($done->{conf});
    my %key = ('X-API-Key' => $KEY);
    my $report = '{"client_id":"office","public_ip":"203.0.113.42"}';
    my $post = sub {
        return $httpd->request('POST', '/vpn/v1/keepalive', { port => $API, headers => $_[0], content => $report });
    };
    is($post->(\%key)->{status}, 200, 'a keepalive with the same key, on its port and path');
    is($post->({})->{status}, 401, '... none without');
    is($post->({ Authorization => "Bearer $KEY" })->{status}, 200, '... the key as a bearer, too');
    is($post->(\%key)->{status}, 429, '... as many as the limit says');
    like($httpd->request('GET', '/dashboard', { port => $DASHBOARD })->{content}, qr/office/, 'the dashboard');
    is($httpd->request('GET', '/health', { port => $HEALTH })->{content}, 'OK', 'health');
    is($httpd->request('GET', '/health', { port => $API })->{status}, 404, '... on its port only');
    ok($httpd->wait_for(sub { grep { $_->{plain} =~ /office/ } $bot->messages }), 'Telegram is told');
    ok(-s $httpd->root . '/state/vpnsentinel.db', 'the state is in its folder');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0030: /]);
};

# As docs/migration.md says it.
subtest 'a trial beside the original' => sub {
    my ($script) = slurp("$SOURCE/docs/migration.md") =~ /^<!-- run: trial -->\n```sh\n(.*?)^```$/ms or die 'no trial';
    my $secrets = folder();
    put("$FOLDER/.env", $SERVER =~ s/^(\w+_PORT=)1/$1/mgr =~ s{=BOT$}{=http://127.0.0.1:1}mr);
    $script =~ s/^vpn-sentinel-migrate /'$TOOL' --secrets '$secrets' /m;
    is(system("cd '$FOLDER' && { $script } 2>told"), 0, 'the recipe works') or diag slurp("$FOLDER/told");
    is((stat "$FOLDER/trial.env")[2] & 07777, 0600, 'the copy of the key is nobody else\'s');
    my $conf = slurp("$FOLDER/trial.conf");
    unlike($conf, qr/Listen (?:5000|8080|8081)$/m, 'no port is the original\'s');
    my $httpd = serve($conf);
    like($httpd->request('GET', '/dashboard', { port => $DASHBOARD })->{content}, qr/VPN Sentinel/, 'it serves');
    my (undef, $status) = $httpd->json('GET', '/vpn/v1/status', { headers => { 'X-API-Key' => $KEY } });
    ok(!$status->{telegram}{enabled}, '... without the bot');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'TLS' => sub {
    my $certificate = `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout - 2>/dev/null`;
    put("$FOLDER/server.pem", $certificate);
    my $tls = join '', map { "VPN_SENTINEL_TLS_${_}_PATH=$FOLDER/server.pem\n" } 'CERT', 'KEY';
    my $done = migrate($SERVER =~ s/^VPN_SENTINEL_TELEGRAM.*\n//mgr . $tls);
    my $httpd = serve(qq{SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"\n$done->{conf}}, qw(socache_shmcb ssl));
    for my $index ($API, $DASHBOARD, $HEALTH) {
        my $port = $httpd->port($index);
        like(`printf 'GET /health HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:$port 2>/dev/null`,
            qr{\AHTTP/1\.1 }, "port $index");
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [ qr/AH01909|AH01906|AH01873/ ]);
    $done = migrate("VPN_SENTINEL_API_KEY=x\nVPN_SENTINEL_TLS_CERT_PATH=/certs/a.pem\n");
    like($done->{told}, qr/TLS_CERT_PATH: not used by a server without VPN_SENTINEL_TLS_KEY_PATH/, 'without a key');
    unlike($done->{conf}, qr/SSL/, '... there is none');
};

subtest 'the client' => sub {
    my $httpd = VpsHttpd->start(conf => "VPNSentinelAPI /vpn/v1\nVPNSentinelAPIKey $KEY\n");
    my $url = $httpd->url('');
    my $done = migrate(<<"END", client => 1);
VPN_SENTINEL_URL=$url
VPN_SENTINEL_API_PATH=/vpn/v1
VPN_SENTINEL_CLIENT_ID=vpn-monitor-main
VPN_SENTINEL_API_KEY=$KEY
VPN_SENTINEL_INTERVAL=300
VPN_SENTINEL_TIMEOUT=30
VPN_SENTINEL_GEOLOCATION_SERVICE=ipinfo.io
VPN_SENTINEL_TLS_CERT_PATH=
VPN_SENTINEL_ALLOW_INSECURE=false
VPN_SENTINEL_DEBUG=true
VPN_SENTINEL_HEALTH_MONITOR=false
VPN_SENTINEL_HEALTH_PORT=8082
VPN_SENTINEL_HEALTH_SCRIPT=/bin/true
IPINFO_API_TOKEN=s3cret
VPN_SENTINEL_SERVER_API_PORT=5000
TELEGRAM_BOT_TOKEN=1:s3cret
VPN_SENTINEL_TLS_KEY_PATH=/certs/key.pem
END
    is($done->{status}, 0, 'taken') or diag $done->{told};
    is(slurp("$done->{secrets}/api-key"), "$KEY\n", 'the key is in a file');
    is((stat "$done->{secrets}/api-key")[2] & 07777, 0600, '... for its owner only');
    unlike($done->{conf} . $done->{told}, qr/s3cret|\Q$KEY\E/, '... and no secret elsewhere');
    like($done->{told}, qr/: $_: not used/, "$_ is not the client's") for 'VPN_SENTINEL_SERVER_API_PORT',
        'TELEGRAM_BOT_TOKEN', 'VPN_SENTINEL_TLS_KEY_PATH', 'VPN_SENTINEL_HEALTH_PORT';
    like($done->{told}, qr/: IPINFO_API_TOKEN: a secret: write it yourself/, 'a token is left to the user');
    my $checked = ClientDaemon->run(args => ['--check-config'], config => $done->{conf});
    is($checked->{status}, 0, 'the client takes it') or diag $checked->{err};
    like($checked->{out}, qr/^$_/m, "... $_") for 'VPN_SENTINEL_CHECK_INTERVAL\s*=?\s*300', 'VPN_SENTINEL_TIMEOUT\s*=?\s*30',
        'VPN_SENTINEL_GEOLOCATION_SERVICE\s*=?\s*ipinfo.io';
    my $once = ClientDaemon->run(args => ['--once'], config => $done->{conf});
    is($once->{status}, 0, '... and reports with it') or diag $once->{err};
    my (undef, $list) = $httpd->json('GET', '/vpn/v1/clients', { headers => { 'X-API-Key' => $KEY } });
    is($list->{clients}[0]{client_id}, 'vpn-monitor-main', '... by its name');
    $done = migrate("VPN_SENTINEL_HEALTH_MONITOR=true\nVPN_SENTINEL_HEALTH_PORT=8082\n", client => 1);
    like($done->{conf}, qr/^VPN_SENTINEL_HEALTH_PORT=8082$/m, 'a health port that is on');
    $httpd->stop;
    $httpd->check_error_log;
};

# --- names, one by one ---------------------------------------------------------------------------------

my $on = "TELEGRAM_CHAT_ID=-5\nTELEGRAM_BOT_TOKEN=1:a";
my @becomes = (
    [ 'VPN_SENTINEL_SERVER_RATE_LIMIT_REQUESTS=60', 'VPNSentinelRateLimit 60' ],
    [ 'VPN_SENTINEL_SERVER_ALERT_THRESHOLD_MINUTES=15', 'VPNSentinelOfflineThreshold 15min' ],
    [ 'VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES=30', 'VPNSentinelOfflineThreshold 30min' ],
    [ 'VPN_SENTINEL_SERVER_CHECK_INTERVAL_MINUTES=5', 'VPNSentinelCheckInterval 5min' ],
    [ 'VPN_SENTINEL_SERVER_ALLOWED_IPS=192.0.2.1,192.0.2.2', 'VPNSentinelAllowedIPs 192.0.2.1,192.0.2.2' ],
    [ $on, 'VPNSentinelTelegram on' ],
    [ "$on\nVPN_SENTINEL_TELEGRAM_ENABLED=auto", 'VPNSentinelTelegram on' ],
    [ "$on\nVPN_SENTINEL_TELEGRAM_ENABLED=false", 'VPNSentinelTelegram off' ],
    [ 'TELEGRAM_BOT_TOKEN=your_telegram_bot_token_here', 'VPNSentinelTelegram off' ],
    [ 'VPN_SENTINEL_TELEGRAM_THREAD_ID=7', 'VPNSentinelTelegramThreadID 7' ],
    [ 'VPN_SENTINEL_SERVER_PUBLIC_IP=auto', 'VPNSentinelServerPublicIP auto' ],
    [ 'VPN_SENTINEL_API_PATH=api/v2', '    VPNSentinelAPI "/api/v2"' ],
    [ 'A=b', '    VPNSentinelAPI' ],
);
for (@becomes) {
    my ($env, $line) = @$_;
    my $done = migrate("VPN_SENTINEL_API_KEY=x\n$env\n");
    like($done->{conf}, qr/^\Q$line\E$/m, "$env: $line" =~ s/\n/, /gr);
}
my $of_the_original = "VPN_SENTINEL_SERVER_ALLOWED_IPS=192.0.2.1\nVPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED=false\n";
unlike(migrate($of_the_original)->{conf}, qr/AllowedIPs/, 'a list that is switched off');
unlike(migrate('VPN_SENTINEL_ALLOWED_IPS=192.0.2.1')->{conf}, qr/AllowedIPs/, 'one that is not switched on');
for (qw(VPN_SENTINEL_WEB_DASHBOARD_ENABLED VPN_SENTINEL_SERVER_WEB_DASHBOARD_ENABLED
    VPN_SENTINEL_SERVER_DASHBOARD_ENABLED)) {
    unlike(migrate("$_=no\n")->{conf}, qr/Dashboard|8080/, "$_=no: no dashboard");
}
my $closed = migrate("TZ=UTC\n");
like($closed->{told}, qr/everybody in, this server nobody/, 'no key: it is told');
unlike($closed->{conf}, qr/^VPNSentinelAPIKey/m, '... and the API is closed');
like($closed->{told}, qr/OFFLINE_THRESHOLD.* 300 seconds/, 'no threshold: it is told');
my $both = migrate("VPN_SENTINEL_SERVER_RATE_LIMIT_REQUESTS=5\nVPN_SENTINEL_SERVER_RATE_LIMIT=7\n");
like($both->{conf}, qr/^VPNSentinelRateLimit 7$/m, 'the documented name wins');
like($both->{told}, qr/RATE_LIMIT_REQUESTS: not used: VPN_SENTINEL_SERVER_RATE_LIMIT goes before it/, '... it is told');

# --- the form of an .env ---------------------------------------------------------------------------------

my %form = (
    'plain' => 'VPN_SENTINEL_API_KEY=a-b',
    'spaces, a comment' => '  VPN_SENTINEL_API_KEY = a-b   # old one: "c"',
    'double quotes' => 'VPN_SENTINEL_API_KEY="a-b" # x',
    'single quotes' => "export VPN_SENTINEL_API_KEY='a-b'",
    'CRLF' => "A=b\r\nVPN_SENTINEL_API_KEY=a-b\r\n\r\n",
    'byte-order mark' => "\xEF\xBB\xBFVPN_SENTINEL_API_KEY=a-b",
    'twice' => "VPN_SENTINEL_API_KEY=c\nVPN_SENTINEL_API_KEY=a-b",
);
for (sort keys %form) {
    my $done = migrate($form{$_});
    is(slurp("$done->{secrets}/api-keys"), "a-b\n", "$_: the key") or diag $done->{told};
}
my %odd = (
    q{"a\\"b\\\\c#d"} => 'a"b\\c#d', q{'a"b\\c$HOME'} => 'a"b\\c$HOME', 'a#b' => 'a#b', 'a"b' => 'a"b', 'a$1' => 'a$1',
    'a=b=' => 'a=b=', q{'a%s&\\n'} => 'a%s&\\n',
);
for (sort keys %odd) {
    my $done = migrate("VPN_SENTINEL_API_KEY=$_\n");
    is(slurp("$done->{secrets}/api-keys"), "$odd{$_}\n", "$_ is taken as it is") or diag $done->{told};
}

# --- what is refused ---------------------------------------------------------------------------------------

my $key = "VPN_SENTINEL_API_KEY=s3cret\n";
is_refused("${key}what is s3cret\n", qr/line 2 is not NAME=value/, 'a line of something else');
is_refused('VPN_SENTINEL_API_KEY="s3cret', qr/line 1: the closing quote is missing/, 'half a quote');
is_refused('VPN_SENTINEL_API_KEY="s3cret"x', qr/line 1: the closing quote is missing, or/, 'text behind a quote');
is_refused('VPN_SENTINEL_API_KEY=s3cret$KEY', qr/line 1: \$ stands for another variable/, 'a variable');
is_refused('VPN_SENTINEL_API_KEY="s3cret ${KEY}"', qr/line 1: \$ stands for another/, 'a variable in quotes');
is_refused('VPN_SENTINEL_API_KEY=s3cret two', qr/API_KEY: must be 1 to 256 visible/, 'a key with a space');
is_refused("VPN_SENTINEL_API_KEY='#s3cret'", qr/API_KEY: must be .* not begin with #/, 'a key like a comment');
is_refused("${key}VPN_SENTINEL_API_KEY=a\tb\n", qr/line 2: there is a control character/, 'a control character');
my %bad = (
    VPN_SENTINEL_SERVER_API_PORT => [ 'x', '70000', '8080' ], VPN_SENTINEL_SERVER_RATE_LIMIT => [ '1001', '-1', '1.5' ],
    VPN_SENTINEL_SERVER_RATE_LIMIT_WINDOW => ['30'], VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD => ['5m; x'],
    VPN_SENTINEL_SERVER_ALERT_THRESHOLD_MINUTES => [ '0', '5min' ], VPN_SENTINEL_WEB_DASHBOARD_ENABLED => ['perhaps'],
    VPN_SENTINEL_SERVER_ALLOWED_IPS => ['everybody'], VPN_SENTINEL_SERVER_PUBLIC_IP => ['"'],
    VPN_SENTINEL_API_PATH => [ '/a" "', '/a/$x' ], VPN_SENTINEL_TELEGRAM_API_BASE => [ 'ftp://x', q{'http://${X}'} ],
    VPN_SENTINEL_STATE_DIR => [ 'state', '/a"b' ], VPN_SENTINEL_TELEGRAM_ENABLED => ['true'],
    VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED => ['true'],
);
for my $name (sort keys %bad) {
    is_refused("$key$name=$_\n", qr/error: (?:$name|line 2|two services)/, "$name=$_") for @{ $bad{$name} };
}

subtest 'a secret that is there already' => sub {
    my $secrets = folder();
    is(migrate($key, secrets => $secrets)->{status}, 0, 'once');
    is(migrate($key, secrets => $secrets)->{status}, 0, 'once more: the same');
    is_refused("VPN_SENTINEL_API_KEY=another\n$on\n", qr/api-keys is there already and holds something else/, 'another one',
        secrets => $secrets);
    is(slurp("$secrets/api-keys"), "s3cret\n", '... the first one stays');
    ok(!-e "$secrets/telegram-token", '... and no other is written');
    is_deeply([ glob "$secrets/.m*" ], [], '... nothing is left behind');
};

# --- what other users of the machine see ------------------------------------------------------------------

subtest 'no program is given a secret' => sub {
    my $programs = "$FOLDER/bin";
    mkdir $programs or die;
    my @programs = qw(awk sed cat cmp ln mktemp mkdir rm);
    for my $program (@programs) {
        my ($real) = grep { -x } map { "$_/$program" } split /:/, $ENV{PATH};
        put("$programs/$program", qq{#!/bin/sh\n{ echo $program; printf '%s\\n' "\$@"; env; } >>'$FOLDER/seen'\nexec $real "\$@"\n});
        chmod 0755, "$programs/$program";
    }
    my $done = migrate("${key}$on-s3cret\nIPINFO_API_TOKEN=s3cret\n", path => "$programs:$ENV{PATH}");
    is($done->{status}, 0, 'done');
    my $seen = slurp("$FOLDER/seen");
    like($seen, qr/^$_$/m, "$_ is watched") for qw(awk ln cat);
    unlike($seen, qr/s3cret/, 'as an argument or in its environment');
};

# --- command line, manual -------------------------------------------------------------------------------------

for ([], [ 'a', 'b' ], ['--what'], ['--secrets'], [ '--secrets', 'relative', $TOOL ], [ '--secrets', '/a b', $TOOL ]) {
    my @argument = map { "'$_'" } @$_;
    is(system("'$TOOL' @argument >/dev/null 2>&1") >> 8, 2, "@argument: told how it is used");
}
is(system("'$TOOL' '$FOLDER/nowhere' >/dev/null 2>&1") >> 8, 1, 'no file');
like(`'$TOOL' --help`, qr/^usage: vpn-sentinel-migrate \[--client\] \[--secrets FOLDER\] FILE$/m, '--help');

subtest 'docs/migration.md' => sub {
    my $page = slurp("$SOURCE/docs/migration.md") // '';
    my %row = map { my $row = $_; map { $_ => $row } /`([A-Z_]+)`/g } $page =~ /^\| (`[A-Z].*)$/mg;
    my %known = map { $_ => 1 } slurp($TOOL) =~ /\b((?:VPN_SENTINEL|TELEGRAM)_[A-Z_]*[A-Z]|IPINFO_API_TOKEN)\b/g;
    delete @known{qw(VPN_SENTINEL_SERVER VPN_SENTINEL_API_KEY_FILE)};
    is_deeply([ grep { !$row{$_} } sort keys %known ], [], 'has each variable that the tool knows');
    for my $name (sort keys %row) {
        my @told = map { migrate("$name=1\n", client => $_)->{told} } 0, 1;
        ok((grep { !/nobody knows it/ } @told), "$name: the tool knows it");
    }
};

done_testing;
