# What people do with the fleet: search, filter, sort and page, by mouse and by keys, with the page's
# script and without it.
use strict;
use warnings;
use utf8;

use Test::More;

use Browser;
use Browser::Dashboard qw(:all);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

my $browser = Browser->start;
$browser->resize(1280, 700);

my $httpd = VpsHttpd->start(conf => $CONF);
report($httpd, one_of_each(), map { secure(sprintf('site-%03d', $_), city => $_ % 2 ? 'Arad' : 'Deva') }
    1 .. 235);

my $ALL = 'z-bypass z-down z-leak z-unknown';  # the troubled ones are first

sub query {
    return $browser->run('return decodeURIComponent(location.search)');
}

# A test that waits until the table shows these first, and so many.
sub shows {
    my ($expected, $count, $name) = @_;
    my $wanted = scalar(my @some = split / /, $expected);
    my $is_so = sub {
        my @id = split / /, eval { ids($browser) } // return 0;  # a page may be on its way
        return @id == $count && "@id[0 .. $wanted - 1]" eq $expected;
    };
    ok($browser->wait_for($is_so, 30), $name)
        or diag(ids($browser));
}

sub pager {
    return $browser->text('#pager') =~ s/\s+/ /gr;
}

# The page has not been loaded anew since mark().
sub mark {
    $browser->run('window.marked = true');
}

sub is_marked {
    my ($name) = @_;
    ok($browser->run('return window.marked === true'), $name);
}

sub column {
    my ($name) = @_;
    my ($link) = grep { $browser->text($_) eq $name } $browser->find_all('#columns a');
    return $link;
}

sub focused {
    return $browser->run('const e = document.activeElement; return e.id || e.textContent');
}

subtest 'searching as one types' => sub {
    open_page($browser, $httpd);
    shows($ALL, 100, 'all at first, a hundred on a page');
    mark();
    $browser->type('#q', 'SITE-23');
    shows('site-230', 6, 'six are left');
    is(query(), '?q=SITE-23', 'the address says so');
    is($browser->text('#found'), '6 clients found. Show all', '... and the page');
    is_marked('nothing is loaded anew');
    is(focused(), 'q', 'the field has the focus');
    $browser->keys(' ', 'd', 'e', 'v', 'a');
    shows('site-230', 3, 'a second word, another column');
    $browser->requests;
    $browser->run_async(<<'JS');
const done = arguments[0];
const field = document.getElementById('q');
const end = field.value + 'xyxyxyxyxy';
const press = () => {
    if (field.value === end) {
        done();
        return;
    }
    field.value = end.slice(0, field.value.length + 1);
    field.dispatchEvent(new Event('input'));
    setTimeout(press, 20);
};
press();
JS
    becomes($browser, 'document.getElementById("found").textContent.startsWith("No client is like that")',
        'nobody is left');
    my %asked = map { /[?&]q=([^&]*)/ ? ($1 => 1) : () } $browser->requests;
    cmp_ok(scalar keys %asked, '<', 10, '... and not each key was asked for');
    ok(!$browser->run('return document.querySelector("table").checkVisibility()'), '... and no table');
    $browser->click('#found a');
    shows($ALL, 100, 'back to all');
    is($browser->run('return document.getElementById("q").value'), '', '... also in the field');
    $browser->back;
    shows('', 0, 'the back button');
    is($browser->run('return document.getElementById("q").value'), 'SITE-23 devaxyxyxyxyxy',
        '... also in the field');
    $browser->click('#q');
    $browser->keys('Control+a', 'Backspace');
    shows($ALL, 100, 'nothing to search for');
    is_marked('still the same page');
    is_quiet($browser, 'searching');
};

