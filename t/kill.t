# Children killed with -9: while one holds the lock, at points of the change that the test picks, and at random
# under load. Nothing blocks, nothing is torn, nothing that was acknowledged is lost; on every MPM.
#
# Runs the module with its test hooks compiled in: the header X-Test-Kill-At names the point.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);
use Load;
use VpsHttpd;

my $MODULE = ($ENV{VPS_BUILDDIR} // '.') . '/t/.libs/mod_vpnsentinel_hooks.so';
my $CONF = "VPNSentinelAPI\nVPNSentinelAPIKey key\nVPNSentinelRateLimit 0\n";
my %PROCESSES = (
    event => "StartServers 4\nMaxSpareThreads 32\n",
    worker => "StartServers 4\nMaxSpareThreads 32\n",
    prefork => "StartServers 6\nMinSpareServers 6\nMaxSpareServers 9\n",
);
# Saving the record, writing it, and around the end of the change; the unit test takes every point.
my %POINTS = (event => [1, 8, 10, 14], worker => [3, 9, 12, 17], prefork => [5, 11, 16, 20]);
my @EXPECTED = (qr/AH00052: child pid \d+ exit signal Killed/, qr/children are killed successively/);

sub keepalive {
    my ($httpd, $id, $city, $kill_at) = @_;
    my %headers = ('X-API-Key' => 'key');
    $headers{'X-Test-Kill-At'} = $kill_at if $kill_at;
    my $answer = $httpd->request('POST', '/api/v1/keepalive', {
        headers => \%headers,
        content => { client_id => $id, city => $city, region => $city, provider => $city },
    });
    return $answer->{status};
}

sub client {
    my ($httpd, $id) = @_;
    my (undef, $body) = $httpd->json('GET', "/api/v1/clients/$id", { headers => { 'X-API-Key' => 'key' } });
    return $body;
}

sub is_whole {
    my ($client, @cities) = @_;
    my ($city) = grep { $_ eq $client->{city} } @cities;
    return $city && $client->{region} eq $city && $client->{provider} eq $city;
}

for my $mpm (qw(event worker prefork)) {
    my $httpd = VpsHttpd->start(conf => $CONF . $PROCESSES{$mpm}, mpm => $mpm, module => $MODULE);
    is keepalive($httpd, 'c-1', 'Before'), 200, "$mpm: keepalive";
    my $round = 0;
    for my $point (@{ $POINTS{$mpm} }) {
        $round++;
        is keepalive($httpd, 'c-1', 'After', $point), 599, "$mpm: the child dies at point $point";
        my $client = client($httpd, 'c-1');
        ok is_whole($client, 'Before', 'After'), "$mpm: point $point: nothing is torn" or diag explain $client;
        is keepalive($httpd, "fresh-$point", 'After', $point), 599, "$mpm: and with a new client";
        is keepalive($httpd, "fresh-$point", 'Again'), 200, "$mpm: point $point: nothing is blocked";
        is keepalive($httpd, 'c-1', 'Before'), 200, "$mpm: point $point: the client goes on";
        ok is_whole(client($httpd, $_), 'Before', 'Again'), "$mpm: point $point: $_ is whole"
            for 'c-1', "fresh-$point";
    }
    my (undef, $list) = $httpd->json('GET', '/api/v1/clients', { headers => { 'X-API-Key' => 'key' } });
    is $list->{count}, 1 + $round, "$mpm: every client is there once";
    $httpd->stop;
    like $httpd->error_log, qr/VPNS0012/, "$mpm: a half-made change was undone, and told";
    $httpd->check_error_log(allow => \@EXPECTED);
}

subtest 'killed at random under load' => sub {
    my $httpd = VpsHttpd->start(conf => $CONF . $PROCESSES{event}, module => $MODULE);
    my %load = map { $_ => Load->start($httpd, $_, 'key') } qw(load-1 load-2 load-3);
    for my $id (sort keys %load) {
        $httpd->wait_for(sub { (client($httpd, $id)->{keepalives} // 0) > 1 }) or die "$id does not begin";
    }
    srand 20261122;
    for (1 .. 8) {
        my @child = $httpd->children;
        kill 'KILL', $child[rand @child] if @child;
        sleep 0.15;
    }
    for my $id (sort keys %load) {
        my ($good, $bad) = $load{$id}->stop;
        my $kept = client($httpd, $id)->{keepalives};
        ok $good > 0 && $kept >= $good && $kept <= $good + $bad, "$id: none was lost"
            or diag "$kept kept, $good acknowledged, $bad not";
    }
    $httpd->stop;
    $httpd->check_error_log(allow => \@EXPECTED);
};

done_testing;
