# What part of the fleet the dashboard shows: search, filter, sorting and pages, all by its address.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use DashboardPage;
use Sentinel;

my $httpd = Sentinel->start(conf => "VPNSentinelDashboard\nMaxKeepAliveRequests 0\n");

# A text as a form sends it.
sub encoded {
    my ($text) = @_;
    utf8::encode($text);
    return $text =~ s/([^A-Za-z0-9 .*_-])/sprintf '%%%02x', ord $1/ger =~ tr/ /+/r;
}

# The page for these parameters.
sub page {
    my (@query) = @_;
    my @words;
    while (my ($name, $value) = splice @query, 0, 2) {
        push @words, "$name=" . encoded($value);
    }
    return DashboardPage->get($httpd, '/dashboard?' . join '&', @words);
}

sub shows {
    my ($ids, $name, @query) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(join(' ', page(@query)->ids), $ids, $name);
}

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my @reports = (
    { client_id => 'Delta', public_ip => '203.0.113.10', city => 'berlin', location => 'DE',
        dns_loc => 'DE', vpn_connected => $yes, provider => 'b net', client_version => '1.2' },
    { client_id => 'alpha', public_ip => '203.0.113.9', city => 'Amsterdam', location => 'NL',
        dns_loc => 'DE', vpn_connected => $yes, provider => 'A net', client_version => '1.10' },
    { client_id => 'charlie', public_ip => '2001:db8::1', region => 'Zealand', country => 'DK',
        dns_loc => 'DK', vpn_connected => $no, provider => 'C & D' },
    { client_id => 'bravo', country => "\x{65e5}\x{672c}", dns_colo => 'NRT' },
    { client_id => 'echo', public_ip6 => '2001:db8:0::BEEF', city => "S\x{e3}o Paulo",
        location => 'BR', dns_loc => 'AR', provider => '<i>"q"&amp;</i>' },
);
$httpd->keepalive($_) for @reports;
$httpd->api('POST', '/register', { content => { client_id => 'foxtrot' } });

subtest 'sorting' => sub {
    # For each column: its value for "sort", the order, and the other way round; unknown is last.
    my @columns = (
        [ 'Client ID', 'id', 'alpha bravo charlie Delta echo foxtrot',
            'foxtrot echo Delta charlie bravo alpha' ],
        [ 'Status', 'status', 'charlie foxtrot alpha bravo echo Delta',
            'Delta echo bravo alpha foxtrot charlie' ],
        [ 'Public IP', 'ip', 'alpha Delta charlie bravo echo foxtrot',
            'charlie Delta alpha foxtrot echo bravo' ],
        [ 'Location', 'location', "alpha Delta echo charlie bravo foxtrot",
            'bravo charlie echo Delta alpha foxtrot' ],
        [ 'Provider', 'provider', 'echo alpha Delta charlie bravo foxtrot',
            'charlie Delta alpha echo foxtrot bravo' ],
        [ 'VPN', 'vpn', 'charlie Delta alpha bravo echo foxtrot',
            'alpha Delta charlie foxtrot echo bravo' ],
        [ 'DNS', 'dns', 'echo Delta alpha charlie bravo foxtrot',
            'charlie alpha Delta echo foxtrot bravo' ],
        [ 'Version', 'version', 'alpha Delta bravo charlie echo foxtrot',
            'Delta alpha foxtrot echo charlie bravo' ],
    );
    for (@columns) {
        my ($column, $sort, $up, $down) = @$_;
        shows($up, "by $column", sort => $sort);
        shows($down, '... the other way round', sort => "-$sort");
    }
    shows('charlie foxtrot alpha bravo echo Delta', 'the worst first when nothing is said');

    for (@columns, [ 'Last Seen', 'seen' ]) {
        my ($column, $sort) = @$_;
        my %turned = map { my $page = page(sort => $_);
            my %link = map { $_->[0] => $_->[1] } $page->links('columns');
            my ($sorted) = $page->part('columns') =~ /aria-sort="(\w+)"><a [^>]*>\Q$column\E</;
            ($_ => [ $sorted, $link{$column} ]) } $sort, "-$sort";
        my ($up, $down) = $sort eq 'status' ? ('?', '?sort=-status') : ("?sort=$sort", "?sort=-$sort");
        is_deeply($turned{$sort}, [ 'ascending', $down ], "$column: sorts the other way round");
        is_deeply($turned{"-$sort"}, [ 'descending', $up ], '... and back');
        my $page = page(sort => $sort);
        is(scalar(() = $page->part('columns') =~ /aria-sort/g), 1, '... by one column at a time');
    }
};

