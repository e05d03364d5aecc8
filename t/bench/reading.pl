#!/usr/bin/perl
# What those cost who read: the API's list, the dashboard and its feed, the metrics, with many clients
# in the registry. "make bench" runs it. It prints a Markdown table, and fails when any request does.
use strict;
use warnings;

use List::Util qw(min);
use Time::HiRes qw(time);

use VpsHttpd;
use Wrk;

my $CLIENTS = 10_000;
my $TIMES = 30;     # each is asked
my $KEY = 'bench-key-0123456789';

main();

sub main {
    my $httpd = VpsHttpd->start(
        mpm => 'event',
        log_level => 'warn',
        conf => Wrk::conf($KEY, "VPNSentinelDashboard\nVPNSentinelBadges on\nVPNSentinelMetrics\n"
                . "VPNSentinelMetricsMaxClients $CLIENTS\n"),
    );
    my $wrk = Wrk->new(httpd => $httpd, key => $KEY);
    $wrk->fill($CLIENTS);
    $wrk->settle;
    my $since = ($httpd->json('GET', '/dashboard?since='))[1]{since};
    print "$CLIENTS clients; each is asked $TIMES times, by one connection each\n\n";
    print "| what is asked for | answer, bytes | time, ms: median (min) | processor, ms |\n|---|---:|---:|---:|\n";
    print_row($httpd, @$_) for
        [ 'list of all clients', '/api/v1/clients' ],
        [ 'one client', '/api/v1/clients/c-5000' ],
        [ 'status', '/api/v1/status' ],
        [ 'dashboard, the page', '/dashboard' ],
        [ '... sorted and searched', '/dashboard?q=c-99&sort=location' ],
        [ '... the first question of its script', '/dashboard?since=' ],
        [ '... what is new', "/dashboard?since=$since" ],
        [ '... the page of a client', '/dashboard/client/c-5000' ],
        [ 'badge', '/dashboard/badge/c-5000.svg' ],
        [ 'metrics, all clients singly', '/metrics' ],
        [ '... as OpenMetrics', '/metrics', Accept => 'application/openmetrics-text' ];
    $httpd->stop;
}

sub print_row {
    my ($httpd, $name, $path, @header) = @_;
    my ($bytes, @milliseconds);
    my $before = Wrk::processor_ms($httpd);
    for (1 .. $TIMES) {
        my $begin = time;
        my $answer = $httpd->request('GET', $path, { headers => { 'X-API-Key' => $KEY, @header } });
        push @milliseconds, 1000 * (time - $begin);
        die "$path answers $answer->{status}\n" if $answer->{status} != 200;
        $bytes = length $answer->{content};
    }
    printf "| %s | %d | %.1f (%.1f) | %.2f |\n", $name, $bytes, Wrk::median(@milliseconds), min(@milliseconds),
        (Wrk::processor_ms($httpd) - $before) / $TIMES;
}
