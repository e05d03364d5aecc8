#!/usr/bin/perl
# Measures what the monitor costs and how quick it is: its private memory, its processor time and the
# bytes that it writes while a large fleet reports each minute; how long after the threshold a silent
# client, and a silent fleet, is recorded as offline; and the rate of keepalives with the monitor
# idle, busy and not running at all, and while it tells everything to Telegram. "make bench" runs it.
# It prints Markdown tables.
use strict;
use warnings;

use List::Util qw(max min);
use Time::HiRes qw(sleep time);

use BotApi;
use VpsHttpd;
use Wrk;

my $FLEET = 100_000;
my $MINUTES = 2;         # of the whole fleet's reporting
my $ROUNDS = 9;          # of each kind, interleaved
my $THRESHOLD = 30;      # sec, where silence is measured
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $TRIVIAL = '/trivial';
my $WAIT = 120;          # sec, for anything

cost();
delay($_) for 1, $FLEET;
rates();
telegram();

sub start {
    my ($more) = @_;
    my $httpd = VpsHttpd->start(conf => Wrk::conf($KEY) . $more, mpm => 'event', log_level => 'warn');
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
    $wrk->fill(10_000);
    settle($wrk);
    printf "\n| monitor | |\n|---|---:|\n| private memory at 10,000 clients, MiB | %.1f |\n",
        private_kilobytes(($httpd->monitors)[0]) / 1024;
    $wrk->fill($FLEET);
    settle($wrk);
    printf "| private memory at %d clients, MiB | %.1f |\n", $FLEET,
        private_kilobytes(($httpd->monitors)[0]) / 1024;

    # All connections together make the fleet's reports of one minute in one minute, about.
    my $pause = int(1000 * $Wrk::CONNECTIONS * 60 / $FLEET);
    my ($cpu, $bytes, $begin) = (cpu_seconds(($httpd->monitors)[0]), bytes_written(($httpd->monitors)[0]), time);
    my $result = $wrk->round(path => $KEEPALIVE, clients => $FLEET, pause => $pause,
        seconds => 60 * $MINUTES);
    my $seconds = time - $begin;
    printf "| keepalives a second meanwhile | %.0f |\n", $result->{rate};
    printf "| processor, %% of a core | %.2f |\n",
        100 * (cpu_seconds(($httpd->monitors)[0]) - $cpu) / $seconds;
    printf "| bytes written a day at this rate, GiB | %.2f |\n",
        (bytes_written(($httpd->monitors)[0]) - $bytes) / $seconds * 86_400 / 2**30;
    $httpd->stop;
}

# All that has been acknowledged is announced and stored.
sub settle {
    my ($wrk) = @_;
    my $newest = -1;
    wait_until('the monitor comes to rest', sub {
        my $before = $newest;
        $newest = newest_event($wrk);
        sleep 1.5;
        return $before == $newest;
    });
}

sub newest_event {
    my ($wrk) = @_;
    my ($status, $body) = $wrk->{httpd}->json('GET', '/api/v1/events?limit=1',
        { headers => { 'X-API-Key' => $KEY } });
    die "events answers $status\n" if $status != 200;
    return @{ $body->{events} } ? $body->{events}[0]{id} : 0;
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

sub cpu_seconds {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/stat") or die "stat: $!\n";
    my ($rest) = <$file> =~ /\) (.*)/;
    my @field = split ' ', $rest;
    return ($field[11] + $field[12]) / 100;
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
    settle($wrk) if $clients > 1;
    my $before = newest_event($wrk);
    $httpd->stop;
    $httpd->start_again;
    my $started = time;
    wait_until('all are back', sub { $wrk->clients == $clients });
    wait_until('the first is offline', sub { newest_event($wrk) > $before + 1 });
    my $first = time;
    wait_until('all are offline', sub { newest_event($wrk) >= $before + 1 + $clients });
    my $last = time;
    printf "\n%d silent clients, threshold %d s after the start of service: the first recorded as "
        . "offline after %.2f s, the last after %.2f s (%d started)\n", $clients, $THRESHOLD,
        $first - $started, $last - $started, $clients;
    $httpd->stop;
}

# --- rates ----------------------------------------------------------------------------------------

sub rates {
    my ($httpd, $wrk) = start('');
    my $clients = 1_000;
    $wrk->fill($clients);
    my %round = (
        trivial => sub { $wrk->round(path => $TRIVIAL, clients => $clients) },
        idle => sub { $wrk->round(path => $KEEPALIVE, clients => $clients) },
        busy => sub { $wrk->round(path => $KEEPALIVE, clients => $clients, changing => 1) },
        dead => sub {
            my ($monitor) = $httpd->monitors;
            kill 'STOP', $monitor;
            my $result = $wrk->round(path => $KEEPALIVE, clients => $clients);
            kill 'CONT', $monitor;
            return $result;
        },
    );
    my %result;
    $round{$_}->() for sort keys %round;
    for (1 .. $ROUNDS) {
        push @{ $result{$_} }, $round{$_}->() for sort keys %round;
    }
    print_header('monitor');
    print_row($_, $result{trivial}, $result{$_}) for qw(idle busy dead);
    $httpd->stop;
}

sub print_header {
    my ($what) = @_;
    print "\n| $what | keepalive, req/s | ratio to trivial (min-max) | p99, ms |\n|---|---:|---:|---:|\n";
    return;
}

# The rounds of one kind beside those of the trivial handler, in the same order.
sub print_row {
    my ($kind, $trivial, $keepalive) = @_;
    my @ratio = map { $keepalive->[$_]{rate} / $trivial->[$_]{rate} } 0 .. $#$trivial;
    printf "| %s | %.0f | %.3f (%.3f-%.3f) | %.2f |\n", $kind,
        Wrk::median(map { $_->{rate} } @$keepalive), Wrk::median(@ratio), min(@ratio), max(@ratio),
        Wrk::median(map { $_->{p99_ms} } @$keepalive);
    return;
}

# --- Telegram -------------------------------------------------------------------------------------

# An alert with nearly each keepalive: while Telegram takes them, while it never answers, and without
# it. Each has a server of its own, and the others are at rest.
sub telegram {
    my $clients = 1_000;
    my @kinds = qw(off well hanging);
    my %bot = map { $_ => BotApi->start } qw(well hanging);
    $bot{hanging}->misbehave($_ => { hang => 1 }) for qw(getMe getUpdates sendMessage);
    my (%httpd, %wrk, %trivial, %keepalive);
    for my $kind (@kinds) {
        ($httpd{$kind}, $wrk{$kind}) =
            start($kind eq 'off' ? '' : $bot{$kind}->conf . "VPNSentinelFlapThreshold 0\n");
        $wrk{$kind}->fill($clients);
        $wrk{$kind}->round(path => $_, clients => $clients) for $TRIVIAL, $KEEPALIVE;
    }
    settle($wrk{$_}) for @kinds;
    for my $kind ((@kinds) x $ROUNDS) {
        push @{ $trivial{$kind} }, $wrk{$kind}->round(path => $TRIVIAL, clients => $clients);
        push @{ $keepalive{$kind} },
            $wrk{$kind}->round(path => $KEEPALIVE, clients => $clients, changing => 1);
        settle($wrk{$kind});
    }
    print_header('Telegram');
    print_row($_, $trivial{$_}, $keepalive{$_}) for @kinds;
    printf "\n%d messages were taken while it was well; %d alerts wait where it hangs\n",
        scalar $bot{well}->messages, $wrk{hanging}->status->{telegram}{queued};
    $_->stop for values %httpd;
    return;
}
