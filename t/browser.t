# The dashboard in a real browser: what it loads, logs and shows, who can read it, and that nothing
# a client says becomes an element or a script.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use Browser;
use Browser::Hostile qw(hostile_reports raw_markup scripts_run tame_reports watch_for_scripts);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

my $conf = <<'CONF';
VPNSentinelRateLimit 0
VPNSentinelAPI
VPNSentinelAPIKey none
VPNSentinelDashboard
VPNSentinelServerPublicIP 198.51.100.7
CONF

sub report {
    my ($httpd, @reports) = @_;
    my @answers = map { $httpd->request('POST', '/api/v1/keepalive', { content => $_ }) } @reports;
    my @refused = map { $_->{content} } grep { $_->{status} != 200 } @answers;
    is("@refused", '', scalar(@reports) . ' clients report');
}

# One client of each light.
my %secure = (
    public_ip => '203.0.113.1', vpn_connected => JSON::PP::true, location => 'RO', city => 'Cluj',
    dns_loc => 'RO', dns_colo => 'OTP', provider => 'AS64496 Example', client_version => '1.2.3',
);
my @fleet = (
    { %secure, client_id => 'office-vpn-primary' },
    { %secure, client_id => 'z-bypass', public_ip => '198.51.100.7' },
    { %secure, client_id => 'z-down', vpn_connected => JSON::PP::false },
    { %secure, client_id => 'z-leak', dns_loc => 'DE' },
    { client_id => 'z-unknown' },
);

sub fleet {
    my ($httpd) = @_;
    report($httpd, @fleet);
    $httpd->request('POST', '/api/v1/register', { content => { client_id => 'z-gone' } });
}

# Tests that all that was asked for since the last time is of this server.
sub asks_only {
    my ($browser, $httpd, $name) = @_;
    my $own = $httpd->url('/');
    my @urls = $browser->requests;
    cmp_ok(scalar @urls, '>', 0, "$name: files are loaded");
    is(join("\n", grep { index($_, $own) != 0 } @urls), '', "$name: from nowhere else");
}

# Tests that the browser has had nothing to complain about. It asks for an icon of its own accord.
sub is_quiet {
    my ($browser, $name) = @_;
    my @complaints = grep { !m{/favicon\.ico - Failed to load resource} } $browser->console;
    is(join("\n", @complaints), '', "$name: the console is empty");
}

# A page around a row of a table.
sub page {
    my ($body) = @_;
    return '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>x</title></head>'
        . "<body><table><tbody><tr>$body</tr></tbody></table></body></html>";
}

my $browser = Browser->start;

# Opens its arguments, pages, each in a frame; gives the skeletons of what they have become.
my $IN_FRAMES = $Browser::SKELETON . <<'JS';
const pages = [...arguments];
const done = pages.pop();
const open = (page) => new Promise((loaded) => {
    const frame = document.createElement('iframe');
    frame.onload = () => loaded(skeleton(frame.contentDocument.documentElement));
    frame.srcdoc = page;
    document.body.append(frame);
});
Promise.all(pages.map(open)).then(done);
JS

# How many of the frames have run a script.
my $RAN = 'Array.from(frames).filter((frame) => frame.ran?.length > 0).length';

