# The dashboard's pages in a browser: what they load and log, who can read them, on what screens and
# on paper, and where they work.
use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use Test::More;

use Browser;
use Browser::Dashboard qw(:all);
use VpsHttpd;

plan skip_all => Browser->missing if Browser->missing;

my $browser = Browser->start;
my $httpd = VpsHttpd->start(conf => $CONF);

# Tests that nobody is kept out, on each kind of screen.
sub is_accessible {
    my ($name) = @_;
    my %screen = (phone => sub { $browser->phone }, desktop => sub { $browser->resize(1280, 800) });
    for my $size (sort keys %screen) {
        $screen{$size}->();
        for my $scheme (qw(light dark)) {
            $browser->media('prefers-color-scheme' => $scheme);
            is(join("\n", $browser->axe), '', "$name, $size, $scheme: axe finds nothing");
        }
        $browser->screenshot("$name-$size");
    }
    $browser->media;
    $browser->resize(1280, 800);
}

my %PAGE = (empty => '', fleet => '', client => '/client/z-leak');

subtest 'pages' => sub {
    for my $name (qw(empty fleet client)) {
        if ($name eq 'fleet') {
            report($httpd, one_of_each());
            register($httpd, 'z-gone');
        }
        open_page($browser, $httpd, $PAGE{$name});
        is($browser->text('h1'), $name eq 'client' ? 'z-leak' : 'VPN Sentinel Monitoring',
            "$name: it is there");
        is(live($browser), 'Live', "$name: its script is in force");
        is($browser->run('return getComputedStyle(document.body).margin'), '0px',
            "$name: its style is in force");
        SKIP: {
            skip(Browser->missing_axe, 1) if Browser->missing_axe;
            is_accessible($name);
        }
        is_quiet($browser, $name);
        asks_only($browser, $httpd->url('/'), $name);
    }
};

# What is longest in each column.
my %LONG = (
    public_ip => '2001:db8:1234:5678:9abc:def0:1234:5678', city => 'W' x 100, region => 'Ж' x 32,
    country => 'x' x 64, location => 'y' x 64, provider => 'Z' x 64, dns_loc => 'd' x 64,
    dns_colo => 'C' x 16, client_version => '1' x 32, timezone => 'T' x 40,
);

# What of the page is wider than the room it has.
my $TOO_WIDE = <<'JS';
const root = document.documentElement;
const wide = [...document.querySelectorAll('html, header, section, .notice, dd, li')]
    .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0);
return wide.map((e) => `${e.localName}.${e.className}#${e.id}`).join(' ');
JS

subtest 'nothing is wider than the screen' => sub {
    report($httpd, map { secure($_, %LONG) } 'i' x 100, 'long');
    for my $path ('', '/client/' . 'i' x 100) {
        open_page($browser, $httpd, $path);
        my $name = $path ? 'client' : 'fleet';
        for my $width (320, 360, 480, 640, 768, 900, 1000, 1024, 1150, 1280, 1600) {
            $browser->resize($width, 800);
            is($browser->run($TOO_WIDE), '', "$name: $width");
        }
        $browser->resize(320, 800);
        $browser->screenshot("long-$name");
    }
    $browser->resize(1280, 800);
    remove($httpd, $_) for 'i' x 100, 'long';
};

subtest 'on paper' => sub {
    open_page($browser, $httpd);
    $browser->resize(718, 1000);  # A4 but for its margins
    $browser->media(type => 'print', 'prefers-color-scheme' => 'dark');
    $browser->screenshot('print');
    is($browser->run('return getComputedStyle(document.querySelector("#rows td")).display'), 'table-cell',
        'the table is a table');
    is($browser->run('const s = getComputedStyle(document.body);'
        . 'return `${s.color} on ${s.backgroundColor}`'),
        'rgb(0, 0, 0) on rgb(255, 255, 255)', 'black on white, whatever the screen is');
    is($browser->run('return [...document.querySelectorAll("form, #live, #pager")]'
        . '.filter((e) => e.checkVisibility()).length'), 0, 'nothing that paper cannot do');
    is($browser->run($TOO_WIDE), '', 'nothing is wider than the sheet');
    $browser->media;
    $browser->resize(1280, 800);
};

subtest 'colours of one\'s own' => sub {
    open_page($browser, $httpd, '?light=red');
    $browser->media('forced-colors' => 'active');
    $browser->screenshot('forced-colors');
    my $outline = 'return [...document.querySelectorAll("#summary a")]'
        . '.filter((a) => getComputedStyle(a).outlineStyle !== "none").map((a) => a.textContent).join()';
    like($browser->run($outline), qr/^. 2 alarm$/, 'one sees which light is chosen');
    is($browser->run('return [...document.querySelectorAll("#rows .mark")]'
        . '.map((mark) => mark.textContent).join("")'), '■■',
        'and by their marks what lights there are');
    $browser->media;
};

