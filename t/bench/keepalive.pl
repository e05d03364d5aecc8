#!/usr/bin/perl
# Compares keepalives with a trivial handler that reads the same request and gives the same answer, in
# the same httpd, in interleaved rounds: with more and more clients, and in circumstances that could
# make them slower. "make bench" runs it; with arguments, only the circumstances whose names match one of
# these patterns. It prints Markdown tables, and fails when any request does.
use strict;
use warnings;

use List::Util qw(any max min sum0);

use BotApi;
use H2load;
use VpsHttpd;
use Wrk;

my @SIZES = (1_000, 100_000, 1_000_000);    # clients in the registry, growing
my $CLIENTS = 1_000;                        # in each circumstance
my $PAIRS = $ENV{PAIRS} // 15;                             # rounds of each side
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $TRIVIAL = '/trivial';

my $PROXY = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n";
my $TLS = "<VirtualHost *:\@PORT1\@>\nSSLEngine on\nSSLCertificateFile \"\@ROOT\@/server.pem\"\n</VirtualHost>\n";

# Each has an httpd of its own: name, mpm, modules, conf and log_level are its; wrk: what its rounds
# are told. bot: what a Telegram is like that is told of every change; bot and changing: between two
# rounds all is told.
my @CIRCUMSTANCES = (
    { name => 'event MPM' },
    { name => 'worker MPM', mpm => 'worker' },
    { name => 'prefork MPM', mpm => 'prefork' },
    { name => 'TLS', modules => [qw(socache_shmcb ssl)], conf => $TLS, ports => 2,
        wrk => { scheme => 'https', port => 1 } },
    { name => 'HTTP/2', modules => ['http2'], conf => "Protocols h2c http/1.1\n", by => 'H2load' },
    { name => 'access log', conf => "CustomLog logs/access.log \"%h %t %r %>s %b\"\n" },
    { name => 'own log of each request', conf => "VPNSentinelLog logs/vpnsentinel.log\n",
        log_level => 'warn vpnsentinel:info' },
    { name => 'no store', conf => "VPNSentinelStateDir none\n" },
    { name => 'mod_remoteip, an address a client', modules => ['remoteip'], conf => $PROXY,
        wrk => { addresses => 1 } },
    { name => '... and the rate limit', modules => ['remoteip'],
        conf => "${PROXY}VPNSentinelRateLimit 1000\n", wrk => { addresses => 1 } },
    { name => 'monitor stopped', around => \&without_monitor },
    { name => 'monitor busy: each a change', wrk => { changing => 1 } },
    { name => '... and told to Telegram', bot => {}, wrk => { changing => 1 } },
    { name => '... and Telegram hangs', bot => { hang => 1 }, wrk => { changing => 1 } },
);

main(@ARGV);

sub main {
    my (@wanted) = @_;
    print 'wrk ' . Wrk->version . ", 1 thread, $Wrk::CONNECTIONS connections; $PAIRS pairs of rounds of 1 s; "
        . "medians (min-max)\n\n";
    registry_sizes() if !@wanted;
    print_head('with', '---');
    for my $circumstance (@CIRCUMSTANCES) {
        my $name = $circumstance->{name};
        if (!@wanted || any { $name =~ /$_/ } @wanted) {
            circumstance($circumstance);
        }
    }
}

