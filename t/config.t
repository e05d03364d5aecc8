# "httpd -t": which values are allowed, and what is said of those that are not.
use strict;
use warnings;

use Test::More;

use ConfigTest;
use VpsHttpd;

my $secret = $SECRET;
my $token = "110201543:$secret";

my $rate = qr/must be a whole number from 0 to 1000\b/;
my $clients = qr/must be a whole number from 1 to 1000000\b/;
my $threshold = qr/must be 2 to 604800 seconds, or a number with ms, s, min, h or d\b/;
my $networks = qr{must be IPv4 or IPv6 addresses or ranges like 192\.0\.2\.0/24 or 2001:db8::/32};
my $server_ip =
    qr/must be one IPv4 address, one IPv6 address, both, or auto or none alone\b/;
my $interval = qr/must be 1 to 3600 seconds, or a number with ms, s, min, h or d\b/;
my $ten_years = qr/must be 0 to 315360000 seconds, or a number with ms, s, min, h or d\b/;
my $boolean = qr/must be true, false, on, off, yes, no, 1 or 0\b/;
my $key = qr/a key is 1 to 256 visible ASCII characters without space/;
my $plain = qr/must be a plain path, without space, '\?', '#', '%' or '\\'/;
my $segment = qr/must have no empty, '\.' or '\.\.' segment/;

subtest 'numbers and durations' => sub {
    my %numbers = (
        VPNSentinelRateLimit => {
            good => [qw(0 1 30 1000)],
            bad => [qw(-1 1001 +5 1.5 30x 0x1e x 99999999999999999999)],
            allowed => $rate,
            variable => 'VPN_SENTINEL_SERVER_RATE_LIMIT',
        },
        VPNSentinelMaxClients => {
            good => [qw(1 10000 1000000)],
            bad => [qw(0 -1 1000001 4294967297 1k many)],
            allowed => $clients,
        },
        VPNSentinelMetricsMaxClients => {
            good => [qw(0 1 1000 1000000)],
            bad => [qw(-1 1000001 1k all)],
            allowed => qr/must be a whole number from 0 to 1000000\b/,
        },
        VPNSentinelOfflineThreshold => {
            good => [qw(2 300 604800 2s 2000ms 5min 5mi 5MIN 168h 7d)],
            bad => [qw(0 1 604801 1999ms 1s 8d 169h 10sx 10m 1w -5 s 1.5h 99999999999999999999d)],
            allowed => $threshold,
            variable => 'VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD',
        },
        VPNSentinelCheckInterval => {
            good => [qw(1 60 3600 1000ms 10s 60min 1h)],
            bad => [qw(0 3601 999ms 0s -1 61min 2h 1d 1w 10sx)],
            allowed => $interval,
            variable => 'VPN_SENTINEL_SERVER_CHECK_INTERVAL',
        },
        VPNSentinelForgetAfter => {
            good => [qw(0 1 3600 30d 3650d 0d 315360000)],
            bad => [qw(-1 3651d 315360001 never 1.5d 2w 1y)],
            allowed => $ten_years,
        },
        VPNSentinelEventRetention => {
            good => [qw(0 1h 90d 3650d)],
            bad => [qw(-1 3651d forever 90days)],
            allowed => $ten_years,
        },
    );
    for my $directive (sort keys %numbers) {
        my $row = $numbers{$directive};
        my $variable = $row->{variable};
        is_allowed("$directive $_") for @{ $row->{good} };
        is_refused("$directive \"$_\"", "$directive: '$_' is not allowed: ", $row->{allowed})
            for @{ $row->{bad} };
        is_refused("$directive 10 10", $directive, qr/takes one argument/);
        is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""';
        next if !$variable;
        is_allowed('', env => { $variable => $_ }, name => "$variable=$_") for $row->{good}[0], '';
        for my $value (@{ $row->{bad} }[0 .. 2]) {
            is_refused('', "$variable: '$value' is not allowed: ", $row->{allowed},
                env => { $variable => $value }, name => "$variable=$value");
        }
    }
};

