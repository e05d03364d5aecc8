# The monitor process: there is one, whatever becomes of it and of httpd; nobody waits for it.
use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use BotApi;
use Load;
use Sentinel;
use StandIn;

my $HEALTH = "VPNSentinelHealth\n";
my @KILLED = (qr/VPNS\d+: the monitor/, qr/AH00052: child pid \d+ exit signal Killed/);

sub now {
    return clock_gettime(CLOCK_MONOTONIC);
}

# The numbers of a line of /proc/PID/status.
sub status_of {
    my ($pid, $name) = @_;
    open(my $file, '<', "/proc/$pid/status") or return;
    my ($line) = grep { /^$name:/ } <$file>;
    return $line =~ /(\d+)/g;
}

sub is_ready {
    my ($httpd) = @_;
    return $httpd->request('GET', '/health/ready')->{status} == 200;
}

sub running {
    my ($httpd) = @_;
    my (undef, $status) = $httpd->api('GET', '/status');
    return $status->{monitor}{running};
}

# Puts another number of processes into the configuration.
sub set_start_servers {
    my ($httpd, $number) = @_;
    my $conf = $httpd->read_file('httpd.conf');
    $conf =~ s/^StartServers \d+/StartServers $number/m or die 'no StartServers';
    $httpd->write_file('httpd.conf', $conf);
}

# Lets two signals follow each other at once; returns how many monitors were seen at the same time.
sub reload_twice {
    my ($httpd, @signals) = @_;
    my ($monitor) = $httpd->monitors;
    my $most = 0;
    kill $_, $httpd->pid for @signals;
    $httpd->wait_for(sub {
        my @seen = $httpd->monitors;
        $most = @seen if @seen > $most;
        return @seen == 1 && $seen[0] != $monitor && is_ready($httpd);
    });
    return $most;
}

for my $mpm (qw(event worker prefork)) {
    subtest $mpm => sub {
        my $httpd = Sentinel->start(mpm => $mpm, conf => $HEALTH);
        my $monitor = $httpd->wait_for_monitor;
        ok($monitor, 'one after the start');
        ok($httpd->wait_for(sub { is_ready($httpd) }), 'ready');
        is_deeply([ $httpd->listens($monitor) ], [], 'it listens nowhere');
        is_deeply([ $httpd->listens($httpd->pid) ], [ $httpd->port ], 'as httpd does');
        if ($> == 0) {
            my $uid = getpwnam('www-data');
            is_deeply([ status_of($monitor, 'Uid') ], [ ($uid) x 4 ], 'privileges are dropped');
        }

        my $load = Load->start($httpd, 'loaded', $Sentinel::KEY);
        for my $reload (qw(graceful restart graceful graceful restart)) {
            $httpd->$reload;
            my $next = $httpd->wait_for_monitor($monitor);
            ok($next, "another one after $reload");
            $monitor = $next;
        }
        for my $number (1, 4, 2) {
            set_start_servers($httpd, $number);
            $httpd->graceful;
            $monitor = $httpd->wait_for_monitor($monitor);
            ok($monitor, "one with StartServers $number");
        }
        is(reload_twice($httpd, @$_), 1, "never two at @$_ in quick succession")
            for [qw(USR1 USR1)], [qw(HUP HUP)], [qw(USR1 HUP)];
        my ($good, $bad) = $load->stop;
        cmp_ok($good, '>', 0, 'keepalives went on');
        my $kept = $httpd->client('loaded')->{keepalives};
        ok($kept >= $good && $kept <= $good + $bad, '... none was lost') or diag "$kept of $good";
        $httpd->is_announced('loaded', 'connected', '... and it was told once');

        my $pid = $httpd->pid;
        is($httpd->stop, 0, 'httpd stops cleanly');
        is_deeply([ $httpd->session($pid) ], [], 'nothing is left');
        # A child that is told to end twice while it begins may not: httpd ends it, after ten seconds.
        $httpd->check_error_log(allow => [qr/AH0004[56]: child process/]);
    };
}