sub start {
    my ($load, %option) = @_;
    my $httpd = VpsHttpd->start(mpm => 'event', log_level => 'warn', %option, conf => Wrk::conf($KEY, $option{conf}));
    my $wrk = Wrk->new(httpd => $httpd, key => $KEY);
    check_same_answer($httpd);
    $wrk->fill($CLIENTS, %$load);
    return ($httpd, $wrk);
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

sub finish {
    my ($httpd) = @_;
    $httpd->stop;
    my $log = $httpd->error_log;
    die "httpd has logged:\n$log" if $log =~ /\[\w*:(?:error|crit|alert|emerg)\]|exit signal/;
}

# --- rounds ---------------------------------------------------------------------------------------

# Pairs of rounds, the order within a pair in turns.
sub compare {
    my ($trivial, $keepalive) = @_;
    my (@trivial, @keepalive);
    $_->(0) for $trivial, $keepalive;    # warm up
    for my $pair (0 .. $PAIRS - 1) {
        my @side = ([ $trivial, \@trivial ], [ $keepalive, \@keepalive ]);
        for my $side ($pair % 2 ? reverse(@side) : @side) {
            my ($round, $results) = @$side;
            push @$results, $round->($pair);
        }
    }
    return (\@trivial, \@keepalive);
}

sub print_head {
    my ($what, $align, @more) = @_;
    print "| $what | trivial, req/s | keepalive, req/s | ratio | p99, ratio |", (map { " $_ |" } @more), "\n",
        "|$align|---:|---:|---:|---:|", ('---:|') x @more, "\n";
}

sub print_row {
    my ($name, $trivial, $keepalive, @more) = @_;
    my @rate = ratios('rate', $trivial, $keepalive);
    my @p99 = ratios('p99_ms', $trivial, $keepalive);
    printf "| %s | %.0f | %.0f | %.3f (%.3f-%.3f) | %.2f (%.2f-%.2f) |%s\n", $name,
        (map { Wrk::median(map { $_->{rate} } @$_) } $trivial, $keepalive),
        (map { Wrk::median(@$_), min(@$_), max(@$_) } \@rate, \@p99), join '', map { " $_ |" } @more;
}

sub ratios {
    my ($name, $trivial, $keepalive) = @_;
    return map { $keepalive->[$_]{$name} / $trivial->[$_]{$name} } 0 .. $#$trivial;
}

# --- more and more clients ------------------------------------------------------------------------

sub registry_sizes {
    my ($httpd, $wrk) = start({});
    my $before = shared_memory($httpd);
    print_head('clients', '---:', 'shared memory a client, bytes');
    for my $clients (@SIZES) {
        $wrk->fill($clients);
        my $memory = ($clients - $CLIENTS) && (shared_memory($httpd) - $before) / ($clients - $CLIENTS);
        $wrk->settle;
        my $round = sub {
            my ($path, $pair) = @_;
            # From all over the registry, each time from others.
            return $wrk->round(path => $path, clients => $clients, first => 1 + $pair, step => $clients / $SIZES[0] + 1);
        };
        my @results = compare(sub { $round->($TRIVIAL, @_) }, sub { $round->($KEEPALIVE, @_) });
        print_row($clients, @results, $memory ? sprintf('%.0f', $memory) : '');
    }
    finish($httpd);
    print "\n";
}

# Bytes of touched shared memory of the whole httpd. Each process's share of a page (Pss) is divided
# by the number of processes that have touched it: the sum counts every touched page once.
sub shared_memory {
    my ($httpd) = @_;
    return 1024 * sum0(map { shared_kilobytes($_) } $httpd->pid, $httpd->children, $httpd->monitors);
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

# --- circumstances --------------------------------------------------------------------------------

sub circumstance {
    my ($it) = @_;
    if ($it->{by} && !$it->{by}->is_there) {
        print "| $it->{name} | not measured: $it->{by} is not there | | | |\n";
        return;
    }
    my $bot = $it->{bot} && BotApi->start;
    if ($bot) {
        $bot->misbehave($_ => $it->{bot}) for %{ $it->{bot} } ? qw(getMe getUpdates sendMessage) : ();
    }
    my $conf = ($it->{conf} // '') . ($bot ? $bot->conf . "VPNSentinelFlapThreshold 0\n" : '');
    my ($httpd, $wrk) = start(
        $it->{wrk} // {},
        conf => $conf,
        files => { 'server.pem' => certificate() },
        map { $it->{$_} ? ($_ => $it->{$_}) : () } qw(mpm modules ports log_level),
    );
    my $load = $it->{by} ? $it->{by}->new(httpd => $httpd, key => $KEY) : $wrk;
    my $around = $it->{around} // sub { $_[1]->() };
    my $round = sub {
        my ($path) = @_;
        my $result;
        $around->($httpd, sub { $result = $load->round(path => $path, clients => $CLIENTS, %{ $it->{wrk} // {} }) });
        $wrk->settle if $bot && $path eq $KEEPALIVE;
        return $result;
    };
    print_row($it->{name}, compare(sub { $round->($TRIVIAL) }, sub { $round->($KEEPALIVE) }));
    finish($httpd);
}

sub certificate {
    return scalar `openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout - -out - 2>/dev/null`;
}

sub without_monitor {
    my ($httpd, $measure) = @_;
    my ($monitor) = $httpd->monitors;
    kill 'STOP', $monitor;
    $measure->();
    kill 'CONT', $monitor;
}
