# The section on httpd's own status page: there with mod_status, in both forms, and nowhere else.
use strict;
use warnings;

use JSON::PP ();
use Test::More;

use BotApi;
use Sentinel;
use VpsHttpd;

my $PAGE = "<Location /server-status>\nSetHandler server-status\n</Location>\n";

# The page, plain or "?auto".
sub page {
    my ($server, $args) = @_;
    my $answer = $server->request('GET', '/server-status' . ($args // ''));
    is($answer->{status}, 200, 'the page');
    return $answer->{content};
}

# Our lines of ?auto.
sub lines {
    my ($server) = @_;
    return { page($server, '?auto') =~ /^VpnSentinel(\w+): (.*)$/mg };
}

my $sentinel = Sentinel->start(modules => ['status'], conf => "${PAGE}VPNSentinelMaxClients 77\n"
        . "VPNSentinelServerPublicIP 203.0.113.43\n");

subtest 'lines' => sub {
    ok($sentinel->wait_for(sub { lines($sentinel)->{Store} eq 'ok' }), 'the store is there');
    my (undef, $status) = $sentinel->api('GET', '/status');
    my %expected = (
        Version => $status->{version}, Clients => 0, ClientsMax => 77, Green => 0, Yellow => 0, Grey => 0, Red => 0,
        Keepalives => 0, Refused => 0, Monitor => 'running', Store => 'ok', Telegram => 'off', Queued => 0,
    );
    is_deeply(lines($sentinel), \%expected, 'of an empty server');
    my %good = (location => 'DE', dns_loc => 'DE');
    my @reports = ({%good}, {}, {}, map { { %good, public_ip => '203.0.113.43' } } 1 .. 3);
    $sentinel->keepalive({ client_id => "c-$_", %{ $reports[$_] } }) for 0 .. $#reports;
    $sentinel->api('POST', '/register', { content => { client_id => "r-$_" } }) for 1 .. 4;
    $sentinel->api('GET', '/nothing');
    my %after = (Clients => 10, Green => 1, Yellow => 2, Red => 3, Grey => 4, Keepalives => 6, Refused => 1);
    is_deeply(lines($sentinel), { %expected, %after }, 'of one with clients');
    my (undef, @all) = split /\n/, page($sentinel, '?auto');    # the first is the server's name
    is_deeply([ grep { !/\A[^:]+:(?: |\z)/ } @all ], [], 'each line is one as mod_status writes them');
};

subtest 'HTML' => sub {
    my $page = page($sentinel);
    my ($section) = $page =~ m{(<hr />\n<h2>VPN Sentinel .*?</dl>)}s;
    ok(defined $section, 'a section') or return;
    like($section, qr/Clients: 10 of at most 77: 1 green \(secure\), 2 yellow \(DNS\), 3 red \(alarm\), 4 grey \(offline\)</,
        'clients');
    like($section, qr/Requests: 6 keepalives accepted, 1 requests refused</, 'requests');
    like($section, qr/Monitor: running</, 'monitor');
    like($section, qr/Store: ok</, 'store');
    like($section, qr/Telegram: off, 0 queued</, 'Telegram');
    my %open;
    $open{$1} += $2 eq '' ? 1 : -1 while $section =~ /<(?=\/?(\w+))(\/?)\w+>/g;
    is_deeply([ grep { $open{$_} } sort keys %open ], [], 'what is opened is closed');
    like($page, qr{</body></html>\s*\z}, 'the rest of the page is there');
};
subtest 'over reloads' => sub {
    for my $how (qw(graceful restart)) {
        $sentinel->$how;
        my @sections = page($sentinel) =~ /VPN Sentinel [\d.]+</g;
        is(scalar @sections, 1, "$how: one section");
        is(lines($sentinel)->{Keepalives}, 6, '... what was counted is there');
    }
};
$sentinel->check_error_log;

subtest 'troubles are told, escaped' => sub {
    my $bot = BotApi->start;
    $bot->fail(403, description => 'Forbidden: <b>"x"</b> & y');
    my $other = Sentinel->start(modules => ['status'], conf => $PAGE . $bot->conf . "VPNSentinelStateDir in/the/way\n",
        files => { 'in/the/way' => 'a file' });
    ok($other->wait_for(sub { page($other) =~ /Forbidden/ }), 'what Telegram says');
    my $page = page($other);
    like($page, qr{Telegram: on, 1 queued: HTTP 403: Forbidden: &lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; y<}, '... as text');
    like($page, qr/Store: degraded: \S/, 'what is wrong with the store');
    my $lines = lines($other);
    is_deeply([ @{$lines}{qw(Telegram Queued Store)} ], [ 'on', 1, 'degraded' ], '... and in lines');
    $other->stop;
    $other->check_error_log(allow => [qr/VPNS\d+: (?:the store: |.*Telegram)/]);
};

subtest 'nothing is mounted' => sub {
    my $other = VpsHttpd->start(modules => ['status'], conf => $PAGE);
    unlike(page($other, $_), qr/sentinel/i, "nothing of ours in the page$_") for '', '?auto';
    $other->check_error_log;
};

subtest 'without mod_status' => sub {
    my $other = Sentinel->start;
    is($other->request('GET', '/server-status')->{status}, 404, 'no page');
    is(($other->keepalive({ client_id => 'one' }))[0], 200, 'all else works');
    $other->check_error_log;
};

done_testing;