subtest 'sorting by the time of the last keepalive' => sub {
    my $stepped = Sentinel->start(clock => 1, conf => "VPNSentinelDashboard\n");
    my $ago = 4000;
    for my $id (qw(c a b)) {
        $stepped->step_clock(-($ago -= 1000));
        $stepped->keepalive({ client_id => $id });
    }
    $stepped->step_clock(0);
    $stepped->api('POST', '/register', { content => { client_id => 'd' } });
    my @order = map { join ' ', DashboardPage->get($stepped, "/dashboard?sort=$_")->ids }
        qw(seen -seen);
    is_deeply(\@order, [ 'b a c d', 'c a b d' ], 'the newest first, or the oldest; never is last');
    $stepped->stop;
    $stepped->check_error_log;
};

subtest 'search' => sub {
    my @found = (
        [ 'ALPHA', 'alpha', 'an id in another case' ],
        [ 'lph', 'alpha', 'a part of it' ],
        [ 'amsterdam net', 'alpha', 'two words of different columns' ],
        [ '  net   Amster ', 'alpha', 'in any order, with any spaces' ],
        [ 'net', 'alpha Delta', 'more than one client' ],
        [ 'amsterdam berlin', '', 'all words must be there' ],
        [ '203.0.113.', 'alpha Delta', 'the beginning of an address' ],
        [ '2001:DB8', 'charlie echo', 'IPv6 in another case' ],
        [ 'db8::beef', 'echo', 'the second address' ],
        [ 'Zealand', 'charlie', 'a region' ],
        [ 'NRT', 'bravo', 'a data centre' ],
        [ '1.10', 'alpha', 'a version' ],
        [ "\x{65e5}\x{672c}", 'bravo', 'UTF-8' ],
        [ "s\x{e3}o paulo", 'echo', 'UTF-8 and ASCII in another case' ],
        [ "\x{672c}\x{65e5}", '', 'UTF-8 that is not there' ],
        [ 'C & D', 'charlie echo', 'what has to be encoded' ],
        [ '<i>"q"&amp;', 'echo', 'markup' ],
        [ '%', '', 'no wildcards' ], [ '.*', '', 'no patterns' ],
        [ 'unknown', '', 'what only the page says' ],
        [ '', 'charlie foxtrot alpha bravo echo Delta', 'nothing' ],
        [ ' ', 'charlie foxtrot alpha bravo echo Delta', 'a space' ],
    );
    for (@found) {
        my ($search, $ids, $name) = @$_;
        my $page = page(q => $search);
        is(join(' ', sort { lc $a cmp lc $b } $page->ids),
            join(' ', sort { lc $a cmp lc $b } split / /, $ids), $name);
        my ($value) = $page->{content} =~ /<input type="search" [^>]*value="([^"]*)">/;
        utf8::encode(my $bytes = $search);
        is(DashboardPage::text($value), $bytes, '... it stays in the box');
        $page->is_plain_html("... '$bytes'");
        my $found = $page->part('found');
        if ($ids eq '') {
            is($found, 'No client is like that. <a href="?">Show all</a>', '... told in words');
            like($page->{content}, qr/<table hidden>/, '... no table');
        } elsif ($search ne '') {
            my $count = () = $page->ids;
            my $s = $count == 1 ? '' : 's';
            is($found, "$count client$s found. <a href=\"?\">Show all</a>", '... told in words');
        }
        like(join(' ', map { $_->[0] } $page->links('summary')), qr/^6 clients /,
            '... all are counted');
    }
};

