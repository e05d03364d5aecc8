#!/usr/bin/perl
# Measures what the monitor costs and how quick it is: its private memory, its processor time and the
# bytes that it writes while nobody reports and while a large fleet reports each minute; and how long
# after the threshold a silent client, and a silent fleet, is recorded as offline. "make bench" runs it.
# It prints a Markdown table.
use strict;
use warnings;

use Time::HiRes qw(sleep time);

use VpsHttpd;
use Wrk;

my $FLEET = 100_000;
my $MINUTES = 2;         # of the whole fleet's reporting
my $THRESHOLD = 30;      # sec, where silence is measured
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $WAIT = 120;          # sec, for anything

print "| monitor | |\n|---|---:|\n";
cost();
delay($_) for 1, $FLEET;

sub start {
    my ($more) = @_;
    my $httpd = VpsHttpd->start(conf => Wrk::conf($KEY, $more), mpm => 'event', log_level => 'warn');
    return ($httpd, Wrk->new(httpd => $httpd, key => $KEY));
}

sub wait_until {
    my ($what, $code) = @_;
    my $end = time + $WAIT;
    until ($code->()) {
        die "waited in vain: $what\n" if time > $end;
        sleep 0.02;
    }
}

# --- cost -----------------------------------------------------------------------------------------

sub cost {
    my ($httpd, $wrk) = start("VPNSentinelOfflineThreshold 600\n");
    for my $clients (10_000, $FLEET) {
        $wrk->fill($clients);
        $wrk->settle;
        printf "| private memory at %d clients, MiB | %.1f |\n", $clients,
            private_kilobytes(($httpd->monitors)[0]) / 1024;
    }
    use_of($httpd, "with $FLEET silent clients", sub { sleep 60 });
    # All connections together make the fleet's reports of one minute in one minute, about.
    my $pause = int(1000 * $Wrk::CONNECTIONS * 60 / $FLEET);
    my $result;
    use_of($httpd, "with $FLEET clients that report each minute", sub {
        $result = $wrk->round(path => $KEEPALIVE, clients => $FLEET, pause => $pause, seconds => 60 * $MINUTES);
    });
    printf "| keepalives a second meanwhile | %.0f |\n", $result->{rate};
    $httpd->stop;
}

# What the monitor uses while this goes on.
sub use_of {
    my ($httpd, $name, $while) = @_;
    my ($monitor) = $httpd->monitors;
    my ($cpu, $bytes, $begin) = (cpu_seconds($monitor), bytes_written($monitor), time);
    $while->();
    my $seconds = time - $begin;
    printf "| processor %s, %% of a core | %.3f |\n", $name, 100 * (cpu_seconds($monitor) - $cpu) / $seconds;
    printf "| bytes written %s, MiB a day | %.1f |\n", $name,
        (bytes_written($monitor) - $bytes) / $seconds * 86_400 / 2**20;
}

sub private_kilobytes {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/smaps_rollup") or die "smaps_rollup: $!\n";
    my $sum = 0;
    while (<$file>) {
        $sum += $1 if /^Private_(?:Clean|Dirty):\s+(\d+) kB/;
    }
    return $sum;
}

# Of all its threads, in seconds.
sub cpu_seconds {
    my ($pid) = @_;
    my $nanoseconds = 0;
    for my $path (glob "/proc/$pid/task/*/schedstat") {
        open(my $file, '<', $path) or next;
        $nanoseconds += (split ' ', <$file>)[0];
    }
    return $nanoseconds / 1e9;
}

sub bytes_written {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/io") or die "io: $!\n";
    my ($bytes) = join('', <$file>) =~ /^wchar: (\d+)/m;
    return $bytes;
}

# --- delay ----------------------------------------------------------------------------------------

# How long after the threshold the last of so many silent clients is recorded as offline.
sub delay {
    my ($clients) = @_;
    my ($httpd, $wrk) = start("VPNSentinelOfflineThreshold $THRESHOLD\n");
    # Filled slowly or not, all fall silent together when httpd stands still for a moment: so they are
    # brought back by the store, and the service starts for all of them at once.
    $wrk->fill($clients);
    $wrk->settle if $clients > 1;
    my $before = $wrk->newest_event;
    $httpd->stop;
    $httpd->start_again;
    my $started = time;
    wait_until('all are back', sub { $wrk->clients == $clients });
    wait_until('the first is offline', sub { $wrk->newest_event > $before + 1 });
    my $first = time;
    wait_until('all are offline', sub { $wrk->newest_event >= $before + 1 + $clients });
    my $last = time;
    printf "| %d silent since the start, threshold %d s: the first is recorded as offline after, s | %.2f |\n",
        $clients, $THRESHOLD, $first - $started;
    printf "| ... the last after, s | %.2f |\n", $last - $started;
    $httpd->stop;
}
