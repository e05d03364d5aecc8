# Nothing that a client, or a link, says becomes markup on the dashboard, wherever it is shown.
use strict;
use warnings;

use Test::More;

use DashboardPage;
use Sentinel;

my @attacks = (
    q{<script>alert(1)</script>},
    q{"><img src=x onerror=alert(1)>},
    q{'><svg/onload=alert(1)>},
    q{</td></table><h1>x</h1>},
    q{</time></bdi></title>},
    q{&lt;b&gt; &#60;b&#62; &amp;},
    q{<!--}, q{-->}, q{]]>}, q{<bdi>}, q{</bdi>}, q{%s%n%x}, q{javascript:alert(1)}, q{\\u003cb>\\},
    "\xe2\x80\xae<b>", "\xc3\xa9<i>\xe6\x9d\xb1\xe4\xba\xac",
);

# The members that are text, with their limits; of those of the second, the first page tells nothing.
my %limit = (city => 100, region => 64, country => 64, location => 64, provider => 64, dns_loc => 64,
    client_version => 32, dns_colo => 16, timezone => 40);
my %is_detail = map { $_ => 1 } qw(timezone);

sub escaped {
    my ($text) = @_;
    my %escape = ('<' => '&lt;', '>' => '&gt;', '"' => '&quot;', '&' => '&amp;');
    return $text =~ s/([<>"&])/$escape{$1}/gr;
}

# The text as JSON takes it.
sub characters {
    my ($bytes) = @_;
    utf8::decode($bytes);
    return $bytes;
}

sub encoded {
    my ($bytes) = @_;
    return $bytes =~ s/(\W)/sprintf '%%%02x', ord $1/ger;
}

my $httpd = Sentinel->start(conf => "VPNSentinelDashboard\n");

# As much of an attack as there is room for, cut behind a whole character.
sub fitting {
    my ($attack, $bytes) = @_;
    return $attack if length $attack <= $bytes;
    return substr($attack, 0, $bytes) =~ s/[\xc0-\xff][\x80-\xbf]*\z//r;
}

subtest 'of clients' => sub {
    for my $attack (@attacks) {
        my %report = map { $_ => fitting($attack, $limit{$_}) } sort keys %limit;
        my ($status) = $httpd->keepalive(
            { client_id => 'hostile', map { $_ => characters($report{$_}) } keys %report });
        is($status, 200, "it says $attack");

        # The table tells the country, or where there is none, its code.
        $httpd->keepalive({ client_id => 'short', location => characters($report{location}) });
        my $fleet = DashboardPage->get($httpd, '/dashboard?sort=id');
        my $client = DashboardPage->get($httpd, '/dashboard/client/hostile');
        is_deeply([ $fleet->ids ], [qw(hostile short)], '... there are two rows');
        $fleet->is_plain_html('... the first page');
        $client->is_plain_html('... its own page');
        my $rows = $fleet->part('rows');
        for my $member (sort keys %limit) {
            my $shown = qr/<bdi>[^<]*\Q${\ escaped($report{$member})}\E[^<]*<\/bdi>/;
            like($rows, $shown, "... $member is shown, escaped and kept apart") if !$is_detail{$member};
            like($client->part('report'), $shown, '... also there');
        }
        for my $news (map { $httpd->json('GET', $_) } '/dashboard?since=', '/dashboard/client/hostile?since=') {
            next if !ref $news;
            my $html = join '', values %{ $news->{parts} }, values %{ $news->{rows} // {} };
            unlike($html, qr/<(?:script|img|svg\/|i>|!--)|onerror=alert\(1\)>/, '... as little to a script');
        }
    }
    my $answer = $httpd->request('GET', '/dashboard?since=');
    is($answer->{headers}{'content-type'}, 'application/json', 'what is for the script is no HTML');
};

# An event tells addresses and countries as the server knows them; what else it keeps is not listed.
subtest 'of events' => sub {
    for my $number (0 .. $#attacks) {
        my %report = map { $_ => characters(fitting($attacks[$number], $limit{$_})) } keys %limit;
        $httpd->keepalive({ %report, client_id => "told-$number", public_ip => '203.0.113.1',
            location => 'RO', dns_loc => 'DE' });
    }
    for my $number (0 .. $#attacks) {
        $httpd->is_announced("told-$number", 'connected dns_leak', "$attacks[$number] is announced");
        my $page = DashboardPage->get($httpd, "/dashboard/client/told-$number");
        like($page->part('events'), qr/DNS LEAK.*VPN Connected/s, '... its page tells');
        $page->is_plain_html('... and is plain');
    }
    DashboardPage->get($httpd, '/dashboard')->is_plain_html('the first page');
};

subtest 'of links' => sub {
    for my $attack (@attacks) {
        my $page = DashboardPage->get($httpd, '/dashboard?q=' . encoded($attack));
        is($page->{status}, 200, "q is $attack");
        $page->is_plain_html('... the page');
        my ($value) = $page->{content} =~ /<input type="search" [^>]*value="([^"]*)">/;
        is($value, escaped($attack), '... in the search box');
        my ($link) = map { $_->[1] } grep { $_->[0] eq 'VPN' || $_->[0] =~ /alarm/ }
            $page->links('columns'), $page->links('summary');
        my ($again) = DashboardPage->get($httpd, "/dashboard$link")->{content} =~
            /<input type="search" [^>]*value="([^"]*)">/;
        is($again, escaped($attack), '... and in that of the pages it links to');
        for my $query (map { $_ . encoded($attack) } qw(light= sort= page= q=%ff x= since=)) {
            unlike($httpd->request('GET', "/dashboard?$query")->{content},
                qr/\Q$attack\E/, "... is not repeated: $query") if $attack =~ /<(?!\/?bdi)/;
        }
    }
    for my $id ('<b>', 'a"b', 'a b', "a\nb", '../x', 'a<!--', '&amp;') {
        my ($status) = $httpd->keepalive({ client_id => $id });
        is($status, 400, 'no such client id');
    }
};

$httpd->stop;
$httpd->check_error_log;

done_testing;