subtest 'by light' => sub {
    my $page = page();
    my %to = map { $_->[0] =~ /(\w+)$/ ? ($1 => $_->[1]) : () } $page->links('summary');
    is_deeply(\%to, { clients => '?', alarm => '?light=red', offline => '?light=grey',
        DNS => '?light=yellow', secure => '?light=green' }, 'the numbers lead to what they count');
    my %ids = (red => 'charlie', grey => 'foxtrot', yellow => 'alpha bravo echo', green => 'Delta',
        '' => 'charlie foxtrot alpha bravo echo Delta');
    for my $light (sort keys %ids) {
        $page = page(light => $light);
        is(join(' ', $page->ids), $ids{$light}, "'$light'");
        is_deeply([ $page->part('summary') =~ /<li class="(\w+)"><a [^>]*aria-current="true"/g ],
            [ $light || 'all' ], '... it is marked');
        is_deeply([ map { $_->[0] } $page->links('summary') ], [ map { $_->[0] } page()->links('summary') ],
            '... all are counted');
    }
};

subtest 'all at once' => sub {
    my $page = page(light => 'yellow', q => 'a & "', sort => '-id');
    is(join(' ', $page->ids), 'echo', 'one is like that');
    like($page->{content}, qr/name="light" value="yellow"><input type="hidden" name="sort" value="-id">/,
        'the box searches in the same light and order');
    my %to = map { $_->[0] =~ /(\w+)$/ ? ($1 => $_->[1]) : () } $page->links('summary');
    is($to{alarm}, '?q=a+%26+%22&light=red&sort=-id', 'links keep the rest');
    is($to{clients}, '?q=a+%26+%22&sort=-id', '... or take it away');
    $page = page(light => 'yellow', q => "\x{e3}o <I>", sort => '-dns');
    is(join(' ', $page->ids), 'echo', 'all of it');
    %to = map { @$_ } $page->links('columns');
    is($to{DNS}, '?q=%c3%a3o+%3cI%3e&light=yellow&sort=dns', 'so does the head');
    my $next = DashboardPage->get($httpd, "/dashboard$to{DNS}");
    is(join(' ', $next->ids), 'echo', '... with the same meaning');
    shows('echo bravo alpha', 'without a search', light => 'yellow', sort => '-id', q => '');
    unlike(page()->{content}, qr/type="hidden"/, 'nothing that goes without saying');
};

subtest 'parameters' => sub {
    my @bad = (
        [ 'light=blue', 'light must be green, yellow, grey or red' ],
        [ 'light=Red', 'light must be green, yellow, grey or red' ],
        [ 'light=red%00', 'The query is not encoded as it must be' ],
        map({ [ "sort=$_", 'sort must be id, status, ip, location, seen, provider, vpn, dns or '
            . 'version; with a minus before it, it is the other way round' ] }
            '', '-', 'ID', '--id', 'id,', '%2Bid'),
        map({ [ "page=$_", 'page must be a whole number from 1 to 100' ] }
            '', 0, -1, 101, '1x', '+1', '1.5', '0x1', '99999999999999999999', '18446744073709551617',
            '4294967297'),
        map({ [ "q=$_", 'q must be text of at most 300 bytes' ] }
            'a' x 301, '%c3%a3' x 151, '%ff', '%c3', '%c0%80', '%01', 'a%0ab', '%7f', '%ed%a0%80'),
        map({ [ "q=$_", 'The query is not encoded as it must be' ] } '%', '%g0', '%4', '%00', 'a%00'),
        [ 'since=%', 'The query is not encoded as it must be' ],
        [ 'q=a&page=1&light=x&sort=id', 'light must be green, yellow, grey or red' ],
    );
    for my $path ('/dashboard', '/dashboard/client/alpha') {
        for (@bad) {
            my ($query, $message) = @$_;
            my $answer = $httpd->request('GET', "$path?$query");
            is($answer->{status}, 400, "$path?$query");
            is($answer->{content}, $message, '... what is allowed');
            is($answer->{headers}{'content-type'}, 'text/plain', '... as plain text');
        }
    }
    my $all = 'charlie foxtrot alpha bravo echo Delta';
    for my $good ('', 'x=y', '&&', '=', '=a', 'Q=alpha', 'utm=%', '<script>', 'q=', 'light=', 'page=001',
        'page=100', '%71=alpha', 'q[]=alpha', 'light=&q=', 'q=' . '+' x 300, 'since', 'q') {
        next if $good eq 'since'; # is answered otherwise: t/dashboard_feed.t
        my $page = DashboardPage->get($httpd, "/dashboard?$good");
        is("$page->{status} @{[ $page->ids ]}", "200 $all", "nobody minds '$good'");
        $page->is_plain_html("... '$good'");
    }
    shows('Delta', 'the last of two counts', q => 'alpha', q => 'delta');
    is(page(q => ('a ' x 50))->{status}, 200, 'as many words as fit');
};

