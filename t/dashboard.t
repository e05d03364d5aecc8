# The dashboard: what people see, and that nothing a client says becomes markup.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use BotApi;
use VpsHttpd;

my $server_ip = '198.51.100.7';
my $mounted = <<"CONF";
VPNSentinelRateLimit 0
VPNSentinelAPI
VPNSentinelAPIKey none
VPNSentinelServerPublicIP $server_ip
CONF

# What each light is, and a report that makes it.
my %secure = (
    public_ip => '203.0.113.1',
    vpn_connected => JSON::PP::true,
    location => 'RO',
    dns_loc => 'RO',
);
my @worst_first = (
    [ 'z-bypass', 'red', 'bypass', { %secure, public_ip => $server_ip } ],
    [ 'z-down', 'red', 'VPN down', { %secure, vpn_connected => JSON::PP::false } ],
    [ 'z-ipv6', 'red', 'IPv6 leak', { %secure, public_ip6 => '2001:db8::1', ipv6_verdict => 'leak' } ],
    [ 'z-gone', 'grey', 'offline', undef ],
    [ 'z-leak', 'yellow', 'DNS leak', { %secure, dns_loc => 'DE' } ],
    [ 'z-unknown', 'yellow', 'DNS unknown', {} ],
    [ 'a-secure', 'green', 'secure', \%secure ],
    [ 'b-verdicts', 'green', 'secure', { %secure, dns_loc => 'DE', dns_verdict => 'tunnel', ipv6_verdict => 'blocked' } ],
);
my %mark = (
    red => "\xe2\x96\xa0",
    grey => "\xe2\x97\x8b",
    yellow => "\xe2\x96\xb2",
    green => "\xe2\x97\x8f",
);

