# The dashboard's page of one client.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use DashboardPage;
use Sentinel;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $server_ip = '198.51.100.7';
my $httpd = Sentinel->start(ports => 2, conf => <<"CONF");
VPNSentinelDashboard
VPNSentinelServerPublicIP $server_ip
<VirtualHost *:\@PORT1\@>
    VPNSentinelDashboard /
</VirtualHost>
CONF
my %secure = (public_ip => '203.0.113.1', vpn_connected => $yes, location => 'RO', dns_loc => 'RO');
my %mark = (red => "\xe2\x96\xa0", grey => "\xe2\x97\x8b", yellow => "\xe2\x96\xb2",
    green => "\xe2\x97\x8f");

sub page {
    my ($id) = @_;
    return DashboardPage->get($httpd, "/dashboard/client/$id");
}

# How it is, in words.
sub state_of {
    my ($page) = @_;
    my ($state) = $page->part('state') =~ m{<p class="state">(.*?)</p>};
    return DashboardPage::text($state // '');
}

sub items {
    my ($html, $class) = @_;
    my ($list) = $html =~ m{<(?:ul|ol)$class>(.*?)</(?:ul|ol)>}s;
    return map { DashboardPage::text($_) } ($list // '') =~ m{<li[^>]*>(.*?)</li>}gs;
}

subtest 'all that a client says' => sub {
    $httpd->keepalive({
        client_id => 'Full-1', public_ip => '203.0.113.9', public_ip6 => '2001:DB8::9',
        location => 'JP', city => "\x{6771}\x{4eac}", region => 'Tokyo & more', country => 'Japan',
        provider => 'AS1 <Net>', timezone => 'Asia/Tokyo', vpn_connected => $yes,
        ipv6_verdict => 'tunnel', dns_loc => 'DE', dns_colo => 'NRT', dns_verdict => 'allowed',
        dns_resolver_ip => '192.0.2.53', dns_path => 'outside', dns_source => 'resolver',
        client_version => '1.2.3', timestamp => '2025-01-15T12:34:56Z',
    });
    my $page = page('Full-1');
    is($page->{status}, 200, 'there is a page');
    $page->is_plain_html('it');
    like($page->{content}, qr{<title>Full-1 \xe2\x80\x93 VPN Sentinel Dashboard</title>}, 'title');
    like($page->{content}, qr{<h1>Full-1</h1>\n<p><a href="\.\./">VPN Sentinel Monitoring</a></p>},
        'heading, and a way back');
    is($page->{headers}{'cache-control'}, 'no-store', 'not cached');
    my $facts = $page->facts('report');
    like(delete $facts->{'Last seen'}, qr/^\d+ s ago$/, 'last seen');
    like(delete $facts->{'First seen'}, qr/^....-..-.. ..:..:.. UTC$/, 'first seen');
    is_deeply($facts, {
        'Public IP' => '203.0.113.9', City => "\xe6\x9d\xb1\xe4\xba\xac", Region => 'Tokyo & more',
        Country => 'Japan', 'Country code' => 'JP', 'Time zone' => 'Asia/Tokyo',
        Provider => 'AS1 <Net>', VPN => 'connected', 'Public IPv6' => '2001:db8::9',
        'IPv6 verdict' => 'tunnel', Verdict => 'allowed', 'Comes out in' => 'DE',
        Resolver => '192.0.2.53', 'Way to the name servers' => 'outside', 'Data centre' => 'NRT',
        'Known by' => 'resolver', From => '127.0.0.1', "Client's clock" => '2025-01-15 12:34:56 UTC',
        Keepalives => 1, Version => '1.2.3', 'Last change' => 'never',
    }, 'each member');
    is(state_of($page), "$mark{green} secure", 'how it is');

    $httpd->keepalive({ client_id => 'Full-1' });
    is(page('Full-1')->facts('report')->{Keepalives}, 2, 'it counts');
};

subtest 'of whom nothing is known' => sub {
    $httpd->api('POST', '/register', { content => { client_id => 'told' } });
    my $page = page('told');
    $page->is_plain_html('it');
    is(state_of($page), "$mark{grey} offline", 'offline');
    unlike($page->part('state'), qr/Silent/, '... nobody knows for how long');
    my $facts = $page->facts('report');
    is($facts->{Keepalives}, 0, 'no keepalive');
    is($facts->{'Last seen'}, 'never', 'never seen');
    is($facts->{'Last change'}, 'never', 'never changed');
    like($facts->{'First seen'}, qr/UTC$/, 'but known');
    is_deeply([ grep { $facts->{$_} ne 'unknown' } sort keys %$facts ],
        [ 'First seen', 'Keepalives', 'Last change', 'Last seen' ], 'the rest is unknown');
    unlike($page->part('report'), qr{<dd></dd>|<bdi></bdi>}, 'nothing is empty');
    like($page->part('events'), qr{<p>Nothing has been announced yet\.</p>}, 'no events');
};

subtest 'its day' => sub {
    $httpd->keepalive({ %secure, client_id => 'day' });
    my $day = page('day')->part('day');
    like($day, qr{<svg class="strip" role="img" aria-label="no data 23 h (?:45|30) min, secure (?:15|30) min"},
        'a strip');
    my @stretches = items($day, ' class="stretches"');
    is(scalar @stretches, 2, 'two stretches');
    my ($from, $to) = $stretches[0] =~ /^ (\d\d:[0134][05])\xe2\x80\x93(\d\d:[0134][05]) no data$/;
    ok(defined $to, 'no data until a quarter of an hour') or diag($stretches[0]);
    is($stretches[1], " $to\xe2\x80\x93now secure", 'secure from then');
    like($day, qr/Times are UTC/, 'by which clock');
};

subtest 'how long it has been so' => sub {
    my %bad = (
        bypass => [ { public_ip => $server_ip }, 'bypass', 'Bypass', 'red' ],
        down => [ { vpn_connected => $no }, 'VPN down', 'VPN down', 'red' ],
        ipv6 => [ { ipv6_verdict => 'leak' }, 'IPv6 leak', 'IPv6 leak', 'red' ],
        leak => [ { dns_loc => 'DE' }, 'DNS leak', 'DNS leak', 'yellow' ],
    );
    for my $id (sort keys %bad) {
        my ($report, $word, $what, $light) = @{ $bad{$id} };
        $httpd->keepalive({ %secure, %$report, client_id => $id });
        my $time = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/;
        my $told = sub { my @items = items(page($id)->part('state'), ''); $items[0] // '' };
        ok($httpd->wait_for(sub { $told->() ne '' }), "$what: it is announced");
        like($told->(), qr/^\Q$what\E for \d+ s, since $time$/, '... and since when it is so');
        is(scalar(() = items(page($id)->part('state'), '')), 1, '... of this alone');
        is(state_of(page($id)), "$mark{$light} $word", '... how it is');
        page($id)->is_plain_html('... the page');
        $httpd->keepalive({ %secure, client_id => $id });
        is(state_of(page($id)), "$mark{green} secure", '... it is over');
        is_deeply([ items(page($id)->part('state'), '') ], [], '... and nothing is told');
    }
    my $silent = Sentinel->start(conf => "VPNSentinelDashboard\nVPNSentinelOfflineThreshold 2\n");
    $silent->keepalive({ client_id => 'quiet' });
    my $page;
    ok($silent->wait_for(sub {
        $page = DashboardPage->get($silent, '/dashboard/client/quiet');
        return state_of($page) =~ /offline$/;
    }), 'Silent: offline');
    like((items($page->part('state'), ''))[0], qr/^Silent for \d+ s, since .* UTC$/, '... for how long');
    $silent->stop;
    $silent->check_error_log;
};

subtest 'its events' => sub {
    $httpd->keepalive({ %secure, client_id => 'eventful' });
    $httpd->is_announced('eventful', 'connected', 'connected');
    $httpd->keepalive({ %secure, client_id => 'eventful', public_ip => '203.0.113.2' });
    $httpd->is_announced('eventful', 'connected ip_changed', 'another address');
    my @events = items(page('eventful')->part('events'), ' class="events"');
    is(scalar @events, 2, 'its own, no other client\'s');
    like($events[0], qr/^\d+ s ago .*IP Address Changed.*203\.0\.113\.1.*203\.0\.113\.2/, 'the newest first');
    like($events[1], qr/VPN Connected/, 'the oldest last');
    like(page('eventful')->facts('report')->{'Last change'}, qr/^....-..-.. ..:..:.. UTC$/,
        'when it changed');
    page('eventful')->is_plain_html('the page');
    my @all = items(DashboardPage->get($httpd, '/dashboard')->part('events'), ' class="events"');
    like($all[0], qr/IP Address Changed.* eventful: /, 'all of them are on the first page');
    is(scalar @all, 12, '... the newest dozen');
    like(DashboardPage->get($httpd, '/dashboard')->part('events'),
        qr{<a href="\./dashboard/client/eventful">eventful</a>}, '... with a link');
};

subtest 'from everywhere' => sub {
    for ([ 0, '/dashboard/client/day' ], [ 1, '/client/day' ], [ 0, '//dashboard/./client/day' ]) {
        my ($port, $path) = @$_;
        my $page = DashboardPage->get($httpd, $path, { port => $port });
        my @links = $page->{content} =~ /(?:src|href)="([^"]*)"/g;
        my %status = map { $_ => $httpd->request('GET', DashboardPage::resolved($_, $path),
            { port => $port })->{status} } @links;
        is_deeply([ grep { $status{$_} != 200 } sort keys %status ], [], "$path of host $port");
        my $back = DashboardPage->get($httpd, DashboardPage::resolved('../', $path), { port => $port });
        like($back->{content}, qr{<h1>VPN Sentinel Monitoring</h1>}, '... leads back');
    }
};

subtest 'what is not there' => sub {
    $httpd->wait_until_read;
    my $answer = $httpd->request('GET', '/dashboard/client/nobody');
    is($answer->{status}, 404, 'nobody');
    is($answer->{content}, 'There is no client of this id', '... told in words');
    is($httpd->request('GET', '/dashboard/client/nobody?since=')->{status}, 404, '... to a script, too');
    is(page('DAY')->{status}, 404, 'ids have their case');
    my @odd = ('client', 'client/', 'client/day/', 'client/day/x', 'client/day.',
        'client/a%20b', 'client/%3Cscript%3E', 'client/day%2f', 'client/day%00', 'clients/day',
        'Client/day', 'client/' . 'a' x 101, 'client/day/../..', 'client/..%2f', "client/day\xff");
    for my $path (@odd) {
        my $answer = $httpd->request('GET', "/dashboard/$path");
        next if $path =~ m{/\.\./\.\.$} && $answer->{status} == 200; # httpd makes /dashboard/ of it
        is($answer->{status}, 404, "/dashboard/$path");
        unlike($answer->{content}, qr/<script>|Monitoring/, '... and nothing of it');
    }
    is(page('a' x 100)->{status}, 404, 'the longest id');
    $httpd->keepalive({ client_id => 'a' x 100 });
    is(page('a' x 100)->{status}, 200, '... is one');
    $httpd->api('DELETE', '/clients/day');
    is(page('day')->{status}, 404, 'a removed one has no page');
};

$httpd->stop;
$httpd->check_error_log;

done_testing;