subtest 'nothing moves' => sub {
    open_page($browser, $httpd);
    $browser->media('prefers-reduced-motion' => 'reduce');
    is($browser->run('return [...document.querySelectorAll("*")].filter((e) => {'
        . 'const s = getComputedStyle(e);'
        . 'return s.transitionDuration !== "0s" || s.animationName !== "none" }).length'), 0,
        'no transition, no animation');
    $browser->media;
};

subtest 'far from the top of a long fleet' => sub {
    report($httpd, map { secure("more-$_") } 1 .. 60);
    open_page($browser, $httpd);
    $browser->run('scrollTo(0, 1500)');
    is($browser->run('return document.elementFromPoint(60, 5).closest("thead")?.id'), 'columns',
        'the columns\' names stay in sight');
    $browser->phone;
    $browser->run('scrollTo(0, 1500)');
    is($browser->run('return document.elementFromPoint(60, 5).closest("thead")'), undef,
        '... but not where there are none');
    $browser->resize(1280, 800);
    remove($httpd, "more-$_") for 1 .. 60;
};

# Sizes as the browser has counted them.
sub tell_sizes {
    my ($browser) = @_;
    my $sizes = $browser->run(<<'JS');
const entries = [...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource')];
return entries.slice(0, 5).map((e) => `${new URL(e.name).pathname.split('/').pop() || 'page'}` +
    `${/since/.test(e.name) ? ' (feed)' : ''}: ${e.decodedBodySize} bytes, ${e.encodedBodySize} sent`);
JS
    diag($_) for @$sizes;
}

my @MODULES = qw(proxy proxy_http socache_shmcb ssl http2 filter deflate);
my @missing =
    grep { !-e ($ENV{VPS_HTTPD_MODULES} // '/usr/lib/apache2/modules') . "/mod_$_.so" } @MODULES;

subtest 'behind a proxy, under another path, by HTTP/2' => sub {
    plan skip_all => "not installed: @missing" if @missing;
    my $folder = tempdir('browser-page-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        . "-addext basicConstraints=critical,CA:FALSE "
        . "-keyout $folder/key -out $folder/certificate >$folder/log 2>&1") == 0
        or return plan(skip_all => 'openssl makes no certificate');
    my $httpd = VpsHttpd->start(ports => 2, modules => \@MODULES, conf => $CONF . <<"CONF");
SSLSessionCache "shmcb:\@ROOT\@/run/ssl(65536)"
<VirtualHost 127.0.0.1:\@PORT1\@>
    SSLEngine on
    SSLCertificateFile "$folder/certificate"
    SSLCertificateKeyFile "$folder/key"
    Protocols h2 http/1.1
    AddOutputFilterByType DEFLATE text/html text/css text/javascript application/json
    ProxyPass "/some/where/" "http://127.0.0.1:\@PORT\@/dashboard/"
</VirtualHost>
CONF
    report($httpd, one_of_each(), map { secure("site-$_") } 1 .. 120);
    my $other = Browser->start(arguments => ['--ignore-certificate-errors']);
    my $there = $httpd->url('/some/where/', 1) =~ s/^http:/https:/r;
    my $is_live = 'document.getElementById("live").className === "live"';
    $other->open($there);
    becomes($other, $is_live, 'the page is live');
    is($other->run('return getComputedStyle(document.body).margin'), '0px', 'its style is in force');
    is($other->run('return performance.getEntriesByType("resource")'
        . '.filter((e) => e.nextHopProtocol !== "h2").map((e) => e.name).join()'), '', 'all by HTTP/2');
    tell_sizes($other);
    report($httpd, secure('site-1', public_ip => '198.51.100.7'));
    becomes($other, 'document.querySelectorAll("#rows tr")[0].id === "c-site-1"', 'changes are seen');
    $other->click('#pager a');
    becomes($other, 'location.search === "?page=2" && document.querySelectorAll("#rows tr").length === 25',
        'the second page');
    $other->reload;
    becomes($other, $is_live, '... loaded anew');
    $other->click('#rows a');
    becomes($other, 'location.pathname.replace(/[^/]+$/, "") === "/some/where/client/"', 'a client\'s page');
    becomes($other, $is_live, '... is live');
    becomes($other, 'document.querySelector("#events a") !== null', '... tells events');
    $other->click('#events a');
    $other->click('header a');
    becomes($other, "location.href === '$there'", 'and back');
    asks_only($other, $there, 'by the proxy');
    is_quiet($other, 'by the proxy');
    $other->stop;
    $httpd->stop;
    $httpd->check_error_log;
};

$browser->stop;
$httpd->stop;
$httpd->check_error_log;

done_testing;