subtest 'what is searched for stays' => sub {
    open_page($browser, $httpd, '?q=site-23&light=green&sort=-id');
    shows('site-235 site-234', 6, 'an address that somebody sent');
    is($browser->run('return document.getElementById("q").value'), 'site-23', '... the field has it');
    $browser->reload;
    shows('site-235 site-234', 6, 'reloaded');
    report($httpd, secure('site-233', public_ip => '198.51.100.7'));
    shows('site-235 site-234 site-232', 5, 'it is live, too');
    report($httpd, secure('site-233', city => 'Arad'));
    shows('site-235 site-234 site-233', 6, '... to and fro');
    $browser->run('document.getElementById("q").value = ""');
    $browser->type('#q', 'site-22');
    shows('site-229 site-228', 10, 'other words: light and order stay');
    is(query(), '?light=green&sort=-id&q=site-22', '... in the address, too');
};

subtest 'words of every kind' => sub {
    my $umlauts = "Ä\x{4e1c}" x 50;
    report($httpd, secure('odd', city => 'A+B & C=D #1 50%', region => "S\x{e3}o"));
    open_page($browser, $httpd);
    for my $words ('a+b', '&', 'c=d', '#1', '50%', "S\x{e3}o", '  odd  ', "S\x{e3}o odd") {
        $browser->run('document.getElementById("q").value = ""');
        $browser->type('#q', $words);
        shows('odd', 1, "\"$words\"");
    }
    # As somebody pastes it.
    $browser->run('q.value = "s\u00e3o\todd\ufeff"; q.dispatchEvent(new Event("input"))');
    shows('odd', 1, 'with a tab and a byte-order mark');
    $browser->run('q.value = arguments[0]; q.dispatchEvent(new Event("input"))', $umlauts);
    shows('', 0, 'a hundred letters beyond ASCII');
    is(live($browser), 'Live', '... are no fault');
    $browser->reload;
    is($browser->run('return document.getElementById("q")?.value'), $umlauts,
        '... nor when it is loaded anew');
    is_quiet($browser, 'all kinds');
    remove($httpd, 'odd');
};

subtest 'lights and columns' => sub {
    open_page($browser, $httpd);
    mark();
    $browser->click('#summary .yellow a');
    shows('z-leak z-unknown', 2, 'the yellow ones');
    is(query(), '?light=yellow', '... says the address');
    is($browser->run('return document.querySelector("#summary [aria-current]").parentElement.className'),
        'yellow', '... and the summary');
    $browser->click('#summary .all a');
    shows($ALL, 100, 'all of them');
    $browser->click(column('Client ID'));
    shows('office-vpn-primary site-001', 100, 'by id');
    my $sorted = 'return [...document.querySelectorAll("#columns th")].filter((th) => th.ariaSort)'
        . '.map((th) => `${th.textContent} ${th.ariaSort}`).join()';
    is($browser->run($sorted), 'Client ID ascending', '... the column says so');
    $browser->click(column('Client ID'));
    shows('z-unknown z-leak z-down z-bypass site-235', 100, 'the other way round');
    is($browser->run($sorted), 'Client ID descending', '... the column says so');
    $browser->back;
    shows('office-vpn-primary site-001', 100, 'back');
    $browser->back;
    shows($ALL, 100, '... and back');
    is_marked('all that on one page');
    $browser->click(row('z-leak') . ' a');
    becomes($browser, 'document.querySelector("h1").textContent === "z-leak"', 'a client has a page');
    $browser->back;
    becomes($browser, 'document.querySelectorAll("#rows tr").length === 100', 'and back to all');
    is_quiet($browser, 'links');
};

