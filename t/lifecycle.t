# The registry through reloads: what graceful and restart keep; on every MPM.
use strict;
use warnings;

use Test::More;
use Load;
use Sentinel;

my $CONF = "VPNSentinelAPI\nVPNSentinelAPIKey key\nVPNSentinelRateLimit 0\n";
my %HEADERS = (headers => { 'X-API-Key' => 'key' });

sub keepalive {
    my ($httpd, $id, $city) = @_;
    my $answer = $httpd->request('POST', '/api/v1/keepalive',
        { %HEADERS, content => { client_id => $id, city => $city } });
    return $answer->{status};
}

sub clients {
    my ($httpd, $key) = @_;
    my %headers = (headers => { 'X-API-Key' => $key // 'key' });
    my (undef, $body) = $httpd->json('GET', '/api/v1/clients', \%headers);
    return { map { $_->{client_id} => $_ } @{ $body->{clients} } };
}

sub server_status {
    my ($httpd) = @_;
    my (undef, $body) = $httpd->json('GET', '/api/v1/status', {%HEADERS});
    return $body;
}

for my $mpm (qw(event worker prefork)) {
    my $httpd = VpsHttpd->start(conf => $CONF, mpm => $mpm);
    is keepalive($httpd, "c-$_", 'Rome'), 200, "$mpm: keepalive $_" for 1 .. 3;
    my $before = clients($httpd);
    my $start = server_status($httpd)->{started_at};
    like $start, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "$mpm: start of service";

    my $load = Load->start($httpd, 'loaded', 'key');
    for my $reload (qw(graceful restart graceful restart)) {
        $httpd->$reload;
        my $after = clients($httpd);
        delete $after->{loaded};
        is_deeply $after, $before, "$mpm: $reload keeps every client as it was";
        is server_status($httpd)->{started_at}, $start, "$mpm: $reload keeps the start of service";
    }
    my ($good, $bad) = $load->stop;
    cmp_ok $good, '>', 0, "$mpm: keepalives went on while it was reloaded";
    my $kept = clients($httpd)->{loaded}{keepalives};
    ok $kept >= $good && $kept <= $good + $bad, "$mpm: none of them was lost"
        or diag "$kept kept, $good acknowledged, $bad not";

    is keepalive($httpd, 'c-1', 'Oslo'), 200, "$mpm: keepalive after all";
    is clients($httpd)->{'c-1'}{city}, 'Oslo', "$mpm: it replaced the report";
    is clients($httpd)->{'c-1'}{keepalives}, 2, "$mpm: it was counted";

    $httpd->write_file('httpd.conf',
        $httpd->read_file('httpd.conf') . "VPNSentinelMaxClients 2\n");
    $httpd->graceful;
    is keepalive($httpd, 'new', 'Rome'), 503, "$mpm: a lower limit holds after a graceful";
    is keepalive($httpd, 'c-3', 'Rome'), 200, "$mpm: and those beyond it stay";

    is $httpd->stop, 0, "$mpm: stops cleanly";
    $httpd->check_error_log;
}

# Three loaders of one client: an update that is not exclusive loses a keepalive.
for my $mutex (qw(pthread fcntl:run flock:run sysvsem)) {
    subtest "Mutex $mutex" => sub {
        my $httpd = VpsHttpd->start(conf => "${CONF}Mutex $mutex vpnsentinel\n");
        my @load = map { Load->start($httpd, 'loaded', 'key') } 1 .. 3;
        $httpd->$_ for qw(graceful graceful restart restart);
        my ($good, $bad) = (0, 0);
        for my $load (@load) {
            my ($acknowledged, $failed) = $load->stop;
            $good += $acknowledged;
            $bad += $failed;
        }
        my $kept = clients($httpd)->{loaded}{keepalives};
        ok $good > 0 && $kept >= $good && $kept <= $good + $bad, 'none was lost'
            or diag "$kept kept, $good acknowledged, $bad not";
        is $httpd->stop, 0, 'stops cleanly';
        $httpd->check_error_log;
    };
}

# Whatever is in the segment moves to a larger one; with a store or without.
for my $store ('', "VPNSentinelStateDir none\n") {
    subtest "a limit beyond the running segment $store" => sub {
        my $httpd = Sentinel->start(conf => $store);
        $httpd->keepalive({ client_id => 'c-1', city => 'Rome' });
        my @events = ($httpd->is_announced('c-1', 'connected', 'a client'))[0];
        my $before = clients($httpd, $Sentinel::KEY);
        my $start = ($httpd->api('GET', '/status'))[1]{started_at};
        my $load = Load->start($httpd, 'loaded', $Sentinel::KEY);
        $httpd->write_file('httpd.conf',
            $httpd->read_file('httpd.conf') . "VPNSentinelMaxClients 1000000\n");
        $httpd->graceful;
        my ($good, $bad) = $load->stop;
        my $after = clients($httpd, $Sentinel::KEY);
        my $kept = delete($after->{loaded})->{keepalives};
        cmp_ok $kept, '>=', $good, 'no keepalive was lost'
            or diag "$kept kept, $good acknowledged, $bad not";
        is_deeply $after, $before, 'the clients stay';
        my (undef, $status) = $httpd->api('GET', '/status');
        is $status->{clients}{max}, 1000000, 'the limit holds';
        is $status->{started_at}, $start, 'the start of service does not move';
        $httpd->keepalive({ client_id => 'c-1', city => 'Rome', public_ip => '203.0.113.1' });
        $httpd->is_announced('c-1', 'connected', 'nothing is announced again');
        is_deeply [ $httpd->events('c-1') ], \@events, 'the events stay';
        $httpd->stop;
        $httpd->check_error_log;
    };
}

# A module that is added to a running web server must not end it. In /proc no lock file can be made.
subtest 'a mutex that cannot be had' => sub {
    my $broken = "Mutex flock:/proc vpnsentinel\n${CONF}VPNSentinelHealth\n";
    my $refused = VpsHttpd->start(conf => $broken, expect_failure => 1);
    like $refused->error_log, qr/VPNS0016/, 'httpd does not start, and says why';

    my $httpd = VpsHttpd->start;
    my $before = $httpd->read_file('httpd.conf');
    $httpd->write_file('httpd.conf', $before . $broken);
    $httpd->graceful;
    is keepalive($httpd, 'c-1', 'Rome'), 503, 'a running one goes on: the API answers 503';
    is $httpd->request('GET', '/health/ready')->{status}, 503, 'it is not ready';
    is $httpd->request('GET', '/health')->{content}, 'OK', 'but there';
    $httpd->write_file('httpd.conf', $before . $CONF);
    $httpd->graceful;
    is keepalive($httpd, 'c-1', 'Rome'), 200, 'a later reload mends it';
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/AH00023/, qr/VPNS0016/]);
};

subtest 'a million clients from the start' => sub {
    my $httpd = VpsHttpd->start(conf => "${CONF}VPNSentinelMaxClients 1000000\n");
    is server_status($httpd)->{clients}{max}, 1000000, 'the limit';
    is keepalive($httpd, 'c-1', 'Rome'), 200, 'keepalive';
    $httpd->stop;
    $httpd->check_error_log;
};

done_testing;