subtest 'killed' => sub {
    my $httpd = Sentinel->start(conf => $HEALTH);
    my $monitor = $httpd->wait_for_monitor;
    my $load = Load->start($httpd, 'loaded', $Sentinel::KEY);
    for my $round (1 .. 3) {
        $httpd->wait_for(sub { is_ready($httpd) });
        my ($begin, $killed) = (now(), $monitor);
        kill 'KILL', $killed;
        $monitor = $httpd->wait_for_monitor($killed);
        ok($monitor, "round $round: there is another one");
        diag(sprintf 'a new monitor after %.1f s', now() - $begin);
        # A child that httpd has no more need of may be one, until the next look.
        is_deeply([ grep { $_ == $killed } $httpd->zombies ], [], '... and no zombie');
    }
    ok($httpd->wait_for(sub { is_ready($httpd) }), 'ready again');
    my ($good, $bad) = $load->stop;
    ok($good > 0 && $bad == 0, 'all keepalives were taken') or diag "$good and not $bad";
    $httpd->is_announced('loaded', 'connected', 'it was told once');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

# What nobody looked at yet is announced all the same.
subtest 'killed, and httpd stopped at once' => sub {
    # That one is forked while a pool is cleared; such an APR holds locks then, which in the child are nobody's.
    plan skip_all => 'pools that hide nothing do not live through a fork' if ($ENV{VPS_POOLS} // '') eq 'debug';
    my $httpd = Sentinel->start(conf => $HEALTH);
    my $report = sub { $httpd->keepalive({ client_id => 'office', location => 'DE', dns_loc => $_[0] }) };
    $report->('DE');
    $httpd->is_announced('office', 'connected', 'a client');
    kill 'KILL', $httpd->monitors;
    $report->($_) for qw(FR DE);
    is($httpd->stop, 0, 'httpd stops');
    $httpd->start_again;
    $httpd->is_announced('office', 'connected dns_leak dns_leak_over', 'what came behind the kill is told');
    $httpd->stop;
    $httpd->check_error_log(allow => \@KILLED);
};

subtest 'stopped and continued' => sub {
    my $httpd = Sentinel->start(conf => "${HEALTH}VPNSentinelCheckInterval 1\n");
    my $monitor = $httpd->wait_for_monitor;
    ok($httpd->wait_for(sub { running($httpd) && is_ready($httpd) }), 'it runs, says the status');
    kill 'STOP', $monitor;
    ok($httpd->wait_for(sub { !running($httpd) }), 'it does not, when it does nothing');
    my ($status, $body) = $httpd->json('GET', '/health/ready',
        { headers => { Accept => 'application/json' } });
    is($status, 503, 'not ready');
    is_deeply($body->{checks},
        { registry => 'ok', store => 'ok', monitor => 'unavailable', telegram => 'off', webhooks => 'off' },
        '... for this reason');
    is($httpd->request('GET', '/health')->{status}, 200, 'but healthy');
    is(($httpd->keepalive({ client_id => "held-$_" }))[0], 200, 'a keepalive is taken') for 1 .. 50;
    kill 'CONT', $monitor;
    ok($httpd->wait_for(sub { running($httpd) && is_ready($httpd) }), 'ready when it goes on');
    $httpd->is_announced('held-50', 'connected', 'and it makes up for what it missed');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'one that does not end' => sub {
    my $httpd = Sentinel->start;
    ok($httpd->wait_for_monitor, 'there is one');
    kill 'STOP', $httpd->monitors;
    is($httpd->stop, 0, 'httpd stops all the same');
    like($httpd->error_log, qr/VPNS0037: the monitor did not end in time and is killed/, '... and says why that took long');
    $httpd->check_error_log(allow => [qr/VPNS0037: /]);
};

subtest 'httpd is killed' => sub {
    my $httpd = Sentinel->start;
    ok($httpd->wait_for_monitor, 'there is one');
    kill 'KILL', $httpd->pid;
    ok($httpd->wait_for(sub { !$httpd->monitors }), 'it ends by itself');
    $httpd->stop;
    $httpd->check_error_log;
};

# Stops httpd; the monitor must have closed its store, not have been killed in the end.
sub stops_in_order {
    my ($httpd, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $begin = now();
    is($httpd->stop, 0, "$name: httpd stops");
    diag(sprintf '%s: stopped within %.2f s', $name, now() - $begin);
    ok(-e $httpd->root . '/state/vpnsentinel.db', '... the store is there');
    ok(!-s $httpd->root . '/state/vpnsentinel.db-wal', '... and was closed');
}

for my $fault (qw(hang slow)) {
    subtest "the outside world: $fault" => sub {
        my $bot = BotApi->start;
        my $world = StandIn->start;
        $bot->misbehave(sendMessage => { $fault => 1 });
        $world->misbehave($_ => { $fault => 1 }) for qw(ipinfo ip-api);
        my $httpd = Sentinel->start(conf => $bot->conf . "VPNSentinelServerPublicIP auto\n"
            . 'VPNSentinelIPInfoURL ' . $world->url . "\nVPNSentinelIPAPIURL " . $world->url . "\n");
        my $monitor = $httpd->wait_for_monitor;
        $httpd->keepalive({ client_id => 'office' });
        ok($httpd->wait_for(sub { $bot->requests('sendMessage') && $world->requests('ipinfo') }),
            'both were asked');
        $httpd->graceful;
        ok($httpd->wait_for_monitor($monitor), 'a graceful has a new monitor');
        $httpd->is_announced('office', 'connected', 'the event is recorded meanwhile');
        stops_in_order($httpd, $fault);
        $httpd->check_error_log(allow => [qr/VPNS\d+: Telegram/]);
    };
}

# A resolver that never answers.
subtest 'dead DNS' => sub {
    plan skip_all => 'root alone can give httpd a resolver of its own' if !VpsHttpd->can_mount;
    my $resolver = IO::Socket::INET->new(LocalAddr => '127.0.0.77', LocalPort => 53, Proto => 'udp')
        or plan skip_all => "port 53 of 127.0.0.77: $!";
    my $httpd = Sentinel->start(
        conf => "VPNSentinelTelegram on\nVPNSentinelTelegramToken $BotApi::TOKEN\n"
            . "VPNSentinelTelegramChatID 1\nVPNSentinelTelegramAPIBase http://bot.example\n",
        files => { 'resolv.conf' => "nameserver 127.0.0.77\noptions timeout:30\n" },
        mount => 'mount --bind "@ROOT@/resolv.conf" /etc/resolv.conf',
    );
    my $monitor = $httpd->wait_for_monitor;
    my $asked = IO::Select->new($resolver);
    ok($asked->can_read(30), 'the name is looked up');
    $httpd->graceful;
    ok($httpd->wait_for_monitor($monitor), 'a graceful has a new monitor');
    stops_in_order($httpd, 'dead DNS');
    $httpd->check_error_log(allow => [qr/VPNS\d+: Telegram/]);
};

done_testing;
