#!/usr/bin/perl
# What a scrape of the metrics costs, with as many clients in the registry as told of singly, and with
# the usual limit. "make bench" runs it. It prints a Markdown table, and fails when any request does.
use strict;
use warnings;

use List::Util qw(min sum0);
use Time::HiRes qw(time);

use VpsHttpd;
use Wrk;

my $CLIENTS = 10_000;
my $SCRAPES = 30;
my $KEY = 'bench-key-0123456789';

main();

sub main {
    print "$CLIENTS clients; $SCRAPES scrapes of each\n\n";
    print "| told of singly | format | answer, bytes | time, ms: median (min) | processor, ms |\n";
    print "|---:|---|---:|---:|---:|\n";
    for my $limit ($CLIENTS, 1000) {
        my $conf = Wrk::conf($KEY) . "VPNSentinelMetrics\nVPNSentinelMetricsMaxClients $limit\n";
        my $httpd = VpsHttpd->start(conf => $conf, mpm => 'event', log_level => 'warn');
        Wrk->new(httpd => $httpd, key => $KEY)->fill($CLIENTS);
        for my $type ('text/plain', 'application/openmetrics-text') {
            print_row($httpd, $limit, $type);
        }
        $httpd->stop;
    }
}

sub print_row {
    my ($httpd, $limit, $type) = @_;
    my ($bytes, @milliseconds);
    my $before = processor_time($httpd);
    for (1 .. $SCRAPES) {
        my $begin = time;
        my $answer = $httpd->request('GET', '/metrics', { headers => { Accept => $type } });
        push @milliseconds, 1000 * (time - $begin);
        die "the metrics answer $answer->{status}\n" if $answer->{status} != 200;
        $bytes = length $answer->{content};
    }
    my $processor = (processor_time($httpd) - $before) / $SCRAPES;
    printf "| %d | %s | %d | %.1f (%.1f) | %.1f |\n", $limit, $type, $bytes, Wrk::median(@milliseconds),
        min(@milliseconds), $processor;
}

# What the children have used, in milliseconds.
sub processor_time {
    my ($httpd) = @_;
    return sum0(map { thread_time($_) } map { glob "/proc/$_/task/*/schedstat" } $httpd->children) / 1e6;
}

sub thread_time {
    my ($path) = @_;
    open(my $file, '<', $path) or return 0;
    my ($nanoseconds) = split ' ', <$file> // 0;
    return $nanoseconds;
}