# Without this, the other tests could pass because the browser sees nothing.
subtest 'what the browser sees of a bad page' => sub {
    my $httpd = VpsHttpd->start(
        modules => ['headers'],
        conf => "ForceType text/html\n<Location /strict.html>\n"
            . "Header set Content-Security-Policy \"default-src 'none'\"\n</Location>\n",
        files => {
            'htdocs/bad.html' => page('<img src="http://elsewhere.test/x.png">'
                . '<script>missing()</script><p style="color: #ccc; background: #ddd">low</p>'),
            'htdocs/empty.html' => page(''),
            'htdocs/strict.html' => page('<script>alert(1)</script>'),
        },
    );
    $browser->open($httpd->url('/bad.html'));
    my $log = join "\n", $browser->console;
    like($log, qr/missing is not defined/, 'an error of a script');
    like($log, qr/elsewhere\.test/, 'a file that cannot be loaded');
    like(join(' ', $browser->requests), qr{http://elsewhere\.test/x\.png}, '... was asked for');
    SKIP: {
        skip(Browser->missing_axe, 1) if Browser->missing_axe;
        my $violations = join "\n", $browser->axe;
        like($violations, qr/^image-alt \(critical\): .+: img <img src="http/m, 'what axe finds');
        like($violations, qr/^color-contrast \(serious\)/m, '... with the colours');
    }
    watch_for_scripts($browser);
    $browser->open($httpd->url('/strict.html'));
    is(scripts_run($browser), '', 'a policy stops a script');
    like(join(' ', $browser->console), qr/Content Security Policy/, '... which is told');
    $browser->bypass_policy(1);
    $browser->reload;
    is(scripts_run($browser), '1', '... unless it is bypassed');

    # Each hostile text as it is, in a frame of its own.
    $browser->open($httpd->url('/empty.html'));
    my @pages = map { page("<td><bdi>$_</bdi></td>") } 'word', raw_markup();
    my ($tame, @seen) = @{ $browser->run_async($IN_FRAMES, @pages) };
    my @harmless = (raw_markup())[ grep { $seen[$_] eq $tame } 0 .. $#seen ];
    is("@harmless", '', 'hostile texts that are not escaped are seen, each as an element');
    ok($browser->wait_for("$RAN >= 20"), '... or as a script')
        or diag('only ' . $browser->run("return $RAN") . ' of them');
    $browser->bypass_policy(0);
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'what a user of the browser can do' => sub {
    my $httpd = VpsHttpd->start(
        module => undef,
        conf => "ForceType text/html\n",
        files => {
            'htdocs/page.html' => page(<<'HTML'),
<style>
@media print { #media::before { content: "paper" } }
@media (prefers-color-scheme: dark) { #media::after { content: "dark" } }
@media (prefers-reduced-motion) { #media { color: rgb(1, 2, 3) } }
</style>
<label>Name <input id="name"></label> <button id="more">more</button> <p id="media"></p>
<p id="said">none</p>
<script>
const said = document.getElementById('said');
document.getElementById('more').onclick = () => setTimeout(() => said.textContent = 'clicked');
document.onkeydown = (e) => { if (e.key === 'Escape' && e.shiftKey) said.textContent = 'escaped'; };
document.onvisibilitychange = () => fetch('/' + document.visibilityState);
</script>
HTML
        },
    );
    $browser->resize(900, 700);
    $browser->open($httpd->url('/page.html'));
    $browser->requests;
    $browser->type('#name', "S\x{e3}o");
    is($browser->run('return document.activeElement.value'), "S\x{e3}o", 'types');
    $browser->keys(' ', '+', 'Backspace', '1');
    is($browser->run('return document.activeElement.value'), "S\x{e3}o 1", '... and by keys');
    $browser->keys('Tab', 'Enter');
    ok($browser->wait_for('said.textContent === "clicked"'), 'goes to a button by keys');
    $browser->keys('Shift+Escape');
    is($browser->text('#said'), 'escaped', 'presses two keys at once');
    $browser->click('#more');
    ok($browser->wait_for(sub { $browser->text('#said') eq 'clicked' }), 'clicks');
    ok(!$browser->wait_for('said.textContent === "never"', 0.1), 'does not wait for ever');
    ok(!eval { $browser->find('#nothing') }, 'finds nothing where nothing is');

    my $style = 'const m = document.getElementById("media"), s = (p) => getComputedStyle(m, p);'
        . 'return [s("::before").content, s("::after").content, s().color].join(" ")';
    is($browser->run($style), 'none none rgb(0, 0, 0)', 'no medium');
    $browser->media(type => 'print', 'prefers-color-scheme' => 'dark');
    is($browser->run($style), '"paper" "dark" rgb(0, 0, 0)', 'prints in the dark');
    $browser->media('prefers-reduced-motion' => 'reduce');
    is($browser->run($style), 'none none rgb(1, 2, 3)', 'wants no motion');
    $browser->media;
    my $screen = 'return [screen.width, devicePixelRatio, navigator.maxTouchPoints > 0].join(" ")';
    is($browser->run('return innerWidth'), 900, 'has the size that was asked for');
    $browser->phone;
    is($browser->run($screen), '360 2 true', 'has a phone');
    $browser->resize(900, 700);

    is(scalar $browser->requests, 0, 'asks for nothing meanwhile');
    $browser->hide;
    my %seen;
    my $asked = sub { $seen{$_}++ for $browser->requests; $seen{ $httpd->url($_[0]) } };
    ok($browser->wait_for(sub { $asked->('/hidden') }), 'hides the page');
    $browser->show;
    ok($browser->wait_for(sub { $asked->('/visible') }), 'and shows it again');
    is($browser->text('#said'), 'clicked', '... the same one');
    my $other = Browser->start;
    $other->open($httpd->url('/page.html'));
    is($other->text('#said'), 'none', 'another browser is another');
    $other->stop;

    $browser->javascript(0);
    $browser->reload;
    $browser->click('#more');
    is($browser->text('#said'), 'none', 'without JavaScript nothing happens');
    $browser->javascript(1);
    $browser->console;
    $httpd->stop;
    $httpd->check_error_log;
};

my $httpd = VpsHttpd->start(conf => $conf);

# Opens the dashboard when the monitor runs, so that there is no notice on it.
sub open_dashboard {
    my ($browser, $httpd) = @_;
    my $runs = sub { $httpd->request('GET', '/dashboard')->{content} !~ /class="notice"/ };
    $httpd->wait_for($runs) or die 'the monitor does not run';
    $browser->$_ for qw(requests console);  # what was before is forgotten
    $browser->open($httpd->url('/dashboard'));
    $browser->stay;
}

# Tests that nobody is kept out, on each kind of screen; leaves a picture of each.
sub is_accessible {
    my ($browser, $name) = @_;
    # The page has to load itself again: it has no script that could do better.
    my $options = { rules => { 'meta-refresh' => { enabled => JSON::PP::false } } };
    my %screen = (phone => sub { $browser->phone }, desktop => sub { $browser->resize(1280, 800) });
    for my $size (sort keys %screen) {
        $screen{$size}->();
        for my $scheme (qw(light dark)) {
            $browser->media('prefers-color-scheme' => $scheme);
            $browser->screenshot("$name-$size-$scheme");
            is(join("\n", $browser->axe($options)), '', "$name, $size, $scheme: axe finds nothing");
        }
    }
    $browser->media;
}

subtest 'the dashboard' => sub {
    for my $name (qw(empty fleet)) {
        fleet($httpd) if $name eq 'fleet';
        open_dashboard($browser, $httpd);
        is($browser->text('h1'), 'VPN Sentinel Monitoring', "$name: it is there");
        is_quiet($browser, $name);
        asks_only($browser, $httpd, $name);
        is($browser->run('return getComputedStyle(document.body).margin'), '0px',
            "$name: its style is in force");
        SKIP: {
            skip(Browser->missing_axe, 1) if Browser->missing_axe;
            is_accessible($browser, $name);
        }
    }
    $browser->javascript(0);
    open_dashboard($browser, $httpd);
    is(scalar $browser->find_all('tbody tr'), 6, 'without JavaScript: all clients');
    $browser->javascript(1);
};

# The table's cells: { client id => { heading => text } }.
sub cells {
    my ($browser) = @_;
    return $browser->run(<<'JS');
const rows = [...document.querySelectorAll('table tr')].map((row) =>
    [...row.cells].map((cell) => cell.textContent));
const headings = rows.shift();
return Object.fromEntries(rows.map((row) =>
    [row[0], Object.fromEntries(row.map((text, n) => [headings[n], text]))]));
JS
}

# What the cells shall say of a report.
sub expected_cells {
    my ($report) = @_;
    my ($place, $dns) =
        (join(', ', grep { defined } @$report{qw(city region country)}), $report->{dns_loc});
    $dns .= " ($report->{dns_colo})" if defined $report->{dns_colo};
    return (
        Location => $place,
        Provider => $report->{provider} // 'unknown',
        DNS => $dns // 'unknown',
        Version => $report->{client_version} // 'unknown',
    );
}

subtest 'hostile clients' => sub {
    my %reports = (tame => [ tame_reports() ], hostile => [ hostile_reports() ]);
    $browser->resize(1280, 800);
    # Should a script get into the page, it shall run.
    $browser->bypass_policy(1);
    my %skeleton;
    for my $name (sort keys %reports) {
        my $httpd = VpsHttpd->start(conf => $conf);
        report($httpd, @{ $reports{$name} });
        open_dashboard($browser, $httpd);
        # Times differ.
        $skeleton{$name} = $browser->skeleton('html', 1) =~ s/\d{4}-\d\d-\d\dT[\d:]+Z/TIME/gr;
        my $cells = cells($browser);
        my @wrong;
        for my $report (@{ $reports{$name} }) {
            my $shown = $cells->{ $report->{client_id} };
            my %expected = expected_cells($report);
            push @wrong, map { "$report->{client_id} $_: $shown->{$_}, not $expected{$_}" }
                grep { $shown->{$_} ne $expected{$_} } sort keys %expected;
        }
        is(join("\n", @wrong), '', "$name: the text that is shown is the text that was sent");
        is(scripts_run($browser), '', "$name: no script ran");
        asks_only($browser, $httpd, $name);
        is_quiet($browser, $name);
        $browser->screenshot($name) if $name eq 'hostile';
        $httpd->stop;
        $httpd->check_error_log;
    }
    my %parts = map { $_ => [ split /(?= tr\[)/, $skeleton{$_} ] } keys %skeleton;
    is_deeply($parts{hostile}, $parts{tame}, 'the elements and attributes are the page\'s own');
    $browser->bypass_policy(0);
};

$browser->stop;
$httpd->stop;
$httpd->check_error_log;

done_testing;
