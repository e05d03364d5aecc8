# VPNSentinelLog: the lines, where they go, and what can never be in them.
use strict;
use warnings;

use List::Util qw(sum0);
use POSIX qw(mktime);
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use VpsHttpd;

my $key = 'S3cret-k3y';
my %key = ('X-API-Key' => $key);
my $report = { client_id => 'office', public_ip => '203.0.113.42' };
my $mounted = "VPNSentinelRateLimit 0\nVPNSentinelAPI\nVPNSentinelAPIKey $key\n";

# UTF-8 bytes, as the log has them.
my ($globe, $yes, $no) = ("\xf0\x9f\x8c\x90", "\xe2\x9c\x85", "\xe2\x9d\x8c");
my $denied = "\xf0\x9f\x9a\xab";
my $time = qr/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]/;

sub keepalive {
    my ($httpd, %header) = @_;
    return $httpd->request('POST', '/api/v1/keepalive',
        { headers => \%header, content => $report });
}

sub lines_of {
    my ($httpd, $path) = @_;
    return split /\n/, $httpd->read_file($path // 'logs/vpnsentinel.log'), -1;
}

# All lines but the monitor's, which come when it likes.
sub lines_of_requests {
    my ($httpd, $path) = @_;
    my $about_request = qr/api\]|registry\]|security\] $denied/;
    return grep { !/^$time \[(?!$about_request)/ } lines_of($httpd, $path);
}

