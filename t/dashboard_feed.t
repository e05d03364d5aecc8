# What a page of the dashboard asks for while somebody looks at it: what has changed since then, as
# mod_vpnsentinel/dashboard_document.h tells.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use DashboardPage;
use Sentinel;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my %secure = (public_ip => '203.0.113.1', vpn_connected => $yes, location => 'RO', dns_loc => 'RO');
my @parts = qw(notices summary chart found columns pager events details);
my @client_parts = qw(notices state day report events);

# Everything is in it: parts, order and the rows of it.
sub is_everything {
    my ($news, $ids, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($news->{status}, 200, $name);
    is(DashboardPage::members($news), 'order parts rows', '... all of it');
    is_deeply([ sort keys %{ $news->{parts} } ], [ sort @parts ], '... each part');
    is(join(' ', map { s/ .*//r } @{ $news->{order} }), $ids, '... the order');
    is_deeply([ sort keys %{ $news->{rows} } ], [ sort split / /, $ids ], '... each row');
}

# Asks until what the monitor does is done: no part is another any more. Returns what to ask with.
sub settled {
    my ($httpd, $query, $path) = @_;
    my $news = DashboardPage::news($httpd, '', $query, $path);
    my $is_same = sub {
        $news = DashboardPage::news($httpd, $news->{since}, $query, $path);
        return !$news->{parts} && !$news->{order};
    };
    $httpd->wait_for($is_same) or die 'it changes all the time';
    return $news->{since};
}

sub start {
    my $httpd = Sentinel->start(clock => 1, conf => "VPNSentinelDashboard\n");
    $httpd->step_clock(300 - time % 900); # far from the next quarter of an hour, with which all changes
    $httpd->keepalive({ %secure, client_id => 'a' });
    $httpd->keepalive({ %secure, client_id => 'b', dns_loc => 'DE' });
    $httpd->is_announced('a', 'connected', 'a is announced');
    $httpd->is_announced('b', 'connected dns_leak', 'b is announced');
    # The first events are there before the monitor has told how it is.
    my $is_quiet = sub { DashboardPage->get($httpd, '/dashboard')->part('notices') eq '' };
    ok($httpd->wait_for($is_quiet), 'the monitor runs');
    return $httpd;
}

sub finish {
    my ($httpd) = @_;
    $httpd->stop;
    $httpd->check_error_log;
}

subtest 'everything' => sub {
    my $httpd = start();
    my $news = DashboardPage::news($httpd, '');
    is_everything($news, 'b a', 'at first');
    is_deeply($news->{order}, [ 'b yellow', 'a green' ], 'the order, with the lights');
    like($news->{now}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'the time');
    like($news->{since}, qr/^[0-9a-f]+(?:\.[0-9a-f]+){11}$/, 'what to ask with');
    my $header = $news->{answer}{headers};
    is($header->{'content-type'}, 'application/json', 'JSON');
    is($header->{'cache-control'}, 'no-store', 'not cached');

    my $page = DashboardPage->get($httpd, '/dashboard');
    my $as_text = sub { DashboardPage::text($_[0] =~ s{<time.*?</time>}{}gr) };
    is($as_text->($news->{parts}{$_}), $as_text->($page->part($_)), "$_: as on the page") for @parts;
    for my $id ($page->ids) {
        my $row = DashboardPage::cells_of($news->{rows}{$id});
        is($row->{$_}, $page->row($id)->{$_}, "$id: $_, as on the page")
            for qw(light link Status DNS VPN), 'Public IP';
        like($row->{'Last Seen'}, qr/^....-..-.. ..:..:.. UTC$/, '... its times are those of the script');
    }

    my $head = $httpd->request('HEAD', '/dashboard?since=');
    is($head->{status}, 200, 'HEAD');
    is($head->{content} // '', '', '... has no body');
    is(DashboardPage::news($httpd, '', '', '/dashboard/')->{rows}{a} =~ m{href="\./client/a"} && 1, 1,
        'links are those of the page that asks');
    finish($httpd);
};

subtest 'since when' => sub {
    my $httpd = start();
    my $good = DashboardPage::news($httpd, '')->{since};
    my $client = DashboardPage::news($httpd, '', '', '/dashboard/client/a')->{since};
    my ($registry, $rest) = $good =~ /^([0-9a-f]+)(.*)/;
    my @unknown = ('', 'x', '.', '..', '0', '-1', 'null', '1.2.3', "$good.0", "${good}x",
        $good =~ s/\.[^.]*$//r, $good =~ s/\./,/gr, $client, '%25s%25n', '%3Cscript%3E', '%ff',
        'f' x 200, 'f.' x 1000, '0.' x 3000, "0$rest", reverse($registry) . "1$rest");
    is_everything(DashboardPage::news($httpd, $_), 'b a', "nothing is known by '" . substr($_, 0, 40) . "'")
        for @unknown;
    my $huge = 'f' x 20;
    for my $place (0 .. 11) {
        my @numbers = split /\./, $good;
        $numbers[$place] = $huge;
        is(DashboardPage::news($httpd, join '.', @numbers)->{status}, 200, "number $place is too large");
    }
    is(DashboardPage::members(DashboardPage::news($httpd, $good, '', '/dashboard/client/a')), 'parts', 'of the other page: all parts');
    finish($httpd);
};

subtest 'one that is known is not of another registry' => sub {
    my $httpd = start();
    my $since = settled($httpd);
    $httpd->graceful;
    unlike(DashboardPage::members(DashboardPage::news($httpd, $since)), qr/order/, 'a graceful keeps it');
    $httpd->stop;
    $httpd->start_again;
    ok($httpd->wait_for(sub { DashboardPage::news($httpd, $since)->{status} != 503 }), 'the clients are back');
    is_everything(DashboardPage::news($httpd, $since), 'b a', 'a start does not');
    finish($httpd);
};

# The store of the server that was there before is still in use when the new one begins.
subtest 'a server that has not read its store' => sub {
    my $before = start();
    my $since = settled($before);
    my $httpd = Sentinel->start(conf => "VPNSentinelDashboard\nVPNSentinelStateDir '" . $before->root . "/state'\n");
    my ($early, $client) = map { $httpd->request('GET', $_) } "/dashboard?since=$since", '/dashboard/client/a';
    is("$early->{status} $early->{headers}{'retry-after'}", '503 1', 'who shows the fleet from before may keep it');
    is($client->{status}, 503, 'nor is it told that a client is not there');
    is_deeply(DashboardPage::news($httpd, '')->{order}, [], 'who shows none gets what there is');
    my $notice = qr/is not read yet: clients may be missing/;
    ok($httpd->wait_for(sub { DashboardPage->get($httpd, '/dashboard')->part('notices') =~ $notice }),
        '... with a notice');
    finish($before);
    my $is_read = sub { DashboardPage->get($httpd, '/dashboard')->part('notices') !~ $notice };
    ok($httpd->wait_for($is_read), 'when it is read there is no notice');
    is_everything(DashboardPage::news($httpd, $since), 'b a', '... and the fleet is there');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS\d+: the store: /]);
};

# What is empty now was not, maybe, on the page of somebody of whom nothing is known.
subtest 'a part that is empty' => sub {
    my $httpd = start();
    my $parts = DashboardPage::news($httpd, '')->{parts};
    is($parts->{$_}, '', "$_: is told") for qw(notices pager);
    is(DashboardPage::news($httpd, '', 'q=nobody')->{parts}{columns}, '', 'columns: is told');
    finish($httpd);
};

subtest 'a client' => sub {
    my $httpd = start();
    my $path = '/dashboard/client/a';
    my $news = DashboardPage::news($httpd, '', '', $path);
    is(DashboardPage::members($news), 'parts', 'parts alone');
    is_deeply([ sort keys %{ $news->{parts} } ], [ sort @client_parts ], 'all of them');
    my $since = settled($httpd, '', $path);
    $httpd->keepalive({ %secure, client_id => 'a' });
    $news = DashboardPage::news($httpd, $since, '', $path);
    is_deeply([ sort keys %{ $news->{parts} } ], ['report'], 'a keepalive: its report');
    $httpd->keepalive({ %secure, client_id => 'a', dns_loc => 'DE' });
    $httpd->is_announced('a', 'connected dns_leak', 'a leak');
    $news = DashboardPage::news($httpd, $news->{since}, '', $path);
    is_deeply([ sort keys %{ $news->{parts} } ], [qw(day events report state)], 'all that it changes');
    $httpd->api('DELETE', '/clients/a');
    is(DashboardPage::news($httpd, $news->{since}, '', $path)->{status}, 404, 'a removed one is not there');
    finish($httpd);
};

subtest 'a client that is removed' => sub {
    my $httpd = start();
    my $since = settled($httpd);
    $httpd->api('DELETE', '/clients/b');
    my $news = DashboardPage::news($httpd, $since);
    is_deeply($news->{order}, ['a green'], 'leaves the order');
    is($news->{rows} && $news->{rows}{b}, undef, 'and has no row');
    my %told = map { $_ => 1 } keys %{ $news->{parts} };
    ok($told{$_}, "$_ is another") for qw(summary found chart);
    like($news->{parts}{summary}, qr{<b>1</b> client<}, 'it is not counted');
    $httpd->api('DELETE', '/clients/a');
    $news = DashboardPage::news($httpd, $news->{since});
    is_deeply($news->{order}, [], 'nobody is left');
    is($news->{parts}{found}, 'No client has reported yet.', 'which is told');
    finish($httpd);
};

subtest 'search and sorting' => sub {
    my $httpd = start();
    my $order = sub { join ' ', map { s/ .*//r } @{ DashboardPage::news($httpd, '', $_[0])->{order} } };
    is($order->('sort=id'), 'a b', 'sorted');
    is($order->('sort=-id'), 'b a', '... the other way round');
    is($order->('light=green'), 'a', 'of a light');
    is($order->('q=203.0'), 'b a', 'found');
    is($order->('q=nobody'), '', 'not found');
    my $since = settled($httpd, 'light=green');
    $httpd->keepalive({ %secure, client_id => 'c' });
    $httpd->keepalive({ %secure, client_id => 'd', dns_loc => 'FR' });
    my $news = DashboardPage::news($httpd, $since, 'light=green');
    is(join(' ', @{ $news->{order} }), 'a green c green', 'a new one that is like that');
    ok($news->{rows}{c}, '... with its row');
    ok(!$news->{rows}{d}, 'one that is not');
    is(DashboardPage::news($httpd, '', "page=$_")->{status}, 400, "page $_ is a fault here, too") for 0, 'x', 101;
    is(DashboardPage::news($httpd, '', 'page=7')->{status}, 200, 'a page behind the last');
    finish($httpd);
};

subtest 'who goes silent' => sub {
    my $httpd = Sentinel->start(conf => "VPNSentinelDashboard\nVPNSentinelOfflineThreshold 2\n");
    my ($news, $since);
    ok($httpd->wait_for(sub {
        $httpd->keepalive({ %secure, client_id => 'a' });
        $news = DashboardPage::news($httpd, '');
        $since = $news->{since};
        return "@{ $news->{order} }" eq 'a green';
    }), 'still here');
    ok($httpd->wait_for(sub {
        $news = DashboardPage::news($httpd, $since);
        return ($news->{order}[0] // '') eq 'a grey';
    }), 'offline without a report: told by the order');
    finish($httpd);
};

done_testing;
