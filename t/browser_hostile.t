# Nothing that a client says, or that an address asks for, becomes an element or a script: not in a
# page that is loaded, and not in what its script puts into it.
use strict;
use warnings;
use utf8;

use Encode ();
use Test::More;

use Browser;
use Browser::Dashboard qw(:all);
use Browser::Hostile
    qw(hostile_reports raw_markup scripts_run tame_reports watch_for_scripts);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

my $browser = Browser->start;
watch_for_scripts($browser);
hurry($browser);
# Should a script get into the page, it shall run.
$browser->bypass_policy(1);

# Pages are compared that are loaded at different times.
my $httpd = VpsHttpd->start(conf => $CONF, clock => 1);
$httpd->step_clear_of_quarters;

# The table's cells: { client id => { heading => text } }.
my $CELLS = <<'JS';
const texts = (row) => [...row.cells].map((cell) => cell.textContent);
const headings = texts(document.querySelector('#columns tr'));
return Object.fromEntries([...document.getElementById('rows').rows].map(texts).map((row) =>
    [row[0], Object.fromEntries(row.map((text, n) => [headings[n], text]))]));
JS

# What the cells shall say of a report.
sub expected_cells {
    my ($report) = @_;
    my $dns = $report->{dns_loc} // 'unknown';
    $dns .= " $report->{dns_colo}" if defined $report->{dns_colo};
    my @place = grep { defined } @$report{qw(city region)}, $report->{country} // $report->{location};
    return {
        Location => @place ? join(', ', @place) : 'unknown',
        Provider => $report->{provider} // 'unknown',
        DNS => $dns,
        Version => $report->{client_version} // 'unknown',
    };
}

# The cells that say something else than these reports.
sub wrong_cells {
    my ($cells, @reports) = @_;
    my @wrong;
    for my $report (@reports) {
        my $shown = $cells->{ $report->{client_id} } // next;
        my $expected = expected_cells($report);
        push @wrong, map { "$report->{client_id} $_: $shown->{$_}, not $expected->{$_}" }
            grep { $shown->{$_} ne $expected->{$_} } sort keys %$expected;
    }
    return @wrong;
}

