# The dashboard is live: what changes on the server changes on the page, and nothing else does.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Browser;
use Browser::Dashboard qw(:all);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

# watch(): from now on, what is touched is noted: of changes, the row or part that they are in and
# what changed; of rows, which were taken out or put in. Times tick, so they do not count.
# keep(): remembers all nodes of the rows; lost(): those of them that are no longer in the page.
my $TOOLS = <<'JS';
window.watch = () => {
    window.touched = new Set();
    window.moved = new Set();
    const placeOf = (node) => {
        const element = node instanceof Element ? node : node.parentElement;
        return element?.closest('[id]')?.id;
    };
    const note = (change) => {
        const element = change.target instanceof Element ? change.target : change.target.parentElement;
        if (change.target.id === 'rows') {
            for (const node of [...change.addedNodes, ...change.removedNodes]) {
                if (node instanceof Element) {
                    window.moved.add(node.id);
                }
            }
        } else if (!element?.closest('time') && element?.closest('main')) {
            window.touched.add(placeOf(element));
        }
    };
    window.observer?.disconnect();
    window.observer = new MutationObserver((changes) => changes.forEach(note));
    window.observer.observe(document.body,
        { subtree: true, childList: true, attributes: true, characterData: true });
};
window.seen = (set) => [...set].sort().join(' ');
window.nodesOf = (id) => {
    const walker = document.createTreeWalker(document.getElementById(id));
    const nodes = [walker.root];
    while (walker.nextNode()) {
        nodes.push(walker.currentNode);
    }
    return nodes;
};
window.keep = () => {
    window.kept = [...document.getElementById('rows').children].map((row) => [row.id, nodesOf(row.id)]);
};
window.lost = () => window.kept.filter(([id, nodes]) => !document.getElementById(id) ||
    nodesOf(id).some((node, n) => node !== nodes[n])).map(([id]) => id).join(' ');
JS

my $browser = Browser->start;
$browser->before_load($TOOLS);
hurry($browser);
$browser->resize(1280, 500);

sub touched {
    return $browser->run('return seen(touched)');
}

sub moved {
    return $browser->run('return seen(moved)');
}

sub cell {
    my ($id, $label) = @_;
    return "document.querySelector('#c-$id td[data-label=\"$label\"]').textContent";
}

# Selects an element's text, as somebody does who wants to copy it.
sub choose {
    my ($selector) = @_;
    $browser->run('getSelection().selectAllChildren(document.querySelector(arguments[0]))', $selector);
}

sub chosen {
    return $browser->run('return getSelection().toString()');
}

sub focus {
    my ($id) = @_;
    $browser->run('document.querySelector(arguments[0]).focus()', row($id) . ' a');
}

sub focused {
    return $browser->run('return document.activeElement.textContent');
}

# What is touched is looked at: with the next quarter of an hour that would be all strips.
my $httpd = VpsHttpd->start(conf => $CONF, clock => 1);
$httpd->step_clear_of_quarters;

subtest 'from nothing to the first client' => sub {
    open_page($browser, $httpd);
    is($browser->text('#found'), 'No client has reported yet.', 'nobody is there');
    ok(!$browser->run('return document.querySelector("table").checkVisibility()'), '... and no table');
    report($httpd, secure('first'));
    becomes($browser, 'document.querySelectorAll("#rows tr").length === 1', 'a client comes');
    is($browser->text('#found'), '1 client', '... and is counted');
    ok($browser->run('return document.querySelector("thead a").checkVisibility()'), '... in a table');
    like($browser->text('#summary'), qr/1 client\n.*1 secure/s, '... and in the summary');
    becomes($browser, '/VPN Connected.*first/.test(document.getElementById("events").textContent)',
        '... and told as an event');
    remove($httpd, 'first');
    becomes($browser, 'document.querySelectorAll("#rows tr").length === 0', 'it goes');
    is($browser->text('#found'), 'No client has reported yet.', '... and nobody is there');
    is(live($browser), 'Live', 'the page says that it is live');
    is($browser->run('return document.getElementById("live").getAttribute("role")'), 'status',
        '... also to those who hear it');
    is_quiet($browser, 'so far');
};

