#!/usr/bin/perl
# Compares keepalives with a trivial handler that reads the same request and gives the same answer, in
# the same httpd, in interleaved rounds: with more and more clients, and in circumstances that could
# make them slower. The rate is what the server gives at most; client and server then fight for the
# processors. Processor time and latency of a request are those at a rate which both handlers serve easily,
# else they would be the scheduler's. "make bench" runs it; with arguments, only the circumstances whose names match one of
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
my $PAIRS = $ENV{PAIRS} // 9;                             # rounds of each side
my $PAUSE = 2;                              # ms
my $KEY = 'bench-key-0123456789';
my $KEEPALIVE = '/api/v1/keepalive';
my $TRIVIAL = '/trivial';

my $PROXY = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n";
my $TLS = "<VirtualHost *:\@PORT1\@>\nSSLEngine on\nSSLCertificateFile \"\@ROOT\@/server.pem\"\n</VirtualHost>\n";

# Each has an httpd of its own: name, mpm, modules, conf and log_level are its; wrk: what its rounds
# are told; trivial: what is compared with; bot: what a Telegram is like that is told of every change, all of
# them before the next round.
my @CIRCUMSTANCES = (
    { name => 'event MPM' },
    { name => '... beside a handler for files', trivial => '/usual' },
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
    print 'wrk ' . Wrk->version . ", 1 thread, $Wrk::CONNECTIONS connections; $PAIRS pairs of rounds of 1 s, and as "
        . "many with $PAUSE ms between two requests of a connection; medians (min-max)\n\n";
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

# Pairs of rounds, the order within a pair in turns: first as many requests as there can be, then some
# milliseconds between two of a connection.
sub compare {
    my ($httpd, $trivial, $keepalive) = @_;
    my (@trivial, @keepalive);
    $_->(0) for $trivial, $keepalive;    # warm up
    for my $pair (0 .. $PAIRS - 1) {
        my @side = ([ $trivial, \@trivial ], [ $keepalive, \@keepalive ]);
        for my $side ($pair % 2 ? reverse(@side) : @side) {
            my ($round, $results) = @$side;
            my $fast = $round->($pair);
            my $before = Wrk::processor_ms($httpd);
            my $calm = $round->($pair, pause => $PAUSE);
            my $processor = Wrk::processor_ms($httpd) - $before;
            push @$results,
                { rate => $fast->{rate}, us => 1000 * $processor / $calm->{requests}, p99_ms => $calm->{p99_ms} };
        }
    }
    return (\@trivial, \@keepalive);
}

sub print_head {
    my ($what, $align, @more) = @_;
    print "| $what | trivial, req/s | keepalive, req/s | ratio | processor of a request, us: trivial, keepalive "
        . "| p99, ms: trivial, keepalive | ratio |", (map { " $_ |" } @more), "\n",
        "|$align|---:|---:|---:|---:|---:|---:|", ('---:|') x @more, "\n";
}

sub print_row {
    my ($name, $trivial, $keepalive, @more) = @_;
    my %median;
    for my $what (qw(rate us p99_ms)) {
        $median{$what} = [ map { Wrk::median(map { $_->{$what} } @$_) } $trivial, $keepalive ];
    }
    my @rate = ratios('rate', $trivial, $keepalive);
    my @p99 = ratios('p99_ms', $trivial, $keepalive);
    printf "| %s | %.0f | %.0f | %.3f (%.3f-%.3f) | %.1f, %.1f | %.2f, %.2f | %.2f (%.2f-%.2f) |%s\n", $name,
        @{ $median{rate} }, Wrk::median(@rate), min(@rate), max(@rate), @{ $median{us} }, @{ $median{p99_ms} },
        Wrk::median(@p99), min(@p99), max(@p99), join '', map { " $_ |" } @more;
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
            my ($path, $pair, @more) = @_;
            # From all over the registry, each time from others.
            return $wrk->round(path => $path, clients => $clients, first => 1 + $pair, step => $clients / $SIZES[0] + 1,
                @more);
        };
        my @results = compare($httpd, sub { $round->($TRIVIAL, @_) }, sub { $round->($KEEPALIVE, @_) });
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
        my ($path, undef, @more) = @_;
        my $result;
        $around->($httpd, sub { $result = $load->round(path => $path, clients => $CLIENTS, %{ $it->{wrk} // {} }, @more) });
        $wrk->settle if $bot && $path eq $KEEPALIVE;
        return $result;
    };
    print_row($it->{name}, compare($httpd, sub { $round->($it->{trivial} // $TRIVIAL, @_) },
        sub { $round->($KEEPALIVE, @_) }));
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
