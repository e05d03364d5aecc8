# What a page of the dashboard asks for while somebody looks at it is what has changed since, and no more.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use DashboardPage;
use Sentinel;

my %secure = (public_ip => '203.0.113.1', vpn_connected => JSON::PP::true, location => 'RO',
    dns_loc => 'RO');
my $httpd = Sentinel->start(clock => 1, conf => "VPNSentinelDashboard\n");
my $step = 300 - time % 900; # far from the next quarter of an hour, with which all changes
$httpd->step_clock($step);

# What is new since then.
sub news {
    return DashboardPage::news($httpd, @_);
}

# Asks until nothing is new, in another second than before. Returns what to ask with.
sub when_calm {
    my ($query) = @_;
    my $last = news('', $query);
    my $is_calm = sub {
        my $news = news($last->{since}, $query);
        return 1 if DashboardPage::members($news) eq '' && $news->{now} ne $last->{now};
        $last = $news if DashboardPage::members($news) ne '';
        return 0;
    };
    $httpd->wait_for($is_calm) or die 'there is news all the time';
    return $last->{since};
}

sub report {
    my ($id, %report) = @_;
    my ($status) = $httpd->keepalive({ %secure, %report, client_id => $id });
    is($status, 200, "$id reports");
}

report('a');
report('b', dns_loc => 'DE');
report('c');
$httpd->is_announced('a', 'connected', 'a is announced');
$httpd->is_announced('b', 'connected dns_leak', 'b is announced');
$httpd->is_announced('c', 'connected', 'c is announced');

subtest 'nothing' => sub {
    my $since = when_calm();
    is(DashboardPage::members(news($since)), '', 'nothing has changed');
    $httpd->graceful;
    unlike(DashboardPage::members(news($since)), qr/order|rows/, '... nor has a client by a graceful');
};

subtest 'a keepalive' => sub {
    my $since = when_calm();
    report('a');
    my $news = news($since);
    is(DashboardPage::members($news), 'seen', 'that changes nothing');
    is_deeply([ keys %{ $news->{seen} } ], ['a'], '... it was seen');
    like($news->{seen}{a}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '... then');
    cmp_ok($news->{seen}{a}, 'le', $news->{now}, '... not later than now');
};

subtest 'a report' => sub {
    my $since = when_calm();
    report('a', city => 'Cluj');
    my $news = news($since);
    is(DashboardPage::members($news), 'rows', 'that changes no light');
    is_deeply([ keys %{ $news->{rows} } ], ['a'], '... its row, no other');
    is(DashboardPage::cells_of($news->{rows}{a})->{Location}, 'Cluj, RO', '... as it is now');

    report('a', dns_loc => 'DE');
    $httpd->is_announced('a', 'connected dns_leak', 'one with a leak');
    $news = news($news->{since});
    is(DashboardPage::members($news), 'order parts rows', '... all that it changes');
    is_deeply([ keys %{ $news->{rows} } ], ['a'], '... its row, no other');
    is_deeply($news->{order}, [ 'a yellow', 'b yellow', 'c green' ], '... its place');
    is_deeply([ sort keys %{ $news->{parts} } ], [qw(chart events summary)], '... numbers and events');
};

subtest 'clients that come and go' => sub {
    my $since = when_calm();
    report('d');
    my $news = news($since);
    is_deeply([ keys %{ $news->{rows} } ], ['d'], 'a new one has the one row that is new');
    is($news->{order}[-1], 'd green', '... and a place');
    $httpd->is_announced('d', 'connected', '... it is announced');
    $since = when_calm();
    $httpd->api('DELETE', '/clients/d');
    $news = news($since);
    ok(!$news->{rows}, 'one that is gone changes no row');
    is_deeply($news->{order}, [ 'a yellow', 'b yellow', 'c green' ], '... but the order');
    report('d');
    ok(news($news->{since})->{rows}{d}, 'it comes back with its row');
    $httpd->is_announced('d', 'connected connected', '... and is announced anew');
};

subtest 'other rows of the fleet' => sub {
    my $since = when_calm('light=green');
    report('b', dns_loc => 'DE', city => 'Berlin');
    is(DashboardPage::members(news($since, 'light=green')), '', 'what is not shown is no news');
    report('c', city => 'Cluj');
    is_deeply([ keys %{ news($since, 'light=green')->{rows} } ], ['c'], '... what is shown is');
};

subtest 'another quarter of an hour' => sub {
    my $since = when_calm();
    $httpd->step_clock($step + 900);
    my $news = news($since);
    is_deeply([ sort keys %{ $news->{rows} } ], [qw(a b c d)], 'moves the strips of all');
    ok($news->{parts}{chart}, '... and the chart');
};

$httpd->stop;
$httpd->check_error_log;

done_testing;