sub report {
    my ($httpd, $client_id, $report) = @_;
    my $endpoint = $report ? 'keepalive' : 'register';
    my $answer = $httpd->request('POST', "/api/v1/$endpoint",
        { content => { %{ $report // {} }, client_id => $client_id } });
    like($answer->{status}, qr/^20[01]$/, "$client_id reports");
}

sub page {
    my ($httpd, $path, $port) = @_;
    return $httpd->request('GET', $path // '/dashboard', { port => $port })->{content};
}

# The facts of the box "Server Details": name => text without its markup.
sub details {
    my ($httpd) = @_;
    my ($box) = page($httpd) =~ m{<section><h2>Server Details</h2>\n(.*?)</section>}s;
    my %details = ($box // '') =~ m{<dt>(.*?)</dt><dd>(.*?)</dd>}g;
    return { map { $_ => $details{$_} =~ s/<[^>]*>//gr } keys %details };
}

sub wait_for_monitor {
    my ($httpd, $state) = @_;
    return $httpd->wait_for(sub { (details($httpd)->{Monitor} // '') eq $state });
}

# The rows of the table: [class, cell, cell ...], each without its markup.
sub rows {
    my ($page) = @_;
    my ($body) = $page =~ m{<tbody>\n(.*?)</tbody>}s;
    return map {
        my ($class, $cells) = m{^<tr class="(\w+)">(.*)</tr>$};
        [ $class, map { s/<[^>]*>//gr } $cells =~ m{<(?:td|th scope="row")>(.*?)</(?:td|th)>}g ]
    } split /\n/, $body // '';
}

# The page is nothing but these tags with these attributes, properly nested.
sub is_plain_html {
    my ($page, $name) = @_;
    my %void = map { $_ => 1 } qw(meta link);
    my @allowed = (
        qw(head body main title h1 h2 p section table caption thead tbody tr td dl dt dd bdi li),
        'html lang="en"', 'tr class="\w+"', 'th scope="(?:row|col)"',
        'ul class="summary"', 'li class="\w+"', 'span class="unknown"',
        'span class="mark" aria-hidden="true"', 'p class="notice" role="status"',
        'time datetime="[0-9T:Z-]+" title="[0-9T:Z-]+"', 'meta charset="utf-8"',
        'meta (?:name|http-equiv)="[\w-]+" content="[\w ,=-]+"',
        'link rel="stylesheet" href="[\w./-]+"',
    );
    my $allowed = join '|', @allowed;
    my (@open, @wrong);
    ok($page =~ s/^<!DOCTYPE html>\n//, "$name: it is HTML");
    while ($page =~ /<([^<>]*)>/g) {
        my $tag = $1;
        my ($end, $element) = $tag =~ m{^(/?)(\w+)};
        if ($end) {
            push @wrong, "</$element> where <" . ($open[-1] // '') . '> is open'
                if (pop(@open) // '') ne $element;
        } else {
            push @wrong, "<$tag>" if $tag !~ /^(?:$allowed)$/;
            push @open, $element if !$void{$element};
        }
    }
    is("@wrong@open", '', "$name: no tag but the page's own");
    unlike($page =~ s/<[^<>]*>//gr, qr/[<>"]|&(?!(?:lt|gt|amp|quot);)/,
        "$name: the rest is escaped");
    ok(utf8::decode(my $copy = $page), "$name: UTF-8");
}

subtest 'the page' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted . "VPNSentinelDashboard\n");
    my $answer = $httpd->request('GET', '/dashboard');
    my ($header, $page) = @$answer{qw(headers content)};
    is($answer->{status}, 200, 'is public');
    is_plain_html($page, 'empty');
    like($page, qr{<title>VPN Sentinel Dashboard</title>}, 'title');
    like($page, qr{<h1>VPN Sentinel Monitoring</h1>}, 'heading');
    like($page, qr{No client has reported yet}, 'nobody yet');
    unlike($page, qr{<table}, 'no empty table');

    is($header->{'content-type'}, 'text/html; charset=utf-8', 'type');
    is($header->{'cache-control'}, 'no-store', 'not cached');
    is($header->{'x-content-type-options'}, 'nosniff', 'not guessed at');
    is($header->{'referrer-policy'}, 'no-referrer', 'no referrer');
    my %policy = map { /^(\S+) (.*)$/ } split /; */, $header->{'content-security-policy'};
    is_deeply(\%policy, {
        'default-src' => q('none'),
        'style-src' => q('self'),
        'base-uri' => q('none'),
        'form-action' => q('none'),
        'frame-ancestors' => q('none'),
    }, 'nothing but its own style is loaded, no script, in no frame');
    like($page, qr{<meta http-equiv="refresh" content="\d+">},
        'it is loaded again, without JavaScript');
    unlike($page, qr{<script|javascript:|\son\w+=|\sstyle=}i, 'there is none');
    my @links = $page =~ /(?:src|href|action)="([^"]*)"/g;
    is("@links", './dashboard/dashboard.css', 'one file');

    report($httpd, @$_[0, 3]) for reverse @worst_first;
    $page = page($httpd);
    is_plain_html($page, 'with clients');
    is(join('|', $page =~ m{<th scope="col">(.*?)</th>}g),
        'Client ID|Status|Public IP|Location|Last Seen|Provider|VPN|DNS|Version', 'columns');
    my @rows = rows($page);
    is_deeply([ map { [ @$_[0 .. 2] ] } @rows ],
        [ map { [ $_->[1], $_->[0], "$mark{$_->[1]} $_->[2]" ] } @worst_first ],
        'worst first; lights by colour, shape and word');
    my %row = map { $_->[1] => $_ } @rows;
    is($row{'z-leak'}[3], '203.0.113.1', 'a public IP');
    is($row{'z-ipv6'}[3], '203.0.113.1, 2001:db8::1 (IPv6: leak)', '... with IPv6');
    is($row{'b-verdicts'}[3], '203.0.113.1 (IPv6: blocked)', '... that is blocked');
    is($row{'z-leak'}[8], 'DE', 'DNS');
    is($row{'b-verdicts'}[8], 'tunnel, DE', '... with a verdict');
    like($page, qr{<li>8 clients</li>}, 'how many');
    my @summary = $page =~ m{<li class="(\w+)"><span class="mark" [^>]*>(.+?)</span> (\d+) }g;
    my %count = (red => 3, grey => 1, yellow => 2, green => 2);
    is_deeply(\@summary, [ map { ($_, $mark{$_}, $count{$_}) } qw(red grey yellow green) ],
        'of each light');
    like($page, qr{<dt>Public IP</dt><dd><bdi>\Q$server_ip\E</bdi></dd>},
        'the server\'s own address');
    like($page, qr{<h2>Server Details</h2>}, 'Server Details');

    ok(wait_for_monitor($httpd, 'running'), 'the monitor runs');
    my @pages = map { page($httpd, $_) =~ s/href="[^"]*"|\d+ s\b//gr } '/dashboard', '/dashboard/';
    is($pages[1], $pages[0], '/dashboard/ is the same');
    $answer = $httpd->request('HEAD', '/dashboard');
    is($answer->{status}, 200, 'HEAD');
    is($answer->{content} // '', '', 'has no body');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'Server Details' => sub {
    my $warning = qr{<p class="notice" role="status">The monitor does not run: };
    my $watched = VpsHttpd->start(conf => "VPNSentinelDashboard\nVPNSentinelCheckInterval 1\n");
    ok(wait_for_monitor($watched, 'running'), 'the monitor runs');
    unlike(page($watched), $warning, '... no warning');
    my $details = details($watched);
    is($details->{'Public IP'}, 'not known: bypasses cannot be recognised', 'no public IP');
    is($details->{Store}, 'ok', 'the store works');
    is($details->{Telegram}, 'off, 0 queued', 'Telegram is off');
    my $monitor = $watched->wait_for_monitor;
    kill 'STOP', $monitor;
    ok(wait_for_monitor($watched, 'not running'), 'the monitor hangs');
    like(page($watched), $warning, '... a warning');
    is_plain_html(page($watched), '... the page');
    kill 'CONT', $monitor;
    $watched->stop;
    $watched->check_error_log;

    my $bot = BotApi->start;
    $bot->fail(400, description => 'Bad Request: <b>chat</b>&"');
    my $troubled = VpsHttpd->start(
        conf => "VPNSentinelDashboard\nVPNSentinelStateDir in/the/<way>\n" . $bot->conf
            . "VPNSentinelServerPublicIP auto\nVPNSentinelIPInfoURL http://127.0.0.1:1\n"
            . "VPNSentinelIPAPIURL http://127.0.0.1:1\n",
        files => { 'in/the/<way>' => 'a file' },
    );
    my $failed = sub { (details($troubled)->{Telegram} // '') =~ /^on, 1 queued, the oldest \d+ s ago \(.*chat/ };
    ok($troubled->wait_for($failed), 'the last error of Telegram');
    $details = details($troubled);
    is($details->{'Public IP'}, 'not known yet: bypasses cannot be recognised',
        'the public IP is not known yet');
    like($details->{Store}, qr/^degraded \(.+\)$/, 'the store does not work');
    is_plain_html(page($troubled), 'the page');
    $troubled->stop;
    $troubled->check_error_log(allow => [qr/VPNS\d+: /]);
};

subtest 'what is not there' => sub {
    my $httpd = VpsHttpd->start(conf => "VPNSentinelDashboard\n");
    for my $path (qw(/dashboard /dashboard/ /dashboard/dashboard.css)) {
        for my $method (qw(POST PUT DELETE OPTIONS TRACE PATCH BREW)) {
            my $answer = $httpd->request($method, $path,
                { content => $method eq 'POST' ? 'a=b' : undef });
            is($answer->{status}, 405, "$method $path");
            is($answer->{headers}{allow}, 'GET, HEAD', "$method $path: what is allowed");
        }
    }
    my @others = qw(/x /index.html /dashboard.css/ /dashboard.css/x /DASHBOARD.CSS /..%2f /dashboard
        /%3Cscript%3E /"onload=");
    for my $path (@others) {
        my $answer = $httpd->request('GET', "/dashboard$path");
        is($answer->{status}, 404, "/dashboard$path: 404");
        unlike($answer->{content}, qr/<script>|onload/, "/dashboard$path: not repeated");
    }
    is($httpd->request('GET', $_)->{status}, 404, "$_ is another path")
        for qw(/dashboards /Dashboard /);
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'the style is found from everywhere' => sub {
    my $httpd = VpsHttpd->start(
        ports => 3,
        conf => <<'CONF',
VPNSentinelDashboard
<VirtualHost *:@PORT1@>
    VPNSentinelDashboard /vpn-1/board.x
</VirtualHost>
<VirtualHost *:@PORT2@>
    VPNSentinelDashboard off
    VPNSentinelDashboard /
</VirtualHost>
CONF
    );
    my @pages = (
        map({ [ 0, $_ ] } qw(/dashboard /dashboard/ /dashboard?a=/b //dashboard /x/../dashboard/)),
        map({ [ 1, $_ ] } qw(/dashboard /vpn-1/board.x /vpn-1/board.x/)),
        [ 2, '/' ],
    );
    for (@pages) {
        my ($port, $path) = @$_;
        my ($link) = page($httpd, $path, $port) =~ m{<link rel="stylesheet" href="([^"]*)">};
        my $answer = $httpd->request('GET', resolved($link // '', $path), { port => $port });
        is($answer->{status}, 200, "from $path of host $port");
        is($answer->{headers}{'content-type'}, 'text/css; charset=utf-8', 'it is CSS');
        like($answer->{content}, qr/\.red\b/, 'ours');
        unlike($answer->{content}, qr/\@import|url\(|expression|<\//, 'it loads nothing');
    }
    $httpd->stop;
    $httpd->check_error_log;
};

# As a browser does it.
sub resolved {
    my ($link, $base) = @_;
    $base =~ s/\?.*//;
    $base =~ s{/[^/]*$}{/};
    return $base . $link =~ s{^\./}{}r;
}

subtest 'hostile clients' => sub {
    my $httpd = VpsHttpd->start(conf => $mounted . "VPNSentinelDashboard\n");
    my @attacks = (
        q{<script>alert(1)</script>},
        q{"><img src=x onerror=alert(1)>},
        q{'><svg/onload=alert(1)>},
        q{</td></table><h1>x</h1>},
        q{&lt;b&gt; &#60;b&#62; &amp;},
        q{<!--}, q{-->}, q{]]>}, q{<bdi>}, q{</bdi>}, q{%s%n%x}, q{javascript:alert(1)},
        "\xe2\x80\xae<b>", "\xc3\xa9<i>\xe6\x9d\xb1\xe4\xba\xac",
    );
    my %limit = (
        city => 100, region => 64, country => 64, location => 64, provider => 64, dns_loc => 64,
        client_version => 32, dns_colo => 16, timezone => 40,
    );
    my %escape = ('<' => '&lt;', '>' => '&gt;', '"' => '&quot;', '&' => '&amp;');
    for my $attack (@attacks) {
        for my $member (sort keys %limit) {
            my $text = $attack;
            utf8::decode($text);
            next if length($attack) > $limit{$member};
            my %other = $member eq 'country' || $member eq 'location' ? () : (country => 'Romania');
            my $answer = $httpd->request('POST', '/api/v1/keepalive',
                { content => { client_id => 'hostile', %other, $member => $text } });
            is($answer->{status}, 200, "$member: $attack");
            next if $member eq 'timezone'; # is not shown
            my $page = page($httpd);
            my $escaped = $attack =~ s/([<>"&])/$escape{$1}/gr;
            my ($row) = $page =~ m{<tbody>\n(.*)\n</tbody>};
            like($row, qr/<bdi>[^<]*\Q$escaped\E[^<]*<\/bdi>/, 'is shown, escaped and kept apart');
            is_plain_html($page, 'it');
        }
    }
    for my $id ('<b>', 'a"b', 'a b', "a\nb", '../x') {
        my $answer = $httpd->request('POST', '/api/v1/keepalive',
            { content => { client_id => $id } });
        is($answer->{status}, 400, 'no such client id');
    }
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'what is known and what is not' => sub {
    my $httpd = VpsHttpd->start(conf => "$mounted\nVPNSentinelDashboard\n");
    report($httpd, 'full', {
        public_ip => '2001:DB8::1',
        location => 'JP', city => "\x{6771}\x{4eac}", region => 'Tokyo', country => 'Japan',
        dns_loc => 'JP', dns_colo => 'NRT',
        provider => 'AT&T (x)', vpn_connected => JSON::PP::true, client_version => '1.2.3',
    });
    report($httpd, 'none', {});
    report($httpd, 'said',
        { public_ip => 'unknown', city => 'Unknown', country => '', dns_loc => undef });
    report($httpd, 'some', { location => 'JP', vpn_connected => JSON::PP::false });
    report($httpd, 'only-told', undef);
    my $page = page($httpd);
    my %row = map { $_->[1] => $_ } rows($page);
    is(join('|', @{ $row{full} }[ 3, 4, 6 .. 9 ]),
        "2001:db8::1|\xe6\x9d\xb1\xe4\xba\xac, Tokyo, Japan|AT&amp;T (x)|connected|JP (NRT)|1.2.3",
        'all of it');
    like($row{full}[5], qr/^\d+ s ago$/, 'last seen');
    like($page, qr{<time datetime="(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)" title="\1">\d+ s ago</time>},
        'as a time');
    is("@{ $row{$_} }[ 3, 4, 6 .. 9 ]", 'unknown unknown unknown unknown unknown unknown',
        "$_: unknown") for qw(none said only-told);
    is("@{ $row{some} }[ 3, 4, 6 .. 9 ]", 'unknown JP unknown down unknown unknown', 'some of it');
    is($row{'only-told'}[5], 'never', 'never seen');
    is(scalar(() = $page =~ m{<span class="unknown">unknown</span>}g), 3 * 6 + 4, 'marked as such');
    unlike($page, qr{Unknown|null|<bdi></bdi>|<td></td>}, 'nothing is empty');
    $httpd->stop;
    $httpd->check_error_log;

    $httpd = VpsHttpd->start(conf => "VPNSentinelDashboard\n");
    like(page($httpd), qr{<dt>Public IP</dt><dd><span class="unknown">not known: [^<]+</span></dd>},
        'the server\'s own address');
    $httpd->stop;
    $httpd->check_error_log;
};

# Many reports through one connection.
sub report_many {
    my ($httpd, @reports) = @_;
    while (my @some = splice @reports, 0, 100) {
        my $requests = join '', map {
            my $body = JSON::PP->new->utf8->encode($_);
            my $length = length $body;
            "POST /api/v1/keepalive HTTP/1.1\r\nHost: a\r\nContent-Length: $length\r\n\r\n$body"
        } @some;
        my $accepted = () = $httpd->raw($requests) =~ m{HTTP/1\.1 200 }g;
        die "only $accepted of " . @some . ' reports are taken' if $accepted != @some;
    }
}

subtest 'many clients' => sub {
    my $httpd =
        VpsHttpd->start(conf => $mounted . "VPNSentinelDashboard\nMaxKeepAliveRequests 0\n");
    report_many($httpd, map { { %secure, client_id => sprintf 'c-%04d', $_ } } 1 .. 1000);
    my $page = page($httpd);
    is(scalar(rows($page)), 1000, 'a thousand are shown');
    unlike($page, qr/worst of/, 'which is all');

    report_many($httpd, (map { { %secure, client_id => "d-$_" } } 1 .. 5),
        { %secure, client_id => 'z-leak', dns_loc => 'DE' },
        { %secure, client_id => 'z-bypass', public_ip => $server_ip });
    $page = page($httpd);
    my @rows = rows($page);
    is(scalar @rows, 1000, 'not more are shown');
    like($page, qr/The 1000 worst of 1007 clients are shown/, 'which is told');
    like($page, qr{<li>1007 clients</li>}, 'all are counted');
    is_deeply([ map { $_->[1] } @rows[ 0, 1 ] ], [ 'z-bypass', 'z-leak' ],
        'the worst are among them, first');
    is_plain_html($page, 'many');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'switched off by the environment' => sub {
    my $conf = "VPNSentinelDashboard\nVPNSentinelHealth\n"
        . "<VirtualHost *:\@PORT1\@>\nVPNSentinelDashboard /b\n</VirtualHost>\n";
    my %expected = (false => 404, no => 404, Off => 404, 0 => 404, true => 200, '' => 200);
    for my $value (sort keys %expected) {
        my $httpd = VpsHttpd->start(conf => $conf, ports => 2,
            env => { VPN_SENTINEL_WEB_DASHBOARD_ENABLED => $value });
        for my $path (qw(/dashboard /dashboard/ /dashboard/dashboard.css /b)) {
            my $answer = $httpd->request('GET', $path, { port => 1 });
            is($answer->{status}, $expected{$value}, "'$value': $path");
        }
        is($httpd->request('GET', '/health')->{status}, 200, "'$value': health goes on");
        $httpd->stop;
        $httpd->check_error_log;
    }
};

done_testing;
