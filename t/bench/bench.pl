#!/usr/bin/perl
# Compares keepalives with a trivial handler that reads the same request and gives the same answer,
# in the same httpd, in interleaved rounds; and measures the shared memory of a client.
# "make bench" runs it. It prints a Markdown table, and fails when any request does.
use strict;
use warnings;

use FindBin;
use JSON::PP qw(decode_json);
use List::Util qw(max min sum0);

use VpsHttpd;

my $BUILD_DIR = $ENV{VPS_BUILDDIR} // die "VPS_BUILDDIR is not set: run make bench\n";
my @SIZES = (1_000, 100_000);    # clients in the registry, growing
my $PAIRS = 15;                  # rounds of each side
my $SECONDS = 1;                 # a round
my $CONNECTIONS = 16;
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $TRIVIAL = '/trivial';

my $CONF = <<"CONF";
LoadModule trivial_module "$BUILD_DIR/t/bench/.libs/mod_trivial.so"
StartServers 2
ThreadsPerChild 32
MinSpareThreads 32
MaxSpareThreads 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
VPNSentinelAPI /api/v1
VPNSentinelAPIKey $KEY
VPNSentinelRateLimit 0
VPNSentinelMaxClients 200000
VPNSentinelLog none
<Location "$TRIVIAL">
    SetHandler trivial
</Location>
CONF

main();

sub main {
    my $wrk = wrk_version() // die "wrk is missing: install the package wrk\n";
    my $httpd = VpsHttpd->start(conf => $CONF, mpm => 'event', log_level => 'warn');
    check_same_answer($httpd);
    measure($httpd, $TRIVIAL, $SIZES[0], 1) for 1 .. 2;    # warm up
    my $memory_before = shared_memory($httpd);

    print "wrk $wrk, 1 thread, $CONNECTIONS connections; $PAIRS pairs of rounds of $SECONDS s; "
        . "event MPM\n\n";
    print "| clients | trivial, req/s | keepalive, req/s | ratio (min-max) | p99 trivial, ms "
        . "| p99 keepalive, ms | shared memory a client, bytes |\n";
    print "|---:|---:|---:|---:|---:|---:|---:|\n";
    for my $clients (@SIZES) {
        fill($httpd, $clients);
        my $memory = (shared_memory($httpd) - $memory_before) / $clients;
        print_row($clients, $memory, compare($httpd, $clients));
    }
    $httpd->stop;
    my $log = $httpd->error_log;
    die "httpd has logged:\n$log" if $log =~ /\[\w*:(?:error|crit|alert|emerg)\]|exit signal/;
}

sub wrk_version {
    my ($version) = (`wrk --version 2>&1` // '') =~ /^wrk (?:debian\/)?(\S+)/;
    return $version;
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

# One round; dies when a request was refused or broken.
sub measure {
    my ($httpd, $path, $clients, $first) = @_;
    open(my $output, '-|', 'wrk', '--threads', 1, '--connections', $CONNECTIONS,
        '--duration', "${SECONDS}s", '--script', "$FindBin::Bin/keepalive.lua", $httpd->url($path),
        '--', $KEY, $clients, $first) or die "wrk: $!\n";
    my @line = <$output>;
    close $output or die "wrk has failed:\n@line";
    my $result = decode_json($line[-1]);
    if ($result->{refused} || $result->{broken}) {
        die "$path: $result->{refused} requests were refused, $result->{broken} broken\n"
            . $httpd->error_log;
    }
    $result->{rate} = $result->{requests} / $result->{seconds};
    return $result;
}

# Sends keepalives until the registry holds so many clients.
sub fill {
    my ($httpd, $clients) = @_;
    while ((my $total = client_count($httpd)) < $clients) {
        measure($httpd, $KEEPALIVE, $clients, $total + 1);
        die "the registry stays at $total clients\n" if client_count($httpd) <= $total;
    }
}

sub client_count {
    my ($httpd) = @_;
    my ($status, $body) =
        $httpd->json('GET', '/api/v1/status', { headers => { 'X-API-Key' => $KEY } });
    die "status answers $status\n" if $status != 200;
    return $body->{clients}{total};
}

# Pairs of rounds, the order within a pair in turns. Each begins at another client.
sub compare {
    my ($httpd, $clients) = @_;
    my (@trivial, @keepalive);
    for my $pair (0 .. $PAIRS - 1) {
        my $first = 1 + int($clients * $pair / $PAIRS);
        my @side = ([ $TRIVIAL, \@trivial ], [ $KEEPALIVE, \@keepalive ]);
        for my $side ($pair % 2 ? reverse(@side) : @side) {
            my ($path, $results) = @$side;
            push @$results, measure($httpd, $path, $clients, $first);
        }
    }
    return (\@trivial, \@keepalive);
}

sub print_row {
    my ($clients, $memory, $trivial, $keepalive) = @_;
    my @ratio = map { $keepalive->[$_]{rate} / $trivial->[$_]{rate} } 0 .. $#$trivial;
    printf "| %d | %.0f | %.0f | %.3f (%.3f-%.3f) | %.2f | %.2f | %.0f |\n", $clients,
        median(map { $_->{rate} } @$trivial), median(map { $_->{rate} } @$keepalive),
        median(@ratio), min(@ratio), max(@ratio),
        median(map { $_->{p99_ms} } @$trivial), median(map { $_->{p99_ms} } @$keepalive), $memory;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ $#sorted / 2 ];
}

# Bytes of touched shared memory of the whole httpd. Each process's share of a page (Pss) is divided
# by the number of processes that have touched it: the sum counts every touched page once.
sub shared_memory {
    my ($httpd) = @_;
    return 1024 * sum0(map { shared_kilobytes($_) } $httpd->pid, $httpd->children);
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
