#!/usr/bin/perl
# Compares keepalives with a trivial handler that reads the same request and gives the same answer,
# in the same httpd, in interleaved rounds; and measures the shared memory of a client.
# "make bench" runs it. It prints a Markdown table, and fails when any request does.
use strict;
use warnings;

use List::Util qw(max min sum0);

use VpsHttpd;
use Wrk;

my @SIZES = (1_000, 100_000);    # clients in the registry, growing
my $PAIRS = 15;                  # rounds of each side
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $TRIVIAL = '/trivial';

main();

sub main {
    my $httpd = VpsHttpd->start(conf => Wrk::conf($KEY), mpm => 'event', log_level => 'warn');
    my $wrk = Wrk->new(httpd => $httpd, key => $KEY);
    check_same_answer($httpd);
    $wrk->round(path => $TRIVIAL, clients => $SIZES[0]) for 1 .. 2;    # warm up
    my $memory_before = shared_memory($httpd);

    print 'wrk ' . $wrk->version . ", 1 thread, $Wrk::CONNECTIONS connections; $PAIRS pairs of rounds of 1 s; "
        . "event MPM\n\n";
    print "| clients | trivial, req/s | keepalive, req/s | ratio (min-max) | p99 trivial, ms "
        . "| p99 keepalive, ms | shared memory a client, bytes |\n";
    print "|---:|---:|---:|---:|---:|---:|---:|\n";
    for my $clients (@SIZES) {
        $wrk->fill($clients);
        my $memory = (shared_memory($httpd) - $memory_before) / $clients;
        print_row($clients, $memory, compare($wrk, $clients));
    }
    $httpd->stop;
    my $log = $httpd->error_log;
    die "httpd has logged:\n$log" if $log =~ /\[\w*:(?:error|crit|alert|emerg)\]|exit signal/;
}

# Both sides answer alike, or the comparison is not fair.
sub check_same_answer {
    my ($httpd) = @_;
    my @shape;
    for my $path ($TRIVIAL, $KEEPALIVE) {
        my ($status, $body, $answer) = $httpd->json('POST', $path,
            { headers => { 'X-API-Key' => $KEY }, content => { client_id => 'c-1' } });
        die "$path answers $status\n" if $status != 200;
        push @shape, join "\n", length $answer->{content}, sort(keys %$body),
            map { "$_: $answer->{headers}{$_}" } grep { $_ ne 'date' } sort keys %{ $answer->{headers} };
    }
    die "the answers differ:\n$shape[0]\n--\n$shape[1]\n" if $shape[0] ne $shape[1];
}

# Pairs of rounds, the order within a pair in turns. Each begins at another client.
sub compare {
    my ($wrk, $clients) = @_;
    my (@trivial, @keepalive);
    for my $pair (0 .. $PAIRS - 1) {
        my $first = 1 + int($clients * $pair / $PAIRS);
        my @side = ([ $TRIVIAL, \@trivial ], [ $KEEPALIVE, \@keepalive ]);
        for my $side ($pair % 2 ? reverse(@side) : @side) {
            my ($path, $results) = @$side;
            push @$results, $wrk->round(path => $path, clients => $clients, first => $first);
        }
    }
    return (\@trivial, \@keepalive);
}

sub print_row {
    my ($clients, $memory, $trivial, $keepalive) = @_;
    my @ratio = map { $keepalive->[$_]{rate} / $trivial->[$_]{rate} } 0 .. $#$trivial;
    printf "| %d | %.0f | %.0f | %.3f (%.3f-%.3f) | %.2f | %.2f | %.0f |\n", $clients,
        Wrk::median(map { $_->{rate} } @$trivial), Wrk::median(map { $_->{rate} } @$keepalive),
        Wrk::median(@ratio), min(@ratio), max(@ratio),
        Wrk::median(map { $_->{p99_ms} } @$trivial), Wrk::median(map { $_->{p99_ms} } @$keepalive), $memory;
}

# Bytes of touched shared memory of the whole httpd. Each process's share of a page (Pss) is divided
# by the number of processes that have touched it: the sum counts every touched page once.
sub shared_memory {
    my ($httpd) = @_;
    return 1024 * sum0(map { shared_kilobytes($_) } $httpd->pid, $httpd->children,
        $httpd->monitors);
}

sub shared_kilobytes {
    my ($pid) = @_;
    open(my $smaps, '<', "/proc/$pid/smaps") or die "/proc/$pid/smaps: $!\n";
    my ($is_shared, $kilobytes) = (0, 0);
    while (my $line = <$smaps>) {
        if ($line =~ /^[0-9a-f]+-[0-9a-f]+ /) {
            $is_shared = $line =~ m{ /dev/zero \(deleted\)$};
        } elsif ($is_shared && $line =~ /^Pss:\s+(\d+) kB/) {
            $kilobytes += $1;
        }
    }
    return $kilobytes;
}