subtest 'the threshold in minutes' => sub {
    my $variable = 'VPN_SENTINEL_CLIENT_TIMEOUT_MINUTES';
    my $documented = 'VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD';
    my $allowed = qr/must be a whole number from 1 to 10080\b/;
    is_allowed('', env => { $variable => $_ }, name => "$variable=$_") for qw(1 30 10080), '';
    for my $value (qw(0 10081 -1 30m 1.5 soon)) {
        is_refused('', "$variable: '$value' is not allowed: ", $allowed,
            env => { $variable => $value }, name => "$variable=$value");
    }
    is_allowed('', env => { $variable => 'wrong', $documented => 300 },
        name => 'the documented variable in its place');
    is_allowed('VPNSentinelOfflineThreshold 300', env => { $variable => 'wrong' },
        name => 'the directive in its place');
};

subtest 'booleans' => sub {
    my @variables = qw(VPN_SENTINEL_WEB_DASHBOARD_ENABLED
        VPN_SENTINEL_SERVER_WEB_DASHBOARD_ENABLED VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED);
    for my $variable (@variables) {
        for my $value (qw(true false on off yes no 1 0 TRUE Off), '') {
            is_allowed('', name => "$variable=$value",
                env => { $variable => $value, VPN_SENTINEL_ALLOWED_IPS => '192.0.2.1' });
        }
        for my $value (qw(maybe 2 -1 tru truee 00), ' ', 'true ') {
            is_refused('', "$variable: '$value' is not allowed: ", $boolean,
                env => { $variable => $value }, name => "$variable=$value");
        }
    }
    is_allowed("VPNSentinelBadges $_") for qw(true false on off yes no 1 0 TRUE Off);
    is_refused("VPNSentinelBadges $_", "VPNSentinelBadges: '$_' is not allowed: ", $boolean)
        for qw(maybe 2 auto);
    my %two = (
        VPN_SENTINEL_WEB_DASHBOARD_ENABLED => 'true',
        VPN_SENTINEL_SERVER_WEB_DASHBOARD_ENABLED => 'wrong',
    );
    is_allowed('', env => \%two, name => 'the documented name counts, not its alias');
};

subtest 'allow lists' => sub {
    my $directive = 'VPNSentinelAllowedIPs';
    my $variable = 'VPN_SENTINEL_ALLOWED_IPS';
    my @good = (
        qw(192.0.2.1 192.0.2.0/24 192.0.2.7/24 192.0.2.1/32 0.0.0.0/0),
        qw(2001:db8::1 2001:db8::/32 ::/0 ::ffff:192.0.2.1),
        '192.0.2.1,198.51.100.0/24', '192.0.2.1, 2001:db8::/32', '192.0.2.1 2001:db8::/32',
    );
    my @bad = (
        qw(10 10.1 10.1/16 192.0.2.256 192.0.02.1 192.0.2.0/33 192.0.2.0/ 192.0.2.0/-1 192.0.2.0/x),
        qw(192.0.2.0/255.255.255.0 /24 2001:db8::/129 [2001:db8::1] fe80::1%eth0),
        qw(localhost all * 192.0.2.1;192.0.2.2),
    );
    is_allowed("$directive \"$_\"") for @good;
    is_allowed("$directive @good[0 .. 2]\n$directive $good[5]", name => "$directive twice");
    is_refused("$directive 192.0.2.1 \"$_\"", "$directive: '$_' is not allowed: ", $networks)
        for @bad;
    is_refused("$directive \"$_\"", "$directive: '$_' is not allowed: ", $networks)
        for '192.0.2.1,10.1', '192.0.2.1, all', ' ', ',';
    is_refused("$directive$_", $directive, qr/requires at least one argument/) for '', ' ""';

    my %on = (VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED => 'true');
    is_allowed('', env => { %on, $variable => $_ }, name => "$variable=$_") for @good[0 .. 2];
    for my $value (@bad[0 .. 2]) {
        is_refused('', "$variable: '$value' is not allowed: ", $networks,
            env => { %on, $variable => $value }, name => "$variable=$value");
        is_allowed('', env => { $variable => $value }, name => "not in force: $variable=$value");
    }
    my $empty = qr/must not be empty while VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED is true/;
    is_refused('', $variable, $empty, env => \%on, name => "no $variable");
    is_refused('', $variable, $empty, env => { %on, $variable => '' }, name => "empty $variable");
    is_refused('', $variable, qr/$empty|$networks/, env => { %on, $variable => $_ },
        name => "$variable='$_'") for ' ', ' , ';
    is_allowed("$directive 192.0.2.1", env => \%on, name => "$directive in place of the variable");

    my $alias = 'VPN_SENTINEL_SERVER_ALLOWED_IPS';
    is_allowed('', env => { %on, $alias => $good[1] }, name => "$alias=$good[1]");
    is_refused('', "$alias: '10.1' is not allowed: ", $networks, env => { %on, $alias => '10.1' },
        name => "$alias=10.1");
    is_allowed('', env => { %on, $alias => '10.1', $variable => $good[0] },
        name => "$variable in place of its alias");
    is_refused('', "$alias: '10.1' is not allowed: ", $networks, env => { $alias => '10.1' },
        name => "$alias alone is in force");
    is_allowed('', env => { $alias => '10.1', VPN_SENTINEL_SERVER_IP_WHITELIST_ENABLED => 'false' },
        name => "$alias, switched off");
};

