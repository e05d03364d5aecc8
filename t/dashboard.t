# The dashboard's first page: what it shows of the fleet and of the server, complete without a script;
# what its answers say to browsers; where it is.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use BotApi;
use DashboardPage;
use Sentinel;
use VpsHttpd;

my $server_ip = '198.51.100.7';
my %secure = (
    public_ip => '203.0.113.1',
    vpn_connected => JSON::PP::true,
    location => 'RO',
    dns_loc => 'RO',
);
my %mark = (
    red => "\xe2\x96\xa0",
    grey => "\xe2\x97\x8b",
    yellow => "\xe2\x96\xb2",
    green => "\xe2\x97\x8f",
);

sub start {
    my (%option) = @_;
    $option{conf} = "VPNSentinelDashboard\n" . ($option{conf} // '');
    return Sentinel->start(%option);
}

sub page {
    my ($httpd, $path, $port) = @_;
    return DashboardPage->get($httpd, $path // '/dashboard', { port => $port });
}

sub wait_for_monitor {
    my ($httpd, $state) = @_;
    return $httpd->wait_for(sub { (page($httpd)->facts('details')->{Monitor} // '') eq $state });
}

sub finish {
    my ($httpd, @allow) = @_;
    $httpd->stop;
    $httpd->check_error_log(allow => \@allow);
}

subtest 'no client yet' => sub {
    my $httpd = start();
    my $page = page($httpd);
    is($page->{status}, 200, 'is public');
    $page->is_plain_html('empty');
    like($page->{content}, qr{<title>VPN Sentinel Dashboard</title>}, 'title');
    like($page->{content}, qr{<h1>VPN Sentinel Monitoring</h1>}, 'heading');
    is($page->part('found'), 'No client has reported yet.', 'nobody yet');
    like($page->{content}, qr{<table hidden>}, 'the table is not seen');
    is($page->part('columns'), '', '... nor has it a head');
    is(scalar $page->ids, 0, '... or rows');
    is($page->part('pager'), '', 'one page');
    is(join('|', map { $_->[0] } $page->links('summary')),
        "0 clients|$mark{red} 0 alarm|$mark{grey} 0 offline|$mark{yellow} 0 DNS|$mark{green} 0 secure",
        'numbers');
    like($page->part('chart'), qr{<ul class="worst"><li>no alarm</li><li>no offline</li><li>no DNS</li>},
        'the chart in words');
    finish($httpd);
};

subtest 'what it says to browsers' => sub {
    my $httpd = start();
    my $answer = page($httpd);
    my $header = $answer->{headers};
    is($header->{'content-type'}, 'text/html; charset=utf-8', 'type');
    is($header->{'cache-control'}, 'no-store', 'not cached');
    like($answer->{content}, qr{<noscript><meta http-equiv="refresh" content="\d+"></noscript>},
        'without a script it is loaded again');
    unlike($answer->{content} =~ s/<script src="[^"]*" defer><\/script>//r,
        qr/<script|javascript:|\son\w+=|\sstyle=|<style/i, 'no script or style in the page');
    unlike($answer->{content}, qr{(?:src|href|action)="(?:\w+:|//)}, 'nothing from elsewhere');

    $httpd->wait_until_read;
    my @answers = map { $httpd->request(@$_) } [ 'GET', '/dashboard' ],
        [ 'GET', '/dashboard/client/a' ], [ 'GET', '/dashboard/x' ], [ 'POST', '/dashboard' ],
        [ 'GET', '/dashboard?page=x' ], [ 'GET', '/dashboard?since=' ],
        [ 'GET', '/dashboard/dashboard.js' ], [ 'GET', '/dashboard/icon.svg' ];
    is(join(' ', map { $_->{status} } @answers), '200 404 404 405 400 200 200 200', 'all kinds');
    for (@answers) {
        is($_->{headers}{'content-security-policy'},
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                . "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            "$_->{url}: the policy");
        is($_->{headers}{'x-content-type-options'}, 'nosniff', '... not guessed at');
        is($_->{headers}{'referrer-policy'}, 'no-referrer', '... no referrer');
    }
    for my $path ('/dashboard', '/dashboard?since=', '/dashboard/dashboard.css') {
        my ($head, $get) = map { $httpd->request($_, $path) } qw(HEAD GET);
        is($head->{status}, 200, "HEAD $path");
        is($head->{headers}{'content-type'}, $get->{headers}{'content-type'}, '... its type');
        is($head->{content} // '', '', '... has no body');
    }
    finish($httpd);
};

subtest 'style, script and icon' => sub {
    my $httpd = start();
    my %type = ('dashboard.css' => 'text/css; charset=utf-8',
        'dashboard.js' => 'text/javascript; charset=utf-8', 'icon.svg' => 'image/svg+xml');
    my %tagged = map { m{^\./dashboard/(([\w.]+)\?\w+)$} ? ($2 => $1) : () }
        page($httpd)->{content} =~ /(?:src|href)="([^"]*\?[0-9a-f]+)"/g;
    is_deeply([ sort keys %tagged ], [ sort keys %type ], 'all have a tag');
    for my $name (sort keys %type) {
        my ($tagged, $plain, $other) =
            map { $httpd->request('GET', "/dashboard/$_") } $tagged{$name}, $name, "$name?0";
        is($_->{status}, 200, $_->{url}) for $tagged, $plain, $other;
        is($tagged->{headers}{'content-type'}, $type{$name}, '... its type');
        is($tagged->{headers}{'cache-control'}, 'max-age=31536000, immutable',
            '... with its tag it may be kept for good');
        is($_->{headers}{'cache-control'}, 'max-age=300', '... else for minutes') for $plain, $other;
        is($plain->{content}, $tagged->{content}, '... the same');
        unlike($tagged->{content}, qr{\@import|url\((?!"#)|</|https?:},
            '... loads nothing') if $name ne 'icon.svg';
    }
    finish($httpd);
};

subtest 'the fleet' => sub {
    my $httpd = start(conf => "VPNSentinelServerPublicIP $server_ip\n", clock => 1);
    $httpd->step_clear_of_quarters;
    my @worst_first = (
        [ 'z-bypass', 'red', 'bypass', { %secure, public_ip => $server_ip } ],
        [ 'z-down', 'red', 'VPN down', { %secure, vpn_connected => JSON::PP::false } ],
        [ 'z-ipv6', 'red', 'IPv6 leak',
            { %secure, public_ip6 => '2001:db8::1', ipv6_verdict => 'leak' } ],
        [ 'z-many', 'red', 'IPv6 leak, VPN down, bypass, DNS leak',
            { %secure, public_ip => $server_ip, vpn_connected => JSON::PP::false, dns_loc => 'DE',
                ipv6_verdict => 'leak' } ],
        [ 'z-gone', 'grey', 'offline', undef ],
        [ 'z-leak', 'yellow', 'DNS leak', { %secure, dns_loc => 'DE' } ],
        [ 'z-unknown', 'yellow', 'DNS unknown', {} ],
        [ 'a-secure', 'green', 'secure', \%secure ],
        [ 'b-verdicts', 'green', 'secure',
            { %secure, dns_loc => 'DE', dns_colo => 'FRA', dns_verdict => 'tunnel',
                ipv6_verdict => 'blocked' } ],
    );
    for (reverse @worst_first) {
        my ($id, undef, undef, $report) = @$_;
        $report ? $httpd->keepalive({ %$report, client_id => $id })
            : $httpd->api('POST', '/register', { content => { client_id => $id } });
    }
    my $page = page($httpd);
    $page->is_plain_html('with clients');
    is(join('|', $page->columns),
        'Client ID|Status|Public IP|Location|Last Seen|Last 24 Hours|Provider|VPN|DNS|Version',
        'columns');
    is_deeply([ map { [ @{ $page->row($_) }{qw(Status light)} ] } $page->ids ],
        [ map { [ "$mark{$_->[1]} $_->[2]", $_->[1] ] } @worst_first ],
        'worst first; lights by colour, shape and words');
    is_deeply([ map { $page->row($_)->{'Client ID'} } $page->ids ], [ map { $_->[0] } @worst_first ],
        'by their ids where they are the same');
    is($page->row($_)->{link}, "./dashboard/client/$_", "$_: a page of its own") for $page->ids;
    is($page->row('z-leak')->{'Public IP'}, '203.0.113.1', 'a public IP');
    is($page->row('z-ipv6')->{'Public IP'}, '203.0.113.1, 2001:db8::1 IPv6 leak', '... with IPv6');
    is($page->row('b-verdicts')->{'Public IP'}, '203.0.113.1 IPv6 blocked', '... that is blocked');
    is($page->row('z-leak')->{DNS}, 'DE', 'DNS');
    is($page->row('b-verdicts')->{DNS}, 'tunnel, DE FRA', '... with a verdict and a data centre');
    my %word = (red => 'alarm', grey => 'offline', yellow => 'DNS', green => 'secure');
    for my $id ($page->ids) {
        my $row = $page->row($id);
        like($row->{strip}, qr/^no data 23 h (?:45|30) min, $word{$row->{light}} (?:15|30) min$/,
            "$id: its 24 hours in words");
        like($row->{html}, qr{<path class="$row->{light}" d="M190 }, '... and drawn');
    }

    is(join('|', map { $_->[0] } $page->links('summary')),
        "9 clients|$mark{red} 4 alarm|$mark{grey} 1 offline|$mark{yellow} 2 DNS|$mark{green} 2 secure",
        'how many of each light');
    like($page->part('summary'), qr{<p class="online">8 online, 1 offline</p>}, 'online, offline');
    is($page->part('found'), '9 clients', 'which are all');
    is(join('|', map { DashboardPage::text($_) } $page->part('chart') =~ m{<li>(.*?)</li>}g)
            =~ s/\d\d:\d\d/hh:mm/gr,
        "$mark{red} at most 4 alarm, hh:mm UTC|$mark{grey} at most 1 offline, hh:mm UTC|"
            . "$mark{yellow} at most 2 DNS, hh:mm UTC", 'the chart in words');
    my $legend = $page->facts('legend');
    is_deeply([ sort map { DashboardPage::text($_) =~ s/\s+$//r } keys %$legend ],
        [ sort 'no data', map { "$mark{$_} $word{$_}" } keys %mark ], 'a legend tells each of them');

    ok(wait_for_monitor($httpd, 'running'), 'the monitor runs');
    my $content = sub { page($httpd, $_[0])->{content} =~ s/href="[^"]*"|src="[^"]*"|\d+ s\b//gr };
    my @same;
    # Events come in meanwhile.
    $httpd->wait_for(sub {
        @same = map { $content->($_) } '/dashboard', '/dashboard/', '/dashboard';
        return $same[0] eq $same[2];
    });
    is($same[1], $same[0], '/dashboard/ is the same');
    finish($httpd);
};

subtest 'what is known and what is not' => sub {
    my $httpd = start();
    $httpd->keepalive({
        client_id => 'full', public_ip => '2001:DB8::1',
        location => 'JP', city => "\x{6771}\x{4eac}", region => 'Tokyo', country => 'Japan',
        dns_loc => 'JP', dns_colo => 'NRT',
        provider => 'AT&T (x)', vpn_connected => JSON::PP::true, client_version => '1.2.3',
    });
    $httpd->keepalive({ client_id => 'none' });
    $httpd->keepalive({ client_id => 'said',
        public_ip => 'unknown', city => 'Unknown', country => '', dns_loc => undef });
    $httpd->keepalive({ client_id => 'some', location => 'JP', vpn_connected => JSON::PP::false });
    $httpd->api('POST', '/register', { content => { client_id => 'only-told' } });
    my $page = page($httpd);
    my @facts = ('Public IP', 'Location', 'Provider', 'VPN', 'DNS', 'Version');
    my %row = map { my $row = $page->row($_); $_ => join '|', @$row{@facts} } $page->ids;
    is($row{full}, "2001:db8::1|\xe6\x9d\xb1\xe4\xba\xac, Tokyo, Japan|AT&T (x)|connected|JP NRT|1.2.3",
        'all of it');
    is($row{$_}, 'unknown|unknown|unknown|unknown|unknown|unknown', "$_: unknown")
        for qw(none said only-told);
    is($row{some}, 'unknown|JP|unknown|down|unknown|unknown', 'some of it');
    is($page->row('only-told')->{'Last Seen'}, 'never', 'never seen');
    like($page->row('full')->{'Last Seen'}, qr/^\d+ s ago$/, 'last seen');
    like($page->row('full')->{html},
        qr{<time class="ago" datetime="(....-..-..)T(..:..:..)Z" title="\1 \2 UTC">\d+ s ago</time>},
        '... as a time');
    is(scalar(() = $page->part('rows') =~ m{<span class="unknown">unknown</span>}g), 3 * 6 + 4,
        'marked as such');
    unlike($page->{content}, qr{Unknown|null|<bdi></bdi>|<td[^>]*></td>}, 'nothing is empty');
    finish($httpd);
};

subtest 'Server Details' => sub {
    my $warning = qr{^<p class="notice" role="status">The monitor does not run: };
    my $watched = start(conf => "VPNSentinelCheckInterval 1\n");
    ok(wait_for_monitor($watched, 'running'), 'the monitor runs');
    ok($watched->wait_for(sub { page($watched)->part('notices') eq '' }), '... no warning');
    my $page = page($watched);
    my $details = $page->facts('details');
    like(delete $details->{Uptime}, qr/^\d+ s$/, 'since when');
    like(delete $details->{Version}, qr/^\d+\.\d+\.\d+$/, 'version');
    is_deeply($details, {
        'Public IP' => 'not known: bypasses cannot be recognised',
        Monitor => 'running',
        Store => 'ok',
        Telegram => 'off, 0 queued',
    }, 'all is well');
    my $monitor = $watched->wait_for_monitor;
    kill 'STOP', $monitor;
    ok(wait_for_monitor($watched, 'not running'), 'the monitor hangs');
    like(page($watched)->part('notices'), $warning, '... a warning');
    page($watched)->is_plain_html('... the page');
    kill 'CONT', $monitor;
    finish($watched);

    my $bot = BotApi->start;
    $bot->fail(400, description => 'Bad Request: <b>chat</b>&"');
    my $troubled = start(
        conf => "VPNSentinelStateDir in/the/<way>\n" . $bot->conf
            . "VPNSentinelServerPublicIP auto\nVPNSentinelIPInfoURL http://127.0.0.1:1\n"
            . "VPNSentinelIPAPIURL http://127.0.0.1:1\n",
        files => { 'in/the/<way>' => 'a file' },
    );
    my $failed = sub {
        (page($troubled)->facts('details')->{Telegram} // '') =~
            /^on, 1 queued, the oldest \d+ s ago \(.*<b>chat<\/b>&"/;
    };
    ok($troubled->wait_for($failed), 'the last error of Telegram');
    $details = page($troubled)->facts('details');
    is($details->{'Public IP'}, 'not known yet: bypasses cannot be recognised',
        'the public IP is not known yet');
    like($details->{Store}, qr/^degraded \(.+\)$/, 'the store does not work');
    page($troubled)->is_plain_html('the page');
    finish($troubled, qr/VPNS\d+: /);

    my $both = start(conf => "VPNSentinelServerPublicIP $server_ip 2001:db8::7\n");
    is(page($both)->facts('details')->{'Public IP'}, "$server_ip, 2001:db8::7", 'both addresses');
    finish($both);
};

subtest 'what is not there' => sub {
    my $httpd = start();
    $httpd->keepalive({ client_id => 'a' });
    for my $path (qw(/dashboard /dashboard/ /dashboard/dashboard.css /dashboard/client/a)) {
        for my $method (qw(POST PUT DELETE OPTIONS TRACE PATCH BREW)) {
            my $answer = $httpd->request($method, $path,
                { content => $method eq 'POST' ? 'a=b' : undef });
            is($answer->{status}, 405, "$method $path");
            is($answer->{headers}{allow}, 'GET, HEAD', "$method $path: what is allowed");
        }
    }
    my @others = qw(/x /index.html /dashboard.css/ /dashboard.css/x /DASHBOARD.CSS /..%2f /dashboard
        /%3Cscript%3E /"onload=" /dashboard.css%00 /assets/dashboard.css);
    for my $path (@others) {
        my $answer = $httpd->request('GET', "/dashboard$path");
        is($answer->{status}, 404, "/dashboard$path: 404");
        unlike($answer->{content}, qr/<script>|onload/, "/dashboard$path: not repeated");
    }
    is($httpd->request('GET', $_)->{status}, 404, "$_ is another path")
        for qw(/dashboards /Dashboard /);
    finish($httpd);
};

# Every file and page that a page links to is there.
sub is_whole {
    my ($httpd, $path, $port) = @_;
    my $page = page($httpd, $path, $port);
    my @links = $page->{content} =~ /(?:src|href)="([^"]*)"/g;
    my %status = map {
        my $to = DashboardPage::resolved(DashboardPage::text($_), $path);
        $to => $httpd->request('GET', $to, { port => $port })->{status};
    } @links;
    is_deeply([ grep { $status{$_} != 200 } sort keys %status ], [],
        "$path of host $port: its links lead somewhere");
    ok(scalar(grep { $status{$_} == 200 && m{/client/a$} } keys %status), '... one to a client');
    like($httpd->request('GET', DashboardPage::resolved($_, $path), { port => $port })->{content},
        qr/\.red\b/, '... one to the style') for grep { /\.css/ } @links;
}

subtest 'at any path' => sub {
    my $httpd = start(
        ports => 3,
        conf => <<'CONF',
<VirtualHost *:@PORT1@>
    VPNSentinelDashboard /vpn-1/board.x
</VirtualHost>
<VirtualHost *:@PORT2@>
    VPNSentinelDashboard off
    VPNSentinelDashboard /
</VirtualHost>
CONF
    );
    $httpd->keepalive({ client_id => 'a' });
    # A client's page has links to clients where it tells of events.
    ok($httpd->wait_for(sub { page($httpd, '/dashboard/client/a')->{content} =~ /VPN Connected!/ }), 'it is told');
    is_whole($httpd, $_, 0)
        for qw(/dashboard /dashboard/ /dashboard?q=a //dashboard /x/../dashboard/);
    is_whole($httpd, $_, 1) for qw(/dashboard /vpn-1/board.x /vpn-1/board.x/);
    is_whole($httpd, $_, 2) for qw(/ /client/a);
    is_whole($httpd, '/vpn-1/board.x/client/a', 1);
    finish($httpd);
};

subtest 'switched off by the environment' => sub {
    my $conf = "VPNSentinelDashboard\nVPNSentinelHealth\n"
        . "<VirtualHost *:\@PORT1\@>\nVPNSentinelDashboard /b\n</VirtualHost>\n";
    my %expected = (false => 404, no => 404, Off => 404, 0 => 404, true => 200, '' => 200);
    for my $value (sort keys %expected) {
        my $httpd = VpsHttpd->start(conf => $conf, ports => 2,
            env => { VPN_SENTINEL_WEB_DASHBOARD_ENABLED => $value });
        for my $path (qw(/dashboard /dashboard/ /dashboard?since= /dashboard/dashboard.css /b)) {
            my $answer = $httpd->request('GET', $path, { port => 1 });
            is($answer->{status}, $expected{$value}, "'$value': $path");
        }
        is($httpd->request('GET', '/health')->{status}, 200, "'$value': health goes on");
        finish($httpd);
    }
};

done_testing;