subtest 'a change of one client' => sub {
    my @fleet = (one_of_each(), map { secure("a-$_") } 1 .. 20);
    report($httpd, @fleet);
    wait_until_told($httpd, @fleet);
    open_page($browser, $httpd);
    $browser->wait_for('document.querySelectorAll("#events li").length === 12');
    $browser->run('keep()');
    focus('a-7');
    choose(row('a-9') . ' [data-label="Provider"]');
    $browser->run('scrollTo(0, 321); watch()');
    report($httpd, secure('a-7', city => 'Oradea'), secure('a-8'));
    becomes($browser, cell('a-7', 'Location') . '.startsWith("Oradea")', 'is seen');
    is(touched(), 'c-a-7', '... in its row, and nothing else is touched');
    is(moved(), '', '... no row has moved');
    is($browser->run('return lost()'), '', '... all nodes are the same as before');
    is(focused(), 'a-7', 'what had the focus has it');
    is(chosen(), 'AS64496 Example', 'what was selected is selected');
    is($browser->run('return scrollY'), 321, 'what was scrolled stays so');
};

subtest 'a client that reports the same' => sub {
    $browser->run('watch()');
    my $before = $browser->run('return document.querySelector("#c-a-8 time").dateTime');
    my $again = $browser->wait_for(sub {
        report($httpd, secure('a-8'));
        return $browser->run('return document.querySelector("#c-a-8 time").dateTime') ne $before;
    });
    ok($again, 'was seen now');
    my ($time, $title) = @{ $browser->run('const t = document.querySelector("#c-a-8 time");'
        . 'return [t.dateTime.replace("T", " ").replace("Z", " UTC"), t.title]') };
    is($title, $time, '... its title says so, too');
    is(touched(), '', '... nothing else is touched');
};

subtest 'rows move' => sub {
    my @before = split / /, ids($browser);
    focus('a-5');
    choose(row('a-9') . ' [data-label="Provider"]');
    $browser->run('watch()');
    report($httpd, secure('a-5', public_ip => '198.51.100.7'));
    becomes($browser, 'document.querySelector("#rows tr").id === "c-a-5"', 'up');
    is(moved(), 'c-a-5', '... only the one that does');
    is(focused(), 'a-5', '... and keeps the focus');
    is(chosen(), 'AS64496 Example', '... the selection in another stays');

    $browser->run('watch()');
    report($httpd, secure('a-6', public_ip => '198.51.100.7'));
    becomes($browser, 'document.querySelectorAll("#rows tr")[1].id === "c-a-6"', 'a second one');
    focus('a-6');
    $browser->run('watch()');
    report($httpd, secure('a-5'), secure('a-6'));
    becomes($browser, join(' && ', map { cell($_, 'Status') . '.includes("secure")' } qw(a-5 a-6)),
        'two at once down');
    is(ids($browser), "@before", '... to where they were');
    is(moved(), 'c-a-5 c-a-6', '... only these');
    is(focused(), 'a-6', '... the one that has the focus keeps it');
    is(chosen(), 'AS64496 Example', '... the selection in another stays');

    my ($first, $second) = split / /, ids($browser);
    is("$first $second", 'z-bypass z-down', 'two alarms');
    report($httpd, map { secure($_, public_ip => '198.51.100.7') } qw(a-1 a-2));
    becomes($browser, 'document.querySelectorAll("#rows tr")[1].id === "c-a-2"', 'two more');
    $browser->run('watch()');
    report($httpd, map { secure($_, dns_loc => 'DE') } qw(a-1 a-2));
    becomes($browser, join(' && ', map { cell($_, 'Status') . '.includes("leak")' } qw(a-1 a-2)),
        'have another fault');
    is(moved(), 'c-a-1 c-a-2', '... which moves only these');
};

subtest 'clients come and go' => sub {
    my $before = ids($browser);
    $browser->run('watch()');
    report($httpd, secure('b-new'));
    becomes($browser, 'document.getElementById("c-b-new") !== null', 'a new one');
    is(ids($browser), $before =~ s/office/b-new office/r, '... at its place');
    is(moved(), 'c-b-new', '... and nothing else moves');
    report($httpd, secure('b-new', public_ip => '198.51.100.7'),
        secure('b-other', public_ip => '198.51.100.7'));
    becomes($browser, 'document.querySelectorAll("#rows tr")[1].id === "c-b-other"',
        'two are at the top');
    $browser->run('watch()');
    remove($httpd, $_) for qw(b-new b-other);
    becomes($browser, '!document.getElementById("c-b-new") && !document.getElementById("c-b-other")',
        'they go');
    is(ids($browser), $before, '... only they');
    is(moved(), 'c-b-new c-b-other', '... and nothing else moves');
    focus('a-3');
    remove($httpd, 'a-3');
    becomes($browser, '!document.getElementById("c-a-3")', 'the one that has the focus goes');
    is(live($browser), 'Live', '... and the page lives');
};