# Many reports through one connection.
sub report_many {
    my (@reports) = @_;
    while (my @some = splice @reports, 0, 100) {
        my $requests = join '',
            map { $httpd->request_text('POST', '/keepalive', JSON::PP->new->utf8->encode($_)) } @some;
        my $accepted = grep { $_->{status} == 200 } $httpd->exchange($requests);
        die "only $accepted of " . @some . ' reports are taken' if $accepted != @some;
    }
}

subtest 'pages' => sub {
    report_many(map { { client_id => sprintf('x-%03d', $_), location => 'RO', dns_loc => 'RO' } }
            1 .. 244);
    my @all = ('Delta', map { sprintf 'x-%03d', $_ } 1 .. 244);
    my $page = page(light => 'green');
    is_deeply([ $page->ids ], [ @all[ 0 .. 99 ] ], 'the first hundred');
    is($page->part('found'), "1\xe2\x80\x93100 of 245 clients found. <a href=\"?\">Show all</a>", 'told in words');
    is(DashboardPage::text($page->part('pager')), "Page 1 of 3 Next page \xe2\x86\x92 ", 'a link to more');
    is_deeply([ map { $_->[1] } $page->links('pager') ], ['?light=green&page=2'], '... with the rest');
    $page->is_plain_html('the first page');

    $page = page(light => 'green', page => 2);
    is_deeply([ $page->ids ], [ @all[ 100 .. 199 ] ], 'the second');
    is_deeply([ map { $_->[1] } $page->links('pager') ], [ '?light=green', '?light=green&page=3' ],
        'links both ways');
    like(join(' ', map { $_->[1] } $page->links('columns'), $page->links('summary')), qr/^(?!.*page=)/s,
        'another order or light begins at the first page');

    for my $number (3, 4, 100) {
        $page = page(light => 'green', page => $number);
        is_deeply([ $page->ids ], [ @all[ 200 .. 244 ] ], "page $number: the last one");
        like($page->part('found'), qr/^201\xe2\x80\x93245 of 245 clients found/, '... told in words');
        is_deeply([ map { $_->[1] } $page->links('pager') ], ['?light=green&page=2'], '... a link back');
    }
    shows(join(' ', reverse @all[ 145 .. 244 ]), 'the other way round', light => 'green', sort => '-id');
    $page = page(q => 'x-24', page => 2);
    is(scalar(() = $page->ids), 5, 'a search that is one page');
    is($page->part('pager'), '', '... which needs no links');
    like(page()->part('found'), qr/^1\xe2\x80\x93100 of 250 clients$/, 'all of them');
    is(scalar(() = page(page => 3)->ids), 50, '... are on three pages');
};

$httpd->stop;
$httpd->check_error_log;

done_testing;