subtest 'own address' => sub {
    my $directive = 'VPNSentinelServerPublicIP';
    my $variable = 'VPN_SENTINEL_SERVER_PUBLIC_IP';
    my @good = ('none', 'None', 'auto', 'AUTO', '192.0.2.1', '2001:db8::1', '192.0.2.1 2001:db8::1',
        '2001:db8::1 192.0.2.1');
    my @bad = ('192.0.2.1 192.0.2.2', '2001:db8::1 2001:db8::2', '192.0.2.1 ::ffff:192.0.2.2',
        '192.0.2.1 2001:db8::1 192.0.2.1', '192.0.2', '192.0.2.0/24', 'host.example', 'nonee',
        '192.0.2.1 none', 'none 192.0.2.1', '192.0.2.1 auto', 'auto 192.0.2.1', 'auto none',
        'none auto', 'auto auto');
    is_allowed("$directive $_") for @good, '"192.0.2.1, 2001:db8::1"';
    is_allowed("$directive 192.0.2.1\n$directive 2001:db8::1", name => "$directive twice");
    is_refused("$directive $_", $directive, qr/$server_ip|takes .* argument/)
        for @bad, '" "', '","';
    is_refused("$directive 192.0.2.1\n$directive 192.0.2.2", "$directive: '192.0.2.2' is not",
        $server_ip, name => "$directive twice, two of IPv4");
    is_refused("$directive$_", $directive, qr/(?:takes|requires) .* ?argument/) for '', ' ""';

    is_allowed('', env => { $variable => $_ }, name => "$variable=$_")
        for @good, '192.0.2.1,2001:db8::1', '';
    is_refused('', "$variable: '$_' is not allowed: ", $server_ip, env => { $variable => $_ },
        name => "$variable=$_") for @bad[0 .. 4], ' ', ',';
};