subtest 'events' => sub {
    $browser->run('document.querySelector("#events li a").focus(); window.item = document.activeElement');
    my $address = $browser->run('return item.href');
    report($httpd, secure('a-4', public_ip => '203.0.113.9'));
    becomes($browser, '/IP Address Changed.*a-4/.test(document.querySelector("#events li").textContent)',
        'a new one is on top');
    is($browser->run('return document.activeElement === item && item.href'), $address,
        '... what had the focus is the same one, further down');
    is(scalar $browser->find_all('#events li'), 12, '... there are as many as before');
};

subtest 'times' => sub {
    my $text = 'document.querySelector("#c-a-10 time.ago").textContent';
    my $is_short = sub {
        report($httpd, secure('a-10'));
        return $browser->run("return /^\\d s ago\$/.test($text)");
    };
    ok($browser->wait_for($is_short), 'are short');  # there are no minutes yet
    my $now = $browser->run("return $text");
    becomes($browser, "$text !== '$now'", 'tick');
    # Also when answers take their time on the way.
    my @seconds = @{ $browser->run_async(<<'JS') };
const done = arguments[0];
const real = window.fetch;
window.fetch = async (...all) => {
    const answer = await real(...all);
    await new Promise((later) => setTimeout(later, 25000));
    return answer;
};
const time = document.querySelector('#c-a-10 time.ago');
const said = [time.textContent];
new MutationObserver((changes, observer) => {
    said.push(time.textContent);
    if (said.length === 8) {
        observer.disconnect();
        window.fetch = real;
        done(said.map((text) => parseInt(text, 10)));
    }
}).observe(time, { childList: true, characterData: true, subtree: true });
JS
    is("@seconds", join(' ', sort { $a <=> $b } @seconds), 'never backwards');
    is_quiet($browser, 'until now');
};

# What the page makes of an answer that is none; then the true ones come again.
sub says_of {
    my ($response, $pattern, $name) = @_;
    $browser->run("window.real ??= window.fetch; window.fetch = async () => $response");
    live_becomes($browser, $pattern, $name);
    is($browser->run('return document.querySelectorAll("#rows tr").length > 20'), JSON::PP::true,
        '... the rows stay');
    $browser->run('window.fetch = window.real');
    live_becomes($browser, qr/^Live$/, '... and it is live again');
}

subtest 'answers that are none' => sub {
    my $since = qr/^Not live since \d+:\d\d:\d\d.*: /;
    says_of('new Response("x", {status: 503})',
        qr/${since}the server answers otherwise \(503\)/, 'status 503');
    says_of('new Response("x", {status: 503, headers: {"Retry-After": "1"}})',
        qr/${since}the server is not ready/, 'status 503 for a moment');
    says_of('new Response("x", {status: 404})', qr/${since}this is no longer there/, 'status 404');
    says_of('new Response("<html>", {headers: {"Content-Type": "text/html"}})',
        qr/${since}the server answers otherwise \(200\); a reload may help/, 'a page to log in');
    says_of('new Response("{", {headers: {"Content-Type": "application/json"}})',
        qr/${since}its answer cannot be read/, 'half an answer');
    says_of('new Response("null", {headers: {"Content-Type": "application/json"}})',
        qr/${since}this page is of another version; a reload may help/, 'an answer without anything');
    says_of('new Response(\'{"parts":{"other":"x"},"now":"2025-01-01T00:00:00Z"}\','
        . ' {headers: {"Content-Type": "application/json"}})',
        qr/${since}this page is of another version; a reload may help/, 'of another version');

    $browser->run('window.fetch = async () => { throw new TypeError("x") }');
    live_becomes($browser, qr/${since}the server cannot be reached/, 'no answer');
    $browser->run('window.fetch = async () => new Response("x", {status: 503})');
    live_becomes($browser, qr/${since}the server answers otherwise \(503\)/, '... then another fault');
    $browser->run('window.fetch = window.real');
    live_becomes($browser, qr/^Live$/, '... then none');
    is_quiet($browser, 'of answers');
};