subtest 'pages' => sub {
    open_page($browser, $httpd);
    mark();
    is(pager(), 'Page 1 of 3 Next page →', 'three pages');
    is($browser->text('#found'), '1–100 of 240 clients', '... of so many clients');
    $browser->run('window.next = document.querySelector("#pager a[rel=next]")');
    $browser->click('#pager a');
    shows('site-096 site-097', 100, 'the second');
    is(pager(), '← Page before Page 2 of 3 Next page →', '... says so');
    ok($browser->run('return document.activeElement === next'), '... the link has the focus, for the next');
    my $top = 'document.querySelector("#rows tr").getBoundingClientRect().top';
    becomes($browser, "$top >= 0 && $top < innerHeight", '... its first row is seen');
    $browser->keys('Enter');
    shows('site-196 site-197', 40, 'the last');
    is(query(), '?page=3', '... says the address');
    remove($httpd, "site-$_") for 196 .. 235;
    shows('site-096 site-097', 100, 'it goes: what is before is shown');
    $browser->back;
    becomes($browser, 'location.search === "?page=2"', 'back');
    $browser->back;
    shows($ALL, 100, 'back to the first');
    is_marked('all that on one page');
    is_quiet($browser, 'pages');
};

subtest 'by keys alone' => sub {
    open_page($browser, $httpd);
    mark();
    $browser->keys('/');
    is(focused(), 'q', '"/" goes to the search');
    is($browser->run('return document.getElementById("q").value'), '', '... and is not written there');
    $browser->keys('z', '/');
    is($browser->run('return document.getElementById("q").value'), 'z/', 'a second one is');
    $browser->keys('Backspace', '-', 'l', 'Enter');
    shows('z-leak', 1, 'Enter searches');
    is_marked('... and loads nothing anew');
    is(focused(), 'q', '... the focus stays');
    my @way;
    for (1 .. 20) {
        $browser->keys('Tab');
        push @way, focused();
        last if $way[-1] eq 'z-leak';
    }
    is("@way[0, 1]", 'Search Show all', 'the way on: the button, "Show all"');
    is(join(',', @way[2 .. 10]), 'Client ID,Status,Public IP,Location,Last Seen,Provider,VPN,DNS,Version',
        '... the columns');
    is($way[11], 'z-leak', '... the client');
    my $outline = 'return getComputedStyle(document.activeElement).outlineStyle';
    isnt($browser->run($outline), 'none', '... and one sees where one is');
    $browser->keys(('Shift+Tab') x 9);
    is(focused(), 'Client ID', 'back to a column');
    $browser->keys('Enter');
    becomes($browser, 'document.querySelector("#columns th").ariaSort === "ascending"', 'Enter sorts');
    is(focused(), 'Client ID', '... the focus stays');
    $browser->keys(('Tab') x 9, 'Enter');
    becomes($browser, 'document.querySelector("h1").textContent === "z-leak"', 'Enter on a client opens it');
};

subtest 'without JavaScript' => sub {
    $browser->javascript(0);
    open_page($browser, $httpd);
    shows($ALL, 100, 'all are there');
    is(live($browser), '', 'nothing says that it is live');
    $browser->type('#q', 'z- ');
    $browser->keys('Enter');
    shows($ALL, 4, 'a search');
    $browser->click('#summary .red a');
    shows('z-bypass z-down', 2, 'a light');
    is(query(), '?q=z-+&light=red', '... of what was searched for');
    $browser->click(column('Client ID'));
    becomes($browser, 'location.search.endsWith("&sort=id")', 'a column');
    $browser->click(column('Client ID'));
    shows('z-down z-bypass', 2, '... twice');
    $browser->type('#q', 'd');
    $browser->click('form button');
    shows('z-down', 1, 'a search among these');
    is(query(), '?q=z-+d&light=red&sort=-id', '... keeps light and order');
    $browser->click('#found a');
    shows($ALL, 100, 'all again');
    $browser->click('#pager a');
    shows('site-096 site-097', 100, 'the next page');
    $browser->click(row('site-096') . ' a');
    becomes($browser, 'document.querySelector("h1").textContent === "site-096"', 'a client');
    $browser->click('header a');
    shows($ALL, 100, '... and to the fleet');
    is_quiet($browser, 'without JavaScript');
    $browser->javascript(1);
};

$browser->stop;
$httpd->stop;
$httpd->check_error_log;

done_testing;