subtest 'keys' => sub {
    my $directive = 'VPNSentinelAPIKey';
    my $variable = 'VPN_SENTINEL_API_KEY';
    my $longest = $secret . 'x' x (256 - length $secret);
    my $none =
        qr/'none' is not allowed: 'none' opens the API to everybody and cannot stand beside a key/;
    my %bad = (
        'too long' => $longest . 'x',
        'with a space' => "$secret two",
        'not ASCII' => "$secret\x{c3}\x{bc}",
        'with a control character' => "$secret\x{7f}",
    );
    is_allowed("$directive $_")
        for $secret, $longest, "$secret two", "$secret\n$directive two", 'none', 'NONE';
    is_refused("$directive \"$bad{$_}\"", "$directive: ", $key, name => "a key $_")
        for sort keys %bad;
    is_refused("$directive$_", $directive, qr/requires at least one argument/) for '', ' ""';
    is_refused('', "$variable: none is no key", qr/VPNSentinelAPIKey none/, env => { $variable => 'none' },
        name => "$variable=none");
    my @both = ("none $secret", "$secret none", "$secret two none", "$secret\n$directive none",
        "none\n$directive $secret", "none\n${directive}File keys");
    for my $both (@both) {
        is_refused("$directive $both", "$directive", $none, name => "$directive $both",
            files => { keys => $secret });
    }
    is_allowed("$directive none\n<VirtualHost *:\@PORT\@>\n$directive $secret\n</VirtualHost>",
        name => 'none in the server, a key in a virtual host');

    is_allowed('', env => { $variable => $_ }, name => "$variable=$_") for $secret, $longest, '';
    for my $name (sort keys %bad) {
        is_refused('', "$variable: ", $key, env => { $variable => $bad{$name} },
            name => "$variable: a key $name");
    }
};

subtest 'key files' => sub {
    my $directive = 'VPNSentinelAPIKeyFile';
    my $long = $secret . 'x' x 300;
    my %good = (
        'one key' => $secret,
        'comments' => "# a\n\n\t \n  # b\n$secret\n$secret-two\n",
        'Windows' => "# a\r\n\r\n$secret\r\n",
        'the longest' => "  $secret" . 'x' x (256 - length $secret) . "  \n",
    );
    is_allowed("$directive keys", files => { keys => $good{$_} }, name => $_) for sort keys %good;
    is_allowed("$directive \"\@ROOT\@/keys\"", files => { keys => $secret },
        name => 'absolute path');

    my $nothing = qr{'.*/keys' is not allowed: the file is empty or has only comments};
    my %bad = (
        'two keys on a line' => [ "good\n$secret two\n", qr{$key \(line 2 of .*/keys\)} ],
        'not ASCII' => [ "# a\n\n$secret\x{c3}\x{bc}\n", qr{$key \(line 3 of .*/keys\)} ],
        'too long' => [ "$secret\n" . 'x' x 257 . "\n", qr{$key \(line 2 of .*/keys\)} ],
        'far too long' => [ $long x 100, qr{/keys\b.* too long} ],
        'empty' => [ '', $nothing ],
        'only comments' => [ "# $secret\n", $nothing ],
    );
    for my $name (sort keys %bad) {
        my ($content, $message) = @{ $bad{$name} };
        is_refused("$directive keys", "$directive: ", $message, files => { keys => $content },
            name => $name);
    }
    is_refused("$directive missing", "$directive: cannot read ", qr{/missing: .*No such file},
        name => 'missing');
    is_refused("$directive logs", "$directive: ", qr{/logs\b}, name => 'a folder');
    is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""';
};