# The page's elements with their attributes, but for what differs from look to look.
sub elements {
    my $elements = $browser->skeleton('main', 1);
    $elements =~ s/\d{4}-\d\d-\d\d[T ][\d:]+(?:Z| UTC)/TIME/g;
    return [ split /(?= (?:tr|li)\[)/, $elements ];
}

my @hostile = hostile_reports();
my @tame = tame_reports();
my @PAGES = ('', '?page=2');

subtest 'the fleet' => sub {
    report($httpd, @tame);
    wait_until_told($httpd, @tame);
    my %tame;
    for my $page (@PAGES) {
        open_page($browser, $httpd, $page);
        is(join("\n", wrong_cells($browser->run($CELLS), @tame)), '', "tame$page: what was sent is shown");
        $tame{$page} = elements();
    }
    # The second page is open, the texts come by its script.
    report($httpd, @hostile);
    my @of_page = grep { $browser->find_all(row($_->{client_id})) } @hostile;
    cmp_ok(scalar @of_page, '>', 20, 'its rows');
    ok($browser->wait_for(sub { !wrong_cells($browser->run($CELLS), @of_page) }, 30),
        'hostile, live: what was sent is shown')
        or diag(join "\n", wrong_cells($browser->run($CELLS), @of_page));
    is_deeply(elements(), $tame{'?page=2'}, '... the elements and attributes are the page\'s own');
    is(scripts_run($browser), '', '... no script ran');
    # The rows of the first page come by the script, too.
    $browser->click('#pager a[rel=prev]');
    becomes($browser, 'document.querySelectorAll("#rows tr").length === 100', '... the other page');
    is(join("\n", wrong_cells($browser->run($CELLS), @hostile)), '', '... what was sent is shown');
    is_deeply(elements(), $tame{''}, '... the elements and attributes are the page\'s own');
    is(scripts_run($browser), '', '... no script ran');
    is_quiet($browser, 'live');
    for my $page (@PAGES) {
        open_page($browser, $httpd, $page);
        is(join("\n", wrong_cells($browser->run($CELLS), @hostile)), '',
            "hostile$page: what was sent is shown");
        is_deeply(elements(), $tame{$page}, '... the elements and attributes are the page\'s own');
        is(scripts_run($browser), '', '... no script ran');
        is_quiet($browser, "hostile$page");
    }
    asks_only($browser, $httpd->url('/'), 'hostile');
    $browser->screenshot('hostile');
};

# Members that a client's page shows as they are, and under what name.
my %NAME = (
    city => 'City', region => 'Region', country => 'Country', provider => 'Provider',
    timezone => 'Time zone', client_version => 'Version', dns_colo => 'Data centre',
    dns_loc => 'Comes out in',
);
my $SAID = <<'JS';
const names = [...document.querySelectorAll('#report dt')];
return Object.fromEntries(names.map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
JS

subtest 'a client' => sub {
    # Each text is in some member, as many as there are in one report.
    my %report_of = map { $_->{client_id} => $_ } @hostile;
    my @left = @hostile;
    my $tame = { client_id => 'victim', map { $_ => 'word' } keys %NAME };
    report($httpd, $tame);
    wait_until_told($httpd, $tame);
    open_page($browser, $httpd, '/client/victim');
    my $elements = elements();
    my $count = 0;
    while (@left) {
        my %report = (client_id => 'victim', map { $_ => 'word' } keys %NAME);
        for my $member (sort keys %NAME) {
            my ($next) = grep { defined $left[$_]{$member} } 0 .. $#left;
            next if !defined $next;
            $report{$member} = (splice @left, $next, 1)->{$member};
            $count++;
        }
        last if !grep { $report{$_} ne 'word' } keys %NAME;
        report($httpd, \%report);
        my $wrong = sub {
            my $said = $browser->run($SAID);
            return join "\n", map { "$_: $said->{ $NAME{$_} }, not $report{$_}" }
                grep { $said->{ $NAME{$_} } ne $report{$_} } sort keys %NAME;
        };
        my $shown = $browser->wait_for(sub { !$wrong->() }, 30);
        fail('what was sent is shown, live') && diag($wrong->()) if !$shown;
    }
    is($count, scalar @hostile, 'all texts were there, live, and shown as they were sent');
    is_deeply(elements(), $elements, '... the elements and attributes are the page\'s own');
    is(scripts_run($browser), '', '... no script ran');
    $browser->reload;
    is_deeply(elements(), $elements, 'and so are those of the page that is loaded');
    is(scripts_run($browser), '', '... and no script ran');
    is_quiet($browser, 'a client');
    is(join(' ', grep { $_->{status} == 200 } map { $httpd->request('GET', '/dashboard/client/' . $_) }
        '%3Cscript%3E', 'x%22onload=alert(1)', '..%2f', "x'"), '', 'other ids have no page');
};

# What is shown of a search that finds nobody.
subtest 'what is searched for' => sub {
    report($httpd, secure('somebody'));
    open_page($browser, $httpd);
    my $SEARCH = <<'JS';
const [text, done] = arguments;
const field = document.getElementById('q');
const real = window.fetch;
window.fetch = async (...all) => {
    const answer = await real(...all);
    setTimeout(() => { window.fetch = real; done(document.getElementById('live').textContent); }, 100);
    return answer;
};
field.value = text;
field.form.requestSubmit();
JS
    my @refused;
    for my $text (raw_markup(), '" autofocus onfocus=alert(1) x="', '&lt;b&gt;', '${alert(1)}', '\\') {
        my $said = $browser->run_async($SEARCH, $text);
        push @refused, "$text: $said" if $said ne 'Live';
    }
    is("@refused", '', 'each text can be searched for');
    is(scripts_run($browser), '', '... and no script ran');
    is_quiet($browser, 'searching');
    for my $text ((raw_markup())[0, 11, 16, 30 .. 33], '"><svg/onload=alert(1)>', "'", '\\') {
        my $address = join '', map { sprintf '%%%02x', ord } split //, Encode::encode_utf8($text);
        open_page($browser, $httpd, "?q=$address");
        is($browser->run('return document.getElementById("q").value'), $text, "q=$text: is in its field");
        like($browser->run('return document.querySelector("#summary .red a").search'), qr/[?&]q=/,
            '... and in the links');
    }
    is(scripts_run($browser), '', '... and no script ran');
    is_quiet($browser, 'addresses');
};

$browser->stop;
$httpd->stop;
$httpd->check_error_log;

done_testing;
