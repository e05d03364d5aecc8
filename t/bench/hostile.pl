#!/usr/bin/perl
# Attacks a server as it is shipped (conf/three-ports.conf in an httpd with Debian's numbers of processes and
# threads), and prints a Markdown table of what each attack got, what it cost, and how long honest
# keepalives took meanwhile. "make hostile" runs it; some minutes. With arguments: only the attacks whose
# names match one of them.
use strict;
use warnings;

use JSON::PP ();
use List::Util qw(max sum0);
use POSIX ();
use Time::HiRes qw(sleep);

use Attack;
use VpsHttpd;
use Wrk;

my $KEY = 'hostile-key-0123456789abcdef';
my $FLEET = 100_000;
my $SECONDS = 15;           # of most attacks
my ($API, $DASHBOARD, $HEALTH) = 0 .. 2;
my $FEW_WORKERS = 150;      # Debian's MaxRequestWorkers
my $MANY_WORKERS = 1600;    # what docs/SECURITY.md tells for servers that face the Internet
my $POST = "POST /api/v1/keepalive HTTP/1.1\r\nHost: a\r\n";

my $HEALTHY = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

my @ATTACKS = (
    [ 'nothing' => \&nothing ],
    [ '1,000 slow headers' => sub { slow('headers', $FEW_WORKERS) } ],
    [ '1,000 slow headers, more workers' => sub { slow('headers', $MANY_WORKERS) } ],
    [ '1,000 slow bodies' => sub { slow('bodies', $FEW_WORKERS) } ],
    [ '1,000 slow bodies, more workers' => sub { slow('bodies', $MANY_WORKERS) } ],
    [ '1,000 slow readers of the dashboard' => sub { slow_readers($FEW_WORKERS) } ],
    [ '1,000 slow readers, more workers' => sub { slow_readers($MANY_WORKERS) } ],
    [ '10,000 connections that say nothing' => sub { idle('', $FEW_WORKERS) } ],
    [ '10,000 that say nothing, more workers' => sub { idle('', $MANY_WORKERS) } ],
    [ '10,000 idle connections behind a request' => sub { idle($HEALTHY, $FEW_WORKERS) } ],
    [ '10,000 idle behind a request, more workers' => sub { idle($HEALTHY, $MANY_WORKERS) } ],
    [ 'headers as large as the API takes them' => sub { headers($API, 48, 4_000) } ],
    [ 'headers as large as the dashboard takes them' => sub { headers($DASHBOARD, 98, 8_000) } ],
    [ 'headers, too many' => sub { headers($API, 5_000, 20) } ],
    [ 'headers, too long' => sub { headers($API, 10, 1_000_000) } ],
    [ '1,000,000 source addresses' => \&addresses ],
    [ 'key guessing from one address' => \&guesses_of_one ],
    [ 'key guessing from ever other addresses' => sub { flood('guess') } ],
    [ 'paths that forge log lines' => sub { flood('path') } ],
    [ 'JSON bombs with the key' => sub { flood('bomb') } ],
    [ 'HTTP/2 rapid reset' => sub { http2(\&resets) } ],
    [ 'HTTP/2 CONTINUATION flood' => sub { http2(\&continuations) } ],
    [ '50 x /clients of 100,000' => sub { listing($API, '/api/v1/clients', "}\r\n0\r\n\r\n") } ],
    [ '50 x /dashboard of 100,000' => sub { listing($DASHBOARD, '/dashboard?page=100&sort=location', "</html>\n\r\n0\r\n\r\n") } ],
    [ '50 x /metrics of 100,000' => sub { listing($HEALTH, '/metrics', "\n\r\n0\r\n\r\n") } ],
    [ '50 x /metrics, all clients' =>
        sub { listing($HEALTH, '/metrics', "\n\r\n0\r\n\r\n", "VPNSentinelMetricsMaxClients $FLEET\n") } ],
);

