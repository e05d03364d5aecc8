package Browser::Dashboard;

=head1 NAME

Browser::Dashboard - the dashboard of a private httpd, as a browser sees it

=head1 SYNOPSIS

    use Browser::Dashboard qw(:all);

    my $httpd = VpsHttpd->start(conf => $CONF);
    report($httpd, one_of_each());
    hurry($browser);
    open_page($browser, $httpd);
    is(live($browser), 'Live', 'it is live');
    is_quiet($browser, 'fleet');

=head1 DESCRIPTION

=head2 $CONF

A server without limits and keys, whose own address is 198.51.100.7.

=head2 report(HTTPD, REPORT...), register(HTTPD, ID), remove(HTTPD, ID)

Send keepalives, make and remove a client. They die when the server does not take that.

=head2 wait_until_told(HTTPD, REPORT...)

Waits until there is an event of each of these clients: events are told a moment after a report.

=head2 one_of_each

Reports of clients of each light but offline: "office-vpn-primary" is secure, "z-bypass", "z-down",
"z-leak" and "z-unknown" are what they say. secure(ID, MEMBER => VALUE ...) is one report.

=head2 hurry(BROWSER)

What pages that are opened from now on wait for, they wait a tenth of the time for; a server may
still take its time to answer.

=head2 open_page(BROWSER, HTTPD, PATH)

Opens the dashboard, or what is below it, when the monitor runs, so that there is no notice on it,
and returns when its script, if it may run, has had its first answer. What was logged and asked for
before is forgotten.

=head2 live(BROWSER), live_becomes(BROWSER, PATTERN, NAME)

What the page says about itself; the other one waits for that, and is a test.

=head2 becomes(BROWSER, CONDITION, NAME)

A test that waits until an expression is true in the page.

=head2 ids(BROWSER)

The ids of the clients in the table, in order, with spaces between.

=head2 row(ID)

The selector of a client's row.

=head2 is_quiet(BROWSER, NAME), asks_only(BROWSER, URL, NAME)

Tests that the browser had nothing to complain about; that all it has asked for is below a URL.

=cut

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();
use Test::More;

use VpsHttpd;

our $CONF = <<'CONF';
VPNSentinelRateLimit 0
VPNSentinelAPI
VPNSentinelAPIKey none
VPNSentinelDashboard
VPNSentinelServerPublicIP 198.51.100.7
CONF

our @EXPORT_OK = qw($CONF asks_only becomes hurry ids is_quiet live live_becomes one_of_each open_page
    register remove report row secure wait_until_told);
our %EXPORT_TAGS = (all => \@EXPORT_OK);

# Waits of the page's script that are not for an answer.
my $HURRY = <<'JS';
const slow = window.setTimeout;
window.setTimeout = (what, time) => slow(what, time === 15000 ? time : time / 10);
JS

# --- clients --------------------------------------------------------------------------------------

sub secure {
    my ($id, %other) = @_;
    return {
        client_id => $id, public_ip => '203.0.113.1', vpn_connected => JSON::PP::true,
        location => 'RO', city => 'Cluj', dns_loc => 'RO', dns_colo => 'OTP',
        provider => 'AS64496 Example', client_version => '1.2.3', %other,
    };
}

sub one_of_each {
    return (
        secure('office-vpn-primary'),
        secure('z-bypass', public_ip => '198.51.100.7'),
        secure('z-down', vpn_connected => JSON::PP::false),
        secure('z-leak', dns_loc => 'DE'),
        { client_id => 'z-unknown' },
    );
}

# All at once, over one connection for each hundred of them.
sub report {
    my ($httpd, @reports) = @_;
    my $count = @reports;
    my $taken = 0;
    while (my @some = splice @reports, 0, 100) {
        my $answers = $httpd->raw(join '', map { _keepalive($_) } @some);
        $taken += () = $answers =~ m{HTTP/1\.1 200 OK\r}g;
        die "not taken: $answers" if $answers =~ m{HTTP/1\.1 (?!200)};
    }
    die "only $taken of $count are answered" if $taken != $count;
}

sub _keepalive {
    my ($report) = @_;
    my $body = JSON::PP->new->utf8->encode($report);
    return "POST /api/v1/keepalive HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

sub wait_until_told {
    my ($httpd, @reports) = @_;
    for my $id (map { $_->{client_id} } @reports) {
        my $address = "/api/v1/events?limit=1&client=$id";
        $httpd->wait_for(sub { $httpd->request('GET', $address)->{content} =~ /"client_id"/ })
            or die "nothing is told of $id";
    }
}

sub _must {
    my ($answer) = @_;
    die "$answer->{url}: $answer->{status} $answer->{content}" if !$answer->{success};
}

sub register {
    my ($httpd, $id) = @_;
    _must($httpd->request('POST', '/api/v1/register', { content => { client_id => $id } }));
}

sub remove {
    my ($httpd, $id) = @_;
    _must($httpd->request('DELETE', "/api/v1/clients/$id"));
}

# --- the page -------------------------------------------------------------------------------------

sub hurry {
    my ($browser) = @_;
    $browser->before_load($HURRY);
}

sub open_page {
    my ($browser, $httpd, $path) = @_;
    my $runs = sub { $httpd->request('GET', '/dashboard')->{content} !~ /class="notice"/ };
    $httpd->wait_for($runs) or die 'the monitor does not run';
    $browser->$_ for qw(requests console);
    $browser->open($httpd->url('/dashboard' . ($path // '')));
    if ($browser->has_javascript) {
        $browser->wait_for('document.getElementById("live").className !== ""')
            or die 'its script does not run';
    }
}

sub live {
    my ($browser) = @_;
    return $browser->run('return document.getElementById("live").textContent');
}

sub live_becomes {
    my ($browser, $pattern, $name) = @_;
    ok($browser->wait_for(sub { live($browser) =~ $pattern }), $name)
        or diag('it says: ' . live($browser));
}

sub becomes {
    my ($browser, $condition, $name) = @_;
    ok($browser->wait_for($condition, 30), $name) or diag("not so: $condition");
}

sub ids {
    my ($browser) = @_;
    return $browser->run(
        'return [...document.querySelectorAll("#rows th")].map((name) => name.textContent).join(" ")');
}

sub row {
    my ($id) = @_;
    return "#c-$id";
}

# --- what came of it ------------------------------------------------------------------------------

sub is_quiet {
    my ($browser, $name) = @_;
    is(join("\n", $browser->console), '', "$name: the console is empty");
}

sub asks_only {
    my ($browser, $own, $name) = @_;
    my @urls = $browser->requests;
    cmp_ok(scalar @urls, '>', 0, "$name: files are loaded");
    is(join("\n", grep { index($_, $own) != 0 } @urls), '', "$name: from nowhere else");
}

1;
