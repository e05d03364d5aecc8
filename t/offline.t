# Clients that go quiet: by deadline, once, and never because something else stood still.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Sentinel;

my $HOUR = 3600;
my $THRESHOLD = 2;    # seconds, the least that is allowed
my $LONG = 100;       # of one that must not be over while the machine is busy with something else
my $MEDIUM = 5;       # of one that has to be waited for
my $CONF = "VPNSentinelOfflineThreshold $THRESHOLD\n";
my $PATIENT = "VPNSentinelOfflineThreshold $LONG\n";

sub report {
    my ($httpd, @id) = @_;
    $httpd->keepalive({ client_id => $_, public_ip => '203.0.113.1' }) for @id;
}

# Has these clients report for some seconds, more often than they must.
sub beat {
    my ($httpd, $seconds, @id) = @_;
    for (1 .. $seconds / 0.25) {
        report($httpd, @id);
        sleep 0.25;
    }
}

subtest 'offline and back' => sub {
    my $httpd = Sentinel->start(conf => $PATIENT);
    report($httpd, 'office');
    $httpd->api('POST', '/register', { content => { client_id => 'never' } });
    is($httpd->client('office')->{status}, 'online', 'online');
    $httpd->set_threshold($THRESHOLD);
    my ($offline) = ($httpd->is_announced('office', 'connected offline', 'it goes quiet'))[1];
    is($httpd->client('office')->{status}, 'offline', '... the client is offline');
    is($httpd->client('office')->{light}, 'grey', '... and grey');
    my (undef, $status) = $httpd->api('GET', '/status');
    is($status->{clients}{offline}, 2, '... the status agrees');
    is($offline->{seconds}, $THRESHOLD, '... after the threshold') or diag explain $offline;
    my $log = $httpd->read_file('logs/vpnsentinel.log');
    is(() = $log =~ /\[monitor\] \xe2\x9d\x8c Client Offline: office: no keepalive for 2 s$/mg, 1,
        '... one line in the log');
    sleep 1.2;
    report($httpd, 'office');
    my ($back) = ($httpd->begins_with('office', 'connected offline connected', 'it comes back'))[2];
    cmp_ok($back->{seconds}, '>=', 3, '... with the length of the outage');
    like($back->{message}, qr/^Silent for: \d+ s$/m, '... told');
    my $is_online = sub { report($httpd, 'office'); $httpd->client('office')->{status} eq 'online' };
    ok($httpd->wait_for($is_online), '... online');
    $httpd->begins_with('office', 'connected offline connected offline', 'it goes again');
    $httpd->is_announced('never', '', 'one that never reported is not told of');
    $httpd->stop;
    $httpd->check_error_log;
};

# Each client has a threshold that fits to what it is for; the clock says that httpd was stopped for long.
subtest 'stopped and started' => sub {
    my $httpd = Sentinel->start(conf => $CONF, clock => 1);
    report($httpd, 'away');
    $httpd->is_announced('away', 'connected offline', 'one is offline');
    $httpd->stop;
    $httpd->write_file('httpd.conf',
        $httpd->read_file('httpd.conf') =~ s/^VPNSentinelOfflineThreshold \K\d+/$LONG/mr);
    $httpd->start_again;
    report($httpd, 'here');
    $httpd->is_announced('here', 'connected', 'one is not');
    $httpd->stop;
    $httpd->step_clock($HOUR);
    $httpd->start_again;
    ok($httpd->wait_for(sub { $httpd->client('here') && $httpd->client('away') }), 'all are back');
    is($httpd->client('here')->{status}, 'online', 'who was online is, though it could not report');
    is($httpd->client('away')->{status}, 'offline', 'who was offline is');
    $httpd->is_announced('away', 'connected offline', 'which is not announced again');
    report($httpd, 'away');
    $httpd->is_announced('away', 'connected offline connected', 'its return is');
    $httpd->is_announced('here', 'connected', 'nothing is announced of the other');
    $httpd->set_threshold($THRESHOLD);
    $httpd->is_announced('here', 'connected offline', 'for which the threshold holds');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'reloads in a loop' => sub {
    my $httpd = Sentinel->start(conf => $CONF);
    report($httpd, 'office');
    my $reloads = 0;
    while ($reloads < 100 && $httpd->events('office') < 2) {
        $httpd->graceful;
        $reloads++;
    }
    cmp_ok($reloads, '<', 100, 'do not put the alarm off') or diag explain [ $httpd->events ];
    $httpd->is_announced('office', 'connected offline', 'it was told once');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'the wall clock is set' => sub {
    my $httpd = Sentinel->start(conf => $PATIENT, clock => 1);
    report($httpd, 'beating');
    my (undef, $before) = $httpd->api('GET', '/status');
    for my $hours (5, -10, 0) {
        $httpd->step_clock($hours * $HOUR);
        beat($httpd, 1, 'beating');
        $httpd->is_announced('beating', 'connected', "$hours h: no alarm");
        my $status;
        ok($httpd->wait_for(sub { ($status) = ($httpd->api('GET', '/status'))[1]; $status->{monitor}{running} }),
            '... the monitor runs');
        isnt($status->{server_time}, $before->{server_time}, '... the clock is another');
    }
    $httpd->set_threshold($THRESHOLD);
    for my $hours (-20, 20) {
        my $id = $hours < 0 ? 'back' : 'forward';
        report($httpd, $id);
        $httpd->begins_with($id, 'connected', "$id: connected");
        $httpd->step_clock($hours * $HOUR);
        my ($event) = ($httpd->is_announced($id, 'connected offline', '... the alarm comes'))[1];
        cmp_ok($event->{seconds}, '<', 60, '... with the true length of the silence');
    }
    $httpd->stop;
    $httpd->check_error_log;
};

# Two servers at the same time: in the one, a child goes on before the monitor.
subtest 'the whole machine stands still' => sub {
    my $conf = "VPNSentinelOfflineThreshold $MEDIUM\nVPNSentinelCheckInterval 1\n";
    my %httpd = map { $_ => Sentinel->start(conf => $conf) } qw(together monitor-last);
    report($_, 'office') for values %httpd;
    $httpd{$_}->is_announced('office', 'connected', "$_: connected") for sort keys %httpd;
    report($_, 'office') for values %httpd;
    my %stopped = map { $_ => [ $httpd{$_}->session($httpd{$_}->pid) ] } keys %httpd;
    kill 'STOP', map { @$_ } values %stopped;
    sleep $MEDIUM + 5 + 2;

    kill 'CONT', @{ $stopped{together} };
    my %monitor = map { $_ => 1 } $httpd{'monitor-last'}->monitors;
    kill 'CONT', grep { !$monitor{$_} } @{ $stopped{'monitor-last'} };
    report($_, 'office') for values %httpd;
    kill 'CONT', keys %monitor;
    for my $name (sort keys %httpd) {
        beat($httpd{$name}, 1, 'office');
        $httpd{$name}->is_announced('office', 'connected', "$name: no alarm");
    }
    for my $name (sort keys %httpd) {
        $httpd{$name}->is_announced('office', 'connected offline',
            "$name: until the threshold has passed anew");
        $httpd{$name}->stop;
        $httpd{$name}->check_error_log;
    }
};

done_testing;