subtest 'a server that is away' => sub {
    $browser->run('keep()');
    $httpd->stop;
    live_becomes($browser, qr/^Not live since .*: the server cannot be reached\. Trying again/, 'is told');
    my @before = ids($browser);
    $httpd->start_again;
    live_becomes($browser, qr/^Live$/, 'and when it comes back');
    is(ids($browser), "@before", '... all clients are there');
    is($browser->run('return lost()'), '', '... and all rows are the same ones');
    $httpd->stop;
    live_becomes($browser, qr/^Not live/, 'away again');
    unlink glob $httpd->root . '/state/*';
    $httpd->start_again;
    report($httpd, secure('other'));
    becomes($browser, 'document.querySelectorAll("#rows tr").length === 1', 'with another fleet');
    live_becomes($browser, qr/^Live$/, '... it is live');
    is(ids($browser), 'other', '... and shows that');
    report($httpd, secure('other', city => 'Arad'));
    becomes($browser, cell('other', 'Location') . '.startsWith("Arad")', '... and what changes in it');
    $browser->console;  # of connections that were refused
};

subtest 'a tab that nobody sees' => sub {
    my %asked = (feed => 0, answered => 0);
    my $count = sub {
        my ($kind) = @_;
        $asked{ /since=/ ? 'feed' : /answered/ ? 'answered' : 'else' }++ for $browser->requests;
        return $asked{$kind};
    };
    # It is hidden while a question is under way; when that has its answer, something else is asked for.
    $browser->run(<<'JS');
const real = window.fetch;
window.fetch = async (...all) => {
    window.fetch = real;
    window.isAsking = true;
    await new Promise((shown) => document.addEventListener('visibilitychange', shown, { once: true }));
    const answer = await real(...all);
    real('/answered');
    return answer;
};
JS
    becomes($browser, 'window.isAsking', 'asks');
    $browser->hide;
    ok($browser->wait_for(sub { $count->('answered') }), 'is hidden');
    my $asked = $count->('feed');
    sleep 2;
    is($count->('feed'), $asked, '... and asks for nothing');
    report($httpd, secure('other', city => 'Deva'));
    $browser->show;
    becomes($browser, cell('other', 'Location') . '.startsWith("Deva")', 'is true when it is shown');
    cmp_ok($count->('feed'), '>', $asked, '... and asks again');
};

subtest 'a client\'s page' => sub {
    report($httpd, secure('one'), secure('two'));
    wait_until_told($httpd, secure('one'));
    open_page($browser, $httpd, '/client/one');
    is($browser->text('h1'), 'one', 'is there');
    like($browser->text('#state'), qr/secure/, '... and says how it is');
    my $item = 'document.querySelectorAll("#report dd")[1]';
    $browser->run("window.city = $item.querySelector('bdi') ?? $item; window.before = city.firstChild");
    $browser->run('watch()');
    report($httpd, secure('two', public_ip => '198.51.100.7'), secure('one', city => 'Brad'));
    becomes($browser, "$item.textContent === 'Brad'", 'changes');
    ok($browser->run('return city.isConnected && city.firstChild === before'), '... in the same text');
    is(touched(), 'report', '... and nothing else is touched');
    report($httpd, secure('one', public_ip => '198.51.100.7'));
    becomes($browser, '/bypass/.test(document.querySelector("#state .state").textContent)', 'alarms');
    becomes($browser, '/VPN BYPASS/.test(document.getElementById("events").textContent)',
        '... with its event');
    becomes($browser, '/Bypass for/.test(document.getElementById("state").textContent)',
        '... and since when');
    is_quiet($browser, 'a client');
    remove($httpd, 'one');
    live_becomes($browser, qr/^Not live since .*: this is no longer there/, 'is told when it goes');
    report($httpd, secure('one', city => 'Blaj'));
    live_becomes($browser, qr/^Live$/, 'and when it comes again');
    becomes($browser, "$item.textContent === 'Blaj'", '... as it is then');
    $browser->console;  # of the pages that were not found
};

$httpd->stop;
$httpd->check_error_log;

subtest 'a client that falls silent' => sub {
    my $httpd = VpsHttpd->start(
        conf => "$CONF\nVPNSentinelOfflineThreshold 2\nVPNSentinelCheckInterval 1\n");
    register($httpd, 'quiet');
    report($httpd, secure('silent'));
    open_page($browser, $httpd);
    becomes($browser, 'document.querySelector("#c-silent").className === "grey"', 'is offline');
    like($browser->text(row('silent')), qr/offline/, '... says its row');
    becomes($browser, '/Client Offline.*silent/.test(document.getElementById("events").textContent)',
        '... and an event');
    like($browser->text('#summary'), qr/0 online, 2 offline/, '... and the summary');
    my $is_back = sub {
        report($httpd, secure('silent'));  # again: it may fall silent before it is seen
        return $browser->run('return document.querySelector("#c-silent").className === "green"');
    };
    ok($browser->wait_for($is_back), 'and back');
    $httpd->stop;
    $httpd->check_error_log;
};

$browser->stop;

done_testing;