subtest 'mounts' => sub {
    my @good = ('', '""', qw(/ /a /a/ /a/b.c /vpn-sentinel/api_v1 /.well-known/x /...));
    my @bad = (
        map({ [ $_, qr/must begin with a slash/ ] } 'api', './api', 'http://a/b'),
        map({ [ $_, $plain ] } '/a b', '/a?b', '/a#b', '/a%20b', "/a\tb", "/a\x{7f}b"),
        map({ [ $_, $segment ] } qw(// //a /a//b /a// /. /.. /./a /a/../b /a/..)),
    );
    for my $directive (map { "VPNSentinel$_" } qw(API Dashboard Health Metrics)) {
        is_allowed("$directive $_") for @good;
        is_refused("$directive /a /b", "$directive: '/b' is not allowed: it ",
            qr/takes one path at most/);
        is_allowed("$directive /a\n$directive /a\n$directive /b", name => "$directive, several");
        is_allowed("<VirtualHost *:\@PORT\@>\n$directive\n</VirtualHost>",
            name => "$directive in a virtual host");
    }
    for my $row (@bad) {
        my ($path, $message) = @$row;
        is_refused("VPNSentinelAPI \"$path\"", "VPNSentinelAPI: '$path' is not allowed: it ",
            $message);
    }
    is_refused('VPNSentinelAPI "/a\\b"', 'VPNSentinelAPI: \'/a\\b\' is not allowed: it ', $plain);
    for my $directive (qw(VPNSentinelHealth VPNSentinelDashboard)) {
        is_refused("$directive a", "$directive: 'a' is not allowed: it ", $bad[0][1]);
    }
    is_allowed('VPNSentinelDashboard off');
    is_allowed('VPNSentinelDashboard OFF');
    is_refused("$_ off", "$_: 'off' is not allowed: it ", qr/must begin with a slash/)
        for qw(VPNSentinelAPI VPNSentinelHealth);

    my $variable = 'VPN_SENTINEL_API_PATH';
    is_allowed('VPNSentinelAPI', env => { $variable => $_ }, name => "$variable=$_")
        for '', '/', '/a/b';
    for my $row (@bad[0, 4, -1]) {
        is_refused('VPNSentinelAPI', "$variable: '$row->[0]' is not allowed: it ", $row->[1],
            env => { $variable => $row->[0] }, name => "$variable=$row->[0]");
    }
    is_allowed('VPNSentinelAPI /a', env => { $variable => 'wrong' },
        name => 'a path in place of the variable');

    my $same = 'VPNSentinelAPI, VPNSentinelDashboard, VPNSentinelHealth and '
        . 'VPNSentinelMetrics must not claim '
        . 'the same path: ';
    my @conflicts = (
        [ '/x', "VPNSentinelAPI /x\nVPNSentinelDashboard /x" ],
        [ '/x', "VPNSentinelAPI /x/\nVPNSentinelDashboard /x" ],
        [ '/', "VPNSentinelAPI /\nVPNSentinelDashboard /" ],
        [ '/x/health', "VPNSentinelAPI /x/health\nVPNSentinelHealth /x" ],
        [ '/healthz', "VPNSentinelHealth\nVPNSentinelDashboard /healthz" ],
        [ '/m', "VPNSentinelMetrics /m\nVPNSentinelDashboard /m" ],
        [ '/metrics', "VPNSentinelMetrics\nVPNSentinelAPI /metrics" ],
        [ '/x', "VPNSentinelAPI /x\n"
                . "<VirtualHost *:\@PORT\@>\nVPNSentinelDashboard /x\n</VirtualHost>" ],
    );
    is_refused($_->[1], $same, qr/'\Q$_->[0]\E'/) for @conflicts;
    is_allowed("VPNSentinelAPI /x\nVPNSentinelDashboard /x/y\nVPNSentinelHealth /x",
        name => 'mounts below each other');
    is_allowed("VPNSentinelDashboard /x\n<VirtualHost *:\@PORT\@>\nVPNSentinelAPI /x\n"
            . "VPNSentinelDashboard off\n</VirtualHost>",
        name => 'a dashboard that is off claims nothing');
};

subtest 'log' => sub {
    my $allowed = qr/must be a file, "\|program" or none/;
    my @good = qw(none logs/x.log /nonexistent/x.log "|/bin/cat" "||/bin/cat" "|$cat");
    is_allowed("VPNSentinelAPI\nVPNSentinelLog $_", name => "VPNSentinelLog $_") for @good;
    is_refused('VPNSentinelLog "|"', q{VPNSentinelLog: '|' is not allowed: it }, $allowed);
    is_refused("VPNSentinelLog$_", 'VPNSentinelLog', qr/takes one argument/) for '', ' ""', ' a b';
};

subtest 'where a directive may stand' => sub {
    my %global = (
        VPNSentinelRateLimit => 30,
        VPNSentinelOfflineThreshold => 300,
        VPNSentinelMaxClients => 100,
        VPNSentinelMetricsMaxClients => 100,
        VPNSentinelBadges => 'on',
        VPNSentinelServerPublicIP => '192.0.2.1',
        VPNSentinelLog => 'none',
        VPNSentinelCheckInterval => 60,
        VPNSentinelForgetAfter => '30d',
        VPNSentinelEventRetention => '90d',
        VPNSentinelTelegram => 'off',
        VPNSentinelTelegramToken => $token,
        VPNSentinelTelegramTokenFile => 'token',
        VPNSentinelTelegramChatID => '-1001234567890',
        VPNSentinelTelegramAPIBase => 'http://127.0.0.1:8081',
        VPNSentinelIPInfoURL => 'http://127.0.0.1:8082',
        VPNSentinelIPAPIURL => 'http://127.0.0.1:8083',
        VPNSentinelIPInfoTokenFile => 'keys',
        VPNSentinelProxy => 'http://127.0.0.1:3128',
        VPNSentinelStateDir => 'none',
    );
    my %any_server = (
        VPNSentinelAPI => '/a',
        VPNSentinelDashboard => '/b',
        VPNSentinelHealth => '/c',
        VPNSentinelMetrics => '/d',
        VPNSentinelAPIKey => $secret,
        VPNSentinelAPIKeyFile => 'keys',
        VPNSentinelAllowedIPs => '192.0.2.1',
    );
    my %files = (files => { keys => $secret, token => $token });
    my %all = (%global, %any_server);
    for my $directive (sort keys %all) {
        my $line = "$directive $all{$directive}";
        my $in_host = "<VirtualHost *:\@PORT\@>\n$line\n</VirtualHost>";
        my $outside = qr/cannot occur within <VirtualHost> section/;
        is_allowed($line, %files, name => "$directive in the server");
        is_allowed($in_host, %files, name => "$directive in a virtual host")
            if $any_server{$directive};
        is_refused($in_host, $directive, $outside, %files, name => "$directive in a virtual host")
            if $global{$directive};
        is_refused("<Location />\n$line\n</Location>", $directive, qr/not allowed (?:in|here)/,
            %files, name => "$directive in a Location");
    }
};

subtest 'the mutex' => sub {
    my $line = qr/Write instead: Mutex fcntl vpnsentinel$/m;
    for my $mutex ('posixsem vpnsentinel', 'posixsem', 'posixsem default') {
        is_refused("VPNSentinelAPI\nMutex $mutex", 'POSIX semaphores cannot guard the registry',
            $line, name => "Mutex $mutex");
        is_allowed("Mutex $mutex", name => "Mutex $mutex, nothing mounted");
    }
    is_allowed("VPNSentinelAPI\nMutex posixsem default\nMutex fcntl vpnsentinel",
        name => 'the line to write');
    is_allowed("VPNSentinelAPI\nMutex $_ vpnsentinel", name => "Mutex $_ vpnsentinel")
        for qw(default fcntl flock sysvsem pthread);
};

subtest 'nothing is left behind' => sub {
    my $httpd = VpsHttpd->start(
        conf => "VPNSentinelAPI\nVPNSentinelAPIKey $secret\nVPNSentinelLog logs/own.log\n",
    );
    unlink $httpd->root . '/logs/own.log';
    my $config = $httpd->root . '/httpd.conf';
    my $program = $ENV{VPS_HTTPD} // '/usr/sbin/apache2';
    local $ENV{LD_PRELOAD} = $ENV{VPS_SANITIZER} // '';
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my $output = `'$program' -f '$config' -t 2>&1`;
    is($?, 0, 'httpd -t') or diag($output);
    ok(!-e $httpd->root . '/logs/own.log', 'it opens no log');
    is($httpd->request('GET', '/api/v1/status')->{status}, 401, 'the server beside it serves on');
    $httpd->stop;
    $httpd->check_error_log;
};

done_testing;