print_head();
for my $row (@ATTACKS) {
    my ($name, $function) = @$row;
    next if @ARGV && !grep { $name =~ /$_/ } @ARGV;
    print_row($name, $function->());
}
exit 0;

# --- the server -----------------------------------------------------------------------------------

sub start {
    my (%option) = @_;
    my $workers = $option{workers} // $FEW_WORKERS;
    my $threads = $workers > 400 ? 64 : 25;
    my $source = $ENV{VPS_SRCDIR};
    my $more = $option{conf} // ''; # before what is included
    return VpsHttpd->start(
        mpm => 'event',
        modules => [ qw(alias log_config reqtimeout remoteip), @{ $option{modules} // [] } ],
        ports => 3,
        listen => 0,
        log_level => 'warn vpnsentinel:info',
        env => {
            VPN_SENTINEL_SERVER_API_PORT => '@PORT@',
            VPN_SENTINEL_SERVER_DASHBOARD_PORT => '@PORT1@',
            VPN_SENTINEL_SERVER_HEALTH_PORT => '@PORT2@',
            VPN_SENTINEL_API_KEY => $KEY,
        },
        conf => <<"CONF",
ThreadLimit 64
StartServers 2
ServerLimit @{[ $workers / $threads ]}
ThreadsPerChild $threads
MaxRequestWorkers $workers
MinSpareThreads $threads
MaxSpareThreads @{[ 3 * $threads ]}
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.0/8
CustomLog logs/access.log "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\""
VPNSentinelMaxClients @{[ $FLEET + 1000 ]}
${more}Include "$source/conf/three-ports.conf"
CONF
    );
}

# The kilobytes of a kind that processes have, each page divided by the number that have it.
sub kilobytes {
    my ($kind, @pid) = @_;
    my $sum = 0;
    for my $pid (@pid) {
        open(my $file, '<', "/proc/$pid/smaps_rollup") or next;
        # A process may end while it is read.
        no warnings 'io';
        $sum += join('', <$file>) =~ /^$kind:\s+(\d+) kB/m ? $1 : 0;
    }
    return $sum;
}

sub descriptors {
    my ($pid) = @_;
    return scalar(() = glob "/proc/$pid/fd/*");
}

# What the server has now.
sub weigh {
    my ($httpd) = @_;
    my @children = $httpd->children;
    my @monitors = $httpd->monitors;
    return {
        children => scalar @children,
        parent => kilobytes('Pss', $httpd->pid) - kilobytes('Pss_Shmem', $httpd->pid),
        memory => kilobytes('Pss', @children) - kilobytes('Pss_Shmem', @children),
        monitor => kilobytes('Pss', @monitors) - kilobytes('Pss_Shmem', @monitors),
        shared => kilobytes('Pss_Shmem', $httpd->pid, @children, @monitors),
        descriptors => max(0, map { descriptors($_) } @children),
        threads => sum0(map { scalar(() = glob "/proc/$_/task/*") } @children),
    };
}

sub log_bytes {
    my ($httpd, $name) = @_;
    return -s $httpd->root . "/logs/$name" // 0;
}

# --- an attack and what is seen of it -------------------------------------------------------------

# Runs the attack, a function as Attack's start() takes it; returns what print_row() prints.
sub watch {
    my ($httpd, $attack, %option) = @_;
    my %probe = (port => $httpd->port($API), key => $KEY, addresses => 1, patience => 20);
    my $before = Attack->start(sub { Attack::probe(%probe, seconds => 3) })->wait;
    my %logs = map { $_ => log_bytes($httpd, $_) } qw(vpnsentinel.log error.log access.log);
    my $begin = Attack::now();
    my $running = Attack->start($attack);
    sleep 1 if !$option{short};
    my $probe = Attack->start(sub { Attack::probe(%probe, stopped => $_[0], pause => 0.05) });
    my %most;
    while (Attack::now() < $begin + ($option{seconds} // $SECONDS) || $option{until_over}) {
        my $now = weigh($httpd);
        $most{$_} = max($most{$_} // 0, $now->{$_}) for keys %$now;
        sleep 0.25;
        last if $option{until_over} && waitpid($running->{pid}, POSIX::WNOHANG()) != 0;
    }
    my $told = $option{until_over} ? $running->wait : $running->stop;
    my $seconds = Attack::now() - $begin;
    my $meanwhile = $probe->stop;
    my $after = Attack->start(sub { Attack::probe(%probe, seconds => 3) })->wait;
    my $row = {
        told => $told, seconds => $seconds, most => \%most,
        logs => { map { $_ => log_bytes($httpd, $_) - $logs{$_} } keys %logs },
        before => $before, meanwhile => $meanwhile, after => $after,
    };
    $row->{errors} = join '', grep { /:(?:crit|alert|emerg)\]|exit signal/ } split /^/, $httpd->error_log;
    $httpd->stop;
    return $row;
}

sub percentile {
    my ($share, @ms) = @_;
    my @sorted = sort { $a <=> $b } @ms;
    return @sorted ? sprintf $sorted[0] < 1000 ? '%.1f' : '%.0f', $sorted[ $share * $#sorted ] : '-';
}

sub told_of_probe {
    my ($probe) = @_;
    my $all = sum0 values %{ $probe->{statuses} };
    my $lost = join ', ', map { "$probe->{statuses}{$_} x $_" } grep { $_ ne '200' } sort keys %{ $probe->{statuses} };
    return sprintf '%s / %s, %d of %d%s', percentile(0.5, @{ $probe->{ms} }), percentile(0.99, @{ $probe->{ms} }),
        $probe->{statuses}{200} // 0, $all, $lost ne '' ? " ($lost)" : '';
}

sub print_head {
    my $limit = POSIX::sysconf(POSIX::_SC_OPEN_MAX());
    my $processors = POSIX::sysconf(84); # _SC_NPROCESSORS_ONLN of Linux
    print "$processors processors, at most $limit descriptors a process. Memory is the most there was, in MiB, as PSS without the\n"
        . "shared memory. Keepalives: milliseconds p50 / p99, how many were accepted.\n\n"
        . "| attack | requests or connections, and their answers | children: MiB, threads, descriptors | parent | monitor "
        . "| shared | log KiB a second: own, error, access | keepalives before | meanwhile | after |\n"
        . "|---|---|---|---|---|---|---|---|---|---|\n";
    $| = 1;
}

sub print_row {
    my ($name, $row) = @_;
    my ($told, $most) = @$row{qw(told most)};
    my %answers = %{ $told->{answers} // {} };
    printf "| %s | %d in %.0f s: %s%s | %.1f, %d, %d | %.1f | %.1f | %.1f | %s | %s | %s | %s |\n", $name,
        $told->{opened} // 0, $row->{seconds}, join(', ', map { "$answers{$_} x $_" } sort keys %answers),
        $told->{note} ? "; $told->{note}" : '',
        $most->{memory} / 1024, $most->{threads}, $most->{descriptors}, $most->{parent} / 1024, $most->{monitor} / 1024,
        $most->{shared} / 1024,
        join(', ', map { sprintf '%.1f', $row->{logs}{$_} / 1024 / $row->{seconds} } qw(vpnsentinel.log error.log access.log)),
        map { told_of_probe($row->{$_}) } qw(before meanwhile after);
    print STDERR "$name: $row->{errors}" if $row->{errors} ne '';
}

# --- the attacks ----------------------------------------------------------------------------------

sub nothing {
    my $httpd = start();
    return watch($httpd, sub { sleep 0.1 until $_[0]->(); return {} }, seconds => 8);
}

sub slow {
    my ($what, $workers) = @_;
    my $httpd = start(workers => $workers);
    my %how = $what eq 'headers' ? (hello => "${POST}X-Slow: ", drip => 'x')
        : (hello => "${POST}X-API-Key: $KEY\r\nContent-Length: 16000\r\n\r\n{", drip => ' ');
    return watch($httpd, sub {
        my ($stopped) = @_;
        my $told = Attack::crowd(port => $httpd->port($API), size => 1000, pause => 1, again => 1, stopped => $stopped,
            %how);
        $told->{note} = sprintf 'none lasted more than %.1f s', $told->{longest};
        return $told;
    }, seconds => 30);
}

sub slow_readers {
    my ($workers) = @_;
    my $httpd = start(workers => $workers);
    fill($httpd, 1000);
    return watch($httpd, sub {
        my ($stopped) = @_;
        return Attack::crowd(port => $httpd->port($DASHBOARD), size => 1000, appetite => 1, again => 1,
            window => 4096,
            hello => "GET /dashboard HTTP/1.1\r\nHost: a\r\n\r\n", stopped => $stopped);
    }, seconds => 30);
}

sub idle {
    my ($hello, $workers) = @_;
    my $httpd = start(workers => $workers);
    return watch($httpd, sub {
        my ($stopped) = @_;
        return Attack::crowd(port => $httpd->port($HEALTH), size => 10_000, again => 1, hello => $hello,
            stopped => $stopped);
    }, seconds => 30);
}

# So many fields of so many bytes in each request, one request after the other on 50 connections.
sub headers {
    my ($port, $fields, $bytes) = @_;
    my $httpd = start();
    my $hello = $POST . join('', map { "X-Flood-$_: " . 'x' x $bytes . "\r\n" } 1 .. $fields) . "\r\n";
    return watch($httpd, sub {
        my ($stopped) = @_;
        return Attack::crowd(port => $httpd->port($port), size => 50, again => 1, hello => $hello, stopped => $stopped);
    });
}

# A round of wrk, with ever other addresses.
sub wrk {
    my ($httpd, $kind, %option) = @_;
    my $seconds = $option{seconds} // $SECONDS;
    open(my $output, '-|', 'wrk', '--threads', 1, '--connections', 32, '--duration', "${seconds}s", '--script',
        "$ENV{VPS_SRCDIR}/t/bench/hostile.lua", $httpd->url('/', $API), '--', $kind, $KEY, $option{first} // 0)
        or die "wrk: $!\n";
    my @line = <$output>;
    close $output or die "wrk has failed:\n@line";
    return JSON::PP->new->decode($line[-1]);
}

sub flood {
    my ($kind) = @_;
    my $httpd = start();
    my $row = watch($httpd, sub { wrk($httpd, $kind) }, until_over => 1);
    $row->{told}{note} = key_in_logs($httpd);
    return $row;
}

# A million addresses, and meanwhile one that asks as often as it can: how often it gets through.
sub addresses {
    my $httpd = start();
    return watch($httpd, sub {
        my $busy = Attack->start(sub {
            return Attack::probe(port => $httpd->port($API), key => $KEY, pause => 0.01, stopped => $_[0]);
        });
        my ($all, %answers, $rounds) = (0);
        while ($all < 1_000_000) {
            my $told = wrk($httpd, 'report', seconds => 10, first => $all);
            $all += $told->{opened};
            $answers{$_} += $told->{answers}{$_} for keys %{ $told->{answers} };
            $rounds++;
        }
        my $told = $busy->stop;
        return { opened => $all, answers => \%answers, note => sprintf
            '%d of %d requests of one busy address got through in %d s', $told->{statuses}{200},
            sum0(values %{ $told->{statuses} }), 10 * $rounds };
    }, until_over => 1);
}

sub guesses_of_one {
    my $httpd = start();
    my $row = watch($httpd, sub {
        my ($stopped) = @_;
        return Attack::crowd(port => $httpd->port($API), size => 20, again => 1, stopped => $stopped, hello => sub {
            return "${POST}X-Forwarded-For: 10.1.2.3\r\nConnection: close\r\nX-API-Key: "
                . substr($KEY, 0, -1) . "$_[0]\r\nContent-Length: 0\r\n\r\n";
        });
    });
    $row->{told}{note} = key_in_logs($httpd);
    return $row;
}

# Of a server that has ended.
sub key_in_logs {
    my ($httpd) = @_;
    my $part = substr $KEY, 0, -4;
    my @found = grep { $httpd->read_file("logs/$_") =~ /\Q$part\E/ } map { s{.*/}{}r } glob $httpd->root . '/logs/*';
    return @found ? "the key is in @found" : 'no log has the key or a part of it';
}

# --- HTTP/2 ---------------------------------------------------------------------------------------

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

sub literal {
    my ($name, $value) = @_;
    return "\0" . chr(length $name) . $name . chr(length $value) . $value;
}

sub get_fields {
    return join '', map { literal(@$_) } [ ':method', 'GET' ], [ ':scheme', 'http' ], [ ':authority', 'a' ],
        [ ':path', '/api/v1/clients' ], [ 'x-api-key', $KEY ];
}

sub preface {
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '');
}

sub resets {
    my $get = get_fields();
    return preface() . join '', map { frame(1, 5, $_, $get) . frame(3, 0, $_, pack 'N', 8) }
        map { 2 * $_ + 1 } 0 .. 9_999;
}

sub continuations {
    return preface() . frame(1, 0, 1, get_fields())
        . join '', map { frame(9, 0, 1, literal("x-$_", 'x' x 100)) } 1 .. 20_000;
}

sub http2 {
    my ($make) = @_;
    my $httpd = start(modules => ['http2'], conf => "Protocols h2c http/1.1\n");
    my $hello = $make->();
    return watch($httpd, sub {
        my ($stopped) = @_;
        my $told = Attack::crowd(port => $httpd->port($API), size => 20, again => 1, hello => $hello, stopped => $stopped);
        $told->{note} = 'each with 10,000 streams or 20,000 frames; HTTP/2 has no status line';
        return $told;
    });
}

# --- huge registries ------------------------------------------------------------------------------

# Keepalives of new clients until there are so many.
sub fill {
    my ($httpd, $clients) = @_;
    my $at_once = 100;
    Attack->start(sub {
        for (my $first = 1; $first <= $clients; $first += $at_once) {
            my $last = $first + $at_once - 1;
            my $answer = $httpd->raw(join('', map { report($_, $_ == $last) } $first .. $last), $API);
            die "the registry does not take clients: $answer\n" if (() = $answer =~ /"Keepalive received"/g) < $at_once;
        }
        return {};
    })->wait;
}

sub report {
    my ($number, $is_last) = @_;
    my $body = sprintf '{"client_id":"client-%d","public_ip":"203.0.113.%d","city":"city %d","location":"RO",'
        . '"dns_loc":"%s","provider":"AS64500 A provider of the world"}', $number, $number % 250, $number,
        $number % 2 ? 'RO' : 'DE';
    my $from = sprintf '172.16.%d.%d', $number / 25 / 250, $number / 25 % 250;
    return "${POST}X-API-Key: $KEY\r\nX-Forwarded-For: $from\r\n" . ($is_last ? "Connection: close\r\n" : '')
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}

# 50 answers about all clients at once. end: what each must end with.
sub listing {
    my ($port, $path, $end, $conf) = @_;
    my $httpd = start(conf => ($conf // '') . "VPNSentinelMetrics\nMaxKeepAliveRequests 0\n");
    fill($httpd, $FLEET);
    return watch($httpd, sub {
        my $told = Attack::crowd(port => $httpd->port($port), size => 50, tail => length $end, hello => sub {
            return "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 10.9.9.$_[0]\r\n"
                . "X-API-Key: $KEY\r\n\r\n";
        });
        $told->{note} = sprintf '%.0f MiB in all, %d whole', $told->{bytes} / 2**20, $told->{ends}{$end} // 0;
        return $told;
    }, until_over => 1, short => 1);
}
