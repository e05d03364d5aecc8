# What drives a browser: that it sees what is bad in a page, and does what a user can do. The tests of
# the dashboard, t/browser_*.t, count on that.
use strict;
use warnings;
use utf8;

use Test::More;

use Browser;
use Browser::Hostile qw(raw_markup scripts_run watch_for_scripts);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

# A page around a row of a table; without an icon it would be asked for, sooner or later.
sub page {
    my ($body) = @_;
    return '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>x</title>'
        . '<link rel="icon" href="data:,"></head>'
        . "<body><table><tbody><tr>$body</tr></tbody></table></body></html>";
}

my $browser = Browser->start;
my $logged = '';

# A test that waits until the console has something like this.
sub becomes_logged {
    my ($pattern, $name) = @_;
    my $is_there = sub { $logged .= join '', map { "$_\n" } $browser->console; $logged =~ $pattern };
    ok($browser->wait_for($is_there), $name) or diag("the console: $logged");
}

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
    becomes_logged(qr/missing is not defined/, 'an error of a script');
    becomes_logged(qr/elsewhere\.test/, 'a file that cannot be loaded');
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
    becomes_logged(qr/Content Security Policy/, '... which is told');
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

    is(join(' ', $browser->requests), '', 'asks for nothing meanwhile');
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
    ok(!$browser->has_javascript, '... and one can ask for that');
    $browser->javascript(1);
    $browser->open($httpd->url('/page.html?2'));
    $browser->back;
    ok($browser->wait_for('location.search === ""'), 'goes back');
    $browser->console;
    $httpd->stop;
    $httpd->check_error_log;
};

$browser->stop;

done_testing;