# Waits for so many lines that match.
sub wait_for_lines {
    my ($httpd, $re, $count) = @_;
    return $httpd->wait_for(sub { (grep { /$re/ } lines_of($httpd)) >= ($count // 1) });
}

# The paths and results in the Access lines of a log.
sub accesses {
    my ($httpd, $path) = @_;
    return map { /Access: (\S*) \| IP: \S+ \| Auth: (?:$yes|$no)$/ ? $1 : () }
        lines_of($httpd, $path);
}

sub is_harmless {
    my ($line) = @_;
    like($line, qr/^$time \[[\w-]+\] /, 'a line begins as all do');
    unlike($line, qr/[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/, '... nothing that a terminal acts on');
    unlike($line, qr/\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]/,
        '... nothing that reorders what is shown');
    ok(utf8::decode(my $copy = $line), '... UTF-8');
}

subtest 'the lines' => sub {
    my $httpd = VpsHttpd->start(
        conf => $mounted . "VPNSentinelAllowedIPs 127.0.0.0/8 2001:db8::1\n"
            . "RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n",
        modules => ['remoteip'],
        env => { TZ => 'XXX-5:30' },
    );
    my $before = time;
    is(keepalive($httpd, %key)->{status}, 200, 'a keepalive');
    is(keepalive($httpd)->{status}, 401, 'one without the key');
    is(keepalive($httpd, %key, 'X-Test-Address' => '2001:DB8:0::1')->{status}, 200, 'one by IPv6');
    is(keepalive($httpd, %key, 'X-Test-Address' => '192.0.2.1')->{status}, 403,
        'one from elsewhere');
    my $answer =
        $httpd->request('POST', '/api/v1/keepalive', { headers => \%key, content => '{}' });
    is($answer->{status}, 400, 'one that says nothing');
    my $after = time;

    my $wrong = 'client_id is required and must be 1 to 100 ASCII letters, digits and hyphens';
    my $access = "[api] $globe Access: /api/v1/keepalive | IP: 127.0.0.1 | Auth:";
    my $log = join "\n", lines_of_requests($httpd);
    my @stamps = map { [/\d+/g] } $log =~ /^($time) /mg;
    is($log =~ s/^$time //mgr, <<"LOG", 'to the letter');
$access $yes
[api] $yes Keepalive: office | IP: 127.0.0.1
$access $no
[api] $globe Access: /api/v1/keepalive | IP: 2001:db8::1 | Auth: $yes
[api] $yes Keepalive: office | IP: 2001:db8::1
[security] $denied Access denied: 192.0.2.1 is not in the allow list
$access $yes
[api] $no Bad request from 127.0.0.1: $wrong
LOG
    is(scalar @stamps, 8, 'each has its time');
    local $ENV{TZ} = 'XXX-5:30';
    POSIX::tzset();
    my @when = map { mktime(@$_[ 5, 4, 3, 2 ], $_->[1] - 1, $_->[0] - 1900) } @stamps;
    my @outside = grep { $_ < $before || $_ > $after } @when;
    is("@outside", '', 'which is local time');
    $httpd->stop;
    $httpd->check_error_log;
    delete local $ENV{TZ};
    POSIX::tzset();
};

subtest 'every request of the API, and no other' => sub {
    my $httpd = VpsHttpd->start(
        conf => "${mounted}VPNSentinelHealth\nVPNSentinelDashboard\n<Location \"/api/v1/quiet\">\n"
            . "    LogLevel vpnsentinel:warn\n</Location>\n",
        files => { 'htdocs/page.html' => 'page' },
    );
    my @logged = ('/api/v1', '/api/v1/', '/api/v1/clients', '/api/v1/clients/a', '/api/v1/nothing');
    my @others = ('/health', '/health/ready', '/dashboard', '/dashboard/x', '/page.html',
        '/api/v1/quiet');
    $httpd->request('GET', $_, { headers => \%key })
        for map { ($logged[$_], @others) } 0 .. $#logged;
    is_deeply([ accesses($httpd) ], \@logged, 'in their order');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'leaks and bypasses' => sub {
    my $httpd = VpsHttpd->start(
        conf => "${mounted}VPNSentinelServerPublicIP 198.51.100.7\n",
        log_level => 'info vpnsentinel:warn',
    );
    my %secure = (location => 'RO', dns_loc => 'RO');
    my $sign = "[security] \xe2\x9a\xa0\xef\xb8\x8f";
    my $bypass = "$sign VPN BYPASS WARNING: Client office has same IP as server";
    my $leak = "$sign DNS LEAK DETECTED: Client office: VPN in RO, DNS in DE";
    my @table = (
        [ 'secure', {}, [] ],
        [ 'a bypass begins', { public_ip => '198.51.100.7' }, [$bypass] ],
        [ 'a bypass goes on', { public_ip => '198.51.100.7' }, [] ],
        [ 'a leak too', { public_ip => '198.51.100.7', dns_loc => 'DE' }, [$leak] ],
        [ 'they go on', { public_ip => '198.51.100.7', dns_loc => 'DE' }, [] ],
        [ 'DNS is unknown', { public_ip => '198.51.100.7', dns_loc => '' }, [] ],
        [ 'secure again', {}, [] ],
        [ 'a leak begins', { dns_loc => 'DE' }, [$leak] ],
    );
    my @expected;
    for my $row (@table) {
        my ($name, $told, $warnings) = @$row;
        $httpd->request('POST', '/api/v1/keepalive',
            { headers => \%key, content => { %$report, %secure, %$told } });
        push @expected, @$warnings;
        wait_for_lines($httpd, qr/\[security\]/, scalar @expected);
        my @lines = map { s/^$time //r } grep { $_ ne '' } lines_of($httpd);
        is_deeply(\@lines, \@expected, $name);
    }
    $httpd->stop;
    my @lines = grep { $_ ne '' } lines_of($httpd);
    is(scalar @lines, @expected, 'nothing more');
    $httpd->check_error_log;
};

subtest 'what is written' => sub {
    my %expected = (
        debug => 'all', info => 'all',
        notice => 'warnings', warn => 'warnings',
        error => 'nothing', crit => 'nothing',
    );
    for my $level (sort keys %expected) {
        my $httpd = VpsHttpd->start(conf => $mounted, log_level => "info vpnsentinel:$level");
        keepalive($httpd, %key);
        $httpd->request('POST', '/api/v1/keepalive', { headers => \%key, content => '{}' });
        my $log = $httpd->read_file('logs/vpnsentinel.log');
        my $written = $log eq '' ? 'nothing' : $log !~ /Access|Keepalive/ ? 'warnings'
            : $log =~ /Access.*Keepalive.*Access.*Bad request/s ? 'all' : $log;
        is($written, $expected{$level}, "LogLevel vpnsentinel:$level");
        $httpd->stop;
        $httpd->check_error_log;
    }
};

subtest 'where it goes' => sub {
    my $copy = q{open my $out, '>>', shift or die; syswrite $out, $_ while <STDIN>};
    my $program = qq{$^X "\@ROOT\@/copy.pl" "\@ROOT\@/logs/own.log"};
    my @table = (
        [ 'the default', '', 'vpnsentinel.log' ],
        [ 'a relative path', 'VPNSentinelLog logs/own.log', 'own.log' ],
        [ 'an absolute path', 'VPNSentinelLog "@ROOT@/logs/own.log"', 'own.log' ],
        [ 'a program', qq{VPNSentinelLog '|$program'}, 'own.log' ],
        [ 'a program, two bars', qq{VPNSentinelLog '||$program'}, 'own.log' ],
        [ 'a shell\'s line', 'VPNSentinelLog "|$exec cat >>@ROOT@/logs/own.log"', 'own.log' ],
    );
    for my $row (@table) {
        my ($name, $directive, $file) = @$row;
        my $httpd = VpsHttpd->start(conf => "$mounted$directive\n",
            files => { 'copy.pl' => $copy });
        keepalive($httpd, %key);
        my $written =
            $httpd->wait_for(sub { $httpd->read_file("logs/$file") =~ /Keepalive: office/ });
        ok($written, "$name: the log is $file");
        $httpd->graceful;
        keepalive($httpd);
        $written = $httpd->wait_for(sub { accesses($httpd, "logs/$file") == 2 });
        ok($written, "$name: it goes on after a graceful");
        my @lines = lines_of($httpd, "logs/$file");
        is(pop @lines, '', "$name: the last line is whole");
        is(scalar(grep { !/^$time \[[\w-]+\] / } @lines), 0, "$name: all lines are whole");
        ok(!-e $httpd->root . '/logs/vpnsentinel.log', "$name: the default is not made")
            if $file ne 'vpnsentinel.log';
        $httpd->stop;
        # What httpd says of any program that a log is piped to, when a graceful ends it.
        my @allow = $directive =~ /\|/ ? qr/AH\d+: long lost child came home/ : ();
        $httpd->check_error_log(allow => \@allow);
    }
};

subtest 'none' => sub {
    my $httpd = VpsHttpd->start(conf => "${mounted}VPNSentinelLog none\n");
    is(keepalive($httpd, %key)->{status}, 200, 'a keepalive');
    is_deeply([ map { s{.*/}{}r } glob $httpd->root . '/logs/*' ], [ 'error.log', 'stderr' ],
        'no log');
    ok(!-e $httpd->root . '/none', 'and no file of this name');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a log that cannot be opened' => sub {
    my %message = (
        'missing/own.log' => qr{VPNS0020: VPNSentinelLog: cannot open \S+/missing/own\.log$}m,
        'run' => qr{VPNS0020: VPNSentinelLog: cannot open \S+/run$}m,
        '"|@ROOT@/missing"' => qr{unable to start piped log program '\S+/missing'},
    );
    for my $log (sort keys %message) {
        my $httpd = VpsHttpd->start(conf => "${mounted}VPNSentinelLog $log\n", expect_failure => 1);
        isnt($httpd->exit_status, 0, "$log: httpd does not start");
        like($httpd->error_log, $message{$log}, "$log: says why");
    }
};

subtest 'a default log that cannot be opened' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted,
        files => { 'logs/vpnsentinel.log/in-the-way' => '' });
    is(keepalive($httpd, %key)->{status}, 200, 'the server runs');
    my @told = $httpd->error_log =~ m{VPNS0020: VPNSentinelLog: cannot open \S+/vpnsentinel\.log}g;
    is(scalar @told, 1, 'the error log says so, once');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a renamed log' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted);
    my $log = $httpd->root . '/logs/vpnsentinel.log';
    $httpd->request('GET', '/api/v1/first');
    rename $log, "$log.1" or die "rename: $!";
    $httpd->request('GET', '/api/v1/second');
    $httpd->graceful;
    $httpd->request('GET', '/api/v1/third');
    is_deeply([ accesses($httpd, 'logs/vpnsentinel.log.1') ], [ '/api/v1/first', '/api/v1/second' ],
        'is written to until a graceful');
    is_deeply([ accesses($httpd) ], ['/api/v1/third'], 'which opens a new one');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'what the monitor tells' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted);
    ok(wait_for_lines($httpd, qr/^$time \[monitor\] \S+ VPN Sentinel Started/), 'the start');
    keepalive($httpd, %key);
    my $connected = qr/\[monitor\] $yes VPN Connected! Client office: public IP 203\.0\.113\.42\b/;
    ok(wait_for_lines($httpd, qr/^$time $connected/), 'a client that connects');
    my $log = $httpd->root . '/logs/vpnsentinel.log';
    rename $log, "$log.1" or die "rename: $!";
    $httpd->graceful;
    keepalive($httpd, %key) for 1 .. 2;
    $httpd->request('POST', '/api/v1/keepalive',
        { headers => \%key, content => { %$report, public_ip => '203.0.113.43' } });
    my $changed = qr/\[monitor\] .* Client office: 203\.0\.113\.42 \S+ 203\.0\.113\.43$/;
    ok(wait_for_lines($httpd, qr/^$time $changed/), 'the next monitor writes to the new log');
    $httpd->stop;
    is(scalar(grep { /VPN Connected!/ } lines_of($httpd)), 0, '... and tells nothing twice');
    $httpd->check_error_log;
};

subtest 'hostile texts' => sub {
    my $httpd = VpsHttpd->start(
        conf => "${mounted}VPNSentinelServerPublicIP 198.51.100.7\n",
        log_level => 'info vpnsentinel:trace8',
    );
    my $text = "\x{202e}\x{2028}\\n\x{2066}%s%n [2025-01-15 12:34:56] [api] forged";
    my %hostile = map { $_ => $text } qw(city region provider);
    my @reports = (
        { location => 'RO', dns_loc => 'RO' },
        { location => 'RO', dns_loc => 'DE', public_ip => '198.51.100.7' },
        { location => $text, dns_loc => $text, country => $text, vpn_connected => \0 },
    );
    for my $i (0 .. $#reports) {
        my $content = { %$report, %hostile, %{ $reports[$i] } };
        my $answer = $httpd->request('POST', '/api/v1/keepalive',
            { headers => \%key, content => $content });
        is($answer->{status}, 200, 'a report of hostile texts');
        my @told = (qr/Connected/, qr/BYPASS/, qr/Disconnected/);
        ok(wait_for_lines($httpd, $told[$i]), '... is told of');
    }
    $httpd->request('POST', '/api/v1/keepalive',
        { headers => \%key, content => { client_id => "a\n$text" } });
    $httpd->stop;
    my @lines = lines_of($httpd);
    is(pop @lines, '', 'the last line is whole');
    is_harmless($_) for @lines;
    is(scalar(grep { /forged/ } @lines), 0, 'none repeats them');
    $httpd->check_error_log;
};

subtest 'hostile paths' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted);
    my $forged = "[2025-01-15 12:34:56] [api] $globe Access: /api/v1/keepalive | IP: 192.0.2.1"
        . " | Auth: $yes";
    my $encoded = $forged =~ s/([^A-Za-z0-9\/._~-])/sprintf '%%%02X', ord $1/ger;
    my @requests = (
        "GET /api/v1/x%0A$encoded%0A",
        "GET /api/v1/x%0D%0A$encoded",
        'GET /api/v1/%1B[2J%1B]0;owned%07',
        'GET /api/v1/%01%08%7F%C2%85%E2%80%AE',
        "GET /api/v1/\xc2\x9b\xff\xc0\x80",
        "GET /api/v1/\xe2\x80\xae",
        "GET /api/v1/x|IP:192.0.2.1|Auth:$yes",
        "GET /api/v1/x\xc2\xa0|\xc2\xa0IP:\xc2\xa0192.0.2.1",
        'GET /api/v1/%25s%25n%5C%22\\',
        "GET /api/v1/x\n$forged",
        "GET /api/v1/x\r$forged",
        "GET /api/v1/x $forged",
        "GET /api/v1/x\e[2J",
        "GET http://127.0.0.1/api/v1/x%0A",
        'POST /api/v1/' . 'x' x 3000,
        'POST /api/v1/' . "\xff" x 3000,
    );
    my $refused_by_httpd = 0;
    for my $request (@requests) {
        my $answer = $httpd->raw("$request HTTP/1.0\r\n\r\n");
        like($answer, qr{^HTTP/1\.1 40[01] },
            'refused: ' . substr($request, 0, 40) =~ s/[^ -~]/?/gr);
        $refused_by_httpd++ if $answer =~ m{^HTTP/1\.1 400 };
    }
    my @lines = lines_of_requests($httpd);
    is(pop @lines, '', 'the last line is whole');
    is(scalar @lines, @requests - $refused_by_httpd,
        'one line for each request that is the API\'s');
    for my $line (@lines) {
        my $name = substr $line =~ s/[^ -~]/?/gr, 0, 70;
        like($line, qr{^$time \[api\] $globe Access: \S+ \| IP: 127\.0\.0\.1 \| Auth: $no$},
            "whole: $name");
        is(scalar(() = $line =~ / \| IP: /g), 1, 'one address');
        is_harmless($line);
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'secrets' => sub {
    my $httpd = VpsHttpd->start(
        conf => $mounted,
        log_level => 'info vpnsentinel:trace8',
        files => { 'htdocs/page.html' => 'page' },
    );
    my $wrong = 'wr0ng-k3y';
    for my $text ($key, $wrong) {
        keepalive($httpd, 'X-API-Key' => $text);
        keepalive($httpd, 'Authorization' => "Bearer $text");
        for my $path ("/api/v1/clients?key=$text", "/api/v1/nothing?$text", "/api/v1?a&key=$text#b",
            "/api/v1/clients?status=$text") {
            $httpd->request('GET', $path, { headers => { 'X-API-Key' => $text } });
        }
        $httpd->request('POST', "/api/v1/keepalive?key=$text",
            { headers => \%key, content => { client_id => "$text!", key => $text } });
        $httpd->raw("GET http://$text\@127.0.0.1/api/v1/clients?key=$text HTTP/1.0\r\n\r\n");
    }
    my @logged = accesses($httpd);
    cmp_ok(scalar @logged, '>', 10, 'the requests are logged');
    is(scalar(grep { /\?/ } @logged), 0, 'without what follows a question mark');
    $httpd->stop;
    for my $file (map { s{.*/}{logs/}r } glob $httpd->root . '/logs/*') {
        unlike($httpd->read_file($file), qr/\Q$key\E|\Q$wrong\E/, "no key in $file");
    }
    $httpd->check_error_log;
};

subtest 'many processes' => sub {
    my $httpd = VpsHttpd->start(conf => "$mounted", mpm => 'prefork');
    my @writers = map {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $path = '/api/v1/' . $_ x 300;
            $httpd->request('GET', $path, { headers => \%key }) for 1 .. 25;
            POSIX::_exit(0);
        }
        $pid;
    } 'a' .. 'd';
    waitpid $_, 0 for @writers;
    my @lines = lines_of_requests($httpd);
    is(pop @lines, '', 'the last line is whole');
    is(scalar @lines, 100, 'a line for each request');
    my $whole = qr{^$time \[api\] $globe Access: /api/v1/([a-d])\1{299} \| IP: 127\.0\.0\.1 \| };
    my @broken = grep { !/$whole/ } @lines;
    is("@broken", '', 'none is mixed with another');
    $httpd->stop;
    $httpd->check_error_log;
};

my $refusal = qr/Auth: $no$|$no Bad request from |$denied Access denied: /;

# The lines about refused requests of a log, and how many it says were left out.
sub refusals {
    my ($httpd) = @_;
    my @lines = lines_of($httpd);
    my $written = grep { /$refusal/ } @lines;
    my $telling = qr/^$time \[api\] \xf0\x9f\x94\x87 (\d+) lines like these were left out$/;
    return ($written, sum0 map { /$telling/ ? $1 : () } @lines);
}

subtest 'a flood' => sub {
    my $limit = 20;    # lines a second
    my $httpd = VpsHttpd->start(
        conf => "${mounted}VPNSentinelAllowedIPs 127.0.0.1 192.0.2.1\n"
            . "RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n",
        modules => ['remoteip'],
    );
    my @send = (
        sub { keepalive($httpd) },
        sub { $httpd->request('POST', '/api/v1/keepalive', { headers => \%key, content => '{' }) },
        sub { keepalive($httpd, 'X-Test-Address' => '192.0.2.2') },
    );
    my $begin = int clock_gettime(CLOCK_MONOTONIC);
    my %status;
    for my $i (1 .. 300) {
        $status{ $send[$i % 3]->()->{status} }++;
        keepalive($httpd, %key) if $i % 10 == 0;
    }
    my $most = $limit * (int(clock_gettime(CLOCK_MONOTONIC)) - $begin + 1);
    is_deeply(\%status, { 400 => 100, 401 => 100, 403 => 100 }, 'many requests that are refused');
    my ($written) = refusals($httpd);
    cmp_ok($written, '<=', $most, "at most $limit lines a second");
    cmp_ok($written, '>=', $limit, 'but those');
    is(scalar(grep { /$yes Keepalive: / } lines_of($httpd)), 30, 'all that are accepted are told');
    is(scalar(grep { /Auth: $yes$/ } lines_of($httpd)), 130, '... each access with the key');

    my $sent = 300;
    my ($left_out, $told);
    ok($httpd->wait_for(sub {
        $send[0]->();
        ($told, $left_out) = refusals($httpd);
        return $told + $left_out == ++$sent;
    }), 'in a later second one line tells how many were left out');
    cmp_ok($left_out, '>=', 300 - $most, '... as many as there were');
    my @lines = lines_of_requests($httpd);
    my @next = map { $lines[ $_ + 1 ] } grep { $lines[$_] =~ /left out/ } 0 .. $#lines;
    is(scalar(grep { /$refusal/ } @next), scalar @next, '... before the first that is written again');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a log has the rights of an ErrorLog' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted);
    my ($own, $httpds) = map { (stat $httpd->root . "/logs/$_")[2] } 'vpnsentinel.log', 'error.log';
    is($own, $httpds, 'mode');
    $httpd->stop;
};

done_testing;
